//! Blake2s-256 with every word of the digest reduced modulo P, as stwo's `Blake2sM31` hashes.
//!
//! Messages are spans of 32-bit words, little-endian. A block is sixteen words; the last one is padded with
//! zeros.

use core::blake::{blake2s_compress, blake2s_finalize};
use core::box::BoxTrait;
use crate::fields::m31::{self, Modulus};

/// Eight words below P.
pub type Digest = [u32; 8];

/// A state of the hash, not reduced.
pub type State = Box<[u32; 8]>;

/// Bytes of a block.
const BLOCK_BYTES: u32 = 64;

/// The initial state: the constants of SHA-256, the first mixed with the parameters (digest of 32 bytes, no
/// key, fanout and depth 1).
#[inline(always)]
pub fn initial() -> State {
    BoxTrait::new(
        [
            0x6b08e647, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
            0x5be0cd19,
        ],
    )
}

#[inline(always)]
fn reduced(x: u32) -> u32 {
    m31::word(m31::from_word(x))
}

/// The digest that a final state is.
#[inline(always)]
pub fn digest(state: State) -> Digest {
    let [a, b, c, d, e, f, g, h] = state.unbox();
    [reduced(a), reduced(b), reduced(c), reduced(d), reduced(e), reduced(f), reduced(g), reduced(h)]
}

/// Appends the digest that a final state is; `p` is [`m31::modulus`].
#[inline(always)]
pub fn append_digest(state: State, p: NonZero<Modulus>, ref words: Array<u32>) {
    let [a, b, c, d, e, f, g, h] = state.unbox();
    words.append(m31::word(m31::from_word_by(a, p)));
    words.append(m31::word(m31::from_word_by(b, p)));
    words.append(m31::word(m31::from_word_by(c, p)));
    words.append(m31::word(m31::from_word_by(d, p)));
    words.append(m31::word(m31::from_word_by(e, p)));
    words.append(m31::word(m31::from_word_by(f, p)));
    words.append(m31::word(m31::from_word_by(g, p)));
    words.append(m31::word(m31::from_word_by(h, p)));
}

/// The final state of a message of one full block.
#[inline(always)]
pub fn hash_full_block(block: Box<[u32; 16]>) -> State {
    blake2s_finalize(initial(), BLOCK_BYTES, block)
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
    hash_block([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p], BLOCK_BYTES)
}

/// The final state of a message of `n_bytes` > 0, a multiple of 4, given as whole blocks: words behind the
/// message must be zero.
pub fn hash_blocks(words: Span<u32>, n_bytes: u32) -> State {
    let mut words = words;
    let mut state = initial();
    let mut done: u32 = BLOCK_BYTES;
    loop {
        let block = *words.multi_pop_front::<16>().expect('message too short');
        if done >= n_bytes {
            break blake2s_finalize(state, n_bytes, block);
        }
        state = blake2s_compress(state, done, block);
        done += BLOCK_BYTES;
    }
}

/// The digest of a message of `n_bytes` > 0, a multiple of 4.
pub fn hash_words(words: Span<u32>, n_bytes: u32) -> Digest {
    let mut padded = array![];
    padded.append_span(words);
    pad(ref padded);
    digest(hash_blocks(padded.span(), n_bytes))
}

/// Appends zeros up to a whole number of blocks.
pub fn pad(ref words: Array<u32>) {
    let (_, mut rest) = DivRem::div_rem(words.len(), 16);
    while rest != 0 {
        if rest == 8 {
            words.append(0);
            words.append(0);
            words.append(0);
            words.append(0);
            words.append(0);
            words.append(0);
            words.append(0);
            words.append(0);
            break;
        }
        words.append(0);
        rest = (rest + 1) % 16;
    }
}
