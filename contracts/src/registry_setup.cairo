//! What the registry's tests share: stand-ins for the verifier, a proven session, made-up frontiers.
//!
//! The session is `tests/fixtures/wrapped-session`: the numbers are those of its receipts, of its `wrapped-0000.json`
//! (the leaf root) and its `model.json`. The frontier in the middle is of the same steps, proven with `--chunk 4`.

use core::poseidon::poseidon_hash_span;
use starknet::syscalls::deploy_syscall;
use starknet::testing::set_chain_id;
use starknet::{ClassHash, SyscallResultTrait};
use crate::interfaces::{
    Claim, Frontier, IRegistryDispatcher, IRegistryDispatcherTrait, IRegistrySafeDispatcher,
    IRegistrySafeDispatcherTrait, Model, Session, SessionName,
};
use crate::registry::Registry;

/// Takes as a proof the leaf root and then the statement, so a proof here says what is asked.
#[starknet::contract]
pub mod Comparing {
    use crate::interfaces::ISessionVerifier;

    #[storage]
    struct Storage {}

    #[abi(embed_v0)]
    impl Verifier of ISessionVerifier<ContractState> {
        fn verify_session(
            self: @ContractState, leaf_root: felt252, statement: Span<felt252>, proof: Span<felt252>,
        ) {
            let mut asked = array![leaf_root];
            asked.append_span(statement);
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
            self: @ContractState, leaf_root: felt252, statement: Span<felt252>, proof: Span<felt252>,
        ) {}
    }
}

pub const CHAIN: felt252 = 'SN_SEPOLIA';
pub const SESSION_ID: felt252 = 0x77;
pub const MODEL_ROOT: felt252 = 0x467f5c278d5fcf9b593eb3a1fcd52bd7e742808e01ce126828151e2a67a93df;
pub const PROMPT_ROOT: felt252 = 0x523d0b8b045b280717c2009744ccdc14ae38557f7015311ce0ea7b726b5c36;
pub const LEAF_ROOT: felt252 = 0x4b4689e126f4405758eeec0b631ee36e02359ca841dfa8e7e19732d1543ae7;
pub const CONSTANTS_ROOT: felt252 = 0xaee9e4e4e6a5e1f17a7446d06b7dca62be26157f3e4b7b3df8a9b163134705;
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
        model_root: MODEL_ROOT,
        program_hash: 0x327c8b87878b33cee14c754b5d2b95adbe0cce3bcddcb10fe60d0c262d1143,
        leaf_root: LEAF_ROOT,
        constants_root: CONSTANTS_ROOT,
        spec_version: 2,
        statement_version: 3,
        policy: 0,
        eos: 2,
        security_bits: 96,
    }
}

/// The fixture's session. Its prompt is the tokens 0, 190, 246, 80 and 245.
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
    Frontier { position: 0, last_token: token, kv_root: 0, tokens_root: 0, chosen_root: 0 }
}

/// The fixture's frontier at the prompt's last token, which no step has consumed.
pub fn middle() -> Frontier {
    Frontier {
        position: 4,
        last_token: 245,
        kv_root: 0xb142c5f1f0d0b4e6d0b688c61721148f8a67fa3375fb57af81adeb78af6e8b,
        tokens_root: 0x2ce3f6f2e62c096e34a5b3e88d6fa3a5a004d42aba31a6a8e00e3f1d37c0a4,
        chosen_root: 0x9f98e1c3dc18837a985669944fdb740ea9cf432033680d70ef0b1b1ed0aedc,
    }
}

/// The fixture's frontier behind the last step.
pub fn last() -> Frontier {
    Frontier {
        position: 24,
        last_token: 10,
        kv_root: 0x2836c425010af3196dc51988edd3caf3a37546ba7426628bf5b30baee4c2bf,
        tokens_root: 0xc1e5611f1304d89176c369c56e53be0ffc7918a3f73a39d4566f9be3c0f97a,
        chosen_root: 0x792595407ebf736d1402f96e02a087025655786439fed60b223e1c581c11e5,
    }
}

/// A frontier with made-up roots.
pub fn made_up(position: u32, last_token: u32) -> Frontier {
    Frontier { position, last_token, kv_root: 'kv', tokens_root: 'tokens', chosen_root: 'chosen' }
}

/// A frontier's felts.
pub fn felts_of(frontier: Frontier) -> Array<felt252> {
    let Frontier { position, last_token, kv_root, tokens_root, chosen_root } = frontier;
    array![position.into(), last_token.into(), kv_root, tokens_root, chosen_root]
}

/// The hash that the registry records of a frontier.
pub fn frontier_hash(frontier: Frontier) -> felt252 {
    poseidon_hash_span(felts_of(frontier).span())
}

/// The statement of the fixture's steps between two frontiers, but for the contract.
pub fn statement(contract: felt252, start: Frontier, end: Frontier) -> Array<felt252> {
    let mut felts = array![
        3, 2, 'SN_SEPOLIA', contract,
        0x77, 0x467f5c278d5fcf9b593eb3a1fcd52bd7e742808e01ce126828151e2a67a93df, 0, 2, 0,
        0x523d0b8b045b280717c2009744ccdc14ae38557f7015311ce0ea7b726b5c36, 5,
    ];
    felts.append_span(felts_of(start).span());
    felts.append_span(felts_of(end).span());
    felts
}

/// What `Comparing` takes for a statement.
pub fn proof_of(leaf_root: felt252, statement: Array<felt252>) -> Span<felt252> {
    let mut felts = array![leaf_root];
    felts.append_span(statement.span());
    felts.span()
}

/// The proof of the fixture's steps between two frontiers for this registry.
pub fn proof(registry: IRegistryDispatcher, start: Frontier, end: Frontier) -> Span<felt252> {
    proof_of(LEAF_ROOT, statement(registry.contract_address.into(), start, end))
}

/// A claim of the fixture's session.
pub fn claim(model_id: felt252, start: Frontier, end: Frontier) -> Claim {
    Claim { session: name(model_id), start, end }
}

/// A claim of the fixture's session from its first frontier.
pub fn opening(model_id: felt252, end: Frontier) -> Claim {
    claim(model_id, first_of(0), end)
}

/// A claim of a session from its first frontier.
pub fn open_session(session: SessionName, end: Frontier) -> Claim {
    Claim { session, start: first_of(session.first_token), end }
}

/// Has a registry whose verifier takes anything accept steps of the fixture's session.
pub fn accept(registry: IRegistryDispatcher, model_id: felt252, start: Frontier, end: Frontier) {
    registry.submit(claim(model_id, start, end), [].span());
    assert!(registry.is_accepted(name(model_id), end));
}

/// What the fixture's session has reached.
pub fn reached(registry: IRegistryDispatcher, model_id: felt252) -> Session {
    registry.session(name(model_id))
}

/// A session whose prompt is proven up to this frontier.
pub fn proven(frontier: Frontier) -> Session {
    Session { prompt_proven: true, frontier }
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

/// Requires that a registry whose verifier takes anything refuses these steps for this reason.
pub fn barred(
    registry: IRegistryDispatcher,
    model_id: felt252,
    start: Frontier,
    end: Frontier,
    reason: felt252,
) {
    refused(registry, claim(model_id, start, end), [].span(), reason);
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
