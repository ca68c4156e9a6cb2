//! Plans and chunks that are refused, each by the name of its check, and the largest ones that are not.

use cairo_decode::tensor::{Function, Gated, Matrix, Plan, PlanError, Product, Tensor};

use crate::Numbers;

/// Channels of these plans.
const WIDTH: usize = 8;

/// The magnitude of a stream's values is below this.
const BOUND: i64 = 1 << 28;

/// A plan of one embedding, whose values are at most 100.
fn embedded() -> (Plan, Tensor) {
    let mut embedding = Numbers(3).rows(WIDTH, 2, 100);
    embedding[0][0] = 100;
    let embedding = Matrix::new(WIDTH, embedding);
    let mut plan = Plan::new(8, 12, embedding).expect("a plan");
    let x = plan.embed();
    (plan, x)
}

/// A product with the weight `weight` for the first input of each output, and 0 for the others.
fn product(outputs: usize, weight: i32, bias: i32, shift: u32) -> Product {
    let row = |_| [vec![weight], vec![0; WIDTH - 1]].concat();
    Product {
        weights: Matrix::new(WIDTH, (0..outputs).map(row)),
        bias: vec![bias; outputs],
        shift,
    }
}

fn table(first: i64, arguments: usize) -> Function {
    Function {
        first,
        values: vec![7; arguments],
    }
}

#[test]
fn blocks_have_an_even_number_of_outputs() {
    for block in [0, 3] {
        let plan = Plan::new(8, block, Numbers(3).matrix(WIDTH, 2, 100));
        assert_eq!(plan.err(), Some(PlanError::Block(block)));
    }
}

#[test]
fn tables_have_arguments_of_16_bits() {
    let (mut plan, _) = embedded();
    assert_eq!(plan.table(table(-(1 << 15), 1 << 16)), Ok(0));
    for (first, arguments) in [
        (-(1 << 15) - 1, 1),
        (-(1 << 15), (1 << 16) + 1),
        (0, 0),
        (1 << 15, 1),
    ] {
        let refusal = PlanError::Arguments { first, arguments };
        assert_eq!(plan.table(table(first, arguments)), Err(refusal));
    }
    let limit = 1 << 29;
    for value in [limit, i64::from(i32::MIN)] {
        let function = Function {
            first: 0,
            values: vec![value as i32],
        };
        assert_eq!(plan.table(function), Err(PlanError::Value { value, limit }));
    }
}

#[test]
fn a_function_has_all_arguments() {
    let (mut plan, x) = embedded();
    let operation = "function";
    let all = plan.table(table(-300, 601)).expect("a table");
    assert!(plan.function(x, product(8, 3, 0, 0), all).is_ok());
    let refusal = PlanError::Argument {
        operation,
        output: 0,
        reach: 301,
        lowest: -300,
        highest: 300,
    };
    assert_eq!(plan.function(x, product(8, 3, 1, 0), all), Err(refusal));
    let refusal = PlanError::NoTable {
        operation,
        table: all + 1,
    };
    assert_eq!(plan.function(x, product(8, 3, 0, 0), all + 1), Err(refusal));
    // A form of 16 bits after a shift by 14 is one of 30; after a shift by 15 it could be another number modulo p.
    let wide = plan.table(table(-(1 << 15), 1 << 16)).expect("a table");
    assert!(plan.function(x, product(8, 3, 0, 14), wide).is_ok());
    let refusal = PlanError::Bits {
        operation,
        bits: 16,
        shift: 15,
    };
    assert_eq!(plan.function(x, product(8, 3, 0, 15), wide), Err(refusal));
    let refusal = PlanError::Range {
        operation,
        output: 0,
        reach: 1 << 29,
        limit: 1 << 29,
    };
    let far = product(8, 1, (1 << 29) - 100, 14);
    assert_eq!(plan.function(x, far, wide), Err(refusal));
}

#[test]
fn a_residual_has_a_stream_of_its_channels() {
    let (mut plan, x) = embedded();
    let refusal = PlanError::Outputs {
        operation: "residual",
        found: 7,
        expected: 8,
    };
    assert_eq!(plan.residual(x, x, product(7, 1, 0, 0), 20), Err(refusal));
    for (bits, shift, fits) in [
        (14, 16, true),
        (13, 5, false),
        (25, 5, true),
        (25, 6, false),
    ] {
        let refusal = PlanError::StreamBits {
            bits,
            shift,
            least: 14,
            most: 30,
        };
        let found = plan.residual(x, x, product(8, 1, 0, shift), bits);
        assert_eq!(found.err(), (!fits).then_some(refusal));
    }
    // A function's values can be larger than a stream's.
    let values = vec![(1 << 28) - 100];
    let large = plan.table(Function { first: 0, values }).expect("a table");
    let large = plan
        .function(x, product(8, 0, 0, 0), large)
        .expect("in range");
    let refusal = PlanError::Stream {
        reach: BOUND,
        limit: BOUND,
    };
    let joined = |plan: &mut Plan, bias| plan.residual(large, x, product(8, 0, bias, 0), 20);
    assert!(joined(&mut plan, 99).is_ok());
    assert_eq!(joined(&mut plan, 100), Err(refusal));
}

/// An embedding's plan with two tables for its values, of ones and of large numbers.
fn with_tables() -> (Plan, Tensor, [usize; 2]) {
    let (mut plan, x) = embedded();
    let constant = |value: i32| Function {
        first: -100,
        values: vec![value; 201],
    };
    let tables = [1, 1 << 20].map(|value| plan.table(constant(value)).expect("a table"));
    (plan, x, tables)
}

fn gated(table: usize, gate: i32, up: i32, shift: u32) -> Gated {
    let [gate, up] = [gate, up].map(|weight| product(3, weight, 0, 0));
    Gated {
        gate,
        up,
        table,
        shift,
        bits: 15,
    }
}

#[test]
fn a_gated_product_has_two_matrices_and_a_table() {
    let (mut plan, x, [ones, _]) = with_tables();
    let operation = "gated";
    assert!(plan.gated(x, gated(ones, 1, 50, 0)).is_ok());
    let refusal = PlanError::Outputs {
        operation,
        found: 4,
        expected: 3,
    };
    let wider = Gated {
        up: product(4, 1, 0, 0),
        ..gated(ones, 1, 1, 0)
    };
    assert_eq!(plan.gated(x, wider), Err(refusal));
    let refusal = PlanError::NoTable {
        operation,
        table: 2,
    };
    assert_eq!(plan.gated(x, gated(2, 1, 50, 0)), Err(refusal));
    let refusal = PlanError::Argument {
        operation,
        output: 0,
        reach: 200,
        lowest: -100,
        highest: 100,
    };
    assert_eq!(plan.gated(x, gated(ones, 2, 50, 0)), Err(refusal));
}

/// The second matrix's results have at most 16 bits, and those of both at most 30 with their rest.
#[test]
fn a_gated_product_has_proven_ranges() {
    let (mut plan, x, [ones, large]) = with_tables();
    let operation = "gated";
    let bits = |bits, shift| PlanError::Bits {
        operation,
        bits,
        shift,
    };
    assert!(plan.gated(x, gated(ones, 1, 327, 15)).is_ok());
    let refusal = Err(bits(17, 0));
    assert_eq!(plan.gated(x, gated(ones, 1, 328, 0)), refusal);
    let refusal = PlanError::Range {
        operation,
        output: 0,
        reach: 5000 << 20,
        limit: 1 << 29,
    };
    assert_eq!(plan.gated(x, gated(large, 1, 50, 15)), Err(refusal));
    let refusal = Err(bits(15, 16));
    assert_eq!(plan.gated(x, gated(ones, 1, 1, 16)), refusal);
    // 100 · 2^20 / 2^9 has 18 bits and a sign: it is checked to have 15.
    let result = plan.gated(x, gated(large, 1, 1, 9)).expect("in range");
    assert_eq!((result.magnitude, result.bits), (1 << 14, 15));
}
