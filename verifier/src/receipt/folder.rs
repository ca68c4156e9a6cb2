//! The session's folder, for reading: which files there are, what is complete.
//!
//! Owns: the name `session.json`, and [`SessionDir`], which reads a session from wherever its [`Files`] are.
//!
//! Invariants: receipts are numbered from 0 without gaps; a receipt is written after its proof,
//! so a proof without a receipt is what a stopped prover left behind: a running session ignores
//! it and proves that chunk again, a complete one must not have any. Other files are nobody's
//! business, except names that could be mistaken for a chunk.
//!
//! Absent on purpose: writing, which is the prover's, and deciding what to do next; a resume starts from
//! `SessionFacts::last`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use super::bundle::Contents;
use super::continuity::{SessionError, SessionFacts, check_session};
use super::document::{Document, DocumentError, MAX_DOCUMENT_BYTES};
use super::envelope::Receipt;
use super::files::FileError;
use super::listing::{Listing, proof_name, receipt_name};
use super::manifest::ModelFacts;
use super::record::ProofIdentity;
use super::session::Session;
use super::source::{Files, Folder};
use super::wrapped::is_wrapped_name;

/// Name of the session document.
pub const SESSION_FILE: &str = "session.json";
/// Largest proof file that is read, in bytes.
pub const MAX_PROOF_BYTES: u64 = crate::verify::proof::MAX_PROOF_BYTES as u64;

/// Most bytes of all receipts of a session together. 10,000 of them, and half a million tokens, need fewer.
pub const MAX_RECEIPTS_BYTES: u64 = 32 << 20;

/// Why a session's folder could not be used.
#[derive(Debug, Error)]
pub enum FolderError {
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{}: missing receipt {index:04} ({})", dir.display(), receipt_name(*index))]
    MissingReceipt { dir: PathBuf, index: usize },
    #[error("{}: extra receipt; the session has {chunks} chunks", file.display())]
    ExtraReceipt { file: PathBuf, chunks: u32 },
    #[error("{}: a proof without a receipt in a complete session", file.display())]
    ExtraProof { file: PathBuf },
    #[error("{}: not a chunk's name; chunks are named like chunk-0000.proof", file.display())]
    Misnamed { file: PathBuf },
    #[error("{}: has more than {limit} files; a session's folder holds nothing else", dir.display())]
    TooManyFiles { dir: PathBuf, limit: usize },
    #[error(
        "{}: the receipts up to this one have more than {MAX_RECEIPTS_BYTES} bytes, the limit for those of a session",
        file.display()
    )]
    ReceiptsTooLarge { file: PathBuf },
    #[error("{}: has {found} bytes, its receipt says {expected} (proof.bytes)", file.display())]
    ProofSize {
        file: PathBuf,
        found: u64,
        expected: u64,
    },
    #[error("{}: has digest {found}, its receipt says {expected} (proof.blake2s)", file.display())]
    ProofDigest {
        file: PathBuf,
        found: String,
        expected: String,
    },
    #[error(
        "{}: does not begin with a line of at most {} bytes that lists its files, as a session's bundle does",
        file.display(), Contents::MOST
    )]
    NoContents { file: PathBuf },
    #[error("{}: has {found} bytes, its first line says {expected}", file.display())]
    BundleSize {
        file: PathBuf,
        found: u64,
        expected: u64,
    },
    #[error("{}/{source}", dir.display())]
    Session {
        dir: PathBuf,
        source: Box<SessionError>,
    },
}

impl FolderError {
    /// The file that it is about, or the folder.
    pub fn file(&self) -> PathBuf {
        match self {
            FolderError::Document(error) => error.file().to_path_buf(),
            FolderError::File(error) => error.file().to_path_buf(),
            FolderError::MissingReceipt { dir, index } => dir.join(receipt_name(*index)),
            FolderError::ExtraReceipt { file, .. }
            | FolderError::ExtraProof { file }
            | FolderError::Misnamed { file }
            | FolderError::ReceiptsTooLarge { file }
            | FolderError::NoContents { file }
            | FolderError::BundleSize { file, .. }
            | FolderError::ProofSize { file, .. }
            | FolderError::ProofDigest { file, .. } => file.clone(),
            FolderError::TooManyFiles { dir, .. } => dir.clone(),
            FolderError::Session { dir, source } => dir.join(source.file()),
        }
    }

    /// The field that it is about; of a proof's file, that of the receipt beside it.
    pub fn field(&self) -> Option<String> {
        match self {
            FolderError::Document(error) => error.field().map(str::to_string),
            FolderError::Session { source, .. } => source.field(),
            FolderError::ProofSize { .. } => Some("proof.bytes".to_string()),
            FolderError::ProofDigest { .. } => Some("proof.blake2s".to_string()),
            FolderError::File(_)
            | FolderError::MissingReceipt { .. }
            | FolderError::ExtraReceipt { .. }
            | FolderError::ExtraProof { .. }
            | FolderError::Misnamed { .. }
            | FolderError::ReceiptsTooLarge { .. }
            | FolderError::NoContents { .. }
            | FolderError::BundleSize { .. }
            | FolderError::TooManyFiles { .. } => None,
        }
    }
}

/// A session's folder, for reading.
#[derive(Clone, Debug)]
pub struct SessionDir {
    files: Arc<dyn Files>,
}

impl SessionDir {
    /// Opens the folder of a session. Reading needs no lock.
    ///
    /// # Errors
    /// [`FolderError::File`] if there is no session document.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, FolderError> {
        SessionDir::of(Folder::new(dir))
    }

    /// The same of files that are anywhere.
    ///
    /// # Errors
    /// As [`SessionDir::open`].
    pub fn of(files: impl Files + 'static) -> Result<Self, FolderError> {
        let dir = SessionDir {
            files: Arc::new(files),
        };
        if !dir.files.has(SESSION_FILE) {
            let file = dir.path().join(SESSION_FILE);
            return Err(FileError::NotFound { file }.into());
        }
        Ok(dir)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.files.place()
    }

    /// Path of chunk `index`'s receipt.
    pub fn receipt_path(&self, index: usize) -> PathBuf {
        self.path().join(receipt_name(index))
    }

    /// Path of chunk `index`'s proof.
    pub fn proof_path(&self, index: usize) -> PathBuf {
        self.path().join(proof_name(index))
    }

    /// Reads a document, and says how many bytes it had.
    fn document<D: Document>(&self, name: &str) -> Result<(D, u64), DocumentError> {
        let bytes = self.files.read(name, MAX_DOCUMENT_BYTES)?;
        let document = D::of_file(&self.path().join(name), &bytes)?;
        Ok((document, bytes.len() as u64))
    }

    /// Reads the session document.
    ///
    /// # Errors
    /// [`FolderError::Document`] naming file and field.
    pub fn load_session(&self) -> Result<Session, FolderError> {
        Ok(self.document(SESSION_FILE)?.0)
    }

    /// The chunks that have a receipt, and those that have a proof.
    ///
    /// # Errors
    /// [`FolderError::Misnamed`] for a name that is almost a chunk's, and what listing gives.
    pub fn listing(&self) -> Result<Listing, FolderError> {
        Listing::of(&*self.files)
    }

    /// Reads all receipts in order.
    ///
    /// # Errors
    /// [`FolderError`]: a gap, a receipt or proof beyond a complete session's number of chunks, a
    /// name that is almost a chunk's, a receipt that cannot be read.
    pub fn load_receipts(&self, session: &Session) -> Result<Vec<Receipt>, FolderError> {
        let found = self.listing()?;
        let count = match &session.completion {
            Some(end) => {
                // A huge claimed count must not cost more than the files that are there.
                if let Some(&extra) = found.receipts.range(end.chunks as usize..).next() {
                    let file = self.receipt_path(extra);
                    return Err(FolderError::ExtraReceipt {
                        file,
                        chunks: end.chunks,
                    });
                }
                end.chunks as usize
            }
            None => found.receipts.last().map_or(0, |last| last + 1),
        };
        if found.receipts.len() < count {
            let missing = (0..count).find(|index| !found.receipts.contains(index));
            let index = missing.unwrap_or(count);
            return Err(FolderError::MissingReceipt {
                dir: self.path().to_path_buf(),
                index,
            });
        }
        if session.is_complete()
            && let Some(&extra) = found.proofs.difference(&found.receipts).next()
        {
            let file = self.proof_path(extra);
            return Err(FolderError::ExtraProof { file });
        }
        let mut all = 0;
        let read = |index: &usize| {
            let (receipt, bytes) = self.document(&receipt_name(*index))?;
            all += bytes;
            match all <= MAX_RECEIPTS_BYTES {
                true => Ok(receipt),
                false => Err(FolderError::ReceiptsTooLarge {
                    file: self.receipt_path(*index),
                }),
            }
        };
        found.receipts.iter().map(read).collect()
    }

    /// Number of the chunk after the last one that has a receipt.
    ///
    /// # Errors
    /// As [`SessionDir::listing`].
    pub fn chunks(&self) -> Result<usize, FolderError> {
        let receipts = self.listing()?.receipts;
        Ok(receipts.last().map_or(0, |last| last + 1))
    }

    /// How many receipts there are; none of them is read.
    ///
    /// # Errors
    /// [`FolderError`]: the folder cannot be listed, or has a name that is almost a chunk's.
    pub fn count_receipts(&self) -> Result<usize, FolderError> {
        Ok(self.listing()?.receipts.len())
    }

    /// Reads the proof of a receipt and compares its size and digest with the receipt's.
    ///
    /// # Errors
    /// [`FolderError::File`], [`FolderError::ProofSize`], [`FolderError::ProofDigest`].
    pub fn load_proof(
        &self,
        index: usize,
        receipt: &Receipt,
    ) -> Result<(Vec<u8>, ProofIdentity), FolderError> {
        let file = self.proof_path(index);
        let bytes = self.files.read(&proof_name(index), MAX_PROOF_BYTES)?;
        let (found, said) = (ProofIdentity::of(&bytes), &receipt.proof);
        if found.bytes != said.bytes {
            let expected = said.bytes;
            return Err(FolderError::ProofSize {
                file,
                found: found.bytes,
                expected,
            });
        }
        if found.blake2s != said.blake2s {
            let (found, expected) = (found.blake2s.to_string(), said.blake2s.to_string());
            return Err(FolderError::ProofDigest {
                file,
                found,
                expected,
            });
        }
        Ok((bytes, found))
    }

    /// Names of the wrapped documents that are there.
    ///
    /// # Errors
    /// [`FolderError::File`].
    pub fn wrapped_names(&self) -> Result<Vec<String>, FolderError> {
        let mut names = self.files.names()?;
        names.retain(|name| is_wrapped_name(name));
        Ok(names)
    }

    /// Reads everything but the proofs and checks that it forms one session of `manifest`'s
    /// model.
    ///
    /// # Errors
    /// [`FolderError`]; the message names file and field.
    pub fn check(&self, manifest: &ModelFacts) -> Result<(Session, Chain), FolderError> {
        let session = self.load_session()?;
        let chain = self.check_receipts(&session, manifest)?;
        Ok((session, chain))
    }

    /// The same for a session document that was read from this folder.
    ///
    /// # Errors
    /// As [`SessionDir::check`].
    pub fn check_receipts(
        &self,
        session: &Session,
        manifest: &ModelFacts,
    ) -> Result<Chain, FolderError> {
        let receipts = self.load_receipts(session)?;
        let facts = check_session(session, manifest, &receipts);
        let facts = facts.map_err(|error| FolderError::Session {
            dir: self.path().to_path_buf(),
            source: Box::new(error),
        })?;
        Ok((receipts, facts))
    }
}

/// The receipts of a session, and what they say as a whole.
pub type Chain = (Vec<Receipt>, SessionFacts);
