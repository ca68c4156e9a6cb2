//! Qwen3: each head of queries and keys has an RMS norm, before it is rotated.

use super::Family;
use super::decoder::{self, Biases, Variant};
use super::window::Rule;
use crate::model::keys::Meaning::{self, Read};

const KEYS: &[(&str, Meaning)] = &[("attention_bias", Read)];

const VARIANT: Variant = Variant {
    kv_heads: Some(32),
    head_dim: Some(128),
    theta: 1e4,
    tied: false,
    eos: None,
    window: Rule::Switched {
        from: 28,
        positions: Some(4096),
    },
    qkv_bias: Biases::Stated("attention_bias"),
    output_bias: Biases::Stated("attention_bias"),
    mlp_bias: Biases::Never,
    head_norm: true,
    rotated: decoder::all_rotated,
};

pub(super) static FAMILY: Family = Family {
    name: "qwen3",
    architectures: &["Qwen3ForCausalLM", "Qwen3Model"],
    keys: &[KEYS, decoder::KEYS],
    prefix: "model.",
    ignored: &["rotary_emb.inv_freq"],
    gguf: Some(decoder::form("qwen3")),
    read: |object, warnings| decoder::read(&VARIANT, object, warnings),
};
