//! `model.json`: what a verifier needs to know about a model, and nothing that is large.
//!
//! Owns: [`Manifest`] and its rules. Invariants: sizes are positive and within what a statement
//! can express; the policy's eos is a token of the model.
//!
//! Absent on purpose: weights, tokenizer and generated program. The manifest *names* them by
//! root and hash; whoever trusts a manifest has compared those with a model of their own.

use serde::Serialize;

use super::document::Document;
use super::strict::{FormatError, Object, decode_fields};
use crate::verify::policy::{Accept, AcceptedModel};
use crate::verify::statement::{Domain, MAX_POSITION, ModelRoot, Policy, ProgramHash, Weights};

/// Name of a model's manifest in a build's folder.
pub const MANIFEST_FILE: &str = "model.json";

/// The `format` field of `model.json`.
pub const MODEL_FORMAT: &str = "cairo-decode-model/1";

/// The model a verifier expects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// For people; no control characters.
    pub name: String,
    pub model_root: ModelRoot,
    pub program_hash: ProgramHash,
    /// Numeric specification the program implements.
    pub spec_version: u32,
    /// Encoding of the program's public output, which says where the weights are: see [`Weights`].
    pub statement_version: u32,
    pub policy: Policy,
    /// Number of token ids, at least 1.
    pub vocab_size: u32,
    /// Largest number of positions of a session, at least 1.
    pub context_length: u32,
    /// Packed words that one position appends to the KV chain.
    pub kv_words_per_position: u32,
    /// Number of quantised parameters.
    pub parameters: u64,
    /// One line for people: where the model came from and its shape.
    pub source: String,
}

impl Manifest {
    /// What a verifier that expects this model in `domain` accepts.
    pub fn accept(&self, domain: Domain) -> Accept {
        let model = AcceptedModel {
            model_root: self.model_root,
            program_hash: self.program_hash,
            policy: self.policy,
            spec_version: self.spec_version,
            statement_version: self.statement_version,
        };
        Accept::new(model, domain)
    }

    /// Where the program has its weights; `None` if the version is not one that this program reads.
    pub fn weights(&self) -> Option<Weights> {
        Weights::of_version(self.statement_version)
    }
}

impl Document for Manifest {
    const FORMAT: &'static str = MODEL_FORMAT;

    fn body(object: &mut Object<'_>) -> Result<Self, FormatError> {
        Ok(decode_fields!(
            object,
            Manifest {
                name,
                model_root,
                program_hash,
                spec_version,
                statement_version,
                policy,
                vocab_size,
                context_length,
                kv_words_per_position,
                parameters,
                source,
            }
        ))
    }

    fn check_form(&self) -> Result<(), FormatError> {
        for (path, text) in [("name", &self.name), ("source", &self.source)] {
            if text.chars().any(char::is_control) {
                return Err(FormatError::inconsistent(
                    path,
                    "must not contain control characters",
                ));
            }
        }
        if self.vocab_size == 0 {
            return Err(FormatError::inconsistent(
                "vocab_size",
                "must be at least 1",
            ));
        }
        if self.context_length == 0 || self.context_length > MAX_POSITION {
            let reason = format!("must be 1 to {MAX_POSITION}");
            return Err(FormatError::inconsistent("context_length", reason));
        }
        if let Some(eos) = self.policy.eos.filter(|&eos| eos >= self.vocab_size) {
            let reason = format!(
                "token {eos} is outside the vocabulary of {}",
                self.vocab_size
            );
            return Err(FormatError::inconsistent("policy.eos", reason));
        }
        Ok(())
    }
}
