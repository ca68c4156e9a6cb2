//! The two contracts' interfaces.

use starknet::ClassHash;

/// The verifier class. It has no storage; a registry calls it as a library, by a class hash that it can never
/// change.
#[starknet::interface]
pub trait ISessionVerifier<T> {
    /// Panics unless `proof` proves the statement of a span of chunks: 21 felts, those of a statement of version 3
    /// without `steps`, with the first chunk's frontier before and the last chunk's frontier behind. That is, unless
    /// there are Cairo proofs that the leaf circuit `leaf_root` accepts, whose outputs have the common part and lead
    /// from the one frontier to the other.
    fn verify_session(
        self: @T, leaf_root: felt252, statement: Span<felt252>, proof: Span<felt252>,
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
    /// Root of the tensor components' constants.
    pub constants_root: felt252,
    /// Version of the numeric specification.
    pub spec_version: u32,
    /// Version of the statement's encoding: 3.
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

/// What the next step inherits. Each root is that of nothing, 0, at position 0.
#[derive(Copy, Drop, Serde, PartialEq, Debug, Default, starknet::Store)]
pub struct Frontier {
    pub position: u32,
    /// The token at this position, which no step has consumed.
    pub last_token: u32,
    /// Chain over the keys and values of all positions before this one.
    pub kv_root: felt252,
    /// Chain over all tokens before this position.
    pub tokens_root: felt252,
    /// Chain over what the policy chose at each position before this one.
    pub chosen_root: felt252,
}

/// What a session has reached.
#[derive(Copy, Drop, Serde, PartialEq, Debug, Default)]
pub struct Session {
    /// Whether accepted claims lead from the first token behind the prompt, so that a program has compared the
    /// tokens with the session's prompt root and length.
    pub prompt_proven: bool,
    /// The furthest accepted frontier; zeros as long as the prompt is not proven.
    pub frontier: Frontier,
}

/// A submission: steps of which session, from which of its frontiers to which.
#[derive(Copy, Drop, Serde, PartialEq, Debug)]
pub struct Claim {
    pub session: SessionName,
    /// The session's first frontier, or the end of any accepted claim.
    pub start: Frontier,
    pub end: Frontier,
}

#[starknet::interface]
pub trait IRegistry<T> {
    /// Registers a model, for anybody. Returns its id.
    fn register_model(ref self: T, model: Model) -> felt252;
    /// Accepts steps of a session, or reverts.
    fn submit(ref self: T, claim: Claim, proof: Span<felt252>);
    /// The verifier's class hash, fixed when the registry was deployed.
    fn verifier_class(self: @T) -> ClassHash;
    fn model(self: @T, model_id: felt252) -> Model;
    fn is_registered(self: @T, model_id: felt252) -> bool;
    /// What a session has reached; false and zeros until its prompt is proven.
    fn session(self: @T, session: SessionName) -> Session;
    /// Hash of the frontier where an accepted claim ends at a position behind the prompt; 0 for none.
    fn frontier_at(self: @T, session: SessionName, position: u32) -> felt252;
    /// Whether an accepted claim ends at this frontier. Not so of the session's first one, where none can end.
    fn is_accepted(self: @T, session: SessionName, frontier: Frontier) -> bool;
    /// The 21 felts that a claim stands for here and now, as they would be verified.
    fn statement(self: @T, claim: Claim) -> Array<felt252>;
}
