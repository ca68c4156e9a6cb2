//! The root of a model's parameters: one felt that commits to the integer model, the configuration and the tokenizer.

use blake2::{Blake2s256, Digest};
use starknet_types_core::felt::Felt;
use starknet_types_core::hash::{Poseidon, StarkHash};

use crate::integers::{Description, EncodingError, encode};
use crate::verify::statement::ModelRoot;
use crate::verify::tensors::digest_felts;

/// First felt of the root's preimage.
const DOMAIN: &[u8] = b"cairo-decode.parameters.2";

/// `Poseidon(domain, config, tokenizer, integers)`: each a Blake2s digest as two felts of 16 bytes, the low half first. `integers` is the
/// digest of the description's [bytes](encode).
///
/// # Errors
/// As [`encode`].
pub fn parameters_root(
    description: &Description,
    config: &[u8; 32],
    tokenizer: &[u8; 32],
) -> Result<ModelRoot, EncodingError> {
    Ok(root_of_bytes(&encode(description)?, config, tokenizer))
}

/// The same of a description's bytes.
pub(super) fn root_of_bytes(bytes: &[u8], config: &[u8; 32], tokenizer: &[u8; 32]) -> ModelRoot {
    let integers: [u8; 32] = Blake2s256::digest(bytes).into();
    let mut preimage = vec![Felt::from_bytes_be_slice(DOMAIN)];
    for digest in [config, tokenizer, &integers] {
        preimage.extend(digest_felts(digest));
    }
    ModelRoot(Poseidon::hash_array(&preimage))
}
