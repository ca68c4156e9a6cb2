//! First elements of the tuples of this project's relations.
//!
//! Cairo's relations have first elements of their own, hashes of their names; a test holds the two lists apart.

use stwo::core::fields::m31::M31;

/// `(T, address, v_0, …, v_(L−1))`: the tensor memory.
pub const TENSOR: M31 = M31::from_u32_unchecked(1_100_000_001);
/// `(R, s, v)` with `v < 2^s`.
pub const RANGE: M31 = M31::from_u32_unchecked(1_100_000_002);
/// `(X, address, lane, v_0, …, v_7)`: one lane of eight rows of the tensor memory.
pub const LANES: M31 = M31::from_u32_unchecked(1_100_000_003);
/// `(C, operation, row, operands)`: the chain of a call's rows.
pub const CHAIN: M31 = M31::from_u32_unchecked(1_100_000_004);
/// `(E, part, token, channels)`: a token's embedding, in parts.
pub const EMBEDDING: M31 = M31::from_u32_unchecked(1_100_000_005);
/// `(F, f, v, w)` where table `f` has `w` for the argument `v`.
pub const FUNCTION: M31 = M31::from_u32_unchecked(1_100_000_006);

/// `(A, row, flags)`: the flags of the head's row before.
pub const FLAGS: M31 = M31::from_u32_unchecked(1_100_000_007);

/// `(G, part, position, cosines, sines)`: rotary angles of eight frequencies.
pub const ANGLES: M31 = M31::from_u32_unchecked(1_100_000_020);
/// `(P, part, position, channels)`: a learned position's vector, in parts.
pub const POSITIONS: M31 = M31::from_u32_unchecked(1_100_000_021);
/// `(P, digest, block, next digest)`: compressions.
pub const COMPRESS: M31 = M31::from_u32_unchecked(1_100_000_040);
/// `(Q, row, root)`: the root of positions before a row of `record`.
pub const RECORDS: M31 = M31::from_u32_unchecked(1_100_000_041);
/// `(Q, op, row, new, own, carried, step, queries)`: the chain of a head's groups of keys in `qk`.
pub const SCORES: M31 = M31::from_u32_unchecked(1_100_000_030);
/// `(G, op, row, new, own, carried, step, …)`: the chain of a head's groups of keys in `attend`.
pub const GROUPS: M31 = M31::from_u32_unchecked(1_100_000_031);

pub use cairo_air::relations::{
    MEMORY_ADDRESS_TO_ID_RELATION_ID as ADDRESS, MEMORY_ID_TO_BIG_RELATION_ID as VALUE,
    OPCODES_RELATION_ID as OPCODES,
};
