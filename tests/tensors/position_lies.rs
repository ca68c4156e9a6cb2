//! Lies about positions, angles and embeddings with positions, with a memory that says what they claim: of each, one lookup refuses it, and
//! nothing else does.

use std::sync::Arc;

use cairo_decode::air::components::positions::IN_VIEW;
use cairo_decode::air::components::relations::{
    ANGLES, EMBEDDING, LANES as VIEWS, POSITIONS, TENSOR,
};
use cairo_decode::tensor::angles::AnglesByTable;
use cairo_decode::tensor::constants::signed;
use cairo_decode::tensor::embed::Embed;
use cairo_decode::tensor::{Operation, Plan};
use stwo::core::fields::m31::M31;

use crate::balance::{Honest, Misfit};
use crate::rotary::{CONTEXT, table};
use crate::rotary_lies::{chunk, last, refused_by};
use crate::{Chunk, GIVEN, LANES, Numbers, TOKENS, WIDTH, chunk_at, chunk_unchecked};

fn angles(chunk: &Chunk) -> AnglesByTable {
    last(chunk, |operation| match operation {
        Operation::Angles(angles) => Some(angles),
        _ => None,
    })
}

fn embed(chunk: &Chunk) -> Embed {
    last(chunk, |operation| match operation {
        Operation::Embed(embed) if embed.positions.is_some() => Some(embed),
        _ => None,
    })
}

/// The chunk with another memory.
fn with_memory(chunk: &Chunk, change: impl FnOnce(&mut Vec<Vec<i64>>)) -> Chunk {
    let mut values = chunk.values.clone();
    change(&mut values.rows);
    chunk_unchecked(chunk.plan.clone(), values)
}

/// Attack: another cosine, or another sine. Stopped by: the table of angles.
#[test]
fn requirement_13_another_angle() {
    let chunk = chunk();
    let output = angles(&chunk).angles.output.address as usize;
    for channel in [0, 7, 8, 16, 26] {
        let lie = with_memory(&chunk, |rows| rows[output + channel][6] += 1);
        refused_by(&lie, &lie.witness, ANGLES, "angle");
    }
}

/// The row of a part and lane of the last operation of angles; the rows of the first one come before.
fn row_of_angles(part: usize, lane: usize) -> usize {
    LANES + part * LANES + lane
}

/// Attack: angles of the next position, of which the row claims that it is the lane's. Stopped by: the view of the positions. And a memory
/// of other angles than the row has. Stopped by: the views of the angles.
#[test]
fn requirement_13_angles_of_another_position() {
    let chunk = chunk();
    let of = angles(&chunk);
    let output = of.angles.output.address as usize;
    let component = chunk.index("angles");
    let (lane, other) = (2, 3 + 2 + 1);
    let mut lie = with_memory(&chunk, |rows| {
        for (i, [cos, sin]) in of.table[other].iter().enumerate() {
            let channel = of.angles.channel(i);
            rows[output + channel][lane] = i64::from(*cos);
            rows[output + channel + 8][lane] = i64::from(*sin);
        }
    });
    for part in [0, 1] {
        lie.witness.tables[component][VIEW + IN_VIEW][row_of_angles(part, lane)] += M31::from(1);
    }
    refused_by(&lie, &lie.witness, VIEWS, "position");

    for channel in [0, 8] {
        let mut lie = with_memory(&chunk, |rows| rows[output + channel][lane] += 1);
        let column = 2 + 8 + channel;
        lie.witness.tables[component][column][row_of_angles(0, lane)] -= M31::from(1);
        refused_by(&lie, &lie.witness, VIEWS, "memory");
    }
}

/// Attack: another position for a lane, in the memory and for all that read it. Stopped by: the row of positions.
#[test]
fn requirement_04_another_position_for_a_lane() {
    let embedding = Numbers(7).matrix(WIDTH, TOKENS, 127);
    let mut plan = Plan::new(LANES, 12, embedding).expect("a plan");
    plan.positions();
    let x = plan.embed();
    plan.angles(table(5, CONTEXT)).expect("a table");
    plan.head(x).expect("in range");
    let chunk = chunk_at(plan, &GIVEN, 9);
    let of = angles(&chunk);
    for lane in [0, LANES - 1] {
        let lie = with_memory(&chunk, |rows| {
            rows[chunk.plan.tokens.positions as usize][lane] += 1;
            for (i, [cos, sin]) in of.table[9 + lane + 1].iter().enumerate() {
                let address = of.angles.output.address as usize + of.angles.channel(i);
                rows[address][lane] = i64::from(*cos);
                rows[address + 8][lane] = i64::from(*sin);
            }
        });
        refused_by(&lie, &lie.witness, TENSOR, "position");
    }
}

/// Attack: a padding row of the table of angles that yields zeros for the first position. Stopped by: the factor `on`, without which it is accepted.
#[test]
fn padding_that_yields_angles() {
    let embedding = Numbers(7).matrix(WIDTH, TOKENS, 127);
    let mut plan = Plan::new(LANES, 12, embedding).expect("a plan");
    plan.positions();
    let x = plan.embed();
    plan.angles(table(5, CONTEXT)).expect("a table");
    plan.head(x).expect("in range");
    let chunk = chunk_at(plan, &GIVEN, 0);
    let output = angles(&chunk).angles.output;
    let mut lie = with_memory(&chunk, |rows| {
        for address in output.addresses() {
            rows[address as usize][0] = 0;
        }
    });
    let table = lie.index("angle_table");
    let padding = CONTEXT + LANES - 1;
    let multiplicity = &mut lie.witness.tables[table][0];
    assert_eq!(
        [multiplicity[0], multiplicity[padding]],
        [1, 0].map(M31::from)
    );
    multiplicity.swap(0, padding);
    let checked = Honest::check(&lie.constants, &lie.witness, 1).err();
    let only = Misfit {
        open: vec![ANGLES.0],
        ..Misfit::default()
    };
    assert_eq!(checked, Some(only));
    Arc::make_mut(&mut lie.constants.tables[table])[0][padding] = M31::from(1);
    assert_eq!(Honest::check(&lie.constants, &lie.witness, 1).err(), None);
}

/// Columns of an embedding with positions: the view behind two operands, then the token's part, then the position's.
const VIEW: usize = 2;
const TOKEN: usize = VIEW + 8;
const POSITION: usize = TOKEN + WIDTH;

/// Attack: another number of a token's or of a position's vector. Stopped by: the table of embeddings, or of positions. And a memory that
/// has another sum than the row. Stopped by: its view.
#[test]
fn requirement_13_another_vector_of_an_embedding() {
    let chunk = chunk();
    let of = embed(&chunk);
    let component = chunk.index("embed_positions_3");
    let (lane, channel) = (5, 11);
    let address = of.output.address as usize + channel;
    for (column, scale, relation) in [(TOKEN, 8, EMBEDDING), (POSITION, 1, POSITIONS)] {
        let mut lie = with_memory(&chunk, |rows| rows[address][lane] += scale);
        refused_by(&lie, &lie.witness, VIEWS, "memory");
        lie.witness.tables[component][column + channel][lane] += M31::from(1);
        refused_by(&lie, &lie.witness, relation, "vector");
    }
}

/// Attack: the vector of another token, or of another position, of which the row claims that it is the lane's. Stopped by: the view of
/// tokens and positions.
#[test]
fn requirement_07_an_embedding_of_another_token_or_position() {
    let chunk = chunk();
    let of = embed(&chunk);
    let vectors = of.positions.as_ref().expect("positions");
    let component = chunk.index("embed_positions_3");
    let (lane, position) = (4, 3 + 4);
    let tokens = &chunk.plan.embedding;
    let token = GIVEN[lane] as usize;
    for (place, column, scale, [old, new]) in [
        (0, TOKEN, 8, [tokens.row(token), tokens.row(token + 1)]),
        (
            IN_VIEW,
            POSITION,
            1,
            [vectors.row(position), vectors.row(position + 1)],
        ),
    ] {
        let [old, new] = [old, new].map(|row| row.numbers());
        let pairs = old.iter().zip(&new);
        let change: Vec<i64> = pairs.map(|(a, b)| i64::from(b - a)).collect();
        let mut lie = with_memory(&chunk, |rows| {
            for (channel, change) in change.iter().enumerate() {
                rows[of.output.address as usize + channel][lane] += scale * change;
            }
        });
        let table = &mut lie.witness.tables[component];
        table[VIEW + place][lane] += M31::from(1);
        for (channel, &change) in change.iter().enumerate() {
            table[column + channel][lane] += signed(change);
        }
        refused_by(&lie, &lie.witness, VIEWS, "key");
    }
}
