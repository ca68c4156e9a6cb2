//! What the channels of a lane have in common in a [`norm`](super::norm): the unit `2^e`, the mean `M` where it is taken away (`centred`), and the mantissa `h` of the reciprocal length.
//!
//! A norm has `d ≤ 4095` channels `x'_i = 2^g x_i − M`, and one more, `X`, a constant that stands for `eps`: `n = d + 1` numbers. With `v_i = ⌊x'_i / 2^e⌋`, `u_i = ⌊v_i / 2⌋`:
//!
//! ```text
//! M = ⌈Σ 2^g x_i / d⌉, or 0                        e = the least number with Σ (u_i² + u_i) < 2^30
//! V = Σ (2 v_i + 1)²                               N = ⌊√V⌋,  h = ⌊K / N + 1/2⌋,  K = 2^29 − 2^19
//! ```
//!
//! The sums go over all `n` numbers. `2 v + 1` is twice the middle of what the unit does not tell apart, and `(2 v + 1) / N` nearly `x' / length`.
//!
//! Row: a lane `t`, and the row's number in the operation is the lane. Constants: the row's [`place`](super::place) (operands as of `norm`), the numbers of the tables of squares, powers
//! and least sums, `X`, `n`, `d − 1`, `first`. Values: the lane's view of the statistics `e, s, h, M` and four numbers that nobody needs; `W`, `l_0`, `l_1`; `u, w, a, r` of `X`; `q_0`, `q_1`; `g_0`, `g_1`;
//! `y_0`, `k`, `m`; `N_0`, `N_1`, `j`; `t_0`, `t_1`, `t'`; `h_1`; `i_0`, `i_1`; `x_0`, `x_1`, `x'`; if centred `M_1`, `ν`, `π`. `+X(b', t, e, s, h, M, …)`. A power, `θ^(L n + t)`:
//! `g = first + (on − first) θ g'`, 0 in padding. All constraints have the factor `on`.
//!
//! Each sum over the `d` channels has a range from what `norm` checks, and a claim of this row; both are together shorter than `p`, so they are equal. Each has a `κ` of its own.
//!
//! 1. *Powers.* `F(power, e, s)`: `s = 2^e`, `e ≤ 14`.
//! 2. *Tops.* `W = Σ w`, below `2^27`; `R(15, W + w)` with the `w` of `X`.
//! 3. *Squares.* `Σ (u² + u) = 2^15 W + l_0 + 2^15 l_1`, `R(15, l_0)`, `R(12, l_1)`. The sum can pass `p`; but it is `2^15 W` and less than `2^15` for each channel, so below `2^27`, and `W` is known.
//! 4. *The eps.* `X = s (2 u + a) + r` with the ranges of a channel; `0 ≤ X < 2^28`.
//! 5. *The unit is large enough.* `2^15 W + l_0 + 2^15 l_1 + u² + u = q_0 + 2^15 q_1`, `R(15, q_0)`, `R(15, q_1)`: below `2^30`. The left side is below `2^15 (W + w) + 2^28 < 2^31 − 1` by 2.
//!    So each `|2 u + 1| < 2^16`, which the table of squares has.
//! 6. *The unit is no larger.* `Σ (v² + v) = 4 Σ (u² + u) + 2 G` over all `n`, with `G = Σ (a (2 u + 1) − u)`. Over `d` channels `G` is `g_0 + 2^15 g_1 − 2^27`, `R(15, g_0)`, `R(13, g_1)`. Half of
//!    the sum is `Y = y_0 + 2^16 y_1`: `2 q_0 + G = y_0 + 2^16 k`, `y_1 = q_1 + k`, `R(16, y_0)`, `R(14, k + 2^13)`. `F(least, e, m)`, `R(16, y_1 − m)`: `m` is `2^13`, and 0 for `e = 0`. So `e = 0`, or
//!    `Σ (v² + v) ≥ 2^30`, which is 5 for `e − 1`. The sum does not grow with `e`, as `|u + 1/2| ≤ |v + 1/2|`: there is one such `e`.
//! 7. *The root.* `V = 8 Y + n`. `N = N_0 + 2^9 N_1`, `R(9, N_0)`, `R(9, N_1)`; `N_1² − 2 y_1 = j`, `R(12, j + 2^11)`, `8 y_0 + n − 2^10 N_1 N_0 − N_0² − T = 2^18 j`: `V = N² + T`.
//!    `T = t_0 + 2^16 t_1`, `2 N − T = t'_0 + 2^16 t'`, `R(16, ·)` of both low limbs, `R(3, ·)` of both others: `0 ≤ T ≤ 2 N`.
//! 8. *The reciprocal.* `2 h N + ξ = 2 K + N` with `0 ≤ ξ < 2 N`. `h = h_0 + 2^10 h_1`, `R(10, h_0)`, `R(9, h_1)`; `h N_1 + i = K / 2^9`, `2 h N_0 + ξ − N = 2^10 i`, `i = i_0 + 2^16 i_1 − 2^8`, `R(16, i_0)`, `R(4, i_1)`;
//!    `ξ = x_0 + 2^16 x_1`, `2 N − 1 − ξ = x'_0 + 2^16 x'`, with ranges as of `T`. Both sides are below `2^30` and `2^29 + 2^20`.
//! 9. *The mean.* `Σ (x' of the d channels) = −π`, `R(12, π)`, `R(12, d − 1 − π)`: `M` is the mean, rounded up. The sum is `s Σ v + Σ r`: `Σ v = −ν`, `R(12, ν)`, and `Σ r = s ν − π`. `M + 2^28 = M_0 + 2^15 M_1`, `R(15, M_0)`,
//!    `R(14, M_1)`.
//!
//! *Honest lanes have a row.* `X ≥ 2^10` by the plan, so `N ≥ 2^11`, and `N ≥ 2^16` for `e ≥ 1`. By 5 `‖2 u + 1‖² < 2^32 + n`, and `2 v + 1 = 2 (2 u + 1) ± 1`, so `N ≤ 2 √(2^32 + n) + √n ≤ 2^17 + 66`: `V < 2^34 + 2^25`,
//! `Y < 2^31 + 2^22`, `y_1 < 2^15 + 2^6`, `−2^10 − 4 ≤ j ≤ 3`. `h ≤ K / N + 1/2 < 2^18`. The plan requires channels that are small enough for an `e ≤ 14`. *The result is below `2^29`.* `|2 v + 1| ≤ √V < N + 1`, so
//! `|(2 v + 1) h| < (N + 1) (K / N + 1/2) = K + K / N + N / 2 + 1/2 < 2^29 − 2^18 + 2^10 + 1` (`K / N + N / 2` is largest at the ends of `2^11 ≤ N ≤ 2^17 + 66`).
//!
//! *How exact `h` is.* `h / K` differs from `1 / √V` by less than `1 / N` for the root and `N / 2 K` for the rounding: relatively `2^−16 + 2^−13` for `e ≥ 1`. `√V` differs from the length of the numbers
//! `2 x' / 2^e` by at most `√n`, for `e ≥ 1` relatively `√n / 2^16`: `2^−11` for 1023 channels if every rest is on the same side, and about `2^−17` for rests that are random.
//!
//! Cells of a row: 37, 3 more if centred, and `4 (16 + 2)`, `4 (19 + 2)` if centred.

use stwo::core::fields::m31::M31;

use super::lanes::{self, CHANNELS};
use super::norm::Scaled;
use super::place::place;
use super::{range, table};
use crate::air::challenges::{Kind, Weights};
use crate::air::row::{Base, Row};

/// Bits of a number of channels.
pub const CHANNEL_BITS: u32 = 12;

/// Bits of the magnitude of a mean and of `2^g x`.
pub const WHOLE_BITS: u32 = 28;

/// Bits of limbs of the sums.
pub const LIMB_BITS: u32 = 15;

/// Bits of the low limb of `Y`, and of other numbers in limbs of their row.
pub const WORD_BITS: u32 = 16;

/// Bits of a limb of `N`.
pub const ROOT_BITS: u32 = 9;

/// Bits of the low limb of `h`.
pub const MANTISSA_BITS: u32 = 10;

/// `Σ (v² + v) / 2^17` is at least this, unless the unit is 1.
pub const LEAST: u32 = 1 << 13;

/// What `h N` is nearly.
pub const PRODUCT: u32 = (1 << 29) - (1 << 19);

/// What is added to `k`, `j`, `i` for their ranges.
pub const OFFSETS: [u32; 3] = [1 << 13, 1 << 11, 1 << 8];

/// Half the window of `G`.
pub const STEPS: u32 = 1 << 27;

/// The row's `on`, and shorter ways to say what rows say.
struct Lane<'a, R: Row> {
    on: R::F,
    row: &'a mut R,
}

fn number<F: Base>(value: u32) -> F {
    F::from(M31::from(value))
}

/// `low + 2^bits high`.
fn limbs<F: Base>(low: &F, bits: u32, high: &F) -> F {
    low.clone() + high.clone() * M31::from(1 << bits)
}

impl<R: Row> Lane<'_, R> {
    #[track_caller]
    fn within(&mut self, bits: u32, value: R::F) {
        range::within_fixed(self.on.clone(), bits, value, self.row);
    }

    #[track_caller]
    fn zero(&mut self, value: R::F) {
        let on = self.on.clone();
        self.row.zero(on * value);
    }

    /// The next columns, with these ranges.
    #[track_caller]
    fn columns<const N: usize>(&mut self, bits: [u32; N]) -> [R::F; N] {
        let values = bits.map(|_| self.row.value());
        for (bits, value) in bits.into_iter().zip(&values) {
            self.within(bits, value.clone());
        }
        values
    }

    /// A number from 0 up to `most`, both below `2^19`: three columns.
    fn up_to(&mut self, most: R::F) -> R::F {
        let [low, high, left] = self.columns([WORD_BITS, 3, 3]);
        let value = limbs(&low, WORD_BITS, &high);
        let low_left = most - value.clone() - left * M31::from(1 << WORD_BITS);
        self.within(WORD_BITS, low_left);
        value
    }
}

/// What a row of the norm's lane claims of the sums over channels.
struct Claims<F> {
    squares: F,
    tops: F,
    steps: F,
}

/// The constraints of a row.
pub fn evaluate<R: Row>(centred: bool, weights: &Weights<R::C>, row: &mut R) {
    let place = place(3, row);
    let names = ["squares", "powers", "leasts", "floor", "numbers", "last"];
    let [squares, powers, leasts, floor, numbers, last] = names.map(|name| row.constant(name));
    let first = row.constant("first");
    let view = row.values(CHANNELS);
    let address = place.operands[1].clone();
    lanes::uses(place.on.clone(), address, place.index.clone(), &view, row);
    let [exponent, scale, mantissa, mean] = [0, 1, 2, 3].map(|i| view[i].clone());
    table::uses(
        place.on.clone(),
        powers,
        exponent.clone(),
        scale.clone(),
        row,
    );

    let on = place.on.clone();
    let mut lane = Lane { on, row };
    let top = lane.row.value();
    let [low, high] = lane.columns([LIMB_BITS, CHANNEL_BITS]);
    let eps = Scaled::read(&lane.on, &squares, &exponent, lane.row);
    lane.within(LIMB_BITS, top.clone() + eps.top.clone());
    lane.zero(eps.whole(scale.clone()) - floor);
    let mut claims = Claims {
        squares: limbs(
            &(low + top.clone() * M31::from(1 << LIMB_BITS)),
            LIMB_BITS,
            &high,
        ),
        tops: top,
        steps: number(0),
    };
    let doubled = doubled(leasts, exponent, &eps, &mut claims, &mut lane);
    let root = root(doubled, numbers, &mut lane);
    reciprocal(mantissa, root, &mut lane);
    let means = centred.then(|| centre(mean, scale, last, &mut lane));

    let step = R::EF::from(place.on - first.clone()) * weights.theta[1].clone();
    let power = row.power(first, step);
    let mut kinds = vec![
        (Kind::NormSquares, claims.squares),
        (Kind::NormTops, claims.tops),
        (Kind::NormSteps, claims.steps),
    ];
    if let Some([values, rests]) = means {
        kinds.extend([(Kind::NormValues, values), (Kind::NormRests, rests)]);
    }
    for (kind, claim) in kinds {
        let claim = R::EF::from(claim) * weights.kappa(kind).clone();
        row.sums(-(power.clone() * claim));
    }
}

/// The limbs of `Y`, half of `Σ (v² + v)`: the unit is large enough, and no larger.
fn doubled<R: Row>(
    leasts: R::F,
    exponent: R::F,
    eps: &Scaled<R::F>,
    claims: &mut Claims<R::F>,
    lane: &mut Lane<'_, R>,
) -> [R::F; 2] {
    let [low, high] = lane.columns([LIMB_BITS; 2]);
    let squares = claims.squares.clone() + eps.square();
    lane.zero(squares - limbs(&low, LIMB_BITS, &high));

    let [step_low, step_high] = lane.columns([LIMB_BITS, 13]);
    claims.steps = limbs(&step_low, LIMB_BITS, &step_high) - number(STEPS);
    let [word] = lane.columns([WORD_BITS]);
    let carry = lane.row.value();
    lane.within(14, carry.clone() + number(OFFSETS[0]));
    let steps = claims.steps.clone() + eps.step();
    let doubled = low * M31::from(2) + steps;
    lane.zero(doubled - limbs(&word, WORD_BITS, &carry));
    let top = high + carry;
    let least = lane.row.value();
    table::uses(lane.on.clone(), leasts, exponent, least.clone(), lane.row);
    lane.within(WORD_BITS, top.clone() - least);
    [word, top]
}

/// The limbs of `N`.
fn root<R: Row>([low, high]: [R::F; 2], numbers: R::F, lane: &mut Lane<'_, R>) -> [R::F; 2] {
    let [root_low, root_high] = lane.columns([ROOT_BITS; 2]);
    let carry = lane.row.value();
    lane.within(12, carry.clone() + number(OFFSETS[1]));
    let square = root_high.clone() * root_high.clone();
    lane.zero(square - high * M31::from(2) - carry.clone());
    let root = limbs(&root_low, ROOT_BITS, &root_high);
    let rest = lane.up_to(root * M31::from(2));
    let products = root_low.clone() * (root_high.clone() * M31::from(1 << 10) + root_low.clone());
    let sum = low * M31::from(8) + numbers - products - rest;
    lane.zero(sum - carry * M31::from(1 << 18));
    [root_low, root_high]
}

/// Requires `h` to be the reciprocal's mantissa.
fn reciprocal<R: Row>(mantissa: R::F, [low, high]: [R::F; 2], lane: &mut Lane<'_, R>) {
    let [top] = lane.columns([9]);
    let mantissa_low = mantissa.clone() - top * M31::from(1 << MANTISSA_BITS);
    lane.within(MANTISSA_BITS, mantissa_low);
    let [carry_low, carry_high] = lane.columns([WORD_BITS, 4]);
    let carry = limbs(&carry_low, WORD_BITS, &carry_high) - number(OFFSETS[2]);
    let product = mantissa.clone() * high.clone() + carry.clone();
    lane.zero(product - number(PRODUCT >> 9));
    let root = limbs(&low, ROOT_BITS, &high);
    let rest = lane.up_to(root.clone() * M31::from(2) - number(1));
    let doubled = mantissa * low * M31::from(2) + rest - root;
    lane.zero(doubled - carry * M31::from(1 << 10));
}

/// Requires `M` to be the mean; the claims `Σ v` and `Σ r`.
fn centre<R: Row>(mean: R::F, scale: R::F, last: R::F, lane: &mut Lane<'_, R>) -> [R::F; 2] {
    let [high] = lane.columns([14]);
    let shifted = mean + number(1 << WHOLE_BITS);
    lane.within(LIMB_BITS, shifted - high * M31::from(1 << LIMB_BITS));
    let [values, missing] = lane.columns([CHANNEL_BITS; 2]);
    lane.within(CHANNEL_BITS, last - missing.clone());
    [-values.clone(), scale * values - missing]
}
