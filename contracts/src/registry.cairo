//! The registry: models, and sessions that grow by proven chunks.
//!
//! Nobody owns it. No call marks a statement as accepted but [`submit`] with a proof; no call replaces the
//! verifier, changes a model, or upgrades the contract.
//!
//! A submission says little, because the registry knows the rest: chain, contract, the model's root, versions
//! and policy, and the frontier where the session stands. From all of it the registry writes out the
//! statements itself, and asks the verifier whether the proof proves exactly these.
//!
//! A session is named by model, session id and prompt together. Statements become public when they are
//! sent, so anybody can submit them; but only in order, once, and to the same effect. Whoever knows a session
//! id cannot block it with another prompt or model, as that is another session; with the same model and prompt
//! under the greedy policy the chunks are the same, however they are cut.

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
/// | `claim: prompt` | a prompt of no or too many tokens, or another length than the session's |
/// | `claim: replay` | the first chunk starts before the session's frontier |
/// | `claim: gap` | the first chunk starts behind the session's frontier |
/// | `claim: steps` | a chunk without steps |
/// | `claim: position` | a position beyond 2^20 |
/// | `claim: finished` | the model has ended the sequence |
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
    pub const REPLAY: felt252 = 'claim: replay';
    pub const GAP: felt252 = 'claim: gap';
    pub const STEPS: felt252 = 'claim: steps';
    pub const POSITION: felt252 = 'claim: position';
    pub const FINISHED: felt252 = 'claim: finished';
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
        Chunk, Claim, IRegistry, ISessionVerifierDispatcherTrait, ISessionVerifierLibraryDispatcher,
        Model, Session,
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
        sessions: Map<felt252, Session>,
        accepted: Map<felt252, bool>,
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

    /// A chunk of a session was proven.
    #[derive(Drop, starknet::Event)]
    pub struct ChunkAccepted {
        #[key]
        pub session_id: felt252,
        #[key]
        pub model_id: felt252,
        pub prompt_root: felt252,
        /// Number of the chunk in its session, from 0.
        pub chunk: u32,
        pub first_position: u32,
        pub steps: u32,
        pub tokens_root: felt252,
        pub emitted_root: felt252,
        pub statement_hash: felt252,
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
            let model = self.models.read(claim.model_id);
            let (statements, session) = expand(@self, @model, @claim);
            ISessionVerifierLibraryDispatcher { class_hash: self.verifier.read() }
                .verify_session(model.leaf_root, statements.span(), proof);
            let key = key_of(claim.model_id, claim.session_id, claim.prompt_root);
            let mut statements = statements.span();
            let mut chunk = session.chunks - claim.chunks.len();
            let mut first_position = claim.first_position;
            for part in claim.chunks {
                let statement = (*statements.multi_pop_front::<21>().unwrap()).unbox();
                let statement_hash = poseidon_hash_span(statement.span());
                self.accepted.write(statement_hash, true);
                self
                    .emit(
                        ChunkAccepted {
                            session_id: claim.session_id,
                            model_id: claim.model_id,
                            prompt_root: claim.prompt_root,
                            chunk,
                            first_position,
                            steps: *part.steps,
                            tokens_root: *part.tokens_root,
                            emitted_root: *part.emitted_root,
                            statement_hash,
                        },
                    );
                chunk += 1;
                first_position += *part.steps;
            }
            self.sessions.write(key, session);
        }

        fn verifier_class(self: @ContractState) -> ClassHash {
            self.verifier.read()
        }

        fn model(self: @ContractState, model_id: felt252) -> Model {
            self.models.read(model_id)
        }

        fn is_registered(self: @ContractState, model_id: felt252) -> bool {
            // Every registered model has a security of at least 96 bits.
            self.models.read(model_id).security_bits != 0
        }

        fn session(
            self: @ContractState, model_id: felt252, session_id: felt252, prompt_root: felt252,
        ) -> Session {
            self.sessions.read(key_of(model_id, session_id, prompt_root))
        }

        fn is_accepted(self: @ContractState, statement_hash: felt252) -> bool {
            self.accepted.read(statement_hash)
        }

        fn statements(self: @ContractState, claim: Claim) -> Array<felt252> {
            let model = self.models.read(claim.model_id);
            let (statements, _) = expand(self, @model, @claim);
            statements
        }
    }

    fn id_of(model: @Model) -> felt252 {
        let mut felts = array![];
        model.serialize(ref felts);
        poseidon_hash_span(felts.span())
    }

    fn key_of(model_id: felt252, session_id: felt252, prompt_root: felt252) -> felt252 {
        poseidon_hash_span([model_id, session_id, prompt_root].span())
    }

    /// Where the session stands before the claim: as stored, or at the start of its prompt.
    fn before(self: @ContractState, claim: @Claim) -> Session {
        let key = key_of(*claim.model_id, *claim.session_id, *claim.prompt_root);
        let stored = self.sessions.read(key);
        if stored.chunks != 0 {
            assert(stored.prompt_length == *claim.prompt_length, errors::PROMPT);
            return stored;
        }
        let first: felt252 = (*claim.first_token).into();
        let (tokens_root, _, _) = hades_permutation(0, first, 2);
        Session {
            prompt_length: *claim.prompt_length,
            chunks: 0,
            position: 0,
            last_token: *claim.first_token,
            kv_root: 0,
            tokens_root,
        }
    }

    /// The statements that a claim stands for, and where the session stands after them.
    fn expand(self: @ContractState, model: @Model, claim: @Claim) -> (Array<felt252>, Session) {
        assert(self.is_registered(*claim.model_id), errors::UNKNOWN);
        let n = (*claim.chunks).len();
        assert(n != 0 && n <= MAX_CHUNKS, errors::CHUNKS);
        let prompt_length = *claim.prompt_length;
        assert(prompt_length != 0 && prompt_length <= MAX_POSITION, errors::PROMPT);
        let mut session = before(self, claim);
        assert(*claim.first_position >= session.position, errors::REPLAY);
        assert(*claim.first_position <= session.position, errors::GAP);
        let chain = get_tx_info().unbox().chain_id;
        let contract: felt252 = get_contract_address().into();
        let mut statements = array![];
        for chunk in *claim.chunks {
            let Chunk { steps, last_token, kv_root, tokens_root, emitted_root } = *chunk;
            assert(steps != 0, errors::STEPS);
            // The end of sequence that the model chose, not one in the prompt, ends the session.
            let chosen = session.position >= prompt_length;
            let ended = *model.eos != 0 && session.last_token == *model.eos - 1;
            assert(!(chosen && ended), errors::FINISHED);
            assert(steps <= MAX_POSITION - session.position, errors::POSITION);
            let position = session.position + steps;
            statements.append((*model.statement_version).into());
            statements.append((*model.spec_version).into());
            statements.append(chain);
            statements.append(contract);
            statements.append(*claim.session_id);
            statements.append(*model.model_root);
            statements.append((*model.policy).into());
            statements.append((*model.eos).into());
            statements.append(TOKEN_BOUNDARY);
            statements.append(*claim.prompt_root);
            statements.append(prompt_length.into());
            statements.append(steps.into());
            statements.append(session.position.into());
            statements.append(session.last_token.into());
            statements.append(session.kv_root);
            statements.append(session.tokens_root);
            statements.append(position.into());
            statements.append(last_token.into());
            statements.append(kv_root);
            statements.append(tokens_root);
            statements.append(emitted_root);
            session =
                Session {
                    prompt_length,
                    chunks: session.chunks + 1,
                    position,
                    last_token,
                    kv_root,
                    tokens_root,
                };
        }
        (statements, session)
    }
}
