//! `model.json`: what a verifier needs to know about a model, and nothing that is large.
//!
//! Owns: [`Manifest`] and its rules, and [`ModelFacts`], what of it a session's documents are compared with. Invariants: sizes are positive and
//! within what a statement can express; the policy's eos is a token of the model; the components' layouts have passed every check of
//! [`layout_checks`], so a verifier can compute with them; the model root is that of the parameters' root, the layouts and the roots of constants.
//!
//! So whoever knows model root, program hash and eos from a person whom he trusts can take the manifest from anybody. A manifest whose model
//! root comes with it is worth what its author is. Name, source and sizes are in no hash.
//!
//! Absent on purpose: weights, tokenizer and generated program. The manifest *names* them by
//! root and hash; whoever trusts a manifest has compared those with a model of their own.
//!
//! [`layout_checks`]: crate::verify::layout::layout_checks

use serde::Serialize;

use super::document::Document;
use super::strict::{FormatError, Object, decode_fields};
use crate::spec::SPEC_VERSION;
use crate::verify::policy::{Accept, AcceptedModel};
use crate::verify::statement::{Domain, MAX_POSITION, ModelRoot, Policy, ProgramHash, VERSION};
use crate::verify::tensors::TensorPins;

/// Name of a model's manifest in a build's folder.
pub const MANIFEST_FILE: &str = "model.json";

/// The `format` field of `model.json`.
pub const MODEL_FORMAT: &str = "cairo-decode-model/2";

/// The model a verifier expects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Manifest {
    #[serde(flatten)]
    pub model: ModelFacts,
    /// Root of quantised parameters, configuration and tokenizer; the model root has layouts and constants besides.
    pub parameters_root: ModelRoot,
    pub tensors: TensorPins,
}

impl Manifest {
    /// What a verifier that expects this model in `domain` accepts.
    pub fn accept(&self, domain: Domain) -> Accept {
        self.model.accept(domain)
    }
}

impl Document for Manifest {
    const FORMAT: &'static str = MODEL_FORMAT;

    fn body(object: &mut Object<'_>) -> Result<Self, FormatError> {
        Ok(Manifest {
            model: ModelFacts::body(object)?,
            parameters_root: object.field("parameters_root")?,
            tensors: object.field("tensors")?,
        })
    }

    fn check_form(&self) -> Result<(), FormatError> {
        self.model.check_form()?;
        let root = self.tensors.model_root(self.parameters_root);
        if self.model.model_root != root {
            let reason = format!("parameters_root, layouts and roots of constants give {root}");
            return Err(FormatError::inconsistent("model_root", reason));
        }
        Ok(())
    }
}

/// The fields that a session's documents are compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelFacts {
    /// For people; no control characters.
    pub name: String,
    pub model_root: ModelRoot,
    pub program_hash: ProgramHash,
    /// Numeric specification the program implements.
    pub spec_version: u32,
    /// Version of the encoding of the program's public output.
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

impl ModelFacts {
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

    /// Takes the fields of a document.
    ///
    /// # Errors
    /// [`FormatError`] naming the field.
    pub fn body(object: &mut Object<'_>) -> Result<Self, FormatError> {
        Ok(decode_fields!(
            object,
            ModelFacts {
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
        let versions = [
            ("statement_version", self.statement_version, VERSION),
            ("spec_version", self.spec_version, SPEC_VERSION),
        ];
        if let Some((field, found, expected)) = versions.into_iter().find(|(_, a, b)| a != b) {
            let reason = format!("is {found}, and must be {expected}");
            return Err(FormatError::inconsistent(field, reason));
        }
        check_lines([("name", &self.name), ("source", &self.source)])?;
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
        check_eos(&self.policy, self.vocab_size)
    }
}

/// Checks fields that people read as one line each.
///
/// # Errors
/// [`FormatError::Inconsistent`] naming the field that has a control character.
pub fn check_lines(fields: [(&str, &str); 2]) -> Result<(), FormatError> {
    for (path, text) in fields {
        if text.chars().any(char::is_control) {
            let reason = "must not contain control characters";
            return Err(FormatError::inconsistent(path, reason));
        }
    }
    Ok(())
}

/// Checks that the token that ends a session is one of so many.
///
/// # Errors
/// [`FormatError::Inconsistent`] naming `policy.eos`.
pub fn check_eos(policy: &Policy, vocab_size: u32) -> Result<(), FormatError> {
    match policy.eos.filter(|&eos| eos >= vocab_size) {
        None => Ok(()),
        Some(eos) => {
            let reason = format!("token {eos} is outside the vocabulary of {vocab_size}");
            Err(FormatError::inconsistent("policy.eos", reason))
        }
    }
}
