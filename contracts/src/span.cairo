//! What a session's proof says, from the felts of a statement; see `src/wrap/span.rs`.
//!
//! A folded proof says of a span of chunks: they have a common part, and lead from one frontier to another. The
//! proof's public value is a hash of the two circuits' roots and of three digests, each of a part of the
//! statement. The fold circuit compares its own root with those below it and does not know which one is right:
//! [`FOLD_ROOT`] is, and here alone that is said.

#[feature("bounded-int-utils")]
use core::internal::bounded_int::upcast;
use crate::blake::{self, Digest};
use crate::calldata;
use crate::layout::FOLD_ROOT;
use crate::limbs::push_limbs;

/// Felts that all statements of a session have in common.
const COMMON: u32 = 11;
/// Felts of a frontier.
const FRONTIER: u32 = 5;
/// Felts of a span's statement: the common part, the first frontier, the last one.
pub const STATEMENT: u32 = COMMON + FRONTIER + FRONTIER;
/// Bytes of a felt's limbs: 28, of 9 bits each, a word for each.
const FELT_BYTES: u32 = 112;
/// Bytes that a public value is the hash of.
const VALUE_BYTES: u32 = 160;

pub mod errors {
    pub const LENGTH: felt252 = 'statement: wrong length';
}

/// A digest from its packed felt. Panics if that is not canonical.
pub fn unpack(felt: felt252) -> Digest {
    let [a, b, c, d, e, f, g, h] = calldata::limbs(felt);
    [
        upcast(a), upcast(b), upcast(c), upcast(d), upcast(e), upcast(f), upcast(g), upcast(h),
    ]
}

/// The digest of felts.
pub fn digest(felts: Span<felt252>) -> Digest {
    let mut words = array![];
    for felt in felts {
        push_limbs(ref words, *felt);
    }
    blake::pad(ref words);
    blake::digest(blake::hash_blocks(words.span(), felts.len() * FELT_BYTES))
}

/// The public value of the fold that proves a statement, of leaves with the root `leaf_root`.
pub fn public_value(leaf_root: felt252, statement: Span<felt252>) -> Digest {
    assert(statement.len() == STATEMENT, errors::LENGTH);
    let parts = array![
        unpack(FOLD_ROOT), unpack(leaf_root), digest(statement.slice(0, COMMON)),
        digest(statement.slice(COMMON, FRONTIER)),
        digest(statement.slice(COMMON + FRONTIER, FRONTIER)),
    ];
    let mut words = array![];
    for part in parts {
        words.append_span(part.span());
    }
    blake::hash_words(words.span(), VALUE_BYTES)
}
