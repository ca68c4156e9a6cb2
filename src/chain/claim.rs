//! A session's receipts as the registry takes them, and what it answers about them.

use starknet_types_core::felt::Felt;
use starknet_types_core::hash::{Poseidon, StarkHash};

use crate::receipt::{Manifest, Receipt, Wrapped};
use crate::verify::policy::MIN_SECURITY_BITS;
use crate::verify::statement::Frontier;
use crate::verify::statement::{ChosenRoot, CircuitRoot, KvRoot, TokensRoot};
use crate::wrap::digest_felt;

/// A model as the registry takes it: the fields of its `Model`, in order.
pub fn model(manifest: &Manifest, leaf_root: CircuitRoot) -> Vec<Felt> {
    let (model, tensors) = (&manifest.model, &manifest.tensors);
    let eos = model.policy.eos.map_or(0, |token| u64::from(token) + 1);
    let constants_root = tensors.root(tensors.set()).unwrap_or_default();
    vec![
        model.model_root.0,
        model.program_hash.0,
        leaf_root.0,
        digest_felt(&constants_root),
        model.spec_version.into(),
        model.statement_version.into(),
        Felt::ZERO, // greedy
        eos.into(),
        MIN_SECURITY_BITS.into(),
    ]
}

/// A model's id: the hash of its fields.
pub fn model_id(manifest: &Manifest, leaf_root: CircuitRoot) -> Felt {
    Poseidon::hash_array(&model(manifest, leaf_root))
}

/// What names a session on chain: the fields of the registry's `SessionName`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionName {
    pub model_id: Felt,
    pub session_id: Felt,
    pub prompt_root: Felt,
    pub prompt_length: u32,
    pub first_token: u32,
}

impl SessionName {
    /// The session whose first receipt is `first`, of a model.
    pub fn of(model_id: Felt, first: &Receipt) -> SessionName {
        let statement = &first.statement;
        SessionName {
            model_id,
            session_id: statement.session_id.0,
            prompt_root: statement.prompt_root.0,
            prompt_length: statement.prompt_length,
            first_token: statement.frontier_in.last_token,
        }
    }

    /// The fields, in order.
    pub fn felts(&self) -> Vec<Felt> {
        vec![
            self.model_id,
            self.session_id,
            self.prompt_root,
            self.prompt_length.into(),
            self.first_token.into(),
        ]
    }

    /// Whether the registry keeps one frontier for this position: the prompt's last token was read before it, and compared.
    pub fn reaches(&self, position: u32) -> bool {
        position >= self.prompt_length
    }
}

/// A frontier as the registry takes it.
pub fn frontier(frontier: &Frontier) -> [Felt; 5] {
    [
        frontier.position.into(),
        frontier.last_token.into(),
        frontier.kv_root.0,
        frontier.tokens_root.0,
        frontier.chosen_root.0,
    ]
}

/// The hash under which the registry remembers a frontier.
pub fn frontier_hash(of: &Frontier) -> Felt {
    Poseidon::hash_array(&frontier(of))
}

/// The arguments of `submit`: the claim of a session's receipts that `wrapped` covers, and its proof. `None` if
/// there are fewer receipts.
pub fn submission(model_id: Felt, receipts: &[Receipt], wrapped: &Wrapped) -> Option<Vec<Felt>> {
    let name = SessionName::of(model_id, receipts.first()?);
    let start = wrapped.first_chunk as usize;
    let covered = receipts.get(start..start.checked_add(wrapped.chunks as usize)?)?;
    let mut felts = name.felts();
    felts.extend(frontier(&covered.first()?.statement.frontier_in));
    felts.extend(frontier(&covered.last()?.statement.frontier_out));
    felts.push(wrapped.proof.len().into());
    felts.extend(wrapped.proof.iter().map(|felt| felt.0));
    Some(felts)
}

/// What the registry has of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionState {
    /// Whether accepted claims lead behind the prompt's last token.
    pub prompt_proven: bool,
    /// The furthest accepted frontier; zeros as long as the prompt is not proven.
    pub frontier: Frontier,
}

impl SessionState {
    /// Reads the answer of the registry's view `session`; `None` if it has another form.
    pub fn from_felts(felts: &[Felt]) -> Option<SessionState> {
        let [
            prompt_proven,
            position,
            last_token,
            kv_root,
            tokens_root,
            chosen_root,
        ] = *felts
        else {
            return None;
        };
        Some(SessionState {
            prompt_proven: flag(&[prompt_proven])?,
            frontier: Frontier {
                position: position.try_into().ok()?,
                last_token: last_token.try_into().ok()?,
                kv_root: KvRoot(kv_root),
                tokens_root: TokensRoot(tokens_root),
                chosen_root: ChosenRoot(chosen_root),
            },
        })
    }
}

/// Reads the answer of a view that says yes or no; `None` if it has another form.
pub fn flag(felts: &[Felt]) -> Option<bool> {
    match felts {
        [felt] if *felt == Felt::ZERO => Some(false),
        [felt] if *felt == Felt::ONE => Some(true),
        _ => None,
    }
}
