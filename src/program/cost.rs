//! The steps as words of the program and steps of the VM, declared before anything is compiled.

use super::schedule::Schedule;

/// How much of a program a chunk runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Lanes whose next token the prompt gives.
    pub forced: u64,
    /// Lanes that choose.
    pub choosing: u64,
}

/// What a program costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Words of the program.
    pub words: u64,
    /// Steps of the VM.
    pub steps: u64,
}

/// The cost of a program in a chunk.
pub fn declare(_schedule: &Schedule, _work: Work) -> Declared {
    Declared { words: 0, steps: 0 }
}
