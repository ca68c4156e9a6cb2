//! The record of a position: its keys and values over all layers as blocks of elements, and the root of all positions.
//!
//! Owns: how values are packed, and `append`, which takes the root of the positions before to the root behind this one.
//!
//! Invariants: a packing has one reading, as every value is in its range and an element below `2^30 < p`. The number of values of a
//! position is a constant of the model, so the number of positions says how many blocks a root is of.

use super::poseidon2::{Block, Digest, RATE, compress};

/// Root of no positions.
pub const EMPTY: Digest = [0; 8];

/// Bits of an element.
const ELEMENT_BITS: u32 = 30;

/// How many values one element has: 2 of 15 bits, or 3 of 10, their sign included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Packing {
    Two,
    Three,
}

impl Packing {
    /// The packing of values of so many bits, sign included, if there is one: the densest.
    pub fn of_bits(bits: u32) -> Option<Packing> {
        let half = 1i64.checked_shl(bits.checked_sub(1)?)?;
        let packings = [Packing::Three, Packing::Two];
        packings.into_iter().find(|packing| half <= packing.half())
    }

    /// Values of an element.
    pub const fn values(self) -> usize {
        match self {
            Packing::Two => 2,
            Packing::Three => 3,
        }
    }

    /// Bits of a value, its sign included.
    pub const fn bits(self) -> u32 {
        ELEMENT_BITS / self.values() as u32
    }

    /// A value is at least `−half` and below `half`.
    pub const fn half(self) -> i64 {
        1 << (self.bits() - 1)
    }

    /// Values of a block.
    pub const fn values_of_block(self) -> usize {
        RATE * self.values()
    }

    /// Blocks of a record of so many values.
    pub const fn blocks(self, values: usize) -> usize {
        values.div_ceil(self.values_of_block())
    }

    /// A block from its values, as many as a block has: `e_j = Σ_k (v_(j n + k) + half) 2^(bits k)` for `n` values of an element.
    pub fn block(self, values: &[i64]) -> Block {
        let mut block = [0; RATE];
        for (element, values) in block.iter_mut().zip(values.chunks(self.values())) {
            let shifted = values.iter().rev().map(|value| value + self.half());
            *element = shifted.fold(0, |sum, value| (sum << self.bits()) + value) as u32;
        }
        block
    }
}

/// The root behind a position with these values: `compress` for each of its blocks. The last block is filled with the record's values
/// from its first on, again and again.
pub fn append(root: &Digest, values: &[i64], packing: Packing) -> Digest {
    let all: Vec<i64> = values
        .iter()
        .cycle()
        .take(packing.blocks(values.len()) * packing.values_of_block())
        .copied()
        .collect();
    let blocks = all.chunks(packing.values_of_block());
    blocks.fold(*root, |root, values| {
        compress(&root, &packing.block(values))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of `docs/spec.md`: values `500 (i − 20)`, and `i − 20`, for `i` from 0 to 39.
    #[test]
    fn the_documents_vectors() {
        let of = |step: i64, packing: Packing| {
            let values: Vec<i64> = (0..40).map(|i| step * (i - 20)).collect();
            append(&EMPTY, &values, packing)
        };
        assert_eq!(
            of(500, Packing::Two),
            [
                154451315, 2044673105, 170483186, 880543710, 1391071769, 1920268472, 875425325,
                1187689576
            ]
        );
        assert_eq!(
            of(1, Packing::Three),
            [
                1162519706, 283503881, 299852879, 248483459, 1074121982, 1535916376, 731699852,
                2081264061
            ]
        );
    }

    #[test]
    fn packings_fit() {
        assert_eq!(Packing::of_bits(10), Some(Packing::Three));
        assert_eq!(Packing::of_bits(11), Some(Packing::Two));
        assert_eq!(Packing::of_bits(15), Some(Packing::Two));
        assert_eq!(Packing::of_bits(16), None);
        assert_eq!(Packing::of_bits(0), None);
        assert_eq!(Packing::of_bits(100), None);
        for packing in [Packing::Two, Packing::Three] {
            assert!(packing.bits() * packing.values() as u32 <= ELEMENT_BITS);
            assert!(packing.values_of_block().is_multiple_of(8));
        }
    }

    /// The largest element is below `2^30`, and each value is in bits of its own.
    #[test]
    fn a_block_has_one_reading() {
        let most = Packing::Two.block(&[(1 << 14) - 1; 32]);
        assert_eq!(most, [(1 << 30) - 1; RATE]);
        assert_eq!(Packing::Three.block(&[-512; 48]), [0; RATE]);
        let mut values = [-512; 48];
        values[3..6].copy_from_slice(&[1, 2, -3]);
        let block = Packing::Three.block(&values);
        assert_eq!(block[1], 513 | 514 << 10 | 509 << 20);
        assert_eq!(block[0], 0);
    }

    /// A record that does not fill its last block goes on with its first values.
    #[test]
    fn the_last_block_is_filled() {
        let values: Vec<i64> = (0..40).map(|v| v - 20).collect();
        let first = compress(&EMPTY, &Packing::Two.block(&values[..32]));
        let rest: Vec<i64> = values[32..].iter().chain(&values[..24]).copied().collect();
        let second = compress(&first, &Packing::Two.block(&rest));
        assert_eq!(append(&EMPTY, &values, Packing::Two), second);
    }
}
