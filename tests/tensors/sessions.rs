//! A session of two chunks with real proofs, roots and all: the library and the commands verify it, and refuse what was changed.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use cairo_decode::prove::Prover;
use cairo_decode::receipt::{
    Accepted, Completion, Folder, Manifest, ModelFacts, RECEIPT_FORMAT, Receipt, ReceiptError,
    Rejected, Session, SessionWriter, WriteDocument, proof_name, receipt_name,
};
use cairo_decode::spec::SPEC_VERSION;
use cairo_decode::tensor::constants;
use cairo_decode::verify::params::PLAIN;
use cairo_decode::verify::proof::encode_tensors;
use cairo_decode::verify::statement::{Domain, ModelRoot, ProgramHash};
use cairo_decode::verify::statement::{Frontier, VERSION};
use cairo_decode::verify::tensors::TensorPins;
use cairo_decode_verdicts::{verify_receipt, verify_session, verify_tensors};
use starknet_types_core::felt::Felt;

use crate::command::{accept, path, reject};
use crate::generated::Model;
use crate::rooted::{self, Decoded, PROMPT, decode};

/// A complete session, in memory.
struct Proven {
    manifest: Manifest,
    session: Session,
    receipts: Vec<Receipt>,
    proofs: Vec<Vec<u8>>,
}

/// Steps of the chunks. The prompt's last token is read in the second one.
const STEPS: [usize; 2] = [3, 4];

/// The tokens that a chunk's prompt gives, and those that it chooses.
fn lists(model: &Model, decoded: &Decoded) -> (Vec<u32>, Vec<u32>) {
    let statement = decoded.statement();
    let (first, steps) = (
        statement.frontier_in.position as usize,
        statement.steps as usize,
    );
    let forced: Vec<u32> = PROMPT.iter().skip(first + 1).take(steps).copied().collect();
    let chosen = &decoded.values.rows[model.plan.tokens.chosen as usize][..steps];
    let emitted = chosen.iter().skip(forced.len()).map(|&token| token as u32);
    (forced, emitted.collect())
}

fn prove() -> Proven {
    let plain = rooted::model();
    let sets = constants::constants(&plain.plan, plain.schedule.reads()).expect("one writer each");
    let layouts = sets.layouts.clone();
    let prover = Prover::with_constants(&PLAIN, sets);
    let roots = [(PLAIN.name.to_string(), prover.preprocessed_root())];
    let tensors = TensorPins::new(layouts, roots).expect("pins");
    let parameters_root = ModelRoot(Felt::from(1234));
    let root = tensors.model_root(parameters_root);
    let model = Model::with_root(plain.plan, plain.schedule, root.0);
    let first = decode(&model, None, STEPS[0]);
    let second = decode(&model, Some(&first), STEPS[1]);
    let (mut receipts, mut proofs) = (vec![], vec![]);
    for (index, decoded) in [&first, &second].into_iter().enumerate() {
        let run = model.rows(&decoded.values, &decoded.chunk.input);
        let bytes = encode_tensors(&run.expect("it runs").prove_by(&prover));
        let facts = verify_tensors(&bytes, &tensors).expect("verifies").facts;
        let statement = decoded.statement().clone();
        let identity = cairo_decode::receipt::ProofIdentity::of(&bytes);
        let lists = lists(&model, decoded);
        receipts.push(Receipt::new(index, statement, lists, &identity, &facts));
        proofs.push(bytes);
    }
    let generated = receipts.iter().flat_map(|receipt| &receipt.emitted_tokens);
    let generated_tokens: Vec<u32> = generated.copied().collect();
    let pins = model.pins(&PROMPT);
    let manifest = Manifest {
        model: ModelFacts {
            name: "toy".to_owned(),
            model_root: root,
            program_hash: pins.program_hash,
            spec_version: SPEC_VERSION,
            statement_version: VERSION,
            policy: pins.policy,
            vocab_size: model.plan.embedding.outputs() as u32,
            context_length: 16,
            kv_words_per_position: 4,
            parameters: 640,
            source: "a test".to_owned(),
        },
        parameters_root,
        tensors,
    };
    let session = Session {
        session_id: pins.session_id,
        domain: Domain::local(),
        model_root: root,
        program_hash: pins.program_hash,
        policy: pins.policy,
        prompt: "a prompt".to_owned(),
        prompt_tokens: PROMPT.to_vec(),
        chunk_size: 4,
        requested_tokens: generated_tokens.len() as u32,
        completion: Some(Completion {
            chunks: receipts.len() as u32,
            generated_tokens,
        }),
    };
    Proven {
        manifest,
        session,
        receipts,
        proofs,
    }
}

/// Proven once for all tests.
fn proven() -> &'static Proven {
    static PROVEN: OnceLock<Proven> = OnceLock::new();
    PROVEN.get_or_init(prove)
}

/// Writes a session as a prover does, with these receipts.
fn write(receipts: &[Receipt]) -> tempfile::TempDir {
    let proven = proven();
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("session");
    let running = Session {
        completion: None,
        ..proven.session.clone()
    };
    let writer = SessionWriter::create(&dir, &running).expect("a new session");
    for (index, (receipt, proof)) in receipts.iter().zip(&proven.proofs).enumerate() {
        writer.write_proof(index, proof).expect("written");
        writer.write_receipt(index, receipt).expect("written");
    }
    writer.write_session(&proven.session).expect("written");
    proven
        .manifest
        .write(&folder.path().join("model.json"))
        .expect("written");
    folder
}

fn verify(folder: &Path, manifest: &Manifest) -> Result<Accepted, Rejected> {
    let accept = manifest.model.accept(Domain::local());
    let files = Folder::new(folder.join("session"));
    verify_session(files, manifest, &accept)
}

/// A session with two proofs is accepted, by the library and by the commands, and so is each of its receipts.
#[test]
fn a_session_with_tensor_proofs_is_verified() {
    let proven = proven();
    let folder = write(&proven.receipts);
    let accepted = verify(folder.path(), &proven.manifest).expect("accepted");
    assert_eq!(accepted.session, proven.session);
    assert_eq!(accepted.chunks, proven.receipts);
    assert_eq!((accepted.steps, accepted.finished), (7, true));
    let first = proven.receipts[0].statement.frontier_in;
    assert_eq!(Some(first), Frontier::start(&PROMPT));
    assert_eq!(accepted.generated_tokens.len(), 3);
    let dir = folder.path().join("session");
    let manifest = &proven.manifest;
    let accept_ = manifest.accept(Domain::local());
    for (index, receipt) in proven.receipts.iter().enumerate() {
        let (files, name) = (Folder::new(&dir), receipt_name(index));
        let verified = verify_receipt(&files, &name, manifest, &accept_).expect("accepted");
        assert_eq!(verified, *receipt);
    }
    let model = folder.path().join("model.json");
    let verify = ["verify", path(&dir), "--model", path(&model)];
    let said = accept(&verify);
    assert!(
        said.contains("receipt 0001  positions 3 to 6: read 2 of the prompt's 5 tokens, chose 3"),
        "{said}"
    );
    assert!(said.contains("accepted: model 0x"), "{said}");
    let json = accept(&[&verify[..], &["--json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        json["generated_tokens"],
        serde_json::json!(accepted.generated_tokens)
    );
    let file = dir.join(receipt_name(1));
    let said = accept(&["verify", path(&file), "--model", path(&model)]);
    assert!(said.contains("accepted: this chunk only"), "{said}");
    let root = proven.receipts[1]
        .statement
        .frontier_out
        .chosen_root
        .to_string();
    for place in [&dir, &file] {
        let said = accept(&["inspect", path(place)]);
        assert!(said.contains(&format!("chosen {root}")), "{said}");
    }
    let other = [&verify[..], &["--prompt-tokens", "3,7,31,39,6"]].concat();
    reject(
        &other,
        1,
        "prompt_tokens: is 3,7,31,39,5, expected 3,7,31,39,6",
    );
}

/// What a receipt of the session says is what the proofs say: any other number is refused with its name, in the library's order.
#[test]
fn changed_receipts_do_not_fit_the_proofs() {
    type Change = fn(&mut [Receipt]);
    let changes: [(Change, &str); 9] = [
        (
            |r| r[1].statement.frontier_out.kv_root.0 += Felt::ONE,
            "statement.frontier_out.kv_root: receipt says",
        ),
        (
            |r| r[1].statement.frontier_out.chosen_root.0 += Felt::ONE,
            "statement.frontier_out.chosen_root is",
        ),
        (
            |r| r[1].statement.frontier_out.tokens_root.0 += Felt::ONE,
            "statement.frontier_out.tokens_root is",
        ),
        (
            |r| r[1].statement.frontier_in.chosen_root.0 += Felt::ONE,
            "chosen_root",
        ),
        (
            |r| r[1].statement.frontier_in.kv_root.0 += Felt::ONE,
            "statement.frontier_in.kv_root: is",
        ),
        (
            |r| r[1].emitted_tokens[0] ^= 1,
            "statement.frontier_out.chosen_root is",
        ),
        (
            |r| r[0].forced_tokens[0] ^= 1,
            "statement.frontier_out.tokens_root is",
        ),
        (|r| r.swap(0, 1), "proof.file: is chunk-0001.proof"),
        (
            |r| {
                // Both say that other keys and values were between them.
                r[0].statement.frontier_out.kv_root.0 += Felt::ONE;
                r[1].statement.frontier_in.kv_root.0 += Felt::ONE;
            },
            "statement.frontier_out.kv_root: receipt says",
        ),
    ];
    for (index, (change, reason)) in changes.into_iter().enumerate() {
        let mut receipts = proven().receipts.clone();
        change(&mut receipts);
        let folder = write(&receipts);
        let found = verify(folder.path(), &proven().manifest);
        let refused = found.expect_err("a lie").to_string();
        assert!(refused.contains(reason), "{index}: {refused}");
    }
}

/// A session is verified with its manifest's pins and version.
#[test]
fn sessions_of_other_versions_are_refused() {
    let proven = proven();
    let folder = write(&proven.receipts);
    let dir = folder.path().join("session");
    // The version of the manifest's statements.
    let mut manifest = proven.manifest.clone();
    manifest.model.statement_version = 2;
    match verify(folder.path(), &manifest).expect_err("another version") {
        Rejected::Receipt { source, .. } => {
            assert!(matches!(*source, ReceiptError::Policy(_)), "{source}");
        }
        other => panic!("refused for another reason: {other}"),
    }
    // A receipt of another version of the format in the folder.
    let file = dir.join(receipt_name(1));
    let text = fs::read_to_string(&file).expect("a receipt");
    let format = "cairo-decode-receipt/1";
    fs::write(&file, text.replacen(RECEIPT_FORMAT, format, 1)).expect("written");
    let refused = verify(folder.path(), &proven.manifest).expect_err("another format");
    let refused = refused.to_string();
    let other = format!("format: is {format:?}, expected {RECEIPT_FORMAT:?}");
    assert!(refused.contains(&other), "{refused}");
    // The first chunk's proof in the second one's place.
    let folder = write(&proven.receipts);
    let dir = folder.path().join("session");
    fs::write(dir.join(proof_name(1)), &proven.proofs[0]).expect("written");
    let refused = verify(folder.path(), &proven.manifest).expect_err("another proof");
    assert!(
        refused.to_string().contains("its receipt says"),
        "{refused}"
    );
    // The program of another model root.
    let mut manifest = proven.manifest.clone();
    manifest.model.program_hash = ProgramHash(Felt::ONE);
    let refused = verify(folder.path(), &manifest).expect_err("another program");
    assert!(refused.to_string().contains("program_hash"), "{refused}");
}
