//! SmolLM3: Llama's block, of which some layers do not rotate queries and keys.

use super::Family;
use super::decoder::{self, Biases, Variant};
use super::sizes::MAX_LAYERS;
use super::window::Rule;
use crate::model::ModelError;
use crate::model::gguf::Form;
use crate::model::json::Object;
use crate::model::keys::Meaning::{self, Read};
use serde_json::Value;

const KEYS: &[(&str, Meaning)] = &[
    ("attention_bias", Read),
    ("mlp_bias", Read),
    ("no_rope_layers", Read),
    ("no_rope_layer_interval", Read),
];

const VARIANT: Variant = Variant {
    kv_heads: Some(4),
    head_dim: None,
    theta: 2e6,
    tied: true,
    eos: Some(128_001),
    window: Rule::Switched {
        from: 0,
        positions: None,
    },
    qkv_bias: Biases::Stated("attention_bias"),
    output_bias: Biases::Stated("attention_bias"),
    mlp_bias: Biases::Stated("mlp_bias"),
    head_norm: false,
    rotated,
};

pub(super) static FAMILY: Family = Family {
    name: "smollm3",
    architectures: &["SmolLM3ForCausalLM", "SmolLM3Model"],
    keys: &[KEYS, decoder::KEYS],
    prefix: "model.",
    ignored: &["rotary_emb.inv_freq"],
    gguf: Some(Form {
        paired: decoder::GGUF_PAIRED,
        ..decoder::form("smollm3")
    }),
    read: |object, warnings| decoder::read(&VARIANT, object, warnings),
};

/// `no_rope_layers` has a 1 for each layer that rotates and a 0 for each that does not; without it, every so many layers one does not.
fn rotated(object: &Object, layers: usize) -> Result<Vec<bool>, ModelError> {
    const KEY: &str = "no_rope_layers";
    const INTERVAL: &str = "no_rope_layer_interval";
    let interval = object.optional_size(INTERVAL, MAX_LAYERS)?.unwrap_or(4);
    let by_interval = || (1..=layers).map(|layer| !layer.is_multiple_of(interval));
    match object.get(KEY) {
        None => Ok(by_interval().collect()),
        Some(Value::Array(entries)) if entries.len() == layers => entries
            .iter()
            .map(|entry| Ok(object.integer(KEY, entry, 0, 1)? == 1))
            .collect(),
        Some(other) => {
            let expected = "a list of a 1 or a 0 for each layer";
            Err(object.wrong_type(KEY, other, expected))
        }
    }
}
