//! What a node of a folded session says: from one frontier, chunks with a common part lead to another frontier.
//!
//! Owns: [`Span`], the three digests of it, and the preimages of public values. Leaf, fold, verifier and contract have these from
//! here. `steps`, the felt between the common part and the frontiers, is in none of them: a program outputs the position behind as the
//! position before and `steps`.
//!
//! Invariants: each digest is Blake2s with every word reduced modulo `2^31 − 1`; preimages of one kind have one length and no other
//! kind has it: 1,232 bytes a common part, 560 a frontier, 96 the value of a leaf, 160 that of a fold.
//!
//! Absent on purpose: proofs and circuits. `fold` and the leaf say which proof is of which value.

use std::ops::Range;

use circuits::blake::{HashValue, blake_qm31};
use circuits_stark_verifier::proof_from_stark_proof::pack_into_qm31s;
use starknet_types_core::felt::Felt;
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;
use stwo_cairo_common::prover_types::felt::split_f252;

use crate::verify::statement::OUTPUT_LEN;

/// Limbs of 9 bits of a felt.
pub const LIMBS: usize = 28;

/// Felts of a statement 3 that all chunks of a session have in common: up to the prompt's length.
pub const COMMON: Range<usize> = 0..11;
/// Felts of the frontier where a chunk starts.
pub const FIRST: Range<usize> = 12..17;
/// Felts of the frontier where it ends.
pub const LAST: Range<usize> = 17..OUTPUT_LEN;

/// What a node says, as three digests. `T` is a value or a wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span<T> {
    /// Digest of the common part: version, specification, domain, session, model root, policy, boundary, prompt.
    pub common: HashValue<T>,
    /// Digest of the frontier where the first chunk starts.
    pub first: HashValue<T>,
    /// Digest of the frontier where the last chunk ends.
    pub last: HashValue<T>,
}

impl<T: Copy> Span<T> {
    /// The same with each digest made into something else, as into wires.
    pub fn map<U>(self, mut part: impl FnMut(HashValue<T>) -> HashValue<U>) -> Span<U> {
        Span {
            common: part(self.common),
            first: part(self.first),
            last: part(self.last),
        }
    }

    /// From where this one starts to where `last` ends, whose chunks come later.
    pub fn until(&self, last: &Span<T>) -> Span<T> {
        Span {
            last: last.last,
            ..*self
        }
    }

    /// What spans in a row say together; `None` of none.
    pub fn joined(spans: &[Span<T>]) -> Option<Span<T>> {
        Some(spans.first()?.until(spans.last()?))
    }

    /// Preimage of the public value of a leaf.
    pub fn of_leaf(&self) -> [T; 6] {
        let Span {
            common,
            first,
            last,
        } = *self;
        [common.0, common.1, first.0, first.1, last.0, last.1]
    }

    /// Preimage of the public value of a fold: the roots of the fold circuit and of the leaf, and what a leaf says.
    pub fn of_fold(&self, fold: HashValue<T>, leaf: HashValue<T>) -> [T; 10] {
        let [a, b, c, d, e, f] = self.of_leaf();
        [fold.0, fold.1, leaf.0, leaf.1, a, b, c, d, e, f]
    }
}

impl Span<QM31> {
    /// What a leaf says of a chunk with this output.
    pub fn of(output: &[Felt; OUTPUT_LEN]) -> Span<QM31> {
        Span {
            common: digest(&output[COMMON]),
            first: digest(&output[FIRST]),
            last: digest(&output[LAST]),
        }
    }

    /// The public value of a leaf that says this.
    pub fn leaf_value(&self) -> HashValue<QM31> {
        value(&self.of_leaf())
    }

    /// The public value of a fold of leaves with the root `leaf` by the circuit with the root `fold` that says this.
    pub fn fold_value(&self, fold: HashValue<QM31>, leaf: HashValue<QM31>) -> HashValue<QM31> {
        value(&self.of_fold(fold, leaf))
    }
}

fn value(preimage: &[QM31]) -> HashValue<QM31> {
    blake_qm31(preimage, 16 * preimage.len())
}

/// The 28 limbs of 9 bits of a felt.
pub fn limbs(felt: &Felt) -> [M31; LIMBS] {
    let bytes = felt.to_bytes_le();
    split_f252(std::array::from_fn(|i| {
        u32::from_le_bytes(std::array::from_fn(|j| bytes[4 * i + j]))
    }))
}

/// Blake2s over the felts' limbs, one 32-bit word each, every word of the digest reduced modulo `2^31 − 1`.
pub fn digest(felts: &[Felt]) -> HashValue<QM31> {
    let packed = pack_into_qm31s(felts.iter().flat_map(limbs));
    blake_qm31(&packed, 4 * LIMBS * felts.len())
}
