//! Lookups: a table is memory that is read, or what it answers is a claim.
//!
//! A claim is two cells of an array that the kernel is handed and hands back, as a builtin: the key of the entry, and
//! its value, which the prover names. Whoever has the array has to check them.

use num_bigint::BigInt;

use super::{Asm, Cell};
use crate::casm::{LOOKUP, Table};

/// The array of claims, where it has got to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claims {
    array: Cell,
    /// Cells written behind `array`.
    written: i16,
}

impl Asm {
    /// For a function with `cells` cells of parameters behind the array of claims, where its lookups go.
    pub fn claiming(cells: usize) -> Asm {
        let array = Cell::Frame(-3 - cells as i16);
        Asm {
            claims: Some(Claims { array, written: 0 }),
            ..Asm::default()
        }
    }

    /// The entry `index` of a table, which begins at `start`. That there is such an entry is the caller's to check.
    pub fn lookup(&mut self, table: Table, start: Cell, index: Cell) -> Cell {
        let value = match self.claims {
            None => {
                let entry = self.add(index, start);
                self.load(entry, 0)
            }
            Some(Claims { array, written }) => {
                let key = self.add(index, BigInt::from(table.first_key()));
                self.store(key, array, written);
                let value = self.reserve();
                self.hint_reading(LOOKUP, [start, index], value);
                self.store(value, array, written + 1);
                let written = written + 2;
                self.claims = Some(Claims { array, written });
                value
            }
        };
        self.lookups.push(self.code.len() - 1);
        value
    }

    /// Asserts that the entry with a key is `value`, in tables that are one list from `tables` on.
    pub fn assert_entry(&mut self, tables: Cell, key: Cell, value: Cell) {
        let entry = self.add(key, tables);
        self.store(value, entry, 0);
        self.lookups.push(self.code.len() - 1);
    }

    /// Where ways meet that may have looked up different numbers of entries: brings the array of claims, if there is
    /// one, on top of the stack.
    pub fn level(&mut self) {
        if let Some(Claims { array, written }) = self.claims {
            let array = match written {
                0 => self.copy(array),
                _ => self.add(array, written),
            };
            self.claims = Some(Claims { array, written: 0 });
        }
    }

    /// The array of claims, as a loop's state.
    pub(super) fn claims_array(&self) -> Option<Cell> {
        self.claims.map(|claims| {
            assert_eq!(claims.written, 0, "a loop begins after level");
            claims.array
        })
    }

    /// Goes on with the array of claims at a loop's state.
    pub(super) fn carry_claims(&mut self, array: Option<Cell>) {
        self.claims = array.map(|array| Claims { array, written: 0 });
    }

    /// The instructions that are lookups, one each, in words from the code's start.
    pub fn lookups(&self) -> Vec<usize> {
        let offset = |&at: &usize| self.distance(0, at) as usize;
        self.lookups.iter().map(offset).collect()
    }
}
