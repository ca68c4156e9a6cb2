//! Models, statements, what is stored, and events. `registry_order_test` has what a claim may be.

use core::poseidon::poseidon_hash_span;
use starknet::testing::{pop_log_raw, set_chain_id, set_contract_address};
use crate::interfaces::{
    Chunk, Claim, IRegistryDispatcher, IRegistryDispatcherTrait, IRegistryLibraryDispatcher,
    IRegistrySafeDispatcher, IRegistrySafeDispatcherTrait, Model, SessionName,
};
use crate::registry::{Registry, errors};
use crate::registry_setup::{
    Accepting, Comparing, LEAF_ROOT, PROMPT_ROOT, SESSION_ID, accepting, after, chain, chunk,
    chunks, claim, comparing, deploy, first_proof, first_statement, hash_of, made_up,
    middle, model, name, not_registered, open_session, opening, proof_of, proven, reached, refused,
    second_proof, second_statement, single_steps,
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
    let felts = [model.model_root, model.program_hash, LEAF_ROOT, 1, 1, 0, model.eos.into(), 96];
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
    // There is one policy.
    let others = array![
        Model { model_root: model.model_root + 1, ..model },
        Model { program_hash: model.program_hash + 1, ..model },
        Model { leaf_root: LEAF_ROOT + 1, ..model }, Model { spec_version: 2, ..model },
        Model { statement_version: 2, ..model }, Model { eos: 0, ..model },
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
fn versions_count_from_one() {
    let registry = deploy(Comparing::TEST_CLASS_HASH, 0);
    not_registered(registry, Model { spec_version: 0, ..model() }, errors::VERSIONS);
    not_registered(registry, Model { statement_version: 0, ..model() }, errors::VERSIONS);
}

/// Under a policy with choice, who submits first would decide how a session goes on.
#[test]
fn models_are_greedy() {
    let registry = deploy(Comparing::TEST_CLASS_HASH, 0);
    not_registered(registry, Model { policy: 1, ..model() }, errors::POLICY);
}

#[test]
fn models_have_96_bits() {
    let registry = deploy(Comparing::TEST_CLASS_HASH, 0);
    not_registered(registry, Model { security_bits: 95, ..model() }, errors::SECURITY);
    not_registered(registry, Model { security_bits: 0, ..model() }, errors::SECURITY);
    registry.register_model(model());
}

/// As a library at the fixture's address, a registry asks for what the fixture's proofs output.
#[test]
fn statements_are_those_of_the_fixture() {
    let contract = 0xac65fde759ac6b9e58c677f4f59e9ee9470ee8d3f5d1ccebcb97c6da8f5c72;
    set_chain_id('SN_SEPOLIA');
    set_contract_address(contract.try_into().unwrap());
    let registry = IRegistryLibraryDispatcher { class_hash: Registry::TEST_CLASS_HASH };
    let id = registry.register_model(model());
    let mut expected = first_statement(contract);
    expected.append_span(second_statement(contract).span());
    assert!(registry.statements(opening(id, chunks().span())) == expected);
}

/// The fixture has felts that are alike; swapped ones among them would pass unseen.
#[test]
fn every_felt_is_in_its_place() {
    let registry = deploy(Comparing::TEST_CLASS_HASH, 0);
    let other = Model { spec_version: 7, statement_version: 8, eos: 9, ..model() };
    let id = registry.register_model(other);
    let session = SessionName { first_token: 30, prompt_length: 31, ..name(id) };
    let other_claim = open_session(session, [chunk(32, 33), chunk(34, 35)].span());
    let root = other.model_root;
    let contract = registry.contract_address.into();
    let mut expected = array![
        8, 7, 'SN_SEPOLIA', contract, SESSION_ID, root, 0, 9, 0, PROMPT_ROOT, 31, 32, 0, 30, 0,
        chain([30].span()), 32, 33, 'kv', 'tokens', 'emitted',
    ];
    let second = array![
        8, 7, 'SN_SEPOLIA', contract, SESSION_ID, root, 0, 9, 0, PROMPT_ROOT, 31, 34, 32, 33, 'kv',
        'tokens', 66, 35, 'kv', 'tokens', 'emitted',
    ];
    expected.append_span(second.span());
    assert!(registry.statements(other_claim) == expected);
}

/// The frontier at a session's start is computed as the receipts have it.
#[test]
fn a_session_starts_from_its_first_token() {
    assert!(chain([0, 190, 246, 80, 245].span()) == PROMPT_ROOT);
    let (registry, id) = accepting();
    for token in array![0_u32, 1, 190, 0xffffffff] {
        let session = SessionName { first_token: token, ..name(id) };
        let statement = registry.statements(open_session(session, single_steps(1)));
        assert!(*statement[12] == 0 && *statement[13] == token.into() && *statement[14] == 0);
        assert!(*statement[15] == chain([token.into()].span()), "{token}");
    }
}

#[test]
fn a_session_in_one_submission() {
    let (registry, id) = comparing();
    let contract = registry.contract_address.into();
    let proof = proof_of(LEAF_ROOT, array![first_statement(contract), second_statement(contract)]);
    registry.submit(opening(id, chunks().span()), proof);
    check_whole_session(registry, id);
}

#[test]
fn a_session_in_two_submissions() {
    let (registry, id) = comparing();
    let contract = registry.contract_address.into();
    let [first, second] = chunks();
    assert!(reached(registry, id) == Default::default());
    registry.submit(opening(id, [first].span()), first_proof(registry));
    assert!(reached(registry, id) == proven(middle()));
    assert!(middle().position == 4 && middle().last_token == 245);
    assert!(registry.is_accepted(id, hash_of(first_statement(contract))));
    assert!(!registry.is_accepted(id, hash_of(second_statement(contract))));
    registry.submit(claim(id, middle(), [second].span()), second_proof(registry));
    check_whole_session(registry, id);
}

/// Storage and events after the fixture's two chunks, however they were submitted.
fn check_whole_session(registry: IRegistryDispatcher, id: felt252) {
    let contract = registry.contract_address.into();
    let [first, second] = chunks();
    assert!(reached(registry, id) == proven(after(middle(), second)));
    let first_hash = hash_of(first_statement(contract));
    let second_hash = hash_of(second_statement(contract));
    assert!(registry.is_accepted(id, first_hash) && registry.is_accepted(id, second_hash));

    pop_log_raw(registry.contract_address).expect('the registration');
    let session = poseidon_hash_span([id, SESSION_ID, PROMPT_ROOT, 5, 0].span());
    let expected_keys = [selector!("ChunkAccepted"), id, SESSION_ID, session].span();
    let (keys, data) = pop_log_raw(registry.contract_address).unwrap();
    assert!(keys == expected_keys);
    assert!(data == [PROMPT_ROOT, 5, 0, 0, 4, first.tokens_root, 0, first_hash].span());
    let (keys, data) = pop_log_raw(registry.contract_address).unwrap();
    assert!(keys == expected_keys);
    let expected = [
        PROMPT_ROOT, 5, 0, 4, 4, second.tokens_root, second.emitted_root, second_hash,
    ];
    assert!(data == expected.span());
    assert!(pop_log_raw(registry.contract_address).is_none());
}

#[test]
fn events_give_positions_over_submissions() {
    let (registry, id) = accepting();
    registry.submit(opening(id, single_steps(3)), [].span());
    registry.submit(claim(id, made_up(3, 102), single_steps(16)), [].span());
    registry.submit(claim(id, made_up(19, 115), [chunk(5, 7), chunk(6, 8)].span()), [].span());
    pop_log_raw(registry.contract_address).expect('the registration');
    for i in 0_u32..21 {
        let (_, data) = pop_log_raw(registry.contract_address).unwrap();
        let (position, steps) = if i < 19 {
            (i, 1)
        } else if i == 19 {
            (19, 5)
        } else {
            (24, 6)
        };
        assert!(data.slice(3, 2) == [position.into(), steps].span(), "event {i}");
    }
    assert!(pop_log_raw(registry.contract_address).is_none());
    assert!(reached(registry, id) == proven(made_up(30, 8)));
}

/// Without a proof of just these statements nothing is remembered, and the reason surfaces.
#[test]
#[feature("safe_dispatcher")]
fn requirement_36_a_refused_proof_leaves_nothing() {
    let (registry, id) = comparing();
    let contract = registry.contract_address.into();
    registry.submit(opening(id, [*chunks().span()[0]].span()), first_proof(registry));
    let before = reached(registry, id);
    for _ in 0..2_u32 {
        pop_log_raw(registry.contract_address).expect('an event');
    }
    let safe = IRegistrySafeDispatcher { contract_address: registry.contract_address };
    // The proof of the first chunk, for the second.
    let second = claim(id, middle(), [*chunks().span()[1]].span());
    let reasons = safe.submit(second, first_proof(registry)).unwrap_err();
    assert!(reasons == array!['proof: refused', 'ENTRYPOINT_FAILED', 'ENTRYPOINT_FAILED']);
    assert!(reached(registry, id) == before);
    assert!(!registry.is_accepted(id, hash_of(second_statement(contract))));
    assert!(pop_log_raw(registry.contract_address).is_none());
}

/// One felt of a chunk or a claim other than proven, and the proof is of something else.
#[test]
fn requirement_36_a_claim_is_what_the_proof_says() {
    let (registry, id) = comparing();
    let [first, second] = chunks();
    let proof = first_proof(registry);
    let sessions = array![
        SessionName { session_id: 1, ..name(id) }, SessionName { prompt_root: 1, ..name(id) },
        SessionName { prompt_length: 6, ..name(id) }, SessionName { first_token: 1, ..name(id) },
    ];
    let mut others = array![opening(id, [first, second].span())];
    for session in sessions {
        others.append(open_session(session, [first].span()));
    }
    let chunks = array![
        Chunk { steps: 5, ..first }, Chunk { last_token: 246, ..first },
        Chunk { kv_root: 0, ..first }, Chunk { tokens_root: 0, ..first },
        Chunk { emitted_root: 1, ..first },
    ];
    for chunk in chunks {
        others.append(opening(id, [chunk].span()));
    }
    for other in others {
        refused(registry, other, proof, 'proof: refused');
    }
    registry.submit(opening(id, [first].span()), proof);
}

/// A cheap model's proofs for a dear one's sessions: by its root, or by its circuit alone.
#[test]
fn requirement_36_a_proof_is_of_its_model() {
    let (registry, id) = comparing();
    let other = Model { model_root: 1, ..model() };
    let same_root = Model { leaf_root: LEAF_ROOT + 1, ..model() };
    let first = [*chunks().span()[0]].span();
    for model in array![other, same_root] {
        let other_id = registry.register_model(model);
        refused(registry, opening(other_id, first), first_proof(registry), 'proof: refused');
    }
    let contract = registry.contract_address.into();
    let other_proof = proof_of(LEAF_ROOT + 1, array![first_statement(contract)]);
    refused(registry, opening(id, first), other_proof, 'proof: refused');
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
    let first = [*chunks().span()[0]].span();
    assert!(registry.statements(opening(id, first)) == first_statement(here));
    assert!(other.statements(opening(id, first)) == first_statement(there));
    registry.submit(opening(id, first), first_proof(registry));
    refused(other, opening(id, first), first_proof(registry), 'proof: refused');
    assert!(registry.is_accepted(id, hash_of(first_statement(here))));
    assert!(!registry.is_accepted(id, hash_of(first_statement(there))));
    assert!(!other.is_accepted(id, hash_of(first_statement(here))));
    assert!(!other.is_accepted(id, hash_of(first_statement(there))));
    assert!(reached(other, id) == Default::default());
    other.submit(opening(id, first), first_proof(other));
}

/// A registry can have the same address on two chains.
#[test]
fn requirement_28_a_proof_is_for_one_chain() {
    let (registry, id) = comparing();
    let first = [*chunks().span()[0]].span();
    set_chain_id('SN_MAIN');
    refused(registry, opening(id, first), first_proof(registry), 'proof: refused');
    let statement = registry.statements(opening(id, first));
    let here = first_statement(registry.contract_address.into());
    for i in 0..21_u32 {
        let expected = if i == 2 {
            'SN_MAIN'
        } else {
            *here[i]
        };
        assert!(*statement[i] == expected, "felt {i}");
    }
    registry.submit(opening(id, first), proof_of(LEAF_ROOT, array![statement]));
}

/// All parts of a session's name are in its key, each in its own place.
#[test]
fn sessions_do_not_disturb_one_another() {
    let (registry, id) = accepting();
    let other_id = registry.register_model(Model { eos: 0, ..model() });
    let named = |model_id, session_id, prompt_root, prompt_length, first_token| SessionName {
        model_id, session_id, prompt_root, prompt_length, first_token,
    };
    let names = array![
        named(id, 'a', 'p', 2, 3), named(other_id, 'a', 'p', 2, 3), named(id, 'b', 'p', 2, 3),
        named(id, 'a', 'q', 2, 3), named(id, 'p', 'a', 2, 3), named(id, 'a', 'p', 3, 2),
        named(id, 'a', 'p', 3, 3), named(id, 'a', 'p', 2, 2),
    ];
    let mut steps = 3;
    for session in names.span() {
        steps += 1;
        assert!(registry.session(*session) == Default::default());
        registry.submit(open_session(*session, [chunk(steps, 7)].span()), [].span());
    }
    // Each goes on from where it stands.
    let mut steps = 3;
    for session in names.span() {
        steps += 1;
        assert!(registry.session(*session) == proven(made_up(steps, 7)));
        let next = Claim {
            session: *session, start: made_up(steps, 7), chunks: [chunk(10, 8)].span(),
        };
        registry.submit(next, [].span());
        assert!(registry.session(*session) == proven(made_up(steps + 10, 8)));
    }
}

#[test]
fn anybody_may_continue_a_session() {
    let (registry, id) = comparing();
    let [first, second] = chunks();
    set_contract_address('somebody'.try_into().unwrap());
    registry.submit(opening(id, [first].span()), first_proof(registry));
    set_contract_address('somebody else'.try_into().unwrap());
    registry.submit(claim(id, middle(), [second].span()), second_proof(registry));
    check_whole_session(registry, id);
}
