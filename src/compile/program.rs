//! A compiled program: its words, hints, and hash.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cairo_lang_casm::hints::{CoreHint, CoreHintBase, ExternalHint, Hint};
use cairo_lang_executable::executable::{EntryPointKind, Executable, ExecutableEntryPoint};
use cairo_vm::Felt252;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A program that the VM can run and the prover can prove.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Program {
    executable: Executable,
    /// Which file of the library the code from each offset on belongs to, by offset.
    operations: BTreeMap<usize, String>,
    /// What the generated code from each offset on computes, by offset; empty for nothing that has a label.
    #[serde(default)]
    calls: BTreeMap<usize, String>,
}

/// Why a program file cannot be used.
#[derive(Debug, Error)]
pub enum ProgramError {
    #[error("{path}: not a compiled program: {problem}")]
    Format { path: PathBuf, problem: String },
    #[error("the compiled program cannot be written as JSON: {0}")]
    Write(serde_json::Error),
}

impl Program {
    pub(super) fn new(
        executable: Executable,
        operations: BTreeMap<usize, String>,
        calls: BTreeMap<usize, String>,
    ) -> Program {
        Program {
            executable,
            operations,
            calls,
        }
    }

    /// Requires an entry point at the first word, and hints that no more than help a run; `path` is where the program comes from. Hints are not in the
    /// program's hash. What they say is checked by the program, but one of another kind could print, or ask for any amount of memory.
    ///
    /// # Errors
    /// [`ProgramError::Format`].
    pub(crate) fn check(&self, path: &Path) -> Result<(), ProgramError> {
        let hint = self.hints().find(|hint| !helps(hint));
        let problem = match (self.find_entry_point(), hint) {
            (None, _) => "it has no standalone entry point".to_string(),
            // The hash is of the words alone; a run from another word would be another program.
            (Some(entry), _) if entry.offset != 0 => {
                "its standalone entry point is not at its first word".to_string()
            }
            (_, Some(hint)) => format!(
                "it has the hint {}, which no compiled model has; compile the model again",
                kind(hint)
            ),
            _ => return Ok(()),
        };
        Err(ProgramError::Format {
            path: path.to_path_buf(),
            problem,
        })
    }

    fn hints(&self) -> impl Iterator<Item = &Hint> {
        let hints = self.executable.program.hints.iter();
        hints.flat_map(|(_, hints)| hints)
    }

    /// The program's words.
    pub fn words(&self) -> Vec<Felt252> {
        self.executable
            .program
            .bytecode
            .iter()
            .map(Felt252::from)
            .collect()
    }

    /// Identity of the program: see [`program_hash`](crate::spec::program_hash::program_hash).
    pub fn hash(&self) -> Felt252 {
        crate::spec::program_hash::program_hash(&self.words())
    }

    /// The file of the library that the instruction at an offset belongs to, `step` for the
    /// generated package, `entry` for the code around it. Information only; nothing proven depends on it.
    pub fn operation(&self, offset: usize) -> &str {
        self.operations
            .range(..=offset)
            .next_back()
            .map_or("entry", |(_, name)| name)
    }

    /// The label of what the instruction at an offset computes (see [`compile`](super::compile)), if the line of the
    /// package that it comes from has one. Code that such a line calls has none: it may serve several. Information
    /// only, as [`Program::operation`].
    pub fn call(&self, offset: usize) -> Option<&str> {
        let (_, label) = self.calls.range(..=offset).next_back()?;
        Some(label.as_str()).filter(|label| !label.is_empty())
    }

    /// Whether the program knows what its code computes; a build of an older version does not.
    pub fn has_calls(&self) -> bool {
        self.calls.values().any(|label| !label.is_empty())
    }

    /// The executable for the VM.
    pub(crate) fn executable(&self) -> &Executable {
        &self.executable
    }

    /// The entry point that proofs use.
    pub(crate) fn entry_point(&self) -> &ExecutableEntryPoint {
        self.find_entry_point()
            .unwrap_or(&self.executable.entrypoints[0])
    }

    fn find_entry_point(&self) -> Option<&ExecutableEntryPoint> {
        self.executable
            .entrypoints
            .iter()
            .find(|e| e.kind == EntryPointKind::Standalone)
    }
}

/// Whether a hint is of a kind that compiled models have: divisions, comparisons, roots, new memory, the run's input, and where a panic's
/// reason is.
fn helps(hint: &Hint) -> bool {
    matches!(
        hint,
        Hint::Core(CoreHintBase::Core(
            CoreHint::AllocSegment { .. }
                | CoreHint::AllocConstantSize { .. }
                | CoreHint::TestLessThan { .. }
                | CoreHint::TestLessThanOrEqual { .. }
                | CoreHint::TestLessThanOrEqualAddress { .. }
                | CoreHint::DivMod { .. }
                | CoreHint::Uint256DivMod { .. }
                | CoreHint::WideMul128 { .. }
                | CoreHint::SquareRoot { .. }
                | CoreHint::LinearSplit { .. }
        )) | Hint::External(
            ExternalHint::WriteRunParam { .. }
                | ExternalHint::AddRelocationRule { .. }
                | ExternalHint::AddMarker { .. }
        )
    )
}

/// The name of a hint's kind, as program files have it.
fn kind(hint: &Hint) -> String {
    let value = serde_json::to_value(hint).unwrap_or_default();
    let fields = value.as_object();
    let name = fields.and_then(|fields| fields.keys().next()).cloned();
    name.unwrap_or_else(|| value.to_string())
}
