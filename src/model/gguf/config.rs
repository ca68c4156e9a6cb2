//! From metadata to the `config.json` that says the same.

use super::container::Container;
use super::error::Problem;
use super::form::Form;
use super::{Gguf, refused};
use crate::model::ModelError;
use crate::model::families::Family;
use crate::model::rope::{Rotation, Scaling};
use serde_json::{Map, Value, json};

/// Factors of the rotation that a converter of Llama 3 computed.
const FACTORS: &str = "rope_freqs.weight";

/// Keys behind the architecture's name that change the forward pass of a model and that no family here has.
const CHANGES: [&str; 11] = [
    "attention.scale",
    "attention.clamp_kqv",
    "attention.max_alibi_bias",
    "attention.logit_softcapping",
    "final_logit_softcapping",
    "embedding_scale",
    "residual_scale",
    "logit_scale",
    "rope.freq_base_swa",
    "rope.dimension_sections",
    "use_parallel_residual",
];

/// How keys of a scaled rotation begin, behind the architecture's name.
const SCALING: &str = "rope.scaling.";

/// Most characters of a value that the configuration takes over.
const LONGEST: usize = 256;

/// How the architecture of the file is stored.
pub(super) fn form(container: &Container) -> Result<&'static Form, ModelError> {
    const KEY: &str = "general.architecture";
    let found = text(container, KEY)?.ok_or_else(|| missing(container, KEY))?;
    let forms = Family::gguf_forms();
    let form = forms.clone().find(|form| form.architecture == found);
    form.ok_or_else(|| {
        let names: Vec<_> = forms
            .map(|form| format!("{:?}", form.architecture))
            .collect();
        let problem = Problem::Architecture {
            found: found.to_owned(),
            supported: names.join(", "),
        };
        refused(&container.path, problem)
    })
}

/// A text of the metadata.
pub(super) fn text<'a>(container: &'a Container, key: &str) -> Result<Option<&'a str>, ModelError> {
    match container.metadata.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(wrong(container, key, other, "a text")),
    }
}

pub(super) fn wrong(
    container: &Container,
    key: &str,
    value: &Value,
    expected: &'static str,
) -> ModelError {
    refused(&container.path, Problem::value(key, value, expected))
}

pub(super) fn missing(container: &Container, key: &str) -> ModelError {
    let key = key.to_owned();
    refused(&container.path, Problem::Missing { key })
}

impl Gguf {
    /// The `config.json` that says what the metadata says.
    pub(in crate::model) fn config(&mut self) -> Result<Vec<u8>, ModelError> {
        let (container, form) = (&self.container, self.form);
        let prefix = format!("{}.", form.architecture);
        let mut config = Map::new();
        let mut scaling = Map::new();
        config.insert("model_type".to_owned(), form.family.into());
        for (whole, value) in &container.metadata {
            let Some(key) = whole.strip_prefix(&prefix) else {
                continue;
            };
            let named = form.keys.iter().find(|(known, _)| *known == key);
            let is_long = value.to_string().len() > LONGEST;
            if is_long && (named.is_some() || key.starts_with(SCALING)) {
                return Err(wrong(container, whole, value, "a number or a word"));
            }
            match (key, named) {
                (_, Some((_, name))) => {
                    config.insert((*name).to_owned(), value.clone());
                }
                // Said by the tensors, by the tokenizer, or by another key.
                ("vocab_size" | "rope.dimension_count" | "attention.value_length", None) => {}
                (key, None) if CHANGES.contains(&key) => {
                    let key = whole.clone();
                    return Err(refused(&container.path, Problem::Changes { key }));
                }
                ("attention.causal", None) if *value == json!(false) => {
                    return Err(wrong(container, whole, value, "true"));
                }
                ("attention.causal", None) => {}
                // What files said before there was a type of scaling.
                ("rope.scale_linear", None) => {
                    scaling.insert("factor".to_owned(), value.clone());
                }
                (key, None) => match key.strip_prefix(SCALING) {
                    Some(key) => {
                        scaling.insert(scaling_key(key).to_owned(), value.clone());
                    }
                    // A key that no family knows: a warning with its whole name, which no `config.json` has.
                    None => {
                        let value = if is_long { json!("…") } else { value.clone() };
                        config.insert(whole.clone(), value);
                    }
                },
            }
        }
        self.check_heads(&config)?;
        self.texts(&mut config)?;
        // A factor without a type is a linear one.
        if scaling.contains_key("factor") && !scaling.contains_key("rope_type") {
            scaling.insert("rope_type".to_owned(), "linear".into());
        }
        let scaled = scaling.get("rope_type").filter(|kind| **kind != "none");
        if let Some(kind) = scaled.cloned() {
            if self.container.tensors.contains_key(FACTORS) {
                let key = format!("{prefix}rope.scaling.type");
                let expected = "none, as the tensor rope_freqs.weight scales the rotation";
                return Err(wrong(&self.container, &key, &kind, expected));
            }
            config.insert("rope_scaling".to_owned(), Value::Object(scaling));
        }
        if self.container.tensors.contains_key(FACTORS) {
            let llama3 = self.llama3(&config)?;
            config.insert("rope_scaling".to_owned(), llama3);
        }
        Ok(Value::Object(config).to_string().into_bytes())
    }

    /// What the tensors and the tokenizer say: sizes of the vocabulary, ties, ends of texts.
    fn texts(&self, config: &mut Map<String, Value>) -> Result<(), ModelError> {
        let container = &self.container;
        let tokens = container.tensors.get("token_embd.weight");
        let vocabulary = tokens.and_then(|tokens| tokens.shape.first());
        let vocabulary = vocabulary.ok_or_else(|| missing(container, "token_embd.weight"))?;
        let tied = !container.tensors.contains_key("output.weight");
        config.insert("vocab_size".to_owned(), json!(vocabulary));
        config.insert("tie_word_embeddings".to_owned(), tied.into());
        for (key, name) in [
            ("tokenizer.ggml.bos_token_id", "bos_token_id"),
            ("tokenizer.ggml.eos_token_id", "eos_token_id"),
        ] {
            let id = container.metadata.get(key).cloned().unwrap_or(Value::Null);
            config.insert(name.to_owned(), id);
        }
        Ok(())
    }

    /// Channels of a head.
    fn head_width(&self, config: &Map<String, Value>) -> Option<u64> {
        let size = |key: &str| config.get(key).and_then(Value::as_u64);
        let divided = || size("hidden_size")?.checked_div(size("num_attention_heads")?);
        size("head_dim").or_else(divided)
    }

    /// All channels of a head are rotated, and keys are as wide as values.
    fn check_heads(&self, config: &Map<String, Value>) -> Result<(), ModelError> {
        let width = self.head_width(config);
        for (key, expected) in [
            (
                "rope.dimension_count",
                "the width of a head: every pair of every head is rotated",
            ),
            (
                "attention.value_length",
                "the width of a head: keys are as wide as values",
            ),
        ] {
            let key = format!("{}.{key}", self.form.architecture);
            if let Some(value) = self.container.metadata.get(&key)
                && value.as_u64() != width
            {
                return Err(wrong(&self.container, &key, value, expected));
            }
        }
        Ok(())
    }

    /// Llama 3's stretched rotation, of which files have the quotients only: the largest is the factor, and the other constants are those of every
    /// published model, which is checked.
    fn llama3(&mut self, config: &Map<String, Value>) -> Result<Value, ModelError> {
        let factors = self.container.read(FACTORS)?;
        if self.head_width(config) != Some(2 * factors.len() as u64) {
            return Err(refused(&self.container.path, Problem::Factors));
        }
        let factor = factors.iter().copied().fold(1.0, f32::max);
        let theta = config.get("rope_theta").and_then(Value::as_f64);
        let mut plain = Rotation {
            theta: theta.unwrap_or(10_000.0),
            head_dim: 2 * factors.len(),
            scaling: Scaling::None,
        };
        let frequencies = plain.frequencies();
        let original = 8192;
        plain.scaling = Scaling::Llama3 {
            factor: factor.into(),
            low: 1.0,
            high: 4.0,
            original: f64::from(original),
        };
        let stretched = plain.frequencies();
        let mut quotients = frequencies.iter().zip(&stretched).zip(&factors);
        let same =
            quotients.all(|((f, s), &stored)| (f / s / f64::from(stored) - 1.0).abs() < 1e-3);
        if !same {
            return Err(refused(&self.container.path, Problem::Factors));
        }
        Ok(json!({
            "rope_type": "llama3", "factor": factor, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": original,
        }))
    }
}

/// The key of `rope_scaling` that one of the metadata stands for.
fn scaling_key(key: &str) -> &str {
    match key {
        "type" => "rope_type",
        "original_context_length" => "original_max_position_embeddings",
        other => other,
    }
}
