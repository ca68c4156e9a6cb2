//! The model families, and what of `config.json` depends on the family: the class, its defaults, its window.

use super::ModelError;
use super::json::Object;
use serde_json::{Value, json};
use std::path::Path;

/// What sets families apart whose forward pass is the same arithmetic.
#[derive(Debug)]
pub(super) struct Family {
    /// `model_type`.
    pub(super) name: &'static str,
    /// What `architectures` may name: the model with its head, or the model that was saved without one.
    architectures: [&'static str; 2],
    /// `num_key_value_heads` where the key is absent; `None` takes `num_attention_heads`.
    pub(super) kv_heads: Option<usize>,
    /// `sliding_window` where the key is absent.
    window: Option<usize>,
    /// True if the class of Hugging Face always applies `sliding_window`.
    always_windowed: bool,
}

/// `eos_token_id` of both families where the key is absent.
pub(super) const DEFAULT_EOS: u32 = 2;

const FAMILIES: [Family; 2] = [
    Family {
        name: "llama",
        architectures: ["LlamaForCausalLM", "LlamaModel"],
        kv_heads: None,
        window: None,
        always_windowed: false,
    },
    Family {
        name: "mistral",
        architectures: ["MistralForCausalLM", "MistralModel"],
        kv_heads: Some(8),
        window: Some(4096),
        always_windowed: true,
    },
];

/// Families of Hugging Face's library whose arithmetic is another. Their models may name code (`auto_map`) from before the
/// library had them.
const OTHERS: [&str; 40] = [
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
    "gpt2",
    "gpt_bigcode",
    "gpt_neo",
    "gpt_neox",
    "gpt_oss",
    "gptj",
    "granite",
    "jamba",
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
    "qwen2",
    "qwen2_moe",
    "qwen3",
    "stablelm",
    "starcoder2",
];

/// The window of attention that `config.json` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// A token attends to itself and the `positions - 1` before it.
    pub positions: usize,
    /// False if the key is absent and this is the family's default.
    pub stated: bool,
}

impl Window {
    /// Refuses a window that some token of a context of that length would not see past.
    pub(super) fn check(&self, context: usize, path: &Path) -> Result<(), ModelError> {
        if self.positions >= context {
            return Ok(());
        }
        let positions = self.positions;
        Err(ModelError::WindowBinds {
            path: path.into(),
            window: match self.stated {
                true => format!("`sliding_window` = {positions}"),
                false => format!("`sliding_window` (absent, so {positions} to Hugging Face)"),
            },
            limit: positions,
            context,
        })
    }
}

impl Family {
    /// The family that `model_type` names, if `architectures` agrees.
    pub(super) fn of(object: &Object) -> Result<&'static Family, ModelError> {
        let found = object
            .text("model_type")?
            .ok_or_else(|| object.missing("model_type"))?;
        let Some(family) = FAMILIES.iter().find(|family| family.name == found) else {
            let (path, found) = (object.path().into(), found.to_owned());
            let names: Vec<_> = FAMILIES.iter().map(|f| format!("{:?}", f.name)).collect();
            let supported = names.join(" and ");
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

    /// The window that Hugging Face's class applies, or that the file means and the class leaves out.
    pub(super) fn window(
        &self,
        object: &Object,
        layers: usize,
    ) -> Result<Option<Window>, ModelError> {
        let stated = object.optional_size("sliding_window", usize::MAX)?;
        let windowed = windowed_layers(object, layers)?;
        let switch = object.flag("use_sliding_window")?;
        let window = match stated {
            Some(positions) => Some(Window {
                positions,
                stated: true,
            }),
            None if object.has("sliding_window") => None,
            None => self.window.map(|positions| Window {
                positions,
                stated: false,
            }),
        };
        if windowed == Some(true) && window.is_none() {
            let types = object.get("layer_types").unwrap_or(&Value::Null);
            let why = "no `sliding_window` says how far a sliding layer sees";
            return Err(object.unsupported("layer_types", types, why));
        }
        let off = windowed == Some(false) || (switch == Some(false) && windowed != Some(true));
        Ok(window.filter(|_| self.always_windowed || !off))
    }
}

/// Whether `layer_types` has a sliding layer; `None` if it says nothing.
fn windowed_layers(object: &Object, layers: usize) -> Result<Option<bool>, ModelError> {
    let types = match object.get("layer_types") {
        None => return Ok(None),
        Some(Value::Array(types)) if types.len() == layers => types,
        Some(other) => {
            let expected = "a list with one entry per layer";
            return Err(object.wrong_type("layer_types", other, expected));
        }
    };
    for kind in types {
        if kind != "full_attention" && kind != "sliding_attention" {
            let why = "layers are \"full_attention\" or \"sliding_attention\"";
            return Err(object.unsupported("layer_types", kind, why));
        }
    }
    Ok(Some(types.iter().any(|kind| kind == "sliding_attention")))
}
