//! From where a session goes on, and that nobody can be kept from going on: gaps, replays, forks, claims that
//! overlap, and what strangers submit first. Where the verifier takes anything, the registry alone refuses; where
//! it compares, an attack is one that the registry's own checks cannot see.

use starknet::testing::pop_log_raw;
use crate::interfaces::{
    Claim, Frontier, IRegistryDispatcher, IRegistryDispatcherTrait, Model, SessionName,
};
use crate::registry::errors;
use crate::registry_setup::{
    LEAF_ROOT, MAX_POSITION, accept, accepting, barred, claim, comparing, first_of, frontier_hash,
    last, made_up, middle, model, name, open_session, opening, proof, proof_of, proven, reached,
    refused,
};

/// Takes the events so far, at least one.
fn skip_events(registry: IRegistryDispatcher) {
    let mut n = 0_u32;
    while pop_log_raw(registry.contract_address).is_some() {
        n += 1;
    }
    assert!(n != 0);
}

/// Start and end of the events since, as positions.
fn new_spans(registry: IRegistryDispatcher) -> Array<(felt252, felt252)> {
    let mut spans = array![];
    while let Some((_, data)) = pop_log_raw(registry.contract_address) {
        spans.append((*data[3], *data[8]));
    }
    spans
}

/// A circuit that accepts anything, registered with an honest model's root, versions and eos: its statements have
/// the honest model's felts. They count for its own id only.
#[test]
fn a_lie_counts_for_the_liars_id_alone() {
    let (registry, id) = comparing();
    let lying = registry.register_model(Model { leaf_root: LEAF_ROOT + 1, ..model() });
    let lie = Frontier { last_token: 81, ..last() };
    let statement = registry.statement(opening(lying, lie));
    assert!(statement == registry.statement(opening(id, lie)));
    skip_events(registry);
    registry.submit(opening(lying, lie), proof_of(LEAF_ROOT + 1, statement));
    assert!(registry.is_accepted(name(lying), lie));
    assert!(!registry.is_accepted(name(id), lie));
    assert!(reached(registry, id) == Default::default());
    assert!(registry.frontier_at(name(id), 24) == 0);
    let (keys, _) = pop_log_raw(registry.contract_address).unwrap();
    assert!(*keys[1] == lying);
    // The honest model's session goes on as if nothing had been.
    registry.submit(opening(id, last()), proof(registry, first_of(0), last()));
    assert!(reached(registry, id) == proven(last()));
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
        registry.submit(open_session(*squat, made_up(1, 7)), [].span());
    }
    accept(registry, id, first_of(0), last());
    assert!(reached(registry, id) == proven(last()));
    for squat in squats.span() {
        // Of these only the prompt of one token is behind its end.
        let prompt_proven = *squat.prompt_length == 1;
        assert!(registry.session(*squat).prompt_proven == prompt_proven);
    }
}

/// Inside the prompt the prover chooses the tokens. Wrong ones of the same session keep nobody out, and are never
/// what the session has reached.
#[test]
fn wrong_prompt_tokens_block_nobody() {
    let (registry, id) = accepting();
    accept(registry, id, first_of(0), made_up(2, 7));
    accept(registry, id, made_up(2, 7), made_up(3, 8));
    assert!(reached(registry, id) == Default::default());
    accept(registry, id, first_of(0), made_up(3, 100));
    assert!(reached(registry, id) == Default::default());
    // Each of the two goes on from its own frontiers.
    accept(registry, id, made_up(3, 100), made_up(5, 50));
    assert!(reached(registry, id) == proven(made_up(5, 50)));
    accept(registry, id, made_up(3, 8), made_up(4, 9));
    assert!(reached(registry, id) == proven(made_up(5, 50)));
}

/// A chunk that ends at `prompt_length - 1` has compared nothing, as all its tokens are the prover's choice. Were that
/// position behind the prompt, a stranger's wrong last token would be shown as proven, and keep the owner out.
#[test]
fn a_wrong_last_token_of_the_prompt_is_no_future() {
    let (registry, id) = accepting();
    let wrong = Frontier { last_token: 246, ..middle() };
    accept(registry, id, first_of(0), wrong);
    assert!(reached(registry, id) == Default::default());
    assert!(registry.frontier_at(name(id), 4) == 0);
    accept(registry, id, first_of(0), middle());
    assert!(registry.is_accepted(name(id), wrong) && registry.is_accepted(name(id), middle()));
    assert!(reached(registry, id) == Default::default());
    accept(registry, id, middle(), last());
    assert!(reached(registry, id) == proven(last()));
    // Behind the prompt a second one at the same position has no place.
    let other = Frontier { last_token: 81, ..last() };
    barred(registry, id, wrong, other, errors::FORK);
}

/// The prompt has five tokens, at positions 0 to 4: the step from position 4 to 5 compares their root.
#[test]
fn the_prompt_is_proven_behind_its_last_token() {
    let (registry, id) = accepting();
    let mut start = first_of(0);
    for position in 1..9_u32 {
        let end = made_up(position, 100 + position);
        accept(registry, id, start, end);
        let (session, there) = if position >= 5 {
            (proven(end), frontier_hash(end))
        } else {
            (Default::default(), 0)
        };
        assert!(reached(registry, id) == session, "position {position}");
        assert!(registry.frontier_at(name(id), position) == there);
        start = end;
    }
    // A prompt of one token is compared in the first step.
    let short = SessionName { prompt_length: 1, ..name(id) };
    registry.submit(open_session(short, made_up(1, 100)), [].span());
    assert!(registry.session(short) == proven(made_up(1, 100)));
}

/// A claim from inside the prompt that ends at its length or behind it has a chunk that compares, wherever its cuts
/// are; one that ends a position earlier has not.
#[test]
fn a_claim_over_the_prompts_end_proves_it() {
    let (registry, id) = accepting();
    for position in array![5_u32, 6, 40] {
        let session = SessionName { session_id: position.into(), ..name(id) };
        let submit = |start, end| registry.submit(Claim { session, start, end }, [].span());
        submit(first_of(0), made_up(3, 7));
        submit(made_up(3, 7), made_up(4, 8));
        assert!(registry.session(session) == Default::default());
        let end = made_up(position, 9);
        submit(made_up(3, 7), end);
        assert!(registry.session(session) == proven(end));
        assert!(registry.frontier_at(session, position) == frontier_hash(end));
    }
}

/// The owner has folded all chunks into one; a stranger submits the first of them alone, from the same proofs.
#[test]
fn a_longer_claim_lands() {
    let (registry, id) = comparing();
    registry.submit(opening(id, middle()), proof(registry, first_of(0), middle()));
    skip_events(registry);
    let whole = proof(registry, first_of(0), last());
    registry.submit(opening(id, last()), whole);
    assert!(reached(registry, id) == proven(last()));
    assert!(new_spans(registry) == array![(0, 24)]);
    refused(registry, opening(id, last()), whole, errors::REPLAY);
}

/// The same steps would count twice: as they were, in another cut, or once as a whole and once behind a part.
#[test]
fn requirement_28_an_end_counts_once() {
    let (registry, id) = accepting();
    accept(registry, id, first_of(0), made_up(2, 7));
    accept(registry, id, made_up(2, 7), made_up(3, 8));
    accept(registry, id, made_up(3, 8), made_up(8, 20));
    accept(registry, id, made_up(8, 20), made_up(16, 21));
    skip_events(registry);
    for end in array![made_up(3, 8), made_up(8, 20), made_up(16, 21)] {
        for start in array![first_of(0), made_up(2, 7), made_up(3, 8), made_up(8, 20)] {
            if start.position < end.position {
                barred(registry, id, start, end, errors::REPLAY);
            }
        }
    }
    assert!(new_spans(registry).is_empty());
    assert!(reached(registry, id) == proven(made_up(16, 21)));
}

/// Two cuts of the same tokens: claims inside another one, and over its end. The session never goes back.
#[test]
fn claims_may_overlap() {
    let (registry, id) = accepting();
    accept(registry, id, first_of(0), made_up(16, 20));
    skip_events(registry);
    let head = proven(made_up(16, 20));
    accept(registry, id, first_of(0), made_up(8, 30));
    assert!(reached(registry, id) == head);
    accept(registry, id, made_up(8, 30), made_up(12, 31));
    assert!(reached(registry, id) == head);
    accept(registry, id, first_of(0), made_up(3, 32));
    assert!(reached(registry, id) == head);
    accept(registry, id, made_up(12, 31), made_up(17, 40));
    assert!(reached(registry, id) == proven(made_up(17, 40)));
    accept(registry, id, made_up(16, 20), made_up(24, 41));
    assert!(reached(registry, id) == proven(made_up(24, 41)));
    // Whoever counts must count positions: 24 of them, and 37 steps in the events.
    let spans = array![(0, 8), (8, 12), (0, 3), (12, 17), (16, 24)];
    assert!(new_spans(registry) == spans);
}

/// Behind the prompt a session has one frontier at each position. An honest model cannot do otherwise; one whose
/// circuit accepts anything must not be able to tell two stories under one id.
#[test]
fn a_session_has_one_future() {
    let (registry, id) = accepting();
    accept(registry, id, first_of(0), made_up(4, 7));
    accept(registry, id, made_up(4, 7), made_up(5, 8));
    accept(registry, id, made_up(5, 8), made_up(8, 9));
    let before = reached(registry, id);
    skip_events(registry);
    for good in array![made_up(5, 8), made_up(8, 9)] {
        for other in array![
            Frontier { last_token: 10, ..good }, Frontier { kv_root: 1, ..good },
            Frontier { tokens_root: 1, ..good }, Frontier { chosen_root: 1, ..good },
        ] {
            barred(registry, id, made_up(4, 7), other, errors::FORK);
            barred(registry, id, first_of(0), other, errors::FORK);
        }
    }
    assert!(reached(registry, id) == before);
    assert!(new_spans(registry).is_empty());
    assert!(registry.frontier_at(name(id), 8) == frontier_hash(made_up(8, 9)));
    assert!(registry.frontier_at(name(id), 9) == 0);
}

/// Tokens that nobody proved would lie between the claims.
#[test]
fn nothing_is_left_out() {
    let (registry, id) = accepting();
    barred(registry, id, made_up(1, 7), made_up(2, 7), errors::GAP);
    accept(registry, id, first_of(0), made_up(2, 101));
    accept(registry, id, made_up(2, 101), made_up(6, 7));
    // Inside the prompt and behind it.
    let next = made_up(20, 7);
    for end in array![made_up(2, 101), made_up(6, 7)] {
        for other in array![
            Frontier { position: end.position + 1, ..end },
            Frontier { position: end.position - 1, ..end }, Frontier { last_token: 9, ..end },
            Frontier { kv_root: 1, ..end }, Frontier { tokens_root: 1, ..end },
            Frontier { chosen_root: 1, ..end },
        ] {
            barred(registry, id, other, next, errors::GAP);
        }
    }
    for position in array![0_u32, 4, 7, MAX_POSITION, MAX_POSITION + 1, 0xffffffff] {
        barred(registry, id, made_up(position, 7), next, errors::GAP);
    }
    for other in array![
        first_of(1), Frontier { kv_root: 1, ..first_of(0) },
        Frontier { tokens_root: 1, ..first_of(0) }, Frontier { chosen_root: 1, ..first_of(0) },
    ] {
        barred(registry, id, other, next, errors::GAP);
    }
}

/// What a claim passes is no place to start: the registry has seen its two ends only.
#[test]
fn a_frontier_inside_a_claim_is_no_start() {
    let (registry, id) = comparing();
    registry.submit(opening(id, last()), proof(registry, first_of(0), last()));
    let next = made_up(9, 7);
    refused(registry, claim(id, middle(), next), proof(registry, middle(), next), errors::GAP);
    // It becomes one by a claim that ends there.
    registry.submit(opening(id, middle()), proof(registry, first_of(0), middle()));
    registry.submit(claim(id, middle(), next), proof(registry, middle(), next));
}

/// A frontier of one session is no place to start in another, be it alike in all but one part of its name.
#[test]
fn sessions_lend_no_frontiers() {
    let (registry, id) = accepting();
    let other_id = registry.register_model(Model { eos: 0, ..model() });
    accept(registry, id, first_of(0), made_up(2, 7));
    accept(registry, id, made_up(2, 7), made_up(6, 8));
    let others = array![
        name(other_id), SessionName { session_id: 1, ..name(id) },
        SessionName { prompt_root: 1, ..name(id) }, SessionName { prompt_length: 6, ..name(id) },
        SessionName { first_token: 1, ..name(id) },
    ];
    for session in others {
        for start in array![made_up(2, 7), made_up(6, 8)] {
            assert!(!registry.is_accepted(session, start));
            let claim = Claim { session, start, end: made_up(10, 9) };
            refused(registry, claim, [].span(), errors::GAP);
        }
    }
    accept(registry, id, made_up(2, 7), made_up(7, 9));
    accept(registry, id, made_up(6, 8), made_up(10, 9));
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
    let mut position = 3;
    for session in names.span() {
        position += 1;
        assert!(registry.session(*session) == Default::default());
        registry.submit(open_session(*session, made_up(position, 7)), [].span());
    }
    // Each goes on from where it stands.
    let mut position = 3;
    for session in names.span() {
        position += 1;
        let start = made_up(position, 7);
        assert!(registry.session(*session) == proven(start));
        let end = made_up(position + 10, 8);
        registry.submit(Claim { session: *session, start, end }, [].span());
        assert!(registry.session(*session) == proven(end));
    }
}

#[test]
fn claims_come_in_order() {
    let (registry, id) = comparing();
    let second = proof(registry, middle(), last());
    refused(registry, claim(id, middle(), last()), second, errors::GAP);
    // As if it were the first.
    refused(registry, opening(id, last()), second, 'proof: refused');
    registry.submit(opening(id, middle()), proof(registry, first_of(0), middle()));
    // An old proof at the new start: its statement has another frontier.
    refused(
        registry,
        claim(id, middle(), last()),
        proof(registry, first_of(0), last()),
        'proof: refused',
    );
    registry.submit(claim(id, middle(), last()), second);
}
