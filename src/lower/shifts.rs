//! The `Shift` implementations that a package needs: one per shift amount in use.

use std::collections::BTreeSet;
use std::fmt::Write;

/// Shift amounts that the kernel library implements itself.
const IN_LIBRARY: [u32; 9] = [0, 7, 8, 15, 20, 24, 30, 40, 60];

/// Shift amounts used so far.
#[derive(Debug, Default)]
pub(super) struct Shifts(BTreeSet<u32>);

impl Shifts {
    /// The implementation's name for a shift amount, which counts as used from now on.
    pub(super) fn path(&mut self, shift: u32) -> String {
        if IN_LIBRARY.contains(&shift) {
            return format!("shift::Shift{shift}");
        }
        self.0.insert(shift);
        format!("shifts::Shift{shift}")
    }

    /// The module `shifts`.
    pub(super) fn module(&self) -> String {
        let mut out = String::from(
            "//! Divisions by the powers of two that this model's roundings use.\n\n\
             #[feature(\"bounded-int-utils\")]\n\
             use core::internal::bounded_int::{self, BoundedInt, DivRemHelper, UnitInt, upcast};\n\
             use decode_kernels::shift::Shift;\n",
        );
        for &shift in &self.0 {
            let divisor = 1u128 << shift;
            let (high, low) = ((1u128 << (128 - shift)) - 1, divisor - 1);
            let _ = write!(
                out,
                "\nimpl DivRem{shift} of DivRemHelper<u128, UnitInt<{divisor:#x}>> {{\n\
                 \x20   type DivT = BoundedInt<0, {high:#x}>;\n\
                 \x20   type RemT = BoundedInt<0, {low:#x}>;\n\
                 }}\n\n\
                 pub impl Shift{shift} of Shift {{\n\
                 \x20   fn split(x: u128) -> (u128, u128) {{\n\
                 \x20       let (high, low) = bounded_int::div_rem::<_, UnitInt<{divisor:#x}>>(x, {divisor:#x});\n\
                 \x20       (upcast(high), upcast(low))\n\
                 \x20   }}\n\
                 }}\n"
            );
        }
        out
    }
}
