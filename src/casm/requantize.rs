//! Roundings: division by a power of two, checked and not computed.

use super::asm::{Asm, Cell, Next};
use super::linear::params;

/// Elements per turn.
const ELEMENTS: [i16; 2] = [4, 1];
/// Range checks of a rounding.
const CHECKS: i16 = 3;

/// `append_rounded(xs: Span, bias, offset, divisor, ref out: Array)`: appends
/// `floor((x + bias) / divisor) − offset` of every element.
pub(super) fn rounded(asm: &mut Asm) {
    let [rc, xs, end, bias, offset, divisor, out_start, out] = params();
    let of = Elements::new(asm, rc, [xs, end], [out_start, out]);
    let largest = asm.add(divisor, -1);
    of.each(asm, ELEMENTS, CHECKS, |asm, x, rc, at| {
        let dividend = asm.add(x, bias);
        round(asm, dividend, [divisor, largest, offset], rc, at)
    });
}

/// `append_scaled(xs: Span, factor, bias, offset, divisor, ref out: Array)`: appends
/// `floor((x·factor + bias) / divisor) − offset` of every element.
pub(super) fn scaled(asm: &mut Asm) {
    let [rc, xs, end, factor, bias, offset, divisor, out_start, out] = params();
    let of = Elements::new(asm, rc, [xs, end], [out_start, out]);
    let largest = asm.add(divisor, -1);
    of.each(asm, ELEMENTS, CHECKS, |asm, x, rc, at| {
        let product = asm.mul(x, factor);
        let dividend = asm.add(product, bias);
        round(asm, dividend, [divisor, largest, offset], rc, at)
    });
}

/// What a kernel with range checks goes through, and where it appends.
pub(super) struct Elements {
    count: Cell,
    rc: Cell,
    xs: Cell,
    out_start: Cell,
    out: Cell,
}

impl Elements {
    /// The elements of a span, with the range checks from `rc` on and the array that is appended to.
    pub(super) fn new(
        asm: &mut Asm,
        rc: Cell,
        [xs, end]: [Cell; 2],
        [out_start, out]: [Cell; 2],
    ) -> Elements {
        Elements {
            count: asm.sub(end, xs),
            rc,
            xs,
            out_start,
            out,
        }
    }

    /// Appends `value(x, rc, at)` of every element, which uses the `checks` range checks from `rc + at` on, and
    /// returns.
    pub(super) fn each<const K: usize>(
        self,
        asm: &mut Asm,
        sizes: [i16; K],
        checks: i16,
        value: impl Fn(&mut Asm, Cell, Cell, i16) -> Cell,
    ) {
        let counts = asm.split_count(self.count, sizes);
        let state = [self.rc, self.xs, self.out];
        let [rc, _, out] = asm.batches(&counts, state, |asm, [rc, xs, out], size| {
            for i in 0..size {
                let x = asm.load(xs, i);
                let y = value(asm, x, rc, checks * i);
                asm.store(y, out, i);
            }
            [
                Next::Plus(rc, checks * size),
                Next::Plus(xs, size),
                Next::Plus(out, size),
            ]
        });
        asm.ret(&[rc, self.out_start, out]);
    }
}

/// `floor(dividend / divisor) − offset`, with three range checks from `at` on; `largest` is `divisor − 1`.
fn round(
    asm: &mut Asm,
    dividend: Cell,
    [divisor, largest, offset]: [Cell; 3],
    rc: Cell,
    at: i16,
) -> Cell {
    let quotient = divide(asm, dividend, divisor, largest, rc, at);
    asm.check(quotient, rc, at + 2);
    asm.sub(quotient, offset)
}

/// The quotient, from a hint. Uses the two range checks from `at` on for `0 ≤ remainder < divisor`; the
/// quotient's own range is the caller's to check.
pub(super) fn divide(
    asm: &mut Asm,
    dividend: Cell,
    divisor: Cell,
    largest: Cell,
    rc: Cell,
    at: i16,
) -> Cell {
    let (quotient, remainder) = (asm.reserve(), asm.reserve());
    asm.hint_div_rem(dividend, divisor, quotient, remainder);
    let whole = asm.mul(quotient, divisor);
    asm.assert_sum(dividend, remainder, whole);
    asm.check(remainder, rc, at);
    let room = asm.sub(largest, remainder);
    asm.check(room, rc, at + 1);
    quotient
}

/// What a saturation needs, computed once.
pub(super) struct Saturation {
    divisor: Cell,
    largest: Cell,
    bias: Cell,
    offset: Cell,
    lo: Cell,
    hi: Cell,
    below: Cell,
    above: Cell,
    first: Cell,
    last: Cell,
}

impl Saturation {
    /// Range checks per element.
    pub(super) const CHECKS: i16 = 4;

    pub(super) fn new(asm: &mut Asm, [bias, offset, divisor, lo, hi]: [Cell; 5]) -> Saturation {
        Saturation {
            divisor,
            largest: asm.add(divisor, -1),
            bias,
            offset,
            lo,
            hi,
            below: asm.add(lo, -1),
            above: asm.add(hi, 1),
            first: asm.sub(lo, offset),
            last: asm.sub(hi, offset),
        }
    }

    /// `clamp(floor((x + bias) / divisor), lo, hi) − offset`, with the range checks from `at` on. Flags
    /// from hints say which case it is; each case checks that it is that one.
    pub(super) fn apply(&self, asm: &mut Asm, x: Cell, rc: Cell, at: i16) -> Cell {
        let dividend = asm.add(x, self.bias);
        let quotient = divide(asm, dividend, self.divisor, self.largest, rc, at);
        let (low, high) = (asm.leave(), asm.leave());
        asm.hint_less(quotient, self.lo, low);
        asm.hint_less(self.hi, quotient, high);
        let is_low = asm.jump_if("low", low);
        let is_high = asm.jump_if("high", high);
        // lo ≤ quotient ≤ hi
        let above = asm.sub(quotient, self.lo);
        let under = asm.sub(self.hi, quotient);
        asm.check(above, rc, at + 2);
        asm.check(under, rc, at + 3);
        let y = asm.sub(quotient, self.offset);
        let inside = asm.jump();
        // 0 ≤ quotient ≤ lo − 1
        asm.arrive_only(is_low);
        let under = asm.sub(self.below, quotient);
        asm.check(quotient, rc, at + 2);
        asm.check(under, rc, at + 3);
        asm.leave();
        asm.copy(self.first);
        let is_lowest = asm.jump();
        // hi + 1 ≤ quotient
        asm.arrive_only(is_high);
        let over = asm.sub(quotient, self.above);
        asm.check(over, rc, at + 2);
        asm.check(over, rc, at + 3);
        asm.leave();
        asm.copy(self.last);
        asm.arrive(inside);
        asm.arrive(is_lowest);
        y
    }
}

/// `append_saturated(xs: Span, bias, offset, divisor, lo, hi, ref out: Array)`: appends
/// `clamp(floor((x + bias) / divisor), lo, hi) − offset` of every element.
pub(super) fn saturated(asm: &mut Asm) {
    let [rc, xs, end, bias, offset, divisor, lo, hi, out_start, out] = params();
    let of = Elements::new(asm, rc, [xs, end], [out_start, out]);
    let to = Saturation::new(asm, [bias, offset, divisor, lo, hi]);
    of.each(asm, ELEMENTS, Saturation::CHECKS, |asm, x, rc, at| {
        to.apply(asm, x, rc, at)
    });
}
