//! Ranges that are checked, not proven: the largest numbers have a witness that fits, and the next ones are refused by name; a prover who has them nevertheless is
//! refused by the range of that number, and by nothing else.

use cairo_decode::air::components::attend::NEAREST;
use cairo_decode::air::components::relations::RANGE;
use cairo_decode::prove::tensor::tally;
use cairo_decode::tensor::values::compute;
use cairo_decode::tensor::{
    Attention, BitsError, Chunk, Function, Gated, Matrix, Plan, PlanError, Product,
};

use crate::balance::{Honest, Misfit};
use crate::chunk_with;

const WIDTH: usize = 8;

/// An operation whose results have so many bits, and are all a constant.
type Adds = fn(&mut Plan, i32, u32) -> Result<(), PlanError>;

/// Results that are all a constant before they are shifted.
fn constant(value: i32, shift: u32) -> Product {
    Product {
        weights: Matrix::new(WIDTH, vec![vec![0; WIDTH]; WIDTH]),
        bias: vec![value; WIDTH],
        shift,
    }
}

/// A plan of an embedding of zeros and this operation, which is the second.
fn plan(adds: Adds, value: i32, bits: u32) -> Plan {
    let zeros = Matrix::new(WIDTH, vec![vec![0; WIDTH]]);
    let mut plan = Plan::new(8, 12, zeros).expect("a plan");
    let x = plan.embed();
    adds(&mut plan, value, bits).expect("in range");
    plan.head(x).expect("in range");
    plan
}

fn linear(plan: &mut Plan, value: i32, bits: u32) -> Result<(), PlanError> {
    let x = plan.operations[0].writes()[0];
    plan.linear(x, constant(value << 3, 3), bits).map(|_| ())
}

fn residual(plan: &mut Plan, value: i32, bits: u32) -> Result<(), PlanError> {
    let x = plan.operations[0].writes()[0];
    let of = constant(value << 2, 2);
    plan.residual(x, x, of, bits).map(|_| ())
}

fn gated(plan: &mut Plan, value: i32, bits: u32) -> Result<(), PlanError> {
    let x = plan.operations[0].writes()[0];
    let table = plan.table(Function {
        first: 0,
        values: vec![4],
    })?;
    let of = Gated {
        gate: constant(0, 0),
        up: constant(value, 0),
        table,
        shift: 2,
        bits,
    };
    plan.gated(x, of).map(|_| ())
}

/// Keys of one size: the mixture of values that are all the same is this value.
fn mixture(plan: &mut Plan, value: i32, bits: u32) -> Result<(), PlanError> {
    let x = plan.operations[0].writes()[0];
    let weights = plan.table(Function {
        first: NEAREST,
        values: vec![16384],
    })?;
    let values = plan.linear(x, constant(value, 0), 15)?;
    let of = Attention {
        heads: 1,
        kv_heads: 1,
        head_dim: WIDTH,
        shift: 0,
        weights,
        mixed_shift: 13,
        bits,
    };
    plan.attention(x, x, values, of).map(|_| ())
}

/// Each operation with the bits of its results, and its number in the plan.
const CHECKED: [(&str, Adds, u32, usize); 4] = [
    ("linear", linear, 12, 2),
    ("residual", residual, 14, 2),
    ("gated", gated, 13, 2),
    ("attention", mixture, 11, 4),
];

#[test]
fn requirement_12_a_value_beyond_its_bits_is_refused_by_its_range_alone() {
    for (name, adds, bits, operation) in CHECKED {
        let half = 1 << (bits - 1);
        let tokens = Chunk::first(&[0; 8]);
        for value in [half - 1, -half] {
            let plan = plan(adds, value, bits);
            let values = compute(&plan, &tokens).expect("in range");
            let chunk = chunk_with(plan, values);
            Honest::new(&chunk.constants, &chunk.witness);
        }
        for value in [half + 8, -half - 8] {
            let refusal = compute(&plan(adds, value, bits), &tokens).expect_err(name);
            let found = (
                refusal.operation,
                refusal.channel,
                refusal.lane,
                refusal.bits,
            );
            assert_eq!(found, (operation, 0, 0, bits), "{name}");
            assert_eq!(refusal.value, i64::from(value), "{name}");
            let _: BitsError = refusal;
            // With a bit more it has a proof: nothing but the range says no.
            let wider = plan(adds, value, bits + 1);
            let values = compute(&wider, &tokens).expect("in range");
            let chunk = chunk_with(wider, values.clone());
            Honest::new(&chunk.constants, &chunk.witness);
            let mut chunk = chunk_with(plan(adds, value, bits), values);
            tally::write(&chunk.constants, &mut chunk.witness);
            let misfit = Honest::check(&chunk.constants, &chunk.witness, 1);
            let misfit = misfit.err().unwrap_or_default();
            let only = Misfit {
                open: vec![RANGE.0; misfit.open.len()],
                ..Misfit::default()
            };
            assert!(!misfit.open.is_empty(), "{name}: accepted");
            assert_eq!(misfit, only, "{name}");
        }
    }
}
