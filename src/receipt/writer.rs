//! A session's folder with the right to write.
//!
//! Owns: [`SessionWriter`], which holds the lock for the one writer, and its errors.
//!
//! Invariants: a receipt is written after its proof; folders with a chunk's name are refused before anything is written.

use std::fs;
use std::path::PathBuf;

use thiserror::Error;

use super::lock::{LOCK_FILE, Lock};
use super::write::{WriteDocument, is_temporary, write_atomic};
use super::{
    DocumentError, FileError, Files, Folder, FolderError, MAX_CHUNKS, MAX_PROOF_BYTES,
    ProofIdentity, Receipt, SESSION_FILE, Session, SessionDir, tidy, witness_name,
};

/// Why a session could not be written.
#[derive(Debug, Error)]
pub enum WriterError {
    #[error(transparent)]
    Folder(#[from] FolderError),
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
    #[error("{}: a session has at most {MAX_CHUNKS} chunks; prove with a larger --chunk", dir.display())]
    TooManyChunks { dir: PathBuf },
}

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
    /// [`WriterError::Exists`], [`WriterError::NotEmpty`], [`WriterError::Locked`], or what
    /// writing gives.
    pub fn create(dir: impl Into<PathBuf>, session: &Session) -> Result<Self, WriterError> {
        let dir = dir.into();
        fs::create_dir_all(&dir).map_err(FileError::io(&dir, "create"))?;
        for name in Folder::new(&dir).names()? {
            if name == SESSION_FILE {
                return Err(WriterError::Exists { dir });
            }
            if name != LOCK_FILE && !is_temporary(&name) {
                return Err(WriterError::NotEmpty { dir, entry: name });
            }
        }
        let lock = Lock::take(&dir)?;
        // Another process may have come first, between the look and the lock.
        if dir.join(SESSION_FILE).exists() {
            return Err(WriterError::Exists { dir });
        }
        session.write(&dir.join(SESSION_FILE))?;
        let dir = SessionDir::open(dir)?;
        Ok(SessionWriter { dir, _lock: lock })
    }

    /// Opens the folder of a session to go on with it; removes what a stopped write left.
    ///
    /// # Errors
    /// [`WriterError::Locked`], or [`WriterError::File`] if there is no session.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, WriterError> {
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
    /// [`WriterError::Document`].
    pub fn write_session(&self, session: &Session) -> Result<(), WriterError> {
        Ok(session.write(&self.dir.path().join(SESSION_FILE))?)
    }

    /// Writes chunk `index`'s proof, to be followed by its receipt.
    ///
    /// # Errors
    /// [`WriterError::File`], also for a proof that is too large to be read back;
    /// [`WriterError::TooManyChunks`].
    pub fn write_proof(&self, index: usize, proof: &[u8]) -> Result<ProofIdentity, WriterError> {
        let file = self.dir.proof_path(index);
        if index >= MAX_CHUNKS {
            let dir = self.dir.path().to_path_buf();
            return Err(WriterError::TooManyChunks { dir });
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
    /// [`WriterError::File`].
    pub fn write_witness(&self, index: usize, witness: &[u8]) -> Result<(), WriterError> {
        Ok(write_atomic(
            &self.dir.path().join(witness_name(index)),
            witness,
        )?)
    }

    /// Writes chunk `index`'s receipt. From here on the chunk counts.
    ///
    /// # Errors
    /// [`WriterError::Document`].
    pub fn write_receipt(&self, index: usize, receipt: &Receipt) -> Result<(), WriterError> {
        Ok(receipt.write(&self.dir.receipt_path(index))?)
    }
}
