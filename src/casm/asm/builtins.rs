//! Instances of builtins, whose cells are at a pointer that the kernel is handed.

use super::{Asm, Cell};
use crate::air::cairo::Component;

impl Asm {
    /// Asserts `0 ≤ value < 2^128`, by the range check at `rc + at`.
    pub fn check(&mut self, value: Cell, rc: Cell, at: i16) {
        self.count(Component::RangeCheckBuiltin, 1);
        self.store(value, rc, at);
    }

    /// `a and b`, by the instance of the bitwise builtin at `bitwise + at`.
    pub fn and(&mut self, a: Cell, b: Cell, bitwise: Cell, at: i16) -> Cell {
        self.bitwise(a, b, bitwise, at);
        self.load(bitwise, at + 2)
    }

    /// Asserts that `a and b` is `a`, bit by bit, by the instance of the bitwise builtin at `bitwise + at`.
    ///
    /// The assertion is about cells: the bits that every instance reads from `a` lie in `b`, so they are not those of
    /// `a + p`, if `b` is a constant of the program.
    pub fn assert_within(&mut self, a: Cell, b: Cell, bitwise: Cell, at: i16) {
        self.bitwise(a, b, bitwise, at);
        self.assert_at(a, bitwise, at + 2);
    }

    fn bitwise(&mut self, a: Cell, b: Cell, bitwise: Cell, at: i16) {
        self.count(Component::BitwiseBuiltin, 1);
        // And, xor, or: the builtin writes them.
        self.count(Component::MemoryAddressToId, 3);
        self.store(a, bitwise, at);
        self.store(b, bitwise, at + 1);
    }
}
