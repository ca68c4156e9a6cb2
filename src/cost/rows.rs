//! Rows by component.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{UnknownComponent, cells_per_row};

/// Rows in use, by component of the proof.
///
/// Which rows of `add_opcode` and `mul_opcode` are of their cheaper forms with small operands depends on the values:
/// here they all count under the name of the general form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Rows(BTreeMap<String, u64>);

impl Rows {
    /// Adds rows to a component.
    pub fn add(&mut self, component: &str, rows: u64) {
        if rows > 0 {
            let name = component.strip_suffix("_small");
            let general = name.filter(|name| ["add_opcode", "mul_opcode"].contains(name));
            let name = general.unwrap_or(component);
            *self.0.entry(name.to_string()).or_default() += rows;
        }
    }

    /// Adds rows to a component, or takes them away; `None` if it has not so many.
    pub(super) fn add_signed(&mut self, component: &str, rows: i64) -> Option<()> {
        match u64::try_from(rows) {
            Ok(rows) => self.add(component, rows),
            Err(_) => {
                let own = self.0.get_mut(component)?;
                *own = own.checked_add_signed(rows)?;
            }
        }
        Some(())
    }

    /// Adds all rows of others, `times` times.
    pub fn add_all(&mut self, other: &Rows, times: u64) {
        for (component, rows) in &other.0 {
            self.add(component, rows * times);
        }
    }

    /// Takes away `from` and adds `to`, `times` times. The rows must hold that much of `from`.
    pub fn replace(&mut self, from: &Rows, to: &Rows, times: u64) {
        self.add_all(to, times);
        for (component, rows) in &from.0 {
            if let Some(own) = self.0.get_mut(component) {
                *own -= rows * times;
            }
        }
        self.0.retain(|_, rows| *rows > 0);
    }

    /// Rows of a component.
    pub fn of(&self, component: &str) -> u64 {
        self.0.get(component).copied().unwrap_or(0)
    }

    /// Components that have rows, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, &rows)| (name.as_str(), rows))
    }

    /// Cells of the rows; of sums and products, of their general form.
    ///
    /// # Errors
    /// A component whose cells are not known.
    pub fn cells(&self) -> Result<u64, UnknownComponent> {
        let cells = |(name, rows)| Ok(cells_per_row(name)? * rows);
        self.iter().map(cells).sum()
    }

    /// Cells of the values that the rows make, if each sum, each product and each of a permutation's three results is
    /// a large value of its own: about the most that they can be.
    ///
    /// # Errors
    /// A component whose cells are not known.
    pub fn value_cells(&self) -> Result<u64, UnknownComponent> {
        let made = [
            ("add_opcode", 1),
            ("mul_opcode", 1),
            ("poseidon_builtin", 3),
        ];
        let made = made.map(|(component, each)| each * self.of(component));
        Ok(cells_per_row("memory_id_to_big")? * made.iter().sum::<u64>())
    }

    /// VM steps: the rows of all opcodes.
    pub fn steps(&self) -> u64 {
        let opcodes = self.iter().filter(|(name, _)| is_opcode(name));
        opcodes.map(|(_, rows)| rows).sum()
    }
}

/// Whether each row of a component is a VM step.
fn is_opcode(component: &str) -> bool {
    component.contains("_opcode")
}
