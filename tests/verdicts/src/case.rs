//! What a verifier was asked: one function of it, and its arguments as bytes.
//!
//! Documents are written without the check of their form, as tests ask about some that have none.

use std::fs;
use std::path::{Path, PathBuf};

use cairo_decode_verifier::receipt::{
    Digest, Document, FormatError, Manifest, ModelFacts, Object, ProofIdentity, Receipt, Session,
};
use cairo_decode_verifier::verify::policy::{Accept, AcceptedModel};
use cairo_decode_verifier::verify::statement::{
    Domain, ModelRoot, Policy, ProgramHash, ProofFelt, ProofParams, PublicFacts,
};
use cairo_decode_verifier::verify::tensors::TensorPins;
use serde::Serialize;

/// An argument.
pub enum Input {
    Bytes(Vec<u8>),
    /// Names and contents of a folder's files, which are read when they are needed: a session may have many.
    Folder(PathBuf, Vec<String>),
}

/// A question to a verifier.
pub struct Case {
    /// Which one; `judge` knows them all.
    pub kind: &'static str,
    pub inputs: Vec<Input>,
}

/// A document whose form is not checked.
#[derive(Debug, Serialize)]
pub struct Unchecked<D>(pub D);

impl<D: Document> Document for Unchecked<D> {
    const FORMAT: &'static str = D::FORMAT;

    fn body(object: &mut Object<'_>) -> Result<Self, FormatError> {
        D::body(object).map(Unchecked)
    }

    fn check_form(&self) -> Result<(), FormatError> {
        Ok(())
    }
}

/// What of a manifest a session's documents are compared with.
#[derive(Debug, Serialize)]
pub struct Facts(pub ModelFacts);

impl Document for Facts {
    const FORMAT: &'static str = "facts";

    fn body(object: &mut Object<'_>) -> Result<Self, FormatError> {
        ModelFacts::body(object).map(Facts)
    }

    fn check_form(&self) -> Result<(), FormatError> {
        Ok(())
    }
}

/// What a verifier accepts.
#[derive(Debug, Serialize)]
pub struct Accepts {
    model_root: ModelRoot,
    program_hash: ProgramHash,
    policy: Policy,
    spec_version: u32,
    statement_version: u32,
    domain: Domain,
    spec_versions: Vec<u32>,
    min_security_bits: u32,
}

impl From<&Accept> for Accepts {
    fn from(accept: &Accept) -> Accepts {
        let model = accept.model();
        Accepts {
            model_root: model.model_root,
            program_hash: model.program_hash,
            policy: model.policy,
            spec_version: model.spec_version,
            statement_version: model.statement_version,
            domain: *accept.domain(),
            spec_versions: accept.spec_versions().to_vec(),
            min_security_bits: accept.min_security_bits(),
        }
    }
}

impl Accepts {
    pub fn accept(self) -> Accept {
        let model = AcceptedModel {
            model_root: self.model_root,
            program_hash: self.program_hash,
            policy: self.policy,
            spec_version: self.spec_version,
            statement_version: self.statement_version,
        };
        let accept = Accept::new(model, self.domain).with_spec_versions(self.spec_versions);
        let accept = accept.with_min_security_bits(self.min_security_bits);
        accept.expect("a floor that an `Accept` had")
    }
}

impl Document for Accepts {
    const FORMAT: &'static str = "accepts";

    fn body(object: &mut Object<'_>) -> Result<Self, FormatError> {
        Ok(Accepts {
            model_root: object.field("model_root")?,
            program_hash: object.field("program_hash")?,
            policy: object.field("policy")?,
            spec_version: object.field("spec_version")?,
            statement_version: object.field("statement_version")?,
            domain: object.field("domain")?,
            spec_versions: object.field("spec_versions")?,
            min_security_bits: object.field("min_security_bits")?,
        })
    }

    fn check_form(&self) -> Result<(), FormatError> {
        Ok(())
    }
}

/// What a proof says that was verified, and which bytes it has.
#[derive(Debug, Serialize)]
pub struct Verified {
    program_hash: ProofFelt,
    output: Vec<ProofFelt>,
    params: ProofParams,
    security_bits: u32,
    bytes: u64,
    blake2s: Digest,
}

impl Verified {
    fn new(facts: &PublicFacts, proof: &ProofIdentity) -> Verified {
        Verified {
            program_hash: ProofFelt(facts.program_hash),
            output: facts.output.iter().copied().map(ProofFelt).collect(),
            params: facts.params,
            security_bits: facts.security_bits,
            bytes: proof.bytes,
            blake2s: proof.blake2s,
        }
    }

    pub fn facts(&self) -> (PublicFacts, ProofIdentity) {
        let facts = PublicFacts {
            program_hash: self.program_hash.0,
            output: self.output.iter().map(|felt| felt.0).collect(),
            params: self.params,
            security_bits: self.security_bits,
        };
        let proof = ProofIdentity {
            bytes: self.bytes,
            blake2s: self.blake2s,
        };
        (facts, proof)
    }
}

impl Document for Verified {
    const FORMAT: &'static str = "verified";

    fn body(object: &mut Object<'_>) -> Result<Self, FormatError> {
        Ok(Verified {
            program_hash: object.field("program_hash")?,
            output: object.field("output")?,
            params: object.field("params")?,
            security_bits: object.field("security_bits")?,
            bytes: object.field("bytes")?,
            blake2s: object.field("blake2s")?,
        })
    }

    fn check_form(&self) -> Result<(), FormatError> {
        Ok(())
    }
}

fn text(text: impl Into<Vec<u8>>) -> Input {
    Input::Bytes(text.into())
}

fn document(document: impl Document) -> Input {
    text(Unchecked(document).to_json().expect("a document"))
}

/// A folder's path, and its files. `None` where it has something that is no file of a name in UTF-8, which
/// files in memory are not.
fn folder(dir: &Path) -> Option<[Input; 2]> {
    let mut files = vec![];
    for entry in fs::read_dir(dir).ok()? {
        let entry = entry.ok()?;
        if !entry.path().is_file() {
            return None;
        }
        files.push(entry.file_name().into_string().ok()?);
    }
    files.sort();
    Some([text(dir.to_str()?), Input::Folder(dir.to_path_buf(), files)])
}

impl Case {
    fn new(kind: &'static str, inputs: impl Into<Vec<Input>>) -> Option<Case> {
        let inputs = inputs.into();
        Some(Case { kind, inputs })
    }

    /// The pins are those of a manifest about which nothing else is known.
    pub(super) fn tensors(bytes: &[u8], pins: &TensorPins) -> Option<Case> {
        let zero = ModelRoot(Default::default());
        let manifest = Manifest {
            model: ModelFacts {
                name: String::new(),
                model_root: zero,
                program_hash: ProgramHash(Default::default()),
                spec_version: 0,
                statement_version: 0,
                policy: Policy::greedy(None),
                vocab_size: 0,
                context_length: 0,
                kv_words_per_position: 0,
                parameters: 0,
                source: String::new(),
            },
            parameters_root: zero,
            tensors: pins.clone(),
        };
        Case::new("tensors", [document(manifest), text(bytes)])
    }

    pub(super) fn document(format: &str, bytes: &[u8]) -> Option<Case> {
        Case::new("document", [text(format), text(bytes)])
    }

    pub(super) fn receipt(
        receipt: &Receipt,
        facts: &PublicFacts,
        proof: &ProofIdentity,
        accept: &Accept,
    ) -> Option<Case> {
        let inputs = [
            document(receipt.clone()),
            document(Verified::new(facts, proof)),
            document(Accepts::from(accept)),
        ];
        Case::new("receipt", inputs)
    }

    pub(super) fn receipts(
        session: &Session,
        manifest: &ModelFacts,
        receipts: &[Receipt],
    ) -> Option<Case> {
        let mut inputs = vec![document(session.clone()), document(Facts(manifest.clone()))];
        inputs.extend(receipts.iter().cloned().map(document));
        Case::new("receipts", inputs)
    }

    pub(super) fn folder(dir: &Path, manifest: &ModelFacts) -> Option<Case> {
        let [place, files] = folder(dir)?;
        let inputs = [place, document(Facts(manifest.clone())), files];
        Case::new("folder", inputs)
    }

    pub(super) fn session(dir: &Path, model: &Manifest, accept: &Accept) -> Option<Case> {
        let [place, files] = folder(dir)?;
        let (model, accept) = (document(model.clone()), document(Accepts::from(accept)));
        let inputs = [place, model, accept, files];
        Case::new("session", inputs)
    }

    pub(super) fn one(dir: &Path, name: &str, model: &Manifest, accept: &Accept) -> Option<Case> {
        let mut case = Case::session(dir, model, accept)?;
        case.kind = "one";
        case.inputs.insert(1, text(name));
        Some(case)
    }
}
