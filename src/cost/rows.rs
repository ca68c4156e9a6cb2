//! Rows by component.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::air::cairo::Component;

/// Rows in use, by component of the proof.
///
/// Which rows of `add_opcode` and `mul_opcode` are of their cheaper forms with small operands depends on the values:
/// here they all count for the general form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Rows(BTreeMap<Component, u64>);

impl Rows {
    /// Adds rows to a component.
    pub fn add(&mut self, component: Component, rows: u64) {
        if rows > 0 {
            *self.0.entry(component.general()).or_default() += rows;
        }
    }

    /// Adds rows to a component, or takes them away; `None` if it has not so many.
    pub(super) fn add_signed(&mut self, component: Component, rows: i64) -> Option<()> {
        match u64::try_from(rows) {
            Ok(rows) => self.add(component, rows),
            Err(_) => {
                let own = self.0.get_mut(&component)?;
                *own = own.checked_add_signed(rows)?;
            }
        }
        Some(())
    }

    /// Adds all rows of others, `times` times.
    pub fn add_all(&mut self, other: &Rows, times: u64) {
        for (&component, rows) in &other.0 {
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
    pub fn of(&self, component: Component) -> u64 {
        self.0.get(&component).copied().unwrap_or(0)
    }

    /// Components that have rows, by name.
    pub fn iter(&self) -> impl Iterator<Item = (Component, u64)> {
        self.0.iter().map(|(&component, &rows)| (component, rows))
    }

    /// Cells of the rows; of sums and products, of their general form.
    pub fn cells(&self) -> u64 {
        let cells = |(component, rows): (Component, u64)| component.cells_per_row() * rows;
        self.iter().map(cells).sum()
    }

    /// Cells of the values that the rows make, if each sum, each product and each of a permutation's three results is
    /// a large value of its own: about the most that they can be.
    pub fn value_cells(&self) -> u64 {
        let made = [
            (Component::AddOpcode, 1),
            (Component::MulOpcode, 1),
            (Component::PoseidonBuiltin, 3),
        ];
        let made = made.map(|(component, each)| each * self.of(component));
        Component::MemoryIdToBig.cells_per_row() * made.iter().sum::<u64>()
    }

    /// VM steps: the rows of all opcodes.
    pub fn steps(&self) -> u64 {
        let opcodes = self.iter().filter(|(component, _)| component.is_opcode());
        opcodes.map(|(_, rows)| rows).sum()
    }
}
