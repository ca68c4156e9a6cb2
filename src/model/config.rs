//! `config.json` of a Llama-family model: the sizes and constants of the forward pass.
//!
//! Invariants of a [`Config`]: every size is positive and bounded, `heads` is a multiple of `kv_heads`,
//! `head_dim` is even, token ids are below `vocab_size`.

use super::family::{DEFAULT_EOS, Family, Window};
use super::json::Object;
use super::{ModelError, Warning, files, keys, rope};
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
    /// The tokens that end a text; none, one, or several.
    pub eos_token_ids: Vec<u32>,
    /// How far attention may see, where that is bounded. It must not be less than the context that is compiled.
    pub window: Option<Window>,
}

impl Config {
    /// Reads `config.json` of a model directory, and no other file.
    pub fn load(dir: &Path) -> Result<Self, ModelError> {
        files::check_dir(dir)?;
        super::load_config(dir).map(|(config, _, _)| config)
    }

    /// Parses and checks `config.json`; `path` is only used to name the file in errors.
    pub fn from_json(bytes: &[u8], path: &Path) -> Result<(Self, Vec<Warning>), ModelError> {
        let object = Object::parse(bytes, path)?;
        let family = Family::of(&object)?;
        let unknown = keys::check(&object, keys::CONFIG)?.into_iter();
        let mut warnings: Vec<_> = unknown
            .map(|key| Warning::UnknownKey {
                path: path.into(),
                key: object.name(&key),
            })
            .collect();
        warnings.extend(object.repeated());
        if object.get("auto_map").is_some() {
            warnings.push(Warning::CustomCode { path: path.into() });
        }

        let num_attention_heads = object.size("num_attention_heads", MAX_HEADS)?;
        let num_hidden_layers = object.size("num_hidden_layers", MAX_LAYERS)?;
        let vocab_size = object.size("vocab_size", MAX_VOCAB)?;
        let config = Self {
            hidden_size: object.size("hidden_size", MAX_WIDTH)?,
            intermediate_size: object.size("intermediate_size", MAX_WIDTH)?,
            num_hidden_layers,
            num_attention_heads,
            num_key_value_heads: kv_heads(&object, family, num_attention_heads, &mut warnings)?,
            head_dim: head_dim(&object, num_attention_heads)?,
            vocab_size,
            max_position_embeddings: object.size("max_position_embeddings", MAX_POSITIONS)?,
            rope_theta: rope::theta(&object)?,
            rms_norm_eps: object
                .float("rms_norm_eps", 0.0, 1.0)?
                .ok_or_else(|| object.missing("rms_norm_eps"))?,
            tie_word_embeddings: object.flag("tie_word_embeddings")?.unwrap_or(false),
            bos_token_id: bos_token_id(&object, vocab_size)?,
            eos_token_ids: config_eos(&object, vocab_size, &mut warnings)?,
            window: family.window(&object, num_hidden_layers)?,
        };
        config.check_shape(path)?;
        Ok((config, warnings))
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

/// `num_key_value_heads`; what it is where the key is absent depends on the family.
fn kv_heads(
    object: &Object,
    family: &Family,
    heads: usize,
    warnings: &mut Vec<Warning>,
) -> Result<usize, ModelError> {
    const KEY: &str = "num_key_value_heads";
    let stated = object.optional_size(KEY, MAX_HEADS)?;
    match (stated, family.kv_heads) {
        (Some(stated), _) => Ok(stated),
        (None, Some(default)) if !object.has(KEY) => {
            warnings.push(Warning::Default {
                path: object.path().into(),
                key: KEY,
                value: default as u64,
            });
            Ok(default)
        }
        _ => Ok(heads),
    }
}

/// `head_dim`, or the hidden width divided among the heads.
fn head_dim(object: &Object, heads: usize) -> Result<usize, ModelError> {
    let hidden = object.size("hidden_size", MAX_WIDTH)?;
    match object.optional_size("head_dim", MAX_HEAD_DIM)? {
        Some(head_dim) => Ok(head_dim),
        None if hidden.is_multiple_of(heads) => Ok(hidden / heads),
        None => Err(ModelError::HeadSplit {
            path: object.path().into(),
            hidden,
            heads,
        }),
    }
}

/// `eos_token_id`; where the key is absent, the default of Hugging Face's class.
fn config_eos(
    object: &Object,
    vocab_size: usize,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<u32>, ModelError> {
    const KEY: &str = "eos_token_id";
    if object.has(KEY) || DEFAULT_EOS as usize >= vocab_size {
        return Ok(token_ids(object, KEY, vocab_size)?.unwrap_or_default());
    }
    warnings.push(Warning::Default {
        path: object.path().into(),
        key: KEY,
        value: DEFAULT_EOS.into(),
    });
    Ok(vec![DEFAULT_EOS])
}

fn bos_token_id(object: &Object, vocab_size: usize) -> Result<Option<u32>, ModelError> {
    const KEY: &str = "bos_token_id";
    match token_ids(object, KEY, vocab_size)?.as_deref() {
        None => Ok(None),
        Some([only]) => Ok(Some(*only)),
        Some(_) => {
            let value = object.get(KEY).unwrap_or(&Value::Null);
            Err(object.unsupported(KEY, value, "one token starts a text"))
        }
    }
}

/// Token ids below the vocabulary's size, as one integer or a list without repetitions; `None` if the key says nothing.
pub(super) fn token_ids(
    object: &Object,
    key: &str,
    vocab_size: usize,
) -> Result<Option<Vec<u32>>, ModelError> {
    let list = match object.get(key) {
        None => return Ok(None),
        Some(Value::Array(list)) if list.is_empty() => {
            let value = Value::Array(Vec::new());
            return Err(object.wrong_type(key, &value, "a token id or a list of them"));
        }
        Some(Value::Array(list)) => list.as_slice(),
        Some(value) => std::slice::from_ref(value),
    };
    let mut ids = Vec::new();
    for value in list {
        // MAX_VOCAB keeps every id within 32 bits.
        let id = object.integer(key, value, 0, vocab_size - 1)? as u32;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(Some(ids))
}
