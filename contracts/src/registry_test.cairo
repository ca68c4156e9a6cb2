//! Models, statements, what is stored, and events. `registry_order_test` has what a claim may be.

use core::poseidon::poseidon_hash_span;
use starknet::testing::{pop_log_raw, set_chain_id, set_contract_address};
use crate::interfaces::{
    Claim, Frontier, IRegistryDispatcher, IRegistryDispatcherTrait, IRegistryLibraryDispatcher,
    IRegistrySafeDispatcher, IRegistrySafeDispatcherTrait, Model, SessionName,
};
use crate::registry::{Registry, errors};
use crate::registry_setup::{
    Accepting, CONSTANTS_ROOT, Comparing, LEAF_ROOT, MODEL_ROOT, PROMPT_ROOT, SESSION_ID, accepting, claim,
    comparing, deploy, felts_of, first_of, frontier_hash, last, made_up, middle, model, name,
    not_registered, open_session, opening, proof, proof_of, proven, reached, refused, statement,
};

#[test]
fn the_verifier_is_the_deployed_one() {
    let registry = deploy(Comparing::TEST_CLASS_HASH, 0);
    assert!(registry.verifier_class() == Comparing::TEST_CLASS_HASH);
    let registry = deploy(Accepting::TEST_CLASS_HASH, 0);
    assert!(registry.verifier_class() == Accepting::TEST_CLASS_HASH);
}

#[test]
fn a_model_is_registered_and_read() {
    let registry = deploy(Comparing::TEST_CLASS_HASH, 0);
    let model = model();
    let felts = [
        MODEL_ROOT, model.program_hash, LEAF_ROOT, CONSTANTS_ROOT, 2, 3, 0, 2, 96,
    ];
    let id = poseidon_hash_span(felts.span());
    assert!(!registry.is_registered(id));
    assert!(registry.model(id).model_root == 0);
    assert!(registry.register_model(model) == id);
    assert!(registry.is_registered(id));
    assert!(registry.model(id) == model);
    assert!(!registry.is_registered(id + 1));

    let (keys, data) = pop_log_raw(registry.contract_address).unwrap();
    assert!(keys == [selector!("ModelRegistered"), id, model.model_root].span());
    assert!(data.is_empty());
    assert!(pop_log_raw(registry.contract_address).is_none());
}

/// Two models under one id would let the sessions of one pass for the other's.
#[test]
fn every_field_is_in_the_models_id() {
    let (registry, id) = comparing();
    let model = model();
    // There is one policy, and one version of the statement.
    let others = array![
        Model { model_root: model.model_root + 1, ..model },
        Model { program_hash: model.program_hash + 1, ..model },
        Model { leaf_root: LEAF_ROOT + 1, ..model },
        Model { constants_root: model.constants_root + 1, ..model },
        Model { spec_version: 3, ..model }, Model { eos: 0, ..model },
        Model { security_bits: 97, ..model },
    ];
    let mut ids = array![id];
    for other in others {
        let found = registry.register_model(other);
        assert!(registry.model(found) == other);
        for earlier in ids.span() {
            assert!(found != *earlier, "{other:?}");
        }
        ids.append(found);
    }
    assert!(registry.model(id) == model);
}

/// A second registration would announce a known model as a new one.
#[test]
fn a_model_is_registered_once() {
    let (registry, id) = comparing();
    not_registered(registry, model(), errors::REGISTERED);
    assert!(registry.model(id) == model());
    assert!(pop_log_raw(registry.contract_address).is_some());
    assert!(pop_log_raw(registry.contract_address).is_none());
}

/// Zero is what an unset field reads as.
#[test]
fn specifications_count_from_one() {
    let registry = deploy(Comparing::TEST_CLASS_HASH, 0);
    not_registered(registry, Model { spec_version: 0, ..model() }, errors::VERSIONS);
    registry.register_model(Model { spec_version: 1, ..model() });
}

/// In another version a session can start otherwise, or compare its prompt at another position. Programs of
/// versions 1 and 2 compare one position earlier.
#[test]
fn statements_are_of_version_3() {
    let registry = deploy(Comparing::TEST_CLASS_HASH, 0);
    for statement_version in array![0, 1, 2, 4] {
        not_registered(registry, Model { statement_version, ..model() }, errors::VERSIONS);
    }
}

/// Under a policy with choice, who submits first would decide how a session goes on.
#[test]
fn models_are_greedy() {
    let registry = deploy(Comparing::TEST_CLASS_HASH, 0);
    not_registered(registry, Model { policy: 1, ..model() }, errors::POLICY);
}

/// A model whose proofs can be forged would stand beside the others. Without bits it would also count as none that
/// is registered, and could be registered again and again.
#[test]
fn models_have_96_bits() {
    let registry = deploy(Comparing::TEST_CLASS_HASH, 0);
    not_registered(registry, Model { security_bits: 95, ..model() }, errors::SECURITY);
    not_registered(registry, Model { security_bits: 0, ..model() }, errors::SECURITY);
    registry.register_model(model());
}

/// As a library at some address, a registry asks for what the fixture's proofs output, but for the steps.
#[test]
fn statements_are_those_of_the_fixture() {
    let contract = 0xac65fde759ac6b9e58c677f4f59e9ee9470ee8d3f5d1ccebcb97c6da8f5c72;
    set_chain_id('SN_SEPOLIA');
    set_contract_address(contract.try_into().unwrap());
    let registry = IRegistryLibraryDispatcher { class_hash: Registry::TEST_CLASS_HASH };
    let id = registry.register_model(model());
    let expected = statement(contract, first_of(0), last());
    assert!(expected.len() == 21);
    assert!(registry.statement(opening(id, last())) == expected);
}

/// The fixture has felts that are alike; swapped ones among them would pass unseen.
#[test]
fn every_felt_is_in_its_place() {
    let (registry, _) = accepting();
    let other = Model { spec_version: 7, eos: 9, ..model() };
    let id = registry.register_model(other);
    let session = SessionName { first_token: 30, prompt_length: 31, ..name(id) };
    let contract = registry.contract_address.into();
    let common = array![
        3, 7, 'SN_SEPOLIA', contract, SESSION_ID, MODEL_ROOT, 0, 9, 0, PROMPT_ROOT, 31,
    ];
    let end = Frontier {
        position: 32,
        last_token: 33,
        kv_root: 'kv 1',
        tokens_root: 'tokens 1',
        chosen_root: 'chosen 1',
    };
    let mut expected = common.clone();
    expected.append_span([0, 30, 0, 0, 0, 32, 33, 'kv 1', 'tokens 1', 'chosen 1'].span());
    assert!(registry.statement(open_session(session, end)) == expected);

    registry.submit(open_session(session, end), [].span());
    let next = Claim { session, start: end, end: made_up(34, 35) };
    let mut expected = common;
    expected.append_span([32, 33, 'kv 1', 'tokens 1', 'chosen 1'].span());
    expected.append_span([34, 35, 'kv', 'tokens', 'chosen'].span());
    assert!(registry.statement(next) == expected);
}

/// The frontier at a session's start is computed as the receipts have it: all roots are those of nothing.
#[test]
fn a_session_starts_from_its_first_token() {
    let (registry, id) = accepting();
    for token in array![0_u32, 1, 190, 0xffffffff] {
        let session = SessionName { first_token: token, ..name(id) };
        let statement = registry.statement(open_session(session, made_up(1, 7)));
        assert!(statement.span().slice(11, 5) == [0, token.into(), 0, 0, 0].span(), "{token}");
    }
}

#[test]
fn a_session_in_one_submission() {
    let (registry, id) = comparing();
    registry.submit(opening(id, last()), proof(registry, first_of(0), last()));
    assert!(reached(registry, id) == proven(last()));
    assert!(!registry.is_accepted(name(id), middle()));
    check_events(registry, id, array![(first_of(0), last())]);
}

#[test]
fn a_session_in_two_submissions() {
    let (registry, id) = comparing();
    assert!(reached(registry, id) == Default::default());
    registry.submit(opening(id, middle()), proof(registry, first_of(0), middle()));
    assert!(reached(registry, id) == Default::default());
    assert!(registry.is_accepted(name(id), middle()));
    assert!(!registry.is_accepted(name(id), last()));
    registry.submit(claim(id, middle(), last()), proof(registry, middle(), last()));
    assert!(reached(registry, id) == proven(last()));
    assert!(registry.is_accepted(name(id), middle()) && registry.is_accepted(name(id), last()));
    check_events(registry, id, array![(first_of(0), middle()), (middle(), last())]);
}

/// The registration's event, and one for each of these steps of the fixture's session.
fn check_events(registry: IRegistryDispatcher, id: felt252, spans: Array<(Frontier, Frontier)>) {
    pop_log_raw(registry.contract_address).expect('the registration');
    let session = poseidon_hash_span([id, SESSION_ID, PROMPT_ROOT, 5, 0].span());
    for (start, end) in spans {
        let (keys, data) = pop_log_raw(registry.contract_address).unwrap();
        assert!(keys == [selector!("SpanAccepted"), id, SESSION_ID, session].span());
        let mut expected = array![PROMPT_ROOT, 5, 0];
        expected.append_span(felts_of(start).span());
        expected.append_span(felts_of(end).span());
        assert!(data == expected.span());
    }
    assert!(pop_log_raw(registry.contract_address).is_none());
}

/// Each part of a frontier is in what is recorded of it.
#[test]
fn a_frontier_is_accepted_in_all_its_parts() {
    let (registry, id) = accepting();
    registry.submit(opening(id, made_up(2, 7)), [].span());
    registry.submit(opening(id, made_up(6, 7)), [].span());
    for end in array![made_up(2, 7), made_up(6, 7)] {
        assert!(registry.is_accepted(name(id), end));
        for other in array![
            Frontier { position: end.position + 1, ..end }, Frontier { last_token: 8, ..end },
            Frontier { kv_root: 1, ..end }, Frontier { tokens_root: 1, ..end },
            Frontier { chosen_root: 1, ..end },
        ] {
            assert!(!registry.is_accepted(name(id), other), "{other:?}");
        }
    }
    assert!(!registry.is_accepted(name(id), first_of(0)));
    assert!(registry.frontier_at(name(id), 6) == frontier_hash(made_up(6, 7)));
    assert!(registry.frontier_at(name(id), 2) == 0);
}

/// Without a proof of just this statement nothing is remembered, and the reason surfaces.
#[test]
#[feature("safe_dispatcher")]
fn requirement_36_a_refused_proof_leaves_nothing() {
    let (registry, id) = comparing();
    registry.submit(opening(id, middle()), proof(registry, first_of(0), middle()));
    for _ in 0..2_u32 {
        pop_log_raw(registry.contract_address).expect('an event');
    }
    let safe = IRegistrySafeDispatcher { contract_address: registry.contract_address };
    // The proof of the first steps, for the next ones.
    let next = claim(id, middle(), last());
    let reasons = safe.submit(next, proof(registry, first_of(0), middle())).unwrap_err();
    assert!(reasons == array!['proof: refused', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED']);
    assert!(reached(registry, id) == Default::default());
    assert!(!registry.is_accepted(name(id), last()));
    assert!(registry.frontier_at(name(id), 24) == 0);
    assert!(pop_log_raw(registry.contract_address).is_none());
}

/// One felt of a claim other than proven, and the proof is of something else.
#[test]
fn requirement_36_a_claim_is_what_the_proof_says() {
    let (registry, id) = comparing();
    let honest = proof(registry, first_of(0), last());
    let sessions = array![
        SessionName { session_id: 1, ..name(id) }, SessionName { prompt_root: 1, ..name(id) },
        SessionName { prompt_length: 6, ..name(id) }, SessionName { first_token: 1, ..name(id) },
    ];
    for session in sessions {
        refused(registry, open_session(session, last()), honest, 'proof: refused');
    }
    let end = last();
    let ends = array![
        Frontier { position: 9, ..end }, Frontier { last_token: 81, ..end },
        Frontier { kv_root: 0, ..end }, Frontier { tokens_root: 0, ..end },
        Frontier { chosen_root: 0, ..end }, middle(),
    ];
    for end in ends {
        refused(registry, opening(id, end), honest, 'proof: refused');
    }
    // The proof of the whole, for a part of it from an accepted frontier.
    registry.submit(opening(id, middle()), proof(registry, first_of(0), middle()));
    refused(registry, claim(id, middle(), last()), honest, 'proof: refused');
    registry.submit(opening(id, last()), honest);
}

/// A cheap model's proofs for a dear one's sessions: by its root, or by its circuit alone.
#[test]
fn requirement_36_a_proof_is_of_its_model() {
    let (registry, id) = comparing();
    let honest = proof(registry, first_of(0), last());
    // What the statement or the verifier has of a model. The rest is in its id.
    let others = array![
        Model { model_root: 1, ..model() }, Model { leaf_root: LEAF_ROOT + 1, ..model() },
        Model { spec_version: 1, ..model() }, Model { eos: 0, ..model() },
    ];
    for other in others {
        let other_id = registry.register_model(other);
        refused(registry, opening(other_id, last()), honest, 'proof: refused');
    }
    let contract = registry.contract_address.into();
    let other_proof = proof_of(LEAF_ROOT + 1, statement(contract, first_of(0), last()));
    refused(registry, opening(id, last()), other_proof, 'proof: refused');
}

/// What one registry accepted counts in no other.
#[test]
fn requirement_28_a_proof_is_for_one_registry() {
    let (registry, id) = comparing();
    let other = deploy(Comparing::TEST_CLASS_HASH, 1);
    assert!(other.contract_address != registry.contract_address);
    assert!(other.register_model(model()) == id);
    let here: felt252 = registry.contract_address.into();
    let there: felt252 = other.contract_address.into();
    assert!(registry.statement(opening(id, last())) == statement(here, first_of(0), last()));
    assert!(other.statement(opening(id, last())) == statement(there, first_of(0), last()));
    registry.submit(opening(id, last()), proof(registry, first_of(0), last()));
    refused(other, opening(id, last()), proof(registry, first_of(0), last()), 'proof: refused');
    assert!(registry.is_accepted(name(id), last()));
    assert!(!other.is_accepted(name(id), last()));
    assert!(reached(other, id) == Default::default());
    other.submit(opening(id, last()), proof(other, first_of(0), last()));
}

/// A registry can have the same address on two chains.
#[test]
fn requirement_28_a_proof_is_for_one_chain() {
    let (registry, id) = comparing();
    set_chain_id('SN_MAIN');
    let honest = proof(registry, first_of(0), last());
    refused(registry, opening(id, last()), honest, 'proof: refused');
    let there = registry.statement(opening(id, last()));
    let here = statement(registry.contract_address.into(), first_of(0), last());
    for i in 0..21_u32 {
        let expected = if i == 2 {
            'SN_MAIN'
        } else {
            *here[i]
        };
        assert!(*there[i] == expected, "felt {i}");
    }
    registry.submit(opening(id, last()), proof_of(LEAF_ROOT, there));
}

#[test]
fn anybody_may_continue_a_session() {
    let (registry, id) = comparing();
    set_contract_address('somebody'.try_into().unwrap());
    registry.submit(opening(id, middle()), proof(registry, first_of(0), middle()));
    set_contract_address('somebody else'.try_into().unwrap());
    registry.submit(claim(id, middle(), last()), proof(registry, middle(), last()));
    assert!(reached(registry, id) == proven(last()));
    check_events(registry, id, array![(first_of(0), middle()), (middle(), last())]);
}
