//! A build's document and its integers: what a session begins with.

use super::document::PortableDocument;
use super::error::PortableError;
use super::record::Record;
use crate::compile::Program;
use crate::decode::{self, Said, same};
use crate::integers::{Description, Refusal};
use crate::verify::statement::ProgramHash;

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
        digests: [&[u8; 32]; 2],
    ) -> Result<PortableModel, PortableError> {
        let said = Said {
            parameters_root: document.parameters_root,
            spec_version: document.spec_version,
            statement_version: document.statement_version,
            vocab_size: document.vocab_size,
            context_length: document.context_length,
        };
        let description = said.description(bytes, digests)?;
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
        let words = program.words().len() as u64;
        same("the number of words", words, self.document.words)?;
        let hash = ProgramHash(program.hash());
        let expected = self.document.program_hash;
        Ok(same("the program's hash", hash, expected)?)
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
