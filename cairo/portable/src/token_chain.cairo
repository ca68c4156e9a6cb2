//! The chain of tokens: a digest of a sequence of tokens.

use crate::digest::Digest;
use crate::poseidon2::compress;

/// The second element of a token's block. Elements of a record are below `2^30`.
const MARK: felt252 = 0x40000001;

/// The chain with one token more.
pub fn append(chain: Digest, token: felt252) -> Digest {
    compress(chain, [token, MARK, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
}
