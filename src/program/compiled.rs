//! The package as a program: its words in the VM and in a proof, and its run.

use std::collections::BTreeMap;
use std::path::Path;

use cairo_vm::Felt252;
use serde::{Deserialize, Serialize};

use super::schedule::MAX_CELLS;
use super::text::Package;
use crate::air::components::{call, cells};
use crate::compile::{
    CompileError, Instruction, Instructions, Program, ProgramError, compile_instructions,
};
use crate::guard::guarded;
use crate::trace::{self, Trace, TraceError};

/// Functions of the library that are calls, by the number of their cells from 1 on.
const CALLS: [&str; MAX_CELLS] = [
    "calls::code_1",
    "calls::code_2",
    "calls::code_3",
    "calls::code_4",
    "calls::code_5",
    "calls::code_6",
    "calls::code_7",
    "calls::code_8",
    "calls::code_9",
    "calls::code_10",
];

/// Most steps of a run: no component of a proof has more rows.
const MAX_STEPS: usize = 1 << 20;

/// The function of the library that reads a view.
const CELLS: &str = "calls::code_cells";

/// The library's functions that are one instruction.
fn instructions() -> Vec<Instruction> {
    let calls = (1..).zip(CALLS).map(|(cells, path)| Instruction {
        path,
        cells,
        word: call::word(cells),
        stand_in: call::stand_in(cells),
    });
    let read = Instruction {
        path: CELLS,
        cells: cells::CELLS,
        word: cells::word(),
        stand_in: cells::stand_in(),
    };
    calls.chain([read]).collect()
}

/// A compiled program of tensor operations.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Compiled {
    /// What the VM runs.
    program: Program,
    /// What is in its place in a proof.
    instructions: Instructions,
}

impl Compiled {
    /// Compiles a package.
    ///
    /// # Errors
    /// As [`compile_instructions`].
    pub fn new(package: &Package) -> Result<Compiled, CompileError> {
        let (program, instructions) = compile_instructions(
            &package.name,
            &package.files,
            &package.calls,
            &instructions(),
        )?;
        Ok(Compiled {
            program,
            instructions,
        })
    }

    /// The program that [`Compiled::to_json`] wrote; `path` is where its text comes from.
    ///
    /// # Errors
    /// A text that is not such JSON, and as `Program::check` and a word that is no call's.
    pub fn from_json(text: &[u8], path: &Path) -> Result<Compiled, ProgramError> {
        let read = serde_json::from_slice(text);
        let compiled: Compiled = read.map_err(|error| ProgramError::Format {
            path: path.to_path_buf(),
            problem: error.to_string(),
        })?;
        compiled.program.check(path)?;
        compiled.check(path)?;
        Ok(compiled)
    }

    /// Requires that a proof's words stand for what the VM runs, so that their hash is the program's.
    ///
    /// # Errors
    /// [`ProgramError::Format`].
    fn check(&self, path: &Path) -> Result<(), ProgramError> {
        let format = |problem: String| ProgramError::Format {
            path: path.to_path_buf(),
            problem,
        };
        let known = instructions();
        let words = self.program.words();
        for (&offset, &word) in &self.instructions.0 {
            let stands = |of: &Instruction| {
                of.word == word && words.get(offset) == Some(&Felt252::from(of.stand_in))
            };
            if !known.iter().any(stands) {
                return Err(format(format!(
                    "the word {offset} is not a call; compile the model again"
                )));
            }
        }
        Ok(())
    }

    /// The program as JSON.
    ///
    /// # Errors
    /// A hint that JSON cannot express.
    pub fn to_json(&self) -> Result<Vec<u8>, ProgramError> {
        serde_json::to_vec(self).map_err(ProgramError::Write)
    }

    /// What the VM runs.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The words that are others in a proof, by offset.
    pub fn instructions(&self) -> &BTreeMap<usize, u128> {
        &self.instructions.0
    }

    /// The words that a proof shows.
    pub fn words(&self) -> Vec<Felt252> {
        self.instructions.words(&self.program)
    }

    /// The program's identity, as the verifier computes it from a proof.
    pub fn hash(&self) -> Felt252 {
        self.instructions.program_hash(&self.program)
    }

    /// Runs the program. Nothing is called and no view is read: that a proof exists for what the run says, the tensor
    /// components decide.
    ///
    /// # Errors
    /// [`TraceError::Refused`] if a check of the program fails, or a run has more steps than a proof has rows.
    pub fn run(&self, input: &[Felt252]) -> Result<Trace, TraceError> {
        let mut hints = trace::hint_processor(&self.program, input, Some(MAX_STEPS));
        guarded(|| trace::run_with(&self.program, &mut hints))
            .unwrap_or_else(|panic| Err(TraceError::Refused(panic)))
    }
}
