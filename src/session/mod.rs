//! Proves a session: chunk after chunk, each with its proof and receipt, resumable.
//!
//! | file | owns |
//! |---|---|
//! | `request` | what is asked for, and whether a folder is about the same |
//! | `carried` | what an earlier run left |
//! | `make` | a chunk that is decoded: proven, verified, written |
//! | `report` | what a run tells |
//!
//! Invariants
//! - A receipt is written only after its proof has been verified from its bytes, the program's output
//!   has been compared with the decoder's statement, and the proof file is in place.
//! - A stopped run goes on at the first chunk without a receipt and gives the same statements.
//! - A chunk that holds is never removed: a faulty one before it is proven with exactly the steps that lead to it, or
//!   not at all. Whatever else is removed is named.
//! - What an earlier run left counts only if it holds now, as a verifier would check it (`carried`); what does not is
//!   proven again, or refused where it is of another session.
//! - Verification of sessions is not here: it is in `receipt`, which never sees the prover.

mod carried;
mod error;
mod make;
mod report;
mod request;

use crate::bundle::check_outside_builds;
use crate::decode::{self, Build, DecodeError};
use crate::receipt::{Completion, MAX_CHUNKS, SESSION_FILE, Session, SessionWriter};
use crate::verify::policy::Accept;
use carried::{Carried, Examined};
use make::Job;
use std::ops::Range;
use std::path::Path;

pub use error::ProveSessionError;
pub use report::{Again, ChunkReport, Event, SessionReport};
pub use request::{Request, RequestError, random_session_id};

/// Proves the session that `request` describes into the folder `dir`, going on where an earlier run of
/// the same request stopped.
///
/// # Errors
/// A folder that holds another session, and everything that can fail on the way; finished chunks stay.
pub fn prove(
    build: &Build,
    request: &Request,
    dir: &Path,
    observe: &mut dyn FnMut(Event),
) -> Result<SessionReport, ProveSessionError> {
    let most = request.check(build)?;
    let (writer, session) = open(build, request, dir, most)?;
    // 1. What an earlier run left is checked.
    let accept = build.manifest.accept(session.domain);
    let (prompt, id) = (session.prompt_tokens.clone(), session.session_id);
    let start = decode::Session::new(build, session.domain, id, prompt).map_err(failed(0))?;
    let examined = carried::examine(build, (&writer, &accept), request, start)?;
    let carried = &examined.chunks;
    let again = carried.iter().enumerate().filter_map(again).collect();
    let proven = carried.iter().filter(|chunk| chunk.fault.is_none());
    observe(Event::Started {
        steps: request.steps(),
        proven: proven.filter_map(|chunk| chunk.steps).sum(),
    });
    let mut report = SessionReport {
        session,
        generated: examined.emitted.clone(),
        chunks: vec![],
        again,
        removed: vec![],
    };
    for again in &report.again {
        observe(Event::Again(again.clone()));
    }
    reopen(&writer, &examined, &mut report.session, most, observe)?;
    let mut run = Run {
        build,
        request,
        writer: &writer,
        accept: &accept,
        decoder: examined.decoder,
        carried: examined.chunks,
        most: most as usize,
        index: examined.held,
        report,
    };
    // 2. What is missing is proven.
    while !run.finished() {
        run.next(observe)?;
    }
    // 3. The session's document says that it is complete.
    run.complete(observe)
}

/// Opens the folder of an earlier run of the same request, or starts a new one.
fn open(
    build: &Build,
    request: &Request,
    dir: &Path,
    most: u32,
) -> Result<(SessionWriter, Session), ProveSessionError> {
    let manifest = &build.manifest.model;
    if dir.join(SESSION_FILE).exists() {
        let writer = SessionWriter::open(dir)?;
        let session = writer.dir().load_session()?;
        request.same_as(manifest, &session, dir)?;
        request.check_end(manifest.vocab_size, &session, most)?;
        return Ok((writer, session));
    }
    check_outside_builds(dir)?;
    let session = request.session(manifest, most)?;
    request.check_end(manifest.vocab_size, &session, most)?;
    Ok((SessionWriter::create(dir, &session)?, session))
}

/// Writes the session's document for what is to come: running, in chunks of at most `now` steps.
fn reopen(
    writer: &SessionWriter,
    examined: &Examined<'_>,
    session: &mut Session,
    now: u32,
    observe: &mut dyn FnMut(Event),
) -> Result<(), ProveSessionError> {
    if examined.held == examined.chunks.len() && examined.to_the_end {
        return Ok(());
    }
    let (before, written) = (session.chunk_size, session.clone());
    if before != now && !examined.to_the_end {
        session.chunk_size = now;
        observe(Event::OtherChunk { before, now });
    }
    session.completion = None;
    if *session != written {
        writer.write_session(session)?;
    }
    Ok(())
}

fn again((chunk, carried): (usize, &Carried)) -> Option<Again> {
    let fault = carried.fault.as_ref()?;
    Some(Again {
        chunk: Some(chunk),
        reason: fault.to_string(),
    })
}

/// The error of a chunk that is not decoded.
fn failed(chunk: usize) -> impl FnOnce(DecodeError) -> ProveSessionError {
    move |source| ProveSessionError::Make { chunk, source }
}

/// A session on its way to the end.
struct Run<'a> {
    build: &'a Build,
    request: &'a Request,
    writer: &'a SessionWriter,
    accept: &'a Accept,
    /// At the beginning of chunk `index`.
    decoder: decode::Session<'a>,
    /// What an earlier run left, from chunk 0 on.
    carried: Vec<Carried>,
    /// Steps of a chunk at most.
    most: usize,
    index: usize,
    report: SessionReport,
}

impl Run<'_> {
    /// Whether no step is left.
    fn finished(&self) -> bool {
        self.left() == 0 || self.decoder.ended().is_some()
    }

    fn left(&self) -> usize {
        self.request.steps().saturating_sub(self.decoder.position())
    }

    /// Takes the next chunk from the earlier run, or proves it.
    fn next(&mut self, observe: &mut dyn FnMut(Event)) -> Result<(), ProveSessionError> {
        let carried = self.carried.get(self.index);
        let (steps, holds) = match carried {
            Some(Carried { steps, fault }) => (*steps, fault.is_none()),
            None => (None, false),
        };
        // A faulty chunk is proven with as many steps as it had, so that the chunks after it still follow.
        let steps = steps.map_or(self.most, |steps| steps.min(self.left()));
        let made = self.decoder.decode(steps.min(self.left()));
        let made = made.map_err(failed(self.index))?;
        self.report.generated.extend(&made.emitted);
        if !holds {
            let job = Job {
                build: self.build,
                accept: self.accept,
                writer: self.writer,
                chunk: self.index,
            };
            let report = job.make(&made, observe)?;
            observe(Event::Proven(report.clone()));
            self.report.chunks.push(report);
        }
        self.decoder.advance(&made);
        self.index += 1;
        Ok(())
    }

    /// Removes the files of chunks, and says so.
    fn remove(
        &mut self,
        chunks: Range<usize>,
        reason: &'static str,
        observe: &mut dyn FnMut(Event),
    ) -> Result<(), ProveSessionError> {
        let files = self.writer.discard(chunks)?;
        if !files.is_empty() {
            self.report.removed.extend_from_slice(&files);
            observe(Event::Removed { files, reason });
        }
        Ok(())
    }

    /// Writes that the session is complete, and removes what lies beyond its end.
    fn complete(
        mut self,
        observe: &mut dyn FnMut(Event),
    ) -> Result<SessionReport, ProveSessionError> {
        self.remove(self.index..MAX_CHUNKS, "beyond the session's end", observe)?;
        let mut report = self.report;
        let completion = Some(Completion {
            chunks: self.index as u32,
            generated_tokens: report.generated.clone(),
        });
        let found = &report.session.completion;
        if found.is_some() && *found != completion {
            let again = Again {
                chunk: None,
                reason: format!(
                    "{SESSION_FILE}: chunks and generated_tokens are not those of the receipts"
                ),
            };
            observe(Event::Again(again.clone()));
            report.again.push(again);
        }
        if *found != completion {
            report.session.completion = completion;
            self.writer.write_session(&report.session)?;
        }
        Ok(report)
    }
}
