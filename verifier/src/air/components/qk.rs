//! Queries times keys: `q_t · k_u` for all lanes `t` and all keys `u` of a group, without a column for the scores.
//!
//! Row: a channel `d` of a group of keys, as [`groups`](super::groups) says, with the queries' address `b` in the chain. Constants: the row's
//! number, `last`, `Γ`, `d`, `first` (1 in the
//! first row of all) and `jump` (1 in the first row of each later group). Values `q_t` of lanes, `k_u` of keys. A power
//! `g = first + g' (1 − first − jump + jump σ^L)`, which is `σ^(L Γ)`.
//!
//! `+T(b + d, q)`, `+T(block + d, k)`, and to the zero sum `κ g (Σ_t ρ^t q_t) (Σ_u σ^u k_u)`, against the scores of [`attend`](super::attend).
//!
//! Values of a row that is off are free, and enter the sum. They are harmless: no row that is on has the monomials `σ^(L Γ + u) ρ^t` of that group.
//!
//! Cells of a row: `2 L + 9`, and `16`.

use stwo::core::fields::m31::M31;

use super::groups::group;
use super::relations::SCORES;
use super::tensor;
use crate::air::challenges::{Kind, Weights};
use crate::air::row::{Row, weighted};

/// What the chain has besides a group's: the queries' address.
pub const SHARED: usize = 1;

/// The constraints of a row.
pub fn evaluate<R: Row>(lanes: usize, weights: &Weights<R::C>, row: &mut R) {
    let group = group(SCORES, SHARED, row);
    let channel = row.constant("channel");
    let first = row.constant("first");
    let jump = row.constant("jump");
    let [queries, keys] = [0; 2].map(|_| row.values(lanes));
    let address = group.shared[0].clone() + channel.clone();
    tensor::uses(group.on.clone(), address, &queries, row);
    tensor::uses(group.on, group.block + channel, &keys, row);

    let stay = R::F::from(M31::from(1)) - first.clone() - jump.clone();
    let factor = R::EF::from(stay) + R::EF::from(jump) * weights.sigma[lanes].clone();
    let power = row.power(first, factor);
    let queries: R::EF = weighted(&queries, &weights.rho);
    let keys: R::EF = weighted(&keys, &weights.sigma);
    row.sums(power * queries * keys * weights.kappa(Kind::Scores).clone());
}
