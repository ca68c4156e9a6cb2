use crate::blake::{Digest, hash_words};
use crate::layout::FOLD_ROOT;
use crate::registry_setup::{LEAF_ROOT, first_of, last, statement};
use crate::span::{STATEMENT, digest, public_value, unpack};

/// The statement of a proven session, for some contract.
fn proven() -> Array<felt252> {
    statement(0xac65fde759ac6b9e58c677f4f59e9ee9470ee8d3f5d1ccebcb97c6da8f5c72, first_of(0), last())
}

/// Digests, one behind the other.
fn words(digests: Array<Digest>) -> Span<u32> {
    let mut words = array![];
    for digest in digests {
        words.append_span(digest.span());
    }
    words.span()
}

/// Of parts of the statement.
fn digests(felts: Span<felt252>) -> [Digest; 3] {
    [digest(felts.slice(0, 11)), digest(felts.slice(11, 5)), digest(felts.slice(16, 5))]
}

#[test]
fn a_value_is_of_roots_and_digests() {
    let felts = proven();
    assert!(felts.len() == STATEMENT);
    let [common, first, last] = digests(felts.span());
    let preimage = words(array![unpack(FOLD_ROOT), unpack(LEAF_ROOT), common, first, last]);
    assert!(public_value(LEAF_ROOT, felts.span()) == hash_words(preimage, 160));
}

#[test]
fn every_felt_and_the_leaf_circuit_count() {
    let honest = proven();
    let value = public_value(LEAF_ROOT, honest.span());
    for place in 0..STATEMENT {
        for change in array![1, -1, 0x200, 0x80000000] {
            let mut other = array![];
            other.append_span(honest.span().slice(0, place));
            other.append(*honest[place] + change);
            other.append_span(honest.span().slice(place + 1, STATEMENT - place - 1));
            assert!(public_value(LEAF_ROOT, other.span()) != value, "felt {place}");
        }
    }
    assert!(public_value(LEAF_ROOT + 1, honest.span()) != value);
}

/// With the parts in one hash, or the frontiers in one part, a felt could pass from one place to the next.
#[test]
fn frontiers_have_their_sides() {
    let honest = proven();
    let mut swapped = array![];
    swapped.append_span(honest.span().slice(0, 11));
    swapped.append_span(honest.span().slice(16, 5));
    swapped.append_span(honest.span().slice(11, 5));
    let value = public_value(LEAF_ROOT, honest.span());
    assert!(public_value(LEAF_ROOT, swapped.span()) != value);
}

/// Registered as somebody's leaf, the fold circuit could stand for a leaf, if it had a leaf's value: the hash of
/// three digests. A fold has the hash of five.
#[test]
fn a_fold_is_no_leaf() {
    let felts = proven();
    let [common, first, last] = digests(felts.span());
    let leaf = hash_words(words(array![common, first, last]), 96);
    assert!(public_value(FOLD_ROOT, felts.span()) != leaf);
    assert!(public_value(LEAF_ROOT, felts.span()) != leaf);
    assert!(public_value(FOLD_ROOT, felts.span()) != public_value(LEAF_ROOT, felts.span()));
}

#[test]
#[should_panic(expected: 'statement: wrong length')]
fn there_is_a_statement() {
    public_value(LEAF_ROOT, array![].span());
}

/// A felt behind the statement would be proven by nothing.
#[test]
#[should_panic(expected: 'statement: wrong length')]
fn a_statement_has_no_more_felts() {
    let mut felts = proven();
    felts.append(0);
    public_value(LEAF_ROOT, felts.span());
}

#[test]
#[should_panic(expected: 'statement: wrong length')]
fn a_statement_has_no_fewer_felts() {
    public_value(LEAF_ROOT, proven().span().slice(0, 20));
}

/// The statement as a chunk's program outputs it, with the steps.
#[test]
#[should_panic(expected: 'statement: wrong length')]
fn a_statement_has_no_steps() {
    let felts = proven();
    let mut output = array![];
    output.append_span(felts.span().slice(0, 11));
    output.append(8);
    output.append_span(felts.span().slice(11, 10));
    public_value(LEAF_ROOT, output.span());
}

#[test]
#[should_panic(expected: 'proof: limb not canonical')]
fn the_leaf_circuit_is_a_digest() {
    public_value(0x7fffffff, proven().span());
}

#[test]
#[should_panic(expected: 'proof: felt too large')]
fn the_leaf_circuit_is_no_more_than_a_digest() {
    public_value(-1, proven().span());
}
