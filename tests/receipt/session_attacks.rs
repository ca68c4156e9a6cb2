//! Attacks on a session, as a list: which check is meant, what the attack is, how it is made. They fit every
//! session of two chunks or more whose first chunk ends at the prompt's last token or before.

use cairo_decode::receipt::{Completion, MAX_SESSION_STEPS, ProofIdentity, Receipt};
use cairo_decode::verify::statement::{MAX_POSITION, TokensRoot};
use cairo_decode::verify::statement::{Statement, prompt_root};
use starknet_types_core::felt::Felt;

use crate::fixtures::{Run, proof_bytes, repair_roots};

pub type SessionAttack = (&'static str, &'static str, fn(&mut Run));

/// The chunks' proofs say what the receipts do: the program takes these values from its input.
fn all_proven(run: &mut Run) {
    for (receipt, facts) in run.receipts.iter_mut().zip(&mut run.facts) {
        facts.output = receipt.statement.to_output().to_vec();
        let proof = ProofIdentity::of(&proof_bytes(&receipt.statement));
        (receipt.proof.bytes, receipt.proof.blake2s) = (proof.bytes, proof.blake2s);
    }
}

/// The session's last receipt.
fn last(run: &mut Run) -> &mut Receipt {
    run.receipts.last_mut().expect("a receipt")
}

/// Every statement with this change.
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

/// Attacks on a session: check, attack.
pub fn session_attacks() -> Vec<SessionAttack> {
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
            "number of steps",
            "a running session of 2^17 + 1 steps, of a model that has as many positions",
            |r| {
                r.manifest.context_length = MAX_POSITION;
                let others = r.session.prompt_tokens.len() as u32 - 1;
                r.session.requested_tokens = MAX_SESSION_STEPS as u32 + 1 - others;
                r.session.completion = None;
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
                r.session.completion.as_mut().expect("an end").chunks -= 1;
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
            "a chunk of no steps at the end, with a document that fits",
            |r| {
                let mut none = r.receipts[2].clone();
                none.statement.steps = 0;
                none.statement.frontier_in = none.statement.frontier_out;
                (none.forced_tokens, none.emitted_tokens) = (vec![], vec![]);
                none.proof.file = "chunk-0003.proof".to_owned();
                r.receipts.push(none);
                r.facts.push(r.facts[2].clone());
                all_proven(r);
                complete(r);
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
                last(r).statement.prompt_length -= 1;
                all_proven(r);
            },
        ),
        (
            "one prompt_root",
            "a chunk after the prompt that says another one",
            |r| {
                last(r).statement.prompt_root = prompt_root(&[5, 9, 2, 8]);
                all_proven(r);
            },
        ),
        (
            "number of forced tokens",
            "a chosen token listed as the prompt's",
            |r| {
                let token = last(r).emitted_tokens.remove(0);
                last(r).forced_tokens.push(token);
            },
        ),
        (
            "number of emitted tokens",
            "a chosen token that is not listed",
            |r| {
                last(r).emitted_tokens.pop();
            },
        ),
        (
            "listed choices lead to chosen_root",
            "a frontier after the session with another chosen_root",
            |r| {
                last(r).statement.frontier_out.chosen_root.0 += Felt::ONE;
            },
        ),
        (
            "all tokens lead to tokens_root",
            "a frontier after the session with another tokens root",
            |r| {
                last(r).statement.frontier_out.tokens_root.0 += Felt::ONE;
            },
        ),
        (
            "the last token is the frontier's",
            "a frontier after the session with another last token",
            |r| {
                last(r).statement.frontier_out.last_token += 1;
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
                    let root = before.tokens_root;
                    receipt.statement.frontier_in.tokens_root = root;
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
                last(r).statement.frontier_in.position += 1;
                last(r).statement.frontier_out.position += 1;
                all_proven(r);
            },
        ),
        (
            "link of last_token",
            "a chunk from another last token",
            |r| {
                last(r).statement.frontier_in.last_token += 1;
                all_proven(r);
            },
        ),
        (
            "link of kv_root",
            "a chunk from another run's keys and values",
            |r| {
                last(r).statement.frontier_in.kv_root.0 += Felt::ONE;
                all_proven(r);
            },
        ),
        (
            "link of tokens_root",
            "a chunk from another run's tokens",
            |r| {
                last(r).statement.frontier_in.tokens_root = TokensRoot(Felt::ONE);
                repair_roots(last(r));
                all_proven(r);
            },
        ),
        (
            "link of chosen_root",
            "a chunk from another run's choices",
            |r| {
                last(r).statement.frontier_in.chosen_root.0 = Felt::ONE;
                repair_roots(last(r));
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
                r.session.requested_tokens -= 1;
                r.session.completion = None;
            },
        ),
        (
            "all that was requested",
            "a session cut off, with a document that fits",
            |r| {
                r.receipts.pop();
                r.facts.pop();
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
