//! The ends of a session: prompt, token lists, generated tokens, eos, the model's manifest.

use cairo_decode::receipt::{Receipt, ReceiptError, SessionError};
use cairo_decode::spec::poseidon2::P;
use starknet_types_core::felt::Felt;

use crate::chain::{check, refused};
use crate::fixtures::{PROMPT, Recipe, Run, repair_roots, run};

#[test]
fn requirement_21_the_prompt_is_pinned() {
    let mut other = run(&Recipe::default());
    other.session.prompt_tokens[3] = 8;
    assert!(refused(&other).starts_with("chunk-0000.receipt.json: statement.prompt_root: "));
    other.session.prompt_tokens.pop();
    assert!(refused(&other).starts_with("chunk-0000.receipt.json: statement.prompt_length: "));
    other.session.prompt_tokens.clear();
    assert_eq!(check(&other), Err(SessionError::NoPrompt));
    // A token as large as the chain's field, whatever the manifest's vocabulary.
    let mut large = run(&Recipe::default());
    large.manifest.vocab_size = u32::MAX;
    check(&large).unwrap();
    large.session.prompt_tokens[3] += P;
    let said = "session.json: prompt_tokens: 2147483654 is too large for a chain of tokens";
    assert!(refused(&large).starts_with(said));
    other.session.prompt_tokens = vec![64];
    let outside = SessionError::PromptToken {
        index: 0,
        token: 64,
        vocab_size: 64,
    };
    assert_eq!(check(&other), Err(outside));
}

#[test]
fn requirement_21_forced_tokens_are_the_prompts() {
    // A receipt whose own roots agree with a forced token that is not the prompt's.
    let mut run = run(&Recipe::default());
    let receipt = &mut run.receipts[0];
    receipt.forced_tokens[1] = 50;
    repair_roots(receipt);
    let message = refused(&run);
    let expected = "chunk-0000.receipt.json: forced_tokens[1]: is 50, the prompt has 2";
    assert_eq!(message, expected);
}

#[test]
fn requirement_22_token_lists_are_those_behind_the_roots() {
    let receipt = |change: fn(&mut Receipt)| {
        let mut run = run(&Recipe::default());
        change(&mut run.receipts[1]);
        match check(&run) {
            Err(SessionError::Receipt { file, source }) => {
                assert_eq!(file, "chunk-0001.receipt.json");
                source
            }
            other => panic!("{other:?}"),
        }
    };
    let error = receipt(|r| r.emitted_tokens[0] += 1);
    assert!(matches!(error, ReceiptError::Chosen { .. }), "{error}");
    let error = receipt(|r| r.emitted_tokens.swap(0, 1));
    assert!(matches!(error, ReceiptError::Chosen { .. }), "{error}");
    let error = receipt(|r| r.emitted_tokens.push(0));
    assert!(
        matches!(
            error,
            ReceiptError::Count {
                field: "emitted_tokens",
                ..
            }
        ),
        "{error}"
    );
    let error = receipt(|r| r.forced_tokens.push(0));
    assert!(
        matches!(
            error,
            ReceiptError::Count {
                field: "forced_tokens",
                ..
            }
        ),
        "{error}"
    );
    let error = receipt(|r| r.statement.frontier_out.tokens_root.0 += Felt::ONE);
    assert!(matches!(error, ReceiptError::Tokens { .. }), "{error}");
    let error = receipt(|r| r.statement.frontier_out.last_token += 1);
    assert!(matches!(error, ReceiptError::LastToken { .. }), "{error}");
    let error = receipt(|r| r.statement.steps += 1);
    assert!(matches!(error, ReceiptError::Statement(_)), "{error}");
}

#[test]
fn requirement_22_the_generated_tokens_are_pinned() {
    let base = run(&Recipe::default());
    let mut other = base.clone();
    other.session.completion.as_mut().unwrap().generated_tokens[2] += 1;
    assert!(refused(&other).starts_with("session.json: generated_tokens[2]: is "));
    let mut other = base.clone();
    other
        .session
        .completion
        .as_mut()
        .unwrap()
        .generated_tokens
        .pop();
    assert!(refused(&other).starts_with("session.json: generated_tokens: lists 4 tokens"));
    let mut other = base.clone();
    other
        .session
        .completion
        .as_mut()
        .unwrap()
        .generated_tokens
        .push(0);
    assert!(refused(&other).starts_with("session.json: generated_tokens: lists 6 tokens"));
    let mut other = base.clone();
    other.session.requested_tokens = 6;
    assert_eq!(
        check(&other),
        Err(SessionError::Truncated {
            found: 5,
            requested: 6
        })
    );
    let mut other = base;
    other.session.requested_tokens = 4;
    assert_eq!(
        check(&other),
        Err(SessionError::TooMany {
            found: 5,
            requested: 4
        })
    );
}

#[test]
fn requirement_22_eos_is_the_last_token_or_none() {
    let free = run(&Recipe {
        requested: 12,
        ..Recipe::default()
    });
    let tokens = &free.session.completion.as_ref().unwrap().generated_tokens;
    let at = (1..11)
        .find(|&at| !tokens[..at].contains(&tokens[at]))
        .unwrap();
    let eos = Some(tokens[at]);
    // Stopped at eos: complete, though fewer tokens than asked for.
    let stopped = run(&Recipe {
        requested: 12,
        eos,
        ..Recipe::default()
    });
    let facts = check(&stopped).unwrap();
    assert_eq!(
        (facts.generated_tokens.len(), facts.finished),
        (at + 1, true)
    );
    // Went on after eos.
    let mut onward = free.clone();
    onward.manifest.policy.eos = eos;
    onward.session.policy.eos = eos;
    for receipt in &mut onward.receipts {
        receipt.statement.policy.eos = eos;
    }
    assert_eq!(
        check(&onward),
        Err(SessionError::AfterEos { at, more: 11 - at })
    );
    // In the prompt it is a token like any other.
    check(&run(&Recipe {
        eos: Some(PROMPT[1]),
        requested: 0,
        ..Recipe::default()
    }))
    .unwrap();
}

#[test]
fn requirement_23_the_session_is_about_the_manifests_model() {
    let base = run(&Recipe::default());
    let other = run(&Recipe {
        model: 2,
        eos: Some(63),
        ..Recipe::default()
    });
    let against = |change: fn(&mut Run, &Run)| {
        let mut run = base.clone();
        change(&mut run, &other);
        refused(&run)
    };
    let message = against(|run, other| run.manifest.model_root = other.manifest.model_root);
    assert!(
        message.starts_with("session.json: model_root: is "),
        "{message}"
    );
    let message = against(|run, other| run.manifest.program_hash = other.manifest.program_hash);
    assert!(
        message.starts_with("session.json: program_hash: is "),
        "{message}"
    );
    let message = against(|run, other| run.manifest.policy = other.manifest.policy);
    assert!(
        message.starts_with("session.json: policy: is "),
        "{message}"
    );
    let mut run = base.clone();
    run.manifest.context_length = 8;
    check(&run).unwrap();
    run.manifest.context_length = 7;
    assert!(refused(&run).starts_with("session.json: requested_tokens: "));
}
