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

/// What names a session: everything that its first statement says before any step. Nobody can open the same
/// session with another prompt, length or model; that is another session.
#[derive(Copy, Drop, Serde, PartialEq, Debug)]
pub struct SessionName {
    pub model_id: felt252,
    pub session_id: felt252,
    /// Chain over the prompt's tokens.
    pub prompt_root: felt252,
    /// Number of the prompt's tokens.
    pub prompt_length: u32,
    pub first_token: u32,
}

/// What the next step inherits.
#[derive(Copy, Drop, Serde, PartialEq, Debug, Default, starknet::Store)]
pub struct Frontier {
    pub position: u32,
    pub last_token: u32,
    /// Chain over the keys and values of all positions before this one.
    pub kv_root: felt252,
    /// Chain over all tokens up to this position.
    pub tokens_root: felt252,
}

/// What a session has reached.
#[derive(Copy, Drop, Serde, PartialEq, Debug, Default)]
pub struct Session {
    /// Whether accepted chunks lead from the first token to the prompt's last one or beyond, so that a program has
    /// compared the tokens with the session's prompt root and length.
    pub prompt_proven: bool,
    /// The furthest accepted frontier; zeros as long as the prompt is not proven.
    pub frontier: Frontier,
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

/// A submission: which session, from which of its frontiers, and the chunks from there.
#[derive(Copy, Drop, Serde)]
pub struct Claim {
    pub session: SessionName,
    /// The session's first frontier, or the end of any accepted chunk.
    pub start: Frontier,
    pub chunks: Span<Chunk>,
}

#[starknet::interface]
pub trait IRegistry<T> {
    /// Registers a model, for anybody. Returns its id.
    fn register_model(ref self: T, model: Model) -> felt252;
    /// Accepts chunks of a session, or reverts.
    fn submit(ref self: T, claim: Claim, proof: Span<felt252>);
    /// The verifier's class hash, fixed when the registry was deployed.
    fn verifier_class(self: @T) -> ClassHash;
    fn model(self: @T, model_id: felt252) -> Model;
    fn is_registered(self: @T, model_id: felt252) -> bool;
    /// What a session has reached; false and zeros until its prompt is proven.
    fn session(self: @T, session: SessionName) -> Session;
    /// Hash of the frontier that was accepted at a position, the prompt's last or a later one; 0 for none.
    fn frontier_at(self: @T, session: SessionName, position: u32) -> felt252;
    /// Whether a statement was accepted for a model, by the Poseidon hash of its 21 felts. For another model the
    /// same statement was not: its felts do not say which program was proven.
    fn is_accepted(self: @T, model_id: felt252, statement_hash: felt252) -> bool;
    /// The statements that a claim stands for here and now, as they would be verified.
    fn statements(self: @T, claim: Claim) -> Array<felt252>;
}
