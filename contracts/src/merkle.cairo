//! Decommitment of lifted Merkle trees: many leaves at once, siblings that cannot be computed from the
//! witness, in stwo's order.

use crate::blake::{Digest, hash_pair};
use crate::calldata;

/// A node's index in its layer, and its digest.
pub type Node = (u32, Digest);

/// The root over `leaves`, which are sorted by index without repetition, `height` layers up.
///
/// The witness is consumed from the front; the caller checks that nothing is left.
pub fn root(leaves: Array<Node>, height: u32, ref witness: Span<felt252>) -> Digest {
    let mut layer = leaves;
    for _ in 0..height {
        layer = parents(layer.span(), ref witness);
    }
    let (_, root) = *layer.at(0);
    root
}

fn parents(layer: Span<Node>, ref witness: Span<felt252>) -> Array<Node> {
    let mut layer = layer;
    let mut above = array![];
    while let Some(node) = layer.pop_front() {
        let (index, digest) = *node;
        let (parent, side) = DivRem::div_rem(index, 2);
        let hash = if side == 1 {
            hash_pair(calldata::digest(ref witness), digest)
        } else {
            match layer.get(0) {
                Option::Some(next) => {
                    let (next_index, next_digest) = *next.unbox();
                    if next_index == index + 1 {
                        let _ = layer.pop_front();
                        hash_pair(digest, next_digest)
                    } else {
                        hash_pair(digest, calldata::digest(ref witness))
                    }
                },
                Option::None => hash_pair(digest, calldata::digest(ref witness)),
            }
        };
        above.append((parent, hash));
    }
    above
}
