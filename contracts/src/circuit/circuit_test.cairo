use crate::constraints_test::{assignment, changed};
use crate::constraints_vectors::COLUMNS;
use crate::fields::packed::SumTrait;
use crate::fields::qm31::{ONE, add, from_words};
use crate::{blake, layout};
use super::{
    DOMAIN, FRI_LAYERS, INTERACTION_WORK, LENGTHS, LOG_DOMAIN, WORK, check_root, constraints_hold, next_row,
};

fn two_to_the(n: u32) -> u32 {
    let mut power = 1;
    for _ in 0..n {
        power *= 2;
    }
    power
}

/// What is written out here and generated there: a smaller divisor would ask for less work.
#[test]
fn constants_fit_the_layout() {
    assert!(INTERACTION_WORK.into() == two_to_the(layout::INTERACTION_POW_BITS));
    assert!(WORK.into() == two_to_the(layout::POW_BITS));
    assert!(DOMAIN.into() == two_to_the(LOG_DOMAIN));
    assert!(FRI_LAYERS * layout::FOLD_STEP == layout::LOG_TRACE);
    assert!(LENGTHS == 1 + 4 + 2 * FRI_LAYERS);
    // Bits by queries, and by work.
    assert!(layout::LOG_BLOWUP * layout::QUERIES + layout::POW_BITS >= 96);
}

/// Sixteen words, and their hash.
fn node() -> (Span<u32>, blake::Digest) {
    let words: Span<u32> = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16].span();
    (words, blake::hash_words(words, 64))
}

#[test]
fn the_root_is_the_hash_of_the_last_message() {
    let (words, digest) = node();
    check_root(words, array![].span(), array![].span(), digest);
}

#[test]
#[should_panic(expected: 'proof: wrong root')]
fn another_root_is_refused() {
    let (words, digest) = node();
    let [a, b, c, d, e, f, g, h] = digest;
    check_root(words, array![].span(), array![].span(), [a, b, c, d, e, f, g, h ^ 1]);
}

#[test]
#[should_panic(expected: 'proof: unused values')]
fn the_witness_is_used_up() {
    let (words, digest) = node();
    check_root(words, array![].span(), array![1].span(), digest);
}

/// Powers of eight columns, all one.
fn ones(n: u32) -> Array<felt252> {
    let mut powers = array![];
    for _ in 0..n {
        powers.append(1);
        powers.append(0);
    }
    powers
}

#[test]
fn a_row_is_padded_to_blocks() {
    let mut sum = SumTrait::new();
    let mut felts = array![5, 7, 9].span();
    let row = next_row(ref felts, 9, ones(16).span(), ref sum);
    assert!(row == [5, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0].span());
    assert!(felts == array![9].span());
    assert!(sum.value().a == 12);
    let row = next_row(ref felts, 1, ones(8).span(), ref sum);
    assert!(row == [9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].span());
}

#[test]
#[should_panic(expected: 'proof: padding not zero')]
fn a_row_has_no_more_columns() {
    let mut sum = SumTrait::new();
    let mut felts = array![0x80000000].span();
    next_row(ref felts, 1, ones(8).span(), ref sum);
}

/// Random samples with a first composition column that fits: they hold, and no other composition does.
#[test]
fn the_composition_is_what_the_constraints_give() {
    let mut seed = 1;
    for column in COLUMNS.span() {
        let given = assignment(seed);
        let first = layout::SAMPLES - layout::COMPOSITION;
        let mut samples = array![];
        samples.append_span(given.samples.span().slice(0, first));
        samples.append(from_words(*column));
        samples.append_span(given.samples.span().slice(first + 1, layout::COMPOSITION - 1));
        let samples = samples.span();
        let sums = given.claimed_sums.span();
        let (lookups, gamma, vanishing) = (given.lookups, given.gamma, given.vanishing);
        assert!(constraints_hold(samples, lookups, sums, gamma, vanishing), "seed {seed}");
        if seed == 1 {
            for place in first..layout::SAMPLES {
                let other = changed(samples, place).span();
                assert!(!constraints_hold(other, lookups, sums, gamma, vanishing));
            }
            let other = changed(sums, 10).span();
            assert!(!constraints_hold(samples, lookups, other, gamma, vanishing));
            let other = add(vanishing, ONE);
            assert!(!constraints_hold(samples, lookups, sums, gamma, other));
        }
        seed += 1;
    }
}
