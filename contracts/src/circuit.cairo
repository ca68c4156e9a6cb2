//! Verifies a proof of a circuit, in the order of the prover's transcript.

use crate::blake::{self, Digest};
use crate::calldata;
use crate::channel::ChannelTrait;
use crate::circle::{conjugate, from_parameter, point_at, repeated_double_x};
use crate::constraints::{self, Lookups};
use crate::fields::m31;
use crate::fields::packed::{Sum, SumTrait};
use crate::fields::qm31::{QM31, ZERO, add, from_partial_evals, from_words, mul, mul_m31};
use crate::fri::{self, Layer};
use crate::merkle::{self, Sibling};
use crate::quotients::{self, Quotients, RunningSums};
use crate::{layout, lookup};

pub mod errors {
    pub const INTERACTION_WORK: felt252 = 'proof: interaction work';
    pub const WORK: felt252 = 'proof: work';
    pub const LOOKUPS: felt252 = 'proof: lookups do not balance';
    pub const OODS: felt252 = 'proof: constraints do not hold';
    pub const QUERIES: felt252 = 'proof: wrong number of queries';
    pub const ROOT: felt252 = 'proof: wrong root';
}

/// Size of the domain of evaluations, as a power of two.
const LOG_DOMAIN: u32 = layout::LOG_TRACE + layout::LOG_BLOWUP;
/// That size as a divisor.
const DOMAIN: NonZero<u32> = 0x800000;
/// The bits of work as divisors.
const INTERACTION_WORK: NonZero<u32> = 0x100000;
const WORK: NonZero<u32> = 0x40000000;
/// Layers of FRI: LOG_TRACE in steps of FOLD_STEP.
const FRI_LAYERS: u32 = 5;
/// Numbers in the first felt: queries, a witness per tree, values and witness per layer.
const LENGTHS: u32 = 15;

/// Panics unless `proof` (packed as `src/wrap/calldata.rs` says) proves that the circuit with fixed columns
/// `root`, of the shape in [`layout`], has the public values `outputs`.
pub fn verify(root: Digest, outputs: [QM31; 2], proof: Span<felt252>) {
    let mut proof = proof;
    let lengths = calldata::lengths(calldata::next(ref proof), LENGTHS);
    let trace_root = calldata::digest(ref proof);
    let interaction_root = calldata::digest(ref proof);
    let composition_root = calldata::digest(ref proof);
    let interaction_nonce = calldata::number(ref proof);
    let nonce = calldata::number(ref proof);

    // Parameters, circuit, public values, trace.
    let mut channel = ChannelTrait::new();
    channel.mix_elements([ZERO].span());
    channel
        .mix_elements(
            [
                from_words([layout::POW_BITS, layout::LOG_BLOWUP, layout::QUERIES, 0]),
                from_words([layout::FOLD_STEP, LOG_DOMAIN, 0, 0]),
            ]
                .span(),
        );
    channel.mix_digest(root);
    channel.mix_elements(outputs.span());
    channel.mix_digest(trace_root);
    assert(
        channel.has_work(layout::INTERACTION_POW_BITS, INTERACTION_WORK, interaction_nonce),
        errors::INTERACTION_WORK,
    );
    channel.mix_u64(interaction_nonce);

    // Lookups.
    let (z, alpha) = channel.draw_two_secure();
    let claimed_sums = calldata::secure_elements(ref proof, layout::COMPONENTS);
    let alpha2 = mul(alpha, alpha);
    let alpha3 = mul(alpha2, alpha);
    let lookups = Lookups {
        z,
        alpha1: alpha,
        alpha2,
        alpha3,
        alpha4: mul(alpha2, alpha2),
        alpha5: mul(alpha2, alpha3),
    };
    assert(lookup::balance(@lookups, outputs, claimed_sums.span()), errors::LOOKUPS);
    channel.mix_elements(claimed_sums.span());
    channel.mix_digest(interaction_root);

    // Constraints at a point out of the domain.
    let gamma = channel.draw_secure();
    channel.mix_digest(composition_root);
    let oods = from_parameter(channel.draw_secure());
    let samples = calldata::secure_elements(ref proof, layout::SAMPLES);
    let samples = samples.span();
    let vanishing = repeated_double_x(oods.x, layout::LOG_TRACE - 1);
    assert(
        constraints_hold(samples, lookups, claimed_sums.span(), gamma, vanishing), errors::OODS,
    );
    channel.mix_elements(samples);
    let coefficient = channel.draw_secure();

    // FRI's commitments.
    let mut fri_roots = array![];
    let mut alphas = array![];
    for _ in 0..FRI_LAYERS {
        let layer_root = calldata::digest(ref proof);
        channel.mix_digest(layer_root);
        fri_roots.append(layer_root);
        alphas.append(channel.draw_secure());
    }
    let last = calldata::secure_elements(ref proof, 1);
    channel.mix_elements(last.span());
    assert(channel.has_work(layout::POW_BITS, WORK, nonce), errors::WORK);
    channel.mix_u64(nonce);

    // Queries; what the rest of the proof holds.
    let positions = channel.draw_queries(layout::QUERIES, DOMAIN).span();
    let n = positions.len();
    assert(*lengths[0] == n, errors::QUERIES);
    let fixed = calldata::section(ref proof, n * row_felts(layout::FIXED));
    let trace = calldata::section(ref proof, n * row_felts(layout::TRACE));
    let interaction = calldata::section(ref proof, n * row_felts(layout::INTERACTION));
    let composition = calldata::section(ref proof, n * row_felts(layout::COMPOSITION));
    let fixed_witness = calldata::section(ref proof, *lengths[1]);
    let trace_witness = calldata::section(ref proof, *lengths[2]);
    let interaction_witness = calldata::section(ref proof, *lengths[3]);
    let composition_witness = calldata::section(ref proof, *lengths[4]);
    let mut values = array![];
    for i in 0..FRI_LAYERS {
        values.append(calldata::section(ref proof, (*lengths[5 + i] + 1) / 2));
    }
    let mut layers = array![];
    for i in 0..FRI_LAYERS {
        layers
            .append(
                Layer {
                    commitment: *fri_roots[i],
                    alpha: *alphas[i],
                    values: *values[i],
                    n_values: *lengths[5 + i],
                    witness: calldata::section(ref proof, *lengths[10 + i]),
                },
            );
    }
    assert(proof.is_empty(), calldata::errors::TRAILING);

    // The columns' values at the queries, and their sums with the coefficient's powers.
    let quotients = quotients::prepare(samples, oods, coefficient);
    let paths = merkle::paths(positions, LOG_DOMAIN).span();
    let mut sums = array![];
    for _ in 0..n {
        sums.append(SumTrait::new());
    }
    let tree = Tree { columns: layout::FIXED, rows: fixed, witness: fixed_witness, root };
    let sums = check_tree(tree, paths, quotients.fixed, sums);
    let tree = Tree {
        columns: layout::TRACE, rows: trace, witness: trace_witness, root: trace_root,
    };
    let sums = check_tree(tree, paths, quotients.trace, sums);
    let tree = Tree {
        columns: layout::COMPOSITION,
        rows: composition,
        witness: composition_witness,
        root: composition_root,
    };
    let sums = check_tree(tree, paths, quotients.composition, sums);
    let tree = Tree {
        columns: layout::INTERACTION,
        rows: interaction,
        witness: interaction_witness,
        root: interaction_root,
    };
    let (sums, running) = check_interaction(tree, paths, @quotients, sums);

    // Quotients, FRI.
    let mut points = array![];
    let mut above = array![];
    for position in positions {
        let (half, odd) = DivRem::div_rem(*position, 2);
        let point = point_at(LOG_DOMAIN - 1, half);
        points.append(if odd == 1 {
            conjugate(point)
        } else {
            point
        });
        above.append(point);
    }
    let answers = quotients::answers(@quotients, points.span(), sums.span(), running.span());
    fri::verify(layers.span(), paths, positions, above.span(), answers, *last[0]);
}

/// Whether the constraints, divided by the vanishing polynomial, are the composition polynomial. The
/// polynomial is committed to in two halves, left + vanishing · right; the factor is the same.
fn constraints_hold(
    samples: Span<QM31>,
    lookups: Lookups,
    claimed_sums: Span<QM31>,
    gamma: QM31,
    vanishing: QM31,
) -> bool {
    let mut shifts = array![];
    for i in 0..layout::COMPONENTS {
        let scale = m31::canonical(*layout::ROWS_INVERSE.span()[i]);
        shifts.append(mul_m31(*claimed_sums[i], scale));
    }
    let n = layout::SAMPLES - layout::COMPOSITION;
    let sum = constraints::evaluate(samples, @lookups, shifts.span(), gamma);
    let c = samples.slice(n, layout::COMPOSITION);
    let left = from_partial_evals(*c[0], *c[1], *c[2], *c[3]);
    let right = from_partial_evals(*c[4], *c[5], *c[6], *c[7]);
    sum == mul(vanishing, add(left, mul(vanishing, right)))
}

/// A tree of columns, opened at the queries.
#[derive(Copy, Drop)]
struct Tree {
    columns: u32,
    /// Query after query, the columns' values, packed.
    rows: Span<felt252>,
    witness: Span<felt252>,
    root: Digest,
}

/// Felts of a row.
fn row_felts(columns: u32) -> u32 {
    (columns + 7) / 8
}

/// Takes a row, adds its products with the powers to the sum, and returns its words, with zeros up to a whole
/// number of blocks.
fn next_row(
    ref rows: Span<felt252>, columns: u32, powers: Span<felt252>, ref sum: Sum,
) -> Span<u32> {
    let mut row = array![];
    quotients::take_row(ref rows, powers, ref row, ref sum);
    if row.len() != columns {
        for word in row.span().slice(columns, row.len() - columns) {
            assert(*word == 0, calldata::errors::PADDING);
        }
    }
    blake::pad(ref row);
    row.span()
}

/// Checks a tree's root, and adds every row's products with the powers to its query's sum.
fn check_tree(
    tree: Tree, paths: Span<Span<Sibling>>, powers: Span<felt252>, sums: Array<Sum>,
) -> Array<Sum> {
    let mut paths = paths;
    let mut rows = tree.rows;
    let mut witness = tree.witness;
    let mut messages = array![];
    let mut sums = sums.span();
    let mut new_sums = array![];
    for sibling in *paths.pop_front().unwrap() {
        let mut sum = *sums.pop_front().unwrap();
        let row = next_row(ref rows, tree.columns, powers, ref sum);
        let leaf = blake::hash_blocks(row, tree.columns * 4);
        merkle::place(leaf, *sibling, m31::modulus(), ref witness, ref messages);
        new_sums.append(sum);
    }
    check_root(messages.span(), paths, witness, tree.root);
    new_sums
}

/// As [`check_tree`], for the interaction tree: with the sums of the running sums.
fn check_interaction(
    tree: Tree, paths: Span<Span<Sibling>>, quotients: @Quotients, sums: Array<Sum>,
) -> (Array<Sum>, Array<RunningSums>) {
    let mut paths = paths;
    let mut rows = tree.rows;
    let mut witness = tree.witness;
    let mut messages = array![];
    let mut sums = sums.span();
    let mut new_sums = array![];
    let mut running = array![];
    for sibling in *paths.pop_front().unwrap() {
        let mut sum = *sums.pop_front().unwrap();
        let row = next_row(ref rows, tree.columns, *quotients.interaction, ref sum);
        let leaf = blake::hash_blocks(row, tree.columns * 4);
        merkle::place(leaf, *sibling, m31::modulus(), ref witness, ref messages);
        new_sums.append(sum);
        running.append(quotients::running_sums(quotients, row));
    }
    check_root(messages.span(), paths, witness, tree.root);
    (new_sums, running)
}

fn check_root(
    messages: Span<u32>, paths: Span<Span<Sibling>>, witness: Span<felt252>, root: Digest,
) {
    let mut witness = witness;
    let found = merkle::root(messages, paths, ref witness);
    assert(witness.is_empty(), calldata::errors::UNUSED);
    assert(found == root, errors::ROOT);
}

#[cfg(test)]
mod circuit_test;
