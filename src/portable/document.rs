//! `portable.json`: what a portable build is. It is no manifest: no verifier of this project takes it, and its format says so.

use serde::Serialize;

use crate::receipt::{Document, FormatError, Object, check_eos, check_lines};
use crate::verify::statement::{MAX_POSITION, ModelRoot, Policy, ProgramHash};

/// Its name in a build's folder.
pub const PORTABLE_FILE: &str = "portable.json";

/// Its `format` field.
pub const PORTABLE_FORMAT: &str = "cairo-decode-portable/1";

/// A model as a program of plain Cairo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PortableDocument {
    /// For people; no control characters.
    pub name: String,
    /// What the program outputs: the root that the same model has with tensor components.
    pub model_root: ModelRoot,
    /// Root of quantised parameters, configuration and tokenizer.
    pub parameters_root: ModelRoot,
    /// Of the words of the build's `program.json`. Another compiler makes other words of the same package.
    pub program_hash: ProgramHash,
    pub spec_version: u32,
    pub statement_version: u32,
    pub policy: Policy,
    /// Number of token ids, at least 1.
    pub vocab_size: u32,
    /// Largest number of positions of a session, at least 1.
    pub context_length: u32,
    /// Most steps of a chunk, at least 1: the lanes of the model root.
    pub steps_per_chunk: u32,
    /// Number of quantised parameters.
    pub parameters: u64,
    /// Numbers in the program's constant arrays.
    pub constants: u64,
    /// Words of the program.
    pub words: u64,
    /// One line for people: where the model came from.
    pub source: String,
}

impl Document for PortableDocument {
    const FORMAT: &'static str = PORTABLE_FORMAT;

    fn body(object: &mut Object<'_>) -> Result<Self, FormatError> {
        Ok(PortableDocument {
            name: object.field("name")?,
            model_root: object.field("model_root")?,
            parameters_root: object.field("parameters_root")?,
            program_hash: object.field("program_hash")?,
            spec_version: object.field("spec_version")?,
            statement_version: object.field("statement_version")?,
            policy: object.field("policy")?,
            vocab_size: object.field("vocab_size")?,
            context_length: object.field("context_length")?,
            steps_per_chunk: object.field("steps_per_chunk")?,
            parameters: object.field("parameters")?,
            constants: object.field("constants")?,
            words: object.field("words")?,
            source: object.field("source")?,
        })
    }

    fn check_form(&self) -> Result<(), FormatError> {
        check_lines([("name", &self.name), ("source", &self.source)])?;
        for (path, number) in [
            ("vocab_size", self.vocab_size),
            ("context_length", self.context_length),
            ("steps_per_chunk", self.steps_per_chunk),
        ] {
            if number == 0 || number > MAX_POSITION {
                let reason = format!("must be 1 to {MAX_POSITION}");
                return Err(FormatError::inconsistent(path, reason));
            }
        }
        check_eos(&self.policy, self.vocab_size)
    }
}
