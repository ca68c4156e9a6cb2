//! A norm's channels: `z = round((2 v + 1) h / 2^c)` with `v = ⌊x' / 2^e⌋`, where `x' = 2^g x − M`. The lane's unit `2^e`, its mean `M` and its mantissa `h` are those
//! that [`norm_root`](super::norm_root) proves.
//!
//! Row: a channel `i`. Constants: the row's [`place`](super::place) (three operands: the stream's address `b`, the address `b'` of the lanes' statistics, the address
//! `b''` of the results), `i`, `2^g`, the number `f` of the table of squares, `bits` and `2^(bits − 1)`, `c`, `2^c`, `2^(c − 1)`, `new` (1 in the first row of each norm), `first`.
//! Values for all lanes: `x`; from the statistics `e`, `s`, `h`, and where the mean is taken away (`centred`) `M`, which is 0 otherwise; for each lane `u`, `w`,
//! `a`, `r`, `z`, `q`.
//!
//! With `v = 2 u + a`:
//!
//! - *The channel in the lane's unit.* `on (2^g x − M − s v − r) = 0`, `F(f, u, w)`, `on a (1 − a) = 0`, `R(e, r)`. The table has all `u` of 16 bits with sign, and no other; its
//!   value is `w = ⌊(u² + u) / 2^15⌋`, below `2^15`. `s = 2^e` and `e ≤ 14` are in `norm_root`. The plan requires `|2^g x| < 2^28`, `norm_root` proves `|M| ≤ 2^28`, and `|s v + r|`
//!   is at most `2^30 + 2^14`: together less than `p`, so congruent means equal. So `v = ⌊x' / s⌋`, `a` is its lowest bit, and `u` and `r` are determined too.
//! - *The result.* `on ((2 v + 1) h + 2^(c − 1) − q) − 2^c z = 0`, `R(bits, z + 2^(bits − 1))`, `R(c, q)`. `2 v + 1` is twice the middle of the numbers that have the same `v`. It is at most
//!   the length of all of them, so `norm_root` proves `|(2 v + 1) h| < 2^29`. With `c + bits = 30` the form has at most `2^29` in magnitude: congruent means equal, and a norm
//!   without a result does not exist.
//!
//! `+T(b + i, x)`, `+T(b', e)`, `+T(b' + 1, s)`, `+T(b' + 2, h)`, `+T(b' + 3, M)` if centred, `+T(b'' + i, z)`.
//!
//! A power `g_n`, `θ^(L n)` in all rows of the norm with the number `n`: `g = first + (on − first) (1 + new (θ^L − 1)) g'`. It is 0 in padding, so values of padding are in no
//! sum. To the zero sum `g Σ_t θ^t (κ_1 (u² + u) + κ_2 w + κ_3 (a (2 u + 1) − u))`, if centred also `κ_4 v + κ_5 r`: sums over channels, which `norm_root` takes.
//!
//! (The squares are of `u`, not of limbs of `x`: fewer columns, and their sum is below `2^30` in a lane with the right unit. In another unit it could pass `p`, and the sum of `w`
//! shows it. That the unit is no larger than it must be is the third sum's.)
//!
//! Cells of a row: `10 L + 3`, one `L` more if centred, and `4 (⌈(4 L + 7) / 2⌉ + 2)`, with 8 in the place of 7 if centred.

use stwo::core::fields::m31::M31;

use super::place::place;
use super::{range, table, tensor};
use crate::air::challenges::{Kind, Weights};
use crate::air::row::{Base, Row, weighted};

/// Bits of a channel in twice the lane's unit, sign included: the arguments of the table of squares.
pub const HALF_BITS: u32 = 16;

/// Bits that the table of squares leaves off.
pub const SQUARE_BITS: u32 = 15;

/// The largest exponent of a lane's unit.
pub const MAX_EXPONENT: u32 = 14;

/// Bits of `z` and of the rest `q` together.
pub const RESULT_BITS: u32 = 30;

/// A number in the unit `2^e` of a lane, `s v + r` with `v = 2 u + a`.
pub struct Scaled<F> {
    half: F,
    /// `⌊(u² + u) / 2^15⌋`.
    pub top: F,
    bit: F,
    /// What the unit leaves.
    pub rest: F,
}

impl<F: Base> Scaled<F> {
    /// Columns `u`, `w`, `a`, `r`, with the ranges of all of them.
    pub fn read<R: Row<F = F>>(on: &F, squares: &F, exponent: &F, row: &mut R) -> Scaled<F> {
        let [half, top, bit, rest] = [0; 4].map(|_| row.value());
        table::uses(on.clone(), squares.clone(), half.clone(), top.clone(), row);
        let one = F::from(M31::from(1));
        row.zero(on.clone() * (bit.clone() * (one - bit.clone())));
        range::within(on.clone(), exponent.clone(), rest.clone(), row);
        Scaled {
            half,
            top,
            bit,
            rest,
        }
    }

    /// `v`.
    pub fn value(&self) -> F {
        self.half.clone() * M31::from(2) + self.bit.clone()
    }

    /// `s v + r`.
    pub fn whole(&self, scale: F) -> F {
        scale * self.value() + self.rest.clone()
    }

    /// `u² + u`.
    pub fn square(&self) -> F {
        self.half.clone() * self.half.clone() + self.half.clone()
    }

    /// `a (2 u + 1) − u`: `v² + v` is `4 (u² + u)` and twice this.
    pub fn step(&self) -> F {
        let odd = self.half.clone() * M31::from(2) + F::from(M31::from(1));
        self.bit.clone() * odd - self.half.clone()
    }
}

/// The constants of a row behind its place.
struct Constants<F> {
    grain: F,
    squares: F,
    bits: F,
    bits_half: F,
    shift: F,
    scale: F,
    half: F,
}

/// The constraints of a row.
pub fn evaluate<R: Row>(centred: bool, lanes: usize, weights: &Weights<R::C>, row: &mut R) {
    let place = place(3, row);
    let names = [
        "channel",
        "grain",
        "squares",
        "bits",
        "bits_half",
        "shift",
        "scale",
        "half",
    ];
    let [channel, grain, squares, bits, bits_half, shift, scale, half] =
        names.map(|name| row.constant(name));
    let constants = Constants {
        grain,
        squares,
        bits,
        bits_half,
        shift,
        scale,
        half,
    };
    let inputs = row.values(lanes);
    let statistics: Vec<Vec<R::F>> = (0..3 + usize::from(centred))
        .map(|_| row.values(lanes))
        .collect();
    let mut scaled = vec![];
    let mut results = vec![];
    for (lane, input) in inputs.iter().enumerate() {
        let of = |statistic: &Vec<R::F>| statistic[lane].clone();
        let own: Vec<R::F> = statistics.iter().map(of).collect();
        let (of, result) = one_lane(&place.on, &constants, input.clone(), &own, row);
        scaled.push(of);
        results.push(result);
    }
    let [from, at, to] = [0, 1, 2].map(|i| place.operands[i].clone());
    tensor::uses(place.on.clone(), from + channel.clone(), &inputs, row);
    for (number, values) in (0u32..).zip(&statistics) {
        let address = at.clone() + R::F::from(M31::from(number));
        tensor::uses(place.on.clone(), address, values, row);
    }
    tensor::uses(place.on.clone(), to + channel, &results, row);
    sum(centred, place.on, &scaled, weights, row);
}

/// A lane: its input, and its statistics `e`, `s`, `h` and, if centred, `M`. The result is the second.
fn one_lane<R: Row>(
    on: &R::F,
    constants: &Constants<R::F>,
    input: R::F,
    statistics: &[R::F],
    row: &mut R,
) -> (Scaled<R::F>, R::F) {
    let [exponent, scale, mantissa] = [0, 1, 2].map(|i| statistics[i].clone());
    let scaled = Scaled::read(on, &constants.squares, &exponent, row);
    let mut whole = input * constants.grain.clone();
    if let Some(mean) = statistics.get(3) {
        whole = whole - mean.clone();
    }
    row.zero(on.clone() * (whole - scaled.whole(scale)));

    let [result, rest] = [0; 2].map(|_| row.value());
    let shifted = result.clone() + constants.bits_half.clone();
    range::within(on.clone(), constants.bits.clone(), shifted, row);
    range::within(on.clone(), constants.shift.clone(), rest.clone(), row);
    let odd = scaled.value() * M31::from(2) + R::F::from(M31::from(1));
    let rounded = result.clone() * constants.scale.clone();
    row.zero(on.clone() * (odd * mantissa + constants.half.clone() - rest) - rounded);
    (scaled, result)
}

/// Adds the channel's squares, and what else is summed over channels.
fn sum<R: Row>(
    centred: bool,
    on: R::F,
    scaled: &[Scaled<R::F>],
    weights: &Weights<R::C>,
    row: &mut R,
) {
    let new = row.constant("new");
    let first = row.constant("first");
    let later = on - first.clone();
    let step = weights.theta[scaled.len()].clone();
    let stay = R::EF::from(later.clone() * (R::F::from(M31::from(1)) - new.clone()));
    let power = row.power(first, stay + R::EF::from(later * new) * step);
    let of = |number: &dyn Fn(&Scaled<R::F>) -> R::F| -> R::EF {
        let numbers: Vec<R::F> = scaled.iter().map(number).collect();
        weighted(&numbers, &weights.theta)
    };
    let mut kinds = vec![
        (Kind::NormSquares, of(&Scaled::square)),
        (Kind::NormTops, of(&|scaled| scaled.top.clone())),
        (Kind::NormSteps, of(&Scaled::step)),
    ];
    if centred {
        kinds.push((Kind::NormValues, of(&Scaled::value)));
        kinds.push((Kind::NormRests, of(&|scaled| scaled.rest.clone())));
    }
    for (kind, sum) in kinds {
        row.sums(power.clone() * sum * weights.kappa(kind).clone());
    }
}
