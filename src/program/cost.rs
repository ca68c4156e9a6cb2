//! The steps as words of the program and steps of the VM, declared before anything is compiled.
//!
//! What the generated text costs follows from the steps, cell by cell. What the library costs is what the compiler makes of it:
//! numbers that were measured, and that `tests/tensors/words.rs` holds against compiled programs and their runs.

use std::collections::BTreeSet;

use super::schedule::{Call, Cell, Schedule, Step, Uses};

/// What a program of no operations costs, without roots: words; steps of a chunk; of them in a chunk that begins a session; and of one
/// that begins behind the prompt, or in which the prompt ends.
const PROTOCOL: Declared = Declared {
    words: 568,
    steps: 176,
};
const START: u64 = 4;
const BEHIND_PROMPT: u64 = 20;
const PROMPT_END: u64 = 24;

/// A lane whose next token the prompt gives, and one that chooses.
const FORCED: u64 = 33;
const CHOOSING: u64 = 37;

/// Roots, and the one more digest where the prompt ends.
const ROOTS: Declared = Declared {
    words: 133,
    steps: 1590,
};
const DIGEST: u64 = 265;

/// How carried positions lie in blocks of 8; and for more lanes each doubling of 8 up to their number, the first one's jump taken away.
const CARRIED: Declared = Declared {
    words: 162,
    steps: 53,
};
const DOUBLING: u64 = 12;
const FIRST_DOUBLING: u64 = 4;

/// Words of the function that is a call's instruction, one for each number of cells.
const INSTRUCTION: u64 = 4;

/// How much of a program a chunk runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Position of the first lane.
    pub position: u64,
    /// Tokens of the prompt.
    pub prompt: u64,
    /// Lanes whose next token the prompt gives, and lanes that choose.
    pub forced: u64,
    pub choosing: u64,
}

/// What a program costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// Words of the program.
    pub words: u64,
    /// Steps of the VM.
    pub steps: u64,
}

impl Declared {
    fn add(&mut self, words: u64, steps: u64) {
        self.words += words;
        self.steps += steps;
    }
}

/// The cost of a program in a chunk.
pub fn declare(schedule: &Schedule, work: Work) -> Declared {
    let mut cost = PROTOCOL;
    let choosing = work.choosing != 0;
    let inside = work.position < work.prompt;
    cost.steps += FORCED * work.forced + CHOOSING * work.choosing;
    cost.steps += match (choosing, inside) {
        (true, true) => PROMPT_END,
        (true, false) => BEHIND_PROMPT,
        (false, _) => 0,
    };
    if work.position == 0 {
        cost.steps += START;
    }
    if schedule.roots.is_some() {
        cost.add(ROOTS.words, ROOTS.steps);
        cost.steps += if choosing && inside { DIGEST } else { 0 };
    }
    if Uses::of(&schedule.steps).carried() {
        let doublings = u64::from((schedule.lanes / 8).max(1).ilog2());
        cost.add(CARRIED.words, CARRIED.steps);
        cost.steps += (DOUBLING * doublings).saturating_sub(FIRST_DOUBLING);
    }
    let kinds: BTreeSet<usize> = schedule
        .calls()
        .iter()
        .map(|call| call.cells.len())
        .collect();
    cost.words += INSTRUCTION * kinds.len() as u64;
    let mut evaluator = Evaluator {
        cost,
        started: Uses::default(),
    };
    evaluator.steps(&schedule.steps);
    evaluator.cost
}

/// Walks the steps.
struct Evaluator {
    cost: Declared,
    /// Variables that layers have been handed so far: the first time a constant or a sum takes a word more.
    started: Uses,
}

impl Evaluator {
    fn steps(&mut self, steps: &[Step]) {
        // A sum goes into the cell of the call behind it; a second one before that call has a cell of its own.
        let mut passed = false;
        for step in steps {
            match step {
                Step::Call(call) => {
                    self.call(call);
                    passed &= !call.cells.contains(&Cell::Group);
                }
                Step::NextHead => {
                    self.cost.add(u64::from(passed), u64::from(passed));
                    passed = true;
                }
                Step::Layer { steps, .. } => self.layer(steps),
            }
        }
    }

    /// Each cell is pushed, a constant in two words; then the call, the instruction and a return.
    fn call(&mut self, call: &Call) {
        for cell in &call.cells {
            self.cost.add(
                if matches!(cell, Cell::Number(_)) {
                    2
                } else {
                    1
                },
                1,
            );
        }
        self.cost.add(2, 3);
    }

    /// A call and a return, and what is handed over and back.
    fn layer(&mut self, steps: &[Step]) {
        let uses = Uses::of(steps);
        let handed = uses.handed().len() as u64 + if uses.group { 2 } else { 0 };
        self.cost.add(3 + handed, 2 + handed);
        for (used, started) in [
            (uses.group, &mut self.started.group),
            (uses.groups, &mut self.started.groups),
        ] {
            if used && !*started {
                *started = true;
                self.cost.words += 1;
            }
        }
        self.steps(steps);
    }
}
