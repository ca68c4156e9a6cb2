//! Logits of all tokens, the choice of the largest, and the table of embeddings where the head's matrix is that.
//!
//! Row: a token `i`. Constants: the row's [`place`](super::place) (three operands, of which the second is the address `b` of the
//! maxima), `i`, `first`, `last`, and the matrix's row `E_i0 … E_i(d−1)`. Values for each lane: the maximum `m_t`, a
//! flag `a_t` and the one before it `a'_t`, and the distance in limbs `l_t`, `h_t`; if the matrix is the table of embeddings, a multiplicity for each part of the embedding. A power
//! `g = first + (1 − first) β g'`.
//!
//! - *Logits.* `y_t = m_t − (l_t + 2^15 h_t + 1 − a_t)`, `R(15, l)`, `R(15, h)`; to the zero sum `κ on g (Σ_j E_ij X_j − Σ_t ρ^t y_t)` with the messages
//!   `X_j` about the inputs ([`head_input`](super::head_input)).
//! - *Choice.* The flag is 0 before the chosen token and 1 from it on. With the flag `a'` of the row before, a column of its own that the
//!   relation `(A, row, flags)` ties to it, with the row's number in the operation: `a(1 − a) = 0`, `a' (1 − a) = 0`, `first a' = 0`, `last (1 − a) = 0`. With `f = a − a'`:
//!   `f (l + 2^15 h) = 0`, as the chosen logit is the maximum. A token before the chosen one is smaller by at least 1, so the lowest of equal
//!   logits wins. To the zero sum, as a kind of its own, `κ' Σ_t ρ^t i f_t`, from which `answer` takes the chosen token.
//! - *Embedding.* If the matrix is the table of embeddings: `−on · n_part · (E, part, i, channels of the part)`. Otherwise
//!   [a table of vectors](super::vectors) has the embeddings, and the head yields none: it would yield rows of another matrix.
//!
//! The plan requires logits below `2^28` in magnitude, so that congruent distances are equal.
//!
//! (A circuit's proof has no trace column of the previous row; so the flag before is not read from there.)
//!
//! Cells of a row: `5 L + 3` and the parts, and `4 (⌈(2 L + 5 + parts) / 2⌉ + 2)`.

use stwo::core::fields::m31::M31;

use super::lanes::CHANNELS;
use super::place::place;
use super::relations::{EMBEDDING, FLAGS};
use super::{range, tensor};
use crate::air::challenges::{Kind, Weights};
use crate::air::row::{Row, weighted};

/// Bits of a limb of a distance.
pub const LIMB_BITS: u32 = 15;

/// Most channels of a part: a tuple has at most 128 elements.
pub const PART: usize = 120;

/// Channels of each part of an embedding of `width` channels, which is a multiple of 8: as many eights as divide it evenly and fit a tuple.
pub fn part(width: usize) -> usize {
    let parts = (CHANNELS..=PART).rev().step_by(CHANNELS);
    let mut even = parts.filter(|part| width.is_multiple_of(*part));
    even.next().unwrap_or(CHANNELS)
}

/// Trace columns of a lane behind its maximum: the flag, the one before, two limbs.
pub const LANE_COLUMNS: usize = 4;

/// The constraints of a row.
pub fn evaluate<R: Row>(
    width: usize,
    tied: bool,
    lanes: usize,
    weights: &Weights<R::C>,
    row: &mut R,
) {
    let place = place(3, row);
    let token = row.constant("token");
    let first = row.constant("first");
    let last = row.constant("last");
    let embedding = row.constants("embedding", width);
    if tied {
        embeddings(&place.on, &token, &embedding, row);
    }

    let maxima = row.values(lanes);
    tensor::uses(place.on.clone(), place.operands[1].clone(), &maxima, row);
    let one = R::F::from(M31::from(1));
    let (mut logits, mut chosen) = (vec![], vec![]);
    let (mut flags, mut earlier) = (vec![], vec![]);
    for maximum in maxima {
        let [flag, before, low, high] = [0; LANE_COLUMNS].map(|_| row.value());
        let not_yet = one.clone() - flag.clone();
        row.zero(flag.clone() * not_yet.clone());
        row.zero(before.clone() * not_yet.clone());
        row.zero(before.clone() * first.clone());
        row.zero(last.clone() * not_yet.clone());
        for limb in [&low, &high] {
            range::within_fixed(place.on.clone(), LIMB_BITS, limb.clone(), row);
        }
        let distance = low + high * M31::from(1 << LIMB_BITS);
        let now = flag.clone() - before.clone();
        row.zero(now.clone() * distance.clone());
        logits.push(maximum - distance - not_yet);
        chosen.push(now);
        flags.push(flag);
        earlier.push(before);
    }
    let at = |index: R::F, flags: Vec<R::F>| {
        let mut tuple = vec![R::F::from(FLAGS), index];
        tuple.extend(flags);
        tuple
    };
    row.uses(
        place.on.clone() - first.clone(),
        &at(place.index.clone(), earlier),
    );
    row.yields(
        place.on.clone() - last,
        &at(place.index + one.clone(), flags),
    );

    let later = one - first.clone();
    let power = row.power(first, R::EF::from(later) * weights.beta[1].clone());
    let said: R::EF = weighted(&logits, &weights.rho);
    let computed: R::EF = weighted(&embedding, &weights.messages);
    let term = power * (computed - said) * place.on;
    row.sums(term * weights.kappa(Kind::Logits).clone());
    let chosen: R::EF = weighted(&chosen, &weights.rho);
    row.sums(chosen * token * weights.kappa(Kind::Token).clone());
}

/// Yields the token's embedding, in parts.
fn embeddings<R: Row>(on: &R::F, token: &R::F, embedding: &[R::F], row: &mut R) {
    for (number, channels) in embedding.chunks(part(embedding.len())).enumerate() {
        let multiplicity = row.value();
        let key = [R::F::from(M31::from(number as u32)), token.clone()];
        row.yields(on.clone() * multiplicity, &tuple::<R>(key, channels));
    }
}

/// Uses a part of a token's embedding.
#[track_caller]
pub fn uses_embedding<R: Row>(on: R::F, key: [R::F; 2], channels: &[R::F], row: &mut R) {
    row.uses(on, &tuple::<R>(key, channels));
}

fn tuple<R: Row>([part, token]: [R::F; 2], channels: &[R::F]) -> Vec<R::F> {
    let mut tuple = vec![R::F::from(EMBEDDING), part, token];
    tuple.extend_from_slice(channels);
    tuple
}
