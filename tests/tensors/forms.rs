//! Other forms of the same numbers: values that differ in several columns, and change no sum. Only ranges refuse them.

use cairo_decode::air::components::relations::RANGE;
use cairo_decode::prove::tensor::{Witness, tally};
use cairo_decode::tensor::Product;
use cairo_decode::tensor::constants::signed;
use cairo_decode::tensor::plan::Operation;

use crate::balance::{Honest, Misfit};
use crate::{Chunk, ends};

/// Columns of the first lane behind operands, in each component: see its definition.
mod columns {
    use crate::LANES;

    pub const ROUND: [usize; 2] = [2, 2 + LANES];
    pub const FUNCTION: [usize; 3] = [2, 2 + LANES, 2 + 2 * LANES];
    pub const RESIDUAL: [usize; 4] = [3, 3 + LANES, 4 + LANES, 5 + LANES];
    pub const GATED: [usize; 7] = [2, 3, 4, 5, 6, 7, 8];
}

/// A lie in the first row and lane of a component.
struct Lie<'a> {
    chunk: &'a Chunk,
    component: usize,
    witness: Witness,
}

impl Lie<'_> {
    fn new<'a>(chunk: &'a Chunk, name: &str) -> Lie<'a> {
        let component = chunk.index(name);
        let witness = chunk.witness.clone();
        Lie {
            chunk,
            component,
            witness,
        }
    }

    /// The number in a column, with its sign.
    fn number(&self, column: usize) -> i64 {
        let value = i64::from(self.witness.tables[self.component][column][0].0);
        let modulus = (1 << 31) - 1;
        if value > modulus / 2 {
            value - modulus
        } else {
            value
        }
    }

    fn set(&mut self, column: usize, number: i64) {
        self.witness.tables[self.component][column][0] = signed(number);
    }

    fn add(&mut self, column: usize, number: i64) {
        self.set(column, self.number(column) + number);
    }

    /// The result and its rest are those of the product of both values.
    fn multiplies(&mut self, [_, _, a, u, _, o, q]: [usize; 7], unit: i64) {
        let shifted = self.number(a) * self.number(u) + unit / 2;
        self.set(o, shifted.div_euclid(unit));
        self.set(q, shifted.rem_euclid(unit));
        self.claims(self.number(o));
    }

    /// The memory says what the row claims as its result.
    fn claims(&mut self, result: i64) {
        let tables = &self.witness.tables;
        let address = tables[self.component][1][0].0 as usize;
        let tensor = self.chunk.index("tensor");
        self.witness.tables[tensor][0][address] = signed(result);
    }

    /// The lie is refused, by ranges and by nothing else.
    fn refused_by_ranges(mut self, what: &str) {
        tally::write(&self.chunk.constants, &mut self.witness);
        let checked = Honest::check(&self.chunk.constants, &self.witness);
        let misfit = checked.err().unwrap_or_default();
        assert!(!misfit.open.is_empty(), "{what}: accepted");
        let relations = vec![RANGE.0; misfit.open.len()];
        let ranges = Misfit {
            open: relations,
            ..Misfit::default()
        };
        assert_eq!(misfit, ranges, "{what}");
    }
}

/// What an operation of the plan has for its component's first row.
fn product(chunk: &Chunk, name: &str) -> Product {
    let mut operations = chunk.plan.operations.iter();
    let found = operations.find_map(|operation| match (operation, name) {
        (Operation::Linear { of, .. }, "round") => Some(of),
        (Operation::Function { of, .. }, "function") => Some(of),
        (Operation::Residual { of, .. }, "residual") => Some(of),
        _ => None,
    });
    found.expect("an operation").clone()
}

/// Attack: a result that is larger by `n`, with a rest that is smaller by `n 2^s`: the same accumulator. Stopped by: the rest's range.
#[test]
fn another_rounding_of_the_same_accumulator() {
    let chunk = ends();
    let scale = |name: &str| 1 << product(&chunk, name).shift;
    for by in [1, -1] {
        let mut lie = Lie::new(&chunk, "round");
        let [z, r] = columns::ROUND;
        lie.add(z, by);
        lie.add(r, -by * scale("round"));
        lie.claims(lie.number(z));
        lie.refused_by_ranges("round");

        let mut lie = Lie::new(&chunk, "function");
        let [z, r, w] = columns::FUNCTION;
        lie.add(z, by);
        lie.add(r, -by * scale("function"));
        let value = chunk.value(0, lie.number(z));
        lie.set(w, value);
        lie.claims(value);
        lie.refused_by_ranges("function");

        let mut lie = Lie::new(&chunk, "residual");
        let [_, low, high, r] = columns::RESIDUAL;
        lie.add(low, by);
        lie.add(r, -by * scale("residual"));
        lie.claims(lie.number(low) + (lie.number(high) << 14) - (1 << 26));
        lie.refused_by_ranges("residual");
    }
}

/// Attack: limbs of a stream that overlap. Stopped by: the low limb's range.
#[test]
fn other_limbs_of_the_same_stream() {
    let chunk = ends();
    for by in [1, -1] {
        let mut lie = Lie::new(&chunk, "residual");
        let [_, low, high, _] = columns::RESIDUAL;
        lie.add(low, by << 14);
        lie.add(high, -by);
        lie.refused_by_ranges("residual");
    }
}

/// Attack: each of a gated product's three roundings with another result and rest, and what follows from it. Stopped by: the rest's range.
#[test]
fn another_rounding_of_a_gated_product() {
    let chunk = ends();
    let gated = chunk
        .plan
        .operations
        .iter()
        .find_map(|operation| match operation {
            Operation::Gated { of, .. } => Some(of.clone()),
            _ => None,
        });
    let of = gated.expect("a gated product");
    let [z, r, a, u, rest, o, q] = columns::GATED;
    let unit = 1i64 << of.shift;
    for by in [1, -1] {
        let mut lie = Lie::new(&chunk, "gated");
        lie.add(z, by);
        lie.add(r, -by << of.gate.shift);
        lie.set(a, chunk.value(of.table, lie.number(z)));
        lie.multiplies(columns::GATED, unit);
        lie.refused_by_ranges("the gate");

        let mut lie = Lie::new(&chunk, "gated");
        lie.add(u, by);
        lie.add(rest, -by << of.up.shift);
        lie.multiplies(columns::GATED, unit);
        lie.refused_by_ranges("the other product");

        let mut lie = Lie::new(&chunk, "gated");
        lie.add(o, by);
        lie.add(q, -by * unit);
        lie.claims(lie.number(o));
        lie.refused_by_ranges("the product of both");
    }
}
