//! A session's receipts as the registry takes them.

use starknet_types_core::felt::Felt;
use starknet_types_core::hash::{Poseidon, StarkHash};

use crate::receipt::{Manifest, Receipt, Wrapped};
use crate::verify::policy::MIN_SECURITY_BITS;
use crate::verify::statement::CircuitRoot;

/// A model as the registry takes it: the fields of its `Model`, in order.
pub fn model(manifest: &Manifest, leaf_root: CircuitRoot) -> Vec<Felt> {
    let eos = manifest.policy.eos.map_or(0, |token| u64::from(token) + 1);
    vec![
        manifest.model_root.0,
        manifest.program_hash.0,
        leaf_root.0,
        manifest.spec_version.into(),
        manifest.statement_version.into(),
        Felt::ZERO, // greedy
        eos.into(),
        MIN_SECURITY_BITS.into(),
    ]
}

/// A model's id: the hash of its fields.
pub fn model_id(manifest: &Manifest, leaf_root: CircuitRoot) -> Felt {
    Poseidon::hash_array(&model(manifest, leaf_root))
}

/// The arguments of `submit`: the claim of a session's receipts that `wrapped` covers, and its proof. `None` if
/// there are fewer receipts.
pub fn submission(
    manifest: &Manifest,
    receipts: &[Receipt],
    wrapped: &Wrapped,
) -> Option<Vec<Felt>> {
    let start = wrapped.first_chunk as usize;
    let receipts = receipts.get(start..start.checked_add(wrapped.chunks as usize)?)?;
    let first = &receipts.first()?.statement;
    let mut felts = vec![
        model_id(manifest, wrapped.leaf_root),
        first.session_id.0,
        first.prompt_root.0,
        first.prompt_length.into(),
        first.frontier_in.position.into(),
        first.frontier_in.last_token.into(),
        receipts.len().into(),
    ];
    for receipt in receipts {
        let s = &receipt.statement;
        felts.extend([
            Felt::from(s.steps),
            s.frontier_out.last_token.into(),
            s.frontier_out.kv_root.0,
            s.frontier_out.tokens_root.0,
            s.emitted_root.0,
        ]);
    }
    felts.push(wrapped.proof.len().into());
    felts.extend(wrapped.proof.iter().map(|felt| felt.0));
    Some(felts)
}

/// The hash under which the registry remembers a statement.
pub fn statement_hash(receipt: &Receipt) -> Felt {
    Poseidon::hash_array(&receipt.statement.to_output())
}

/// What the registry has of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionState {
    pub prompt_length: u32,
    pub chunks: u32,
    pub position: u32,
    pub last_token: u32,
    pub kv_root: Felt,
    pub tokens_root: Felt,
}

impl SessionState {
    /// Reads the answer of the registry's view `session`; `None` if it has another form.
    pub fn from_felts(felts: &[Felt]) -> Option<SessionState> {
        let [
            prompt_length,
            chunks,
            position,
            last_token,
            kv_root,
            tokens_root,
        ] = *felts
        else {
            return None;
        };
        Some(SessionState {
            prompt_length: prompt_length.try_into().ok()?,
            chunks: chunks.try_into().ok()?,
            position: position.try_into().ok()?,
            last_token: last_token.try_into().ok()?,
            kv_root,
            tokens_root,
        })
    }
}
