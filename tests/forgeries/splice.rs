//! Chunks with real proofs that are valid one by one, and no session together.

use cairo_decode::receipt::{
    Completion, ModelFacts, ProofIdentity, Receipt, ReceiptError, Session, SessionError,
};
use cairo_decode::verify::policy::Accept;
use cairo_decode::verify::statement::{Domain, StatementError, felt_to_hex};
use cairo_decode::verify::statement::{OUTPUT_FIELDS, Statement};
use cairo_decode_verdicts::{Document, check_receipt, check_session};
use starknet_types_core::felt::Felt;

use crate::accepts;
use crate::world::{PROMPT, Proven, STEPS, build, proofs};

pub fn receipt(index: usize, proven: &Proven) -> Receipt {
    let facts = accepts(&proven.bytes);
    let identity = ProofIdentity::of(&proven.bytes);
    let lists = (proven.forced.clone(), proven.emitted.clone());
    Receipt::new(index, proven.statement.clone(), lists, &identity, &facts)
}

fn manifest() -> ModelFacts {
    build().manifest.model.clone()
}

pub fn accept() -> Accept {
    manifest().accept(Domain::local())
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

/// What the session's check says of these chunks in a row, each of which is accepted alone.
fn chain(chunks: &[&Proven]) -> Result<(), SessionError> {
    let receipts: Vec<Receipt> = chunks
        .iter()
        .enumerate()
        .map(|(index, proven)| receipt(index, proven))
        .collect();
    for (receipt, proven) in receipts.iter().zip(chunks) {
        let facts = accepts(&proven.bytes);
        let identity = ProofIdentity::of(&proven.bytes);
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
    let mut facts = accepts(&proven.bytes);
    facts.output[BOUNDARY] = Felt::ONE;
    let own = receipt(1, proven);
    let identity = ProofIdentity::of(&proven.bytes);
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
/// only, in the root of choices only. Stopped by: the link of the chain, which names the first field that differs.
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
    let real = proofs.session[1].statement.frontier_in;
    assert_eq!(real, first.statement.frontier_out);
    let alone = [
        ("kv_root", &proofs.other_rows),
        ("tokens_root", &proofs.other_tokens),
        ("chosen_root", &proofs.other_choices),
    ];
    for (field, other) in alone {
        let mut found = other.statement.frontier_in;
        assert_ne!(found, real, "{field}");
        // No other part of the frontier differs.
        match field {
            "kv_root" => found.kv_root = real.kv_root,
            "tokens_root" => found.tokens_root = real.tokens_root,
            _ => found.chosen_root = real.chosen_root,
        }
        assert_eq!(found, real, "{field} alone");
        assert_eq!(link(other), field);
    }
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
    let three = STEPS as u32;
    let gap = |chunks: &[&Proven]| {
        let found = chain(chunks);
        assert!(
            matches!(found, Err(SessionError::Gap { from: 0, to, .. }) if to == three),
            "{found:?}"
        );
    };
    gap(&[second, first]);
    gap(&[second]);
    for repeated in [&[first, first][..], &[first, second, first]] {
        let found = chain(repeated);
        assert!(
            matches!(found, Err(SessionError::RepeatedProof { .. })),
            "{found:?}"
        );
    }
}

/// Attack (requirement 18): a statement with the proof of another valid chunk. Stopped by: the proof's
/// output is the statement; the error names the first field that differs.
#[test]
fn requirement_18_a_receipt_with_another_proof() {
    let proofs = proofs();
    let [first, second] = &proofs.session;
    let pairs = [
        (first, second, "statement.frontier_in.position"),
        (second, &proofs.other_rows, "statement.frontier_in.kv_root"),
        (
            second,
            &proofs.other_tokens,
            "statement.frontier_in.tokens_root",
        ),
        (
            second,
            &proofs.other_choices,
            "statement.frontier_in.chosen_root",
        ),
    ];
    for (own, other, field) in pairs {
        let facts = accepts(&other.bytes);
        let identity = ProofIdentity::of(&other.bytes);
        let receipt = receipt(0, own);
        match check_receipt(&receipt, &facts, &identity, &accept()) {
            Err(ReceiptError::Statement(StatementError::Differs { field: found, .. })) => {
                assert_eq!(found, field);
            }
            other => panic!("refused for another reason: {other:?}"),
        }
        // The right proof under the wrong name.
        let own_facts = accepts(&own.bytes);
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
    let facts = accepts(&proven.bytes);
    for (index, field) in OUTPUT_FIELDS.iter().enumerate() {
        let mut output = proven.statement.to_output();
        output[index] += Felt::ONE;
        // Kinds and versions that no statement has cannot even be written down.
        let Ok(claimed) = Statement::from_output(&output, proven.statement.program_hash) else {
            let kinds = [
                "statement.version",
                "statement.policy.kind",
                "statement.boundary",
            ];
            assert!(kinds.contains(field), "{field}");
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

/// Attack: two felts of the statement exchanged, in what is claimed and in the proof. Stopped by: each is compared at its place, and each
/// cell of the output has its address.
#[test]
fn requirement_34_felts_of_the_statement() {
    let proven = &proofs().session[1];
    let honest = proven.statement.to_output();
    let mut count = 0;
    for a in 0..honest.len() {
        for b in a + 1..honest.len() {
            if honest[a] == honest[b] {
                continue;
            }
            let mut swapped = honest;
            swapped.swap(a, b);
            let compared = proven
                .statement
                .compare(&swapped, proven.statement.program_hash.0);
            assert!(compared.is_err(), "{a} and {b}");
            count += 1;
        }
    }
    assert!(count > 150, "{count} pairs");
    let first = proofs().session[0].statement.to_output();
    for (a, b) in [(4, 5), (9, 19), (12, 17), (20, 21)] {
        assert_ne!(first[a], first[b]);
        crate::fields::invalid(&format!("felts {a} and {b} of the output"), |p| {
            p.claim.public_data.public_memory.output.swap(a, b)
        });
    }
}
