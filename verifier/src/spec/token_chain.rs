//! The chain of tokens: a digest of a sequence of tokens.
//!
//! Owns: `append`, which takes the digest of a sequence to that of the sequence with one token more.
//!
//! Invariants: a block of a chain is no block of a record, as an element of it is larger than any of a record's.

use super::poseidon2::{Block, Digest, RATE, compress};

/// Chain of no tokens.
pub const EMPTY: Digest = [0; 8];

/// The second element of a token's block. Elements of a [record](super::record) are below `2^30`.
pub const MARK: u32 = (1 << 30) + 1;

/// A token's block: the token, the mark, zeros.
pub fn block(token: u32) -> Block {
    let mut block = [0; RATE];
    block[0] = token;
    block[1] = MARK;
    block
}

/// The chain with one token more.
pub fn append(chain: &Digest, token: u32) -> Digest {
    compress(chain, &block(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of `docs/spec.md`: tokens 5, 9, 2.
    #[test]
    fn the_documents_vector() {
        let chain = [5, 9, 2]
            .into_iter()
            .fold(EMPTY, |chain, token| append(&chain, token));
        let said = [
            260797341, 250258523, 475194998, 1565201644, 1683984829, 1698129661, 2036613430,
            1002093805,
        ];
        assert_eq!(chain, said);
    }

    #[test]
    fn chains_depend_on_every_token_and_on_the_order() {
        let of = |tokens: &[u32]| {
            tokens
                .iter()
                .fold(EMPTY, |chain, &token| append(&chain, token))
        };
        let all = [of(&[]), of(&[0]), of(&[0, 0]), of(&[1, 2]), of(&[2, 1])];
        for (i, one) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|other| other != one));
        }
    }
}
