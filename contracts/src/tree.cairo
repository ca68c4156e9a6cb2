//! The tree over a session's chunks, from their statements alone; see `src/wrap/tree.rs`.
//!
//! A leaf's public value is the hash of a statement's felts, an aggregate's is the hash of the two circuits
//! and public values below it. Roots of circuits are pinned, so the value at the top says which statements
//! were proven, by which circuit.

#[feature("bounded-int-utils")]
use core::internal::bounded_int::upcast;
use crate::blake::{Digest, hash_words};
use crate::layout::{LEVEL_1_ROOT, UPPER_ROOT};
use crate::limbs::push_limbs;
use crate::calldata;

/// Felts of a statement's encoding.
pub const STATEMENT: u32 = 21;
/// Most statements of one tree.
pub const MAX_STATEMENTS: u32 = 16;
/// Limbs of 9 bits of a felt.
const LIMBS: u32 = 28;

pub mod errors {
    pub const STATEMENTS: felt252 = 'statements: wrong number';
}

/// A digest from its packed felt. Panics if that is not canonical.
pub fn unpack(felt: felt252) -> Digest {
    let [a, b, c, d, e, f, g, h] = calldata::limbs(felt);
    [
        upcast(a), upcast(b), upcast(c), upcast(d), upcast(e), upcast(f), upcast(g), upcast(h),
    ]
}

/// The public value of the leaf that proves a statement.
fn leaf_value(statement: Span<felt252>) -> Digest {
    let mut words = array![];
    for felt in statement {
        push_limbs(ref words, *felt);
    }
    hash_words(words.span(), STATEMENT * LIMBS * 4)
}

/// An aggregate's public value: the hash of root, value, root, value.
fn aggregate_value(root: Digest, left: Digest, right: Digest) -> Digest {
    let mut words = array![];
    for digest in array![root, left, root, right] {
        words.append_span(digest.span());
    }
    hash_words(words.span(), 128)
}

/// Circuit and public value of the top of the tree over 1 to 16 statements, one after the other.
pub fn top(leaf_root: felt252, statements: Span<felt252>) -> (Digest, Digest) {
    let (n, rest) = DivRem::div_rem(statements.len(), STATEMENT.try_into().unwrap());
    assert(rest == 0 && n != 0 && n <= MAX_STATEMENTS, errors::STATEMENTS);
    let mut values = array![];
    for i in 0..n {
        values.append(leaf_value(statements.slice(i * STATEMENT, STATEMENT)));
    }
    let mut root = unpack(leaf_root);
    let mut above = unpack(LEVEL_1_ROOT);
    loop {
        let mut next = array![];
        let mut nodes = values.span();
        while let Some(left) = nodes.pop_front() {
            // A node without a partner is paired with itself.
            let right = match nodes.pop_front() {
                Option::Some(right) => *right,
                Option::None => *left,
            };
            next.append(aggregate_value(root, *left, right));
        }
        values = next;
        root = above;
        above = unpack(UPPER_ROOT);
        if values.len() == 1 {
            break;
        }
    }
    (root, *values[0])
}
