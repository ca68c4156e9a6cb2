//! What an earlier run left in the folder, checked as a verifier would.
//!
//! Invariants
//! - A chunk without a [`Fault`] has the statement and the tokens that this build computes, a proof that verifies under
//!   the parameters that are asked for, a receipt that fits the proof, and, for wrapping, a witness of that proof.
//! - A faulty chunk keeps its number of steps where a receipt says it, its own or the next one; several whose receipts
//!   are lost share the steps up to the next receipt. So the chunks after them still follow.
//! - A receipt of another session is an error, and so is a file that cannot be read: neither may be written over.

mod length;

use std::io;

use thiserror::Error;

use super::{ProveSessionError, Request, failed};
use crate::decode::{self, Build, Decoded};
use crate::receipt::{
    Document, DocumentError, FileError, FolderError, FormatError, Receipt, ReceiptError,
    SessionDir, SessionWriter, check_receipt, proof_name, read_bounded, witness_name,
};
use crate::verify::ProofError;
use crate::verify::policy::Accept;
use crate::verify::proof::encode_tensors;
use crate::verify::statement::{Statement, StatementError};
use crate::verify::tensors::verify_tensors;
use crate::wrap::witness;

/// A chunk of an earlier run.
#[derive(Debug)]
pub(super) struct Carried {
    /// None for a faulty one whose length no receipt says, the last of the list: it and what was after it are proven
    /// as if they had never been.
    pub(super) steps: Option<usize>,
    /// Why it has to be proven again.
    pub(super) fault: Option<Fault>,
}

/// What an earlier run left.
pub(super) struct Examined<'a> {
    /// From chunk 0 on.
    pub(super) chunks: Vec<Carried>,
    /// How many of the first ones hold, and the tokens that the policy chose in them.
    pub(super) held: usize,
    pub(super) emitted: Vec<u32>,
    /// The session behind those.
    pub(super) decoder: decode::Session<'a>,
    /// Whether all chunks together, faulty ones too, lead to the session's end.
    pub(super) to_the_end: bool,
}

/// Why a chunk does not hold.
#[derive(Debug, Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Receipt(String),
    #[error("{file}: statement.steps: is {steps}, which the session has no room for")]
    Length { file: String, steps: u32 },
    #[error("{file}: statement.{field}: is {found}, this build computes {computed}")]
    Statement {
        file: String,
        field: &'static str,
        found: String,
        computed: String,
    },
    #[error("{file}: {field}: are not the chunk's")]
    Tokens { file: String, field: &'static str },
    #[error("{file}: proof.file: is {found}, not {expected}")]
    ProofName {
        file: String,
        found: String,
        expected: String,
    },
    #[error("{0}")]
    ProofFile(FolderError),
    #[error("{file}: {source}")]
    Proof { file: String, source: ProofError },
    #[error("{file}: {source}")]
    Check {
        file: String,
        source: Box<ReceiptError>,
    },
    #[error("{0}")]
    NoWitness(FileError),
    #[error("{file}: is not what `prove` wrote for this proof")]
    Witness { file: String },
}

/// A chunk's receipt, or what is wrong with its file.
type Read = Result<Receipt, DocumentError>;

/// Checks the chunks that the folder has, in order, as far as the session goes.
///
/// # Errors
/// A receipt of another session, a proof with other parameters than the request's, a file that cannot be read.
pub(super) fn examine<'a>(
    build: &'a Build,
    (writer, accept): (&SessionWriter, &Accept),
    request: &Request,
    mut decoder: decode::Session<'a>,
) -> Result<Examined<'a>, ProveSessionError> {
    let dir = writer.dir();
    let count = dir.chunks()?;
    let receipts: Vec<Read> = (0..count).map(|i| read(dir, i)).collect::<Result<_, _>>()?;
    check_belonging(dir, &receipts, &decoder)?;
    let mut path = length::Path::new(decoder.clone(), &receipts);
    let (mut chunks, mut emitted) = (vec![], vec![]);
    let mut first_fault = None;
    for (index, receipt) in receipts.iter().enumerate() {
        let left = request.steps().saturating_sub(decoder.position());
        if left == 0 || decoder.ended().is_some() {
            break;
        }
        let made = length::chunk(&receipts[index..], &mut path, &decoder, left);
        let made = made.map_err(failed(index))?;
        let Some(made) = made else {
            let fault = Some(unknown_length(receipt, dir, index));
            chunks.push(Carried { steps: None, fault });
            break;
        };
        let check = Check {
            build,
            dir,
            accept,
            index,
        };
        let checked = match receipt {
            Ok(receipt) => check.chunk(receipt, &made)?,
            Err(error) => Err(Fault::Receipt(error.to_string())),
        };
        let fault = checked.err();
        if first_fault.is_none() {
            match &fault {
                None => emitted.extend(&made.emitted),
                Some(_) => first_fault = Some((index, decoder.clone())),
            }
        }
        decoder.advance(&made);
        let steps = Some(made.statement().steps as usize);
        chunks.push(Carried { steps, fault });
    }
    let to_the_end = decoder.ended().is_some() || decoder.position() >= request.steps();
    let all = chunks.iter().take_while(|chunk| chunk.fault.is_none());
    let (held, decoder) = first_fault.unwrap_or((all.count(), decoder));
    Ok(Examined {
        chunks,
        held,
        emitted,
        decoder,
        to_the_end,
    })
}

fn unknown_length(receipt: &Read, dir: &SessionDir, index: usize) -> Fault {
    match receipt {
        Err(error) => Fault::Receipt(error.to_string()),
        Ok(receipt) => Fault::Length {
            file: dir.receipt_path(index).display().to_string(),
            steps: receipt.statement.steps,
        },
    }
}

/// Reads a receipt. What is wrong inside the file is the inner error, but that it is a receipt of another version.
fn read(dir: &SessionDir, index: usize) -> Result<Read, ProveSessionError> {
    let path = dir.receipt_path(index);
    match Receipt::read(&path) {
        Err(DocumentError::File(error)) if !can_be_replaced(&error) => {
            Err(DocumentError::File(error).into())
        }
        Err(DocumentError::Format {
            source: FormatError::OtherFormat { found, expected },
            ..
        }) if kind(&found) == kind(expected) => Err(ProveSessionError::OtherFormat {
            receipt: path.display().to_string(),
            found,
            expected,
        }),
        read => Ok(read),
    }
}

/// What is before the version in a format.
fn kind(format: &str) -> Option<&str> {
    format.split('/').next()
}

/// Whether a file is not there, or is an ordinary one that is too large: writing it anew mends it.
fn can_be_replaced(error: &FileError) -> bool {
    match error {
        FileError::NotFound { .. } | FileError::TooLarge { .. } => true,
        FileError::Io { source, .. } => source.kind() == io::ErrorKind::UnexpectedEof,
        _ => false,
    }
}

/// Where two statements differ: field, first and second value.
fn differences(found: &Statement, computed: &Statement) -> Vec<(&'static str, String, String)> {
    let output = computed.to_output();
    let checks = found.output_checks(&output, computed.program_hash.0);
    let differing = checks.iter().filter_map(|check| check.find().err());
    let fields = differing.filter_map(|difference| match difference {
        StatementError::Differs {
            field,
            receipt,
            proof,
        } => Some((
            field.strip_prefix("statement.").unwrap_or(field),
            receipt,
            proof,
        )),
        _ => None,
    });
    fields.collect()
}

/// Whether all chunks of a session have a field in common.
fn is_common(field: &str) -> bool {
    !(field.starts_with("frontier_") || field == "steps")
}

/// Refuses a receipt whose session, model, program, policy or prompt is another.
fn check_belonging(
    dir: &SessionDir,
    receipts: &[Read],
    decoder: &decode::Session<'_>,
) -> Result<(), ProveSessionError> {
    let read = receipts.iter().enumerate();
    let mut read = read.filter_map(|(index, read)| Some((index, read.as_ref().ok()?)));
    let Some(first) = read.next() else {
        return Ok(());
    };
    let computed = decoder.decode(1).map_err(failed(0))?;
    for (index, receipt) in [first].into_iter().chain(read) {
        let mut differ = differences(&receipt.statement, computed.statement()).into_iter();
        if let Some((field, found, expected)) = differ.find(|(field, ..)| is_common(field)) {
            return Err(ProveSessionError::Foreign {
                receipt: dir.receipt_path(index).display().to_string(),
                field,
                found,
                expected,
            });
        }
    }
    Ok(())
}

/// Checks one chunk.
struct Check<'a> {
    build: &'a Build,
    dir: &'a SessionDir,
    accept: &'a Accept,
    index: usize,
}

impl Check<'_> {
    fn chunk(
        &self,
        receipt: &Receipt,
        computed: &Decoded,
    ) -> Result<Result<(), Fault>, ProveSessionError> {
        if let Err(fault) = self.statement(receipt, computed) {
            return Ok(Err(fault));
        }
        let (bytes, identity) = match self.dir.load_proof(self.index, receipt) {
            Ok(loaded) => loaded,
            Err(FolderError::File(error)) if !can_be_replaced(&error) => {
                return Err(FolderError::File(error).into());
            }
            Err(error) => return Ok(Err(Fault::ProofFile(error))),
        };
        let file = |path: std::path::PathBuf| path.display().to_string();
        let facts = match verify_tensors(&bytes, &self.build.manifest.tensors) {
            Ok(found) => found.facts,
            Err(source) => {
                let file = file(self.dir.proof_path(self.index));
                return Ok(Err(Fault::Proof { file, source }));
            }
        };
        if let Err(source) = check_receipt(receipt, &facts, &identity, self.accept) {
            let file = file(self.dir.receipt_path(self.index));
            let source = Box::new(source);
            return Ok(Err(Fault::Check { file, source }));
        }
        match self.build.set.is_foldable() {
            true => self.witness(&bytes),
            false => Ok(Ok(())),
        }
    }

    /// The receipt says what this build computes.
    fn statement(&self, receipt: &Receipt, computed: &Decoded) -> Result<(), Fault> {
        let file = self.dir.receipt_path(self.index).display().to_string();
        let mut differ = differences(&receipt.statement, computed.statement()).into_iter();
        if let Some((field, found, computed)) = differ.next() {
            return Err(Fault::Statement {
                file,
                field,
                found,
                computed,
            });
        }
        let lists = [
            ("forced_tokens", &receipt.forced_tokens, &computed.forced),
            ("emitted_tokens", &receipt.emitted_tokens, &computed.emitted),
        ];
        if let Some((field, ..)) = lists.into_iter().find(|(_, said, made)| said != made) {
            return Err(Fault::Tokens { file, field });
        }
        let (found, expected) = (receipt.proof.file.clone(), proof_name(self.index));
        match found == expected {
            true => Ok(()),
            false => Err(Fault::ProofName {
                file,
                found,
                expected,
            }),
        }
    }

    /// The witness is whole, and of this proof.
    fn witness(&self, proof: &[u8]) -> Result<Result<(), Fault>, ProveSessionError> {
        let path = self.dir.path().join(witness_name(self.index));
        let bytes = match read_bounded(&path, witness::MAX_WITNESS_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if can_be_replaced(&error) => return Ok(Err(Fault::NoWitness(error))),
            Err(error) => return Err(FolderError::File(error).into()),
        };
        let file = path.display().to_string();
        let found = witness::decode(&bytes);
        let same = found.is_some_and(|found| encode_tensors(&found.into_proof()) == proof);
        Ok(match same {
            true => Ok(()),
            false => Err(Fault::Witness { file }),
        })
    }
}
