//! A liar at the level of columns: for each column of each component, a witness that is wrong only there.

use std::collections::BTreeSet;

use cairo_decode::air::components::Component;
use cairo_decode::air::components::attend::{FAR_VALUES, LANE_VALUES, ROW_VALUES, TENSOR_ROWS};
use cairo_decode::air::components::head::LANE_COLUMNS;
use cairo_decode::prove::tensor::Witness;
use stwo::core::fields::m31::M31;

use crate::attention::{self, FAR, NEAR, behind};
use crate::balance::Honest;
use crate::{Chunk, GIVEN, Numbers, chunk};

/// Where a value may be anything: nothing is claimed there.
fn free(chunk: &Chunk, component: usize, column: usize, row: usize, delta: u32) -> bool {
    let placed = &chunk.constants.layout.components[component];
    let constants = &chunk.constants.tables[component];
    let on = |row: usize| match placed.component {
        // Constants are the same in rows that are off.
        Component::Qk { .. } | Component::Attend { .. } | Component::CarriedLanes { .. } => {
            chunk.witness.tables[component][0][row] == M31::from(1)
        }
        // Multiplicities and values of all rows count.
        Component::Tensor | Component::Range | Component::Table | Component::Compress => true,
        Component::Call { .. } | Component::Cells | Component::Record { .. } => {
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
        Component::Call { .. } | Component::Cells | Component::Record { .. } => {
            !on(row) && column > 0
        }
        // A compression that nobody uses is one.
        Component::Compress => false,
        // In padding the flags and the distances still have constraints, but say nothing.
        Component::Head { .. } => !on(row) && !in_constraints(chunk, component, column, delta),
        Component::CarriedLanes { .. } => !on(row) && column > 0,
        Component::Qk { .. } => {
            let head_dim = attention::heads(&chunk.plan)[0].of.head_dim;
            // The flag has no constraint in a group's last row.
            let flag = column == of_group::NEW && row % head_dim == head_dim - 1;
            !on(row) && (flag || !of_group::IN_CONSTRAINTS.contains(&column))
        }
        Component::Softmax { .. } => !on(row) && softmax_says_nothing(column),
        Component::Attend { head_dim, far } => {
            attend_says_nothing(chunk, component, (head_dim, far), (column, row))
        }
        _ => !on(row),
    }
}

/// Columns of a group's row.
mod of_group {
    pub const NEW: usize = 2;
    /// Those that have a constraint in a row of zeros: the enabler, the flag and the next one, and what the block is made of.
    pub const IN_CONSTRAINTS: [usize; 6] = [0, NEW, 3, 5, 6, 7];
    pub const ONES: usize = 11;
    pub const PART: usize = 16;
    pub const INVERSE: usize = 17;
    pub const MASK: usize = 18;
}

/// The columns of a head's row that padding leaves free: those of the division have equations that are not.
fn softmax_says_nothing(column: usize) -> bool {
    match column.checked_sub(9) {
        // Operands, but not `skip`.
        None => column < 8,
        // The mantissa, the exponent, and the gap's limbs.
        Some(own) => [0, 1, 5, 6].contains(&(own % 8)),
    }
}

/// Whether a value of `attend` is free. In rows that are on: an inverse of 0, and the flag of a key that the lane does not see and whose
/// distance is 0.
fn attend_says_nothing(
    chunk: &Chunk,
    component: usize,
    (head_dim, far): (usize, bool),
    (column, row): (usize, usize),
) -> bool {
    let table = &chunk.witness.tables[component];
    let value = |column: usize| table[column][row].0;
    let lanes = chunk.plan.lanes;
    let on = value(0) == 1;
    let [reads, own] = [
        ROW_VALUES + head_dim,
        ROW_VALUES + head_dim + TENSOR_ROWS * lanes,
    ];
    let of_lane = LANE_VALUES + if far { FAR_VALUES } else { 0 };
    if column < ROW_VALUES {
        // The operation, `own`, and what the chain has of the head; the inverse.
        let bound = [of_group::ONES, of_group::PART, of_group::MASK].contains(&column)
            || of_group::IN_CONSTRAINTS.contains(&column);
        let free = column == of_group::INVERSE && value(of_group::PART) == 1;
        return if on { free } else { !bound };
    }
    if column < own {
        // Values, reciprocal, exponent and power; not the maximum, which is in the score, and not the mask.
        let read = column.checked_sub(reads).map(|column| column / lanes);
        return !on && ![Some(0), Some(4)].contains(&read);
    }
    let (lane, which) = ((column - own) / of_lane, (column - own) % of_lane);
    if on {
        let at = |which: usize| value(own + of_lane * lane + which);
        let seen = value(reads + 4 * lanes + lane) == 1;
        let distance = at(0) + at(2) + if far { at(8) } else { 0 };
        return which == 4 && !seen && distance == 0;
    }
    // The scale is 0: distances are free, as are the weight, the flags and the second limb; what a constraint of zeros has is not.
    [0, 3, 4, 8, 9].contains(&which)
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
fn requirement_11_one_wrong_value_in_any_column() {
    wrong_values(&chunk(&GIVEN));
}

/// The same of attention, behind a partial block, with rows that are off: with one limb of distances, and with two.
#[test]
fn requirement_11_one_wrong_value_in_any_column_of_attention() {
    for (form, position) in [(NEAR, 13), (FAR, 13)] {
        let mut numbers = Numbers(8);
        let plan = form.plan(&mut numbers);
        let of = behind(&plan, position, &mut numbers);
        wrong_values(&attention::chunk(plan, &of));
    }
}

/// Tells lies about one value of a chunk that fits.
///
/// # Panics
/// One is accepted that `free` does not list, or refused that it lists.
pub fn wrong_values(chunk: &Chunk) {
    let honest = Honest::new(&chunk.constants, &chunk.witness);
    let mut lie: Witness = chunk.witness.clone();
    let mut wrong = BTreeSet::new();
    for (i, placed) in chunk.constants.layout.components.iter().enumerate() {
        let rows = 1usize << placed.log_rows;
        let behind = rows * 3 / 4;
        let picked = [
            0,
            1,
            2,
            7,
            8,
            11,
            12,
            13,
            39,
            40,
            behind,
            behind + 7,
            rows - 1,
        ];
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
