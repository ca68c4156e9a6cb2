//! Multiplicities: how often the rows of a witness use each tuple of the tables.

use std::collections::HashMap;

use stwo::core::fields::m31::M31;

use super::{Constants, Table, Witness};
use crate::air::components::lanes::CHANNELS;
use crate::air::components::relations::{
    ANGLES, EMBEDDING, FUNCTION, LANES, POSITIONS, RANGE, TENSOR,
};
use crate::air::components::{Component, head, range};
use crate::air::record::{Expression, Lookup, record};

/// Uses by what tells a tuple from the others of its relation.
#[derive(Default)]
struct Tally {
    /// By address.
    tensor: HashMap<u32, u32>,
    /// By row of the table.
    range: Vec<u32>,
    /// By address and lane.
    lanes: HashMap<(u32, u32), u32>,
    /// By part and token.
    embedding: HashMap<(u32, u32), u32>,
    /// By table and argument.
    function: HashMap<(u32, u32), u32>,
    /// By part and position.
    angles: HashMap<(u32, u32), u32>,
    /// By part and position.
    positions: HashMap<(u32, u32), u32>,
}

impl Tally {
    /// Counts the uses of a tuple by the rows of a component. What tells the tuple from the others of its relation are its
    /// first two elements behind the relation.
    fn count(&mut self, lookup: &Lookup, constants: &Table, trace: &Table) {
        let (Some(relation), [_, first, second, ..]) = (lookup.relation(), &lookup.tuple[..])
        else {
            return;
        };
        let counted = [TENSOR, RANGE, LANES, EMBEDDING, FUNCTION, ANGLES, POSITIONS];
        if !counted.contains(&relation) {
            return;
        }
        for row in 0..trace.first().map_or(0, Vec::len) {
            let (constant, value) = (|i: usize| constants[i][row], |i: usize| trace[i][row]);
            let of = |expression: &Expression| expression.in_row(&constant, &value);
            if of(&lookup.on) != M31::from(1) {
                continue;
            }
            let key = (of(first).0, of(second).0);
            match relation {
                TENSOR => *self.tensor.entry(key.0).or_default() += 1,
                RANGE => self.range[range::row_of(key.0, key.1)] += 1,
                LANES => *self.lanes.entry(key).or_default() += 1,
                ANGLES => *self.angles.entry(key).or_default() += 1,
                POSITIONS => *self.positions.entry(key).or_default() += 1,
                EMBEDDING => *self.embedding.entry(key).or_default() += 1,
                _ => *self.function.entry(key).or_default() += 1,
            }
        }
    }
}

/// Writes the multiplicities of all tables, from the uses of all rows.
pub fn write(constants: &Constants, witness: &mut Witness) {
    let layout = &constants.layout;
    let mut tally = Tally {
        range: vec![0; 1 << range::LOG_ROWS],
        ..Tally::default()
    };
    for (i, placed) in layout.components.iter().enumerate() {
        // These use nothing.
        if matches!(
            placed.component,
            Component::Tensor
                | Component::Range
                | Component::Table
                | Component::AngleTable
                | Component::PositionTable { .. }
                | Component::EmbeddingTable { .. }
        ) {
            continue;
        }
        for lookup in &record(placed.component, layout).lookups {
            tally.count(lookup, &constants.tables[i], &witness.tables[i]);
        }
    }
    for (i, placed) in layout.components.iter().enumerate() {
        let own = (&*constants.tables[i], &mut witness.tables[i]);
        fill(placed.component, layout.lanes, own, &tally);
    }
}

/// Writes the multiplicities of one component.
fn fill(
    component: Component,
    lanes: usize,
    (constants, trace): (&Table, &mut Table),
    tally: &Tally,
) {
    let of = |count: Option<&u32>| M31::from(count.copied().unwrap_or(0));
    match component {
        Component::Tensor => {
            for (row, address) in constants[0].iter().enumerate() {
                trace[lanes][row] = of(tally.tensor.get(&address.0));
            }
        }
        Component::Range => {
            trace[0] = tally.range.iter().map(|&count| M31::from(count)).collect();
        }
        Component::Table => {
            // Padding repeats a row: only the first of both counts.
            let mut left = tally.function.clone();
            let arguments = constants[0].iter().zip(&constants[1]);
            for (row, (table, argument)) in arguments.enumerate() {
                trace[0][row] = of(left.remove(&(table.0, argument.0)).as_ref());
            }
        }
        Component::Lanes => {
            let [on, address] = [&constants[0], &constants[1]];
            for row in (0..on.len()).filter(|&row| on[row] == M31::from(1)) {
                for lane in 0..lanes {
                    let count = tally.lanes.get(&(address[row].0, lane as u32));
                    trace[CHANNELS * lanes + lane][row] = of(count);
                }
            }
        }
        Component::CarriedLanes { .. } => {
            for row in 0..trace[0].len() {
                if trace[0][row] != M31::from(1) {
                    continue;
                }
                for lane in 0..lanes {
                    let count = tally.lanes.get(&(constants[0][row].0, lane as u32));
                    trace[1 + CHANNELS * lanes + lane][row] = of(count);
                }
            }
        }
        Component::Head { width, tied: true } => {
            // The token's constant is behind those of the place, the multiplicities are behind three operands.
            let [on, token] = [&constants[0], &constants[4]];
            for row in (0..on.len()).filter(|&row| on[row] == M31::from(1)) {
                for part in 0..width / head::part(width) {
                    let count = tally.embedding.get(&(part as u32, token[row].0));
                    trace[3 + part][row] = of(count);
                }
            }
        }
        Component::AngleTable => fill_vectors(constants, trace, &tally.angles),
        Component::PositionTable { .. } => fill_vectors(constants, trace, &tally.positions),
        Component::EmbeddingTable { .. } => fill_vectors(constants, trace, &tally.embedding),
        _ => {}
    }
}

/// Writes the multiplicities of a table of vectors, from the uses by part and position.
fn fill_vectors(constants: &Table, trace: &mut Table, uses: &HashMap<(u32, u32), u32>) {
    let [on, part, position] = [&constants[0], &constants[1], &constants[2]];
    for row in (0..on.len()).filter(|&row| on[row] == M31::from(1)) {
        let count = uses.get(&(part[row].0, position[row].0)).copied();
        trace[0][row] = M31::from(count.unwrap_or(0));
    }
}
