//! What a program costs, declared from its shape, before it runs.
//!
//! Owns the rows of the Cairo code around the kernels, and the cells of a row. Which kernels an operation calls, on
//! how much, and how often the code around them runs, is declared where the operation is lowered; what the generated
//! code does to call it is in the program (`Program::sites`). The three together are the operation's cost.
//!
//! Invariants
//! - A declared cost is exact for steps, opcodes, builtins and addresses: `tests/cost.rs` compares it with the
//!   measured one, component by component.
//! - Deliberately absent: the values in memory, of which equal ones share a row, so that the data decide; the words of
//!   the program, which are there whatever it does.

mod cells;
mod rows;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use thiserror::Error;

pub use cells::{ADDRESSES_PER_ROW, UnknownComponent, cells_per_row};
pub use rows::Rows;

/// The component of addresses.
pub const ADDRESSES: &str = "memory_address_to_id";

/// Rows of each unit of Cairo code around the kernels: unit, component, rows. Measured and written by `tests/cost.rs`.
/// A unit may have less than no rows of a component: one branch is taken instead of another.
const UNITS: &str = include_str!("units.tsv");

/// Component and rows of each line, by unit.
#[allow(
    clippy::panic,
    clippy::expect_used,
    reason = "the table is part of the source, and a test reads all of it"
)]
static TABLE: LazyLock<BTreeMap<&str, Vec<(&str, i64)>>> = LazyLock::new(|| {
    let mut table: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for line in UNITS.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [unit, component, rows] = fields[..] else {
            panic!("units.tsv: {line:?} has not three fields");
        };
        let rows = rows.parse().expect("units.tsv: a number of rows");
        table.entry(unit).or_default().push((component, rows));
    }
    table
});

/// Why a declared cost has no rows.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum CostError {
    #[error(transparent)]
    Component(#[from] UnknownComponent),
    #[error(
        "the rows of the code {unit:?} are not known: it is not in src/cost/units.tsv, which tests/cost.rs writes"
    )]
    Unit { unit: String },
    #[error("the code around the kernels takes more rows of {component} away than there are")]
    Negative { component: String },
}

/// What one Poseidon permutation needs besides its instance of the builtin: components and rows in them, for an input
/// of its own.
///
/// The hash's 8 full and 83 partial rounds are in chains of one round, and of three (the first two partial rounds
/// are in the aggregator); every round cubes: 2 + 3·8 + 3·27 times, and checks 2 + 3·27 results.
pub const PERMUTATION: [(&str, u64); 5] = [
    ("poseidon_aggregator", 1),
    ("poseidon_full_round_chain", 8),
    ("poseidon_3_partial_rounds_chain", 27),
    ("cube_252", 107),
    ("range_check_252_width_27", 83),
];

/// Rows of `count` Poseidon permutations, the addresses of their builtin's cells not among them.
pub fn permutations(count: u64) -> Rows {
    let mut rows = Rows::default();
    rows.add("poseidon_builtin", count);
    for (component, each) in PERMUTATION {
        rows.add(component, count * each);
    }
    rows
}

/// What a part of the program costs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cost {
    /// Rows of kernels.
    pub kernels: Rows,
    /// How often which code around the kernels runs.
    pub units: BTreeMap<&'static str, u64>,
    /// How often its line of the generated code runs.
    pub sites: u64,
}

impl Cost {
    /// Adds the code around the kernels that has a name, `times` times.
    pub fn unit(&mut self, name: &'static str, times: usize) {
        *self.units.entry(name).or_default() += times as u64;
    }

    /// All of it, in rows; `site` is what its line of the generated code costs.
    ///
    /// # Errors
    /// Code whose rows are not known, or that has less than no rows of a component.
    pub fn rows(&self, site: &Rows) -> Result<Rows, CostError> {
        let mut rows = self.kernels.clone();
        rows.add_all(site, self.sites);
        let mut units: BTreeMap<&str, i64> = BTreeMap::new();
        for (unit, &times) in &self.units {
            let unknown = || CostError::Unit {
                unit: unit.to_string(),
            };
            for (component, each) in TABLE.get(unit).ok_or_else(unknown)? {
                *units.entry(component).or_default() += each * times as i64;
            }
        }
        for (component, sum) in units {
            if rows.add_signed(component, sum).is_none() {
                let component = component.to_string();
                return Err(CostError::Negative { component });
            }
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code that is not in the table is not free.
    #[test]
    fn unknown_code_has_no_cost() {
        let mut cost = Cost::default();
        cost.unit("add", 1);
        assert!(cost.rows(&Rows::default()).is_ok());
        cost.unit("of another table", 1);
        let error = cost.rows(&Rows::default()).expect_err("not known");
        let unit = "of another table".to_string();
        assert_eq!(error, CostError::Unit { unit });
    }
}
