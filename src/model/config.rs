//! `config.json` of a Llama-family model: the sizes and constants of the forward pass.
//!
//! Invariants of a [`Config`]: every size is positive and bounded, `heads` is a multiple of `kv_heads`,
//! `head_dim` is even, token ids are below `vocab_size`.

use super::ModelError;
use super::json::Object;
use serde_json::Value;
use std::path::Path;

const MAX_WIDTH: usize = 1 << 16;
const MAX_LAYERS: usize = 1 << 10;
const MAX_HEADS: usize = 1 << 10;
const MAX_HEAD_DIM: usize = 1 << 10;
const MAX_VOCAB: usize = 1 << 20;
const MAX_POSITIONS: usize = 1 << 20;
const MAX_PARAMETERS: u64 = 1 << 34;

/// The sizes and constants of the forward pass. Names are Hugging Face's.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub num_key_value_heads: usize,
    /// Width of one head; need not be `hidden_size / num_attention_heads`.
    pub head_dim: usize,
    pub vocab_size: usize,
    pub max_position_embeddings: usize,
    pub rope_theta: f64,
    pub rms_norm_eps: f64,
    pub tie_word_embeddings: bool,
    pub bos_token_id: Option<u32>,
    pub eos_token_id: Option<u32>,
}

impl Config {
    /// Parses and checks `config.json`; `path` is only used to name the file in errors.
    pub fn from_json(bytes: &[u8], path: &Path) -> Result<Self, ModelError> {
        let object = Object::parse(bytes, path)?;
        refuse_unsupported(&object)?;

        let hidden_size = object.size("hidden_size", MAX_WIDTH)?;
        let num_attention_heads = object.size("num_attention_heads", MAX_HEADS)?;
        let vocab_size = object.size("vocab_size", MAX_VOCAB)?;
        let head_dim = match object.optional_size("head_dim", MAX_HEAD_DIM)? {
            Some(head_dim) => head_dim,
            None if hidden_size.is_multiple_of(num_attention_heads) => {
                hidden_size / num_attention_heads
            }
            None => {
                return Err(ModelError::HeadSplit {
                    path: path.into(),
                    hidden: hidden_size,
                    heads: num_attention_heads,
                });
            }
        };
        let config = Self {
            hidden_size,
            intermediate_size: object.size("intermediate_size", MAX_WIDTH)?,
            num_hidden_layers: object.size("num_hidden_layers", MAX_LAYERS)?,
            num_attention_heads,
            num_key_value_heads: object
                .optional_size("num_key_value_heads", MAX_HEADS)?
                .unwrap_or(num_attention_heads),
            head_dim,
            vocab_size,
            max_position_embeddings: object.size("max_position_embeddings", MAX_POSITIONS)?,
            rope_theta: rope_theta(&object)?,
            rms_norm_eps: object
                .float("rms_norm_eps", 0.0, 1.0)?
                .ok_or_else(|| object.missing("rms_norm_eps"))?,
            tie_word_embeddings: object.flag("tie_word_embeddings")?,
            bos_token_id: token_id(&object, "bos_token_id", vocab_size)?,
            eos_token_id: token_id(&object, "eos_token_id", vocab_size)?,
        };
        config.check_shape(path)?;
        Ok(config)
    }

    /// Width of all query heads together.
    pub fn query_size(&self) -> usize {
        self.num_attention_heads * self.head_dim
    }

    /// Width of all key (or value) heads together.
    pub fn kv_size(&self) -> usize {
        self.num_key_value_heads * self.head_dim
    }

    /// Number of stored parameters; the bounds on the sizes keep it far from overflow.
    pub fn parameters(&self) -> u64 {
        let [hidden, mlp, query, kv] = [
            self.hidden_size,
            self.intermediate_size,
            self.query_size(),
            self.kv_size(),
        ]
        .map(|size| size as u64);
        let layer = 2 * hidden + hidden * (2 * query + 2 * kv + 3 * mlp);
        let tables = if self.tie_word_embeddings { 1 } else { 2 };
        self.num_hidden_layers as u64 * layer + tables * self.vocab_size as u64 * hidden + hidden
    }

    fn check_shape(&self, path: &Path) -> Result<(), ModelError> {
        if !self
            .num_attention_heads
            .is_multiple_of(self.num_key_value_heads)
        {
            return Err(ModelError::HeadGroups {
                path: path.into(),
                heads: self.num_attention_heads,
                kv_heads: self.num_key_value_heads,
            });
        }
        if !self.head_dim.is_multiple_of(2) {
            return Err(ModelError::OddHeadDim {
                path: path.into(),
                head_dim: self.head_dim,
            });
        }
        if self.parameters() > MAX_PARAMETERS {
            return Err(ModelError::TooManyParameters {
                path: path.into(),
                parameters: self.parameters(),
                limit: MAX_PARAMETERS,
            });
        }
        Ok(())
    }
}

/// Refuses every setting that changes the forward pass in a way this project does not compute.
fn refuse_unsupported(object: &Object) -> Result<(), ModelError> {
    let family = object
        .text("model_type")?
        .ok_or_else(|| object.missing("model_type"))?;
    if family != "llama" {
        return Err(object.unsupported("model_type", &family.into(), "only \"llama\" is"));
    }
    if let Some(names) = object.get("architectures")
        && *names != serde_json::json!(["LlamaForCausalLM"])
    {
        return Err(object.unsupported("architectures", names, "only [\"LlamaForCausalLM\"] is"));
    }
    let activation = object.text("hidden_act")?.unwrap_or("silu");
    if activation != "silu" {
        return Err(object.unsupported("hidden_act", &activation.into(), "only \"silu\" is"));
    }
    for key in ["attention_bias", "mlp_bias"] {
        if object.flag(key)? {
            return Err(object.unsupported(key, &true.into(), "linear layers have no bias here"));
        }
    }
    if object.flag("use_sliding_window")? {
        return Err(object.unsupported(
            "use_sliding_window",
            &true.into(),
            "attention sees every position",
        ));
    }
    if let Some(window) = object.get("sliding_window") {
        return Err(object.unsupported("sliding_window", window, "attention sees every position"));
    }
    if let Some(settings) = object.get("quantization_config") {
        return Err(object.unsupported(
            "quantization_config",
            settings,
            "start from float weights",
        ));
    }
    Ok(())
}

/// `rope_theta`, or `rope_parameters.rope_theta` of newer files; any kind of scaling is refused.
fn rope_theta(object: &Object) -> Result<f64, ModelError> {
    const DEFAULT: f64 = 10_000.0;
    let plain = object.float("rope_theta", 1.0, 1e12)?;
    let mut theta = plain;
    for key in ["rope_scaling", "rope_parameters"] {
        let Some(settings) = object.object(key)? else {
            continue;
        };
        for kind in ["rope_type", "type"] {
            match settings.text(kind)? {
                None | Some("default") => {}
                Some(other) => {
                    return Err(settings.unsupported(kind, &other.into(), "only \"default\" is"));
                }
            }
        }
        if settings
            .float("partial_rotary_factor", 0.0, 1.0)?
            .is_some_and(|factor| factor != 1.0)
        {
            let value = settings
                .get("partial_rotary_factor")
                .unwrap_or(&Value::Null);
            return Err(settings.unsupported(
                "partial_rotary_factor",
                value,
                "whole heads are rotated",
            ));
        }
        if let Some(value) = settings.float("rope_theta", 1.0, 1e12)? {
            if plain.is_some_and(|plain| plain != value) {
                return Err(settings.unsupported(
                    "rope_theta",
                    &value.into(),
                    "it contradicts the outer `rope_theta`",
                ));
            }
            theta = Some(value);
        }
    }
    Ok(theta.unwrap_or(DEFAULT))
}

/// A token id: an integer below the vocabulary's size, a list of exactly one, or nothing.
fn token_id(object: &Object, key: &str, vocab_size: usize) -> Result<Option<u32>, ModelError> {
    let value = match object.get(key) {
        None => return Ok(None),
        Some(Value::Array(list)) => match list.as_slice() {
            [only] => only,
            _ => {
                return Err(object.unsupported(
                    key,
                    &Value::Array(list.clone()),
                    "one token ends or starts a text",
                ));
            }
        },
        Some(value) => value,
    };
    // MAX_VOCAB keeps every id within 32 bits.
    Ok(Some(object.integer(key, value, 0, vocab_size - 1)? as u32))
}
