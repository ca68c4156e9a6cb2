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

pub use cells::{ADDRESSES_PER_ROW, UnknownComponent, cells_per_row};
pub use rows::Rows;

/// The component of addresses.
pub const ADDRESSES: &str = "memory_address_to_id";

/// Rows of each unit of Cairo code around the kernels: unit, component, rows. Measured and written by `tests/cost.rs`.
/// A unit may have less than no rows of a component: one branch is taken instead of another.
const UNITS: &str = include_str!("units.tsv");

/// Component and rows of each line, by unit.
static TABLE: LazyLock<BTreeMap<&str, Vec<(&str, i64)>>> = LazyLock::new(|| {
    let mut table: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for line in UNITS.lines() {
        let mut fields = line.split('\t');
        let (unit, component) = (fields.next(), fields.next());
        let rows = fields.next().and_then(|rows| rows.parse().ok());
        if let (Some(unit), Some(component), Some(rows)) = (unit, component, rows) {
            table.entry(unit).or_default().push((component, rows));
        }
    }
    table
});

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
    pub fn rows(&self, site: &Rows) -> Rows {
        let mut rows = self.kernels.clone();
        rows.add_all(site, self.sites);
        let mut units: BTreeMap<&str, i64> = BTreeMap::new();
        for (unit, &times) in &self.units {
            for (component, each) in TABLE.get(unit).into_iter().flatten() {
                *units.entry(component).or_default() += each * times as i64;
            }
        }
        for (component, sum) in units {
            rows.add(component, sum.try_into().unwrap_or(0));
        }
        rows
    }
}
