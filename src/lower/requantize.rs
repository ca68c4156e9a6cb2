//! `requantize`: constants of a rounding, derived from the proven range of its input.

use super::cost::{Step, call_by_case, call_kernel};
use super::imports::Imports;
use super::{LowerError, Lowering};
use crate::casm::Param;
use crate::cost::Cost;
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
    pub(super) fn literal(&self, imports: &mut Imports) -> String {
        format!(
            "{} {{ bias: {:#x}, offset: {:#x}, divisor: {:#x} }}",
            imports.item("requantize", "Rounding"),
            self.bias,
            self.offset,
            1u128 << self.shift
        )
    }

    /// `Saturation { … }` to `lo..=hi`, whose result counts from 0 at `lo`. The offset must be at
    /// least `−lo`.
    pub(super) fn saturation_from_zero(&self, lo: i64, hi: i64, imports: &mut Imports) -> String {
        let (first, last) = (self.offset + lo as i128, self.offset + hi as i128);
        let rounding = Rounding {
            offset: first,
            ..*self
        };
        rounding.saturation_literal(first, last, imports)
    }

    /// `Saturation { … }` to `lo..=hi`; a side that the offset's range cannot reach stays open.
    pub(super) fn saturation(&self, lo: i64, hi: i64, imports: &mut Imports) -> String {
        let lo = (lo as i128 + self.offset).max(0);
        let hi = (hi as i128 + self.offset).max(0);
        self.saturation_literal(lo, hi, imports)
    }

    fn saturation_literal(&self, lo: i128, hi: i128, imports: &mut Imports) -> String {
        let saturation = imports.item("requantize", "Saturation");
        let rounding = self.literal(imports);
        format!("{saturation} {{ rounding: {rounding}, lo: {lo:#x}, hi: {hi:#x} }}")
    }
}

/// What makes a value of an exact one.
pub(super) enum Finish {
    /// Nothing: it is the value.
    Exact,
    Rounded(Rounding),
    Saturated(Rounding),
}

/// How values of at most `magnitude` become those of `to`: saturated where the magnitude can leave
/// `to.lo..=to.hi`.
fn kind(node: &str, magnitude: i128, to: Requant) -> Result<Finish, LowerError> {
    let rounding = Rounding::new(node, magnitude, to.shift)?;
    let magnitude = i64::try_from(magnitude).map_err(|_| LowerError::TooWide {
        node: node.to_string(),
        magnitude,
        shift: to.shift,
    })?;
    let reach = round_shift(magnitude, to.shift);
    Ok(match to.shift {
        _ if reach > to.hi || -reach < to.lo => Finish::Saturated(rounding),
        0 => Finish::Exact,
        _ => Finish::Rounded(rounding),
    })
}

/// `exact`, an expression of values of at most `magnitude`, rounded and saturated.
pub(super) fn finish(
    exact: &str,
    node: &str,
    magnitude: i128,
    to: Requant,
    imports: &mut Imports,
) -> Result<String, LowerError> {
    Ok(match kind(node, magnitude, to)? {
        Finish::Exact => exact.to_string(),
        Finish::Rounded(by) => {
            let requantize = imports.item("requantize", "requantize");
            format!("{requantize}({exact}, {})", by.literal(imports))
        }
        Finish::Saturated(by) => {
            let requantize = imports.item("requantize", "requantize_saturated");
            let by = by.saturation(to.lo, to.hi, imports);
            format!("{requantize}({exact}, {by})")
        }
    })
}

/// The cost of [`finish`] for `len` values, which are `exact` if they are known.
pub(super) fn finish_cost(
    node: &str,
    magnitude: i128,
    to: Requant,
    len: usize,
    exact: Option<Vec<i64>>,
    cost: &mut Cost,
) -> Result<(), LowerError> {
    let [bias, offset, divisor, lo, hi] = [Param::Felt; 5];
    match kind(node, magnitude, to)? {
        Finish::Exact => {}
        Finish::Rounded(_) => {
            let params = [Param::Span(len), bias, offset, divisor];
            call_kernel(cost, 1, "requantize::append_rounded", &params);
            cost.unit("requantize", 1);
        }
        Finish::Saturated(_) => {
            let params = |len| vec![Param::Span(len), bias, offset, divisor, lo, hi];
            let path = "requantize::append_saturated";
            let outside = outside(exact.as_deref().unwrap_or_default(), to);
            call_by_case(cost, path, params, len, &[], &outside);
            cost.unit("requantize_saturated", 1);
        }
    }
    Ok(())
}

/// How many values are below and above a range, as cases of a saturation.
pub(super) fn outside(exact: &[i64], to: Requant) -> [(&'static [&'static str], usize); 2] {
    let rounded = |x: &i64| round_shift(*x, to.shift);
    let low = exact.iter().filter(|x| rounded(x) < to.lo).count();
    let high = exact.iter().filter(|x| rounded(x) > to.hi).count();
    [(&["low"], low), (&["high"], high)]
}

pub(super) fn cost(
    lowering: &Lowering<'_>,
    node: &Node,
    x: ValueId,
    to: Requant,
    step: Step<'_>,
    cost: &mut Cost,
) -> Result<(), LowerError> {
    let magnitude = lowering.node(x).range.magnitude() as i128;
    let exact = step.values.map(|values| values.get(x).to_vec());
    finish_cost(&node.label, magnitude, to, lowering.len(x), exact, cost)
}

pub(super) fn call(
    lowering: &Lowering<'_>,
    node: &Node,
    x: ValueId,
    to: Requant,
    imports: &mut Imports,
) -> Result<String, LowerError> {
    let magnitude = lowering.node(x).range.magnitude() as i128;
    finish(&lowering.var(x), &node.label, magnitude, to, imports)
}
