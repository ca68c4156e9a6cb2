//! The chain of receipts: splices, swaps, repeats, omissions, and every link.

use cairo_decode::receipt::{SessionError, SessionFacts, proof_name};
use cairo_decode::verify::statement::Frontier;
use cairo_decode_verdicts::check_session;
use starknet_types_core::felt::Felt;

use crate::fixtures::{PROMPT, Recipe, Run, onchain, repair_roots, run};

pub fn check(run: &Run) -> Result<SessionFacts, SessionError> {
    check_session(&run.session, &run.manifest, &run.receipts)
}

pub fn refused(run: &Run) -> String {
    check(run).expect_err("must be refused").to_string()
}

/// The attacker also repairs what is free to change: the proof's file name.
fn rename(run: &mut Run) {
    for (index, receipt) in run.receipts.iter_mut().enumerate() {
        receipt.proof.file = proof_name(index);
    }
}

#[test]
fn complete_sessions_are_accepted_however_they_are_cut() {
    let cut = |prompt: &[u32], chunk_size: usize| {
        let prompt = prompt.to_vec();
        let recipe = Recipe {
            prompt,
            chunk_size,
            ..Recipe::default()
        };
        check(&run(&recipe)).unwrap()
    };
    for (prompt, steps) in [(&PROMPT[..], 8), (&[3], 5)] {
        let whole = cut(prompt, 100);
        let expected = (1, steps, true);
        assert_eq!((whole.chunks, whole.steps, whole.finished), expected);
        assert_eq!(Some(whole.first), Frontier::start(prompt));
        for chunk_size in 1..=8 {
            let facts = cut(prompt, chunk_size);
            assert_eq!(facts.last, whole.last);
            assert_eq!(facts.generated_tokens, whole.generated_tokens);
        }
    }
    for requested in [0, 1, 20] {
        let facts = check(&run(&Recipe {
            requested,
            ..Recipe::default()
        }))
        .unwrap();
        assert_eq!(facts.generated_tokens.len(), requested as usize);
    }
    check(&run(&Recipe {
        prompt: vec![3],
        domain: onchain(),
        ..Recipe::default()
    }))
    .unwrap();
}

#[test]
fn a_running_session_may_have_any_number_of_chunks() {
    let mut run = run(&Recipe::default());
    let last = run.receipts[1].statement.frontier_out;
    run.session.completion = None;
    assert!(check(&run).unwrap().finished);
    run.receipts.truncate(2);
    let facts = check(&run).unwrap();
    assert_eq!((facts.chunks, facts.last, facts.finished), (2, last, false));
    run.receipts.clear();
    let facts = check(&run).unwrap();
    assert_eq!((facts.chunks, facts.steps, facts.last), (0, 0, facts.first));
    assert!(!facts.finished);
}

#[test]
fn requirement_20_swapped_receipts() {
    let mut run = run(&Recipe::default());
    run.receipts.swap(0, 1);
    assert!(refused(&run).starts_with("chunk-0000.receipt.json: proof.file: "));
    rename(&mut run);
    assert_eq!(
        check(&run),
        Err(SessionError::Gap {
            file: "chunk-0000.receipt.json".into(),
            from: 0,
            to: 3
        })
    );
    run.receipts.swap(0, 1);
    run.receipts.swap(1, 2);
    rename(&mut run);
    assert!(matches!(
        check(&run),
        Err(SessionError::Gap { from: 3, to: 6, .. })
    ));
}

#[test]
fn requirement_20_missing_receipts() {
    for index in 0..3 {
        let mut run = run(&Recipe::default());
        run.receipts.remove(index);
        rename(&mut run);
        let expected = "chunk-0002.receipt.json: missing receipt; the session has 3 chunks";
        assert_eq!(refused(&run), expected);
        // The attacker makes the session document agree.
        run.session.completion.as_mut().unwrap().chunks = 2;
        match index {
            2 => assert!(matches!(
                check(&run),
                Err(SessionError::Truncated { found: 3, .. })
            )),
            _ => assert!(matches!(check(&run), Err(SessionError::Gap { .. }))),
        }
    }
}

#[test]
fn requirement_20_repeated_receipts() {
    let mut run = run(&Recipe::default());
    run.receipts.insert(1, run.receipts[0].clone());
    assert!(matches!(
        check(&run),
        Err(SessionError::ExtraReceipt { .. })
    ));
    run.session.completion.as_mut().unwrap().chunks = 4;
    rename(&mut run);
    let expected = "chunk-0001.receipt.json: proof.blake2s: the same proof as in \
                    chunk-0000.receipt.json";
    assert_eq!(refused(&run), expected);
    // Another proof of the same chunk has another digest.
    run.receipts[1].proof.blake2s.0[0] ^= 1;
    assert!(matches!(
        check(&run),
        Err(SessionError::Overlap { from: 3, to: 0, .. })
    ));
}

#[test]
fn requirement_20_receipts_of_another_session() {
    let recipes = [
        (
            "session_id",
            Recipe {
                session: 78,
                ..Recipe::default()
            },
        ),
        (
            "model_root",
            Recipe {
                model: 2,
                ..Recipe::default()
            },
        ),
        (
            "domain.chain",
            Recipe {
                domain: onchain(),
                ..Recipe::default()
            },
        ),
        (
            "policy",
            Recipe {
                eos: Some(63),
                ..Recipe::default()
            },
        ),
        (
            "prompt_root",
            Recipe {
                prompt: vec![5, 9, 2, 8],
                ..Recipe::default()
            },
        ),
        (
            "prompt_length",
            Recipe {
                prompt: vec![5, 9, 2, 7, 1],
                ..Recipe::default()
            },
        ),
    ];
    for (field, recipe) in recipes {
        let (own, other) = (run(&Recipe::default()), run(&recipe));
        for index in 0..own.receipts.len() {
            let mut spliced = own.clone();
            spliced.receipts[index] = other.receipts[index].clone();
            let start = format!("chunk-{index:04}.receipt.json: statement.{field}: is ");
            let message = refused(&spliced);
            assert!(message.starts_with(&start), "{message}");
        }
    }
    let (mut spliced, mut other) = (run(&Recipe::default()), run(&Recipe::default()));
    other.receipts[1].statement.program_hash.0 += Felt::ONE;
    spliced.receipts[1] = other.receipts[1].clone();
    assert!(refused(&spliced).contains("statement.program_hash: is "));
}

/// Two runs of the same model, session and prompt length whose chunks are each valid: only the
/// links can tell them apart.
#[test]
fn requirement_19_every_frontier_field_takes_part_in_the_link() {
    type Change = fn(&mut Frontier);
    let changes: [(Change, &str); 5] = [
        (|f| f.position += 1, "position"),
        (|f| f.last_token += 1, "last_token"),
        (|f| f.kv_root.0 += Felt::ONE, "kv_root"),
        (|f| f.tokens_root.0 += Felt::ONE, "tokens_root"),
        (|f| f.chosen_root.0 += Felt::ONE, "chosen_root"),
    ];
    for (change, field) in changes {
        for index in 0..3 {
            let mut run = run(&Recipe::default());
            let statement = &mut run.receipts[index].statement;
            change(&mut statement.frontier_in);
            if field == "position" {
                // One step less, so that the receipt is well formed on its own.
                statement.steps -= 1;
                let receipt = &mut run.receipts[index];
                match receipt.forced_tokens.is_empty() {
                    true => drop(receipt.emitted_tokens.remove(0)),
                    false => drop(receipt.forced_tokens.remove(0)),
                }
                repair_roots(receipt);
            }
            // The chunk is one that starts there: its tokens lead from there to its end.
            if ["last_token", "tokens_root", "chosen_root"].contains(&field) {
                repair_roots(&mut run.receipts[index]);
            }
            let start =
                format!("chunk-{index:04}.receipt.json: statement.frontier_in.{field}: is ");
            let message = refused(&run);
            assert!(message.starts_with(&start), "{message}");
        }
    }
}

#[test]
fn links_name_where_the_expected_value_comes_from() {
    let mut run = run(&Recipe::default());
    run.receipts[1].statement.frontier_in.kv_root.0 = Felt::ONE;
    let message = refused(&run);
    let start = "chunk-0001.receipt.json: statement.frontier_in.kv_root: is 0x1, \
                 chunk-0000.receipt.json ends with 0x";
    assert!(message.starts_with(start), "{message}");
    run.receipts[0].statement.frontier_in.kv_root.0 = Felt::ONE;
    let expected = "chunk-0000.receipt.json: statement.frontier_in.kv_root: is 0x1, the prompt \
                    gives 0x0";
    assert_eq!(refused(&run), expected);
}

/// Attack: a chunk whose frontier out skips a position, one that repeats a position, and one with another
/// token's keys and values appended; each as a real run of the same session and model has it. Stopped by:
/// the next chunk's link.
#[test]
fn requirement_04_one_position_and_one_row_per_step() {
    let honest = run(&Recipe::default());
    // The same session, cut otherwise: its second chunk starts a position later, or earlier.
    for (size, gap) in [(4, true), (2, false)] {
        let cut = run(&Recipe {
            chunk_size: size,
            ..Recipe::default()
        });
        let mut spliced = honest.clone();
        spliced.receipts[1] = cut.receipts[1].clone();
        rename(&mut spliced);
        let (from, to) = (3, size as u32);
        match check(&spliced) {
            Err(SessionError::Gap { from: f, to: t, .. }) if gap => assert_eq!((f, t), (from, to)),
            Err(SessionError::Overlap { from: f, to: t, .. }) if !gap => {
                assert_eq!((f, t), (from, to))
            }
            other => panic!("refused for another reason: {other:?}"),
        }
    }
    // The keys and values after a run in which the third token was another one.
    let other = run(&Recipe {
        prompt: vec![5, 9, 3, 7],
        ..Recipe::default()
    });
    let mut spliced = honest.clone();
    let foreign = other.receipts[0].statement.frontier_out.kv_root;
    assert_ne!(foreign, honest.receipts[0].statement.frontier_out.kv_root);
    spliced.receipts[0].statement.frontier_out.kv_root = foreign;
    assert!(matches!(
        check(&spliced),
        Err(SessionError::Link {
            field: "kv_root",
            ..
        })
    ));
}
