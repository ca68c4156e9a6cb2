//! Logits of all tokens, the choice of the largest, and the table of embeddings.
//!
//! Row: a token `i`. Constants: the row's [`place`](super::place) (three operands, of which the second is the address `b` of the
//! maxima), `i`, `first`, `last`, and the embedding `E_i0 … E_i(d−1)`. Values for each lane: the maximum `m_t`, a
//! flag `a_t`, and the distance in limbs `l_t`, `h_t`; a multiplicity for each part of the embedding. A power
//! `g = first + (1 − first) β g'`.
//!
//! - *Logits.* `y_t = m_t − (l_t + 2^15 h_t + 1 − a_t)`, `R(15, l)`, `R(15, h)`; to the zero sum `κ on g (Σ_j E_ij X_j − Σ_t ρ^t y_t)` with the messages
//!   `X_j` about the inputs ([`head_input`](super::head_input)).
//! - *Choice.* The flag is 0 before the chosen token and 1 from it on: `a(1 − a) = 0`, `(1 − first) a' (1 − a) = 0`, `last (1 − a) = 0`. With
//!   `f = a − (1 − first) a'`: `f (l + 2^15 h) = 0`, as the chosen logit is the maximum. A token before the chosen one is smaller by at least 1, so the
//!   lowest of equal logits wins. To the zero sum, as a kind of its own, `κ' Σ_t ρ^t i f_t`, from which `answer` takes the chosen token.
//! - *Embedding.* `−on · n_part · (E, part, i, channels of the part)`.
//!
//! The plan requires logits below `2^28` in magnitude, so that congruent distances are equal.
//!
//! Cells of a row: `4 L + 3` and the parts, and `4 (⌈(2 L + 3 + parts) / 2⌉ + 2)`.

use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;

use super::place::place;
use super::relations::EMBEDDING;
use super::{range, tensor};
use crate::air::challenges::{Challenges, Kind};
use crate::air::row::{Extension, Row};

/// Bits of a limb of a distance.
pub const LIMB_BITS: u32 = 15;

/// Most channels of a part: a tuple has at most 128 elements.
pub const PART: usize = 120;

/// The constraints of a row.
pub fn evaluate<R: Row>(width: usize, lanes: usize, challenges: &Challenges, row: &mut R) {
    let place = place(3, row);
    let token = row.constant("token");
    let first = row.constant("first");
    let last = row.constant("last");
    let embedding = row.constants("embedding", width);
    embeddings(&place.on, &token, &embedding, row);

    let maxima = row.values(lanes);
    tensor::uses(place.on.clone(), place.operands[1].clone(), &maxima, row);
    let one = R::F::from(M31::from(1));
    let later = one.clone() - first.clone();
    let mut logits = vec![];
    let mut chosen = vec![];
    for maximum in maxima {
        let [before, flag] = row.value_with_previous();
        let not_yet = one.clone() - flag.clone();
        let before = later.clone() * before;
        row.zero(flag.clone() * not_yet.clone());
        row.zero(before.clone() * not_yet.clone());
        row.zero(last.clone() * not_yet.clone());
        let [low, high] = [0; 2].map(|_| row.value());
        for limb in [&low, &high] {
            range::within_fixed(place.on.clone(), LIMB_BITS, limb.clone(), row);
        }
        let distance = low + high * M31::from(1 << LIMB_BITS);
        let now = flag - before;
        row.zero(now.clone() * distance.clone());
        logits.push(maximum - distance - not_yet);
        chosen.push(now);
    }

    let power = row.power(first, R::EF::from(later) * challenges.beta);
    let said: R::EF = challenges.over_lanes(&logits);
    let computed: R::EF = against(&embedding, &challenges.messages);
    let term = power * (computed - said) * place.on;
    row.sums(term * challenges.kappa(Kind::Logits));
    let chosen: R::EF = challenges.over_lanes(&chosen);
    row.sums(chosen * token * challenges.kappa(Kind::Token));
}

/// Yields the token's embedding, in parts.
fn embeddings<R: Row>(on: &R::F, token: &R::F, embedding: &[R::F], row: &mut R) {
    for (part, channels) in embedding.chunks(PART).enumerate() {
        let multiplicity = row.value();
        let tuple = tuple::<R>(part, token.clone(), channels);
        row.yields(on.clone() * multiplicity, &tuple);
    }
}

/// Uses a token's embedding.
pub fn uses_embedding<R: Row>(on: R::F, token: R::F, embedding: &[R::F], row: &mut R) {
    for (part, channels) in embedding.chunks(PART).enumerate() {
        row.uses(on.clone(), &tuple::<R>(part, token.clone(), channels));
    }
}

fn tuple<R: Row>(part: usize, token: R::F, channels: &[R::F]) -> Vec<R::F> {
    let mut tuple = vec![
        R::F::from(EMBEDDING),
        R::F::from(M31::from(part as u32)),
        token,
    ];
    tuple.extend_from_slice(channels);
    tuple
}

/// `Σ_j E_j X_j`.
fn against<F, EF: Extension<F>>(embedding: &[F], messages: &[QM31]) -> EF
where
    F: Clone,
{
    let products = embedding.iter().zip(messages);
    products.fold(EF::zero(), |sum, (e, x)| sum + EF::from(e.clone()) * *x)
}
