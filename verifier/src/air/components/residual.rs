//! A stream plus rounded outputs of a product: `x' = x + round(y / 2^s)`, without columns for the accumulator `y` and for its rounding.
//!
//! Row: a channel `i`. Constants: the row's [`place`](super::place) (three operands: the second is the address `b'` of the new stream's first channel, the third
//! the address `b` of the old one's), `i`, its [rounding](super::outputs), `n` and `2^(b − 1)` for the `b = 14 + n` bits of what joins the stream, `first`. Values `x_t`, `l_t`, `h_t`,
//! `r_t`.
//!
//! `z = l + 2^14 h − 2^(b − 1)`, `R(14, l)`, `R(n, h)`, `R(s, r)`. `+T(b + i, x)`, `+T(b' + i, x + z)`, and to the zero sum
//! `−κ β^start g Σ_t ρ^t (2^s z_t + on r_t − offset)`, the accumulator without its bias.
//!
//! The ranges of `l` and `h` say `−2^(b − 1) ≤ z < 2^(b − 1)`. The plan requires `s + b ≤ 30`, so that the form is at most `2^29 + 2^15` in magnitude, and accumulators with which it is
//! together shorter than `p`: congruent means equal. Streams are below `2^28` by the plan, which adds up what joins them. The range of `z` is *checked, not proven*: what
//! is proven of a product may be far more than occurs. Then there can be a chunk without a proof, and never a proof of another `z`.
//!
//! Cells of a row: `4 L + 3`, and `4 (⌈(3 L + 4) / 2⌉ + 2)`.

use stwo::core::fields::m31::M31;

use super::outputs::{rounding, take};
use super::place::place;
use super::{range, tensor};
use crate::air::challenges::Weights;
use crate::air::row::Row;

/// Bits of the low limb of what joins the stream: it has as many at least.
pub const LOW_BITS: u32 = 14;

/// Most bits of what joins the stream and of its rest together.
pub const FORM_BITS: u32 = 30;

/// The constraints of a row.
pub fn evaluate<R: Row>(start: u32, lanes: usize, weights: &Weights<R::C>, row: &mut R) {
    let place = place(3, row);
    let channel = row.constant("channel");
    let rounding = rounding(0, row);
    let [high_bits, half] = ["high_bits", "half"].map(|name| row.constant(name));
    let old = row.values(lanes);

    let mut new = vec![];
    let mut accumulators = vec![];
    for x in &old {
        let [low, high, rest] = [0; 3].map(|_| row.value());
        range::within_fixed(place.on.clone(), LOW_BITS, low.clone(), row);
        range::within(place.on.clone(), high_bits.clone(), high.clone(), row);
        let limbs = low + high * M31::from(1 << LOW_BITS);
        let result = limbs - half.clone();
        new.push(x.clone() + result.clone());
        accumulators.push(rounding.accumulator(&place.on, result, rest, row));
    }
    let [to, from] = [1, 2].map(|i| place.operands[i].clone() + channel.clone());
    tensor::uses(place.on.clone(), from, &old, row);
    tensor::uses(place.on, to, &new, row);
    take(start, &[accumulators], weights, row);
}
