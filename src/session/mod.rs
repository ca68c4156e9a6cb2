//! Proves a session: chunk after chunk, each with its proof and receipt, resumable.
//!
//! | file | owns |
//! |---|---|
//! | `provable` | what the loop asks of a build |
//! | `steps` | the builds whose programs hold or read the weights, and the lengths of their chunks |
//! | `tensors` | the builds whose proofs have tensor components |
//! | `request` | what is asked for, and whether a folder is about the same |
//! | `carried` | what an earlier run left |
//! | `make` | a chunk that is decoded: proven, verified, written |
//! | `report` | what a run tells |
//!
//! Invariants
//! - A receipt is written only after its proof has been verified from its bytes, the program's output
//!   has been compared with the engine's statement, and the proof file is in place.
//! - A stopped run goes on at the first chunk without a receipt and gives the same statements.
//! - A chunk that holds is never removed: a faulty one before it is proven with exactly the steps that lead to it, or
//!   not at all. Whatever else is removed is named.
//! - What an earlier run left counts only if it holds now, as a verifier would check it (`carried`); what does not is
//!   proven again, or refused where it is of another session.
//! - Verification of sessions is not here: it is in `receipt`, which never sees the prover.

mod carried;
mod error;
mod make;
mod provable;
mod report;
mod request;
mod steps;
mod tensors;

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::bundle::build_around;
use crate::receipt::{Completion, MAX_CHUNKS, SESSION_FILE, Session, SessionWriter, Stated};
use crate::verify::policy::Accept;
use carried::{Carried, Examined};
use make::Job;
use provable::{ChunkProver, Decoder, Place};

pub use error::{MakeError, ProveSessionError};
pub use provable::Provable;
pub use report::{Again, ChunkReport, Event, SessionReport};
pub use request::{Request, RequestError, random_session_id};

/// Proves the session that `request` describes into the folder `dir`, going on where an earlier run of
/// the same request stopped.
///
/// # Errors
/// A folder that holds another session, and everything that can fail on the way; finished chunks stay.
pub fn prove<B: Provable>(
    build: &B,
    request: &Request,
    dir: &Path,
    observe: &mut dyn FnMut(Event),
) -> Result<SessionReport, ProveSessionError> {
    let most = request.check(build)?;
    let (writer, session) = open(build, request, dir, most)?;
    // 1. What an earlier run left is checked.
    let accept = build.manifest().accept(session.domain);
    let start = build
        .start(&session)
        .map_err(|source| ProveSessionError::Make { chunk: 0, source })?;
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
        set_up: Duration::ZERO,
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
        prover: None,
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
    build: &impl Provable,
    request: &Request,
    dir: &Path,
    most: u32,
) -> Result<(SessionWriter, Session), ProveSessionError> {
    let manifest = build.manifest();
    if dir.join(SESSION_FILE).exists() {
        let writer = SessionWriter::open(dir)?;
        let session = writer.dir().load_session()?;
        request.same_as(manifest, &session, dir)?;
        request.check_end(manifest.vocab_size, &session, most)?;
        return Ok((writer, session));
    }
    if let Some(build) = build_around(dir) {
        let dir = dir.to_path_buf();
        return Err(ProveSessionError::InsideBuild { dir, build });
    }
    let session = request.session(manifest, most)?;
    request.check_end(manifest.vocab_size, &session, most)?;
    Ok((SessionWriter::create(dir, &session)?, session))
}

/// Writes the session's document for what is to come: running, in chunks of at most `now` steps.
fn reopen<D>(
    writer: &SessionWriter,
    examined: &Examined<D>,
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

/// A session on its way to the end.
struct Run<'a, B: Provable> {
    build: &'a B,
    request: &'a Request,
    writer: &'a SessionWriter,
    accept: &'a Accept,
    /// At the beginning of chunk `index`.
    decoder: B::Decoder<'a>,
    /// What an earlier run left, from chunk 0 on.
    carried: Vec<Carried>,
    /// Set up when the first chunk has to be proven.
    prover: Option<B::Prover<'a>>,
    /// Steps of a chunk at most.
    most: usize,
    index: usize,
    report: SessionReport,
}

impl<'a, B: Provable> Run<'a, B> {
    /// Whether no step is left.
    fn finished(&self) -> bool {
        self.left() == 0 || self.decoder.finished()
    }

    fn left(&self) -> usize {
        self.request.steps().saturating_sub(self.decoder.position())
    }

    /// Takes the next chunk from the earlier run, or proves it.
    fn next(&mut self, observe: &mut dyn FnMut(Event)) -> Result<(), ProveSessionError> {
        let chunk = self.index;
        let failed = |source| ProveSessionError::Make { chunk, source };
        match self.carried.get(chunk) {
            Some(Carried {
                steps: Some(steps),
                fault: None,
            }) => {
                let made = self.decoder.decode(*steps).map_err(failed)?;
                self.report.generated.extend(&made.emitted);
                self.decoder.advance(&made);
                self.index += 1;
                Ok(())
            }
            // Of the same length, so that the chunks after it still follow.
            Some(Carried { steps, .. }) => self.prove(*steps, observe),
            None => self.prove(None, observe),
        }
    }

    /// Proves a chunk of so many steps, or of as many as the prover chooses.
    fn prove(
        &mut self,
        steps: Option<usize>,
        observe: &mut dyn FnMut(Event),
    ) -> Result<(), ProveSessionError> {
        let (chunk, left) = (self.index, self.left());
        let failed = |source| ProveSessionError::Make { chunk, source };
        // What holds after it begins where this chunk ends, so its length is given.
        let mut after = self.carried.iter().skip(chunk + 1);
        let given = after.any(|chunk| chunk.fault.is_none());
        let prover = match &mut self.prover {
            Some(prover) => prover,
            none => {
                observe(Event::SetUp);
                let start = Instant::now();
                let prover = none.insert(self.build.prover(self.request));
                self.report.set_up = start.elapsed();
                prover
            }
        };
        let mut place = Place {
            chunk,
            shortest: given,
        };
        let steps = match steps {
            Some(steps) => steps.min(left),
            None => {
                let most = self.most.min(left);
                let chosen = prover.choose(&self.decoder, place, (most, left), observe);
                chosen.map_err(failed)?
            }
        };
        let made = self.decoder.decode(steps).map_err(failed)?;
        let steps = made.statement.steps() as usize;
        // One step is the least there is.
        place.shortest |= steps == 1;
        let job = Job {
            build: self.build,
            accept: self.accept,
            writer: self.writer,
            place,
        };
        match job.make(prover, &made, observe) {
            Ok(report) => {
                self.decoder.advance(&made);
                self.report.generated.extend(&report.emitted);
                observe(Event::Proven(report.clone()));
                self.report.chunks.push(report);
                self.index += 1;
                Ok(())
            }
            Err(error) => self.smaller(error, (steps, given), observe),
        }
    }

    /// After a chunk that is too long for one proof: the next try has fewer steps, if its length is not given.
    fn smaller(
        &mut self,
        error: ProveSessionError,
        (steps, given): (usize, bool),
        observe: &mut dyn FnMut(Event),
    ) -> Result<(), ProveSessionError> {
        let ProveSessionError::Make { chunk, source } = error else {
            return Err(error);
        };
        match source.too_long() {
            Some(problem) if given => Err(ProveSessionError::GivenLength {
                chunk,
                steps,
                problem: problem.without_advice(),
            }),
            Some(_) if steps > 1 => {
                self.most = steps / 2;
                let steps = self.most;
                observe(Event::Split { chunk, steps });
                self.forget(observe)
            }
            _ => Err(ProveSessionError::Make { chunk, source }),
        }
    }

    /// Forgets the faulty chunks of an earlier run from here on, and removes their files: they begin elsewhere now.
    fn forget(&mut self, observe: &mut dyn FnMut(Event)) -> Result<(), ProveSessionError> {
        let faulty = self.index..self.carried.len();
        if faulty.is_empty() {
            return Ok(());
        }
        self.carried.truncate(self.index);
        self.remove(faulty, "as the session is cut into chunks anew", observe)
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
