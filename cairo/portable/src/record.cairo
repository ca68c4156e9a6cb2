//! The record of a position: its keys and values over all layers, and the root of all positions.

use core::num::traits::Pow;
use crate::digest::Digest;
use crate::poseidon2::compress;

/// Elements of a block, and the bits of each.
const BLOCK: u32 = 16;
const ELEMENT_BITS: u32 = 30;

/// The root behind a position with these values, of which an element has `packed`: 2 of 15 bits, or 3 of 10.
///
/// Element `j` of a block is `Σ_k (v[packed j + k] + 2^(bits − 1)) 2^(bits k)`. The last block is filled with the values from
/// the first on, again and again.
pub fn append(root: Digest, values: Span<i64>, packed: u32) -> Digest {
    let scale: felt252 = 2_u64.pow(ELEMENT_BITS / packed).into();
    let half: felt252 = 2_u64.pow(ELEMENT_BITS / packed - 1).into();
    let of_block = BLOCK * packed;
    let mut root = root;
    let mut left = values;
    for _ in 0..(values.len() + of_block - 1) / of_block {
        let mut block = array![];
        for _ in 0..BLOCK {
            let mut element = 0;
            let mut place = 1;
            for _ in 0..packed {
                let value = match left.pop_front() {
                    Some(value) => value,
                    None => {
                        left = values;
                        left.pop_front().unwrap()
                    },
                };
                element += place * ((*value).into() + half);
                place *= scale;
            }
            block.append(element);
        }
        root = compress(root, (*block.span().multi_pop_front::<16>().unwrap()).unbox());
    }
    root
}
