//! What each check of the registry is for: without it, a registry takes an attack that the registry refuses, and this
//! is what comes of it. The same for the one check of a statement. `tests/contracts.rs` makes the modules without a
//! check: `without_gap` is the registry without the one whose reason is `GAP`. The verifier takes anything, as a
//! circuit of somebody's own does.

use core::poseidon::poseidon_hash_span;
use starknet::syscalls::deploy_syscall;
use starknet::testing::pop_log_raw;
use starknet::{ClassHash, SyscallResultTrait};
use crate::interfaces::{
    Claim, Frontier, IRegistryDispatcher, IRegistryDispatcherTrait, Model, SessionName,
};
use crate::registry::errors;
use crate::registry_setup::{
    Accepting, LEAF_ROOT, accepting, claim, deploy, first_of, frontier_hash, last, made_up, middle,
    model, name, not_registered, open_session, opening, proven, refused, statement,
};

/// A registry of another class, whose verifier takes anything.
fn deployed(class: ClassHash) -> IRegistryDispatcher {
    let verifier: felt252 = Accepting::TEST_CLASS_HASH.into();
    let (contract_address, _) = deploy_syscall(class, 0, [verifier].span(), false)
        .unwrap_syscall();
    IRegistryDispatcher { contract_address }
}

/// The registry after these claims and then the attack, which it takes for want of a check. The whole registry
/// refuses the attack for this reason.
fn after(
    before: Array<Claim>, attack: Claim, reason: felt252, without: ClassHash,
) -> IRegistryDispatcher {
    let (registry, _) = accepting();
    let other = deployed(without);
    other.register_model(model());
    for claim in before {
        registry.submit(claim, [].span());
        other.submit(claim, [].span());
    }
    refused(registry, attack, [].span(), reason);
    other.submit(attack, [].span());
    other
}

/// The id of the fixture's model, in every registry.
fn id() -> felt252 {
    let mut felts = array![];
    model().serialize(ref felts);
    poseidon_hash_span(felts.span())
}

/// The events of a registry.
fn events(registry: IRegistryDispatcher) -> u32 {
    let mut n = 0;
    while pop_log_raw(registry.contract_address).is_some() {
        n += 1;
    }
    n
}

/// A model that the registry refuses is there without the check.
fn there(model: Model, reason: felt252, without: ClassHash) -> IRegistryDispatcher {
    not_registered(deploy(Accepting::TEST_CLASS_HASH, 0), model, reason);
    let registry = deployed(without);
    let id = registry.register_model(model);
    assert!(registry.model(id) == model);
    registry
}

/// One model is announced twice.
#[test]
fn registered() {
    let class = crate::without_registered::Registry::TEST_CLASS_HASH;
    let (registry, _) = accepting();
    not_registered(registry, model(), errors::REGISTERED);
    let registry = deployed(class);
    registry.register_model(model());
    registry.register_model(model());
    assert!(events(registry) == 2);
}

/// A model whose programs compare the prompt one position earlier, and whose claims are judged by this registry's rule.
#[test]
fn versions() {
    let class = crate::without_versions::Registry::TEST_CLASS_HASH;
    let registry = there(Model { statement_version: 1, ..model() }, errors::VERSIONS, class);
    registry.register_model(Model { spec_version: 0, ..model() });
}

/// A model with choice, in whose sessions the first to submit decides.
#[test]
fn policy() {
    let class = crate::without_policy::Registry::TEST_CLASS_HASH;
    there(Model { policy: 1, ..model() }, errors::POLICY, class);
}

/// Proofs that a laptop forges.
#[test]
fn security() {
    let class = crate::without_security::Registry::TEST_CLASS_HASH;
    there(Model { security_bits: 20, ..model() }, errors::SECURITY, class);
}

/// Steps of a model that nobody registered, with the leaf circuit 0.
#[test]
fn unknown() {
    let class = crate::without_unknown::Registry::TEST_CLASS_HASH;
    let attack = opening('no model', last());
    let registry = after(array![], attack, errors::UNKNOWN, class);
    assert!(registry.session(name('no model')) == proven(last()));
    assert!(!registry.is_registered('no model'));
}

/// A prompt of no tokens is proven by any step.
#[test]
fn prompt() {
    let class = crate::without_prompt::Registry::TEST_CLASS_HASH;
    let session = SessionName { prompt_length: 0, ..name(id()) };
    let attack = open_session(session, made_up(1, 7));
    let registry = after(array![], attack, errors::PROMPT, class);
    assert!(registry.session(session) == proven(made_up(1, 7)));
}

/// Steps that follow from nothing: whatever was before them, nobody proved it.
#[test]
fn gap() {
    let class = crate::without_gap::Registry::TEST_CLASS_HASH;
    let attack = claim(id(), made_up(7, 1000), last());
    let registry = after(array![], attack, errors::GAP, class);
    assert!(registry.session(name(id())) == proven(last()));
}

/// Text behind the model's end.
#[test]
fn finished() {
    let class = crate::without_finished::Registry::TEST_CLASS_HASH;
    let end = made_up(6, 1);
    let attack = claim(id(), end, made_up(7, 9));
    let registry = after(array![opening(id(), end)], attack, errors::FINISHED, class);
    assert!(registry.session(name(id())) == proven(made_up(7, 9)));
}

/// A step from behind back into the session: a second event for positions that have one.
#[test]
fn steps() {
    let class = crate::without_steps::Registry::TEST_CLASS_HASH;
    let attack = claim(id(), made_up(8, 7), made_up(6, 9));
    let registry = after(array![opening(id(), made_up(8, 7))], attack, errors::STEPS, class);
    assert!(registry.is_accepted(name(id()), made_up(6, 9)));
    assert!(events(registry) == 3);
}

/// A position that no statement has.
#[test]
fn position() {
    let class = crate::without_position::Registry::TEST_CLASS_HASH;
    let attack = opening(id(), made_up(0xffffffff, 7));
    let registry = after(array![], attack, errors::POSITION, class);
    assert!(registry.session(name(id())) == proven(made_up(0xffffffff, 7)));
}

/// One proof counts twice. Where this check alone is missing, the next one refuses, as if the frontier were another.
#[test]
fn replay() {
    let attack = opening(id(), last());
    let registry = deployed(crate::without_replay::Registry::TEST_CLASS_HASH);
    registry.register_model(model());
    registry.submit(attack, [].span());
    refused(registry, attack, [].span(), errors::FORK);

    let class = crate::without_replay_and_fork::Registry::TEST_CLASS_HASH;
    let registry = after(array![attack], attack, errors::REPLAY, class);
    assert!(events(registry) == 3);
}

/// Two stories in one session, of which each is shown in its turn.
#[test]
fn fork() {
    let class = crate::without_fork::Registry::TEST_CLASS_HASH;
    let other = Frontier { last_token: 81, ..last() };
    let registry = after(array![opening(id(), last())], opening(id(), other), errors::FORK, class);
    assert!(registry.frontier_at(name(id()), 24) == frontier_hash(other));
    assert!(!registry.is_accepted(name(id()), last()));
}

/// With the prompt proven one position earlier, as programs of statement 1 did, a stranger's wrong last token of the
/// prompt is shown as proven, and the owner is kept out for good.
#[test]
fn a_position_earlier() {
    let class = crate::a_position_earlier::Registry::TEST_CLASS_HASH;
    let wrong = Frontier { last_token: 246, ..middle() };
    let (registry, _) = accepting();
    registry.submit(opening(id(), wrong), [].span());
    assert!(registry.session(name(id())) == Default::default());
    registry.submit(opening(id(), middle()), [].span());
    let registry = deployed(class);
    registry.register_model(model());
    registry.submit(opening(id(), wrong), [].span());
    assert!(registry.session(name(id())) == proven(wrong));
    refused(registry, opening(id(), middle()), [].span(), errors::FORK);
}

/// With any end as the head, a claim inside another one takes the session back.
#[test]
fn any_end_is_the_head() {
    let class = crate::any_end_is_the_head::Registry::TEST_CLASS_HASH;
    let registry = deployed(class);
    registry.register_model(model());
    registry.submit(opening(id(), last()), [].span());
    registry.submit(opening(id(), made_up(6, 7)), [].span());
    assert!(registry.session(name(id())) == proven(made_up(6, 7)));
}

/// Felts behind a statement are proven by nothing.
#[test]
fn length() {
    let honest = statement('contract', first_of(0), last());
    let mut longer = honest.clone();
    longer.append('and more');
    let value = crate::without_length::public_value(LEAF_ROOT, longer.span());
    assert!(value == crate::span::public_value(LEAF_ROOT, honest.span()));
}
