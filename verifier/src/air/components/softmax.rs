//! A query head of attention: the constant row below which its groups of keys hang, and what normalises its weights.
//!
//! Row: a query head. Constants: its [`place`](super::place) (eight operands: the addresses of queries, own keys, own values, output and
//! statistics; the number `G` of its first group; the number `N` of carried blocks;
//! the number `K` of keys in the last carried block, `L` if there is none), `first`, the addresses of the first carried block's keys and values,
//! `step` from one carried block to the next, the address of the masks of ones, the numbers of the tables of weights
//! and of the second limb, `s`, `2^s`. A value `skip`; values for each lane: `m`, `n`, `h`, four limbs, `k`. A power
//! `g = first + (1 − first) δ^head_dim g'`, which is `δ^(head_dim · head)`.
//!
//! - *Groups.* `skip = G step`. As [`groups`](super::groups) says, for [`qk`](super::qk) with `head_dim` rows in a group and for
//!   [`attend`](super::attend) with `L`: each chain's first tuple is yielded, and its last one used.
//! - *Sums.* With limbs `a`, `a'` and `c`, `c'` of 15 bits, `D = (a + c + 1) + 2^15 (a' + c')`; `a + 2^15 a'` is the rest of the division below,
//!   so the rest is below `D`, and at least 0. To the zero sum
//!   `−κ on g Σ_t ρ^t D_t` against the weights of all keys, and as a kind of its own `−κ' on g Σ_t ρ^t` against the keys at which the maximum is
//!   attained: one of them counts.
//! - *Division.* `m = ⌊2^(n + 13) / D⌋`: `m D + rest = 2^(n + 13)`, in two equations of limbs, `m (a + c + 1) + a = 2^15 k` and
//!   `m (a' + c') + a' + k = h` with `h = 2^(n − 2)`, `F(power, n, h)` for `14 ≤ n ≤ 30`,
//!   `R(16, k)`. Each side is below `2^31 − 1`: congruent means equal. `R(13, m − 2^13)`: so `2^(n − 1) < D ≤ 2^n`, which is so for one `n`.
//!
//! `+T(statistics + 1, m)`, `+T(statistics + 2, n)`, `+T(statistics + 3, h)`. The row at `statistics` has the maxima, which nobody writes: they
//! are attained.
//!
//! `D` is at most `2^30`, as a lane sees at most `2^15` keys whose weights are below `2^15`; it is at least `2^14`, the least weight of the
//! maximum. The limbs can say no other number that is congruent: they say at least 1 and at most `2^31 − 1`.
//!
//! Cells of a row: `8 L + 9`, and `4 (⌈(7 L + 9) / 2⌉ + 2)`.

use stwo::core::fields::m31::M31;

use super::groups::Head;
use super::place::{Place, place};
use super::relations::{GROUPS, SCORES};
use super::{range, table, tensor};
use crate::air::challenges::{Kind, Weights};
use crate::air::row::{Row, weighted};

/// Operands of a head's call.
pub const OPERANDS: usize = 8;

/// Bits of a limb of `D`.
pub const LIMB_BITS: u32 = 15;

/// The reciprocal of `D` has this many bits behind its leading 1: `2^13 ≤ m < 2^14`.
pub const MANTISSA_BITS: u32 = 13;

/// The smallest exponent `n`: `D` is at least `2^14`.
pub const LEAST_EXPONENT: u32 = 14;

/// The largest exponent `n`: `D` is at most `2^30`.
pub const LARGEST_EXPONENT: u32 = 30;

/// The table of powers has `2^(n − POWER_SHIFT)`.
pub const POWER_SHIFT: u32 = 2;

/// Values of a lane.
pub const LANE_VALUES: usize = 8;

/// Rows of a head's statistics: maximum, reciprocal, exponent, power.
pub const STATISTICS: usize = 4;

/// The constraints of a row.
pub fn evaluate<R: Row>(head_dim: usize, lanes: usize, weights: &Weights<R::C>, row: &mut R) {
    let place = place(OPERANDS, row);
    let first = row.constant("first");
    groups(head_dim, lanes, &place, row);
    let power_table = row.constant("power");
    let on = place.on;
    let [mut sums, mut attained] = [vec![], vec![]];
    let mut statistics: [Vec<R::F>; STATISTICS - 1] = Default::default();
    for _ in 0..lanes {
        let [
            reciprocal,
            exponent,
            power,
            rest,
            rest_high,
            gap,
            gap_high,
            carry,
        ] = [0; LANE_VALUES].map(|_| row.value());
        for limb in [&rest, &rest_high, &gap, &gap_high] {
            range::within_fixed(on.clone(), LIMB_BITS, limb.clone(), row);
        }
        let low = rest.clone() + gap + on.clone();
        let high = rest_high.clone() + gap_high;
        range::within_fixed(on.clone(), range::MAX_BITS, carry.clone(), row);
        let unit = M31::from(1 << LIMB_BITS);
        row.zero(reciprocal.clone() * low.clone() + rest - carry.clone() * unit);
        row.zero(reciprocal.clone() * high.clone() + rest_high + carry - power.clone());
        let behind = reciprocal.clone() - R::F::from(M31::from(1 << MANTISSA_BITS));
        range::within_fixed(on.clone(), MANTISSA_BITS, behind, row);
        let [n, h] = [exponent.clone(), power.clone()];
        table::uses(on.clone(), power_table.clone(), n, h, row);
        sums.push(low + high * unit);
        attained.push(on.clone());
        let own = [reciprocal, exponent, power];
        statistics
            .iter_mut()
            .zip(own)
            .for_each(|(of, x)| of.push(x));
    }
    for (i, values) in (1..).zip(&statistics) {
        let address = place.operands[4].clone() + R::F::from(M31::from(i));
        tensor::uses(on.clone(), address, values, row);
    }
    let rest = R::F::from(M31::from(1)) - first.clone();
    let power = row.power(first, R::EF::from(rest) * weights.delta[head_dim].clone());
    let sum: R::EF = weighted(&sums, &weights.rho);
    let attained: R::EF = weighted(&attained, &weights.rho);
    let sum = sum * on * weights.kappa(Kind::Sums).clone();
    let attained = attained * weights.kappa(Kind::Maxima).clone();
    row.sums(-(power * (sum + attained)));
}

/// The ends of the head's two chains.
fn groups<R: Row>(head_dim: usize, lanes: usize, place: &Place<R::F>, row: &mut R) {
    let [keys, values, step] =
        ["carried_keys", "carried_values", "step"].map(|name| row.constant(name));
    let fixed = ["ones", "weights", "zero", "shift", "scale"].map(|name| row.constant(name));
    let skip = row.value();
    let [
        queries,
        own_keys,
        own_values,
        _,
        statistics,
        group,
        blocks,
        last_keys,
    ] = std::array::from_fn(|i| place.operands[i].clone());
    row.zero(group.clone() * step.clone() - skip.clone());
    let last = group.clone() + blocks;
    let ends = [group, last.clone() + R::F::from(M31::from(1))];
    let head = |own: R::F, carried: R::F, shared: Vec<R::F>| Head {
        op: place.op.clone(),
        own: own - skip.clone(),
        carried: carried - skip.clone() - step.clone(),
        step: step.clone(),
        shared,
    };
    let mut of_keys = vec![last, last_keys, statistics];
    of_keys.extend(fixed);
    let chains = [
        (SCORES, head_dim, head(own_keys, keys, vec![queries])),
        (GROUPS, lanes, head(own_values, values, of_keys)),
    ];
    for (chain, rows, head) in chains {
        let [start, end] = ends.clone().map(|group| group * M31::from(rows as u32));
        let [new, old] = [1, 0].map(|new| R::F::from(M31::from(new)));
        row.yields(place.on.clone(), &head.at(chain, start, new));
        row.uses(place.on.clone(), &head.at(chain, end, old));
    }
}
