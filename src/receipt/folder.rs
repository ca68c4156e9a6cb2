//! The session's folder: which files there are, who may write, what is complete.
//!
//! Owns: the names (`session.json`, `session.lock`, `chunk-0000.receipt.json`,
//! `chunk-0000.proof`), [`SessionDir`] for readers and [`SessionWriter`], which holds the lock,
//! for the one writer.
//!
//! Invariants: receipts are numbered from 0 without gaps; a receipt is written after its proof,
//! so a proof without a receipt is what a stopped prover left behind: a running session ignores
//! it and proves that chunk again, a complete one must not have any. Other files are nobody's
//! business, except names that could be mistaken for a chunk; folders with a chunk's name are refused before
//! anything is written.
//!
//! Absent on purpose: deciding what to do next; a resume starts from `SessionFacts::last`.

mod discard;
mod lock;
mod tidy;

use std::fs;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::continuity::{SessionError, SessionFacts, check_session};
use super::document::{Document, DocumentError};
use super::envelope::ReceiptOf;
use super::files::{FileError, is_temporary, read_bounded, write_atomic};
use super::listing::{Listing, entries};
use super::manifest::Manifest;
use super::record::ProofIdentity;
use super::session::Session;
use super::stated::Stated;
use super::wrapped::is_wrapped_name;

use lock::Lock;

pub use super::listing::{MAX_CHUNKS, proof_name, receipt_name, witness_name};

pub use lock::LOCK_FILE;

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
    #[error("{}: already has a session; resume it or choose another folder", dir.display())]
    Exists { dir: PathBuf },
    #[error("{}: is not empty ({entry}); choose another folder", dir.display())]
    NotEmpty { dir: PathBuf, entry: String },
    #[error("{}: another process is working on this session", dir.display())]
    Locked { dir: PathBuf },
    #[error("{}: is not a regular file, as the lock of a session is; remove it, and run the same command again", file.display())]
    LockFile { file: PathBuf },
    #[error("{}: is a folder, and has the name of a chunk's file; move it elsewhere, or remove it", file.display())]
    ChunkFolder { file: PathBuf },
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
    #[error("{}: a session has at most {MAX_CHUNKS} chunks; prove with a larger --chunk", dir.display())]
    TooManyChunks { dir: PathBuf },
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
    #[error("{}/{source}", dir.display())]
    Session {
        dir: PathBuf,
        source: Box<SessionError>,
    },
}

/// A session's folder, for reading.
#[derive(Clone, Debug)]
pub struct SessionDir {
    dir: PathBuf,
}

impl SessionDir {
    /// Opens the folder of a session. Reading needs no lock.
    ///
    /// # Errors
    /// [`FolderError::File`] if there is no session document.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, FolderError> {
        let dir = dir.into();
        let file = dir.join(SESSION_FILE);
        if !file.is_file() {
            return Err(FileError::NotFound { file }.into());
        }
        Ok(SessionDir { dir })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Path of chunk `index`'s receipt.
    pub fn receipt_path(&self, index: usize) -> PathBuf {
        self.dir.join(receipt_name(index))
    }

    /// Path of chunk `index`'s proof.
    pub fn proof_path(&self, index: usize) -> PathBuf {
        self.dir.join(proof_name(index))
    }

    /// Reads the session document.
    ///
    /// # Errors
    /// [`FolderError::Document`] naming file and field.
    pub fn load_session(&self) -> Result<Session, FolderError> {
        Ok(Session::read(&self.dir.join(SESSION_FILE))?)
    }

    /// Reads all receipts in order.
    ///
    /// # Errors
    /// [`FolderError`]: a gap, a receipt or proof beyond a complete session's number of chunks, a
    /// name that is almost a chunk's, a receipt that cannot be read.
    pub fn load_receipts<S: Stated>(
        &self,
        session: &Session,
    ) -> Result<Vec<ReceiptOf<S>>, FolderError> {
        let found = Listing::of(&self.dir)?;
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
                dir: self.dir.clone(),
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
            let file = self.receipt_path(*index);
            let (receipt, bytes) = ReceiptOf::read_sized(&file)?;
            all += bytes;
            match all <= MAX_RECEIPTS_BYTES {
                true => Ok(receipt),
                false => Err(FolderError::ReceiptsTooLarge { file }),
            }
        };
        found.receipts.iter().map(read).collect()
    }

    /// How many receipts there are; none of them is read.
    ///
    /// # Errors
    /// [`FolderError`]: the folder cannot be listed, or has a name that is almost a chunk's.
    pub fn count_receipts(&self) -> Result<usize, FolderError> {
        Ok(Listing::of(&self.dir)?.receipts.len())
    }

    /// Reads the proof of a receipt and compares its size and digest with the receipt's.
    ///
    /// # Errors
    /// [`FolderError::File`], [`FolderError::ProofSize`], [`FolderError::ProofDigest`].
    pub fn load_proof<S>(
        &self,
        index: usize,
        receipt: &ReceiptOf<S>,
    ) -> Result<(Vec<u8>, ProofIdentity), FolderError> {
        let file = self.proof_path(index);
        let bytes = read_bounded(&file, MAX_PROOF_BYTES)?;
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
        let mut names = entries(&self.dir)?;
        names.retain(|name| is_wrapped_name(name));
        Ok(names)
    }

    /// Reads everything but the proofs and checks that it forms one session of `manifest`'s
    /// model.
    ///
    /// # Errors
    /// [`FolderError`]; the message names file and field.
    pub fn check<S: Stated>(
        &self,
        manifest: &Manifest,
    ) -> Result<(Session, Chain<S>), FolderError> {
        let session = self.load_session()?;
        let chain = self.check_receipts(&session, manifest)?;
        Ok((session, chain))
    }

    /// The same for a session document that was read from this folder.
    ///
    /// # Errors
    /// As [`SessionDir::check`].
    pub fn check_receipts<S: Stated>(
        &self,
        session: &Session,
        manifest: &Manifest,
    ) -> Result<Chain<S>, FolderError> {
        let receipts = self.load_receipts(session)?;
        let facts = check_session(session, manifest, &receipts);
        let facts = facts.map_err(|error| FolderError::Session {
            dir: self.dir.clone(),
            source: Box::new(error),
        })?;
        Ok((receipts, facts))
    }
}

/// The receipts of a session, and what they say as a whole.
pub type Chain<S> = (Vec<ReceiptOf<S>>, SessionFacts<<S as Stated>::Frontier>);

/// A session's folder with the right to write: only one process has it.
#[derive(Debug)]
pub struct SessionWriter {
    dir: SessionDir,
    _lock: Lock,
}

impl SessionWriter {
    /// Makes the folder of a new session and writes its document.
    ///
    /// # Errors
    /// [`FolderError::Exists`], [`FolderError::NotEmpty`], [`FolderError::Locked`], or what
    /// writing gives.
    pub fn create(dir: impl Into<PathBuf>, session: &Session) -> Result<Self, FolderError> {
        let dir = dir.into();
        fs::create_dir_all(&dir).map_err(FileError::io(&dir, "create"))?;
        for name in entries(&dir)? {
            if name == SESSION_FILE {
                return Err(FolderError::Exists { dir });
            }
            if name != LOCK_FILE && !is_temporary(&name) {
                return Err(FolderError::NotEmpty { dir, entry: name });
            }
        }
        let lock = Lock::take(&dir)?;
        // Another process may have come first, between the look and the lock.
        if dir.join(SESSION_FILE).exists() {
            return Err(FolderError::Exists { dir });
        }
        let writer = SessionWriter {
            dir: SessionDir { dir },
            _lock: lock,
        };
        writer.write_session(session)?;
        Ok(writer)
    }

    /// Opens the folder of a session to go on with it; removes what a stopped write left.
    ///
    /// # Errors
    /// [`FolderError::Locked`], or [`FolderError::File`] if there is no session.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, FolderError> {
        let dir = SessionDir::open(dir)?;
        let lock = Lock::take(dir.path())?;
        tidy::check_names(dir.path())?;
        tidy::remove_temporary(dir.path())?;
        Ok(SessionWriter { dir, _lock: lock })
    }

    /// The folder, for reading.
    pub fn dir(&self) -> &SessionDir {
        &self.dir
    }

    /// Writes the session document.
    ///
    /// # Errors
    /// [`FolderError::Document`].
    pub fn write_session(&self, session: &Session) -> Result<(), FolderError> {
        Ok(session.write(&self.dir.path().join(SESSION_FILE))?)
    }

    /// Writes chunk `index`'s proof, to be followed by its receipt.
    ///
    /// # Errors
    /// [`FolderError::File`], also for a proof that is too large to be read back;
    /// [`FolderError::TooManyChunks`].
    pub fn write_proof(&self, index: usize, proof: &[u8]) -> Result<ProofIdentity, FolderError> {
        let file = self.dir.proof_path(index);
        if index >= MAX_CHUNKS {
            let dir = self.dir.path().to_path_buf();
            return Err(FolderError::TooManyChunks { dir });
        }
        if proof.len() as u64 > MAX_PROOF_BYTES {
            return Err(FileError::TooLarge {
                file,
                limit: MAX_PROOF_BYTES,
            }
            .into());
        }
        write_atomic(&file, proof)?;
        Ok(ProofIdentity::of(proof))
    }

    /// Writes what wrapping chunk `index`'s proof needs. No verifier reads it.
    ///
    /// # Errors
    /// [`FolderError::File`].
    pub fn write_witness(&self, index: usize, witness: &[u8]) -> Result<(), FolderError> {
        Ok(write_atomic(
            &self.dir.path().join(witness_name(index)),
            witness,
        )?)
    }

    /// Writes chunk `index`'s receipt. From here on the chunk counts.
    ///
    /// # Errors
    /// [`FolderError::Document`].
    pub fn write_receipt<S: Stated>(
        &self,
        index: usize,
        receipt: &ReceiptOf<S>,
    ) -> Result<(), FolderError> {
        Ok(receipt.write(&self.dir.receipt_path(index))?)
    }
}
