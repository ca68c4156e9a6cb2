//! Packages of plain Cairo: what the compiler makes of them is the program, and no word of it is changed.

use std::collections::BTreeMap;
use std::path::Path;

use cairo_lang_executable::executable::Executable;

use super::{CompileError, Library, Program, ProgramError, compile_package, embedded};

/// Crate of the library that packages of the portable target use.
pub const PORTABLE: &str = "cairo_decode";

/// `Scarb.toml` of this library.
pub const PORTABLE_MANIFEST: &str = include_str!("../../cairo/portable/Scarb.toml");

/// Sources of the library, relative path → text.
pub fn portable_sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    embedded::PORTABLE.iter().copied()
}

/// Compiles the package `name`, which may use the library [`PORTABLE`], of which nothing is replaced.
///
/// # Errors
/// As [`compile_instructions`](super::compile_instructions).
pub fn compile_plain(
    name: &str,
    files: &BTreeMap<String, String>,
) -> Result<Program, CompileError> {
    compile_plain_with(name, files, portable_sources())
}

/// The same with these sources of the library.
///
/// # Errors
/// As [`compile_plain`].
pub fn compile_plain_with<'a>(
    name: &str,
    files: &BTreeMap<String, String>,
    sources: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Program, CompileError> {
    let library = Library {
        name: PORTABLE,
        instructions: &[],
    };
    let compiled = compile_package(name, files, &BTreeMap::new(), sources, library)?;
    Ok(compiled.into_program())
}

impl Program {
    /// The program as the compiler's own tools write and read it: JSON of an executable, and nothing else.
    ///
    /// # Errors
    /// A hint that JSON cannot express.
    pub fn to_executable_json(&self) -> Result<Vec<u8>, ProgramError> {
        serde_json::to_vec(self.executable()).map_err(ProgramError::Write)
    }

    /// The program that such a text is of; `path` is where the text comes from.
    ///
    /// # Errors
    /// A text that is not such JSON, and as `Program::check`.
    pub fn from_executable_json(text: &[u8], path: &Path) -> Result<Program, ProgramError> {
        let read = serde_json::from_slice::<Executable>(text);
        let executable = read.map_err(|error| ProgramError::Format {
            path: path.to_path_buf(),
            problem: error.to_string(),
        })?;
        let program = Program::new(executable, BTreeMap::new(), BTreeMap::new());
        program.check(path)?;
        Ok(program)
    }
}
