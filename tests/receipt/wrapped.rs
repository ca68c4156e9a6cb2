//! `verify --wrapped` refuses what `verify` refuses, in the same words. The session is a real one with its
//! wrapped proof, `tests/fixtures/wrapped-session`; the chunks' own proofs are not there.

use std::fs;
use std::path::Path;

use cairo_decode::receipt::{
    Document, Folder, Manifest, ModelFacts, ProofIdentity, Receipt, Session, Wrapped,
    WriteDocument, proof_name, receipt_name,
};
use cairo_decode::verify::policy::Accept;
use cairo_decode::verify::statement::{CircuitRoot, PublicFacts};
use cairo_decode::wrap::session::{Covered, open, verify};
use cairo_decode::wrap::{digest_felt, felt_digest};
use cairo_decode_verdicts::verify_session;
use starknet_types_core::felt::Felt;
use tempfile::TempDir;

use crate::fixtures::{Run, real};
use crate::receipt_attacks::{Case, receipt_attacks};
use crate::session_attacks::session_attacks;

const WRAPPED: &str = "wrapped-0000.json";

fn fixture<D: Document>(name: &str) -> D {
    D::read(&real(name)).expect("a fixture")
}

/// The circuit, as somebody knows it who has the model.
fn leaf_root() -> [u8; 32] {
    let wrapped: Wrapped = fixture(WRAPPED);
    felt_digest(&wrapped.leaf_root.0).expect("a circuit's root")
}

/// The manifest whose model is this one.
fn manifest(model: &ModelFacts) -> Manifest {
    Manifest {
        model: model.clone(),
        ..fixture("model.json")
    }
}

/// The session, and the facts that its wrapped proof establishes.
fn honest() -> Run {
    let receipts: Vec<Receipt> = [0, 1, 2].map(|i| fixture(&receipt_name(i))).into();
    let facts = receipts.iter().map(|receipt| PublicFacts {
        program_hash: receipt.statement.program_hash.0,
        output: receipt.statement.to_output().to_vec(),
        params: receipt.proof.params,
        security_bits: receipt.proof.security_bits,
    });
    Run {
        manifest: fixture::<Manifest>("model.json").model,
        session: fixture("session.json"),
        facts: facts.collect(),
        receipts,
    }
}

/// The session in a folder of its own. `None` if it has a document that nothing would write or read.
fn write(run: &Run) -> Option<TempDir> {
    let dir = tempfile::tempdir().expect("a folder");
    let at = |name: &str| dir.path().join(name);
    run.session.write(&at("session.json")).ok()?;
    for (index, receipt) in run.receipts.iter().enumerate() {
        receipt.write(&at(&receipt_name(index))).ok()?;
    }
    let wrapped: Wrapped = fixture(WRAPPED);
    wrapped.write(&at(WRAPPED)).ok()?;
    Some(dir)
}

/// What `verify --wrapped` says.
fn wrapped(dir: &Path, model: &ModelFacts, accept: &Accept) -> Result<(), String> {
    let verified = verify(dir, &manifest(model), accept, leaf_root());
    verified.map(drop).map_err(|error| error.to_string())
}

/// What `verify` says.
fn direct(dir: &Path, model: &ModelFacts, accept: &Accept) -> Result<(), String> {
    let verified = verify_session(Folder::new(dir), &manifest(model), accept);
    verified.map(drop).map_err(|error| error.to_string())
}

#[test]
fn the_wrapped_session_is_accepted() {
    let run = honest();
    let dir = write(&run).expect("written");
    let model = manifest(&run.manifest);
    let verified = verify(dir.path(), &model, &run.accept(), leaf_root()).expect("accepted");
    let all = Covered {
        first: 0,
        chunks: 3,
    };
    assert_eq!(
        (&verified.proofs[..], verified.facts.chunks),
        (&[all][..], 3)
    );
    assert_eq!(verified.facts.generated_tokens[..4], [8, 188, 98, 80]);
    open(dir.path(), &model, leaf_root()).expect("opens");
    // Without the chunks' own proofs `verify` has nothing to verify.
    let refused = direct(dir.path(), &run.manifest, &run.accept()).expect_err("no proofs");
    assert!(
        refused.contains("chunk-0000.proof: no such file"),
        "{refused}"
    );
}

/// Every attack on a session that the table of `docs/security.md` lists for `verify`.
#[test]
fn requirement_20_every_attack_on_a_session_is_refused_when_wrapped() {
    let honest = honest();
    let mut unwritten = vec![];
    for (check, attack, change) in session_attacks() {
        let mut run = honest.clone();
        change(&mut run);
        let Some(dir) = write(&run) else {
            unwritten.push(check);
            continue;
        };
        // The verifier's side does not change with the folder.
        let accept = run.manifest.accept(honest.session.domain);
        let found = wrapped(dir.path(), &run.manifest, &accept);
        let found = found.expect_err(&format!("{attack}: accepted"));
        let expected = direct(dir.path(), &run.manifest, &accept).expect_err("no proofs");
        assert_eq!(found, expected, "{attack}");
        assert!(!found.contains("no such file"), "{attack}: {found}");
        assert!(
            open(dir.path(), &manifest(&run.manifest), leaf_root()).is_err(),
            "{attack}: opened"
        );
    }
    assert_eq!(unwritten, ["a prompt"], "a session document has a prompt");
}

/// Every attack on a receipt that changes the receipt or who asks. What changes only the facts of a proof is
/// another proof, which the wrapped one would have to be of.
#[test]
fn requirement_25_every_attack_on_a_receipt_is_refused_when_wrapped() {
    let honest = honest();
    let mut accepted = vec![];
    for (check, attack, change) in receipt_attacks() {
        let receipt = honest.receipts[1].clone();
        let mut case = Case {
            proof: ProofIdentity {
                bytes: receipt.proof.bytes,
                blake2s: receipt.proof.blake2s,
            },
            facts: honest.facts[1].clone(),
            accept: honest.accept(),
            receipt,
        };
        change(&mut case);
        if case.receipt == honest.receipts[1] && case.accept == honest.accept() {
            continue;
        }
        let mut run = honest.clone();
        run.receipts[1] = case.receipt;
        let dir = write(&run).expect("written");
        match wrapped(dir.path(), &run.manifest, &case.accept) {
            Ok(()) => accepted.push(check),
            Err(error) if check.starts_with("params.") => {
                assert!(
                    error.contains(&format!("proof.{check}: ")),
                    "{attack}: {error}"
                );
            }
            Err(_) => {}
        }
    }
    // Nothing knows the bytes of a proof that is not there.
    assert_eq!(accepted, ["bytes", "blake2s"]);
}

/// A chunk's own proof need not be there. If it is, it is the one of the record.
#[test]
fn a_proof_beside_its_receipt_is_the_one_of_the_record() {
    let mut run = honest();
    let proof = b"some other proof".to_vec();
    let dir = write(&run).expect("written");
    fs::write(dir.path().join(proof_name(1)), &proof).expect("written");
    let refused = wrapped(dir.path(), &run.manifest, &run.accept()).expect_err("another size");
    assert!(
        refused.contains("chunk-0001.proof: has 16 bytes"),
        "{refused}"
    );
    run.receipts[1].proof.bytes = 16;
    let dir = write(&run).expect("written");
    fs::write(dir.path().join(proof_name(1)), &proof).expect("written");
    let refused = wrapped(dir.path(), &run.manifest, &run.accept()).expect_err("another digest");
    assert!(
        refused.contains("chunk-0001.proof: has digest"),
        "{refused}"
    );
    run.receipts[1].proof.blake2s = ProofIdentity::of(&proof).blake2s;
    let dir = write(&run).expect("written");
    fs::write(dir.path().join(proof_name(1)), &proof).expect("written");
    assert_eq!(wrapped(dir.path(), &run.manifest, &run.accept()), Ok(()));
}

/// A session that is not complete is no session yet, however good its wrapped proof is.
#[test]
fn requirement_22_a_running_session_is_refused_when_wrapped() {
    let mut run = honest();
    run.session.completion = None;
    for requested in [20, 40] {
        run.session.requested_tokens = requested;
        let dir = write(&run).expect("written");
        let refused = wrapped(dir.path(), &run.manifest, &run.accept()).expect_err("running");
        assert!(refused.contains("status: is `running`"), "{refused}");
        assert!(open(dir.path(), &manifest(&run.manifest), leaf_root()).is_err());
    }
}

/// A chunk's number has four digits, so that no number is so large that the next one is 0.
#[test]
fn the_last_chunk_has_a_number_after_it() {
    for complete in [true, false] {
        let mut run = honest();
        if !complete {
            run.session.completion = None;
        }
        let dir = write(&run).expect("written");
        let last = format!("chunk-{}.receipt.json", u64::MAX);
        fs::rename(dir.path().join(receipt_name(1)), dir.path().join(&last)).expect("renamed");
        let wrapped = wrapped(dir.path(), &run.manifest, &run.accept()).expect_err("misnamed");
        assert!(
            wrapped.contains(&format!("{last}: not a chunk's name")),
            "{wrapped}"
        );
        assert_eq!(
            direct(dir.path(), &run.manifest, &run.accept()),
            Err(wrapped)
        );
    }
}

/// The circuit is the caller's. A folder that names another one is refused, also where its proof is one of that
/// circuit; and so is the honest folder by who trusts another circuit.
#[test]
fn requirement_36_the_circuit_is_never_the_folders() {
    let run = honest();
    let dir = write(&run).expect("written");
    let mut other = leaf_root();
    other[0] ^= 1;
    let refused = verify(dir.path(), &manifest(&run.manifest), &run.accept(), other)
        .expect_err("the folder's");
    assert!(
        refused.to_string().contains("leaf_root: is 0x"),
        "{refused}"
    );
    let refused = open(dir.path(), &manifest(&run.manifest), other).expect_err("the folder's");
    assert!(
        refused.to_string().contains("leaf_root: is 0x"),
        "{refused}"
    );

    let mut document: Wrapped = fixture(WRAPPED);
    document.leaf_root = CircuitRoot(digest_felt(&other));
    document.write(&dir.path().join(WRAPPED)).expect("written");
    let refused = wrapped(dir.path(), &run.manifest, &run.accept()).expect_err("the folder's");
    assert!(refused.contains("leaf_root: is 0x"), "{refused}");
    let refused =
        open(dir.path(), &manifest(&run.manifest), leaf_root()).expect_err("the folder's");
    assert!(
        refused.to_string().contains("leaf_root: is 0x"),
        "{refused}"
    );
    // Named by both, the other circuit has another public value than the proof.
    let refused =
        verify(dir.path(), &manifest(&run.manifest), &run.accept(), other).expect_err("no proof");
    assert!(refused.to_string().contains("wrapped proof"), "{refused}");
}

/// A folded proof is about the two ends of its chunks. The roots of keys and values between are what the receipts on both sides say: nobody
/// else says them.
#[test]
fn a_root_of_keys_and_values_between_chunks_is_not_bound() {
    let mut run = honest();
    let other = Felt::from(5u32);
    run.receipts[0].statement.frontier_out.kv_root.0 = other;
    run.receipts[1].statement.frontier_in.kv_root.0 = other;
    let dir = write(&run).expect("written");
    assert_eq!(wrapped(dir.path(), &run.manifest, &run.accept()), Ok(()));
    // Each end is bound, and so are all tokens, which are behind the chains at the end.
    run.receipts[2].statement.frontier_out.kv_root.0 = other;
    let dir = write(&run).expect("written");
    let refused = wrapped(dir.path(), &run.manifest, &run.accept()).expect_err("another end");
    assert!(refused.contains("wrapped proof"), "{refused}");
}

/// A session document that says more or less than the receipts of a wrapped session.
#[test]
fn requirement_22_documents_of_other_sessions_are_refused_when_wrapped() {
    let run = honest();
    type Change = fn(&mut Session);
    let changes: [Change; 3] = [
        |s| s.session_id.0 += Felt::ONE,
        |s| s.requested_tokens += 1,
        |s| s.prompt_tokens.push(3),
    ];
    for change in changes {
        let mut other = run.clone();
        change(&mut other.session);
        let dir = write(&other).expect("written");
        assert!(wrapped(dir.path(), &run.manifest, &run.accept()).is_err());
    }
}
