//! What each check of a receipt and of a session is for: an attack, and what becomes of it when only that
//! check is not looked at.
//!
//! A receipt is attacked alone, as `verify` reads one; a session as a whole. The facts are those of proofs
//! that the program has: whatever it takes from its input may be of the attacker's choice.

use std::collections::BTreeSet;

#[path = "../support/table.rs"]
mod table;

use cairo_decode::receipt::{
    Completion, ProofIdentity, Receipt, check_receipt, check_session, receipt_checks,
    session_checks,
};
use cairo_decode::spec::roots::{fold_tokens, fold_tokens_onto, prompt_root};
use cairo_decode::verify::policy::{Accept, AcceptedModel};
use cairo_decode::verify::statement::{
    COMMITTED_STATEMENT_VERSION, Channel, ContractAddress, Domain, MAX_POSITION, Preprocessed,
    PublicFacts, Statement, TokensRoot,
};
use starknet_types_core::felt::Felt;

use crate::chain::repair_roots;
use crate::fixtures::{PROMPT, Recipe, Run, onchain, proof_bytes, run};
use table::Row;

/// A receipt, what its proof says, and who asks.
#[derive(Clone)]
struct Case {
    receipt: Receipt,
    facts: PublicFacts,
    proof: ProofIdentity,
    accept: Accept,
}

/// The chunk after the prompt, on a chain, of a model with an end of sequence.
fn honest() -> Case {
    let run = run(&Recipe {
        domain: onchain(),
        eos: Some(63),
        ..Recipe::default()
    });
    let (receipt, facts) = (run.receipts[1].clone(), run.facts[1].clone());
    let proof = ProofIdentity::of(&proof_bytes(&receipt.statement));
    let accept = run.accept();
    Case {
        receipt,
        facts,
        proof,
        accept,
    }
}

/// A proof of whatever the receipt says: the program takes these values from its input.
fn proven(case: &mut Case) {
    let statement = &case.receipt.statement;
    case.facts.output = statement.to_output().to_vec();
    case.facts.program_hash = statement.program_hash.0;
    case.proof = ProofIdentity::of(&proof_bytes(statement));
    case.receipt.proof.bytes = case.proof.bytes;
    case.receipt.proof.blake2s = case.proof.blake2s;
}

/// The verifier's side with another model.
fn expect(case: &mut Case, change: impl FnOnce(&mut AcceptedModel)) {
    let mut model = case.accept.model().clone();
    change(&mut model);
    case.accept = Accept::new(model, *case.accept.domain());
}

type Attack = (&'static str, &'static str, fn(&mut Case));

/// Attacks on one receipt: check, attack.
fn receipt_attacks() -> Vec<Attack> {
    vec![
        (
            "version",
            "a statement of version 3, and its manifest",
            |c| {
                c.receipt.statement.version = 3;
                expect(c, |m| m.statement_version = 3);
                proven(c);
            },
        ),
        (
            "no contract where the domain is local",
            "a local domain with a contract, proven and asked for",
            |c| {
                let verifier = c.receipt.statement.domain.verifier;
                let domain = Domain {
                    verifier,
                    ..Domain::local()
                };
                c.receipt.statement.domain = domain;
                c.accept = Accept::new(c.accept.model().clone(), domain);
                proven(c);
            },
        ),
        (
            "a contract where there is a chain",
            "a chain without a contract, proven and asked for",
            |c| {
                c.receipt.statement.domain.verifier = ContractAddress(Felt::ZERO);
                let domain = c.receipt.statement.domain;
                c.accept = Accept::new(c.accept.model().clone(), domain);
                proven(c);
            },
        ),
        (
            "prompt_length in range",
            "a prompt of 2^20 + 1 tokens, chunk after chunk",
            |c| {
                let statement = &mut c.receipt.statement;
                let chosen = statement.prompt_length - statement.frontier_in.position;
                let far = MAX_POSITION - 8;
                statement.prompt_length = MAX_POSITION + 1;
                (
                    statement.frontier_in.position,
                    statement.frontier_out.position,
                ) = (far, far + statement.steps);
                assert!(chosen > 0);
                let tokens: Vec<u32> = c.receipt.tokens().collect();
                (c.receipt.forced_tokens, c.receipt.emitted_tokens) = (tokens, vec![]);
                repair_roots(&mut c.receipt);
                proven(c);
            },
        ),
        ("a step", "a chunk of no steps", |c| {
            let statement = &mut c.receipt.statement;
            statement.steps = 0;
            statement.frontier_out = statement.frontier_in;
            c.receipt.forced_tokens.clear();
            c.receipt.emitted_tokens.clear();
            repair_roots(&mut c.receipt);
            proven(c);
        }),
        (
            "frontier_in.position in range",
            "a chunk from position 2^20 + 1 on",
            |c| {
                move_to(c, MAX_POSITION + 1);
            },
        ),
        (
            "frontier_out.position in range",
            "a chunk that ends at position 2^20 + 2",
            |c| {
                let steps = c.receipt.statement.steps;
                move_to(c, MAX_POSITION + 2 - steps);
            },
        ),
        (
            "position + steps",
            "a step more than the positions say",
            |c| {
                c.receipt.statement.steps += 1;
                proven(c);
            },
        ),
        (
            "accepted spec_version",
            "a program of specification 2, and its manifest",
            |c| {
                c.receipt.statement.spec_version = 2;
                expect(c, |m| m.spec_version = 2);
                proven(c);
            },
        ),
        (
            "accepted version",
            "the model's root as that of committed weights",
            |c| {
                c.receipt.statement.version = COMMITTED_STATEMENT_VERSION;
                proven(c);
            },
        ),
        (
            "spec_version of the model",
            "a statement of specification 1, a manifest of 2",
            |c| expect(c, |m| m.spec_version = 2),
        ),
        (
            "accepted model_root",
            "another model's root on this program",
            |c| expect(c, |m| m.model_root.0 += Felt::ONE),
        ),
        (
            "accepted program_hash",
            "another real model, compiled with this model's root",
            |c| {
                c.receipt.statement.program_hash.0 += Felt::ONE;
                proven(c);
            },
        ),
        (
            "accepted policy.eos",
            "the same model with another end of sequence",
            |c| {
                c.receipt.statement.policy.eos = Some(62);
                proven(c);
            },
        ),
        (
            "accepted domain.chain",
            "a receipt for another chain",
            |c| {
                c.receipt.statement.domain.chain = "SN_MAIN".parse().expect("a chain");
                proven(c);
            },
        ),
        (
            "accepted domain.verifier",
            "a receipt for another contract",
            |c| {
                c.receipt.statement.domain.verifier.0 += Felt::ONE;
                proven(c);
            },
        ),
        (
            "security floor",
            "a proof of 96 bits where 100 are asked for",
            |c| {
                let accept = c.accept.clone().with_min_security_bits(100);
                c.accept = accept.expect("a floor");
            },
        ),
        (
            "statement.program_hash",
            "the proof of another program with the same output",
            |c| c.facts.program_hash += Felt::ONE,
        ),
        (
            "length of the output",
            "a proof whose output goes on behind the statement",
            |c| c.facts.output.push(Felt::ONE),
        ),
        ("statement.version", "the felt of another proof", |c| {
            other_output(c, 0)
        }),
        ("statement.spec_version", "the felt of another proof", |c| {
            other_output(c, 1)
        }),
        ("statement.domain.chain", "a proof for another chain", |c| {
            other_output(c, 2)
        }),
        (
            "statement.domain.verifier",
            "a proof for another contract",
            |c| other_output(c, 3),
        ),
        ("statement.session_id", "a proof of another session", |c| {
            other_output(c, 4)
        }),
        ("statement.model_root", "a proof of another model", |c| {
            other_output(c, 5)
        }),
        ("statement.policy.kind", "a proof of another policy", |c| {
            other_output(c, 6)
        }),
        (
            "statement.policy.eos",
            "a proof with another end of sequence",
            |c| other_output(c, 7),
        ),
        (
            "statement.boundary",
            "a proof with another kind of boundary",
            |c| other_output(c, 8),
        ),
        ("statement.prompt_root", "a proof of another prompt", |c| {
            other_output(c, 9)
        }),
        (
            "statement.prompt_length",
            "a proof of a longer prompt",
            |c| other_output(c, 10),
        ),
        (
            "statement.steps",
            "a proof of another number of steps",
            |c| other_output(c, 11),
        ),
        (
            "statement.frontier_in.position",
            "a proof from another position",
            |c| other_output(c, 12),
        ),
        (
            "statement.frontier_in.last_token",
            "a proof from another token",
            |c| other_output(c, 13),
        ),
        (
            "statement.frontier_in.kv_root",
            "a proof from other keys and values",
            |c| other_output(c, 14),
        ),
        (
            "statement.frontier_in.tokens_root",
            "a proof from other tokens",
            |c| other_output(c, 15),
        ),
        (
            "statement.frontier_out.position",
            "a proof to another position",
            |c| other_output(c, 16),
        ),
        (
            "statement.frontier_out.last_token",
            "a proof to another token",
            |c| other_output(c, 17),
        ),
        (
            "statement.frontier_out.kv_root",
            "a proof to other keys and values",
            |c| other_output(c, 18),
        ),
        (
            "statement.frontier_out.tokens_root",
            "a proof to other tokens",
            |c| other_output(c, 19),
        ),
        (
            "statement.emitted_root",
            "a proof of other chosen tokens",
            |c| other_output(c, 20),
        ),
        ("bytes", "a record of another size", |c| {
            c.receipt.proof.bytes += 1
        }),
        (
            "blake2s",
            "a record of another proof of the same statement",
            |c| c.receipt.proof.blake2s.0[0] ^= 1,
        ),
        ("params.channel", "a record of another channel", |c| {
            c.receipt.proof.params.channel = Channel::Poseidon252
        }),
        ("params.log_blowup", "a record of another blow-up", |c| {
            c.receipt.proof.params.log_blowup += 1
        }),
        ("params.queries", "a record of more queries", |c| {
            c.receipt.proof.params.queries += 1
        }),
        ("params.pow_bits", "a record of more work", |c| {
            c.receipt.proof.params.pow_bits += 1
        }),
        (
            "params.interaction_pow_bits",
            "a record of more work",
            |c| c.receipt.proof.params.interaction_pow_bits += 1,
        ),
        ("params.fold_step", "a record of another folding", |c| {
            c.receipt.proof.params.fold_step += 1
        }),
        (
            "params.log_last_layer_degree_bound",
            "a record of another last layer",
            |c| c.receipt.proof.params.log_last_layer_degree_bound += 1,
        ),
        (
            "params.lifting_log_size",
            "a record of another lifting",
            |c| c.receipt.proof.params.lifting_log_size = None,
        ),
        ("params.preprocessed", "a record of other tables", |c| {
            c.receipt.proof.params.preprocessed = Preprocessed::Canonical
        }),
        ("security_bits", "a record of more security", |c| {
            c.receipt.proof.security_bits += 1
        }),
        (
            "number of forced tokens",
            "a chosen token listed as the prompt's",
            |c| {
                let token = c.receipt.emitted_tokens.remove(0);
                c.receipt.forced_tokens.push(token);
            },
        ),
        (
            "number of emitted tokens",
            "a chosen token more, with roots that fit",
            |c| {
                c.receipt
                    .emitted_tokens
                    .push(c.receipt.statement.frontier_out.last_token);
                repair_roots(&mut c.receipt);
                proven(c);
            },
        ),
        (
            "emitted tokens fold to emitted_root",
            "an emitted_root of other tokens, from another program",
            |c| {
                c.receipt.statement.emitted_root = TokensRoot(fold_tokens([1, 2]));
                proven(c);
            },
        ),
        (
            "all tokens lead to tokens_root",
            "tokens that do not follow the frontier's, from another program",
            |c| {
                let root = fold_tokens_onto(Felt::ONE, c.receipt.tokens());
                c.receipt.statement.frontier_out.tokens_root = TokensRoot(root);
                proven(c);
            },
        ),
        (
            "the last token is the frontier's",
            "a frontier with another last token, from another program",
            |c| {
                c.receipt.statement.frontier_out.last_token += 1;
                proven(c);
            },
        ),
    ]
}

/// The chunk moved to another first position.
fn move_to(case: &mut Case, position: u32) {
    let statement: &mut Statement = &mut case.receipt.statement;
    statement.frontier_in.position = position;
    statement.frontier_out.position = position + statement.steps;
    let tokens: Vec<u32> = case.receipt.tokens().collect();
    (case.receipt.forced_tokens, case.receipt.emitted_tokens) = (vec![], tokens);
    repair_roots(&mut case.receipt);
    proven(case);
}

/// The proof says something else at one place of its output.
fn other_output(case: &mut Case, index: usize) {
    case.facts.output[index] += Felt::ONE;
}

/// The only kind of policy there is has no other value: its check has no attack.
const WITHOUT_OTHER_VALUE: &str = "accepted policy.kind";

/// Every check of a receipt has an attack that fails it; the table says what else would.
#[test]
fn requirement_24_what_each_check_of_a_receipt_stops() {
    let honest = honest();
    let checks = |c: &Case| receipt_checks(&c.receipt, &c.facts, &c.proof, &c.accept);
    let all: Vec<&str> = checks(&honest).iter().map(|(name, _)| *name).collect();
    assert!(checks(&honest).iter().all(|(_, found)| found.is_ok()));
    let attacks = receipt_attacks();
    let mut attacked: BTreeSet<&str> = attacks.iter().map(|(check, ..)| *check).collect();
    assert!(attacked.insert(WITHOUT_OTHER_VALUE));
    assert_eq!(attacked, BTreeSet::from_iter(all.iter().copied()));
    let mut rows = vec![];
    for (check, attack, change) in attacks {
        let mut case = honest.clone();
        change(&mut case);
        let refused = check_receipt(&case.receipt, &case.facts, &case.proof, &case.accept);
        assert!(refused.is_err(), "{attack}: accepted");
        let findings = checks(&case)
            .into_iter()
            .map(|(name, found)| (name, found.is_err()));
        rows.push(row(check, attack, findings.collect()));
    }
    let name = "necessity of the receipt's checks";
    table::check(name, &table::necessity(&rows));
}

fn row(check: &str, attack: &str, findings: Vec<(&str, bool)>) -> Row {
    let mut failed: Vec<&str> = vec![];
    failed.extend(
        findings
            .iter()
            .filter(|(_, bad)| *bad)
            .map(|(name, _)| name),
    );
    let before = failed.len();
    failed.retain(|name| *name != check);
    assert!(
        failed.len() < before,
        "{check} does not see {attack}: {failed:?}"
    );
    Row {
        check: check.to_string(),
        attack: attack.to_string(),
        next: failed.first().map(|name| name.to_string()),
    }
}

type SessionAttack = (&'static str, &'static str, fn(&mut Run));

/// The chunks' proofs say what the receipts do: the program takes these values from its input.
fn all_proven(run: &mut Run) {
    for (receipt, facts) in run.receipts.iter_mut().zip(&mut run.facts) {
        facts.output = receipt.statement.to_output().to_vec();
        let proof = ProofIdentity::of(&proof_bytes(&receipt.statement));
        (receipt.proof.bytes, receipt.proof.blake2s) = (proof.bytes, proof.blake2s);
    }
}

/// Another run's chunk in the place of this one's second, with the frontier's field as given.
fn every(run: &mut Run, change: impl Fn(&mut Statement)) {
    run.receipts
        .iter_mut()
        .for_each(|r| change(&mut r.statement));
    all_proven(run);
}

/// The end of the session as its receipts have it.
fn complete(run: &mut Run) {
    let emitted = run.receipts.iter().flat_map(|r| &r.emitted_tokens);
    let generated_tokens: Vec<u32> = emitted.copied().collect();
    run.session.completion = Some(Completion {
        chunks: run.receipts.len() as u32,
        generated_tokens,
    });
}

/// Attacks on a session of three chunks: check, attack.
fn session_attacks() -> Vec<SessionAttack> {
    vec![
        (
            "session.model_root",
            "a session document about another model",
            |r| {
                r.session.model_root.0 += Felt::ONE;
            },
        ),
        (
            "session.program_hash",
            "a session document about another program",
            |r| {
                r.session.program_hash.0 += Felt::ONE;
            },
        ),
        (
            "session.policy",
            "a session document about another end of sequence",
            |r| {
                r.session.policy.eos = Some(62);
            },
        ),
        ("a prompt", "a running session without a prompt", |r| {
            r.session.prompt_tokens.clear();
            r.session.completion = None;
            r.receipts.clear();
            r.facts.clear();
        }),
        (
            "the prompt is in the vocabulary",
            "a prompt token beyond the vocabulary",
            |r| {
                r.manifest.vocab_size = 9;
            },
        ),
        (
            "the session is within the context",
            "more tokens than the model has positions",
            |r| {
                r.manifest.context_length = 7;
            },
        ),
        (
            "number of receipts",
            "a chunk more than the document says",
            |r| {
                r.session.completion.as_mut().expect("an end").chunks = 2;
            },
        ),
        (
            "no proof twice",
            "a chunk with the file of the one before it",
            |r| {
                r.receipts[1].proof.blake2s = r.receipts[0].proof.blake2s;
            },
        ),
        (
            "a proof has its chunk's name",
            "a receipt that names another chunk's proof",
            |r| {
                r.receipts[1].proof.file = "chunk-0002.proof".to_owned();
            },
        ),
        (
            "form of the statements",
            "statements of another version",
            |r| {
                every(r, |s| s.version = 3);
            },
        ),
        (
            "one domain.chain",
            "a session document for another chain",
            |r| {
                r.session.domain.chain = "SN_MAIN".parse().expect("a chain");
            },
        ),
        (
            "one domain.verifier",
            "a session document for another contract",
            |r| {
                r.session.domain.verifier.0 += Felt::ONE;
            },
        ),
        (
            "one session_id",
            "a chunk of another session of the same prompt",
            |r| {
                r.receipts[1].statement.session_id.0 += Felt::ONE;
                all_proven(r);
            },
        ),
        ("one model_root", "a chunk of another model", |r| {
            r.receipts[1].statement.model_root.0 += Felt::ONE;
            all_proven(r);
        }),
        ("one program_hash", "a chunk of another program", |r| {
            r.receipts[1].statement.program_hash.0 += Felt::ONE;
            r.facts[1].program_hash += Felt::ONE;
            all_proven(r);
        }),
        ("one policy", "a chunk with another end of sequence", |r| {
            r.receipts[1].statement.policy.eos = Some(62);
            all_proven(r);
        }),
        (
            "one prompt_length",
            "a chunk after the prompt that says a shorter one",
            |r| {
                r.receipts[2].statement.prompt_length -= 1;
                all_proven(r);
            },
        ),
        (
            "one prompt_root",
            "a chunk after the prompt that says another one",
            |r| {
                r.receipts[2].statement.prompt_root = TokensRoot(prompt_root(&[5, 9, 2, 8]));
                all_proven(r);
            },
        ),
        (
            "number of forced tokens",
            "a chosen token listed as the prompt's",
            |r| {
                let token = r.receipts[2].emitted_tokens.remove(0);
                r.receipts[2].forced_tokens.push(token);
            },
        ),
        (
            "number of emitted tokens",
            "a chosen token that is not listed",
            |r| {
                r.receipts[2].emitted_tokens.pop();
            },
        ),
        (
            "emitted tokens fold to emitted_root",
            "chosen tokens in another order",
            |r| {
                r.receipts[1].emitted_tokens.swap(0, 1);
            },
        ),
        (
            "all tokens lead to tokens_root",
            "a frontier after the session with another tokens root",
            |r| {
                r.receipts[2].statement.frontier_out.tokens_root.0 += Felt::ONE;
            },
        ),
        (
            "the last token is the frontier's",
            "a frontier after the session with another last token",
            |r| {
                r.receipts[2].statement.frontier_out.last_token += 1;
            },
        ),
        (
            "forced tokens are the prompt's",
            "another prompt's chunks under this prompt's root",
            |r| {
                // The session document's prompt, and the root of it, stay.
                r.receipts[0].forced_tokens[1] = 50;
                repair_roots(&mut r.receipts[0]);
                let mut before = r.receipts[0].statement.frontier_out;
                for receipt in &mut r.receipts[1..] {
                    receipt.statement.frontier_in.tokens_root = before.tokens_root;
                    repair_roots(receipt);
                    before = receipt.statement.frontier_out;
                }
                all_proven(r);
            },
        ),
        (
            "link of position",
            "a chunk from a position further on",
            |r| {
                let moved = |s: &mut Statement| {
                    s.frontier_in.position += 1;
                    s.frontier_out.position += 1;
                };
                moved(&mut r.receipts[2].statement);
                all_proven(r);
            },
        ),
        (
            "link of last_token",
            "a chunk from another last token",
            |r| {
                r.receipts[2].statement.frontier_in.last_token += 1;
                all_proven(r);
            },
        ),
        (
            "link of kv_root",
            "a chunk from another run's keys and values",
            |r| {
                r.receipts[2].statement.frontier_in.kv_root.0 += Felt::ONE;
                all_proven(r);
            },
        ),
        (
            "link of tokens_root",
            "a chunk from another run's tokens",
            |r| {
                r.receipts[2].statement.frontier_in.tokens_root = TokensRoot(fold_tokens(PROMPT));
                repair_roots(&mut r.receipts[2]);
                all_proven(r);
            },
        ),
        (
            "nothing after eos",
            "a session that goes on after its end of sequence",
            |r| {
                let eos = Some(r.receipts[1].emitted_tokens[0]);
                (r.manifest.policy.eos, r.session.policy.eos) = (eos, eos);
                every(r, |s| s.policy.eos = eos);
            },
        ),
        (
            "not more than requested",
            "a running session of more tokens than asked for",
            |r| {
                r.session.requested_tokens = 4;
                r.session.completion = None;
            },
        ),
        (
            "all that was requested",
            "a session cut off, with a document that fits",
            |r| {
                r.receipts.truncate(2);
                r.facts.truncate(2);
                complete(r);
            },
        ),
        (
            "number of generated_tokens",
            "a document that lists a token less",
            |r| {
                let end = r.session.completion.as_mut().expect("an end");
                end.generated_tokens.pop();
            },
        ),
        (
            "generated_tokens",
            "a document that lists another token",
            |r| {
                let end = r.session.completion.as_mut().expect("an end");
                end.generated_tokens[0] += 1;
            },
        ),
    ]
}

/// Every check of a session has an attack that fails it; the table says what else would. What else: the
/// other checks of the session, then those of each receipt with its proof.
#[test]
fn requirement_24_what_each_check_of_a_session_stops() {
    let honest = run(&Recipe {
        domain: onchain(),
        eos: Some(61),
        ..Recipe::default()
    });
    let accept = honest.accept();
    let findings = |r: &Run| -> Vec<(&str, bool)> {
        let own = session_checks(&r.session, &r.manifest, &r.receipts);
        own.into_iter()
            .map(|(name, found)| (name, found.is_err()))
            .collect()
    };
    let of_receipts = |r: &Run| -> Option<String> {
        // The verifier's side: the manifest at hand, and the domain that was asked for.
        let accept = r.manifest.accept(*accept.domain());
        r.receipts
            .iter()
            .zip(&r.facts)
            .find_map(|(receipt, facts)| {
                // Each with the file that its statement's proof is.
                let mut proof = ProofIdentity::of(&proof_bytes(&receipt.statement));
                if facts.output != receipt.statement.to_output() {
                    proof.blake2s = receipt.proof.blake2s;
                }
                let checks = receipt_checks(receipt, facts, &proof, &accept);
                let failed = checks.into_iter().find(|(_, found)| found.is_err());
                failed.map(|(name, _)| format!("the receipt's {name}"))
            })
    };
    let all: Vec<&str> = findings(&honest).iter().map(|(name, _)| *name).collect();
    assert!(findings(&honest).iter().all(|(_, bad)| !bad));
    assert_eq!(of_receipts(&honest), None);
    let attacks = session_attacks();
    let attacked: BTreeSet<&str> = attacks.iter().map(|(check, ..)| *check).collect();
    assert_eq!(attacked, BTreeSet::from_iter(all.iter().copied()));
    let mut rows = vec![];
    for (check, attack, change) in attacks {
        let mut attacked = honest.clone();
        change(&mut attacked);
        let (session, receipts) = (&attacked.session, &attacked.receipts);
        let refused = check_session(session, &attacked.manifest, receipts);
        assert!(refused.is_err(), "{attack}: accepted");
        let mut row = row(check, attack, findings(&attacked));
        row.next = row.next.or_else(|| of_receipts(&attacked));
        rows.push(row);
    }
    let name = "necessity of the session's checks";
    table::check(name, &table::necessity(&rows));
}
