//! Positions, rotary angles and rotations: what they compute, in proofs and in plain integers; and plans that are refused.

use cairo_decode::air::components::Component;
use cairo_decode::prove::Prover;
use cairo_decode::tensor::angles::AnglesByTable;
use cairo_decode::tensor::embed::Embed;
use cairo_decode::tensor::matrix::Row;
use cairo_decode::tensor::{Angles, Operation, Plan, Tensor};
use cairo_decode::verify::params::PLAIN;
use stwo::core::fields::m31::M31;

use crate::balance::{Honest, sum_of_rows};
use crate::proofs::accepts;
use crate::random::halves_up;
use crate::{Chunk, GIVEN, LANES, Numbers, TOKENS, WIDTH, chunk_at, liar, numbers};

/// Positions of the context.
pub const CONTEXT: usize = 20;

/// Positions of the chunk of [`chunk`] go from here on, beyond the context.
pub const POSITION: u32 = 14;

/// Rotary angles with 14 bits behind the point.
pub fn table(frequencies: usize, context: usize) -> Vec<Vec<[i32; 2]>> {
    let angle = |position: usize, i: usize| {
        let frequency = 10f64.powf(-(i as f64) / frequencies as f64);
        let angle = position as f64 * frequency;
        [angle.cos(), angle.sin()].map(|value| (value * f64::from(1 << 14)).round() as i32)
    };
    let row = |position| (0..frequencies).map(|i| angle(position, i)).collect();
    (0..context).map(row).collect()
}

/// Embeddings of a random plan: as they are, with a finer scale, or with positions.
pub fn embeds(numbers: &mut Numbers, plan: &mut Plan) -> Tensor {
    let shift = numbers.between(0, 4) as u32;
    match numbers.between(0, 2) {
        0 => plan.embed(),
        1 => plan.embed_scaled(shift).expect("in range"),
        _ => {
            let positions = numbers.matrix(plan.embedding.inputs, CONTEXT, 900);
            plan.embed_positions(positions, shift).expect("in range")
        }
    }
}

/// Angles of a random plan.
pub fn angles(numbers: &mut Numbers, plan: &mut Plan) -> Angles {
    let frequencies = numbers.between(1, 12);
    plan.angles(table(frequencies, CONTEXT)).expect("a table")
}

/// A position's vector: zeros without one.
pub fn of_position(embed: &Embed, position: usize) -> Vec<i128> {
    let rows = embed.positions.as_ref().map(|positions| positions.rows());
    let row = rows.and_then(|rows| rows.get(position));
    let row = row.map_or(vec![0; embed.output.channels], Row::numbers);
    row.into_iter().map(i128::from).collect()
}

/// Cosines and sines of a position, eight and eight.
pub fn cosines_and_sines(angles: &AnglesByTable, position: usize) -> Vec<i128> {
    let mut values = vec![0; angles.angles.output.channels];
    if let Some(row) = angles.table.get(position) {
        for (i, [cos, sin]) in row.iter().enumerate() {
            let place = 16 * (i / 8) + i % 8;
            values[place] = i128::from(*cos);
            values[place + 8] = i128::from(*sin);
        }
    }
    values
}

/// Heads whose channels `i` and `i + h` are rotated.
pub fn rotated(x: &[i128], angles: Angles, turns: &[i128]) -> Vec<i128> {
    let half = angles.frequencies;
    let mut results = vec![0; x.len()];
    for first in (0..x.len()).step_by(2 * half) {
        for i in 0..half {
            let [cos, sin] = [0, 8].map(|behind| turns[16 * (i / 8) + i % 8 + behind]);
            let [left, right] = [x[first + i], x[first + half + i]];
            results[first + i] = halves_up(left * cos - right * sin, 14);
            results[first + half + i] = halves_up(right * cos + left * sin, 14);
        }
    }
    results
}

/// A plan with every operation of positions. Heads have ten channels; of the two rotations the first does not fill its last block.
pub fn plan() -> Plan {
    let mut numbers = Numbers(3);
    let embedding = numbers.matrix(WIDTH, TOKENS, 127);
    let mut plan = Plan::new(LANES, 12, embedding).expect("a plan");
    plan.positions();
    let positions = numbers.matrix(WIDTH, CONTEXT, 900);
    let x = plan.embed_positions(positions, 3).expect("in range");
    let angles = plan.angles(table(5, CONTEXT)).expect("a table");
    // More frequencies than a row has, which nothing reads.
    plan.angles(table(11, CONTEXT)).expect("a table");
    let of = numbers.product(WIDTH, 30, 90, 8);
    let x = plan.rotary(x, of, angles, 3, 15).expect("in range");
    let of = numbers.product(30, 20, 90, 11);
    let x = plan.rotary(x, of, angles, 2, 15).expect("in range");
    let of = numbers.product(20, WIDTH, 90, 11);
    let x = plan.linear(x, of, 15).expect("in range");
    plan.head(x).expect("in range");
    plan
}

/// Its chunk. The last of its lanes are beyond the context.
pub fn chunk() -> Chunk {
    chunk_at(plan(), &GIVEN, POSITION)
}

/// Attack: any one value of any column, as in a plan without positions.
#[test]
fn requirement_11_one_wrong_value_of_positions_and_rotations() {
    liar::wrong_values(&chunk());
}

/// The powers of rotations step in a head, to the next one, and over outputs that are missing in a block.
#[test]
fn rotated_outputs_have_powers_of_their_own() {
    let mut numbers = Numbers(4);
    for (frequencies, heads, block) in [
        (5, [3, 2], 12),
        (6, [1, 2], 12),
        (1, [5, 1], 4),
        (9, [2, 1], 2),
    ] {
        let embedding = numbers.matrix(WIDTH, TOKENS, 127);
        let mut plan = Plan::new(LANES, block, embedding).expect("a plan");
        plan.positions();
        let x = plan.embed();
        let angles = plan.angles(table(frequencies, CONTEXT)).expect("a table");
        for heads in heads {
            let of = numbers.product(WIDTH, heads * 2 * frequencies, 90, 8);
            plan.rotary(x, of, angles, heads, 12).expect("in range");
        }
        let of = numbers.product(WIDTH, 5, 90, 8);
        plan.linear(x, of, 12).expect("in range");
        plan.head(x).expect("in range");
        numbers::different_powers(&chunk_at(plan, &GIVEN, POSITION));
    }
}

/// The pairs of a head, and the signs, are those of the specification; and a rotation keeps lengths.
#[test]
fn rotations_are_the_specifications() {
    let chunk = chunk();
    Honest::new(&chunk.constants, &chunk.witness);
    let mut operations = chunk.plan.operations.iter();
    let found = operations.find_map(|operation| match operation {
        Operation::Rotary(rotary) => Some(rotary),
        _ => None,
    });
    let rotary = found.expect("a rotation");
    let [input, output] = [rotary.input, rotary.output].map(|tensor| tensor.address as usize);
    for lane in 0..LANES {
        let row = |(row, bias): (&Row, &i32)| {
            let products = row.numbers().into_iter().enumerate();
            let sum: i64 = products
                .map(|(j, w)| i64::from(w) * chunk.values.rows[input + j][lane])
                .sum();
            halves_up((sum + i64::from(*bias)).into(), rotary.of.shift) as i64
        };
        let x: Vec<i64> = rotary
            .of
            .weights
            .rows()
            .iter()
            .zip(&rotary.of.bias)
            .map(row)
            .collect();
        let context = POSITION as usize + lane;
        let turns = table(5, CONTEXT)
            .get(context)
            .cloned()
            .unwrap_or(vec![[0; 2]; 5]);
        let [cos, sin] = [0, 1]
            .map(|which| -> Vec<i64> { turns.iter().map(|turn| turn[which].into()).collect() });
        let exact = turned(&x, &cos, &sin);
        for (i, exact) in exact.into_iter().enumerate() {
            let found = chunk.values.rows[output + i][lane];
            assert_eq!(
                i128::from(found),
                halves_up(exact.into(), 14),
                "lane {lane}, output {i}"
            );
        }
        let square = |i: usize| chunk.values.rows[output + i][lane].pow(2);
        let [before, after] = [x[1].pow(2) + x[6].pow(2), square(1) + square(6)];
        let off = (before - after).abs();
        assert!(
            context >= CONTEXT && after == 0 || off < before / 20 + 2000,
            "{before} {after}"
        );
    }
}

/// A proof of a chunk from a position on, whose last lanes are beyond the context, is accepted; and refused with other sizes of heads, with
/// outputs that begin elsewhere, with another shift of embeddings or with another sum.
#[test]
fn a_chunk_with_positions_is_proven() {
    let Chunk {
        constants,
        witness,
        input,
        ..
    } = chunk();
    let layout = constants.layout.clone();
    let prover = Prover::with_constants(&PLAIN, constants);
    let proven = prover.prove_tensors(input, &witness).expect("proves");
    assert_eq!(accepts(&proven.proof, &layout, &proven.tensors), Ok(()));
    let others = [
        |component| match component {
            Component::Rotary { start, half } => {
                let half = half + 1;
                Component::Rotary { start, half }
            }
            other => other,
        },
        |component| match component {
            Component::Rotary { start, half } => {
                let start = start + 1;
                Component::Rotary { start, half }
            }
            other => other,
        },
        |component| match component {
            Component::EmbedPositions { part, shift } => {
                let shift = shift - 1;
                Component::EmbedPositions { part, shift }
            }
            other => other,
        },
        |component| match component {
            Component::EmbedPositions { part, shift } => Component::Embed { part, shift },
            other => other,
        },
    ];
    for change in others {
        let mut other = layout.clone();
        for placed in &mut other.components {
            placed.component = change(placed.component);
        }
        assert_ne!(other, layout);
        accepts(&proven.proof, &other, &proven.tensors).expect_err("a lie");
    }
    for (i, placed) in layout.components.iter().enumerate() {
        let mut part = proven.tensors.clone();
        part.sums[i] += M31::from(1);
        accepts(&proven.proof, &layout, &part).expect_err(&placed.component.to_string());
    }
}

/// The interaction columns of each component have the sum of its rows' fractions.
#[test]
fn interaction_columns_of_positions_sum_what_rows_say() {
    let Chunk {
        constants, witness, ..
    } = chunk();
    for (i, placed) in constants.layout.components.iter().enumerate() {
        let (rows, columns) = sum_of_rows(&constants, &witness, i);
        assert_eq!(rows, columns, "{}", placed.component);
    }
}

/// The exact rotation of every head, before its rounding: docs/spec.md, "rotary".
fn turned(x: &[i64], cos: &[i64], sin: &[i64]) -> Vec<i64> {
    let half = cos.len();
    let heads = x.chunks_exact(2 * half).map(|head| head.split_at(half));
    let all = heads.flat_map(|(a, b)| {
        let first = (0..half).map(move |i| a[i] * cos[i] - b[i] * sin[i]);
        first.chain((0..half).map(move |i| b[i] * cos[i] + a[i] * sin[i]))
    });
    all.collect()
}
