//! The verifier as tests call it: every question and its verdict can be recorded, and asked again of another build of the verifier.
//!
//! The functions here have the names and the types of the verifier's, and call them. Where the variable `RECORD_VERDICTS` names a
//! folder, they also write there what was asked, as bytes, and what the verdict was, as text ([`record`]). `web/test/replay.mjs` gives the same bytes to the verifier as a WebAssembly module, in which [`judge`] says its verdict; both texts
//! have to be equal. Without the variable nothing is written.
//!
//! Absent on purpose: functions below a verdict, such as single checks by name, or the transcript of a proof whose checks are left out.

mod case;
mod judge;
mod record;

use std::path::Path;

use cairo_decode_verifier::receipt::{
    self, Accepted, Chain, DocumentError, Files, Folder, FolderError, FormatError, Manifest,
    ModelFacts, ProofIdentity, Receipt, ReceiptError, Rejected, Session, SessionDir, SessionError,
    SessionFacts,
};
use cairo_decode_verifier::verify::policy::Accept;
use cairo_decode_verifier::verify::statement::{Domain, PublicFacts};
use cairo_decode_verifier::verify::tensors::{TensorFacts, TensorPins};
use cairo_decode_verifier::verify::{self, ProofError};

pub use case::Case;
pub use judge::{judge, panicked};

/// `verify::tensors::verify_tensors`.
///
/// # Errors
/// Its errors.
pub fn verify_tensors(bytes: &[u8], pins: &TensorPins) -> Result<TensorFacts, ProofError> {
    let verdict = verify::tensors::verify_tensors(bytes, pins);
    record::record(&verdict, || Case::tensors(bytes, pins));
    verdict
}

/// `receipt::check_receipt`.
///
/// # Errors
/// Its errors.
pub fn check_receipt(
    receipt: &Receipt,
    facts: &PublicFacts,
    proof: &ProofIdentity,
    accept: &Accept,
) -> Result<(), ReceiptError> {
    let verdict = receipt::check_receipt(receipt, facts, proof, accept);
    record::record(&verdict, || Case::receipt(receipt, facts, proof, accept));
    verdict
}

/// `receipt::check_session`.
///
/// # Errors
/// Its errors.
pub fn check_session(
    session: &Session,
    manifest: &ModelFacts,
    receipts: &[Receipt],
) -> Result<SessionFacts, SessionError> {
    let verdict = receipt::check_session(session, manifest, receipts);
    record::record(&verdict, || Case::receipts(session, manifest, receipts));
    verdict
}

/// `receipt::SessionDir::check` of the session in a folder.
///
/// # Errors
/// Its errors.
pub fn check_folder(dir: &Path, manifest: &ModelFacts) -> Result<(Session, Chain), FolderError> {
    let verdict = SessionDir::open(dir).and_then(|folder| folder.check(manifest));
    record::record(&verdict, || Case::folder(dir, manifest));
    verdict
}

/// `receipt::verify_session` of the session in a folder.
///
/// # Errors
/// Its errors.
pub fn verify_session(
    files: Folder,
    manifest: &Manifest,
    accept: &Accept,
) -> Result<Accepted, Rejected> {
    let verdict = receipt::verify_session(files.clone(), manifest, accept);
    record::record(&verdict, || Case::session(files.place(), manifest, accept));
    verdict
}

/// `receipt::verify_receipt` of a receipt in a folder.
///
/// # Errors
/// Its errors.
pub fn verify_receipt(
    files: &Folder,
    name: &str,
    manifest: &Manifest,
    accept: &Accept,
) -> Result<Receipt, Rejected> {
    let verdict = receipt::verify_receipt(files, name, manifest, accept);
    record::record(&verdict, || {
        Case::one(files.place(), name, manifest, accept)
    });
    verdict
}

/// `receipt::Manifest::from_json`.
///
/// # Errors
/// Its errors.
pub fn read_manifest(bytes: &[u8]) -> Result<Manifest, FormatError> {
    let verdict = receipt::Document::from_json(bytes);
    record::record(&verdict, || Case::document("", bytes));
    verdict
}

/// Asks the library what a test asks the program: the arguments of `verify`, of the program's own proofs and domain. Does nothing
/// where nothing is recorded, or of arguments that name something else.
pub fn command(args: &[&str]) {
    let &["verify", place, "--model", model, ref options @ ..] = args else {
        return;
    };
    if !record::wanted() || options.iter().any(|option| *option != "--json") {
        return;
    }
    let (place, model) = (Path::new(place), Path::new(model));
    let model = match model.is_dir() {
        true => model.join(receipt::MANIFEST_FILE),
        false => model.to_path_buf(),
    };
    let Ok(manifest) = <Manifest as receipt::Document>::read(&model) else {
        return;
    };
    let accept = manifest.accept(Domain::local());
    if place.is_dir() {
        // The verdict is recorded.
        let _ = verify_session(Folder::new(place), &manifest, &accept);
    } else if let (Some(dir), Some(name)) = (place.parent(), place.file_name()) {
        let _ = verify_receipt(
            &Folder::new(dir),
            &name.to_string_lossy(),
            &manifest,
            &accept,
        );
    }
}

/// What tests need of `receipt::Document`, in its place.
pub trait Document: Sized {
    /// `receipt::Document::FORMAT`.
    const FORMAT: &'static str;

    /// `receipt::Document::from_json`.
    ///
    /// # Errors
    /// Its errors.
    fn from_json(bytes: &[u8]) -> Result<Self, FormatError>;

    /// `receipt::Document::read`, which is not recorded: a document that a test makes something else of.
    ///
    /// # Errors
    /// Its errors.
    fn read(file: &Path) -> Result<Self, DocumentError>;

    /// `receipt::Document::to_json`.
    ///
    /// # Errors
    /// Its errors.
    fn to_json(&self) -> Result<String, FormatError>;
}

impl<D: receipt::Document + std::fmt::Debug> Document for D {
    const FORMAT: &'static str = D::FORMAT;

    fn from_json(bytes: &[u8]) -> Result<Self, FormatError> {
        let verdict = <D as receipt::Document>::from_json(bytes);
        record::record(&verdict, || Case::document(D::FORMAT, bytes));
        verdict
    }

    fn read(file: &Path) -> Result<Self, DocumentError> {
        <D as receipt::Document>::read(file)
    }

    fn to_json(&self) -> Result<String, FormatError> {
        <D as receipt::Document>::to_json(self)
    }
}
