//! Qwen2 and Qwen2.5: queries, keys and values have biases, which no key announces.

use super::Family;
use super::decoder::{self, Biases, Variant};
use super::window::Rule;
use crate::model::keys::Meaning::{self, Harmless, Only};

const KEYS: &[(&str, Meaning)] = &[
    // The class does not read it.
    ("attention_bias", Harmless),
    (
        "use_mrope",
        Only(&["false"], "positions have one number here"),
    ),
];

const VARIANT: Variant = Variant {
    kv_heads: Some(32),
    head_dim: None,
    theta: 1e4,
    tied: false,
    eos: None,
    window: Rule::Switched {
        from: 28,
        positions: Some(4096),
    },
    qkv_bias: Biases::Always,
    output_bias: Biases::Never,
    mlp_bias: Biases::Never,
    head_norm: false,
    rotated: decoder::all_rotated,
};

pub(super) static FAMILY: Family = Family {
    name: "qwen2",
    architectures: &["Qwen2ForCausalLM", "Qwen2Model"],
    keys: &[KEYS, decoder::KEYS],
    prefix: "model.",
    ignored: &["rotary_emb.inv_freq"],
    gguf: Some(decoder::form("qwen2")),
    read: |object, warnings| decoder::read(&VARIANT, object, warnings),
};
