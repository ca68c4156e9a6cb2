//! What a claim may be, wherever it starts. The verifier here takes anything, so the registry alone refuses.
//! `registry_continue_test` has from where a session may go on.

use crate::interfaces::{
    Claim, IRegistryDispatcherTrait, IRegistrySafeDispatcher, IRegistrySafeDispatcherTrait, Model,
    Session, SessionName,
};
use crate::registry::errors;
use crate::registry_setup::{
    MAX_POSITION, accepting, barred, chunk, claim, first_of, made_up, model, name, open_session,
    opening, reached, refused, single_steps,
};

/// Statements of no registered model would be remembered as a model's.
#[test]
fn the_model_is_registered() {
    let (registry, id) = accepting();
    barred(registry, id + 1, first_of(0), single_steps(1), errors::UNKNOWN);
    barred(registry, 0, first_of(0), single_steps(1), errors::UNKNOWN);
}

#[test]
fn there_are_one_to_sixteen_chunks() {
    let (registry, id) = accepting();
    barred(registry, id, first_of(0), single_steps(0), errors::CHUNKS);
    barred(registry, id, first_of(0), single_steps(17), errors::CHUNKS);
    registry.submit(opening(id, single_steps(16)), [].span());
    let end = made_up(16, 115);
    assert!(reached(registry, id).frontier == end);
    barred(registry, id, end, single_steps(0), errors::CHUNKS);
    registry.submit(claim(id, end, single_steps(1)), [].span());
}

#[test]
fn the_prompt_has_a_length() {
    let (registry, id) = accepting();
    for prompt_length in array![0_u32, MAX_POSITION + 1, 0xffffffff] {
        let other = SessionName { prompt_length, ..name(id) };
        refused(registry, open_session(other, single_steps(1)), [].span(), errors::PROMPT);
    }
    for prompt_length in array![1_u32, MAX_POSITION] {
        let session = SessionName { prompt_length, ..name(id) };
        registry.submit(open_session(session, single_steps(1)), [].span());
    }
}

/// Chunks without steps would go on for ever at one place.
#[test]
fn a_chunk_has_steps() {
    let (registry, id) = accepting();
    barred(registry, id, first_of(0), [chunk(0, 7)].span(), errors::STEPS);
    barred(registry, id, first_of(0), [chunk(1, 7), chunk(0, 7)].span(), errors::STEPS);
}

/// The reason is named also where a sum of 32 bits would overflow.
#[test]
fn positions_end_at_2_20() {
    let (registry, id) = accepting();
    let start = first_of(0);
    for steps in array![MAX_POSITION + 1, 0xffffffff] {
        barred(registry, id, start, [chunk(steps, 7)].span(), errors::POSITION);
        barred(registry, id, start, [chunk(1, 7), chunk(steps, 7)].span(), errors::POSITION);
    }
    barred(registry, id, start, [chunk(MAX_POSITION, 7), chunk(1, 7)].span(), errors::POSITION);
    barred(registry, id, start, [chunk(1, 7), chunk(MAX_POSITION, 7)].span(), errors::POSITION);
    registry.submit(opening(id, [chunk(MAX_POSITION - 1, 7)].span()), [].span());
    let start = made_up(MAX_POSITION - 1, 7);
    for steps in array![2, MAX_POSITION, 0xfff00001, 0xffffffff] {
        barred(registry, id, start, [chunk(steps, 7)].span(), errors::POSITION);
    }
    registry.submit(claim(id, start, [chunk(1, 7)].span()), [].span());
    let end = made_up(MAX_POSITION, 7);
    assert!(reached(registry, id).frontier == end);
    barred(registry, id, end, [chunk(1, 7)].span(), errors::POSITION);
}

/// The model's eos is token 1. Text behind a chosen one is no answer of the model.
#[test]
fn a_chosen_eos_ends_the_session() {
    let (registry, id) = accepting();
    let start = first_of(0);
    // Position 5 is the first that is chosen.
    barred(registry, id, start, [chunk(5, 1), chunk(1, 7)].span(), errors::FINISHED);
    barred(registry, id, start, [chunk(4, 7), chunk(1, 1), chunk(1, 7)].span(), errors::FINISHED);
    barred(registry, id, start, [chunk(9, 1), chunk(1, 1)].span(), errors::FINISHED);
    registry.submit(opening(id, [chunk(4, 7), chunk(1, 1)].span()), [].span());
    let end = made_up(5, 1);
    barred(registry, id, end, single_steps(1), errors::FINISHED);
    barred(registry, id, end, [chunk(1, 1)].span(), errors::FINISHED);
    assert!(reached(registry, id).frontier == end);
}

/// Each chunk's own start counts, not the session's furthest frontier.
#[test]
fn an_ended_session_takes_what_came_before_its_end() {
    let (registry, id) = accepting();
    registry.submit(opening(id, [chunk(4, 7), chunk(1, 1)].span()), [].span());
    registry.submit(opening(id, [chunk(5, 1)].span()), [].span());
    registry.submit(opening(id, [chunk(3, 7), chunk(2, 1)].span()), [].span());
    barred(registry, id, made_up(3, 7), [chunk(2, 1), chunk(1, 7)].span(), errors::FINISHED);
}

#[test]
fn an_eos_of_the_prompt_ends_nothing() {
    let (registry, id) = accepting();
    // The first token, one within, and the last one, at position 4; within and across submissions.
    let session = SessionName { first_token: 1, ..name(id) };
    registry.submit(open_session(session, [chunk(2, 1), chunk(2, 1)].span()), [].span());
    let next = Claim {
        session, start: made_up(4, 1), chunks: [chunk(1, 7), chunk(1, 8)].span(),
    };
    registry.submit(next, [].span());
    assert!(registry.session(session).frontier.position == 6);
    // A prompt of eos alone.
    let alone = SessionName { session_id: 1, prompt_length: 1, ..session };
    registry.submit(open_session(alone, single_steps(1)), [].span());
}

#[test]
fn another_token_ends_nothing() {
    let (registry, id) = accepting();
    let tokens = [chunk(5, 0), chunk(1, 2), chunk(1, 3), chunk(1, 0xffffffff), chunk(1, 1)];
    registry.submit(opening(id, tokens.span()), [].span());
    assert!(reached(registry, id).frontier.position == 9);
}

/// The code of eos is the token plus one, and the code 0 is none.
#[test]
fn without_eos_nothing_ends() {
    let (registry, _) = accepting();
    let id = registry.register_model(Model { eos: 0, ..model() });
    let tokens = [chunk(5, 0), chunk(1, 1), chunk(1, 0xffffffff), chunk(1, 0)].span();
    registry.submit(opening(id, tokens), [].span());
    registry.submit(claim(id, made_up(8, 0), single_steps(1)), [].span());
    // The code 1 is token 0.
    let id = registry.register_model(Model { eos: 1, ..model() });
    barred(registry, id, first_of(0), tokens, errors::FINISHED);
}

/// Whoever asks what to prove is told so before proving.
#[test]
#[feature("safe_dispatcher")]
fn statements_are_refused_as_claims_are() {
    let (registry, id) = accepting();
    let safe = IRegistrySafeDispatcher { contract_address: registry.contract_address };
    let claims = array![
        (opening(id + 1, single_steps(1)), errors::UNKNOWN),
        (opening(id, single_steps(17)), errors::CHUNKS),
        (claim(id, made_up(1, 7), single_steps(1)), errors::GAP),
        (opening(id, [chunk(0, 7)].span()), errors::STEPS),
    ];
    for (claim, reason) in claims {
        assert!(*safe.statements(claim).unwrap_err()[0] == reason);
    }
    assert!(reached(registry, id) == Default::<Session>::default());
    registry.submit(opening(id, single_steps(5)), [].span());
    let other = claim(id, made_up(4, 103), [chunk(1, 7)].span());
    assert!(*safe.statements(other).unwrap_err()[0] == errors::FORK);
    let again = opening(id, single_steps(5));
    assert!(*safe.statements(again).unwrap_err()[0] == errors::REPLAY);
}
