//! Positions, angles, rotations and embeddings that are refused: each for its reason.

use cairo_decode::air::components::positions::IN_VIEW;
use cairo_decode::air::components::relations::{ANGLES, POSITIONS};
use cairo_decode::tensor::values::compute;
use cairo_decode::tensor::{Chunk, ChunkError, Matrix, Plan, PlanError, Product};

use crate::balance::Honest;
use crate::rotary::{CONTEXT, plan, table};
use crate::{GIVEN, LANES, Numbers, TOKENS, WIDTH, chunk_at, chunk_with};

/// Attack: positions that nobody writes, or that two operations write. Stopped by: the check of the plan.
#[test]
fn positions_have_one_writer() {
    let embedding = Numbers(1).matrix(WIDTH, TOKENS, 127);
    let new = || Plan::new(LANES, 12, embedding.clone()).expect("a plan");
    let address = IN_VIEW as u32;
    let with_angles = |times: usize| {
        let mut plan = new();
        for _ in 0..times {
            plan.positions();
        }
        plan.angles(table(3, CONTEXT)).expect("a table");
        plan.check()
    };
    let with_vectors = |times: usize| {
        let mut plan = new();
        for _ in 0..times {
            plan.positions();
        }
        let positions = Numbers(2).matrix(WIDTH, CONTEXT, 9);
        plan.embed_positions(positions, 0).expect("in range");
        plan.check()
    };
    for writers in [0, 2] {
        let wrong = Err(PlanError::Writers { address, writers });
        assert_eq!(with_angles(writers), wrong);
        assert_eq!(with_vectors(writers), wrong);
    }
    assert_eq!(with_angles(1), Ok(()));
    assert_eq!(with_vectors(1), Ok(()));
}

/// A chunk that begins beyond the context, or with other tokens than the plan has, is refused by name.
#[test]
fn chunks_that_a_plan_does_not_accept() {
    let plan = plan();
    let mut chunk = Chunk::first(&GIVEN);
    chunk.position = CONTEXT as u32 - 1;
    assert_eq!(plan.accepts(&chunk), Ok(()));
    let fits = |chunk: &Chunk| {
        let values = compute(&plan, chunk).expect("no stream");
        let chunk = chunk_with(plan.clone(), values);
        let checked = Honest::check(&chunk.constants, &chunk.witness, 1);
        checked.map(|_| ()).map_err(|misfit| misfit.open)
    };
    assert_eq!(fits(&chunk), Ok(()));
    chunk.position += 1;
    // The last lane's position is in no table: one vector, and three parts of angles.
    let missing = [ANGLES, ANGLES, ANGLES, POSITIONS].map(|relation| relation.0);
    assert_eq!(fits(&chunk), Err(missing.to_vec()));
    let found = ChunkError::Position {
        operation: "embed",
        position: CONTEXT as u32,
        context: CONTEXT,
    };
    assert_eq!(plan.accepts(&chunk), Err(found));
    let mut other = Chunk::first(&GIVEN);
    other.tokens[3] = TOKENS as u32;
    let found = ChunkError::Token {
        lane: 3,
        token: TOKENS as u32,
        tokens: TOKENS,
    };
    assert_eq!(plan.accepts(&other), Err(found));
    for found in [0, LANES + 1] {
        let lanes = LANES;
        let wrong = ChunkError::Tokens { found, lanes };
        assert_eq!(plan.accepts(&Chunk::first(&vec![0; found])), Err(wrong));
    }
    for found in [1, LANES] {
        assert_eq!(plan.accepts(&Chunk::first(&vec![0; found])), Ok(()));
    }
}

fn matrix(inputs: usize, outputs: usize, value: i32) -> Matrix {
    Matrix::new(inputs, vec![vec![value; inputs]; outputs])
}

/// A product whose every output reaches `most` before a rounding by no bit, of inputs that do not count.
fn constant(outputs: usize, most: i32) -> Product {
    Product {
        weights: matrix(WIDTH, outputs, 0),
        bias: vec![most; outputs],
        shift: 0,
    }
}

#[test]
fn tables_of_angles_that_are_refused() {
    let mut plan = Plan::new(LANES, 12, matrix(WIDTH, 3, 1)).expect("a plan");
    assert_eq!(plan.angles(vec![]), Err(PlanError::NoAngles));
    assert_eq!(plan.angles(vec![vec![]; 3]), Err(PlanError::NoAngles));
    let mut uneven = table(3, CONTEXT);
    uneven[4].pop();
    let found = PlanError::Frequencies {
        position: 4,
        found: 2,
        expected: 3,
    };
    assert_eq!(plan.angles(uneven), Err(found));
    for sign in [1, -1] {
        for which in [0, 1] {
            let mut large = table(3, CONTEXT);
            large[5][1][which] = sign << 14;
            assert!(plan.angles(large.clone()).is_ok());
            large[5][1][which] += sign;
            let (value, limit) = ((1 << 14) + 1, 1 << 14);
            assert_eq!(plan.angles(large), Err(PlanError::Angle { value, limit }));
        }
    }
}

#[test]
fn rotations_that_are_refused() {
    let mut plan = Plan::new(LANES, 12, matrix(WIDTH, 3, 1)).expect("a plan");
    plan.positions();
    let x = plan.embed();
    // The largest sums that a table can make: cosine and sine both 1.
    let angles = plan.angles(vec![vec![[1 << 14; 2]; 3]]).expect("a table");
    let operation = "rotary";
    let wrong = PlanError::Outputs {
        operation,
        found: 13,
        expected: 12,
    };
    assert_eq!(plan.rotary(x, constant(13, 1), angles, 2, 15), Err(wrong));
    let wrong = PlanError::RotatedBits {
        bits: 16,
        limit: 15,
    };
    assert_eq!(plan.rotary(x, constant(12, 1), angles, 2, 16), Err(wrong));
    let wrong = PlanError::Result {
        operation,
        output: 0,
        reach: 1 << 14,
        bits: 15,
    };
    assert_eq!(
        plan.rotary(x, constant(12, 1 << 14), angles, 2, 15),
        Err(wrong)
    );
    let most = (1 << 14) - 1;
    let output = plan
        .rotary(x, constant(12, most), angles, 2, 15)
        .expect("in range");
    assert_eq!(output.magnitude, 2 * i64::from(most));
    let other = plan.angles(table(4, CONTEXT)).expect("a table");
    let wrong = PlanError::HeadSize {
        found: 8,
        expected: 6,
    };
    assert_eq!(plan.rotary(x, constant(8, 1), other, 1, 15), Err(wrong));
    let mut smaller = angles;
    smaller.largest -= 1;
    let mut elsewhere = angles;
    elsewhere.output = other.output;
    for angles in [smaller, elsewhere] {
        let wrong = PlanError::Unwritten {
            operation,
            address: angles.output.address,
            channels: angles.output.channels,
            magnitude: angles.output.magnitude,
        };
        assert_eq!(plan.rotary(x, constant(12, 1), angles, 2, 15), Err(wrong));
    }
    // The largest rotations have a witness.
    plan.head(x).expect("in range");
    let chunk = chunk_at(plan, &[0; LANES], 0);
    Honest::new(&chunk.constants, &chunk.witness);
}

#[test]
fn embeddings_that_are_refused() {
    let mut plan = Plan::new(LANES, 12, matrix(WIDTH, 3, 16)).expect("a plan");
    let operation = "embed";
    let (shift, limit) = (25, 24);
    let wrong = PlanError::EmbedShift { shift, limit };
    assert_eq!(plan.embed_scaled(25), Err(wrong));
    let range = |reach: i64| PlanError::Range {
        operation,
        output: 0,
        reach,
        limit: 1 << 29,
    };
    // 16 · 2^24 and as much again.
    assert!(plan.embed_scaled(24).is_ok());
    let positions = |value| matrix(WIDTH, CONTEXT, value);
    let found = plan.embed_positions(positions(1 << 28), 24);
    assert_eq!(found, Err(range(1 << 29)));
    let wrong = PlanError::Inputs {
        operation,
        found: 8,
        expected: WIDTH,
    };
    assert_eq!(plan.embed_positions(matrix(8, CONTEXT, 1), 3), Err(wrong));
    let found = plan.embed_positions(positions((1 << 28) - 1), 24);
    assert_eq!(found.map(|output| output.magnitude), Ok((1 << 29) - 1));
    assert_eq!(
        plan.embed_positions(positions(1), 3),
        Err(PlanError::PositionTables)
    );
}
