//! The two contracts' interfaces.

use starknet::ClassHash;

/// The verifier class. It has no storage; a registry calls it as a library, by a class hash that it can never
/// change.
#[starknet::interface]
pub trait ISessionVerifier<T> {
    /// Panics unless `proof` proves that each of the 1 to 16 statements (21 felts each, one after the other) is
    /// the output of a Cairo proof that the leaf circuit `leaf_root` accepts.
    fn verify_session(
        self: @T, leaf_root: felt252, statements: Span<felt252>, proof: Span<felt252>,
    );
}

/// What a model is on chain. Its id is the hash of all of it.
#[derive(Copy, Drop, Serde, PartialEq, Debug, starknet::Store)]
pub struct Model {
    /// Hash of the quantised parameters, configuration and tokenizer.
    pub model_root: felt252,
    /// Hash of the program's words.
    pub program_hash: felt252,
    /// Root of the circuit that verifies one chunk's proof of the program.
    pub leaf_root: felt252,
    /// Version of the numeric specification.
    pub spec_version: u32,
    /// Version of the statement's encoding.
    pub statement_version: u32,
    /// 0: greedy.
    pub policy: u32,
    /// Token that ends a sequence, plus one; 0 for none.
    pub eos: u32,
    /// Security of the proofs, in bits.
    pub security_bits: u32,
}

/// What a session has reached.
#[derive(Copy, Drop, Serde, PartialEq, Debug, Default, starknet::Store)]
pub struct Session {
    pub prompt_length: u32,
    pub chunks: u32,
    /// The frontier: position, last token, roots of the KV cache and of all tokens.
    pub position: u32,
    pub last_token: u32,
    pub kv_root: felt252,
    pub tokens_root: felt252,
}

/// One chunk of a submission: what its statement adds to the frontier before it.
#[derive(Copy, Drop, Serde, PartialEq, Debug)]
pub struct Chunk {
    pub steps: u32,
    pub last_token: u32,
    pub kv_root: felt252,
    pub tokens_root: felt252,
    /// Chain over the tokens that the chunk's steps chose.
    pub emitted_root: felt252,
}

/// A submission: which session, and its next chunks.
#[derive(Drop, Serde)]
pub struct Claim {
    pub model_id: felt252,
    pub session_id: felt252,
    pub prompt_root: felt252,
    pub prompt_length: u32,
    /// Position of the first chunk's first step.
    pub first_position: u32,
    /// The prompt's first token; looked at when the session starts.
    pub first_token: u32,
    pub chunks: Span<Chunk>,
}

#[starknet::interface]
pub trait IRegistry<T> {
    /// Registers a model, for anybody. Returns its id.
    fn register_model(ref self: T, model: Model) -> felt252;
    /// Accepts the next chunks of a session, or reverts.
    fn submit(ref self: T, claim: Claim, proof: Span<felt252>);
    /// The verifier's class hash, fixed when the registry was deployed.
    fn verifier_class(self: @T) -> ClassHash;
    fn model(self: @T, model_id: felt252) -> Model;
    fn is_registered(self: @T, model_id: felt252) -> bool;
    /// What a session has reached; zeros for one that nobody submitted.
    fn session(
        self: @T, model_id: felt252, session_id: felt252, prompt_root: felt252,
    ) -> Session;
    /// Whether a statement was accepted, by the Poseidon hash of its 21 felts.
    fn is_accepted(self: @T, statement_hash: felt252) -> bool;
    /// The statements that a claim stands for here and now, as they would be verified.
    fn statements(self: @T, claim: Claim) -> Array<felt252>;
}

