//! `config.json`: the sizes of a model, and its forward pass as its family describes it.
//!
//! Invariants of a [`Config`]: every size is positive and bounded, `num_attention_heads` is a multiple of `num_key_value_heads`, token ids are below
//! `vocab_size`, and the shapes of the tensors in `forward` fit each other.

use super::families::{Facts, Family, Window};
use super::forward::Forward;
use super::gguf::Gguf;
use super::json::Object;
use super::{ModelError, Warning, files, keys};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

const MAX_PARAMETERS: u64 = 1 << 34;

/// The sizes that all models have, under Hugging Face's names, and the forward pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub family: &'static Family,
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub num_key_value_heads: usize,
    /// Width of one head; need not be `hidden_size / num_attention_heads`.
    pub head_dim: usize,
    pub vocab_size: usize,
    pub max_position_embeddings: usize,
    pub tie_word_embeddings: bool,
    pub bos_token_id: Option<u32>,
    /// The tokens that end a text; none, one, or several.
    pub eos_token_ids: Vec<u32>,
    /// How far attention may see, where that is bounded. It must not be less than the context that is compiled.
    pub window: Option<Window>,
    pub forward: Forward,
}

impl Config {
    /// Reads `config.json` of a model directory, and no other file, or what a GGUF file says in its place.
    pub fn load(dir: &Path) -> Result<Self, ModelError> {
        if let Some(mut gguf) = Gguf::find(dir)? {
            return Self::from_json(&gguf.config()?, dir).map(|(config, _)| config);
        }
        files::check_dir(dir)?;
        super::load_config(dir).map(|(config, _, _)| config)
    }

    /// Parses and checks `config.json`; `path` is only used to name the file in errors.
    pub fn from_json(bytes: &[u8], path: &Path) -> Result<(Self, Vec<Warning>), ModelError> {
        let object = Object::parse(bytes, path)?;
        let family = Family::of(&object)?;
        let tables: Vec<_> = family.keys.iter().copied().chain([keys::CONFIG]).collect();
        let unknown = keys::check(&object, &tables)?.into_iter();
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
        let facts = (family.read)(&object, &mut warnings)?;
        let Facts { vocab_size, .. } = facts;
        let config = Self {
            family,
            hidden_size: facts.hidden_size,
            num_hidden_layers: facts.layers,
            num_attention_heads: facts.heads,
            num_key_value_heads: facts.kv_heads,
            head_dim: facts.head_dim,
            vocab_size,
            max_position_embeddings: facts.positions,
            tie_word_embeddings: facts.tied,
            bos_token_id: bos_token_id(&object, vocab_size)?,
            eos_token_ids: config_eos(&object, facts.default_eos, vocab_size, &mut warnings)?,
            window: facts.window,
            forward: facts.forward,
        };
        config.check_shape(path)?;
        Ok((config, warnings))
    }

    /// Number of stored parameters; the bounds on the sizes keep it far from overflow.
    pub fn parameters(&self) -> u64 {
        let sources = self.forward.sources();
        let tensors: BTreeMap<_, _> = sources
            .map(|source| (&source.name, &source.shape))
            .collect();
        let counts = tensors.into_values();
        let counts = counts.map(|shape| shape.iter().map(|&size| size as u64).product::<u64>());
        counts.sum()
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

/// `eos_token_id`; where the key is absent, the default of Hugging Face's class.
fn config_eos(
    object: &Object,
    default: Option<u32>,
    vocab_size: usize,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<u32>, ModelError> {
    const KEY: &str = "eos_token_id";
    let default = default.filter(|id| (*id as usize) < vocab_size && !object.has(KEY));
    let Some(default) = default else {
        return Ok(token_ids(object, KEY, vocab_size)?.unwrap_or_default());
    };
    warnings.push(Warning::Default {
        path: object.path().into(),
        key: KEY,
        value: default.into(),
    });
    Ok(vec![default])
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
