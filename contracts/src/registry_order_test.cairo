//! What a claim may be, wherever it starts. The verifier here takes anything, so the registry alone refuses.
//! `registry_continue_test` has from where a session may go on.

use crate::interfaces::{
    Claim, IRegistryDispatcherTrait, IRegistrySafeDispatcher, IRegistrySafeDispatcherTrait, Model,
    SessionName,
};
use crate::registry::errors;
use crate::registry_setup::{
    MAX_POSITION, accept, accepting, barred, claim, first_of, made_up, model, name, open_session,
    opening, proven, reached, refused,
};

/// Frontiers of no registered model would be remembered as a model's.
#[test]
fn the_model_is_registered() {
    let (registry, id) = accepting();
    barred(registry, id + 1, first_of(0), made_up(1, 7), errors::UNKNOWN);
    barred(registry, 0, first_of(0), made_up(1, 7), errors::UNKNOWN);
}

/// With a length of 0 everything would be behind the prompt; with one beyond all positions, nothing ever.
#[test]
fn the_prompt_has_a_length() {
    let (registry, id) = accepting();
    for prompt_length in array![0_u32, MAX_POSITION + 1, 0xffffffff] {
        let other = SessionName { prompt_length, ..name(id) };
        refused(registry, open_session(other, made_up(1, 7)), [].span(), errors::PROMPT);
    }
    for prompt_length in array![1_u32, MAX_POSITION] {
        let session = SessionName { prompt_length, ..name(id) };
        registry.submit(open_session(session, made_up(1, 7)), [].span());
        let prompt_proven = prompt_length == 1;
        assert!(registry.session(session).prompt_proven == prompt_proven);
    }
}

/// A claim without steps needs no work, and would announce another frontier at the position of its start. One that
/// goes back would announce a frontier before it, on a chain of steps that comes from behind.
#[test]
fn a_claim_ends_behind_its_start() {
    let (registry, id) = accepting();
    barred(registry, id, first_of(0), made_up(0, 7), errors::STEPS);
    barred(registry, id, first_of(0), first_of(0), errors::STEPS);
    accept(registry, id, first_of(0), made_up(3, 7));
    accept(registry, id, made_up(3, 7), made_up(9, 8));
    for start in array![made_up(3, 7), made_up(9, 8)] {
        for end in array![
            start, made_up(start.position, 9), made_up(start.position - 1, 9), made_up(1, 9),
            first_of(0), made_up(0, 9),
        ] {
            barred(registry, id, start, end, errors::STEPS);
        }
    }
    assert!(reached(registry, id) == proven(made_up(9, 8)));
}

/// Positions behind 2^20 are in no statement.
#[test]
fn positions_end_at_2_20() {
    let (registry, id) = accepting();
    for position in array![MAX_POSITION + 1, 0x80000000, 0xffffffff] {
        barred(registry, id, first_of(0), made_up(position, 7), errors::POSITION);
    }
    accept(registry, id, first_of(0), made_up(MAX_POSITION - 1, 7));
    accept(registry, id, made_up(MAX_POSITION - 1, 7), made_up(MAX_POSITION, 7));
    let end = made_up(MAX_POSITION, 7);
    assert!(reached(registry, id) == proven(end));
    barred(registry, id, end, made_up(MAX_POSITION + 1, 7), errors::POSITION);
}

/// A claim covers as many steps as it was folded from.
#[test]
fn a_claim_has_any_number_of_steps() {
    let (registry, id) = accepting();
    accept(registry, id, first_of(0), made_up(MAX_POSITION, 7));
    let other = Claim {
        session: SessionName { session_id: 1, ..name(id) }, start: first_of(0), end: made_up(1, 7),
    };
    registry.submit(other, [].span());
}

/// The model's eos is token 1. Text behind a chosen one is no answer of the model.
#[test]
fn a_chosen_eos_ends_the_session() {
    let (registry, id) = accepting();
    // Position 5 is the first that is chosen.
    accept(registry, id, first_of(0), made_up(5, 1));
    let end = made_up(5, 1);
    barred(registry, id, end, made_up(6, 7), errors::FINISHED);
    barred(registry, id, end, made_up(6, 1), errors::FINISHED);
    barred(registry, id, end, made_up(MAX_POSITION, 7), errors::FINISHED);
    assert!(reached(registry, id) == proven(end));
}

/// The claim's own start counts, not the session's furthest frontier.
#[test]
fn an_ended_session_takes_what_came_before_its_end() {
    let (registry, id) = accepting();
    accept(registry, id, first_of(0), made_up(7, 1));
    accept(registry, id, first_of(0), made_up(3, 7));
    accept(registry, id, made_up(3, 7), made_up(5, 8));
    assert!(reached(registry, id) == proven(made_up(7, 1)));
}

#[test]
fn an_eos_of_the_prompt_ends_nothing() {
    let (registry, id) = accepting();
    // The first token, one within, and the last one, at position 4.
    let session = SessionName { first_token: 1, ..name(id) };
    let mut start = first_of(1);
    for end in array![made_up(2, 1), made_up(4, 1), made_up(5, 7), made_up(6, 8)] {
        registry.submit(Claim { session, start, end }, [].span());
        start = end;
    }
    assert!(registry.session(session) == proven(made_up(6, 8)));
    // A prompt of eos alone.
    let alone = SessionName { session_id: 1, prompt_length: 1, ..session };
    registry.submit(open_session(alone, made_up(1, 7)), [].span());
}

#[test]
fn another_token_ends_nothing() {
    let (registry, id) = accepting();
    let mut start = first_of(0);
    for end in array![
        made_up(5, 0), made_up(6, 2), made_up(7, 3), made_up(8, 0xffffffff), made_up(9, 1),
    ] {
        accept(registry, id, start, end);
        start = end;
    }
}

/// The code of eos is the token plus one, and the code 0 is none.
#[test]
fn without_eos_nothing_ends() {
    let (registry, _) = accepting();
    let id = registry.register_model(Model { eos: 0, ..model() });
    let mut start = first_of(0);
    for end in array![made_up(5, 0), made_up(6, 1), made_up(7, 0xffffffff), made_up(8, 0)] {
        accept(registry, id, start, end);
        start = end;
    }
    // The code 1 is token 0.
    let id = registry.register_model(Model { eos: 1, ..model() });
    accept(registry, id, first_of(0), made_up(5, 0));
    barred(registry, id, made_up(5, 0), made_up(6, 1), errors::FINISHED);
}

/// Whoever asks what to prove is told so before proving.
#[test]
#[feature("safe_dispatcher")]
fn statements_are_refused_as_claims_are() {
    let (registry, id) = accepting();
    let safe = IRegistrySafeDispatcher { contract_address: registry.contract_address };
    let start = first_of(0);
    let claims = array![
        (opening(id + 1, made_up(1, 7)), errors::UNKNOWN),
        (claim(id, made_up(1, 7), made_up(2, 7)), errors::GAP),
        (opening(id, start), errors::STEPS),
        (opening(id, made_up(MAX_POSITION + 1, 7)), errors::POSITION),
    ];
    for (claim, reason) in claims {
        assert!(*safe.statement(claim).unwrap_err()[0] == reason);
    }
    assert!(reached(registry, id) == Default::default());
    accept(registry, id, start, made_up(5, 7));
    assert!(*safe.statement(opening(id, made_up(5, 8))).unwrap_err()[0] == errors::FORK);
    assert!(*safe.statement(opening(id, made_up(5, 7))).unwrap_err()[0] == errors::REPLAY);
}
