use crate::blake::{self, Digest};
use crate::blake_test::digest_at;
use crate::calldata_test::packed;
use crate::fields::m31;
use crate::merkle::{self, Sibling};
use crate::vectors::{TREE_ROOT, TREE_ROWS, TREE_WITNESS};

/// The root of the vectors' tree over these rows of three words, and how much of the witness is left.
fn root(positions: Span<u32>, rows: Span<u32>, witness: Span<felt252>) -> (Digest, u32) {
    let mut paths = merkle::paths(positions, 4).span();
    let mut rows = rows;
    let mut witness = witness;
    let mut messages = array![];
    for sibling in *paths.pop_front().unwrap() {
        let mut row = array![];
        for _ in 0..3_u32 {
            row.append(*rows.pop_front().unwrap());
        }
        blake::pad(ref row);
        let leaf = blake::hash_blocks(row.span(), 12);
        merkle::place(leaf, *sibling, m31::modulus(), ref witness, ref messages);
    }
    let root = merkle::root(messages.span(), paths, ref witness);
    (root, witness.len())
}

#[test]
fn the_root_is_the_crates() {
    let witness = packed(TREE_WITNESS.span());
    let found = root([1, 6, 7, 12].span(), TREE_ROWS.span(), witness.span());
    assert!(found == (digest_at(TREE_ROOT.span(), 0), 0));
}

#[test]
fn a_row_elsewhere_has_another_root() {
    let witness = packed(TREE_WITNESS.span());
    let (found, _) = root([0, 6, 7, 12].span(), TREE_ROWS.span(), witness.span());
    assert!(found != digest_at(TREE_ROOT.span(), 0));
}

#[test]
fn another_row_has_another_root() {
    let witness = packed(TREE_WITNESS.span());
    let mut rows = array![];
    rows.append_span(TREE_ROWS.span().slice(0, 11));
    rows.append(*TREE_ROWS.span()[11] + 1);
    let (found, _) = root([1, 6, 7, 12].span(), rows.span(), witness.span());
    assert!(found != digest_at(TREE_ROOT.span(), 0));
}

#[test]
fn every_digest_of_the_witness_counts() {
    let whole = packed(TREE_WITNESS.span());
    for place in 0..whole.len() {
        let mut witness = array![];
        witness.append_span(whole.span().slice(0, place));
        witness.append(*whole[place] + 1);
        witness.append_span(whole.span().slice(place + 1, whole.len() - place - 1));
        let (found, left) = root([1, 6, 7, 12].span(), TREE_ROWS.span(), witness.span());
        assert!(found != digest_at(TREE_ROOT.span(), 0));
        assert!(left == 0);
    }
}

#[test]
fn a_longer_witness_is_left_over() {
    let mut witness = packed(TREE_WITNESS.span());
    witness.append(0);
    let (_, left) = root([1, 6, 7, 12].span(), TREE_ROWS.span(), witness.span());
    assert!(left == 1);
}

#[test]
#[should_panic(expected: 'proof: too short')]
fn a_shorter_witness_is_refused() {
    let witness = packed(TREE_WITNESS.span());
    root([1, 6, 7, 12].span(), TREE_ROWS.span(), witness.span().slice(1, witness.len() - 1));
}

/// The siblings of a level, as a number: 1 right, 2 left, 3 known, the first digit first.
fn digits(siblings: Span<Sibling>) -> u32 {
    let mut number = 0;
    for sibling in siblings {
        number = 10 * number
            + match sibling {
                Sibling::Right => 1,
                Sibling::Left => 2,
                Sibling::Known => 3,
            };
    }
    number
}

#[test]
fn siblings_are_found() {
    let paths = merkle::paths([1, 6, 7, 12].span(), 4);
    let mut found = array![];
    for siblings in paths {
        found.append(digits(siblings));
    }
    // 1, 6, 7, 12; then 0, 3, 6; then 0, 1, 3; then 0, 1.
    assert!(found == array![2331, 121, 332, 33]);
}
