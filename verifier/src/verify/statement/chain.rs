//! Chains of numbers by their packed roots: how a verifier goes on from the root that a statement carries.
//!
//! Invariant: a root has at most one digest, and a number at most one element, so two different lists never lead to one root but by a
//! collision: a felt that packs no digest, and a number as large as the field's, are refused.

use starknet_types_core::felt::Felt;
use thiserror::Error;

use super::{felt_to_hex, packed};
use crate::spec::poseidon2::{DIGEST, Digest, P};
use crate::spec::token_chain::append;

/// Why a chain does not go on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChainError {
    #[error("{found} is no packed digest of a chain")]
    Root { found: String },
    #[error("{found} is too large for a chain of tokens, which has numbers below {P}")]
    Number { found: u64 },
}

/// The root behind `root` of a chain that has these numbers more.
///
/// # Errors
/// A root that packs no digest, or a number that is no element of the field.
pub fn extended(root: Felt, numbers: impl IntoIterator<Item = u64>) -> Result<Felt, ChainError> {
    let start = unpacked(root)?;
    let chain = numbers.into_iter().try_fold(start, |chain, found| {
        let number = u32::try_from(found).ok().filter(|&number| number < P);
        let number = number.ok_or(ChainError::Number { found })?;
        Ok(append(&chain, number))
    })?;
    Ok(packed(&chain))
}

/// The digest that a felt packs.
fn unpacked(root: Felt) -> Result<Digest, ChainError> {
    let bits = root.to_bits_le();
    let number = |index: usize| {
        let bits = bits[31 * index..][..31].iter().rev();
        bits.fold(0, |number, &bit| number << 1 | u32::from(bit))
    };
    let digest: Digest = std::array::from_fn(number);
    let elements = digest.iter().all(|&number| number < P);
    let rest = bits[31 * DIGEST..].iter().any(|&bit| bit);
    if !elements || rest {
        let found = felt_to_hex(&root);
        return Err(ChainError::Root { found });
    }
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::token_chain::EMPTY;

    /// Every digest is the one that its felt packs; a felt with an element of the field's size, or with more bits, is refused.
    #[test]
    fn a_root_has_one_digest() {
        let largest = [P - 1; DIGEST];
        for digest in [EMPTY, [1, 2, 3, 4, 5, 6, 7, 8], largest] {
            assert_eq!(unpacked(packed(&digest)), Ok(digest));
        }
        for place in 0..DIGEST {
            let mut digest = [3; DIGEST];
            digest[place] = P;
            let root = packed(&digest);
            let found = felt_to_hex(&root);
            assert_eq!(unpacked(root), Err(ChainError::Root { found }));
        }
        let beyond = Felt::TWO.pow(248u32);
        for root in [beyond, beyond + packed(&largest), -Felt::ONE] {
            unpacked(root).expect_err("more than eight elements");
        }
    }

    /// A chain goes on from its root as it does from its digest, up to the largest number.
    #[test]
    fn chains_go_on_from_their_roots() {
        let whole = [5, 9, u64::from(P) - 1, 0];
        let root = extended(Felt::ZERO, whole).expect("numbers of the field");
        let chain = [5, 9, P - 1, 0];
        let chain = chain
            .iter()
            .fold(EMPTY, |chain, &number| append(&chain, number));
        assert_eq!(root, packed(&chain));
        for cut in 0..=4 {
            let first = extended(Felt::ZERO, whole[..cut].iter().copied()).expect("a start");
            assert_eq!(extended(first, whole[cut..].iter().copied()), Ok(root));
        }
        for found in [u64::from(P), u64::from(P) + 5, 1 << 32, u64::MAX] {
            assert_eq!(extended(root, [found]), Err(ChainError::Number { found }));
        }
    }
}
