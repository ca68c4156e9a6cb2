//! Weights of keys, and the values that they mix.
//!
//! Row: a key `u` of a group, as [`groups`](super::groups) says; the lanes are queries. The chain has besides: the number `Λ` of the head's last
//! group, the number `K` of keys in it, the addresses of the statistics that
//! [`softmax`](super::softmax) writes and of the masks of ones, the numbers of the tables of weights and of the second limb, `s`, `2^s`.
//! Constants: the row's number, `last`, `Γ`, `u`, `first` (1 in
//! the first row of all), `head` (1 in the first row of each later group). Values of the row: `part`, its inverse, `mask`; the key's value
//! channels `v_d`. Values of all lanes from tensor rows: the maximum `M`, `m`, `n`, `h = 2^(n−2)`,
//! the mask `c`. Values of each lane: `d`, `x`, `r`, `w`, `a`, `p`, two limbs `q`, `q'`; and where the second limb of distances is needed `d'`,
//! `f`, `y`; otherwise `d' = 0`, `y = c`.
//!
//! - *Mask.* `part` is 1 in the last group: `part (Γ − Λ) = 0`, `e ((Γ − Λ) inv − 1 + part) = 0`. `mask = ones + part (L − K) − new L`, and
//!   `+T(mask + u, c)`: causal masks lie `L` rows before the ones, zeros behind them.
//! - *Score.* `S = M − 2^s (d + 2^16 d') − r`, `R(s, r)`; to the zero sum `−κ σ^row Σ_t ρ^t S_t`, against [`qk`](super::qk).
//! - *Weight.* `x = c d`, `F(weights, x − 2^15, w)`: arguments have a sign, so distance 0 is the argument `−2^15`. With a second limb
//!   `F(zero, d', f)`, a table that has 1 at 0 and 0 at every other limb, and `y = c f`. The key's weight is `y w`.
//!   Where `c = 0` the limb `d` is free, so the score of a key that the lane does not see can be what `q · k` is.
//! - *Maximum.* `a (M − S) = 0`. The sum of `c a` over all keys is 1, for each head and lane, by a kind of its own: so no visible score is above
//!   `M`, and one is `M`. (Distances are rounded down. With rounding to the nearest,
//!   distance 0 would leave `2^s` choices of `M`.) `a` need not be 0 or 1: some `c a` is not 0, and there the maximum is attained.
//! - *Sum.* `Σ y w` over all keys, for each head and lane, is the `D` of `softmax`, by a kind of its own.
//! - *Normalising.* `y w m = 2^n p + q + 2^14 q' − y 2^(n−1)`, `R(30 − n, p)`, `R(14, q)`, `R(n − 14, q')`: `p` is `2^13 w / D`, rounded.
//! - *Mixing.* `+X(block + 8 i, u, v)` for each eight channels, and to the zero sum `κ δ^(head_dim · head) (Σ_t ρ^t p_t) (Σ_d δ^d v_d)`, against
//!   [`mixed`](super::mixed).
//! - *Rows that are off.* `(1 − e) c = 0`, `(1 − e) p = 0`, `(1 − e) new = 0`: they add nothing to the sums of a head. Their scores are free,
//!   and harmless as in `qk`.
//!
//! Powers: `σ^row` steps by `σ`. `δ^(head_dim · head)` is `first + g' (1 − first + head new (δ^head_dim − 1))`: the own group is a head's first.
//! Here alone a power has a trace column in its factor; the chain determines it, and it
//! is committed to before the challenges are drawn.
//!
//! *Why congruent means equal.* The plan requires `|q · k| < 2^29`, so distances of visible keys to an attained maximum are below `2^30`, and
//! `s + 16 + bits(d') ≤ 30`: so is the form. Weights are below `2^15`, so `y w m < 2^29`, and
//! `2^n p + q + 2^14 q' < 2^30`; every honest `p` fits, as `(2^29 − 1 + 2^(n−1)) / 2^n < 2^(30−n)`. With a bit more in the range of `p` a masked
//! key could have `p = 2^(31−n) − 1`.
//!
//! Cells of a row: `19 + head_dim + 13 L`, and with the second limb `3 L` more; `4 (⌈(7 + head_dim / 8 + 5 L) / 2⌉ + 3)`, and with the second
//! limb `6 L` in the place of `5 L`.

use stwo::core::fields::m31::M31;

use super::groups::{Group, group};
use super::lanes::{self, CHANNELS};
use super::relations::GROUPS;
use super::softmax::{LARGEST_EXPONENT, LEAST_EXPONENT, MANTISSA_BITS, POWER_SHIFT};
use super::{range, table, tensor};
use crate::air::challenges::{Kind, Weights};
use crate::air::row::{Row, weighted};

/// What the chain has besides a group's.
pub const SHARED: usize = 8;

/// Bits of the first limb of a distance.
pub const DISTANCE_BITS: u32 = 16;

/// The argument of distance 0 in a table of weights: arguments have a sign.
pub const NEAREST: i64 = -(1 << (DISTANCE_BITS - 1));

/// Bits of the low limb of the rest in which weights are normalised.
pub const REST_BITS: u32 = MANTISSA_BITS + 1;

/// Values of a row before its value channels: those of a group, what the chain has besides, and three of the mask's address.
pub const ROW_VALUES: usize = super::groups::COLUMNS + SHARED + 3;

/// Tensor rows that a row reads.
pub const TENSOR_ROWS: usize = 5;

/// Values of a lane; with the second limb there are [`FAR_VALUES`] more.
pub const LANE_VALUES: usize = 8;

/// Values of a lane that distances with two limbs need besides.
pub const FAR_VALUES: usize = 3;

/// What a row says about a lane.
struct Lane<F> {
    score: F,
    /// The mask, and the flag of a maximum.
    attained: [F; 2],
    /// Two factors of the weight.
    weight: [F; 2],
    share: F,
}

/// A row's numbers that all lanes share.
struct Shared<F> {
    on: F,
    weights: F,
    zero: F,
    shift: F,
    scale: F,
    /// Whether distances have a second limb.
    far: bool,
}

/// The constraints of a row.
pub fn evaluate<R: Row>(
    head_dim: usize,
    far: bool,
    lanes: usize,
    weights: &Weights<R::C>,
    row: &mut R,
) {
    let group = group(GROUPS, SHARED, row);
    let one = R::F::from(M31::from(1));
    let off = one.clone() - group.on.clone();
    row.zero(off.clone() * group.new.clone());
    let key = row.constant("key");
    let mask = mask(&group, lanes, row) + key.clone();
    let channels = row.values(head_dim);
    for (i, values) in channels.chunks(CHANNELS).enumerate() {
        let address = group.block.clone() + R::F::from(M31::from((CHANNELS * i) as u32));
        lanes::uses(group.on.clone(), address, key.clone(), values, row);
    }
    let statistics = group.shared[2].clone();
    let addresses = (0..4).map(|i| statistics.clone() + R::F::from(M31::from(i)));
    let rows: Vec<Vec<R::F>> = addresses
        .chain([mask])
        .map(|address| {
            let values = row.values(lanes);
            tensor::uses(group.on.clone(), address, &values, row);
            values
        })
        .collect();
    let shared = Shared {
        on: group.on,
        weights: group.shared[4].clone(),
        zero: group.shared[5].clone(),
        shift: group.shared[6].clone(),
        scale: group.shared[7].clone(),
        far,
    };
    let found: Vec<Lane<R::F>> = (0..lanes)
        .map(|t| {
            let read: [R::F; TENSOR_ROWS] = std::array::from_fn(|i| rows[i][t].clone());
            lane(&shared, &off, read, row)
        })
        .collect();
    sums(head_dim, &group.new, (&found, &channels), weights, row);
}

/// The address of the masks of the group's keys: values `part`, its inverse, `mask`.
fn mask<R: Row>(group: &Group<R::F>, lanes: usize, row: &mut R) -> R::F {
    let [part, inverse, mask] = [0; 3].map(|_| row.value());
    let behind = group.number.clone() - group.shared[0].clone();
    row.zero(part.clone() * behind.clone());
    let one = R::F::from(M31::from(1));
    row.zero(group.on.clone() * (behind * inverse - one + part.clone()));
    let all = M31::from(lanes as u32);
    let hidden = R::F::from(all) - group.shared[1].clone();
    let ones = group.shared[3].clone();
    row.zero(ones + part * hidden - group.new.clone() * all - mask.clone());
    mask
}

/// A lane's score, weight and share.
fn lane<R: Row>(
    shared: &Shared<R::F>,
    off: &R::F,
    [maximum, reciprocal, exponent, power, seen]: [R::F; TENSOR_ROWS],
    row: &mut R,
) -> Lane<R::F> {
    let on = &shared.on;
    let [low, visible, rest, weight, attained, share, below, above] =
        [0; LANE_VALUES].map(|_| row.value());
    row.zero(seen.clone() * low.clone() - visible.clone());
    let argument = visible - R::F::from(M31::from(NEAREST.unsigned_abs() as u32));
    table::uses(
        on.clone(),
        shared.weights.clone(),
        argument,
        weight.clone(),
        row,
    );
    let (distance, near) = if shared.far {
        far(shared, low, &seen, row)
    } else {
        (low, seen.clone())
    };
    range::within(on.clone(), shared.shift.clone(), rest.clone(), row);
    let form = distance * shared.scale.clone() + rest;
    row.zero(attained.clone() * form.clone());

    let number = |number: u32| R::F::from(M31::from(number));
    let share_bits = number(LARGEST_EXPONENT) - exponent.clone();
    range::within(on.clone(), share_bits, share.clone(), row);
    range::within_fixed(on.clone(), REST_BITS, below.clone(), row);
    range::within(
        on.clone(),
        exponent - number(LEAST_EXPONENT),
        above.clone(),
        row,
    );
    let unit = power.clone() * M31::from(1 << POWER_SHIFT);
    let half = power * M31::from(1 << (POWER_SHIFT - 1));
    let left = near.clone() * weight.clone() * reciprocal;
    let right = unit * share.clone() + below + above * M31::from(1 << REST_BITS);
    row.zero(left + near.clone() * half - right);
    row.zero(off.clone() * seen.clone());
    row.zero(off.clone() * share.clone());
    Lane {
        score: maximum - form,
        attained: [seen, attained],
        weight: [near, weight],
        share,
    }
}

/// A distance of two limbs, and whether the lane sees the key and its second limb is 0.
fn far<R: Row>(shared: &Shared<R::F>, low: R::F, seen: &R::F, row: &mut R) -> (R::F, R::F) {
    let [high, flag, near] = [0; FAR_VALUES].map(|_| row.value());
    table::uses(
        shared.on.clone(),
        shared.zero.clone(),
        high.clone(),
        flag.clone(),
        row,
    );
    row.zero(seen.clone() * flag - near.clone());
    (low + high * M31::from(1 << DISTANCE_BITS), near)
}

/// The row's terms of the zero sum: constants `first`, `head`; two powers.
fn sums<R: Row>(
    head_dim: usize,
    new: &R::F,
    (found, channels): (&[Lane<R::F>], &[R::F]),
    weights: &Weights<R::C>,
    row: &mut R,
) {
    let first = row.constant("first");
    let jump = row.constant("head") * new.clone();
    let later = R::F::from(M31::from(1)) - first.clone();
    let step = R::EF::from(later.clone()) * weights.sigma[1].clone();
    let power = row.power(first.clone(), step);
    let of = |pick: &dyn Fn(&Lane<R::F>) -> R::F| -> R::EF {
        let values: Vec<R::F> = found.iter().map(pick).collect();
        weighted(&values, &weights.rho)
    };
    let scores = of(&|lane| lane.score.clone());
    row.sums(-(power * scores * weights.kappa(Kind::Scores).clone()));

    let step =
        R::EF::from(later - jump.clone()) + R::EF::from(jump) * weights.delta[head_dim].clone();
    let power = row.power(first, step);
    let product = |[a, b]: &[R::F; 2]| a.clone() * b.clone();
    let all = of(&|lane| product(&lane.weight)) * weights.kappa(Kind::Sums).clone();
    let attained = of(&|lane| product(&lane.attained)) * weights.kappa(Kind::Maxima).clone();
    let values: R::EF = weighted(channels, &weights.delta);
    let shares = of(&|lane| lane.share.clone());
    let mixed = shares * values * weights.kappa(Kind::Mixing).clone();
    row.sums(power * (all + attained + mixed));
}
