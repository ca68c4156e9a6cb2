//! Roots of what a frontier carries: hash chains that grow by one link per position.

use core::poseidon::{hades_permutation, poseidon_hash_span};

/// Appends a token: `Poseidon(root, token)`.
pub fn fold_token(root: felt252, token: felt252) -> felt252 {
    let (root, _, _) = hades_permutation(root, token, 2);
    root
}

/// Appends one position's packed keys and values: `Poseidon(root, words…)`.
#[inline(never)]
pub fn fold_kv(root: felt252, words: Span<felt252>) -> felt252 {
    let mut link = array![root];
    link.append_span(words);
    poseidon_hash_span(link.span())
}

/// Root of a model: what its program is, and the words that it reads: `Poseidon(shape, Poseidon(words…))`.
#[inline(never)]
pub fn committed_root(shape: felt252, words: Span<felt252>) -> felt252 {
    fold_token(shape, poseidon_hash_span(words))
}
