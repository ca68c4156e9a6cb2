//! Lies about rotations, in several columns, with a memory that says what they claim: of each, one lookup or one constraint
//! refuses it, and nothing else does.

use cairo_decode::air::components::relations::{RANGE, TENSOR};
use cairo_decode::prove::tensor::{Constants, Witness, tally};
use cairo_decode::tensor::constants::signed;
use cairo_decode::tensor::rotary::Rotary;
use cairo_decode::tensor::{Operation, Plan};
use stwo::core::fields::m31::M31;

use crate::balance::{Honest, Misfit};
use crate::rotary::{CONTEXT, table};
use crate::{Chunk, GIVEN, LANES, Numbers, TOKENS, WIDTH, chunk_at};

/// A plan of operations whose results nothing else reads, but for the angles of its rotation.
fn plan() -> Plan {
    let mut numbers = Numbers(6);
    let embedding = numbers.matrix(WIDTH, TOKENS, 127);
    let mut plan = Plan::new(LANES, 12, embedding).expect("a plan");
    plan.positions();
    let x = plan.embed();
    let positions = numbers.matrix(WIDTH, CONTEXT, 900);
    plan.embed_positions(positions, 3).expect("in range");
    let angles = plan.angles(table(5, CONTEXT)).expect("a table");
    plan.angles(table(11, CONTEXT)).expect("a table");
    let of = numbers.product(WIDTH, 20, 90, 4);
    plan.rotary(x, of, angles, 2, 15).expect("in range");
    plan.head(x).expect("in range");
    plan
}

pub fn chunk() -> Chunk {
    chunk_at(plan(), &GIVEN, 3)
}

/// The last operation of a kind.
pub fn last<T: Clone>(chunk: &Chunk, pick: impl Fn(&Operation) -> Option<&T>) -> T {
    let found = chunk.plan.operations.iter().rev().find_map(pick);
    found.expect("an operation").clone()
}

fn rotary(chunk: &Chunk) -> Rotary {
    last(chunk, |operation| match operation {
        Operation::Rotary(rotary) => Some(rotary),
        _ => None,
    })
}

fn misfit(constants: &Constants, mut witness: Witness) -> Misfit {
    tally::write(constants, &mut witness);
    Honest::check(constants, &witness, 1)
        .err()
        .unwrap_or_default()
}

/// Requires a relation to refuse a witness, and nothing else.
pub fn refused_by(chunk: &Chunk, witness: &Witness, relation: M31, what: &str) {
    let misfit = misfit(&chunk.constants, witness.clone());
    assert!(!misfit.open.is_empty(), "{what}: accepted");
    let only = Misfit {
        open: vec![relation.0; misfit.open.len()],
        ..Misfit::default()
    };
    assert_eq!(misfit, only, "{what}");
}

/// A column's number with its sign.
fn number(value: M31) -> i64 {
    let modulus = (1 << 31) - 1;
    let value = i64::from(value.0);
    if value > modulus / 2 {
        value - modulus
    } else {
        value
    }
}

/// Values of a lane of a rotation: outputs and results. Behind each is its rest.
const X: usize = 0;
const Y: usize = 2;
const LEFT: usize = 4;
const RIGHT: usize = 6;

/// A lie about one pair and lane of a rotation.
struct Turn<'a> {
    chunk: &'a Chunk,
    rotary: Rotary,
    component: usize,
    row: usize,
    lane: usize,
    witness: Witness,
}

impl Turn<'_> {
    fn new(chunk: &Chunk, row: usize, lane: usize) -> Turn<'_> {
        Turn {
            chunk,
            rotary: rotary(chunk),
            component: chunk.index("rotary"),
            row,
            lane,
            witness: chunk.witness.clone(),
        }
    }

    /// Behind three operands, cosines and sines.
    fn column(&self, value: usize) -> usize {
        3 + 2 * LANES + 8 * self.lane + value
    }

    fn get(&self, value: usize) -> i64 {
        number(self.witness.tables[self.component][self.column(value)][self.row])
    }

    fn add(&mut self, value: usize, number: i64) {
        let column = self.column(value);
        self.witness.tables[self.component][column][self.row] += signed(number);
    }

    /// The column of the cosine, or of the sine.
    fn turn(&self, which: usize) -> usize {
        3 + which * LANES + self.lane
    }

    /// Writes what follows from the row's outputs and angles, in the field, with a memory that says it; false if no results are in their range.
    fn rotates(&mut self) -> bool {
        let [x, y] = [X, Y].map(|value| self.get(value));
        let row = |column: usize| number(self.witness.tables[self.component][column][self.row]);
        let [cos, sin] = [0, 1].map(|which| row(self.turn(which)));
        let sums = [x * cos - y * sin, y * cos + x * sin];
        for (sum, result) in sums.into_iter().zip([LEFT, RIGHT]) {
            let shifted = number(signed(sum + (1 << 13)));
            let rounded = shifted >> 14;
            if rounded.abs() >= 1 << (self.rotary.result_bits - 1) {
                return false;
            }
            self.add(result, rounded - self.get(result));
            self.add(result + 1, (shifted & 0x3fff) - self.get(result + 1));
        }
        self.claims();
        true
    }

    /// The memory says what the row has as its results.
    fn claims(&mut self) {
        let half = self.rotary.angles.frequencies;
        let output = self.chunk.constants.tables[self.component][4][self.row].0 as usize;
        let first = self.rotary.output.address as usize + output;
        let tensor = self.chunk.index("tensor");
        for (address, result) in [(first, LEFT), (first + half, RIGHT)] {
            self.witness.tables[tensor][self.lane][address] = signed(self.get(result));
        }
    }

    fn refused_by(self, relation: M31, what: &str) {
        refused_by(self.chunk, &self.witness, relation, what);
    }
}

/// All pairs and lanes of a rotation, as they are.
fn turns(chunk: &Chunk) -> impl Iterator<Item = Turn<'_>> {
    (0..80).map(|place| Turn::new(chunk, place % 10, place / 10))
}

/// Attack: an output that is larger by `n`, with a rest that is smaller by `n 2^s`, and the rotation of it. Stopped by: the rest's range.
#[test]
fn requirement_12_another_rounding_before_the_rotation() {
    let chunk = chunk();
    for output in [X, Y] {
        for by in [1, -1] {
            let mut lie = Turn::new(&chunk, 2, 5);
            lie.add(output, by);
            lie.add(output + 1, -by << lie.rotary.of.shift);
            assert!(lie.rotates());
            lie.refused_by(RANGE, "rest");
        }
    }
}

/// Attack: an output that is larger by 1, and the rotation of it. Stopped by: the sum.
#[test]
fn requirement_07_another_output_before_the_rotation() {
    let chunk = chunk();
    for output in [X, Y] {
        let mut lie = Turn::new(&chunk, 7, 1);
        lie.add(output, 1);
        assert!(lie.rotates());
        let only = Misfit {
            sum: true,
            ..Misfit::default()
        };
        assert_eq!(misfit(&chunk.constants, lie.witness), only);
    }
}

/// Attack: an output and a rest that stand for an accumulator `p` away, with a rotation in the field whose results are in range. Stopped
/// by: the output's range.
#[test]
fn requirement_12_a_congruent_output_before_the_rotation() {
    let chunk = chunk();
    for output in [X, Y] {
        let found = turns(&chunk).find_map(|mut lie| {
            let sign = if lie.get(output + 1) > 0 { 1 } else { -1 };
            lie.add(output, sign << (31 - lie.rotary.of.shift));
            lie.add(output + 1, -sign);
            lie.rotates().then_some(lie)
        });
        found.expect("results in range").refused_by(RANGE, "output");
    }
}

/// Attack: a result that is larger by `n`, with a rest that is smaller by `n 2^14`. Stopped by: the rest's range. And one that is `2^17`
/// away, with a rest that is smaller by 1, which is congruent. Stopped by: the result's range.
#[test]
fn requirement_12_another_rounding_of_the_rotation() {
    let chunk = chunk();
    for result in [LEFT, RIGHT] {
        for by in [1, -1] {
            let mut lie = Turn::new(&chunk, 4, 3);
            lie.add(result, by);
            lie.add(result + 1, -by << 14);
            lie.claims();
            lie.refused_by(RANGE, "rest");
        }
        let mut lie = Turn::new(&chunk, 4, 3);
        let sign = if lie.get(result + 1) > 0 { 1 } else { -1 };
        lie.add(result, sign << 17);
        lie.add(result + 1, -sign);
        lie.claims();
        lie.refused_by(RANGE, "result");
    }
}

/// Attack: a result that is not the rotation. Stopped by: its constraint.
#[test]
fn requirement_07_another_rotation() {
    let chunk = chunk();
    for result in [LEFT, RIGHT] {
        let mut lie = Turn::new(&chunk, 3, 6);
        lie.add(result, 1);
        lie.claims();
        let only = Misfit {
            broken: vec![("rotary".to_string(), 3)],
            ..Misfit::default()
        };
        assert_eq!(misfit(&chunk.constants, lie.witness), only);
    }
}

/// Attack: a rotation by another cosine or sine. Stopped by: the memory.
#[test]
fn requirement_07_a_rotation_by_another_angle() {
    let chunk = chunk();
    for which in [0, 1] {
        let mut lie = Turn::new(&chunk, 8, 2);
        let column = lie.turn(which);
        lie.witness.tables[lie.component][column][8] += M31::from(40);
        assert!(lie.rotates());
        lie.refused_by(TENSOR, "angle");
    }
}

/// Attack: a memory that says another result than the row has. Stopped by: the memory's tuple.
#[test]
fn a_memory_of_another_rotation() {
    let chunk = chunk();
    let tensor = chunk.index("tensor");
    let output = rotary(&chunk).output;
    // A left and a right half of a head.
    for channel in [1, 6] {
        let mut witness = chunk.witness.clone();
        witness.tables[tensor][4][output.address as usize + channel] += M31::from(1);
        refused_by(&chunk, &witness, TENSOR, "memory");
    }
}
