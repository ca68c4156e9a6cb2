//! What a claim may be. The verifier here takes anything, so the registry alone refuses; where it
//! compares, an attack is one that its own checks cannot see.

use crate::interfaces::{
    Claim, IRegistryDispatcherTrait, IRegistrySafeDispatcher, IRegistrySafeDispatcherTrait, Model,
    Session,
};
use crate::registry::errors;
use crate::registry_setup::{
    LEAF_ROOT, MAX_POSITION, accepting, barred, chunk, chunks, claim, comparing, first_proof,
    first_statement, model, proof_of, reached, refused, second_proof, second_statement,
    single_steps,
};

/// Statements of no registered model would be remembered as a model's.
#[test]
fn the_model_is_registered() {
    let (registry, id) = accepting();
    barred(registry, id + 1, 0, single_steps(1), errors::UNKNOWN);
    barred(registry, 0, 0, single_steps(1), errors::UNKNOWN);
}

#[test]
fn there_are_one_to_sixteen_chunks() {
    let (registry, id) = accepting();
    barred(registry, id, 0, single_steps(0), errors::CHUNKS);
    barred(registry, id, 0, single_steps(17), errors::CHUNKS);
    registry.submit(claim(id, 0, single_steps(16)), [].span());
    assert!(reached(registry, id).chunks == 16);
    barred(registry, id, 16, single_steps(0), errors::CHUNKS);
    registry.submit(claim(id, 16, single_steps(1)), [].span());
}

/// The same work would count twice.
#[test]
fn requirement_28_a_chunk_counts_once() {
    let (registry, id) = accepting();
    registry.submit(claim(id, 0, chunks().span()), [].span());
    barred(registry, id, 0, chunks().span(), errors::REPLAY);
    barred(registry, id, 4, [*chunks().span()[1]].span(), errors::REPLAY);
    // From within an accepted chunk: another cut of the same tokens.
    barred(registry, id, 7, single_steps(2), errors::REPLAY);
}

/// An old proof at the new position: its statement has another frontier.
#[test]
fn an_old_proof_does_not_fit_the_frontier() {
    let (registry, id) = comparing();
    let first = [*chunks().span()[0]].span();
    registry.submit(claim(id, 0, first), first_proof(registry));
    refused(registry, claim(id, 4, first), first_proof(registry), 'proof: refused');
}

/// Tokens that nobody proved would lie between the chunks.
#[test]
fn nothing_is_left_out() {
    let (registry, id) = accepting();
    barred(registry, id, 1, single_steps(1), errors::GAP);
    registry.submit(claim(id, 0, single_steps(4)), [].span());
    for position in array![5_u32, MAX_POSITION, MAX_POSITION + 1, 0xffffffff] {
        barred(registry, id, position, single_steps(1), errors::GAP);
    }
}

#[test]
fn chunks_come_in_order() {
    let (registry, id) = comparing();
    let [first, second] = chunks();
    refused(registry, claim(id, 4, [second].span()), second_proof(registry), errors::GAP);
    // As if it were the first, and both the wrong way round in one submission.
    refused(registry, claim(id, 0, [second].span()), second_proof(registry), 'proof: refused');
    let contract = registry.contract_address.into();
    let swapped = array![second_statement(contract), first_statement(contract)];
    let swapped = proof_of(LEAF_ROOT, swapped);
    refused(registry, claim(id, 0, [second, first].span()), swapped, 'proof: refused');
    refused(registry, claim(id, 0, [first, second].span()), swapped, 'proof: refused');
    registry.submit(claim(id, 0, [first].span()), first_proof(registry));
    registry.submit(claim(id, 4, [second].span()), second_proof(registry));
}

/// A longer prompt would pass chosen tokens off as asked for, a shorter one the reverse.
#[test]
fn the_prompt_keeps_its_length() {
    let (registry, id) = accepting();
    registry.submit(claim(id, 0, single_steps(4)), [].span());
    for prompt_length in array![1_u32, 4, 6, MAX_POSITION] {
        let other = Claim { prompt_length, ..claim(id, 4, single_steps(1)) };
        refused(registry, other, [].span(), errors::PROMPT);
    }
    registry.submit(claim(id, 4, single_steps(1)), [].span());
}

#[test]
fn the_prompt_has_a_length() {
    let (registry, id) = accepting();
    for prompt_length in array![0_u32, MAX_POSITION + 1, 0xffffffff] {
        let other = Claim { prompt_length, ..claim(id, 0, single_steps(1)) };
        refused(registry, other, [].span(), errors::PROMPT);
    }
    for prompt_length in array![1_u32, MAX_POSITION] {
        let session_id = prompt_length.into();
        let good = Claim { session_id, prompt_length, ..claim(id, 0, single_steps(1)) };
        registry.submit(good, [].span());
    }
}

/// Chunks without steps would go on for ever at one place.
#[test]
fn a_chunk_has_steps() {
    let (registry, id) = accepting();
    barred(registry, id, 0, [chunk(0, 7)].span(), errors::STEPS);
    barred(registry, id, 0, [chunk(1, 7), chunk(0, 7)].span(), errors::STEPS);
}

/// The reason is named also where a sum of 32 bits would overflow.
#[test]
fn positions_end_at_2_20() {
    let (registry, id) = accepting();
    for steps in array![MAX_POSITION + 1, 0xffffffff] {
        barred(registry, id, 0, [chunk(steps, 7)].span(), errors::POSITION);
        barred(registry, id, 0, [chunk(1, 7), chunk(steps, 7)].span(), errors::POSITION);
    }
    barred(registry, id, 0, [chunk(MAX_POSITION, 7), chunk(1, 7)].span(), errors::POSITION);
    barred(registry, id, 0, [chunk(1, 7), chunk(MAX_POSITION, 7)].span(), errors::POSITION);
    registry.submit(claim(id, 0, [chunk(MAX_POSITION - 1, 7)].span()), [].span());
    for steps in array![2, MAX_POSITION, 0xfff00001, 0xffffffff] {
        barred(registry, id, MAX_POSITION - 1, [chunk(steps, 7)].span(), errors::POSITION);
    }
    registry.submit(claim(id, MAX_POSITION - 1, [chunk(1, 7)].span()), [].span());
    assert!(reached(registry, id).position == MAX_POSITION);
    barred(registry, id, MAX_POSITION, [chunk(1, 7)].span(), errors::POSITION);
}

/// The model's eos is token 1. Text behind a chosen one is no answer of the model.
#[test]
fn a_chosen_eos_ends_the_session() {
    let (registry, id) = accepting();
    // Position 5 is the first that is chosen.
    barred(registry, id, 0, [chunk(5, 1), chunk(1, 7)].span(), errors::FINISHED);
    barred(registry, id, 0, [chunk(4, 7), chunk(1, 1), chunk(1, 7)].span(), errors::FINISHED);
    barred(registry, id, 0, [chunk(9, 1), chunk(1, 1)].span(), errors::FINISHED);
    registry.submit(claim(id, 0, [chunk(4, 7), chunk(1, 1)].span()), [].span());
    barred(registry, id, 5, single_steps(1), errors::FINISHED);
    barred(registry, id, 5, [chunk(1, 1)].span(), errors::FINISHED);
    assert!(reached(registry, id).position == 5);
}

#[test]
fn an_eos_of_the_prompt_ends_nothing() {
    let (registry, id) = accepting();
    // The first token, one within, and the last one, at position 4; within and across submissions.
    let start = [chunk(2, 1), chunk(2, 1)].span();
    registry.submit(Claim { first_token: 1, ..claim(id, 0, start) }, [].span());
    registry.submit(claim(id, 4, [chunk(1, 7), chunk(1, 8)].span()), [].span());
    assert!(reached(registry, id).chunks == 4);
    // A prompt of eos alone.
    let alone = Claim {
        session_id: 1, prompt_length: 1, first_token: 1, ..claim(id, 0, single_steps(1)),
    };
    registry.submit(alone, [].span());
}

#[test]
fn another_token_ends_nothing() {
    let (registry, id) = accepting();
    let tokens = [chunk(5, 0), chunk(1, 2), chunk(1, 3), chunk(1, 0xffffffff), chunk(1, 1)];
    registry.submit(claim(id, 0, tokens.span()), [].span());
    assert!(reached(registry, id).position == 9);
}

/// The code of eos is the token plus one, and the code 0 is none.
#[test]
fn without_eos_nothing_ends() {
    let (registry, _) = accepting();
    let id = registry.register_model(Model { eos: 0, ..model() });
    let tokens = [chunk(5, 0), chunk(1, 1), chunk(1, 0xffffffff), chunk(1, 0)].span();
    registry.submit(claim(id, 0, tokens), [].span());
    registry.submit(claim(id, 8, single_steps(1)), [].span());
    // The code 1 is token 0.
    let id = registry.register_model(Model { eos: 1, ..model() });
    barred(registry, id, 0, tokens, errors::FINISHED);
}

/// Whoever asks what to prove is told so before proving.
#[test]
#[feature("safe_dispatcher")]
fn statements_are_refused_as_claims_are() {
    let (registry, id) = accepting();
    let safe = IRegistrySafeDispatcher { contract_address: registry.contract_address };
    let claims = array![
        (claim(id + 1, 0, single_steps(1)), errors::UNKNOWN),
        (claim(id, 0, single_steps(17)), errors::CHUNKS),
        (claim(id, 1, single_steps(1)), errors::GAP),
        (claim(id, 0, [chunk(0, 7)].span()), errors::STEPS),
    ];
    for (claim, reason) in claims {
        assert!(*safe.statements(claim).unwrap_err()[0] == reason);
    }
    assert!(reached(registry, id) == Default::<Session>::default());
}
