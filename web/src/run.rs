//! One session from its list of files to a verdict, in steps between which the host can show how far it is.
//!
//! Owns: [`Run`], the files that the host gives ([`Given`]), and what the answers say. What is checked, and in which order, is
//! the business of [`Verification`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cairo_decode_verifier::receipt::{
    Contents, Document, DocumentError, Expected, FileError, Files, FolderError, MAX_DOCUMENT_BYTES,
    MAX_PROOF_BYTES, MAX_RECEIPTS_BYTES, Manifest, Rejected, SESSION_FILE, Verification,
    check_file_count, is_chunk_name, proof_name,
};
use cairo_decode_verifier::verify::ProofError;
use cairo_decode_verifier::verify::statement::Domain;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What is to be verified.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    /// What messages call the session's folder.
    session: String,
    /// What messages call the manifest.
    model: String,
    files: Vec<Listed>,
    #[serde(default)]
    expect: Expect,
}

/// A file of the session.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    name: String,
    bytes: u64,
}

/// What a person expects, as the command line's options have it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    prompt_tokens: Option<String>,
    session_id: Option<String>,
    domain: Option<String>,
}

/// Why a command did not do what it was asked.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The session, or the manifest, does not hold.
    Rejected(Reason),
    /// The host has asked for something else than a verdict: this says nothing about the session.
    Failed(String),
}

/// What does not hold, and where.
#[derive(Debug, Serialize)]
pub struct Reason {
    message: String,
    /// The file as the message names it.
    file: String,
    /// The path of the field in that document.
    field: Option<String>,
}

impl Refusal {
    pub fn failed(message: impl Into<String>) -> Refusal {
        Refusal::Failed(message.into())
    }
}

impl<E: Into<Rejected>> From<E> for Refusal {
    fn from(error: E) -> Refusal {
        let rejected = error.into();
        Refusal::Rejected(Reason {
            message: rejected.to_string(),
            file: rejected.file().display().to_string(),
            field: rejected.field(),
        })
    }
}

/// The refusal of a proof on which the library's verifier panicked.
pub fn panicked(file: String, reason: String) -> Refusal {
    let source = ProofError::Invalid(reason);
    Rejected::Proof { file, source }.into()
}

/// The files that the host lists, and the contents that it has given. Each content is read once, and then gone.
#[derive(Debug)]
struct Given {
    place: PathBuf,
    sizes: BTreeMap<String, u64>,
    contents: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl Given {
    fn contents(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        // There is one thread.
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The documents, as far as a verifier reads them: none that is too large, and receipts until there are too many bytes of them.
    fn documents(&self) -> Vec<&str> {
        let small =
            |(name, bytes): (_, &u64)| (*bytes <= MAX_DOCUMENT_BYTES).then_some((name, *bytes));
        let session = self.sizes.get_key_value(SESSION_FILE).and_then(small);
        let mut before = 0;
        let is_receipt = |name: &str| is_chunk_name(name) && name.ends_with(".json");
        let receipts = self.sizes.iter().filter(|(name, _)| is_receipt(name));
        let receipts = receipts.filter_map(small).take_while(|(_, bytes)| {
            let read = before <= MAX_RECEIPTS_BYTES;
            before += bytes;
            read
        });
        session
            .into_iter()
            .chain(receipts)
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// The name of chunk `index`'s proof, if it is there and can be read.
    fn proof(&self, index: usize) -> Option<String> {
        let name = proof_name(index);
        let bytes = self.sizes.get(&name)?;
        (*bytes <= MAX_PROOF_BYTES).then_some(name)
    }
}

/// The same files, for the verifier and for the host.
#[derive(Clone, Debug)]
struct Shared(Arc<Given>);

impl Files for Shared {
    fn place(&self) -> &Path {
        &self.0.place
    }

    fn names(&self) -> Result<Vec<String>, FolderError> {
        check_file_count(self.0.sizes.len(), &self.0.place)?;
        Ok(self.0.sizes.keys().cloned().collect())
    }

    fn has(&self, name: &str) -> bool {
        self.0.sizes.contains_key(name)
    }

    fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, FileError> {
        let file = self.0.place.join(name);
        let too_large = self.0.sizes.get(name).is_some_and(|&bytes| bytes > limit);
        match self.0.contents().remove(name) {
            _ if too_large => Err(FileError::TooLarge { file, limit }),
            Some(bytes) if bytes.len() as u64 > limit => Err(FileError::TooLarge { file, limit }),
            Some(bytes) => Ok(bytes),
            None => Err(FileError::NotFound { file }),
        }
    }
}

/// A session's bundle.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bundle {
    /// What messages call it.
    name: String,
    bytes: u64,
}

/// Says where the files of a bundle are, from its first bytes, as many as [`Contents::places`] asks for.
///
/// # Errors
/// A request that is none, or a bundle that does not hold.
pub fn bundle(request: &[u8], start: &[u8]) -> Result<Value, Refusal> {
    let bundle: Bundle = request_of(request)?;
    let files = Contents::places(Path::new(&bundle.name), start, bundle.bytes)?;
    Ok(json!({ "files": files }))
}

/// What the host asks for.
fn request_of<'a, T: Deserialize<'a>>(request: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(request)
        .map_err(|error| Refusal::failed(format!("the request: {error}")))
}

/// What was begun.
#[derive(Debug)]
struct Begun {
    files: Shared,
    manifest: Manifest,
    domain: Domain,
    expected: Expected,
}

/// A session on its way to a verdict.
#[derive(Debug, Default)]
pub struct Run {
    begun: Option<Begun>,
    verification: Option<Verification>,
}

impl Run {
    /// Reads request and manifest. Says which files it wants next.
    ///
    /// # Errors
    /// A request that is none, or a manifest that does not hold.
    pub fn begin(&mut self, request: &[u8], manifest: &[u8]) -> Result<Value, Refusal> {
        let request: Request = request_of(request)?;
        let model = PathBuf::from(request.model);
        let manifest = read_manifest(&model, manifest)?;
        let expect = request.expect;
        let domain = parsed(expect.domain, "chain and contract")?.unwrap_or_else(Domain::local);
        let expected = Expected {
            prompt_tokens: parsed(expect.prompt_tokens, "prompt tokens")?,
            session_id: parsed(expect.session_id, "session id")?,
        };
        let given = Given {
            place: request.session.into(),
            sizes: request
                .files
                .into_iter()
                .map(|file| (file.name, file.bytes))
                .collect(),
            contents: Mutex::default(),
        };
        let answer = json!({ "wanted": given.documents() });
        self.begun = Some(Begun {
            files: Shared(Arc::new(given)),
            manifest,
            domain,
            expected,
        });
        Ok(answer)
    }

    /// Takes a file of the session.
    ///
    /// # Errors
    /// A name that is no text.
    pub fn give(&mut self, name: &[u8], bytes: Vec<u8>) -> Result<Value, Refusal> {
        let name = str::from_utf8(name).map_err(|_| Refusal::failed("a file's name is no text"))?;
        self.begun()?
            .files
            .0
            .contents()
            .insert(name.to_owned(), bytes);
        Ok(json!({}))
    }

    /// Checks that the documents are a complete session of the manifest's model. Says which proof each receipt has.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn open(&mut self) -> Result<Value, Refusal> {
        let begun = self.begun()?;
        let accept = begun.manifest.accept(begun.domain);
        let verification = Verification::open(begun.files.clone(), &begun.manifest, &accept)?;
        let proofs: Vec<_> = (0..verification.chunks())
            .map(|index| begun.files.0.proof(index))
            .collect();
        let answer = json!({ "session": verification.session(), "manifest": begun.manifest, "proofs": proofs });
        self.verification = Some(verification);
        Ok(answer)
    }

    /// Verifies the next receipt, which has this number.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn receipt(&mut self, index: usize, proof: Option<Vec<u8>>) -> Result<Value, Refusal> {
        if let Some(proof) = proof {
            self.begun()?
                .files
                .0
                .contents()
                .insert(proof_name(index), proof);
        }
        let verification = self.verification.as_mut().ok_or_else(not_opened)?;
        match verification.next_chunk() {
            Ok(Some(receipt)) => Ok(json!({ "receipt": receipt })),
            Ok(None) => Err(Refusal::failed("there is no receipt left")),
            Err(error) => Err(error.into()),
        }
    }

    /// What holds of the session, all of whose receipts were verified.
    ///
    /// # Errors
    /// What is left over, or is not as expected.
    pub fn finish(&mut self) -> Result<Value, Refusal> {
        let verification = self.verification.take().ok_or_else(not_opened)?;
        let begun = self.begun()?;
        let accepted = verification.finish()?;
        let session = &accepted.session;
        begun.expected.check(begun.files.place(), session)?;
        Ok(json!({
            "prompt_tokens": session.prompt_tokens, "generated_tokens": accepted.generated_tokens,
            "steps": accepted.steps, "finished": accepted.finished, "receipts": accepted.chunks.len(),
        }))
    }

    /// What messages call the proof of this number.
    pub fn proof_path(&self, index: usize) -> String {
        let place = self
            .begun
            .as_ref()
            .map_or(Path::new(""), |begun| begun.files.place());
        place.join(proof_name(index)).display().to_string()
    }

    fn begun(&self) -> Result<&Begun, Refusal> {
        self.begun
            .as_ref()
            .ok_or_else(|| Refusal::failed("no session was begun"))
    }
}

fn not_opened() -> Refusal {
    Refusal::failed("no session was opened")
}

fn read_manifest(file: &Path, bytes: &[u8]) -> Result<Manifest, DocumentError> {
    let file = file.to_path_buf();
    if bytes.len() as u64 > MAX_DOCUMENT_BYTES {
        let limit = MAX_DOCUMENT_BYTES;
        return Err(FileError::TooLarge { file, limit }.into());
    }
    Manifest::from_json(bytes).map_err(|source| DocumentError::Format { file, source })
}

/// What a person typed, if anything.
fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    text: Option<String>,
    what: &str,
) -> Result<Option<T>, Refusal> {
    let read = |text: String| {
        text.trim()
            .parse()
            .map_err(|error| Refusal::failed(format!("{what}: {error}")))
    };
    text.map(read).transpose()
}
