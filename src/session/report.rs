//! What proving a session tells: events on the way, and numbers at the end.

use std::time::Duration;

use crate::receipt::Session;

/// What happens while a session is proven, for progress displays.
#[derive(Debug, Clone)]
pub enum Event {
    /// The session has this many steps in all, of which some are proven already, and hold.
    Started { steps: usize, proven: usize },
    /// Something of an earlier run does not hold and is made again.
    Again(Again),
    /// Chunks from here on have another length than the session's document said.
    OtherChunk { before: u32, now: u32 },
    /// A chunk's program runs in the VM.
    Tracing { chunk: usize },
    /// A chunk's trace is being proven.
    Proving { chunk: usize, vm_steps: usize },
    /// A chunk is proven, verified, and on disk.
    Proven(ChunkReport),
    /// Files of an earlier run were removed, and why.
    Removed {
        files: Vec<String>,
        reason: &'static str,
    },
}

/// What is made again, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// The chunk; none if it is the session's document.
    pub chunk: Option<usize>,
    /// Names the file and what is wrong with it.
    pub reason: String,
}

/// One chunk in numbers.
#[derive(Debug, Clone)]
pub struct ChunkReport {
    pub chunk: usize,
    /// Decode steps.
    pub steps: usize,
    pub vm_steps: usize,
    pub trace: Duration,
    pub prove: Duration,
    pub verify: Duration,
    pub proof_bytes: usize,
    /// Tokens that the policy chose.
    pub emitted: Vec<u32>,
}

/// A proven session in numbers.
#[derive(Debug, Clone)]
pub struct SessionReport {
    pub session: Session,
    /// All tokens that the policy chose, in order.
    pub generated: Vec<u32>,
    /// The chunks that this run proved; earlier ones that hold are not repeated.
    pub chunks: Vec<ChunkReport>,
    /// What of an earlier run did not hold and was made again.
    pub again: Vec<Again>,
    /// Names of files of an earlier run that were removed.
    pub removed: Vec<String>,
}
