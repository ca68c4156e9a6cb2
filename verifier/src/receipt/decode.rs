//! Strict reading of the types that `verify` owns.
//!
//! Owns: one `Decode` per type of a statement and of the prover parameters. Invariant: field
//! names are those that the types' `Serialize` writes; the struct literals in the macros make the
//! compiler ask when a type gains a field.
//!
//! Absent on purpose: rules between fields (`Statement::check_form`).

use super::strict::{Decode, FormatError, Value, decode_canonical, decode_struct};
use crate::verify::statement::{
    BoundaryKind, ChainId, Channel, ChosenRoot, CircuitRoot, ContractAddress, Domain, Frontier,
    KvRoot, ModelRoot, Policy, PolicyKind, Preprocessed, ProgramHash, ProofFelt, ProofParams,
    SessionId, Statement, TokensRoot,
};

decode_canonical!(
    ChainId,
    ChosenRoot,
    CircuitRoot,
    ContractAddress,
    KvRoot,
    ModelRoot,
    ProgramHash,
    ProofFelt,
    SessionId,
    TokensRoot
);

decode_struct!(Domain { chain, verifier });
decode_struct!(Frontier {
    position,
    last_token,
    kv_root,
    tokens_root,
    chosen_root
});
decode_struct!(Policy { kind, eos });
decode_struct!(Statement {
    spec_version,
    domain,
    session_id,
    model_root,
    program_hash,
    policy,
    boundary,
    prompt_root,
    prompt_length,
    steps,
    frontier_in,
    frontier_out,
});
decode_struct!(ProofParams {
    channel,
    log_blowup,
    queries,
    pow_bits,
    interaction_pow_bits,
    fold_step,
    log_last_layer_degree_bound,
    lifting_log_size,
    preprocessed,
});

impl Decode for PolicyKind {
    fn decode(value: Value<'_>) -> Result<Self, FormatError> {
        value.name(&[PolicyKind::Greedy], PolicyKind::name)
    }
}

impl Decode for BoundaryKind {
    fn decode(value: Value<'_>) -> Result<Self, FormatError> {
        value.name(&[BoundaryKind::Token], BoundaryKind::name)
    }
}

impl Decode for Channel {
    fn decode(value: Value<'_>) -> Result<Self, FormatError> {
        value.name(&Channel::ALL, Channel::name)
    }
}

impl Decode for Preprocessed {
    fn decode(value: Value<'_>) -> Result<Self, FormatError> {
        value.name(&Preprocessed::ALL, Preprocessed::name)
    }
}
