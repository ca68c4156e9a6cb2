//! Poseidon2 over the field of `p = 2^31 − 1` elements, and the compression of digests with it.
//!
//! Owns: a published instance of the permutation (width 24, `x^5`, 8 full and 22 partial rounds), its round constants, which are
//! derived here, and `compress`, which takes a digest and a block to a digest.
//!
//! Invariants: numbers are in `[0, p)`, and every result is. Source: Grassi, Khovratovich, Schofnegger, "Poseidon2", 2023/323: the
//! permutation in section 6, the compression `x → Tr(P(x) + x)` in section 3.2. Rounds and diagonal are those of the library Plonky3
//! for this field and width, so its test vector is this permutation's.
//!
//! Absent on purpose: what is hashed (`spec::record`, `spec::token_chain`), and other widths.

use std::sync::LazyLock;

/// The field's modulus.
pub const P: u32 = (1 << 31) - 1;

/// Elements of a state.
pub const WIDTH: usize = 24;

/// Elements of a digest: 248 bits, so about `2^124` hashes for a collision.
pub const DIGEST: usize = 8;

/// Elements of a block: what one permutation takes in beside a digest.
pub const RATE: usize = WIDTH - DIGEST;

/// Full rounds before the partial ones, and behind them.
pub const HALF_FULL: usize = 4;

/// Partial rounds.
pub const PARTIAL: usize = 22;

/// Powers `x^5` of a permutation.
pub const POWERS: usize = 2 * HALF_FULL * WIDTH + PARTIAL;

/// What a hash ends in.
pub type Digest = [u32; DIGEST];

/// What a compression takes in beside a digest.
pub type Block = [u32; RATE];

/// The round constants.
pub struct Constants {
    /// Of the full rounds before the partial ones, then of those behind them.
    pub full: [[[u32; WIDTH]; HALF_FULL]; 2],
    /// Of the partial rounds, each for the first element.
    pub partial: [u32; PARTIAL],
}

/// The round constants: those of the first full rounds, of the partial rounds, and of the last full rounds, in this order from the
/// stream of [`Grain`]; numbers of 31 bits, highest bit first, and `p` is passed over.
pub static CONSTANTS: LazyLock<Constants> = LazyLock::new(|| {
    let mut grain = Grain::new();
    let mut rounds = || std::array::from_fn(|_| std::array::from_fn(|_| grain.element()));
    let first = rounds();
    let partial = std::array::from_fn(|_| grain.element());
    let mut rounds = || std::array::from_fn(|_| std::array::from_fn(|_| grain.element()));
    Constants {
        full: [first, rounds()],
        partial,
    }
});

/// The generator of round constants of the Poseidon papers: a shift register of 80 bits, of which every second bit counts if the one
/// before it is 1.
struct Grain {
    /// The oldest bit is the highest of 80.
    bits: u128,
}

impl Grain {
    /// The register's start says which instance it is; 160 bits are passed over.
    fn new() -> Grain {
        let fields = [
            (1, 2), // a prime field
            (0, 4), // x^α
            (31, 12),
            (WIDTH as u128, 12),
            (2 * HALF_FULL as u128, 10),
            (PARTIAL as u128, 10),
            ((1 << 30) - 1, 30),
        ];
        let bits = fields
            .iter()
            .fold(0, |bits, (value, width)| bits << width | value);
        let mut grain = Grain { bits };
        for _ in 0..160 {
            grain.clock();
        }
        grain
    }

    /// The next bit of the register.
    fn clock(&mut self) -> u32 {
        let taps = [0, 13, 23, 38, 51, 62];
        let new = taps
            .iter()
            .fold(0, |sum, tap| sum ^ (self.bits >> (79 - tap)) & 1);
        self.bits = (self.bits << 1 | new) & ((1 << 80) - 1);
        new as u32
    }

    /// The next bit that counts.
    fn bit(&mut self) -> u32 {
        loop {
            let [counts, bit] = [self.clock(), self.clock()];
            if counts == 1 {
                return bit;
            }
        }
    }

    /// The next element of the field.
    fn element(&mut self) -> u32 {
        loop {
            let value = (0..31).fold(0, |value, _| value << 1 | self.bit());
            if value < P {
                return value;
            }
        }
    }
}

/// A number modulo `p`: `2^31` is 1.
fn reduced(value: u64) -> u32 {
    let modulus = u64::from(P);
    let once = (value & modulus) + (value >> 31);
    let twice = (once & modulus) + (once >> 31);
    (if twice >= modulus {
        twice - modulus
    } else {
        twice
    }) as u32
}

fn product(a: u32, b: u32) -> u32 {
    reduced(u64::from(a) * u64::from(b))
}

/// `x^2` and `x^5`.
pub fn powers(x: u32) -> [u32; 2] {
    let square = product(x, x);
    [square, product(product(square, square), x)]
}

/// The matrix of full rounds: `circ(2 M, M, …, M)` with `M = circ(2, 3, 1, 1)`.
fn full_layer(state: &mut [u32; WIDTH]) {
    let mut sums = [0; 4];
    let mut wide = [0u64; WIDTH];
    for (four, out) in state.chunks(4).zip(wide.chunks_mut(4)) {
        let four: [u64; 4] = std::array::from_fn(|i| four[i].into());
        for i in 0..4 {
            out[i] = 2 * four[i] + 3 * four[(i + 1) % 4] + four[(i + 2) % 4] + four[(i + 3) % 4];
            sums[i] += out[i];
        }
    }
    *state = std::array::from_fn(|i| reduced(wide[i] + sums[i % 4]));
}

/// The matrix of partial rounds: ones, and on the diagonal `−2 + 1`, then `2^(i − 1) + 1` for the element `i`.
fn partial_layer(state: &mut [u32; WIDTH]) {
    let sum: u64 = state.iter().map(|&x| u64::from(x)).sum();
    *state = std::array::from_fn(|i| match i {
        0 => reduced(sum + 2 * u64::from(P - state[0])),
        _ => reduced(sum + (u64::from(state[i]) << (i - 1))),
    });
}

/// The permutation; `seen` gets the number of which each power `x^5` is, in order.
pub fn permute_seen(mut state: [u32; WIDTH], mut seen: impl FnMut([u32; 2])) -> [u32; WIDTH] {
    let mut power = |x: u32, constant: u32| {
        let x = reduced(u64::from(x) + u64::from(constant));
        let both = powers(x);
        seen(both);
        both[1]
    };
    let constants = &*CONSTANTS;
    full_layer(&mut state);
    for (half, rounds) in constants.full.iter().enumerate() {
        if half == 1 {
            for &constant in &constants.partial {
                state[0] = power(state[0], constant);
                partial_layer(&mut state);
            }
        }
        for round in rounds {
            state = std::array::from_fn(|i| power(state[i], round[i]));
            full_layer(&mut state);
        }
    }
    state
}

/// The permutation.
pub fn permute(state: [u32; WIDTH]) -> [u32; WIDTH] {
    permute_seen(state, |_| ())
}

/// The state of a compression before its permutation.
pub fn start(digest: &Digest, block: &Block) -> [u32; WIDTH] {
    let both = digest.iter().chain(block).copied();
    let mut state = [0; WIDTH];
    for (element, value) in state.iter_mut().zip(both) {
        *element = value;
    }
    state
}

/// A digest and a block in one digest: the first elements of the permuted state, and the old digest added to them.
pub fn compress(digest: &Digest, block: &Block) -> Digest {
    compress_seen(digest, block, |_| ())
}

/// The same, which shows the powers of each element before its round.
pub fn compress_seen(digest: &Digest, block: &Block, seen: impl FnMut([u32; 2])) -> Digest {
    let state = permute_seen(start(digest, block), seen);
    std::array::from_fn(|i| reduced(u64::from(state[i]) + u64::from(digest[i])))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the published instance: the state `0, 1, …, 23`.
    #[test]
    fn the_published_vector() {
        let found = permute(std::array::from_fn(|i| i as u32));
        let said = [
            0x2040f051, 0x7261dbfa, 0x4fbd519e, 0x2320ecaf, 0x039ef27c, 0x48d60ad5, 0x73ca17ff,
            0x6023111a, 0x6c5e31e7, 0x373cd90d, 0x75a3ae11, 0x00ecc878, 0x33a7c097, 0x244c2171,
            0x7552a38e, 0x58d20817, 0x00feecb7, 0x47c43c88, 0x30d3001c, 0x24d09ba6, 0x71f241d9,
            0x1c72ab2e, 0x4749f79d, 0x61ff7579,
        ];
        assert_eq!(found, said);
    }

    /// Constants at both ends of the derivation, as published.
    #[test]
    fn the_published_constants() {
        let constants = &*CONSTANTS;
        assert_eq!(
            constants.full[0][0][..3],
            [0x1feaba61, 0x53224454, 0x6bceb9e2]
        );
        assert_eq!(constants.partial[0], 0x22776a11);
        assert_eq!(constants.partial[21], 0x339b7523);
        let all = constants
            .full
            .iter()
            .flatten()
            .flatten()
            .chain(&constants.partial);
        assert!(all.clone().all(|&constant| constant < P));
        assert_eq!(all.count(), POWERS);
    }

    /// `x^5` is a permutation of the field: 5 does not divide `p − 1`.
    #[test]
    fn the_power_is_a_permutation() {
        assert_ne!((P - 1) % 5, 0);
        assert_eq!(powers(3), [9, 243]);
        assert_eq!(powers(P - 1), [1, P - 1]);
    }

    /// The numbers of rounds satisfy the inequalities of the Poseidon papers for 128 bits, with the margins that they ask for: two
    /// full rounds, and 7.5 % of the partial ones.
    #[test]
    fn rounds_have_the_published_margins() {
        let (t, bits) = (WIDTH as f64, 31f64);
        let full = 2.0 * HALF_FULL as f64 - 2.0;
        let partial = PARTIAL as f64 / 1.075;
        let log = 2f64.ln() / 5f64.ln();
        // Statistical attacks; interpolation; three with Gröbner bases.
        assert!(128.0 <= (bits - 2.0).floor() * (t + 1.0) && full >= 6.0);
        assert!(full + partial >= 1.0 + (log * bits).ceil() + (t.ln() / 5f64.ln()).ceil());
        assert!(full + partial >= log * bits);
        assert!(full + partial >= t - 1.0 + log * (128.0 / (t + 1.0)).min(bits / 2.0));
        assert!(full * (t - 1.0) + partial >= t - 2.0 + 128.0 / (2.0 * 5f64.log2()));
    }

    #[test]
    fn numbers_are_reduced() {
        let modulus = u64::from(P);
        let near = [
            0,
            1,
            modulus - 1,
            modulus,
            modulus + 1,
            modulus << 31,
            (modulus << 31) + modulus,
        ];
        for value in near
            .into_iter()
            .chain([(modulus - 1) * (modulus - 1), u64::MAX - 1, u64::MAX])
        {
            assert_eq!(u64::from(reduced(value)), value % modulus, "{value}");
        }
    }

    #[test]
    fn a_compression_adds_its_digest() {
        let digest = std::array::from_fn(|i| P - 1 - i as u32);
        let block = std::array::from_fn(|i| 7 * i as u32);
        let permuted = permute(start(&digest, &block));
        for (i, found) in compress(&digest, &block).into_iter().enumerate() {
            assert_eq!(
                u64::from(found),
                (u64::from(permuted[i]) + u64::from(digest[i])) % u64::from(P)
            );
        }
    }
}
