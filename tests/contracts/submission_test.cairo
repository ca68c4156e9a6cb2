//! The fixture as the client submits it, with its real proof, to the real verifier. `tests/contracts.rs` adds what
//! the client makes of the fixture: `calldata` and `hashes`.

use starknet::storage_access::StorageAddress;
use starknet::syscalls::storage_write_syscall;
use starknet::testing::{set_chain_id, set_contract_address};
use starknet::SyscallResultTrait;
use crate::interfaces::{
    Claim, IRegistryDispatcherTrait, IRegistryLibraryDispatcher, IRegistrySafeDispatcherTrait,
    IRegistrySafeLibraryDispatcher, Model,
};
use crate::registry::{Registry, errors};
use crate::registry_setup::{CHAIN, LEAF_ROOT, after, chunks, middle, model, name, proven};
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

fn submission() -> (Claim, Span<felt252>) {
    let mut felts = calldata();
    let claim: Claim = Serde::deserialize(ref felts).expect('a claim');
    let proof: Span<felt252> = Serde::deserialize(ref felts).expect('a proof');
    assert!(felts.is_empty());
    (claim, proof)
}

#[test]
#[feature("safe_dispatcher")]
fn the_clients_submission_is_accepted_once() {
    let registry = registry();
    let id = registry.register_model(model());
    let (claim, proof) = submission();
    assert!(claim.session == name(id));
    registry.submit(claim, proof);
    let [_, second] = chunks();
    assert!(registry.session(claim.session) == proven(after(middle(), second)));
    for hash in hashes() {
        assert!(registry.is_accepted(id, *hash));
    }
    let safe = IRegistrySafeLibraryDispatcher { class_hash: Registry::TEST_CLASS_HASH };
    assert!(*safe.submit(claim, proof).unwrap_err()[0] == errors::REPLAY);
}

/// The real proof, for a circuit of another model with the same root.
#[test]
#[feature("safe_dispatcher")]
fn the_proof_is_of_its_circuit() {
    let registry = registry();
    let id = registry.register_model(model());
    let other = registry.register_model(Model { leaf_root: LEAF_ROOT - 1, ..model() });
    let (claim, proof) = submission();
    let claim = Claim { session: name(other), ..claim };
    let safe = IRegistrySafeLibraryDispatcher { class_hash: Registry::TEST_CLASS_HASH };
    assert!(*safe.submit(claim, proof).unwrap_err()[0] == 'proof: interaction work');
    for hash in hashes() {
        assert!(!registry.is_accepted(id, *hash) && !registry.is_accepted(other, *hash));
    }
}
