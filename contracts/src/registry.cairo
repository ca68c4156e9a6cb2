//! The registry: models, and sessions that grow by proven chunks.
//!
//! Nobody owns it. No call marks a statement as accepted but [`submit`] with a proof; no call replaces the
//! verifier, changes a model, or upgrades the contract.
//!
//! **For a model id.** A statement's felts do not say which program was proven, the model id does. So everything
//! that is stored or answered is stored and answered for a model id. Whoever registers a circuit that accepts
//! anything can lie about that one id.
//!
//! **Submitting.** A claim names the session, the frontier where it starts, and what each chunk adds. The registry
//! knows the rest: chain, contract, the model's root, versions and policy. From all of it the registry writes out
//! the statements itself, and asks the verifier whether the proof proves exactly these.
//!
//! **Continuing.** A claim starts at the session's first frontier, or where any accepted chunk ends. So every
//! accepted statement lies on a chain of accepted ones from the session's first token. A claim may contain
//! statements that were accepted before, as long as one is new: proofs of several chunks in one cannot be made
//! worthless by somebody who submits one of the chunks alone. An accepted statement is not recorded again.
//!
//! **One future.** A program compares the tokens with the prompt root where the prompt's last token comes in. From
//! that position on, an honest model has one frontier for each position of a session, and the registry refuses
//! a second one. Before it, the prover chooses the tokens, so several frontiers of a position may be accepted;
//! those that are not of the prompt can never be continued to its end, and none stands in the way of another. A
//! session that has not reached its prompt's last token has a prompt that nobody has proven: its view says so.

/// Why a call reverts.
///
/// | reason | meaning |
/// |---|---|
/// | `model: already registered` | the same model is there already |
/// | `model: versions` | spec or statement version 0 |
/// | `model: policy` | another policy than greedy |
/// | `model: security` | fewer than 96 bits |
/// | `model: unknown` | the claim's model is not registered |
/// | `claim: chunks` | none, or more than 16 |
/// | `claim: prompt` | a prompt of no or too many tokens |
/// | `claim: gap` | the claim starts at a frontier that is neither the session's first nor where an accepted chunk ends |
/// | `claim: steps` | a chunk without steps |
/// | `claim: position` | a position beyond 2^20 |
/// | `claim: finished` | a chunk starts where the model has ended the sequence |
/// | `claim: fork` | behind the prompt a chunk ends at a position where another frontier was accepted |
/// | `claim: replay` | all of the claim's statements were accepted before |
///
/// The verifier's reasons start with `proof:`, `fri:` or `statements:`.
pub mod errors {
    pub const REGISTERED: felt252 = 'model: already registered';
    pub const VERSIONS: felt252 = 'model: versions';
    pub const POLICY: felt252 = 'model: policy';
    pub const SECURITY: felt252 = 'model: security';
    pub const UNKNOWN: felt252 = 'model: unknown';
    pub const CHUNKS: felt252 = 'claim: chunks';
    pub const PROMPT: felt252 = 'claim: prompt';
    pub const GAP: felt252 = 'claim: gap';
    pub const STEPS: felt252 = 'claim: steps';
    pub const POSITION: felt252 = 'claim: position';
    pub const FINISHED: felt252 = 'claim: finished';
    pub const FORK: felt252 = 'claim: fork';
    pub const REPLAY: felt252 = 'claim: replay';
}

#[starknet::contract]
pub mod Registry {
    use core::poseidon::{hades_permutation, poseidon_hash_span};
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess,
    };
    use starknet::{ClassHash, get_contract_address, get_tx_info};
    use crate::interfaces::{
        Chunk, Claim, Frontier, IRegistry, ISessionVerifierDispatcherTrait,
        ISessionVerifierLibraryDispatcher, Model, Session, SessionName,
    };
    use super::errors;

    /// Least security of a model's proofs, in bits.
    const MIN_SECURITY_BITS: u32 = 96;
    /// Largest position and prompt length, as in the statement's form.
    const MAX_POSITION: u32 = 0x100000;
    const MAX_CHUNKS: u32 = 16;
    const GREEDY: u32 = 0;
    const TOKEN_BOUNDARY: felt252 = 0;

    #[storage]
    struct Storage {
        verifier: ClassHash,
        models: Map<felt252, Model>,
        /// By model id and the statement's hash.
        accepted: Map<(felt252, felt252), bool>,
        /// By session: the furthest frontier at or behind the prompt's last token.
        heads: Map<felt252, Frontier>,
        /// By session and slot: hash of the frontier there, at which a chunk ends. See [`slot_of`].
        frontiers: Map<(felt252, felt252), felt252>,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    pub enum Event {
        ModelRegistered: ModelRegistered,
        ChunkAccepted: ChunkAccepted,
    }

    #[derive(Drop, starknet::Event)]
    pub struct ModelRegistered {
        #[key]
        pub model_id: felt252,
        #[key]
        pub model_root: felt252,
    }

    /// A statement was accepted, for the first time. Chunks of one session may overlap, if they were cut in
    /// different ways: whoever counts tokens has to count positions, not events.
    #[derive(Drop, starknet::Event)]
    pub struct ChunkAccepted {
        #[key]
        pub model_id: felt252,
        #[key]
        pub session_id: felt252,
        /// Hash of all that names the session.
        #[key]
        pub session: felt252,
        pub prompt_root: felt252,
        pub prompt_length: u32,
        pub first_token: u32,
        pub first_position: u32,
        pub steps: u32,
        pub tokens_root: felt252,
        pub emitted_root: felt252,
        pub statement_hash: felt252,
    }

    /// A chunk of a claim that the registry may take.
    #[derive(Copy, Drop)]
    struct Part {
        first_position: u32,
        end: Frontier,
        end_hash: felt252,
        emitted_root: felt252,
        statement_hash: felt252,
        /// Whether the statement was accepted before.
        known: bool,
    }

    #[constructor]
    fn constructor(ref self: ContractState, verifier: ClassHash) {
        self.verifier.write(verifier);
    }

    #[abi(embed_v0)]
    impl RegistryImpl of IRegistry<ContractState> {
        fn register_model(ref self: ContractState, model: Model) -> felt252 {
            assert(model.spec_version != 0 && model.statement_version != 0, errors::VERSIONS);
            assert(model.policy == GREEDY, errors::POLICY);
            assert(model.security_bits >= MIN_SECURITY_BITS, errors::SECURITY);
            let model_id = id_of(@model);
            assert(!self.is_registered(model_id), errors::REGISTERED);
            self.models.write(model_id, model);
            self.emit(ModelRegistered { model_id, model_root: model.model_root });
            model_id
        }

        fn submit(ref self: ContractState, claim: Claim, proof: Span<felt252>) {
            let model = self.models.read(claim.session.model_id);
            let (statements, parts) = expand(@self, @model, @claim);
            ISessionVerifierLibraryDispatcher { class_hash: self.verifier.read() }
                .verify_session(model.leaf_root, statements.span(), proof);
            let key = key_of(@claim.session);
            let mut end = claim.start;
            for part in parts {
                if !part.known {
                    record(ref self, @claim.session, key, part);
                }
                end = part.end;
            }
            if reaches(claim.session.prompt_length, end.position)
                && end.position > self.heads.read(key).position {
                self.heads.write(key, end);
            }
        }

        fn verifier_class(self: @ContractState) -> ClassHash {
            self.verifier.read()
        }

        fn model(self: @ContractState, model_id: felt252) -> Model {
            self.models.read(model_id)
        }

        fn is_registered(self: @ContractState, model_id: felt252) -> bool {
            is_one(@self.models.read(model_id))
        }

        fn session(self: @ContractState, session: SessionName) -> Session {
            let frontier = self.heads.read(key_of(@session));
            // Every chunk has a step, so no head is at position 0.
            Session { prompt_proven: frontier.position != 0, frontier }
        }

        fn frontier_at(self: @ContractState, session: SessionName, position: u32) -> felt252 {
            self.frontiers.read((key_of(@session), position.into()))
        }

        fn is_accepted(
            self: @ContractState, model_id: felt252, statement_hash: felt252,
        ) -> bool {
            self.accepted.read((model_id, statement_hash))
        }

        fn statements(self: @ContractState, claim: Claim) -> Array<felt252> {
            let model = self.models.read(claim.session.model_id);
            let (statements, _) = expand(self, @model, @claim);
            statements
        }
    }

    /// Whether this was read of a registered model, which has a security of at least 96 bits.
    fn is_one(model: @Model) -> bool {
        *model.security_bits != 0
    }

    fn id_of(model: @Model) -> felt252 {
        let mut felts = array![];
        model.serialize(ref felts);
        poseidon_hash_span(felts.span())
    }

    fn key_of(session: @SessionName) -> felt252 {
        let mut felts = array![];
        session.serialize(ref felts);
        poseidon_hash_span(felts.span())
    }

    fn hash_of(frontier: @Frontier) -> felt252 {
        let mut felts = array![];
        frontier.serialize(ref felts);
        poseidon_hash_span(felts.span())
    }

    /// The frontier before the session's first step. Its tokens are the first one alone, folded as in the
    /// specification.
    fn first_frontier(session: @SessionName) -> Frontier {
        let last_token = *session.first_token;
        let (tokens_root, _, _) = hades_permutation(0, last_token.into(), 2);
        Frontier { position: 0, last_token, kv_root: 0, tokens_root }
    }

    /// Whether the frontier at this position comes after the comparison of the tokens with the prompt root: the
    /// prompt's last token is at `prompt_length - 1`. There is no prompt without tokens.
    fn reaches(prompt_length: u32, position: u32) -> bool {
        position >= prompt_length - 1
    }

    /// Where a session's frontier with this hash is recorded. From the prompt's last token on a position has one slot,
    /// before it every frontier has its own. No hash is as small as a position.
    fn slot_of(prompt_length: u32, position: u32, hash: felt252) -> felt252 {
        if reaches(prompt_length, position) {
            position.into()
        } else {
            hash
        }
    }

    /// Remembers a statement and where it ends.
    fn record(ref self: ContractState, session: @SessionName, key: felt252, part: Part) {
        let Part { first_position, end, end_hash, emitted_root, statement_hash, known: _ } = part;
        self.accepted.write((*session.model_id, statement_hash), true);
        let slot = slot_of(*session.prompt_length, end.position, end_hash);
        self.frontiers.write((key, slot), end_hash);
        self
            .emit(
                ChunkAccepted {
                    model_id: *session.model_id,
                    session_id: *session.session_id,
                    session: key,
                    prompt_root: *session.prompt_root,
                    prompt_length: *session.prompt_length,
                    first_token: *session.first_token,
                    first_position,
                    steps: end.position - first_position,
                    tokens_root: end.tokens_root,
                    emitted_root,
                    statement_hash,
                },
            );
    }

    /// The statements that a claim stands for, one after the other, and its chunks.
    fn expand(
        self: @ContractState, model: @Model, claim: @Claim,
    ) -> (Array<felt252>, Array<Part>) {
        let session = claim.session;
        assert(is_one(model), errors::UNKNOWN);
        let n = (*claim.chunks).len();
        assert(n != 0 && n <= MAX_CHUNKS, errors::CHUNKS);
        let prompt_length = *session.prompt_length;
        assert(prompt_length != 0 && prompt_length <= MAX_POSITION, errors::PROMPT);
        let key = key_of(session);
        let mut frontier = *claim.start;
        if frontier != first_frontier(session) {
            let hash = hash_of(@frontier);
            let slot = slot_of(prompt_length, frontier.position, hash);
            assert(self.frontiers.read((key, slot)) == hash, errors::GAP);
        }
        let mut statements = array![];
        let mut parts = array![];
        let mut news = false;
        for chunk in *claim.chunks {
            let Chunk { steps, last_token, kv_root, tokens_root, emitted_root } = *chunk;
            assert(steps != 0, errors::STEPS);
            // The end of sequence that the model chose, not one in the prompt, ends the session.
            let chosen = frontier.position >= prompt_length;
            let ended = *model.eos != 0 && frontier.last_token == *model.eos - 1;
            assert(!(chosen && ended), errors::FINISHED);
            assert(steps <= MAX_POSITION - frontier.position, errors::POSITION);
            let position = frontier.position + steps;
            let end = Frontier { position, last_token, kv_root, tokens_root };
            let end_hash = hash_of(@end);
            let slot = slot_of(prompt_length, position, end_hash);
            let there = self.frontiers.read((key, slot));
            assert(there == 0 || there == end_hash, errors::FORK);
            let statement = statement(model, session, steps, @frontier, @end, emitted_root);
            let statement_hash = poseidon_hash_span(statement.span());
            let known = self.accepted.read((*session.model_id, statement_hash));
            news = news || !known;
            statements.append_span(statement.span());
            let first_position = frontier.position;
            parts
                .append(
                    Part { first_position, end, end_hash, emitted_root, statement_hash, known },
                );
            frontier = end;
        }
        assert(news, errors::REPLAY);
        (statements, parts)
    }

    /// A statement's 21 felts.
    fn statement(
        model: @Model,
        session: @SessionName,
        steps: u32,
        start: @Frontier,
        end: @Frontier,
        emitted_root: felt252,
    ) -> Array<felt252> {
        let mut felts = array![
            (*model.statement_version).into(), (*model.spec_version).into(),
            get_tx_info().unbox().chain_id, get_contract_address().into(), *session.session_id,
            *model.model_root, (*model.policy).into(), (*model.eos).into(), TOKEN_BOUNDARY,
            *session.prompt_root, (*session.prompt_length).into(), steps.into(),
        ];
        start.serialize(ref felts);
        end.serialize(ref felts);
        felts.append(emitted_root);
        felts
    }
}
