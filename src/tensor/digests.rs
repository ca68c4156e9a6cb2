//! Digests in the memory of tensors, and the rows of compressions.

use stwo::core::fields::m31::M31;

use super::values::Values;
use crate::air::components::compress;
use crate::spec::poseidon2::{Block, DIGEST, Digest, P, compress_seen, start};

/// Largest element of a digest.
pub(super) const MAGNITUDE: i64 = P as i64 - 1;

/// A digest's elements.
pub(super) fn digest(digest: &Digest) -> Vec<M31> {
    digest.iter().map(|&element| M31::from(element)).collect()
}

/// Puts a digest into a lane of the view at an address.
pub(super) fn set(values: &mut Values, address: u32, lane: usize, digest: &Digest) {
    let rows = values.rows[address as usize..].iter_mut();
    for (row, &element) in rows.zip(digest) {
        row[lane] = element.into();
    }
}

/// The digest in a lane of the view at an address.
pub(super) fn get(values: &Values, address: u32, lane: usize) -> Digest {
    let row = |i: usize| &values.rows[address as usize + i];
    std::array::from_fn::<_, DIGEST, _>(|i| row(i)[lane] as u32)
}

/// A row of the component `compress` that is used so many times, and the digest that it yields.
pub(super) fn row(digest: &Digest, block: &Block, times: u32) -> (Vec<M31>, Digest) {
    let mut row = Vec::with_capacity(compress::MULTIPLICITY + 1);
    row.extend(start(digest, block).map(M31::from));
    let behind = compress_seen(digest, block, |powers| row.extend(powers.map(M31::from)));
    row.push(M31::from(times));
    (row, behind)
}
