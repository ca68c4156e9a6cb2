//! What the registry's tests share: stand-ins for the verifier, a proven session, made-up chunks.
//!
//! The session is `tests/fixtures/wrapped-session`: the numbers are those of its receipts, in the
//! order of `Statement::to_output`, and of its `wrapped-0000.json` (the leaf root).

use core::poseidon::{hades_permutation, poseidon_hash_span};
use starknet::syscalls::deploy_syscall;
use starknet::testing::set_chain_id;
use starknet::{ClassHash, SyscallResultTrait};
use crate::interfaces::{
    Chunk, Claim, Frontier, IRegistryDispatcher, IRegistryDispatcherTrait, IRegistrySafeDispatcher,
    IRegistrySafeDispatcherTrait, Model, Session, SessionName,
};
use crate::registry::Registry;

/// Takes as a proof the leaf root and then the statements, so a proof here says what is asked.
#[starknet::contract]
pub mod Comparing {
    use crate::interfaces::ISessionVerifier;

    #[storage]
    struct Storage {}

    #[abi(embed_v0)]
    impl Verifier of ISessionVerifier<ContractState> {
        fn verify_session(
            self: @ContractState,
            leaf_root: felt252,
            statements: Span<felt252>,
            proof: Span<felt252>,
        ) {
            let mut asked = array![leaf_root];
            asked.append_span(statements);
            assert(asked.span() == proof, 'proof: refused');
        }
    }
}

/// Takes anything, so that nothing but the registry stands against an attack.
#[starknet::contract]
pub mod Accepting {
    use crate::interfaces::ISessionVerifier;

    #[storage]
    struct Storage {}

    #[abi(embed_v0)]
    impl Verifier of ISessionVerifier<ContractState> {
        fn verify_session(
            self: @ContractState,
            leaf_root: felt252,
            statements: Span<felt252>,
            proof: Span<felt252>,
        ) {}
    }
}

pub const CHAIN: felt252 = 'SN_SEPOLIA';
pub const SESSION_ID: felt252 = 0xd7cd518051a4740b2fc05f1aa44494cbbed3f3294961736b0050e576e367bf;
pub const PROMPT_ROOT: felt252 = 0x40a1fd0727ed24b330e02ead0dd0b367e43593446c21b2bee892aa5736e3203;
pub const LEAF_ROOT: felt252 = 0xd24318a8cb530978e54958b1154d735b48417830fe10a8dfb5d7e05dab5de8;
pub const MAX_POSITION: u32 = 0x100000;

/// A registry on the fixture's chain. The salt gives it another address.
pub fn deploy(verifier: ClassHash, salt: felt252) -> IRegistryDispatcher {
    set_chain_id(CHAIN);
    let (contract_address, _) = deploy_syscall(
        Registry::TEST_CLASS_HASH, salt, [verifier.into()].span(), false,
    )
        .unwrap_syscall();
    IRegistryDispatcher { contract_address }
}

/// A registry that compares, and the fixture's model in it.
pub fn comparing() -> (IRegistryDispatcher, felt252) {
    let registry = deploy(Comparing::TEST_CLASS_HASH, 0);
    (registry, registry.register_model(model()))
}

/// A registry that accepts, and the fixture's model in it.
pub fn accepting() -> (IRegistryDispatcher, felt252) {
    let registry = deploy(Accepting::TEST_CLASS_HASH, 0);
    (registry, registry.register_model(model()))
}

pub fn model() -> Model {
    Model {
        model_root: 0x491a90d5d0574348b25de57d579c10bf4a351b16a9b165e1881245a70799d77,
        program_hash: 0x941e7f5dcdf0f9d99953256fa60896a90e91e7e36fe6fcaf29e3526b2c7d6f,
        leaf_root: LEAF_ROOT,
        spec_version: 1,
        statement_version: 1,
        policy: 0,
        eos: 2,
        security_bits: 96,
    }
}

/// The fixture's chunks: the prompt but its first token, and four chosen tokens.
pub fn chunks() -> [Chunk; 2] {
    [
        Chunk {
            steps: 4,
            last_token: 245,
            kv_root: 0x5f5760dedc9ce5bebf479748f759cacaa394d3215d58cdde2fec0a99af9673,
            tokens_root: 0x40a1fd0727ed24b330e02ead0dd0b367e43593446c21b2bee892aa5736e3203,
            emitted_root: 0,
        },
        Chunk {
            steps: 4,
            last_token: 80,
            kv_root: 0x5a925334fe677ef03cf800f2815bb03c45ba6f973c3b4e10c9e272132aa16d,
            tokens_root: 0x1cf9c7352131d04290928e027c1b018d0042392d29d776e9829bd1f5c1045ac,
            emitted_root: 0x6dd0479d4ef4d9d6541d93a9a5649eeb7a37b3d148cda87a18146bab0adcc7e,
        },
    ]
}

/// The 21 felts that the first chunk's Cairo proof has as output, but for the contract.
pub fn first_statement(contract: felt252) -> Array<felt252> {
    array![
        1, 1, 'SN_SEPOLIA', contract,
        0xd7cd518051a4740b2fc05f1aa44494cbbed3f3294961736b0050e576e367bf,
        0x491a90d5d0574348b25de57d579c10bf4a351b16a9b165e1881245a70799d77, 0, 2, 0,
        0x40a1fd0727ed24b330e02ead0dd0b367e43593446c21b2bee892aa5736e3203, 5, 4, 0, 0, 0x0,
        0x293d3e8a80f400daaaffdd5932e2bcc8814bab8f414a75dcacf87318f8b14c5, 4, 245,
        0x5f5760dedc9ce5bebf479748f759cacaa394d3215d58cdde2fec0a99af9673,
        0x40a1fd0727ed24b330e02ead0dd0b367e43593446c21b2bee892aa5736e3203, 0x0,
    ]
}

/// The same of the second chunk.
pub fn second_statement(contract: felt252) -> Array<felt252> {
    array![
        1, 1, 'SN_SEPOLIA', contract,
        0xd7cd518051a4740b2fc05f1aa44494cbbed3f3294961736b0050e576e367bf,
        0x491a90d5d0574348b25de57d579c10bf4a351b16a9b165e1881245a70799d77, 0, 2, 0,
        0x40a1fd0727ed24b330e02ead0dd0b367e43593446c21b2bee892aa5736e3203, 5, 4, 4, 245,
        0x5f5760dedc9ce5bebf479748f759cacaa394d3215d58cdde2fec0a99af9673,
        0x40a1fd0727ed24b330e02ead0dd0b367e43593446c21b2bee892aa5736e3203, 8, 80,
        0x5a925334fe677ef03cf800f2815bb03c45ba6f973c3b4e10c9e272132aa16d,
        0x1cf9c7352131d04290928e027c1b018d0042392d29d776e9829bd1f5c1045ac,
        0x6dd0479d4ef4d9d6541d93a9a5649eeb7a37b3d148cda87a18146bab0adcc7e,
    ]
}

/// What `Comparing` takes for these statements.
pub fn proof_of(leaf_root: felt252, statements: Array<Array<felt252>>) -> Span<felt252> {
    let mut felts = array![leaf_root];
    for statement in statements {
        felts.append_span(statement.span());
    }
    felts.span()
}

/// The proof of the fixture's first chunk for this registry.
pub fn first_proof(registry: IRegistryDispatcher) -> Span<felt252> {
    proof_of(LEAF_ROOT, array![first_statement(registry.contract_address.into())])
}

/// The proof of the fixture's second chunk for this registry.
pub fn second_proof(registry: IRegistryDispatcher) -> Span<felt252> {
    proof_of(LEAF_ROOT, array![second_statement(registry.contract_address.into())])
}

pub fn hash_of(statement: Array<felt252>) -> felt252 {
    poseidon_hash_span(statement.span())
}

/// The token chain of the specification over these tokens.
pub fn chain(tokens: Span<felt252>) -> felt252 {
    let mut root = 0;
    for token in tokens {
        let (next, _, _) = hades_permutation(root, *token, 2);
        root = next;
    }
    root
}

/// The fixture's session.
pub fn name(model_id: felt252) -> SessionName {
    SessionName {
        model_id,
        session_id: SESSION_ID,
        prompt_root: PROMPT_ROOT,
        prompt_length: 5,
        first_token: 0,
    }
}

/// The first frontier of a session whose prompt starts with this token.
pub fn first_of(token: u32) -> Frontier {
    let tokens_root = chain([token.into()].span());
    Frontier { position: 0, last_token: token, kv_root: 0, tokens_root }
}

/// The frontier after the fixture's first chunk.
pub fn middle() -> Frontier {
    let [first, _] = chunks();
    after(first_of(0), first)
}

/// The frontier after a chunk.
pub fn after(start: Frontier, chunk: Chunk) -> Frontier {
    let Chunk { steps, last_token, kv_root, tokens_root, emitted_root: _ } = chunk;
    Frontier { position: start.position + steps, last_token, kv_root, tokens_root }
}

/// The frontier after made-up chunks.
pub fn made_up(position: u32, last_token: u32) -> Frontier {
    Frontier { position, last_token, kv_root: 'kv', tokens_root: 'tokens' }
}

/// A claim of the fixture's session.
pub fn claim(model_id: felt252, start: Frontier, chunks: Span<Chunk>) -> Claim {
    Claim { session: name(model_id), start, chunks }
}

/// A claim of the fixture's session from its first frontier.
pub fn opening(model_id: felt252, chunks: Span<Chunk>) -> Claim {
    claim(model_id, first_of(0), chunks)
}

/// The claim of a session's first chunks.
pub fn open_session(session: SessionName, chunks: Span<Chunk>) -> Claim {
    Claim { session, start: first_of(session.first_token), chunks }
}

/// A chunk with made-up roots.
pub fn chunk(steps: u32, last_token: u32) -> Chunk {
    Chunk { steps, last_token, kv_root: 'kv', tokens_root: 'tokens', emitted_root: 'emitted' }
}

/// `n` chunks of one step; the last tokens count from 100.
pub fn single_steps(n: u32) -> Span<Chunk> {
    let mut chunks = array![];
    for i in 0..n {
        chunks.append(chunk(1, 100 + i));
    }
    chunks.span()
}

/// What the fixture's session has reached.
pub fn reached(registry: IRegistryDispatcher, model_id: felt252) -> Session {
    registry.session(name(model_id))
}

/// A session whose prompt is proven up to this frontier.
pub fn proven(frontier: Frontier) -> Session {
    Session { prompt_proven: true, frontier }
}

/// The hash that the registry records of a frontier.
pub fn frontier_hash(frontier: Frontier) -> felt252 {
    let Frontier { position, last_token, kv_root, tokens_root } = frontier;
    poseidon_hash_span([position.into(), last_token.into(), kv_root, tokens_root].span())
}

/// Requires that the claim is refused for this reason.
#[feature("safe_dispatcher")]
pub fn refused(registry: IRegistryDispatcher, claim: Claim, proof: Span<felt252>, reason: felt252) {
    let safe = IRegistrySafeDispatcher { contract_address: registry.contract_address };
    match safe.submit(claim, proof) {
        Ok(()) => panic!("accepted instead of {reason}"),
        Err(reasons) => assert!(*reasons[0] == reason, "{} instead of {reason}", *reasons[0]),
    }
}

/// Requires that a registry whose verifier takes anything refuses these chunks for this reason.
pub fn barred(
    registry: IRegistryDispatcher,
    model_id: felt252,
    start: Frontier,
    chunks: Span<Chunk>,
    reason: felt252,
) {
    refused(registry, claim(model_id, start, chunks), [].span(), reason);
}

/// Requires that the model is refused for this reason.
#[feature("safe_dispatcher")]
pub fn not_registered(registry: IRegistryDispatcher, model: Model, reason: felt252) {
    let safe = IRegistrySafeDispatcher { contract_address: registry.contract_address };
    match safe.register_model(model) {
        Ok(_) => panic!("registered instead of {reason}"),
        Err(reasons) => assert!(*reasons[0] == reason, "{} instead of {reason}", *reasons[0]),
    }
}
