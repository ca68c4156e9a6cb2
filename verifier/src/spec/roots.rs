//! The hashes that the Cairo program computes, exactly as it folds them: the three chains of a decode session, and the
//! root of committed words.
//!
//! Owns: the token chain (`root' = Poseidon(root, token)`, `root({}) = 0`), the prompt root
//! (the token chain over the prompt) and the KV chain (`r_{t+1} = Poseidon([r_t, w_1..w_m])`,
//! `r_0 = 0`, with `w` the packed words of one position's keys and values).
//!
//! Invariants: a root commits to the order and, for the token chain, to every single token;
//! token `0` changes the root like any other. `Poseidon` is Starknet's: two-to-one is
//! `hades(a, b, 2)[0]`, many-to-one is the padded sponge.
//!
//! Absent on purpose: how keys and values are packed into words (`spec::kv`), and Merkle
//! openings — a chain is enough because a step carries its whole state.

use starknet_types_core::felt::Felt;
use starknet_types_core::hash::{Poseidon, StarkHash};

/// Root of an empty token chain and of an empty KV cache.
pub const EMPTY_ROOT: Felt = Felt::ZERO;

/// Appends one token id to a token chain: `Poseidon(root, token)`.
pub fn fold_token(root: Felt, token: u32) -> Felt {
    Poseidon::hash(&root, &Felt::from(token))
}

/// Appends token ids in order to the chain `root`.
pub fn fold_tokens_onto(root: Felt, tokens: impl IntoIterator<Item = u32>) -> Felt {
    tokens.into_iter().fold(root, fold_token)
}

/// Root of the token chain over `tokens`, from the empty chain.
pub fn fold_tokens(tokens: impl IntoIterator<Item = u32>) -> Felt {
    fold_tokens_onto(EMPTY_ROOT, tokens)
}

/// Root that pins a prompt: the token chain over all its tokens.
pub fn prompt_root(prompt: &[u32]) -> Felt {
    fold_tokens(prompt.iter().copied())
}

/// Root of a model whose words are committed: `Poseidon(shape, Poseidon([w_1, .., w_n]))`, with `shape` the root of
/// all that its program is made from.
pub fn committed_root(shape: Felt, words: &[Felt]) -> Felt {
    Poseidon::hash(&shape, &Poseidon::hash_array(words))
}

/// Appends one position's packed key and value words to a KV chain:
/// `Poseidon([root, w_1, .., w_m])`.
pub fn kv_append(root: Felt, words: &[Felt]) -> Felt {
    let mut input = Vec::with_capacity(words.len() + 1);
    input.push(root);
    input.extend_from_slice(words);
    Poseidon::hash_array(&input)
}
