//! Blake2s-256 with every word of the digest reduced modulo P, as stwo's `Blake2sM31` hashes.
//!
//! Messages are spans of 32-bit words, little-endian.

use core::blake::{blake2s_compress, blake2s_finalize};
use core::box::BoxTrait;
use crate::fields::m31;

/// Eight words below P.
pub type Digest = [u32; 8];

/// The initial state: the constants of SHA-256, the first mixed with the parameters (digest of 32 bytes, no
/// key, fanout and depth 1).
fn initial() -> Box<[u32; 8]> {
    BoxTrait::new(
        [
            0x6b08e647, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
            0x5be0cd19,
        ],
    )
}

#[inline]
fn reduced(x: u32) -> u32 {
    m31::word(m31::from_word(x))
}

fn digest(state: Box<[u32; 8]>) -> Digest {
    let [a, b, c, d, e, f, g, h] = state.unbox();
    [reduced(a), reduced(b), reduced(c), reduced(d), reduced(e), reduced(f), reduced(g), reduced(h)]
}

/// The digest of a message of one block; words beyond `n_bytes` must be zero.
#[inline(never)]
pub fn hash_block(message: [u32; 16], n_bytes: u32) -> Digest {
    digest(blake2s_finalize(initial(), n_bytes, BoxTrait::new(message)))
}

/// The digest of two digests, the one of an inner node of a Merkle tree.
pub fn hash_pair(left: Digest, right: Digest) -> Digest {
    let [a, b, c, d, e, f, g, h] = left;
    let [i, j, k, l, m, n, o, p] = right;
    hash_block([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p], 64)
}

/// The digest of a message of `n_bytes` > 0, a multiple of 4; words behind it must be zero and may be left
/// out.
pub fn hash_words(words: Span<u32>, n_bytes: u32) -> Digest {
    let mut words = words;
    let mut state = initial();
    let mut done: u32 = 0;
    while done + 64 < n_bytes {
        let block = *words.multi_pop_front::<16>().expect('message too short');
        done += 64;
        state = blake2s_compress(state, done, block);
    }
    let block = match words.multi_pop_front::<16>() {
        Option::Some(block) => *block,
        Option::None => {
            let mut padded: Array<u32> = array![];
            while let Some(word) = words.pop_front() {
                padded.append(*word);
            }
            while padded.len() < 16 {
                padded.append(0);
            }
            let mut padded = padded.span();
            *padded.multi_pop_front::<16>().unwrap()
        },
    };
    digest(blake2s_finalize(state, n_bytes, block))
}
