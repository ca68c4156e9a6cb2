//! Multiplicities: how often the rows of a witness use each tuple of the tables.

use std::collections::HashMap;

use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;

use super::scalar::{ScalarColumns, ScalarRow, Sink};
use super::{Constants, Table, Witness};
use crate::air::challenges::Challenges;
use crate::air::components::lanes::CHANNELS;
use crate::air::components::relations::{EMBEDDING, FUNCTION, LANES, RANGE, TENSOR};
use crate::air::components::{Component, head, range};

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
}

impl Sink for Tally {
    fn uses(&mut self, on: M31, tuple: &[M31]) {
        if on != M31::from(1) {
            return;
        }
        match *tuple {
            [TENSOR, address, ..] => *self.tensor.entry(address.0).or_default() += 1,
            [RANGE, bits, value] => self.range[range::row_of(bits.0, value.0)] += 1,
            [LANES, address, lane, ..] => *self.lanes.entry((address.0, lane.0)).or_default() += 1,
            [EMBEDDING, part, token, ..] => {
                *self.embedding.entry((part.0, token.0)).or_default() += 1
            }
            [FUNCTION, table, argument, _] => {
                *self.function.entry((table.0, argument.0)).or_default() += 1
            }
            _ => {}
        }
    }

    fn power(&mut self, _: usize, _: M31, _: QM31) -> QM31 {
        QM31::default()
    }
}

/// Writes the multiplicities of all tables, from the uses of all rows.
pub fn write(constants: &Constants, witness: &mut Witness) {
    let layout = &constants.layout;
    let challenges = Challenges::without_values(layout);
    let mut tally = Tally {
        range: vec![0; 1 << range::LOG_ROWS],
        ..Tally::default()
    };
    for (i, placed) in layout.components.iter().enumerate() {
        // These use nothing.
        let tables = [Component::Tensor, Component::Range, Component::Table];
        if tables.contains(&placed.component) {
            continue;
        }
        let columns = ScalarColumns {
            constants: &constants.tables[i],
            trace: &witness.tables[i],
        };
        for row in 0..1 << placed.log_rows {
            let mut row = ScalarRow::new(&columns, row, &mut tally);
            placed
                .component
                .evaluate(layout.lanes, &challenges.weights, &mut row);
        }
    }
    for (i, placed) in layout.components.iter().enumerate() {
        let own = (&constants.tables[i], &mut witness.tables[i]);
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
        Component::Head { width } => {
            // The token's constant is behind those of the place, the multiplicities are behind three operands.
            let [on, token] = [&constants[0], &constants[4]];
            for row in (0..on.len()).filter(|&row| on[row] == M31::from(1)) {
                for part in 0..width.div_ceil(head::PART) {
                    let count = tally.embedding.get(&(part as u32, token[row].0));
                    trace[3 + part][row] = of(count);
                }
            }
        }
        _ => {}
    }
}
