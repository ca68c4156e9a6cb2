//! A receipt beside a proof with tensor components: the proof is verified with what the manifest pins, by the library and by
//! the commands.

use std::fs;
use std::path::Path;

use cairo_decode::receipt::{
    Document, Folder, Manifest, ProofIdentity, ProofRecord, Receipt, Rejected, WriteDocument,
    receipt_name,
};
use cairo_decode::verify::ProofError;
use cairo_decode::verify::params::PLAIN;
use cairo_decode::verify::policy::{Accept, AcceptedModel};
use cairo_decode::verify::proof::encode_tensors;
use cairo_decode::verify::statement::{Domain, ProgramHash, VERSION};
use cairo_decode::verify::tensors::TensorPins;
use cairo_decode_verdicts::{verify_receipt, verify_tensors};

use crate::command::{accept, path, reject};
use crate::manifest::manifest;
use crate::pinned::{honest, other_model};

/// A receipt of another model's session that says that it is about the tests' proof and its program.
fn receipt_of(bytes: &[u8]) -> Receipt {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wrapped-session");
    let mut receipt = Receipt::read(&fixtures.join("chunk-0000.receipt.json")).expect("a receipt");
    receipt.statement.domain = Domain::local();
    let ProofIdentity { bytes, blake2s } = ProofIdentity::of(bytes);
    receipt.proof = ProofRecord {
        file: receipt.proof.file,
        bytes,
        blake2s,
        params: PLAIN.params,
        security_bits: 96,
    };
    receipt
}

/// `inspect` says what a manifest pins, and `verify` asks it: the honest pins lead to the statement, which is of another
/// program; others are refused with the proof.
#[test]
fn commands_take_layouts_and_roots_from_the_manifest() {
    let bytes = encode_tensors(&honest().proof);
    let receipt = receipt_of(&bytes);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(receipt_name(0));
    receipt.write(&file).expect("written");
    fs::write(folder.path().join(&receipt.proof.file), &bytes).expect("written");
    let write = |name: &str, tensors: TensorPins| {
        let mut written = manifest();
        written.model.model_root = tensors.model_root(written.parameters_root);
        written.tensors = tensors;
        let file = folder.path().join(name);
        written.write(&file).expect("written");
        file
    };
    let own = write("own.json", honest().pins());
    let other = write("other.json", other_model().pins());
    let said = accept(&["inspect", path(&own)]);
    let root = hex::encode(honest().root);
    assert!(
        said.contains("tensors      8 lanes, 16 components, layouts "),
        "{said}"
    );
    assert!(
        said.contains(&format!("constants    {root} (plain)")),
        "{said}"
    );
    let verify = |model: &Path, exit: i32, names: &str| {
        reject(
            &["verify", path(&file), "--model", path(model)],
            exit,
            names,
        )
    };
    verify(&own, 1, "statement.");
    verify(
        &other,
        1,
        "its constants are not those of the manifest's model",
    );
}

/// The manifest's pins decide, and then the output: the tests' program outputs one felt, which no statement is.
#[test]
fn receipts_are_verified_with_the_manifests_pins() {
    let bytes = encode_tensors(&honest().proof);
    let facts = verify_tensors(&bytes, &honest().pins())
        .expect("verifies")
        .facts;
    let mut receipt = receipt_of(&bytes);
    receipt.statement.program_hash = ProgramHash(facts.program_hash);
    let folder = tempfile::tempdir().expect("a folder");
    let (files, name) = (Folder::new(folder.path()), receipt_name(0));
    let file = folder.path().join(&name);
    receipt.write(&file).expect("written");
    fs::write(folder.path().join(&receipt.proof.file), &bytes).expect("written");
    let statement = &receipt.statement;
    let model = AcceptedModel {
        model_root: statement.model_root,
        program_hash: statement.program_hash,
        policy: statement.policy,
        spec_version: statement.spec_version,
        statement_version: VERSION,
    };
    let accept = Accept::new(model, statement.domain);
    let with = |tensors: TensorPins| {
        let manifest = Manifest {
            tensors,
            ..manifest()
        };
        verify_receipt(&files, &name, &manifest, &accept).expect_err("a refusal")
    };
    match with(honest().pins()) {
        Rejected::Receipt { source, .. } => {
            assert_eq!(
                source.to_string(),
                "public output: has 1 felts, a statement has 22"
            )
        }
        other => panic!("refused for another reason: {other}"),
    }
    match with(other_model().pins()) {
        Rejected::Proof { source, .. } => assert_eq!(source, ProofError::ConstantsRoot),
        other => panic!("refused for another reason: {other}"),
    }
}
