//! Products of a matrix, claimed at every step and checked once per chunk, for all steps together.
//!
//! What a direct product computes for a block of rows, one felt, is here a claim of the prover. The
//! chunk's claims are hashed; powers of the hash combine the blocks of a matrix to one row, once; and
//! at every step that row's product with the input must be the same combination of the claims. See
//! `docs/spec.md`, products across tokens, for why a wrong claim does not pass.

use core::poseidon::poseidon_hash_span;
use crate::kv::take;
use crate::linear::{Lanes, products};

/// A product that is claimed, of a matrix or of a part of its rows.
#[derive(Drop, Copy)]
pub struct Claim {
    /// The matrix, column after column: one word per block.
    pub weights: Span<felt252>,
    /// The input, one element per column.
    pub x: Span<felt252>,
    /// What is claimed: `bias + Σ_j weights[j][b]·x[j]` for every block `b`.
    pub sums: Span<felt252>,
    /// The lanes' bias.
    pub bias: felt252,
}

/// All claims of a chunk, in the order of its steps.
#[derive(Drop)]
pub struct Claims {
    /// The claimed sums, one after the other.
    pub sums: Array<felt252>,
    /// The products that they are claimed of.
    pub claims: Array<Claim>,
}

/// No claims.
pub fn no_claims() -> Claims {
    Claims { sums: array![], claims: array![] }
}

/// The accumulators of `rows` rows, as `linear` gives them, if the claim that this adds to `claims` is
/// true. The matrix is the next `words` of `w`.
#[inline(never)]
pub fn claimed<impl L: Lanes>(
    ref w: Span<felt252>, x: Span<felt252>, words: u32, rows: u32, ref claims: Claims,
) -> Span<felt252> {
    let Claims { mut sums, claims: mut list } = claims;
    let weights = take(ref w, words);
    let before = sums.len();
    append_claims(weights, x, L::BIAS, ref sums);
    let claimed = sums.span().slice(before, sums.len() - before);
    list.append(Claim { weights, x, sums: claimed, bias: L::BIAS });
    claims = Claims { sums, claims: list };
    let mut out = array![];
    L::split(claimed, ref out);
    out.span().slice(0, rows)
}

/// `claimed` of a matrix that comes in `parts`, some whole blocks of rows each. A part is a claim of its own.
#[inline(never)]
pub fn claimed_in_parts<impl L: Lanes>(
    mut parts: Array<Span<felt252>>, x: Span<felt252>, rows: u32, ref claims: Claims,
) -> Span<felt252> {
    let Claims { mut sums, claims: mut list } = claims;
    let before = sums.len();
    while let Some(weights) = parts.pop_front() {
        let first = sums.len();
        append_claims(weights, x, L::BIAS, ref sums);
        let claimed = sums.span().slice(first, sums.len() - first);
        list.append(Claim { weights, x, sums: claimed, bias: L::BIAS });
    }
    let claimed = sums.span().slice(before, sums.len() - before);
    claims = Claims { sums, claims: list };
    let mut out = array![];
    L::split(claimed, ref out);
    out.span().slice(0, rows)
}

/// Appends one felt for each block of the matrix `w`, the prover's choice: `bias + Σ_j w[j][b]·x[j]` if
/// it is honest.
///
/// Its code is in `src/casm/claims.rs`. Panics unless `w` is a whole number of blocks.
#[inline(never)]
fn append_claims(w: Span<felt252>, x: Span<felt252>, bias: felt252, ref sums: Array<felt252>) {
    if !w.is_empty() {
        append_claims(w, x, bias, ref sums);
    }
}

/// What the claims are combined by: depends on all of them, and on `context`, which with them determines
/// every input.
pub fn challenge(context: Array<felt252>, first: @Claims, second: @Claims) -> felt252 {
    let mut context = context;
    context.append(poseidon_hash_span(first.sums.span()));
    context.append(poseidon_hash_span(second.sums.span()));
    poseidon_hash_span(context.span())
}

/// Checks all claims of some steps that make `per_step` claims each, in the same order.
///
/// Panics if a claim is wrong, but for a challenge that happens to hide it.
#[inline(never)]
pub fn check_claims(claims: Span<Claim>, per_step: u32, challenge: felt252) {
    let mut first = 0;
    while first != per_step && !claims.is_empty() {
        let Claim { weights, sums, bias, .. } = *claims.at(first);
        // The powers of the challenge, one per block, and their sum.
        let mut powers = array![];
        let mut power = 1;
        let mut total = 0;
        for _ in sums {
            powers.append(power);
            total += power;
            power *= challenge;
        }
        let powers = powers.span();
        let mut row = array![];
        products(weights, powers, 0, ref row);
        check_matrix(claims, first, per_step, row.span(), powers, bias * total);
        first += 1;
    }
}

/// Checks the claims of one matrix: every `per_step`-th from `first` on.
#[inline(never)]
fn check_matrix(
    claims: Span<Claim>,
    first: u32,
    per_step: u32,
    row: Span<felt252>,
    powers: Span<felt252>,
    bias: felt252,
) {
    let mut at = first;
    while let Some(claim) = claims.get(at) {
        let claim = claim.unbox();
        let mut both = array![];
        products(*claim.x, row, bias, ref both);
        products(*claim.sums, powers, 0, ref both);
        // One product of each: the lengths are those of the first step's claim.
        let [computed, combined] = (*both.span().try_into().unwrap()).unbox();
        assert(computed == combined, 'claimed product');
        at += per_step;
    }
}
