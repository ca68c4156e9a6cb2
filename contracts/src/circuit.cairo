//! Verifies a proof of a circuit, in the order of the prover's transcript.

#[feature("bounded-int-utils")]
use core::internal::bounded_int::upcast;
use crate::blake::{Digest, hash_words};
use crate::calldata;
use crate::channel::{Channel, ChannelTrait};
use crate::circle::{
    Point, conjugate, from_parameter, point_at, repeated_double_x,
};
use crate::constraints::{self, Lookups};
use crate::fields::m31;
use crate::fields::qm31::{QM31, add, from_partial_evals, mul, mul_m31};
use crate::fri::{self, Layer};
use crate::merkle::{self, Node};
use crate::{layout, lookup, quotients};

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
    channel.mix_words([0, 0, 0, 0].span());
    channel
        .mix_words(
            [
                layout::POW_BITS, layout::LOG_BLOWUP, layout::QUERIES, 0, layout::FOLD_STEP,
                LOG_DOMAIN, 0, 0,
            ]
                .span(),
        );
    channel.mix_digest(root);
    let [first, second] = outputs;
    channel.mix_words(words([first, second].span()).span());
    channel.mix_digest(trace_root);
    assert(
        channel.has_work(layout::INTERACTION_POW_BITS, 0x100000, interaction_nonce),
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
    channel.mix_words(words(claimed_sums.span()).span());
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
    channel.mix_words(words(samples).span());
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
    channel.mix_words(words(last.span()).span());
    assert(channel.has_work(layout::POW_BITS, 0x40000000, nonce), errors::WORK);
    channel.mix_u64(nonce);

    // Queries, and the columns' values at them.
    let positions = draw_queries(ref channel);
    let n = positions.len();
    assert(*lengths[0] == n, errors::QUERIES);
    let (fixed, fixed_leaves) = read_rows(ref proof, positions.span(), layout::FIXED);
    let (trace, trace_leaves) = read_rows(ref proof, positions.span(), layout::TRACE);
    let (interaction, interaction_leaves) = read_rows(
        ref proof, positions.span(), layout::INTERACTION,
    );
    let (composition, composition_leaves) = read_rows(
        ref proof, positions.span(), layout::COMPOSITION,
    );
    check_root(ref proof, *lengths[1], fixed_leaves, root);
    check_root(ref proof, *lengths[2], trace_leaves, trace_root);
    check_root(ref proof, *lengths[3], interaction_leaves, interaction_root);
    check_root(ref proof, *lengths[4], composition_leaves, composition_root);

    // Quotients.
    let prepared = quotients::prepare(samples, oods, coefficient);
    let mut points = array![];
    let mut rows = array![];
    for i in 0..n {
        points.append(domain_point(*positions[i]));
        rows.append([*fixed[i], *trace[i], *interaction[i], *composition[i]]);
    }
    let answers = quotients::answers(@prepared, points.span(), rows.span());

    // FRI.
    let mut values = array![];
    for i in 0..FRI_LAYERS {
        values.append(calldata::section(ref proof, (*lengths[5 + i] + 1) / 2));
    }
    let mut layers = array![];
    let mut log_size = LOG_DOMAIN;
    for i in 0..FRI_LAYERS {
        layers
            .append(
                Layer {
                    commitment: *fri_roots[i],
                    alpha: *alphas[i],
                    log_size,
                    values: *values[i],
                    n_values: *lengths[5 + i],
                    witness: calldata::section(ref proof, *lengths[10 + i]),
                },
            );
        log_size -= layout::FOLD_STEP;
    }
    assert(proof.is_empty(), calldata::errors::TRAILING);
    fri::verify(layers.span(), positions, answers, *last[0]);
}

/// The elements' words.
fn words(elements: Span<QM31>) -> Array<u32> {
    let mut words = array![];
    for element in elements {
        words.append(upcast(*element.a));
        words.append(upcast(*element.b));
        words.append(upcast(*element.c));
        words.append(upcast(*element.d));
    }
    words
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

/// The distinct queries, ascending.
fn draw_queries(ref channel: Channel) -> Array<u32> {
    let mut sorted: Array<u32> = array![];
    let mut left = layout::QUERIES;
    while left != 0 {
        for word in channel.draw_words().span() {
            if left != 0 {
                let (_, position) = DivRem::div_rem(*word, 0x800000);
                sorted = insert(sorted.span(), position);
                left -= 1;
            }
        }
    }
    sorted
}

fn insert(sorted: Span<u32>, item: u32) -> Array<u32> {
    let mut result = array![];
    let mut pending = true;
    for next in sorted {
        if pending && item <= *next {
            pending = false;
            if item != *next {
                result.append(item);
            }
        }
        result.append(*next);
    }
    if pending {
        result.append(item);
    }
    result
}

/// The point of the domain of evaluations at a place in bit-reversed order.
fn domain_point(position: u32) -> Point {
    let (half, odd) = DivRem::div_rem(position, 2);
    let point = point_at(LOG_DOMAIN - 1, half);
    if odd == 1 {
        conjugate(point)
    } else {
        point
    }
}

/// A tree's rows at the queries, padded to multiples of eight, and their leaves.
fn read_rows(
    ref proof: Span<felt252>, positions: Span<u32>, columns: u32,
) -> (Array<Span<u32>>, Array<Node>) {
    let mut rows = array![];
    let mut leaves = array![];
    for position in positions {
        let mut row = array![];
        calldata::padded_words(ref proof, columns, ref row);
        leaves.append((*position, hash_words(row.span(), columns * 4)));
        rows.append(row.span());
    }
    (rows, leaves)
}

fn check_root(ref proof: Span<felt252>, n_witness: u32, leaves: Array<Node>, root: Digest) {
    let mut witness = calldata::section(ref proof, n_witness);
    let found = merkle::root(leaves, LOG_DOMAIN, ref witness);
    assert(witness.is_empty(), calldata::errors::UNUSED);
    assert(found == root, errors::ROOT);
}
