//! The families of models: one file each, which says what the keys of `config.json` mean and which operations on which tensors the model is.
//!
//! [`FAMILIES`] is the registry. Nothing outside this folder knows a family but by its name: the files are read, the float model runs and integers are
//! made from [`Forward`]. How to add a family: `docs/add-a-family.md`.

mod decoder;
mod gpt2;
mod llama;
mod mistral;
mod qwen2;
mod qwen3;
mod sizes;
mod smollm3;
mod window;

pub use window::Window;

use super::config::Config;
use super::forward::Forward;
use super::gguf::Form;
use super::json::Object;
use super::keys::Table;
use super::{ModelError, Warning};
use serde_json::json;

/// A family of models.
pub struct Family {
    /// `model_type`.
    pub name: &'static str,
    /// What `architectures` may name: the model with its head, the model that was saved without one, older spellings.
    architectures: &'static [&'static str],
    /// What keys mean in this family, the first table that has a key; the tables of all families come after these.
    pub(super) keys: &'static [Table],
    /// What begins the name of every tensor but the output matrix; a model that was saved without its head has names without it.
    pub(super) prefix: &'static str,
    /// Ends of names of stored tensors that are no weights.
    pub(super) ignored: &'static [&'static str],
    /// How GGUF files have it; none if they have it as another family.
    gguf: Option<Form>,
    pub(super) read: fn(&Object, &mut Vec<Warning>) -> Result<Facts, ModelError>,
}

/// What a family makes of a configuration.
pub(super) struct Facts {
    pub(super) hidden_size: usize,
    pub(super) layers: usize,
    pub(super) heads: usize,
    pub(super) kv_heads: usize,
    pub(super) head_dim: usize,
    pub(super) vocab_size: usize,
    pub(super) positions: usize,
    pub(super) tied: bool,
    /// `eos_token_id` where the key is absent.
    pub(super) default_eos: Option<u32>,
    pub(super) window: Option<Window>,
    pub(super) forward: Forward,
}

/// Every family.
static FAMILIES: [&Family; 6] = [
    &llama::FAMILY,
    &mistral::FAMILY,
    &qwen2::FAMILY,
    &qwen3::FAMILY,
    &smollm3::FAMILY,
    &gpt2::FAMILY,
];

/// Other families of Hugging Face's library. Their models may name code (`auto_map`) from before the library had them.
const OTHERS: [&str; 38] = [
    "bloom",
    "codegen",
    "cohere",
    "cohere2",
    "dbrx",
    "deepseek_v2",
    "deepseek_v3",
    "falcon",
    "falcon_mamba",
    "gemma",
    "gemma2",
    "gemma3",
    "gemma3_text",
    "glm",
    "glm4",
    "gpt_bigcode",
    "gpt_neo",
    "gpt_neox",
    "gpt_oss",
    "gptj",
    "granite",
    "jamba",
    "llama4",
    "mamba",
    "mamba2",
    "mixtral",
    "mpt",
    "nemotron",
    "olmo",
    "olmo2",
    "opt",
    "persimmon",
    "phi",
    "phi3",
    "phimoe",
    "qwen2_moe",
    "stablelm",
    "starcoder2",
];

/// The name says it all.
impl std::fmt::Debug for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Families of one name are one.
impl PartialEq for Family {
    fn eq(&self, other: &Family) -> bool {
        self.name == other.name
    }
}

impl Family {
    /// How GGUF files have each family.
    pub(super) fn gguf_forms() -> impl Iterator<Item = &'static Form> + Clone {
        FAMILIES.iter().filter_map(|family| family.gguf.as_ref())
    }

    /// The family that `model_type` names, if `architectures` agrees.
    pub(super) fn of(object: &Object) -> Result<&'static Family, ModelError> {
        let found = object
            .text("model_type")?
            .ok_or_else(|| object.missing("model_type"))?;
        let Some(family) = FAMILIES.into_iter().find(|family| family.name == found) else {
            let (path, found) = (object.path().into(), found.to_owned());
            let names = FAMILIES.map(|family| format!("{:?}", family.name));
            let supported = names.join(", ");
            let custom = object.get("auto_map").is_some() && !OTHERS.contains(&found.as_str());
            return Err(match custom {
                true => ModelError::CustomCode {
                    path,
                    found,
                    supported,
                },
                false => ModelError::Family {
                    path,
                    found,
                    supported,
                },
            });
        };
        match object.get("architectures") {
            Some(names) if !family.architectures.iter().any(|a| *names == json!([a])) => {
                Err(ModelError::Architecture {
                    path: object.path().into(),
                    found: names.to_string(),
                    expected: json!([family.architectures[0]]).to_string(),
                })
            }
            _ => Ok(family),
        }
    }
}

impl Config {
    /// Whether the model is of one of these families.
    pub fn is_one_of(&self, families: &[&str]) -> bool {
        families.contains(&self.family.name)
    }
}
