//! Requirement 18, 19, 20 with real proofs: chunks that are valid one by one, and no session together.

use cairo_decode::receipt::{
    Completion, Manifest, ProofIdentity, ProofRecord, Receipt, ReceiptError, Session, SessionError,
    proof_name,
};
use cairo_decode::spec::SPEC_VERSION;
use cairo_decode::verify::policy::Accept;
use cairo_decode::verify::statement::{
    OUTPUT_FIELDS, STATEMENT_VERSION, Statement, StatementError, felt_to_hex,
};
use cairo_decode_verdicts::{Document, check_receipt, check_session};
use starknet_types_core::felt::Felt;

use crate::support::tiny;
use crate::{PROMPT, Proven, STEPS, accepts, proofs};

pub fn receipt(index: usize, proven: &Proven) -> Receipt {
    let facts = accepts(&proven.proof);
    let identity = ProofIdentity::of(&proven.proof);
    Receipt {
        statement: proven.statement.clone(),
        forced_tokens: proven.forced.clone(),
        emitted_tokens: proven.emitted.clone(),
        proof: ProofRecord {
            file: proof_name(index),
            bytes: identity.bytes,
            blake2s: identity.blake2s,
            params: facts.params,
            security_bits: facts.security_bits,
        },
    }
}

fn manifest() -> Manifest {
    let statement = &proofs().session[0].statement;
    let shape = tiny().shape;
    Manifest {
        name: "tiny".to_owned(),
        model_root: statement.model_root,
        program_hash: statement.program_hash,
        spec_version: SPEC_VERSION,
        statement_version: STATEMENT_VERSION,
        policy: statement.policy,
        vocab_size: shape.vocab as u32,
        context_length: shape.context as u32,
        kv_words_per_position: shape.kv_words() as u32,
        parameters: 1,
        source: "random".to_owned(),
    }
}

pub fn accept() -> Accept {
    manifest().accept(proofs().session[0].statement.domain)
}

/// The session document that belongs to these receipts.
fn session(receipts: &[Receipt]) -> Session {
    let statement = &proofs().session[0].statement;
    let generated: Vec<u32> = receipts
        .iter()
        .flat_map(|r| r.emitted_tokens.clone())
        .collect();
    Session {
        session_id: statement.session_id,
        domain: statement.domain,
        model_root: statement.model_root,
        program_hash: statement.program_hash,
        policy: statement.policy,
        prompt: "three tokens".to_owned(),
        prompt_tokens: PROMPT.to_vec(),
        chunk_size: STEPS as u32,
        requested_tokens: generated.len() as u32,
        completion: Some(Completion {
            chunks: receipts.len() as u32,
            generated_tokens: generated,
        }),
    }
}

/// Each receipt alone is accepted against its own proof; then the chain's verdict.
fn chain(proven: &[&Proven]) -> Result<(), SessionError> {
    let receipts: Vec<Receipt> = proven
        .iter()
        .enumerate()
        .map(|(i, p)| receipt(i, p))
        .collect();
    for (receipt, proven) in receipts.iter().zip(proven) {
        let (facts, identity) = (accepts(&proven.proof), ProofIdentity::of(&proven.proof));
        assert_eq!(
            check_receipt(receipt, &facts, &identity, &accept()),
            Ok(()),
            "valid on its own"
        );
    }
    check_session(&session(&receipts), &manifest(), &receipts).map(|_| ())
}

/// Attack: the boundary kind flipped: in the proof, in what a proof says, in the receipt's text. Stopped by: it
/// is a felt of the program's output, which no statement of another kind has.
#[test]
fn requirement_01_the_boundary_kind() {
    let proven = &proofs().session[1];
    const BOUNDARY: usize = 8;
    assert_eq!(OUTPUT_FIELDS[BOUNDARY], "statement.boundary");
    crate::fields::invalid("the felt in the proof", |p| {
        let cell = &mut p.claim.public_data.public_memory.output[BOUNDARY].1;
        assert_eq!(*cell, [0; 8]);
        cell[0] = 1;
    });
    // A proof of a program with boundaries between layers, as far as a verifier could tell.
    let mut facts = accepts(&proven.proof);
    facts.output[BOUNDARY] = Felt::ONE;
    let own = receipt(1, proven);
    let identity = ProofIdentity::of(&proven.proof);
    match check_receipt(&own, &facts, &identity, &accept()) {
        Err(ReceiptError::Statement(StatementError::Differs { field, .. })) => {
            assert_eq!(field, "statement.boundary")
        }
        other => panic!("refused for another reason: {other:?}"),
    }
    let read = Statement::from_output(&facts.output, proven.statement.program_hash);
    assert!(matches!(read, Err(StatementError::Boundary { .. })));
    let text = own.to_json().expect("JSON");
    let flipped = text.replace("\"boundary\": \"token\"", "\"boundary\": \"layer\"");
    assert_ne!(flipped, text);
    let error = Receipt::from_json(flipped.as_bytes()).expect_err("another kind");
    assert!(error.to_string().starts_with("statement.boundary: "));
}

#[test]
fn the_session_is_accepted() {
    let [first, second] = &proofs().session;
    assert_eq!(chain(&[first, second]), Ok(()));
}

/// Attack (requirements 18, 19): the second chunk is one that the program also accepts, from a frontier
/// that differs in the last token and everything before it, in the KV root only, in the tokens root
/// only. Stopped by: the link of the chain, which names the first field that differs.
#[test]
fn requirement_18_spliced_chunks() {
    let proofs = proofs();
    let first = &proofs.session[0];
    let link = |second: &Proven| match chain(&[first, second]) {
        Err(SessionError::Link {
            file,
            field,
            found,
            expected,
            ..
        }) => {
            assert_eq!(file, "chunk-0001.receipt.json");
            assert_ne!(found, expected);
            field
        }
        other => panic!("refused for another reason: {other:?}"),
    };
    let (real, out) = (
        &proofs.session[1].statement.frontier_in,
        &first.statement.frontier_out,
    );
    assert_eq!(real, out);
    let rows = &proofs.other_rows.statement.frontier_in;
    assert_eq!(
        (rows.last_token, rows.tokens_root),
        (real.last_token, real.tokens_root)
    );
    assert_eq!(link(&proofs.other_rows), "kv_root");
    let tokens = &proofs.other_tokens.statement.frontier_in;
    assert_eq!(
        (tokens.last_token, tokens.kv_root),
        (real.last_token, real.kv_root)
    );
    assert_eq!(link(&proofs.other_tokens), "tokens_root");
    let other = proofs.other_session.statement.frontier_in;
    let expected = if other.last_token != real.last_token {
        "last_token"
    } else {
        "kv_root"
    };
    assert_eq!(link(&proofs.other_session), expected);
}

/// Attack (requirement 20): chunks in another order, left out, repeated.
#[test]
fn requirement_20_order_and_completeness() {
    let [first, second] = &proofs().session;
    let (three, zero) = (STEPS as u32, 0);
    assert!(
        matches!(chain(&[second, first]), Err(SessionError::Gap { from: 0, to, .. }) if to == three)
    );
    assert!(matches!(chain(&[second]), Err(SessionError::Gap { from: 0, to, .. }) if to == three));
    assert!(matches!(
        chain(&[first, first]),
        Err(SessionError::RepeatedProof { .. })
    ));
    let after = [first, second, first];
    assert!(
        matches!(chain(&after), Err(SessionError::RepeatedProof { .. })),
        "{zero}"
    );
}

/// Attack (requirement 18): a statement with the proof of another valid chunk. Stopped by: the proof's
/// output is the statement; the error names the first field that differs.
#[test]
fn requirement_18_a_receipt_with_another_proof() {
    let proofs = proofs();
    let pairs = [
        (
            &proofs.session[0],
            &proofs.session[1],
            "statement.frontier_in.position",
        ),
        (
            &proofs.session[1],
            &proofs.other_rows,
            "statement.frontier_in.kv_root",
        ),
        (
            &proofs.session[1],
            &proofs.other_tokens,
            "statement.frontier_in.tokens_root",
        ),
    ];
    for (own, other, field) in pairs {
        let facts = accepts(&other.proof);
        let identity = ProofIdentity::of(&other.proof);
        let receipt = receipt(0, own);
        match check_receipt(&receipt, &facts, &identity, &accept()) {
            Err(ReceiptError::Statement(StatementError::Differs { field: found, .. })) => {
                assert_eq!(found, field);
            }
            other => panic!("refused for another reason: {other:?}"),
        }
        // The right proof under the wrong name.
        let own_facts = accepts(&own.proof);
        let wrong = check_receipt(&receipt, &own_facts, &identity, &accept());
        assert!(
            matches!(wrong, Err(ReceiptError::Proof { .. })),
            "{wrong:?}"
        );
    }
}

/// Requirement 25 with a real proof: each felt of the statement changed alone is refused, and named.
#[test]
fn requirement_25_every_field_is_compared_with_the_proof() {
    let proven = &proofs().session[1];
    let facts = accepts(&proven.proof);
    for (index, field) in OUTPUT_FIELDS.iter().enumerate() {
        let mut output = proven.statement.to_output();
        output[index] += Felt::ONE;
        // Kinds and versions that no statement has cannot even be written down.
        let Ok(claimed) = Statement::from_output(&output, proven.statement.program_hash) else {
            assert!(
                ["statement.policy.kind", "statement.boundary"].contains(field),
                "{field}"
            );
            continue;
        };
        match claimed.compare(&facts.output, facts.program_hash) {
            Err(StatementError::Differs { field: found, .. }) => assert_eq!(found, *field),
            other => panic!("{field}: {other:?}"),
        }
    }
    let mut claimed = proven.statement.clone();
    claimed.program_hash.0 += Felt::ONE;
    match claimed.compare(&facts.output, facts.program_hash) {
        Err(StatementError::Differs { field, proof, .. }) => {
            assert_eq!(field, "statement.program_hash");
            assert_eq!(proof, felt_to_hex(&facts.program_hash));
        }
        other => panic!("{other:?}"),
    }
}
