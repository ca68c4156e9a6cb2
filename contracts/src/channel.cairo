//! The transcript: stwo's `Blake2sM31Channel`.
//!
//! Everything that the prover sends is mixed into a digest; challenges are hashes of digest and counter.

use crate::blake::{Digest, digest, hash_block, hash_blocks, hash_pair, pad};
use crate::fields::m31;
use crate::fields::qm31::{QM31, from_words};

#[derive(Copy, Drop)]
pub struct Channel {
    pub digest: Digest,
    draws: u32,
}

const POW_PREFIX: u32 = 0x12345678;

#[generate_trait]
pub impl ChannelImpl of ChannelTrait {
    fn new() -> Channel {
        Channel { digest: [0; 8], draws: 0 }
    }

    fn mix_digest(ref self: Channel, digest: Digest) {
        self = Channel { digest: hash_pair(self.digest, digest), draws: 0 };
    }

    /// Mixes secure elements.
    fn mix_elements(ref self: Channel, elements: Span<QM31>) {
        let mut message: Array<u32> = array![];
        message.append_span(self.digest.span());
        for element in elements {
            message.append(m31::word(*element.a));
            message.append(m31::word(*element.b));
            message.append(m31::word(*element.c));
            message.append(m31::word(*element.d));
        }
        let n_bytes = message.len() * 4;
        pad(ref message);
        self = Channel { digest: digest(hash_blocks(message.span(), n_bytes)), draws: 0 };
    }

    fn mix_u64(ref self: Channel, value: u64) {
        let (high, low) = split(value);
        let [a, b, c, d, e, f, g, h] = self.digest;
        self =
            Channel {
                digest: hash_block([a, b, c, d, e, f, g, h, low, high, 0, 0, 0, 0, 0, 0], 40),
                draws: 0,
            };
    }

    /// Eight words below P.
    fn draw_words(ref self: Channel) -> Digest {
        let [a, b, c, d, e, f, g, h] = self.digest;
        let counter = self.draws;
        self.draws = counter + 1;
        // The byte behind the counter is zero and separates drawing from mixing.
        hash_block([a, b, c, d, e, f, g, h, counter, 0, 0, 0, 0, 0, 0, 0], 37)
    }

    fn draw_secure(ref self: Channel) -> QM31 {
        let [a, b, c, d, _, _, _, _] = self.draw_words();
        from_words([a, b, c, d])
    }

    fn draw_two_secure(ref self: Channel) -> (QM31, QM31) {
        let [a, b, c, d, e, f, g, h] = self.draw_words();
        (from_words([a, b, c, d]), from_words([e, f, g, h]))
    }

    /// `n` draws of numbers below `divisor`, a power of two: the distinct ones, ascending.
    fn draw_queries(ref self: Channel, n: u32, divisor: NonZero<u32>) -> Array<u32> {
        let mut sorted: Array<u32> = array![];
        let mut left = n;
        while left != 0 {
            for word in self.draw_words().span() {
                if left != 0 {
                    let (_, query) = DivRem::div_rem(*word, divisor);
                    sorted = insert(sorted.span(), query);
                    left -= 1;
                }
            }
        }
        sorted
    }

    /// Whether the nonce's hash ends in `2^n_bits = divisor` many zero bits.
    fn has_work(self: @Channel, n_bits: u32, divisor: NonZero<u32>, nonce: u64) -> bool {
        let [a, b, c, d, e, f, g, h] = *self.digest;
        let [a, b, c, d, e, f, g, h] = hash_block(
            [POW_PREFIX, 0, 0, 0, a, b, c, d, e, f, g, h, n_bits, 0, 0, 0], 52,
        );
        let (high, low) = split(nonce);
        let [first, _, _, _, _, _, _, _] = hash_block(
            [a, b, c, d, e, f, g, h, low, high, 0, 0, 0, 0, 0, 0], 40,
        );
        let (_, rest) = DivRem::div_rem(first, divisor);
        rest == 0
    }
}

/// Inserts an item into an ascending list, if it is not in it.
fn insert(sorted: Span<u32>, item: u32) -> Array<u32> {
    let mut result = array![];
    let mut pending = true;
    for next in sorted {
        if pending && item <= *next {
            pending = false;
            if item != *next {
                result.append(item);
            }
        }
        result.append(*next);
    }
    if pending {
        result.append(item);
    }
    result
}

/// Upper and lower 32 bits.
fn split(value: u64) -> (u32, u32) {
    let (high, low) = DivRem::div_rem(value, 0x100000000);
    (high.try_into().unwrap(), low.try_into().unwrap())
}
