//! `requantize`: constants of a rounding, derived from the proven range of its input.

use super::{LowerError, Lowering};
use crate::ir::{Node, ValueId};
use crate::spec::requantize::{Requant, round_shift};

/// The constants of a rounding by `2^shift` of a value of at most `magnitude`.
pub(super) struct Rounding {
    bias: i128,
    offset: i128,
    shift: u32,
}

impl Rounding {
    /// Smallest `m ≥ shift` with `magnitude ≤ 2^m`; bias `2^m + 2^(shift−1)`, offset `2^(m−shift)`.
    pub(super) fn new(node: &str, magnitude: i128, shift: u32) -> Result<Rounding, LowerError> {
        let mut m = shift;
        while m < 120 && magnitude > 1i128 << m {
            m += 1;
        }
        if magnitude > 1i128 << 119 {
            return Err(LowerError::TooWide {
                node: node.to_string(),
                magnitude,
                shift,
            });
        }
        let half = if shift == 0 { 0 } else { 1i128 << (shift - 1) };
        Ok(Rounding {
            bias: (1i128 << m) + half,
            offset: 1i128 << (m - shift),
            shift,
        })
    }

    /// `Rounding { … }`.
    pub(super) fn literal(&self) -> String {
        format!(
            "Rounding {{ bias: {:#x}, offset: {:#x}, divisor: {:#x} }}",
            self.bias,
            self.offset,
            1u128 << self.shift
        )
    }

    /// `Saturation { … }` to `lo..=hi`, whose result counts from 0 at `lo`. The offset must be at
    /// least `−lo`.
    pub(super) fn saturation_from_zero(&self, lo: i64, hi: i64) -> String {
        let (first, last) = (self.offset + lo as i128, self.offset + hi as i128);
        let rounding = Rounding {
            offset: first,
            ..*self
        };
        format!(
            "Saturation {{ rounding: {}, lo: {first:#x}, hi: {last:#x} }}",
            rounding.literal()
        )
    }

    /// `Saturation { … }` to `lo..=hi`; a side that the offset's range cannot reach stays open.
    pub(super) fn saturation(&self, lo: i64, hi: i64) -> String {
        let lo = (lo as i128 + self.offset).max(0);
        let hi = (hi as i128 + self.offset).max(0);
        format!(
            "Saturation {{ rounding: {}, lo: {lo:#x}, hi: {hi:#x} }}",
            self.literal()
        )
    }
}

/// `exact`, an expression of values of at most `magnitude`, rounded; saturated where the magnitude can
/// leave `to.lo..=to.hi`.
pub(super) fn finish(
    exact: &str,
    node: &str,
    magnitude: i128,
    to: Requant,
) -> Result<String, LowerError> {
    let rounding = Rounding::new(node, magnitude, to.shift)?;
    let magnitude = i64::try_from(magnitude).map_err(|_| LowerError::TooWide {
        node: node.to_string(),
        magnitude,
        shift: to.shift,
    })?;
    let reach = round_shift(magnitude, to.shift);
    if reach > to.hi || -reach < to.lo {
        return Ok(format!(
            "requantize_saturated({exact}, {})",
            rounding.saturation(to.lo, to.hi)
        ));
    }
    if to.shift == 0 {
        return Ok(exact.to_string());
    }
    Ok(format!("requantize({exact}, {})", rounding.literal()))
}

pub(super) fn call(
    lowering: &Lowering<'_>,
    node: &Node,
    x: ValueId,
    to: Requant,
) -> Result<String, LowerError> {
    let magnitude = lowering.node(x).range.magnitude() as i128;
    finish(&lowering.var(x), &node.label, magnitude, to)
}
