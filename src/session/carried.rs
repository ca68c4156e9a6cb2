//! What an earlier run left in the folder, checked as a verifier would.
//!
//! Invariants
//! - A chunk without a [`Fault`] has the statement and the tokens that this build computes, a proof that verifies under
//!   the parameters that are asked for, a receipt that fits the proof, and, for wrapping, a witness of that proof.
//! - A faulty chunk keeps its number of steps where a receipt says it, its own or the next one; several whose receipts
//!   are lost share the steps up to the next receipt. So the chunks after them still follow.
//! - A receipt of another session is an error, and so is a file that cannot be read: neither may be written over.

use std::io;

use thiserror::Error;

use super::{ProveSessionError, Request};
use crate::chunk::{Chunk, Decoder};
use crate::receipt::{
    Document, DocumentError, FileError, FolderError, Receipt, ReceiptError, SessionDir,
    SessionWriter, check_receipt, proof_name, read_bounded, witness_name,
};
use crate::verify::params::WRAPPABLE;
use crate::verify::policy::Accept;
use crate::verify::proof::{self, CairoProof};
use crate::verify::statement::{Frontier, Statement, StatementError};
use crate::verify::{ProofError, verify_proof};
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
pub(super) fn examine(
    writer: &SessionWriter,
    accept: &Accept,
    request: &Request,
    mut decoder: Decoder<'_>,
) -> Result<Vec<Carried>, ProveSessionError> {
    let dir = writer.dir();
    let count = dir.chunks()?;
    let receipts: Vec<Read> = (0..count).map(|i| read(dir, i)).collect::<Result<_, _>>()?;
    check_belonging(dir, &receipts, decoder.clone())?;
    let mut carried = vec![];
    for index in 0..count {
        let left = (request.steps()).saturating_sub(decoder.frontier().position as usize);
        if left == 0 || decoder.finished() {
            break;
        }
        let Some(steps) = length(&receipts[index..], &decoder, left) else {
            carried.push(Carried {
                steps: None,
                fault: Some(unknown_length(&receipts[index], dir, index)),
            });
            break;
        };
        let chunk = decoder
            .chunk(steps)
            .map_err(|source| ProveSessionError::Chunk {
                chunk: index,
                source,
            })?;
        let check = Check {
            dir,
            accept,
            index,
            wrappable: request.wrappable,
        };
        let checked = match &receipts[index] {
            Ok(receipt) => check.chunk(receipt, &chunk)?,
            Err(error) => Err(Fault::Receipt(error.to_string())),
        };
        carried.push(Carried {
            steps: Some(chunk.statement.steps as usize),
            fault: checked.err(),
        });
    }
    Ok(carried)
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

/// Reads a receipt. What is wrong inside the file is the inner error.
fn read(dir: &SessionDir, index: usize) -> Result<Read, ProveSessionError> {
    match Receipt::read(&dir.receipt_path(index)) {
        Err(DocumentError::File(error)) if !can_be_replaced(&error) => {
            Err(DocumentError::File(error).into())
        }
        read => Ok(read),
    }
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
    let differing = checks.into_iter().filter_map(|check| match check.find() {
        Err(StatementError::Differs {
            field,
            receipt,
            proof,
        }) => Some((
            field.strip_prefix("statement.").unwrap_or(field),
            receipt,
            proof,
        )),
        _ => None,
    });
    differing.collect()
}

/// Whether all chunks of a session have a field in common.
fn is_common(field: &str) -> bool {
    !(field.starts_with("frontier_") || ["steps", "emitted_root"].contains(&field))
}

/// Refuses a receipt whose session, model, program, policy or prompt is another.
fn check_belonging(
    dir: &SessionDir,
    receipts: &[Read],
    mut decoder: Decoder<'_>,
) -> Result<(), ProveSessionError> {
    let first = decoder
        .chunk(1)
        .map_err(|source| ProveSessionError::Chunk { chunk: 0, source })?;
    for (index, receipt) in receipts.iter().enumerate() {
        let Ok(receipt) = receipt else { continue };
        let mut differ = differences(&receipt.statement, &first.statement).into_iter();
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

/// Steps of the chunk that begins here: what its receipt says, or its share of what leads to the next receipt's
/// beginning. Lengths that lead to a frontier that a later receipt begins with come first.
fn length(receipts: &[Read], decoder: &Decoder<'_>, left: usize) -> Option<usize> {
    let here = decoder.frontier().position as usize;
    let own = receipts.first()?.as_ref().ok();
    let own = own.map(|receipt| receipt.statement.steps as usize);
    let later = receipts.iter().enumerate().skip(1);
    let later: Vec<(usize, Frontier)> = later
        .filter_map(|(chunks, read)| Some((chunks, read.as_ref().ok()?.statement.frontier_in)))
        .collect();
    let leads_to = |steps: usize, frontier: &Frontier| {
        let mut ahead = decoder.clone();
        ahead.chunk(steps).is_ok() && ahead.frontier() == *frontier
    };
    // 1. The own length, if the next receipt does not contradict it.
    let possible = |steps: &usize| (1..=left).contains(steps);
    let own = own.filter(possible);
    let next = later.first().filter(|(chunks, _)| *chunks == 1);
    if let Some(own) = own
        && next.is_none_or(|(_, next)| leads_to(own, next))
    {
        return Some(own);
    }
    // 2. The share of each chunk up to the first later receipt that is reached, of one step at least.
    let to = later.iter().find_map(|(chunks, frontier)| {
        let steps = (frontier.position as usize).checked_sub(here)?;
        let reached = (*chunks..=left).contains(&steps) && leads_to(steps, frontier);
        let room = steps.saturating_sub(chunks - 1);
        let share = own.filter(|own| *chunks > 1 && *own <= room);
        reached.then(|| share.unwrap_or(steps.div_ceil(*chunks)))
    });
    // 3. What no receipt confirms.
    let next = next.and_then(|(_, next)| (next.position as usize).checked_sub(here));
    to.or(own).or(next.filter(possible))
}

/// Checks one chunk.
struct Check<'a> {
    dir: &'a SessionDir,
    accept: &'a Accept,
    index: usize,
    wrappable: bool,
}

impl Check<'_> {
    fn chunk(
        &self,
        receipt: &Receipt,
        computed: &Chunk,
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
        let facts = match verify_proof(&bytes) {
            Ok(facts) => facts,
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
        let wrappable = facts.params == WRAPPABLE.params;
        if wrappable != self.wrappable {
            let proof = file(self.dir.proof_path(self.index));
            return Err(ProveSessionError::OtherParameters { proof, wrappable });
        }
        match self.wrappable {
            true => self.witness(&bytes),
            false => Ok(Ok(())),
        }
    }

    /// The receipt says what this build computes.
    fn statement(&self, receipt: &Receipt, computed: &Chunk) -> Result<(), Fault> {
        let file = self.dir.receipt_path(self.index).display().to_string();
        let mut differ = differences(&receipt.statement, &computed.statement).into_iter();
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
        let of_proof =
            witness::decode(&bytes).map(|extended| proof::encode(&CairoProof::from(extended)));
        let file = path.display().to_string();
        Ok(match of_proof.is_some_and(|found| found == proof) {
            true => Ok(()),
            false => Err(Fault::Witness { file }),
        })
    }
}
