//! The model root: one felt that commits to the quantised parameters, the configuration and the tokenizer; and the part
//! of it that knows no weight.

use crate::ir::{Graph, Matrix};
use crate::spec::SPEC_VERSION;
use crate::spec::kv::pack_kv;
use blake2::{Blake2s256, Digest};
use starknet_types_core::felt::Felt;
use starknet_types_core::hash::{Poseidon, StarkHash};

/// First felt of the root's preimage.
const DOMAIN: &[u8] = b"cairo-decode.model.1";
/// First felt of the shape root's preimage.
const SHAPE_DOMAIN: &[u8] = b"cairo-decode.shape.1";

/// `Poseidon(domain, SPEC_VERSION, config, tokenizer, structure, M_0, M_1, …)`.
///
/// A digest is two felts of 16 bytes, low half first. `structure` is the Blake2s digest of the graph's
/// text form and its rope, power and sigmoid tables; `M_i` is the Poseidon hash of a matrix's sizes and
/// weights, packed as [`pack_kv`] does, the embedding first.
pub fn model_root(graph: &Graph, config_digest: &[u8; 32], tokenizer_digest: &[u8; 32]) -> Felt {
    let mut preimage = structure(DOMAIN, graph, config_digest, tokenizer_digest);
    preimage.extend(
        std::iter::once(&graph.tables.embedding)
            .chain(&graph.matrices)
            .map(matrix_root),
    );
    Poseidon::hash_array(&preimage)
}

/// `Poseidon(domain, SPEC_VERSION, config, tokenizer, structure)`: what a program with committed words is made from.
///
/// `graph` is the one whose ranges hold for any weights.
pub fn shape_root(graph: &Graph, config_digest: &[u8; 32], tokenizer_digest: &[u8; 32]) -> Felt {
    let preimage = structure(SHAPE_DOMAIN, graph, config_digest, tokenizer_digest);
    Poseidon::hash_array(&preimage)
}

fn structure(
    domain: &[u8],
    graph: &Graph,
    config_digest: &[u8; 32],
    tokenizer_digest: &[u8; 32],
) -> Vec<Felt> {
    let mut preimage = vec![Felt::from_bytes_be_slice(domain), Felt::from(SPEC_VERSION)];
    preimage.extend(digest_felts(config_digest));
    preimage.extend(digest_felts(tokenizer_digest));
    preimage.extend(digest_felts(&structure_digest(graph)));
    preimage
}

fn digest_felts(digest: &[u8; 32]) -> [Felt; 2] {
    let half = |start: usize| Felt::from_bytes_be_slice(&reversed(&digest[start..start + 16]));
    [half(0), half(16)]
}

fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().rev().copied().collect()
}

fn structure_digest(graph: &Graph) -> [u8; 32] {
    let mut hasher = Blake2s256::new();
    let text = graph.to_string();
    hasher.update((text.len() as u64).to_le_bytes());
    hasher.update(text.as_bytes());
    let tables = &graph.tables;
    for table in [
        &tables.rope_cos,
        &tables.rope_sin,
        &tables.exp2,
        &tables.sigmoid,
    ] {
        hasher.update((table.len() as u64).to_le_bytes());
        table
            .iter()
            .for_each(|entry| hasher.update(entry.to_le_bytes()));
    }
    hasher.finalize().into()
}

fn matrix_root(matrix: &Matrix) -> Felt {
    let mut preimage = vec![
        Felt::from(matrix.rows as u64),
        Felt::from(matrix.cols as u64),
    ];
    preimage.extend(pack_kv(&matrix.data));
    Poseidon::hash_array(&preimage)
}
