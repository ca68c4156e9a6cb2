//! A build's document and its integers: what a session begins with.

use super::document::PortableDocument;
use super::error::PortableError;
use super::record::Record;
use crate::compile::Program;
use crate::decode::{self, BuildError};
use crate::integers::{Description, Refusal, chooses, decode as read_integers, ranges};
use crate::spec::SPEC_VERSION;
use crate::verify::statement::ProgramHash;
use crate::verify::statement::VERSION;

/// An integer model and the document that names it. The model's ranges hold, so no step of it leaves the numbers that it is computed in.
pub struct PortableModel {
    pub document: PortableDocument,
    pub description: Description,
    pub record: Record,
}

impl PortableModel {
    /// The model that has these bytes, if with these digests of configuration and tokenizer it has the document's root of parameters.
    ///
    /// # Errors
    /// Bytes of no description, a model out of range, or another root, version or size than the document's.
    pub fn open(
        document: PortableDocument,
        bytes: &[u8],
        [config, tokenizer]: [&[u8; 32]; 2],
    ) -> Result<PortableModel, PortableError> {
        let description = read_integers(bytes).map_err(BuildError::from)?;
        let root =
            decode::parameters_root(&description, config, tokenizer).map_err(BuildError::from)?;
        same("the root of the parameters", root, document.parameters_root)?;
        chooses(&description).map_err(BuildError::from)?;
        ranges(&description).map_err(BuildError::from)?;
        let tokens = description.embedding.tokens.rows.len();
        for (field, found, expected) in [
            ("spec_version", SPEC_VERSION as usize, document.spec_version),
            (
                "statement_version",
                VERSION as usize,
                document.statement_version,
            ),
            ("vocab_size", tokens, document.vocab_size),
            (
                "context_length",
                description.context,
                document.context_length,
            ),
        ] {
            same(field, found, expected)?;
        }
        let record = Record::of(&description)?;
        Ok(PortableModel {
            document,
            description,
            record,
        })
    }

    /// Requires the program that the document names.
    ///
    /// # Errors
    /// [`PortableError::Differs`].
    pub fn check_program(&self, program: &Program) -> Result<(), PortableError> {
        let hash = ProgramHash(program.hash());
        same("the program's hash", hash, self.document.program_hash)
    }

    /// So many tokens behind a prompt, fewer if the policy ends the text before: those that the program chooses.
    ///
    /// # Errors
    /// A prompt that is no list of the model's tokens, more positions than the model has, or a value out of a checked range.
    pub fn generate(&self, prompt: &[u32], new_tokens: u32) -> Result<Vec<u32>, Refusal> {
        decode::generate(
            &self.description,
            self.document.policy.eos,
            prompt,
            new_tokens,
        )
    }
}

/// Whether files give what the document says.
fn same(
    field: &'static str,
    found: impl ToString,
    expected: impl ToString,
) -> Result<(), PortableError> {
    let (found, expected) = (found.to_string(), expected.to_string());
    match found == expected {
        true => Ok(()),
        false => Err(PortableError::Differs {
            field,
            found,
            expected,
        }),
    }
}
