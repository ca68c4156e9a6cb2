use crate::blake;
use crate::fields::packed::SumTrait;
use super::{check_root, next_row};

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
