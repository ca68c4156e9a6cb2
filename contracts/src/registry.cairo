//! The registry: models, and sessions that grow by proven steps.
//!
//! Nobody owns it. No call records a frontier as accepted but [`submit`] with a proof; no call replaces the
//! verifier, changes a model, or upgrades the contract.
//!
//! **For a model id.** A statement's felts do not say which program was proven, the model id does. So everything
//! that is stored or answered is stored and answered for a model id. Whoever registers a circuit that accepts
//! anything can lie about that one id.
//!
//! **Submitting.** A claim names the session, the frontier where it starts and the one where it ends. The registry
//! knows the rest: chain, contract, the model's root, versions and policy. From all of it the registry writes out
//! the statement itself, and asks the verifier whether the proof proves exactly this one. How many chunks it was
//! proven in, is not said.
//!
//! **Continuing.** A claim starts at the session's first frontier, or where any accepted claim ends. So every
//! accepted end lies on a chain of accepted claims from the session's first token, and counts once: a claim of such
//! an end is refused. Whoever submits a part of a session makes nobody's longer claim worthless, as that has another
//! end. A claim may end before others do, and claims may overlap.
//!
//! **One future.** A program compares the tokens with the prompt root in the step that takes in the prompt's last
//! token, at position `prompt_length - 1`, and leads behind it. From the position behind on, an honest model has
//! one frontier for each position of a session, and the registry refuses a second one. Before it, the prover chooses
//! the tokens, so several frontiers of a position may be accepted; those that are not of the prompt can never be
//! continued behind it, and none stands in the way of another. A session without an accepted frontier behind its
//! prompt has a prompt that nobody has proven: its view says so.

/// Why a call reverts.
///
/// | reason | meaning |
/// |---|---|
/// | `model: already registered` | the same model is there already |
/// | `model: versions` | spec version 0, or a statement version other than 3 |
/// | `model: policy` | another policy than greedy |
/// | `model: security` | fewer than 96 bits |
/// | `model: unknown` | the claim's model is not registered |
/// | `claim: prompt` | a prompt of no or too many tokens |
/// | `claim: gap` | the claim starts at a frontier that is neither the session's first nor where an accepted claim ends |
/// | `claim: finished` | the claim starts where the model has ended the sequence |
/// | `claim: steps` | the claim does not end behind its start |
/// | `claim: position` | it ends at a position beyond 2^20 |
/// | `claim: replay` | an accepted claim ends at this frontier |
/// | `claim: fork` | behind the prompt an accepted claim ends at this position, at another frontier |
///
/// The verifier's reasons start with `proof:`, `fri:` or `statement:`.
pub mod errors {
    pub const REGISTERED: felt252 = 'model: already registered';
    pub const VERSIONS: felt252 = 'model: versions';
    pub const POLICY: felt252 = 'model: policy';
    pub const SECURITY: felt252 = 'model: security';
    pub const UNKNOWN: felt252 = 'model: unknown';
    pub const PROMPT: felt252 = 'claim: prompt';
    pub const GAP: felt252 = 'claim: gap';
    pub const FINISHED: felt252 = 'claim: finished';
    pub const STEPS: felt252 = 'claim: steps';
    pub const POSITION: felt252 = 'claim: position';
    pub const REPLAY: felt252 = 'claim: replay';
    pub const FORK: felt252 = 'claim: fork';
}

#[starknet::contract]
pub mod Registry {
    use core::poseidon::poseidon_hash_span;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess,
    };
    use starknet::{ClassHash, get_contract_address, get_tx_info};
    use crate::interfaces::{
        Claim, Frontier, IRegistry, ISessionVerifierDispatcherTrait,
        ISessionVerifierLibraryDispatcher, Model, Session, SessionName,
    };
    use super::errors;

    /// Least security of a model's proofs, in bits.
    const MIN_SECURITY_BITS: u32 = 96;
    /// The statement whose first frontier and whose comparison with the prompt root this registry knows.
    const STATEMENT_VERSION: u32 = 3;
    /// Largest position and prompt length, as in the statement's form.
    const MAX_POSITION: u32 = 0x100000;
    const GREEDY: u32 = 0;
    const TOKEN_BOUNDARY: felt252 = 0;

    #[storage]
    struct Storage {
        verifier: ClassHash,
        models: Map<felt252, Model>,
        /// By session: the furthest accepted frontier behind the prompt.
        heads: Map<felt252, Frontier>,
        /// By session and slot: hash of the frontier there, at which an accepted claim ends. See [`slot_of`].
        frontiers: Map<(felt252, felt252), felt252>,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    pub enum Event {
        ModelRegistered: ModelRegistered,
        SpanAccepted: SpanAccepted,
    }

    #[derive(Drop, starknet::Event)]
    pub struct ModelRegistered {
        #[key]
        pub model_id: felt252,
        #[key]
        pub model_root: felt252,
    }

    /// The steps from a frontier to another one were accepted. There is one event for each end, and events of a
    /// session may overlap: whoever counts tokens has to count positions.
    #[derive(Drop, starknet::Event)]
    pub struct SpanAccepted {
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
        pub start: Frontier,
        pub end: Frontier,
    }

    #[constructor]
    fn constructor(ref self: ContractState, verifier: ClassHash) {
        self.verifier.write(verifier);
    }

    #[abi(embed_v0)]
    impl RegistryImpl of IRegistry<ContractState> {
        fn register_model(ref self: ContractState, model: Model) -> felt252 {
            assert(
                model.spec_version != 0 && model.statement_version == STATEMENT_VERSION,
                errors::VERSIONS,
            );
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
            let key = key_of(@claim.session);
            check(@self, @model, @claim, key);
            ISessionVerifierLibraryDispatcher { class_hash: self.verifier.read() }
                .verify_session(model.leaf_root, statement_of(@model, @claim).span(), proof);
            record(ref self, @claim, key);
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
            // A claim has steps, so no head is at position 0.
            Session { prompt_proven: frontier.position != 0, frontier }
        }

        fn frontier_at(self: @ContractState, session: SessionName, position: u32) -> felt252 {
            self.frontiers.read((key_of(@session), position.into()))
        }

        fn is_accepted(self: @ContractState, session: SessionName, frontier: Frontier) -> bool {
            let place = place_of(session.prompt_length, @frontier);
            self.frontiers.read((key_of(@session), place.slot)) == place.hash
        }

        fn statement(self: @ContractState, claim: Claim) -> Array<felt252> {
            let model = self.models.read(claim.session.model_id);
            check(self, @model, @claim, key_of(@claim.session));
            statement_of(@model, @claim)
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

    /// The frontier before the session's first step, with roots of nothing.
    fn first_frontier(session: @SessionName) -> Frontier {
        Frontier { last_token: *session.first_token, ..Default::default() }
    }

    /// Whether a frontier at this position comes after the comparison of the tokens with the prompt root: the step
    /// that compares consumes the prompt's last token, which is at position `prompt_length - 1`.
    fn reaches(prompt_length: u32, position: u32) -> bool {
        position >= prompt_length
    }

    /// Where a session's frontier is recorded, and as what.
    #[derive(Copy, Drop)]
    struct Place {
        slot: felt252,
        hash: felt252,
    }

    /// A position behind the prompt has one slot, before it every frontier has its own. No hash is as small as a
    /// position.
    fn place_of(prompt_length: u32, frontier: @Frontier) -> Place {
        let mut felts = array![];
        frontier.serialize(ref felts);
        let hash = poseidon_hash_span(felts.span());
        let position = *frontier.position;
        let slot = if reaches(prompt_length, position) {
            position.into()
        } else {
            hash
        };
        Place { slot, hash }
    }

    /// Requires that the claim may be accepted with a proof. `key` is that of its session.
    fn check(self: @ContractState, model: @Model, claim: @Claim, key: felt252) {
        let Claim { session, start, end } = claim;
        assert(is_one(model), errors::UNKNOWN);
        let prompt_length = *session.prompt_length;
        assert(prompt_length != 0 && prompt_length <= MAX_POSITION, errors::PROMPT);
        if *start != first_frontier(session) {
            let place = place_of(prompt_length, start);
            assert(self.frontiers.read((key, place.slot)) == place.hash, errors::GAP);
        }
        // The end of sequence that the model chose, not one in the prompt, ends the session.
        let chosen = reaches(prompt_length, *start.position);
        let ended = *model.eos != 0 && *start.last_token == *model.eos - 1;
        assert(!(chosen && ended), errors::FINISHED);
        assert(*end.position > *start.position, errors::STEPS);
        assert(*end.position <= MAX_POSITION, errors::POSITION);
        let place = place_of(prompt_length, end);
        let there = self.frontiers.read((key, place.slot));
        assert(there != place.hash, errors::REPLAY);
        assert(there == 0, errors::FORK);
    }

    /// Remembers where an accepted claim ends.
    fn record(ref self: ContractState, claim: @Claim, key: felt252) {
        let Claim { session, start, end } = *claim;
        let SessionName { model_id, session_id, prompt_root, prompt_length, first_token } = session;
        let place = place_of(prompt_length, @end);
        self.frontiers.write((key, place.slot), place.hash);
        let furthest = self.heads.read(key).position;
        if reaches(prompt_length, end.position) && end.position > furthest {
            self.heads.write(key, end);
        }
        self
            .emit(
                SpanAccepted {
                    model_id,
                    session_id,
                    session: key,
                    prompt_root,
                    prompt_length,
                    first_token,
                    start,
                    end,
                },
            );
    }

    /// The 21 felts of a claim's statement: what all chunks of the session have in common, and the two frontiers.
    fn statement_of(model: @Model, claim: @Claim) -> Array<felt252> {
        let session = claim.session;
        let mut felts = array![
            (*model.statement_version).into(), (*model.spec_version).into(),
            get_tx_info().unbox().chain_id, get_contract_address().into(), *session.session_id,
            *model.model_root, (*model.policy).into(), (*model.eos).into(), TOKEN_BOUNDARY,
            *session.prompt_root, (*session.prompt_length).into(),
        ];
        claim.start.serialize(ref felts);
        claim.end.serialize(ref felts);
        felts
    }
}
