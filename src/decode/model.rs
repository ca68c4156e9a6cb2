//! The integer model of a manifest: what generating needs, and what everything else about a build begins with.

use super::error::BuildError;
use super::root::root_of_bytes;
use crate::integers::{self, Carried, Description, Refusal, chooses, ranges};
use crate::receipt::Manifest;
use crate::spec::SPEC_VERSION;
use crate::verify::statement::{ModelRoot, VERSION};

/// An integer model and the manifest that names it. The model's ranges hold, so no step of it leaves the numbers that it is computed in.
pub struct IntegerModel {
    pub manifest: Manifest,
    pub description: Description,
}

impl IntegerModel {
    /// The model that has these bytes, if with these digests of configuration and tokenizer it has the manifest's root of parameters.
    ///
    /// # Errors
    /// Bytes of no description, a model out of range, or another root, version or size than the manifest's.
    pub fn open(
        manifest: Manifest,
        bytes: &[u8],
        digests: [&[u8; 32]; 2],
    ) -> Result<IntegerModel, BuildError> {
        let said = Said {
            parameters_root: manifest.parameters_root,
            spec_version: manifest.model.spec_version,
            statement_version: manifest.model.statement_version,
            vocab_size: manifest.model.vocab_size,
            context_length: manifest.model.context_length,
        };
        let description = said.description(bytes, digests)?;
        Ok(IntegerModel {
            manifest,
            description,
        })
    }

    /// So many tokens behind a prompt, fewer if the manifest's policy ends the text before: those that chunks' proofs state.
    ///
    /// # Errors
    /// A prompt that is no list of the model's tokens, more positions than the model has, or a value that no proof can have.
    pub fn generate(&self, prompt: &[u32], new_tokens: u32) -> Result<Vec<u32>, Refusal> {
        let eos = self.manifest.model.policy.eos;
        generate(&self.description, eos, prompt, new_tokens)
    }
}

/// What a build's document says of its integers.
pub(crate) struct Said {
    pub(crate) parameters_root: ModelRoot,
    pub(crate) spec_version: u32,
    pub(crate) statement_version: u32,
    pub(crate) vocab_size: u32,
    pub(crate) context_length: u32,
}

impl Said {
    /// The description that has these bytes, if with these digests of configuration and tokenizer all is as the document says. Its ranges hold.
    ///
    /// # Errors
    /// As [`IntegerModel::open`].
    pub(crate) fn description(
        &self,
        bytes: &[u8],
        [config, tokenizer]: [&[u8; 32]; 2],
    ) -> Result<Description, BuildError> {
        let description = integers::decode(bytes)?;
        let root = root_of_bytes(bytes, config, tokenizer);
        same(
            "the root of the parameters (of integers.bin, config.json and the tokenizer)",
            root,
            self.parameters_root,
        )?;
        chooses(&description)?;
        ranges(&description)?;
        let tokens = description.embedding.tokens.rows.len();
        for (field, found, expected) in [
            ("spec_version", SPEC_VERSION as usize, self.spec_version),
            (
                "statement_version",
                VERSION as usize,
                self.statement_version,
            ),
            ("vocab_size", tokens, self.vocab_size),
            ("context_length", description.context, self.context_length),
        ] {
            same(field, found, expected)?;
        }
        Ok(description)
    }
}

/// So many tokens behind a prompt, fewer if `eos` ends the text before.
///
/// # Errors
/// As [`IntegerModel::generate`].
pub fn generate(
    description: &Description,
    eos: Option<u32>,
    prompt: &[u32],
    new_tokens: u32,
) -> Result<Vec<u32>, Refusal> {
    let Some((&last, carried)) = prompt.split_last() else {
        return Ok(vec![]);
    };
    let mut state = Carried::new(description);
    for &token in carried {
        integers::carry(description, &mut state, token)?;
    }
    let (mut last, mut generated) = (last, vec![]);
    for _ in 0..new_tokens {
        last = integers::step(description, &mut state, last)?.token;
        generated.push(last);
        if Some(last) == eos {
            break;
        }
    }
    Ok(generated)
}

/// Whether files give what a build's document says.
pub(crate) fn same(
    field: &'static str,
    found: impl ToString,
    expected: impl ToString,
) -> Result<(), BuildError> {
    let (found, expected) = (found.to_string(), expected.to_string());
    match found == expected {
        true => Ok(()),
        false => Err(BuildError::Differs {
            field,
            found,
            expected,
        }),
    }
}
