//! The verdict on a case, from its bytes: what the recorded function said of the values that the bytes are of.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::path::{Path, PathBuf};

use cairo_decode_verifier::receipt::{
    Accepted, Document, Manifest, Memory, ProofIdentity, Receipt, Rejected, Session, SessionDir,
    Verification, Wrapped, check_receipt, check_session, proof_name, verify_receipt,
};
use cairo_decode_verifier::verify::ProofError;
use cairo_decode_verifier::verify::policy::Accept;
use cairo_decode_verifier::verify::tensors::{TensorFacts, verify_tensors};

use crate::case::{Accepts, Facts, Unchecked, Verified};

/// Longest text of what was accepted that is a verdict itself; of a longer one it is the digest.
const LONGEST: usize = 2000;

/// A verdict as text: all of a refusal, and all of what was accepted, or its digest.
pub fn said<T: Debug, E: Debug + Display>(verdict: &Result<T, E>) -> String {
    match verdict {
        Err(error) => format!("rejected: {error}\n{error:?}"),
        Ok(accepted) => {
            let text = format!("{accepted:?}");
            match text.len() <= LONGEST {
                true => format!("accepted: {text}"),
                false => format!("accepted: {:?}", ProofIdentity::of(text.as_bytes())),
            }
        }
    }
}

/// What a panic of the library now is: a refusal of the proof, or of the proof in this file.
#[derive(Clone)]
enum Guarded {
    Tensors,
    File(PathBuf),
}

thread_local! {
    static GUARDED: RefCell<Option<Guarded>> = const { RefCell::new(None) };
}

/// The verdict where a panic of the library ends the process, from what it says; `None` where no library was running.
pub fn panicked(reason: String) -> Option<String> {
    let source = ProofError::Invalid(reason);
    Some(match GUARDED.take()? {
        Guarded::Tensors => said(&Err::<TensorFacts, _>(source)),
        Guarded::File(file) => {
            let file = file.display().to_string();
            said(&Err::<Accepted, _>(Rejected::Proof { file, source }))
        }
    })
}

/// The verdict on a case of this kind.
///
/// # Panics
/// A case that `Case` has not made.
pub fn judge(kind: &str, inputs: &[Vec<u8>]) -> String {
    GUARDED.take();
    match (kind, inputs) {
        ("tensors", [manifest, bytes]) => {
            let Unchecked(manifest): Unchecked<Manifest> = read(manifest);
            GUARDED.replace(Some(Guarded::Tensors));
            said(&verify_tensors(bytes, &manifest.tensors))
        }
        ("document", [format, bytes]) => document(&name(format), bytes),
        ("receipt", inputs) => receipt(inputs),
        ("receipts", inputs) => receipts(inputs),
        ("folder", inputs) => folder(inputs),
        ("session", [place, manifest, accept, files @ ..]) => {
            let (manifest, accept) = (model(manifest), accepts(accept));
            said(&session(memory(place, files), &manifest, &accept))
        }
        ("one", [place, receipt, manifest, accept, files @ ..]) => {
            let (manifest, accept) = (model(manifest), accepts(accept));
            said(&one(place, &name(receipt), files, &manifest, &accept))
        }
        _ => panic!("{kind} with {} inputs is no case", inputs.len()),
    }
}

fn name(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("a name")
}

fn read<D: Document>(bytes: &[u8]) -> D {
    D::from_json(bytes).expect("a document of a case")
}

fn accepts(bytes: &[u8]) -> Accept {
    read::<Accepts>(bytes).accept()
}

fn model(bytes: &[u8]) -> Manifest {
    read::<Unchecked<Manifest>>(bytes).0
}

fn document(format: &str, bytes: &[u8]) -> String {
    match format {
        "" | Manifest::FORMAT => said(&Manifest::from_json(bytes)),
        Session::FORMAT => said(&Session::from_json(bytes)),
        Receipt::FORMAT => said(&Receipt::from_json(bytes)),
        Wrapped::FORMAT => said(&Wrapped::from_json(bytes)),
        _ => panic!("{format} is no document of a case"),
    }
}

fn receipt(inputs: &[Vec<u8>]) -> String {
    let [receipt, verified, accept] = inputs else {
        panic!("a receipt, facts and what is accepted")
    };
    let Unchecked(receipt): Unchecked<Receipt> = read(receipt);
    let (facts, proof) = read::<Unchecked<Verified>>(verified).0.facts();
    said(&check_receipt(&receipt, &facts, &proof, &accepts(accept)))
}

fn receipts(inputs: &[Vec<u8>]) -> String {
    let [session, manifest, receipts @ ..] = inputs else {
        panic!("a session, a manifest and receipts")
    };
    let Unchecked(session): Unchecked<Session> = read(session);
    let Facts(manifest) = read(manifest);
    let receipts = receipts
        .iter()
        .map(|bytes| read::<Unchecked<Receipt>>(bytes).0);
    let receipts: Vec<_> = receipts.collect();
    said(&check_session(&session, &manifest, &receipts))
}

fn folder(inputs: &[Vec<u8>]) -> String {
    let [place, manifest, files @ ..] = inputs else {
        panic!("a folder's path, a manifest and files")
    };
    let Facts(manifest) = read(manifest);
    let folder = SessionDir::of(memory(place, files));
    said(&folder.and_then(|folder| folder.check(&manifest)))
}

fn memory(place: &[u8], files: &[Vec<u8>]) -> Memory {
    let pairs = files
        .chunks_exact(2)
        .map(|pair| (name(&pair[0]), pair[1].clone()));
    Memory::new(name(place), BTreeMap::from_iter(pairs))
}

/// As `verify_session`, which does not say which proof it is at.
fn session(files: Memory, manifest: &Manifest, accept: &Accept) -> Result<Accepted, Rejected> {
    let place = cairo_decode_verifier::receipt::Files::place(&files).to_path_buf();
    let mut verification = Verification::open(files, manifest, accept)?;
    for index in 0..verification.chunks() {
        GUARDED.replace(Some(Guarded::File(place.join(proof_name(index)))));
        verification.next_chunk()?;
    }
    verification.finish()
}

fn one(
    place: &[u8],
    receipt: &str,
    files: &[Vec<u8>],
    manifest: &Manifest,
    accept: &Accept,
) -> Result<Receipt, Rejected> {
    let of_name = |pair: &&[Vec<u8>]| pair[0] == receipt.as_bytes();
    if let Some(pair) = files.chunks_exact(2).find(of_name) {
        let proof = Receipt::from_json(&pair[1]).map(|receipt| receipt.proof.file);
        let file = proof.map(|proof| Path::new(&name(place)).join(proof));
        GUARDED.replace(file.ok().map(Guarded::File));
    }
    verify_receipt(&memory(place, files), receipt, manifest, accept)
}
