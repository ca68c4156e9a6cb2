//! The fixture as the client submits it, with its real proof, to the real verifier. `tests/contracts.rs` adds what the
//! client makes of the fixture: `registration` and `calldata`.

use starknet::storage_access::StorageAddress;
use starknet::syscalls::storage_write_syscall;
use starknet::testing::{set_chain_id, set_contract_address};
use starknet::SyscallResultTrait;
use crate::interfaces::{
    Claim, Frontier, IRegistryDispatcherTrait, IRegistryLibraryDispatcher,
    IRegistrySafeDispatcherTrait, IRegistrySafeLibraryDispatcher, Model, SessionName,
};
use crate::registry::{Registry, errors};
use crate::registry_setup::{
    CHAIN, LEAF_ROOT, first_of, last, middle, model, name, opening, proven,
};
use crate::verifier::SessionVerifier;

/// A registry at the address that the fixture was proven for, with the real verifier.
fn registry() -> IRegistryLibraryDispatcher {
    let contract = 0xac65fde759ac6b9e58c677f4f59e9ee9470ee8d3f5d1ccebcb97c6da8f5c72;
    set_chain_id(CHAIN);
    set_contract_address(contract.try_into().unwrap());
    // As the constructor would, which only a deployment runs.
    let verifier: StorageAddress = selector!("verifier").try_into().unwrap();
    storage_write_syscall(0, verifier, SessionVerifier::TEST_CLASS_HASH.into()).unwrap_syscall();
    IRegistryLibraryDispatcher { class_hash: Registry::TEST_CLASS_HASH }
}

/// The client's claim and its proof.
fn submission() -> (Claim, Span<felt252>) {
    let mut felts = calldata();
    let claim: Claim = Serde::deserialize(ref felts).expect('a claim');
    let proof: Span<felt252> = Serde::deserialize(ref felts).expect('a proof');
    assert!(felts.is_empty());
    (claim, proof)
}

/// Why the registry refuses the client's proof for a claim.
#[feature("safe_dispatcher")]
fn refused(claim: Claim) -> felt252 {
    let safe = IRegistrySafeLibraryDispatcher { class_hash: Registry::TEST_CLASS_HASH };
    let (_, proof) = submission();
    *safe.submit(claim, proof).unwrap_err()[0]
}

#[test]
fn the_client_has_this_model() {
    let mut felts = registration();
    assert!(Serde::deserialize(ref felts) == Some(model()));
    assert!(felts.is_empty());
}

#[test]
fn the_clients_submission_is_accepted_once() {
    let registry = registry();
    let id = registry.register_model(model());
    let (claim, proof) = submission();
    assert!(claim == opening(id, last()));
    registry.submit(claim, proof);
    assert!(registry.session(name(id)) == proven(last()));
    assert!(registry.is_accepted(name(id), last()));
    assert!(refused(claim) == errors::REPLAY);
}

/// The real proof, for a circuit of another model with the same root.
#[test]
fn a_proof_is_of_its_circuit() {
    let registry = registry();
    let other = registry.register_model(Model { leaf_root: LEAF_ROOT - 1, ..model() });
    assert!(refused(opening(other, last())) == 'proof: interaction work');
    assert!(!registry.is_accepted(name(other), last()));
}

/// Each field of the claim, and of what the statement has of a model, is in what is proven.
#[test]
fn a_proof_is_of_its_claim() {
    let registry = registry();
    let id = registry.register_model(model());
    let end = last();
    let mut claims = array![];
    for end in array![
        Frontier { position: 9, ..end }, Frontier { last_token: 81, ..end },
        Frontier { kv_root: end.kv_root + 1, ..end },
        Frontier { tokens_root: end.tokens_root + 1, ..end },
        Frontier { chosen_root: end.chosen_root + 1, ..end }, middle(),
    ] {
        claims.append(opening(id, end));
    }
    for session in array![
        SessionName { session_id: 1, ..name(id) }, SessionName { prompt_root: 1, ..name(id) },
        SessionName { prompt_length: 6, ..name(id) },
    ] {
        claims.append(Claim { session, start: first_of(0), end });
    }
    let session = SessionName { first_token: 1, ..name(id) };
    claims.append(Claim { session, start: first_of(1), end });
    for other in array![
        Model { model_root: 1, ..model() }, Model { spec_version: 1, ..model() },
        Model { eos: 0, ..model() },
    ] {
        claims.append(opening(registry.register_model(other), end));
    }
    for claim in claims {
        assert!(refused(claim) == 'proof: interaction work', "{claim:?}");
    }
    set_chain_id('SN_MAIN');
    assert!(refused(opening(id, end)) == 'proof: interaction work');
    set_chain_id(CHAIN);
    let (claim, proof) = submission();
    registry.submit(claim, proof);
}
