//! A stream plus rounded outputs of a product: `x' = x + round(y / 2^s)`, without columns for the accumulator `y` and for its rounding.
//!
//! Row: a channel `i`. Constants: the row's [`place`](super::place) (three operands: the second is the address `b'` of the new stream's first channel, the third
//! the address `b` of the old one's), `i`, its [rounding](super::outputs) with `s ≤ 5`, `first`. Values `x_t`, `l_t`, `h_t`, `r_t`.
//!
//! `x' = l + 2^14 h − 2^24`, `R(14, l)`, `R(11, h)`, `R(s, r)`. `+T(b + i, x)`, `+T(b' + i, x')`, and to the zero sum
//! `−κ β^start g Σ_t ρ^t (2^s (x'_t − x_t) + on r_t − offset)`, the accumulator without its bias.
//!
//! The ranges of `l` and `h` say `−2^24 ≤ x' < 2^24`. The plan requires as much of `x`, in magnitude at most `2^24`: so `x' − x` is at most `2^25` in
//! magnitude, `2^s (x' − x)` at most `2^30`, and the form and the accumulator, below `2^29`, are together shorter than `p`: congruent means
//! equal. The range of `x'` is *checked, not proven*: the worst case of a sum over many layers may be above it. Then there can be a chunk
//! without a proof, and never a proof of another `x'`.
//!
//! Cells of a row: `4 L + 3`, and `4 (⌈(3 L + 4) / 2⌉ + 2)`.

use stwo::core::fields::m31::M31;

use super::outputs::{rounding, take};
use super::place::place;
use super::{range, tensor};
use crate::air::challenges::Weights;
use crate::air::row::Row;

/// Bits of the low limb of `x' + 2^24`.
pub const LOW_BITS: u32 = 14;

/// Bits of its high limb.
pub const HIGH_BITS: u32 = 11;

/// The stream's bound: `x'` is at least `−BOUND` and below `BOUND`.
pub const BOUND: u32 = 1 << (LOW_BITS + HIGH_BITS - 1);

/// The largest shift.
pub const MAX_SHIFT: u32 = 5;

/// The constraints of a row.
pub fn evaluate<R: Row>(start: u32, lanes: usize, weights: &Weights<R::C>, row: &mut R) {
    let place = place(3, row);
    let channel = row.constant("channel");
    let rounding = rounding(0, row);
    let old = row.values(lanes);

    let mut new = vec![];
    let mut accumulators = vec![];
    for x in &old {
        let [low, high, rest] = [0; 3].map(|_| row.value());
        range::within_fixed(place.on.clone(), LOW_BITS, low.clone(), row);
        range::within_fixed(place.on.clone(), HIGH_BITS, high.clone(), row);
        let limbs = low + high * M31::from(1 << LOW_BITS);
        let sum = limbs - R::F::from(M31::from(BOUND));
        let result = sum.clone() - x.clone();
        accumulators.push(rounding.accumulator(&place.on, result, rest, row));
        new.push(sum);
    }
    let [to, from] = [1, 2].map(|i| place.operands[i].clone() + channel.clone());
    tensor::uses(place.on.clone(), from, &old, row);
    tensor::uses(place.on, to, &new, row);
    take(start, &[accumulators], weights, row);
}
