//! `requantize`: constants of a rounding, derived from the proven range of its input.

use super::{LowerError, Lowering};
use crate::ir::{Node, ValueId};
use crate::spec::requantize::{Requant, round_shift};

/// The constants of a rounding by `2^shift` of a value of at most `magnitude`.
pub(super) struct Rounding {
    bias: i128,
    offset: i128,
}

impl Rounding {
    /// Smallest `m ≥ shift` with `magnitude ≤ 2^m`; bias `2^m + 2^(shift−1)`, offset `2^(m−shift)`.
    pub(super) fn new(node: &str, magnitude: i128, shift: u32) -> Result<Rounding, LowerError> {
        let mut m = shift;
        while m < 120 && magnitude > 1i128 << m {
            m += 1;
        }
        if magnitude > 1i128 << 119 {
            return Err(LowerError::TooWide { node: node.to_string(), magnitude, shift });
        }
        let half = if shift == 0 { 0 } else { 1i128 << (shift - 1) };
        Ok(Rounding { bias: (1i128 << m) + half, offset: 1i128 << (m - shift) })
    }

    /// `Rounding { … }`.
    pub(super) fn literal(&self) -> String {
        format!("Rounding {{ bias: {:#x}, offset: {:#x} }}", self.bias, self.offset)
    }

    /// `Saturation { … }` to `lo..=hi`, whose result counts from 0 at `lo`. The offset must be at
    /// least `−lo`.
    pub(super) fn saturation_from_zero(&self, lo: i64, hi: i64) -> String {
        let (first, last) = (self.offset + lo as i128, self.offset + hi as i128);
        let rounding = Rounding { bias: self.bias, offset: first };
        format!(
            "Saturation {{ rounding: {}, lo: {first:#x}, hi: {last:#x} }}",
            rounding.literal()
        )
    }

    /// `Saturation { … }` to `lo..=hi`; a side that the offset's range cannot reach stays open.
    pub(super) fn saturation(&self, lo: i64, hi: i64) -> String {
        let lo = (lo as i128 + self.offset).max(0);
        let hi = (hi as i128 + self.offset).max(0);
        format!("Saturation {{ rounding: {}, lo: {lo:#x}, hi: {hi:#x} }}", self.literal())
    }
}

/// The second argument of a rounding kernel: a `Saturation` where the input's magnitude can leave
/// `to.lo..=to.hi`, a `Rounding` where it cannot. The flag says which.
pub(super) fn finish(node: &str, magnitude: i128, to: Requant) -> Result<(String, bool), LowerError> {
    let rounding = Rounding::new(node, magnitude, to.shift)?;
    let reach = round_shift(i64::try_from(magnitude).unwrap_or(i64::MAX >> 1), to.shift);
    if -reach >= to.lo && reach <= to.hi {
        Ok((rounding.literal(), false))
    } else {
        Ok((rounding.saturation(to.lo, to.hi), true))
    }
}

pub(super) fn call(
    lowering: &mut Lowering<'_>,
    node: &Node,
    x: ValueId,
    to: Requant,
) -> Result<String, LowerError> {
    let magnitude = lowering.node(x).range.magnitude() as i128;
    let (constants, saturates) = finish(&node.label, magnitude, to)?;
    let var = lowering.var(x);
    if to.shift == 0 && !saturates {
        return Ok(var);
    }
    let kernel = if saturates { "requantize_saturated" } else { "requantize" };
    let shift = lowering.shifts.path(to.shift);
    Ok(format!("{kernel}::<{shift}>({var}, {constants})"))
}
