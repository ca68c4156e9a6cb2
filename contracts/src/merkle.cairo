//! Decommitment of lifted Merkle trees: many leaves at once, siblings that cannot be computed from the
//! witness, in stwo's order.
//!
//! Nodes are hashed level by level, ascending by index. A level is held as the messages of the nodes above
//! it: for each, sixteen words, the two children. Which children come from the witness depends only on the
//! queries, so it is computed once ([`paths`]) and serves all trees: a layer of FRI has the same nodes as
//! the other trees from some level on.

use crate::blake::{self, Digest, State};
use crate::calldata;
use crate::fields::m31::{self, Modulus};

/// Where a node's sibling is.
#[derive(Copy, Drop)]
pub enum Sibling {
    /// In the witness, to the right.
    Right,
    /// In the witness, to the left.
    Left,
    /// Among the nodes of the level.
    Known,
}

/// For every level from the leaves to below the root: the siblings of the nodes above `leaves`, which are
/// ascending and distinct.
pub fn paths(leaves: Span<u32>, height: u32) -> Array<Span<Sibling>> {
    let mut nodes = leaves;
    let mut levels = array![];
    for _ in 0..height {
        let (siblings, above) = level(nodes);
        levels.append(siblings);
        nodes = above;
    }
    levels
}

fn level(nodes: Span<u32>) -> (Span<Sibling>, Span<u32>) {
    let mut nodes = nodes;
    let mut siblings = array![];
    let mut above = array![];
    let mut index = *nodes.pop_front().unwrap();
    loop {
        let (parent, side) = DivRem::div_rem(index, 2);
        above.append(parent);
        let next = nodes.pop_front();
        if side == 1 {
            siblings.append(Sibling::Left);
        } else if let Some(next) = next {
            if *next == index + 1 {
                siblings.append(Sibling::Known);
                siblings.append(Sibling::Known);
                match nodes.pop_front() {
                    Some(next) => { index = *next; },
                    None => { break; },
                }
                continue;
            }
            siblings.append(Sibling::Right);
        } else {
            siblings.append(Sibling::Right);
        }
        match next {
            Some(next) => { index = *next; },
            None => { break; },
        }
    }
    (siblings.span(), above.span())
}

/// Puts a node, whose hash ended in `state`, into the messages of the level above, with its sibling if that
/// is in the witness. `p` is [`m31::modulus`].
#[inline(always)]
pub fn place(
    state: State,
    sibling: Sibling,
    p: NonZero<Modulus>,
    ref witness: Span<felt252>,
    ref messages: Array<u32>,
) {
    match sibling {
        Sibling::Right => {
            blake::append_digest(state, p, ref messages);
            calldata::append_limbs(ref witness, ref messages);
        },
        Sibling::Left => {
            calldata::append_limbs(ref witness, ref messages);
            blake::append_digest(state, p, ref messages);
        },
        Sibling::Known => { blake::append_digest(state, p, ref messages); },
    }
}

/// The root above a level's messages. `paths` are the levels from these messages' nodes on.
///
/// The witness is consumed from the front; the caller checks that nothing is left.
pub fn root(messages: Span<u32>, paths: Span<Span<Sibling>>, ref witness: Span<felt252>) -> Digest {
    let mut messages = messages;
    for siblings in paths {
        messages = above(messages, *siblings, ref witness).span();
    }
    let block = messages.multi_pop_front::<16>().unwrap();
    blake::digest(blake::hash_full_block(*block))
}

fn above(
    messages: Span<u32>, siblings: Span<Sibling>, ref witness: Span<felt252>,
) -> Array<u32> {
    let mut messages = messages;
    let mut siblings = siblings;
    let mut above = array![];
    let p = m31::modulus();
    while let Some(block) = messages.multi_pop_front::<16>() {
        let sibling = *siblings.pop_front().unwrap();
        place(blake::hash_full_block(*block), sibling, p, ref witness, ref above);
    }
    above
}
