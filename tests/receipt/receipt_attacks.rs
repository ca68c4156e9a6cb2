//! Attacks on one receipt with its proof, as a list: which check is meant, what the attack is, how it is made.
//!
//! The facts are those of proofs that the program has: whatever it takes from its input may be of the
//! attacker's choice.

use cairo_decode::receipt::{ProofIdentity, Receipt};
use cairo_decode::verify::policy::{Accept, AcceptedModel};
use cairo_decode::verify::statement::VERSION;
use cairo_decode::verify::statement::{
    Channel, ContractAddress, Domain, MAX_POSITION, Preprocessed, PublicFacts,
};
use starknet_types_core::felt::Felt;

use crate::fixtures::{Recipe, onchain, proof_bytes, repair_roots, run};
use crate::root_attacks::ROOT_ATTACKS;

/// A receipt, what its proof says, and who asks.
#[derive(Clone)]
pub struct Case {
    pub receipt: Receipt,
    pub facts: PublicFacts,
    pub proof: ProofIdentity,
    pub accept: Accept,
}

/// The chunk after the prompt, on a chain, of a model with an end of sequence.
pub fn honest() -> Case {
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
pub fn proven(case: &mut Case) {
    let statement = &case.receipt.statement;
    case.facts.output = statement.to_output().to_vec();
    case.facts.program_hash = statement.program_hash.0;
    case.proof = ProofIdentity::of(&proof_bytes(statement));
    case.receipt.proof.bytes = case.proof.bytes;
    case.receipt.proof.blake2s = case.proof.blake2s;
}

/// The verifier's side with another model.
pub fn expect(case: &mut Case, change: impl FnOnce(&mut AcceptedModel)) {
    let mut model = case.accept.model().clone();
    change(&mut model);
    case.accept = Accept::new(model, *case.accept.domain());
}

pub type Attack = (&'static str, &'static str, fn(&mut Case));

/// Attacks on one receipt: check, attack.
pub fn receipt_attacks() -> Vec<Attack> {
    let mut attacks = form_attacks();
    attacks.extend(accept_attacks());
    attacks.extend(output_attacks());
    attacks.extend(record_attacks());
    attacks.extend(list_attacks());
    attacks
}

/// On the statement's form, and on what the verifier accepts, up to the version.
fn form_attacks() -> Vec<Attack> {
    vec![
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
                let far = MAX_POSITION - 8;
                statement.prompt_length = MAX_POSITION + 1;
                statement.frontier_in.position = far;
                statement.frontier_out.position = far + statement.steps;
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
            "a program of another specification, and its manifest",
            |c| {
                c.receipt.statement.spec_version += 1;
                expect(c, |m| m.spec_version += 1);
                proven(c);
            },
        ),
        (
            "accepted version",
            "a manifest of statements of another version",
            |c| expect(c, |m| m.statement_version = VERSION - 1),
        ),
    ]
}

/// On what the verifier accepts, behind the version, and on the proof's program.
fn accept_attacks() -> Vec<Attack> {
    vec![
        (
            "spec_version of the model",
            "a statement of one specification, a manifest of another",
            |c| expect(c, |m| m.spec_version += 1),
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
    ]
}

/// On the proof's output.
fn output_attacks() -> Vec<Attack> {
    vec![
        (
            "statement.version",
            "the felt of another proof",
            other_output::<0>,
        ),
        (
            "statement.spec_version",
            "the felt of another proof",
            other_output::<1>,
        ),
        (
            "statement.domain.chain",
            "a proof for another chain",
            other_output::<2>,
        ),
        (
            "statement.domain.verifier",
            "a proof for another contract",
            other_output::<3>,
        ),
        (
            "statement.session_id",
            "a proof of another session",
            other_output::<4>,
        ),
        (
            "statement.model_root",
            "a proof of another model",
            other_output::<5>,
        ),
        (
            "statement.policy.kind",
            "a proof of another policy",
            other_output::<6>,
        ),
        (
            "statement.policy.eos",
            "a proof with another end of sequence",
            other_output::<7>,
        ),
        (
            "statement.boundary",
            "a proof with another kind of boundary",
            other_output::<8>,
        ),
        (
            "statement.prompt_root",
            "a proof of another prompt",
            other_output::<9>,
        ),
        (
            "statement.prompt_length",
            "a proof of a longer prompt",
            other_output::<10>,
        ),
        (
            "statement.steps",
            "a proof of another number of steps",
            other_output::<11>,
        ),
        (
            "statement.frontier_in.position",
            "a proof from another position",
            other_output::<12>,
        ),
        (
            "statement.frontier_in.last_token",
            "a proof from another token",
            other_output::<13>,
        ),
        (
            "statement.frontier_in.kv_root",
            "a proof from other keys and values",
            other_output::<14>,
        ),
        (
            "statement.frontier_in.tokens_root",
            "a proof from other tokens",
            other_output::<15>,
        ),
        (
            "statement.frontier_in.chosen_root",
            "a proof from other choices",
            other_output::<16>,
        ),
        (
            "statement.frontier_out.position",
            "a proof to another position",
            other_output::<17>,
        ),
        (
            "statement.frontier_out.last_token",
            "a proof to another token",
            other_output::<18>,
        ),
        (
            "statement.frontier_out.kv_root",
            "a proof to other keys and values",
            other_output::<19>,
        ),
        (
            "statement.frontier_out.tokens_root",
            "a proof to other tokens",
            other_output::<20>,
        ),
        (
            "statement.frontier_out.chosen_root",
            "a proof to other choices",
            other_output::<21>,
        ),
    ]
}

/// On the record of the proof.
fn record_attacks() -> Vec<Attack> {
    vec![
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
    ]
}

/// On the lists of tokens.
fn list_attacks() -> Vec<Attack> {
    let mut attacks: Vec<Attack> = vec![
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
                let last = c.receipt.statement.frontier_out.last_token;
                c.receipt.emitted_tokens.push(last);
                repair_roots(&mut c.receipt);
                proven(c);
            },
        ),
    ];
    attacks.extend(ROOT_ATTACKS);
    attacks.push((
        "the last token is the frontier's",
        "a frontier with another last token, from another program",
        |c| {
            c.receipt.statement.frontier_out.last_token += 1;
            proven(c);
        },
    ));
    attacks
}

/// The chunk moved to another first position.
fn move_to(case: &mut Case, position: u32) {
    let statement = &mut case.receipt.statement;
    statement.frontier_in.position = position;
    statement.frontier_out.position = position + statement.steps;
    let tokens: Vec<u32> = case.receipt.tokens().collect();
    (case.receipt.forced_tokens, case.receipt.emitted_tokens) = (vec![], tokens);
    repair_roots(&mut case.receipt);
    proven(case);
}

/// The proof says something else at one place of its output.
fn other_output<const INDEX: usize>(case: &mut Case) {
    case.facts.output[INDEX] += Felt::ONE;
}
