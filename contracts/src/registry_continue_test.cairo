//! From where a session goes on, and that nobody can be kept from going on: gaps, replays, forks, claims that
//! overlap, and what strangers submit first. Where the verifier takes anything, the registry alone refuses; where
//! it compares, an attack is one that the registry's own checks cannot see.

use core::poseidon::poseidon_hash_span;
use starknet::testing::pop_log_raw;
use crate::interfaces::{
    Chunk, Claim, Frontier, IRegistryDispatcher, IRegistryDispatcherTrait, Model, Session,
    SessionName,
};
use crate::registry::errors;
use crate::registry_setup::{
    LEAF_ROOT, MAX_POSITION, accepting, after, barred, chunk, chunks, claim, comparing, first_of,
    first_proof, first_statement, frontier_hash, hash_of, made_up, middle, model, name,
    open_session, opening, proof_of, proven, reached, refused, second_proof, second_statement,
    single_steps,
};

/// Takes the events so far, at least one.
fn skip_events(registry: IRegistryDispatcher) {
    let mut n = 0_u32;
    while pop_log_raw(registry.contract_address).is_some() {
        n += 1;
    }
    assert!(n != 0);
}

/// The statement hashes of the events since, in order.
fn new_hashes(registry: IRegistryDispatcher) -> Array<felt252> {
    let mut hashes = array![];
    while let Some((_, data)) = pop_log_raw(registry.contract_address) {
        hashes.append(*data[data.len() - 1]);
    }
    hashes
}

/// A circuit that accepts anything, registered with an honest model's root, versions and eos: its statements have
/// the honest model's felts. They count for its own id only.
#[test]
fn a_lie_counts_for_the_liars_id_alone() {
    let (registry, id) = comparing();
    let lying = registry.register_model(Model { leaf_root: LEAF_ROOT + 1, ..model() });
    let [first, _] = chunks();
    let lie = Chunk { last_token: 246, ..first };
    let honest = registry.statements(opening(id, [lie].span()));
    let statement = registry.statements(opening(lying, [lie].span()));
    assert!(statement == honest);
    let hash = poseidon_hash_span(statement.span());
    skip_events(registry);
    registry.submit(opening(lying, [lie].span()), proof_of(LEAF_ROOT + 1, array![statement]));
    assert!(registry.is_accepted(lying, hash));
    assert!(!registry.is_accepted(id, hash));
    assert!(reached(registry, id) == Default::<Session>::default());
    assert!(registry.frontier_at(name(id), 4) == 0);
    let (keys, _) = pop_log_raw(registry.contract_address).unwrap();
    assert!(*keys[1] == lying);
    // The honest model's session goes on as if nothing had been.
    registry.submit(opening(id, [first].span()), first_proof(registry));
    assert!(reached(registry, id) == proven(middle()));
}

/// Length and first token come from whoever submits first; with others it is another session.
#[test]
fn squatting_blocks_nobody() {
    let (registry, id) = accepting();
    let squats = array![
        SessionName { prompt_length: 1000, ..name(id) },
        SessionName { prompt_length: 1, ..name(id) }, SessionName { first_token: 77, ..name(id) },
        SessionName { prompt_root: 1, ..name(id) },
    ];
    for squat in squats.span() {
        registry.submit(open_session(*squat, [chunk(1, 7)].span()), [].span());
    }
    registry.submit(opening(id, chunks().span()), [].span());
    let [_, second] = chunks();
    assert!(reached(registry, id) == proven(after(middle(), second)));
    for squat in squats.span() {
        // Of these only the prompt of one token is at its end.
        let prompt_proven = *squat.prompt_length == 1;
        assert!(registry.session(*squat).prompt_proven == prompt_proven);
    }
}

/// Inside the prompt the prover chooses the tokens. Wrong ones of the same session keep nobody out, and are never
/// what the session has reached.
#[test]
fn wrong_prompt_tokens_block_nobody() {
    let (registry, id) = accepting();
    let wrong = [chunk(1, 7), chunk(1, 8), chunk(1, 9)].span();
    registry.submit(opening(id, wrong), [].span());
    assert!(reached(registry, id) == Default::<Session>::default());
    registry.submit(opening(id, single_steps(3)), [].span());
    assert!(reached(registry, id) == Default::<Session>::default());
    // Each of the two goes on from its own frontiers.
    registry.submit(claim(id, made_up(3, 102), [chunk(2, 50)].span()), [].span());
    assert!(reached(registry, id) == proven(made_up(5, 50)));
    registry.submit(claim(id, made_up(2, 8), [chunk(1, 10)].span()), [].span());
    assert!(reached(registry, id) == proven(made_up(5, 50)));
}

/// The prompt has five tokens, at positions 0 to 4: the step to position 4 compares their root.
#[test]
fn the_prompt_is_proven_at_its_last_token() {
    let (registry, id) = accepting();
    for position in 0..8_u32 {
        let start = if position == 0 {
            first_of(0)
        } else {
            made_up(position, 100 + position)
        };
        let end = made_up(position + 1, 101 + position);
        registry.submit(claim(id, start, [chunk(1, end.last_token)].span()), [].span());
        let (session, there) = if end.position >= 4 {
            (proven(end), frontier_hash(end))
        } else {
            (Default::default(), 0)
        };
        assert!(reached(registry, id) == session, "position {}", end.position);
        assert!(registry.frontier_at(name(id), end.position) == there);
    }
    // A prompt of one token is compared before the first step.
    let short = SessionName { prompt_length: 1, ..name(id) };
    registry.submit(open_session(short, single_steps(1)), [].span());
    assert!(registry.session(short) == proven(made_up(1, 100)));
}

/// The owner has proven and wrapped both chunks in one; a stranger submits the first alone.
#[test]
fn a_submission_with_something_new_lands() {
    let (registry, id) = comparing();
    let [first, second] = chunks();
    registry.submit(opening(id, [first].span()), first_proof(registry));
    skip_events(registry);
    let contract = registry.contract_address.into();
    let both = proof_of(LEAF_ROOT, array![first_statement(contract), second_statement(contract)]);
    registry.submit(opening(id, [first, second].span()), both);
    assert!(reached(registry, id) == proven(after(middle(), second)));
    // The first one is recorded once.
    assert!(new_hashes(registry) == array![hash_of(second_statement(contract))]);
    refused(registry, opening(id, [first, second].span()), both, errors::REPLAY);
}

/// What was accepted before is verified again all the same.
#[test]
fn known_statements_need_their_proof() {
    let (registry, id) = comparing();
    let [first, second] = chunks();
    registry.submit(opening(id, [first].span()), first_proof(registry));
    let claim = opening(id, [first, second].span());
    refused(registry, claim, second_proof(registry), 'proof: refused');
}

/// The same work would count twice.
#[test]
fn requirement_28_a_statement_counts_once() {
    let (registry, id) = accepting();
    let [first, second] = chunks();
    registry.submit(opening(id, [first, second].span()), [].span());
    skip_events(registry);
    barred(registry, id, first_of(0), [first, second].span(), errors::REPLAY);
    barred(registry, id, first_of(0), [first].span(), errors::REPLAY);
    barred(registry, id, middle(), [second].span(), errors::REPLAY);
    assert!(new_hashes(registry).is_empty());
}

/// Two cuts of the same tokens; the session reaches no further by the second.
#[test]
fn another_cut_lands_and_moves_nothing_back() {
    let (registry, id) = accepting();
    registry.submit(opening(id, [chunk(8, 20)].span()), [].span());
    assert!(reached(registry, id) == proven(made_up(8, 20)));
    registry.submit(opening(id, [chunk(2, 30), chunk(4, 31)].span()), [].span());
    assert!(reached(registry, id) == proven(made_up(8, 20)));
    registry.submit(claim(id, made_up(6, 31), [chunk(2, 20)].span()), [].span());
    assert!(reached(registry, id) == proven(made_up(8, 20)));
    registry.submit(claim(id, made_up(6, 31), [chunk(3, 40)].span()), [].span());
    assert!(reached(registry, id) == proven(made_up(9, 40)));
    registry.submit(claim(id, made_up(8, 20), [chunk(1, 40), chunk(1, 41)].span()), [].span());
    assert!(reached(registry, id) == proven(made_up(10, 41)));
}

/// Behind the prompt a session has one frontier at each position. An honest model cannot do otherwise; one whose
/// circuit accepts anything must not be able to tell two stories under one id.
#[test]
fn a_session_has_one_future() {
    let (registry, id) = accepting();
    registry.submit(opening(id, [chunk(4, 7), chunk(4, 8)].span()), [].span());
    let before = reached(registry, id);
    skip_events(registry);
    let good = chunk(4, 8);
    let others = array![
        Chunk { last_token: 9, ..good }, Chunk { kv_root: 1, ..good },
        Chunk { tokens_root: 1, ..good },
    ];
    for other in others {
        barred(registry, id, made_up(4, 7), [other].span(), errors::FORK);
        // From the first frontier, in another cut, and where something new stands beside it.
        let cut = [chunk(3, 7), Chunk { steps: 5, ..other }].span();
        barred(registry, id, first_of(0), cut, errors::FORK);
        barred(registry, id, made_up(4, 7), [other, chunk(1, 7)].span(), errors::FORK);
    }
    // At the prompt's last token too.
    barred(registry, id, first_of(0), [chunk(4, 9)].span(), errors::FORK);
    assert!(reached(registry, id) == before);
    assert!(new_hashes(registry).is_empty());
    assert!(registry.frontier_at(name(id), 8) == frontier_hash(made_up(8, 8)));
    assert!(registry.frontier_at(name(id), 9) == 0);
}

/// An old proof at the new position: its statement has another frontier.
#[test]
fn an_old_proof_does_not_fit_the_frontier() {
    let (registry, id) = comparing();
    let first = [*chunks().span()[0]].span();
    registry.submit(opening(id, first), first_proof(registry));
    refused(registry, claim(id, middle(), first), first_proof(registry), 'proof: refused');
}

/// Tokens that nobody proved would lie between the chunks.
#[test]
fn nothing_is_left_out() {
    let (registry, id) = accepting();
    barred(registry, id, made_up(1, 7), single_steps(1), errors::GAP);
    registry.submit(opening(id, single_steps(2)), [].span());
    registry.submit(claim(id, made_up(2, 101), [chunk(4, 7)].span()), [].span());
    // Inside the prompt and behind it; the middle of a chunk; nowhere.
    for end in array![made_up(2, 101), made_up(6, 7)] {
        for other in array![
            Frontier { position: end.position + 1, ..end },
            Frontier { position: end.position - 1, ..end }, Frontier { last_token: 9, ..end },
            Frontier { kv_root: 1, ..end }, Frontier { tokens_root: 1, ..end },
        ] {
            barred(registry, id, other, single_steps(1), errors::GAP);
        }
    }
    for position in array![0_u32, 4, 7, MAX_POSITION, MAX_POSITION + 1, 0xffffffff] {
        barred(registry, id, made_up(position, 7), single_steps(1), errors::GAP);
    }
    for other in array![
        first_of(1), Frontier { kv_root: 1, ..first_of(0) },
        Frontier { tokens_root: 1, ..first_of(0) }, Frontier { last_token: 1, ..first_of(0) },
        Default::default(),
    ] {
        barred(registry, id, other, single_steps(1), errors::GAP);
    }
}

/// A frontier of one session is no place to start in another, be it alike in all but one part of its name.
#[test]
fn sessions_lend_no_frontiers() {
    let (registry, id) = accepting();
    let other_id = registry.register_model(Model { eos: 0, ..model() });
    registry.submit(opening(id, [chunk(2, 7), chunk(4, 8)].span()), [].span());
    let others = array![
        name(other_id), SessionName { session_id: 1, ..name(id) },
        SessionName { prompt_root: 1, ..name(id) }, SessionName { prompt_length: 6, ..name(id) },
        SessionName { first_token: 1, ..name(id) },
    ];
    for session in others {
        for start in array![made_up(2, 7), made_up(6, 8)] {
            let claim = Claim { session, start, chunks: single_steps(1) };
            refused(registry, claim, [].span(), errors::GAP);
        }
    }
    for start in array![made_up(2, 7), made_up(6, 8)] {
        registry.submit(claim(id, start, single_steps(1)), [].span());
    }
}

#[test]
fn chunks_come_in_order() {
    let (registry, id) = comparing();
    let [first, second] = chunks();
    refused(registry, claim(id, middle(), [second].span()), second_proof(registry), errors::GAP);
    // As if it were the first, and both the wrong way round in one submission.
    refused(registry, opening(id, [second].span()), second_proof(registry), 'proof: refused');
    let contract = registry.contract_address.into();
    let swapped = array![second_statement(contract), first_statement(contract)];
    let swapped = proof_of(LEAF_ROOT, swapped);
    refused(registry, opening(id, [second, first].span()), swapped, 'proof: refused');
    refused(registry, opening(id, [first, second].span()), swapped, 'proof: refused');
    registry.submit(opening(id, [first].span()), first_proof(registry));
    registry.submit(claim(id, middle(), [second].span()), second_proof(registry));
}
