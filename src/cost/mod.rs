//! What a program costs, declared from its shape, before it runs.
//!
//! Owns the rows of the Cairo code around the kernels. Which kernels an operation calls, on how much, and how often the
//! code around them runs, is declared where the operation is lowered; what the generated code does to call it is in the
//! program (`Program::sites`). The three together are the operation's cost.
//!
//! Invariants
//! - A declared cost is exact for steps, opcodes, builtins and addresses: `tests/cost.rs` compares it with the
//!   measured one, component by component.
//! - Deliberately absent: the values in memory, of which equal ones share a row, so that the data decide; the words of
//!   the program, which are there whatever it does.

mod rows;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use thiserror::Error;

pub use rows::Rows;

use crate::air::cairo::{Component, UnknownComponent};

/// Rows of each unit of Cairo code around the kernels: unit, component, rows. Measured and written by `tests/cost.rs`.
/// A unit may have less than no rows of a component: one branch is taken instead of another.
const UNITS: &str = include_str!("units.tsv");

/// Component and rows of each line, by unit.
type Units = BTreeMap<&'static str, Vec<(Component, i64)>>;

static TABLE: LazyLock<Result<Units, CostError>> = LazyLock::new(|| read(UNITS));

/// Reads the table of units.
fn read(text: &'static str) -> Result<Units, CostError> {
    let mut table = Units::new();
    for line in text.lines() {
        let malformed = || CostError::Line {
            line: line.to_string(),
        };
        let fields: Vec<&str> = line.split('\t').collect();
        let [unit, component, rows] = fields[..] else {
            return Err(malformed());
        };
        let component = Component::named(component)?;
        let rows = rows.parse().map_err(|_| malformed())?;
        table.entry(unit).or_default().push((component, rows));
    }
    Ok(table)
}

/// Why a declared cost has no rows.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum CostError {
    #[error(
        "src/cost/units.tsv: {line:?} is not a unit, a component and a number of rows with tabs between; tests/cost.rs writes the file"
    )]
    Line { line: String },
    #[error("src/cost/units.tsv: {0}; tests/cost.rs writes the file")]
    Component(#[from] UnknownComponent),
    #[error(
        "the rows of the code {unit:?} are not known: it is not in src/cost/units.tsv, which tests/cost.rs writes"
    )]
    Unit { unit: String },
    #[error("the code around the kernels takes more rows of {component} away than there are")]
    Negative { component: Component },
}

/// Rows of `count` Poseidon permutations, the addresses of their builtin's cells not among them.
pub fn permutations(count: u64) -> Rows {
    let mut rows = Rows::default();
    rows.add(Component::PoseidonBuiltin, count);
    for &component in Component::ALL {
        rows.add(
            component,
            count * component.rows_per_permutation().unwrap_or(0),
        );
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
        let table = TABLE.as_ref().map_err(CostError::clone)?;
        let mut units: BTreeMap<Component, i64> = BTreeMap::new();
        for (unit, &times) in &self.units {
            let unknown = || CostError::Unit {
                unit: unit.to_string(),
            };
            for (component, each) in table.get(unit).ok_or_else(unknown)? {
                *units.entry(*component).or_default() += each * times as i64;
            }
        }
        for (component, sum) in units {
            if rows.add_signed(component, sum).is_none() {
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

    /// A line of the table that says nothing, or something of a component that there is not, is refused with the line or
    /// the component in the message.
    #[test]
    fn a_table_that_cannot_be_read_is_refused() {
        let refused = |text| read(text).expect_err("no table").to_string();
        for line in ["add\tadd_opcode", "add\tadd_opcode\tmany", ""] {
            let table = format!("mul\tmul_opcode\t1\n{line}\n");
            let problem = refused(table.leak());
            assert!(problem.contains(&format!("{line:?}")), "{problem}");
        }
        let problem = refused("add\tadd_opcodes\t1");
        assert!(problem.contains("\"add_opcodes\""), "{problem}");
    }
}
