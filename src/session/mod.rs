//! Proves a session: chunk after chunk, each with its proof and receipt, resumable.
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
pub(crate) mod plan;
mod report;
mod request;

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::bundle::{Bundle, build_around};
use crate::chunk::{Decoder, SessionPins};
use crate::prove::Prover;
use crate::receipt::{Completion, MAX_CHUNKS, SESSION_FILE, Session, SessionWriter};
use crate::verify::policy::Accept;
use carried::Carried;
use make::Job;
use plan::Plan;

pub use error::ProveSessionError;
pub use report::{Again, ChunkReport, Event, SessionReport};
pub use request::{Request, RequestError, random_session_id};

/// Proves the session that `request` describes into the folder `dir`, going on where an earlier run of
/// the same request stopped.
///
/// # Errors
/// A folder that holds another session, and everything that can fail on the way; finished chunks stay.
pub fn prove(
    bundle: &Bundle,
    request: &Request,
    dir: &Path,
    observe: &mut dyn FnMut(Event),
) -> Result<SessionReport, ProveSessionError> {
    request.check(bundle)?;
    let (writer, session) = open(bundle, request, dir)?;
    // 1. What an earlier run left is checked.
    let accept = bundle.manifest.accept(session.domain);
    let decoder = decoder(bundle, &session)?;
    let carried = carried::examine(&writer, &accept, request, decoder.clone())?;
    let again = carried.iter().enumerate().filter_map(again).collect();
    let proven = carried.iter().filter(|chunk| chunk.fault.is_none());
    observe(Event::Started {
        steps: request.steps(),
        proven: proven.filter_map(|chunk| chunk.steps).sum(),
    });
    let report = SessionReport {
        session,
        generated: vec![],
        chunks: vec![],
        again,
        removed: vec![],
        set_up: Duration::ZERO,
    };
    for again in &report.again {
        observe(Event::Again(again.clone()));
    }
    let mut run = Run {
        bundle,
        request,
        writer: &writer,
        accept: &accept,
        decoder,
        carried,
        prover: None,
        plan: None,
        most: request.chunk as usize,
        index: 0,
        report,
    };
    // 2. What is missing is proven.
    run.reopen(observe)?;
    while !run.finished() {
        run.next(observe)?;
    }
    // 3. The session's document says that it is complete.
    run.complete(observe)
}

/// Opens the folder of an earlier run of the same request, or starts a new one.
fn open(
    bundle: &Bundle,
    request: &Request,
    dir: &Path,
) -> Result<(SessionWriter, Session), ProveSessionError> {
    if dir.join(SESSION_FILE).exists() {
        let writer = SessionWriter::open(dir)?;
        let session = writer.dir().load_session()?;
        request.same_as(bundle, &session, dir)?;
        request.check_end(bundle.manifest.vocab_size, &session)?;
        return Ok((writer, session));
    }
    if let Some(build) = build_around(dir) {
        let dir = dir.to_path_buf();
        return Err(ProveSessionError::InsideBuild { dir, build });
    }
    let session = request.session(bundle)?;
    request.check_end(bundle.manifest.vocab_size, &session)?;
    Ok((SessionWriter::create(dir, &session)?, session))
}

fn decoder<'b>(bundle: &'b Bundle, session: &Session) -> Result<Decoder<'b>, ProveSessionError> {
    let pins = SessionPins {
        domain: session.domain,
        session_id: session.session_id,
        model_root: session.model_root,
        program_hash: session.program_hash,
        policy: session.policy,
        words: bundle.words.clone(),
        prompt: session.prompt_tokens.clone(),
    };
    Decoder::new(&bundle.graph, pins)
        .map_err(|source| ProveSessionError::Chunk { chunk: 0, source })
}

fn again((chunk, carried): (usize, &Carried)) -> Option<Again> {
    let fault = carried.fault.as_ref()?;
    Some(Again {
        chunk: Some(chunk),
        reason: fault.to_string(),
    })
}

/// A session on its way to the end.
struct Run<'a> {
    bundle: &'a Bundle,
    request: &'a Request,
    writer: &'a SessionWriter,
    accept: &'a Accept,
    /// At the beginning of chunk `index`.
    decoder: Decoder<'a>,
    /// What an earlier run left, from chunk 0 on.
    carried: Vec<Carried>,
    /// Set up when the first chunk has to be proven.
    prover: Option<Prover>,
    plan: Option<Plan>,
    /// Steps of a chunk at most.
    most: usize,
    index: usize,
    report: SessionReport,
}

impl<'a> Run<'a> {
    fn position(&self) -> usize {
        self.decoder.frontier().position as usize
    }

    /// Whether no step is left.
    fn finished(&self) -> bool {
        self.position() >= self.request.steps() || self.decoder.finished()
    }

    /// Writes the session's document for what is to come: running, in chunks of the length that is asked for.
    fn reopen(&mut self, observe: &mut dyn FnMut(Event)) -> Result<(), ProveSessionError> {
        let holds = self.carried.iter().all(|chunk| chunk.fault.is_none());
        let known = self.carried.iter().filter_map(|chunk| chunk.steps);
        let steps: usize = known.sum();
        let mut ahead = self.decoder.clone();
        if steps > 0 {
            ahead
                .chunk(steps)
                .map_err(|source| ProveSessionError::Chunk { chunk: 0, source })?;
        }
        let all = ahead.finished() || steps >= self.request.steps();
        if holds && all {
            return Ok(());
        }
        let session = &mut self.report.session;
        let (before, now) = (session.chunk_size, self.request.chunk);
        let written = session.clone();
        if before != now && !all {
            session.chunk_size = now;
            observe(Event::OtherChunk { before, now });
        }
        session.completion = None;
        if *session != written {
            self.writer.write_session(session)?;
        }
        Ok(())
    }

    /// Takes the next chunk from the earlier run, or proves it.
    fn next(&mut self, observe: &mut dyn FnMut(Event)) -> Result<(), ProveSessionError> {
        let chunk = self.index;
        let steps = match self.carried.get(chunk) {
            Some(Carried {
                steps: Some(steps),
                fault: None,
            }) => {
                let made = self.decoder.chunk(*steps);
                let made = made.map_err(|source| ProveSessionError::Chunk { chunk, source })?;
                self.report.generated.extend(&made.emitted);
                self.index += 1;
                return Ok(());
            }
            // Of the same length, so that the chunks after it still follow.
            Some(Carried { steps, .. }) => *steps,
            None => None,
        };
        let prover = match self.prover.take() {
            Some(prover) => prover,
            None => self.set_up(observe),
        };
        let before = self.decoder.clone();
        let made = self.try_chunk(&prover, steps, observe);
        self.prover = Some(prover);
        match made {
            Ok(chunk) => {
                self.report.generated.extend(&chunk.emitted);
                observe(Event::Proven(chunk.clone()));
                self.report.chunks.push(chunk);
                self.index += 1;
                Ok(())
            }
            Err(error) => self.smaller_or_larger(error, before, observe),
        }
    }

    fn set_up(&mut self, observe: &mut dyn FnMut(Event)) -> Prover {
        observe(Event::SetUp);
        let start = Instant::now();
        let prover = Prover::new(self.request.parameters());
        self.report.set_up = start.elapsed();
        self.plan = self.request.plan.then(|| Plan::new(prover.parameters()));
        prover
    }

    /// Proves a chunk of so many steps, or of as many as the plan has it.
    fn try_chunk(
        &mut self,
        prover: &Prover,
        steps: Option<usize>,
        observe: &mut dyn FnMut(Event),
    ) -> Result<ChunkReport, ProveSessionError> {
        let left = self.request.steps() - self.position();
        let most = steps.unwrap_or(self.most).min(left);
        let job = Job {
            bundle: self.bundle,
            prover,
            accept: self.accept,
            writer: self.writer,
            index: self.index,
            wrappable: self.request.wrappable,
        };
        match (&mut self.plan, steps) {
            (Some(plan), None) => {
                make::planned(job, &mut self.decoder, (most, left), plan, observe)
            }
            _ => make::trace(&job, &mut self.decoder, most, observe)
                .and_then(|traced| make::prove(job, traced, observe)),
        }
    }

    /// After a chunk that is too long for one proof: the next try has fewer steps, or a prover that allows more rows.
    fn smaller_or_larger(
        &mut self,
        error: ProveSessionError,
        before: Decoder<'a>,
        observe: &mut dyn FnMut(Event),
    ) -> Result<(), ProveSessionError> {
        let ProveSessionError::Prove { chunk, source } = error else {
            return Err(error);
        };
        let steps = self.position() - before.frontier().position as usize;
        self.decoder = before;
        // What holds after it begins where this chunk ends, so its length is given.
        let mut after = self.carried.iter().skip(self.index + 1);
        let given = after.any(|chunk| chunk.fault.is_none());
        if steps > 1 && source.too_long() && !given {
            self.most = steps / 2;
            let steps = self.most;
            observe(Event::Split { chunk, steps });
            return self.forget(observe);
        }
        // One step is the least there is.
        let larger = self.prover.as_ref().and_then(|p| p.larger(&source));
        let Some(larger) = larger else {
            return Err(match given && source.too_long() {
                true => ProveSessionError::GivenLength {
                    chunk,
                    steps,
                    problem: source.without_advice(),
                },
                false => ProveSessionError::Prove { chunk, source },
            });
        };
        if let Some(plan) = &mut self.plan {
            plan.set = larger.parameters();
        }
        self.prover = Some(larger);
        Ok(())
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
