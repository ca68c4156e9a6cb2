//! A liar at the level of columns: for each column of each component, a witness that is wrong only there.

use std::collections::BTreeSet;

use cairo_decode::air::components::Component;
use cairo_decode::air::components::head::LANE_COLUMNS;
use cairo_decode::prove::tensor::Witness;
use stwo::core::fields::m31::M31;

use crate::balance::Honest;
use crate::{Chunk, GIVEN, chunk};

/// Where a value may be anything: nothing is claimed there.
fn free(chunk: &Chunk, component: usize, column: usize, row: usize, delta: u32) -> bool {
    let placed = &chunk.constants.layout.components[component];
    let constants = &chunk.constants.tables[component];
    let on = |row: usize| match placed.component {
        // Multiplicities and values of all rows count.
        Component::Tensor | Component::Range | Component::Table => true,
        Component::Call { .. } | Component::Cells => {
            chunk.witness.tables[component][0][row] == M31::from(1)
        }
        _ => constants[0][row] == M31::from(1),
    };
    let lanes = chunk.constants.layout.lanes;
    match placed.component {
        // What nobody uses has no claim on a value.
        Component::Tensor => {
            column < lanes && chunk.witness.tables[component][lanes][row] == M31::from(0)
        }
        // A row that is no step: everything but the flag.
        Component::Call { .. } | Component::Cells => !on(row) && column > 0,
        // In padding the flags and the distances still have constraints, but say nothing.
        Component::Head { .. } => !on(row) && !in_constraints(chunk, component, column, delta),
        _ => !on(row),
    }
}

/// Whether one wrong value of the head's column breaks a constraint in a row whose others are 0: a flag that is no flag, or
/// a flag of the row before.
fn in_constraints(chunk: &Chunk, component: usize, column: usize, delta: u32) -> bool {
    let lanes = chunk.constants.layout.lanes;
    let own = chunk.witness.tables[component].len() - LANE_COLUMNS * lanes;
    match column.checked_sub(own).map(|column| column % LANE_COLUMNS) {
        Some(0) => delta != 1,
        Some(1) => true,
        _ => false,
    }
}

/// Attack: any one value of any column, in rows of operations, of padding and at their borders. Stopped by: a constraint, a
/// relation, or the sum. What is free is listed in `free`, and is nowhere else.
#[test]
fn one_wrong_value_in_any_column() {
    refuses_one_wrong_value(&chunk(&GIVEN));
}

/// Requires one wrong value in any column of a chunk's components to be refused, unless it is free.
pub fn refuses_one_wrong_value(chunk: &Chunk) {
    let honest = Honest::new(&chunk.constants, &chunk.witness);
    let mut lie: Witness = chunk.witness.clone();
    let mut wrong = BTreeSet::new();
    for (i, placed) in chunk.constants.layout.components.iter().enumerate() {
        let rows = 1usize << placed.log_rows;
        let picked = [0, 1, 2, 7, 8, 11, 12, 13, 39, 40, rows - 1];
        for column in 0..chunk.witness.tables[i].len() {
            for row in picked.into_iter().filter(|&row| row < rows) {
                for delta in [1, (1u32 << 31) - 2] {
                    lie.tables[i][column][row] += M31::from(delta);
                    let accepted = honest.accepts(&lie, i, row);
                    lie.tables[i][column][row] = chunk.witness.tables[i][column][row];
                    if accepted != free(chunk, i, column, row, delta) {
                        wrong.insert((placed.component.to_string(), column, row, delta, accepted));
                    }
                }
            }
        }
    }
    let shown: Vec<_> = wrong.iter().take(20).collect();
    assert!(wrong.is_empty(), "{}: {shown:?}", wrong.len());
}
