//! Lies in several columns that change no sum, with a memory that says what they claim: of each, one lookup or one constraint refuses it, and
//! nothing else does.

use cairo_decode::air::components::relations::{FUNCTION, RANGE, TENSOR};
use cairo_decode::prove::tensor::{Witness, tally};

use cairo_decode::tensor::Operation;
use cairo_decode::tensor::constants::signed;
use cairo_decode::tensor::{Gated, Product};
use stwo::core::fields::m31::M31;

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
    fn multiplies(&mut self, [_, _, a, u, _, o, q]: [usize; 7], shift: u32) {
        let unit = 1 << shift;
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

    fn misfit(&mut self) -> Misfit {
        tally::write(&self.chunk.constants, &mut self.witness);
        let checked = Honest::check(&self.chunk.constants, &self.witness, 1);
        checked.err().unwrap_or_default()
    }

    /// The lie is refused by a relation, and by nothing else.
    fn refused_by(mut self, relation: M31, what: &str) {
        let misfit = self.misfit();
        assert!(!misfit.open.is_empty(), "{what}: accepted");
        let only = Misfit {
            open: vec![relation.0; misfit.open.len()],
            ..Misfit::default()
        };
        assert_eq!(misfit, only, "{what}");
    }

    /// The lie is refused by a constraint of its row, and by nothing else.
    fn refused_by_a_constraint(mut self, name: &str) {
        let only = Misfit {
            broken: vec![(name.to_string(), 0)],
            ..Misfit::default()
        };
        assert_eq!(self.misfit(), only, "{name}");
    }

    /// Another result and rest whose form is `p` away.
    fn wraps(&mut self, result: usize, rest: usize, shift: u32) {
        let sign = if self.number(rest) > 0 { 1 } else { -1 };
        self.add(result, sign << (31 - shift));
        self.add(rest, -sign);
    }
}

/// The new stream in the row of a residual, whose added numbers have 25 bits.
fn joined(lie: &Lie) -> i64 {
    let [old, low, high, _] = columns::RESIDUAL.map(|column| lie.number(column));
    old + low + (high << 14) - (1 << 24)
}

/// What an operation of the plan has for its component's first row.
fn product(chunk: &Chunk, name: &str) -> Product {
    let mut operations = chunk.plan.operations.iter();
    let found = operations.find_map(|operation| match (operation, name) {
        (Operation::Linear(linear), "round") => Some(&linear.of),
        (Operation::Function(function), "function") => Some(&function.of),
        (Operation::Residual(residual), "residual") => Some(&residual.of),
        _ => None,
    });
    found.expect("an operation").clone()
}

/// The gated product of the plan.
fn gated(chunk: &Chunk) -> Gated {
    let mut operations = chunk.plan.operations.iter();
    let found = operations.find_map(|operation| match operation {
        Operation::Gated(gated) => Some(&gated.of),
        _ => None,
    });
    found.expect("a gated product").clone()
}

/// Attack: a result that is larger by `n`, with a rest that is smaller by `n 2^s`: the same accumulator. Stopped by: the rest's range.
#[test]
fn requirement_12_another_rounding_of_the_same_accumulator() {
    let chunk = ends();
    let scale = |name: &str| 1 << product(&chunk, name).shift;
    for by in [1, -1] {
        let mut lie = Lie::new(&chunk, "round");
        let [z, r] = columns::ROUND;
        lie.add(z, by);
        lie.add(r, -by * scale("round"));
        lie.claims(lie.number(z));
        lie.refused_by(RANGE, "round");

        let mut lie = Lie::new(&chunk, "function");
        let [z, r, w] = columns::FUNCTION;
        lie.add(z, by);
        lie.add(r, -by * scale("function"));
        let value = chunk.value(0, lie.number(z));
        lie.set(w, value);
        lie.claims(value);
        lie.refused_by(RANGE, "function");

        let mut lie = Lie::new(&chunk, "residual");
        let [_, low, _, r] = columns::RESIDUAL;
        lie.add(low, by);
        lie.add(r, -by * scale("residual"));
        lie.claims(joined(&lie));
        lie.refused_by(RANGE, "residual");
    }
}

/// Attack: limbs that overlap. Stopped by: the low limb's range.
#[test]
fn requirement_12_other_limbs_of_what_joins_a_stream() {
    let chunk = ends();
    for by in [1, -1] {
        let mut lie = Lie::new(&chunk, "residual");
        let [_, low, high, _] = columns::RESIDUAL;
        lie.add(low, by << 14);
        lie.add(high, -by);
        lie.refused_by(RANGE, "residual");
    }
}

/// Attack: each of a gated product's three roundings with another result and rest, and what follows from it. Stopped by: the rest's range.
#[test]
fn requirement_12_another_rounding_of_a_gated_product() {
    let chunk = ends();
    let of = gated(&chunk);
    let [z, r, a, u, rest, o, q] = columns::GATED;
    for by in [1, -1] {
        let mut lie = Lie::new(&chunk, "gated");
        lie.add(z, by);
        lie.add(r, -by << of.gate.shift);
        lie.set(a, chunk.value(of.table, lie.number(z)));
        lie.multiplies(columns::GATED, of.shift);
        lie.refused_by(RANGE, "the gate");

        let mut lie = Lie::new(&chunk, "gated");
        lie.add(u, by);
        lie.add(rest, -by << of.up.shift);
        lie.multiplies(columns::GATED, of.shift);
        lie.refused_by(RANGE, "the other product");

        let mut lie = Lie::new(&chunk, "gated");
        lie.add(o, by);
        lie.add(q, -by << of.shift);
        lie.claims(lie.number(o));
        lie.refused_by(RANGE, "the product of both");
    }
}

/// Attack: a result and a rest that stand for an accumulator `p` away. Stopped by: the result's range, or the table.
#[test]
fn requirement_12_an_accumulator_that_is_congruent() {
    let chunk = ends();
    let mut lie = Lie::new(&chunk, "round");
    let [z, r] = columns::ROUND;
    lie.wraps(z, r, product(&chunk, "round").shift);
    lie.claims(lie.number(z));
    lie.refused_by(RANGE, "round");

    let mut lie = Lie::new(&chunk, "function");
    let [z, r, _] = columns::FUNCTION;
    lie.wraps(z, r, product(&chunk, "function").shift);
    lie.refused_by(FUNCTION, "function");

    let mut lie = Lie::new(&chunk, "residual");
    let [_, _, high, r] = columns::RESIDUAL;
    let shift = product(&chunk, "residual").shift;
    // What joins the stream is 2^14 times the high limb, and the low one.
    lie.wraps(high, r, shift + 14);
    lie.claims(joined(&lie));
    lie.refused_by(RANGE, "residual");

    let of = gated(&chunk);
    let [z, r, _, u, rest, o, q] = columns::GATED;
    let mut lie = Lie::new(&chunk, "gated");
    lie.wraps(z, r, of.gate.shift);
    lie.refused_by(FUNCTION, "the gate");
    let mut lie = Lie::new(&chunk, "gated");
    lie.wraps(u, rest, of.up.shift);
    lie.multiplies(columns::GATED, of.shift);
    lie.refused_by(RANGE, "the other product");
    let mut lie = Lie::new(&chunk, "gated");
    lie.wraps(o, q, of.shift);
    lie.claims(lie.number(o));
    lie.refused_by(RANGE, "the product of both");
}

/// Attack: a value that the table does not have for the argument. Stopped by: the table.
#[test]
fn requirement_13_another_value_of_a_function() {
    let chunk = ends();
    let mut lie = Lie::new(&chunk, "function");
    let [_, _, w] = columns::FUNCTION;
    lie.add(w, 1);
    lie.claims(lie.number(w));
    lie.refused_by(FUNCTION, "function");

    let mut lie = Lie::new(&chunk, "gated");
    let [_, _, a, ..] = columns::GATED;
    lie.add(a, 1);
    lie.multiplies(columns::GATED, gated(&chunk).shift);
    lie.refused_by(FUNCTION, "gated");
}

/// Attack: a gated product's result that is not the product. Stopped by: its constraint.
#[test]
fn requirement_11_another_product_of_both() {
    let chunk = ends();
    let mut lie = Lie::new(&chunk, "gated");
    let [.., o, _] = columns::GATED;
    lie.add(o, 1);
    lie.claims(lie.number(o));
    lie.refused_by_a_constraint("gated");
}

/// Attack: another old stream, and the new one that what joins it makes of it. Stopped by: the memory.
#[test]
fn requirement_11_another_old_stream() {
    let chunk = ends();
    let mut lie = Lie::new(&chunk, "residual");
    let [old, ..] = columns::RESIDUAL;
    lie.add(old, 1);
    lie.claims(joined(&lie));
    lie.refused_by(TENSOR, "residual");
}
