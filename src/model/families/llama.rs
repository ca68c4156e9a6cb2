//! Llama, and the many models that are published as Llama.

use super::Family;
use super::decoder::{self, Biases, Variant};
use super::window::Rule;
use crate::model::gguf::Form;
use crate::model::keys::Meaning::{self, Read};

const KEYS: &[(&str, Meaning)] = &[("attention_bias", Read), ("mlp_bias", Read)];

const VARIANT: Variant = Variant {
    kv_heads: None,
    head_dim: None,
    theta: 1e4,
    tied: false,
    eos: Some(2),
    window: Rule::Stated,
    qkv_bias: Biases::Stated("attention_bias"),
    output_bias: Biases::Stated("attention_bias"),
    mlp_bias: Biases::Stated("mlp_bias"),
    head_norm: false,
    rotated: decoder::all_rotated,
};

pub(super) static FAMILY: Family = Family {
    name: "llama",
    architectures: &["LlamaForCausalLM", "LlamaModel", "LLaMAForCausalLM"],
    keys: &[KEYS, decoder::KEYS],
    prefix: "model.",
    ignored: &["rotary_emb.inv_freq"],
    gguf: Some(Form {
        paired: decoder::GGUF_PAIRED,
        ..decoder::form("llama")
    }),
    read: |object, warnings| decoder::read(&VARIANT, object, warnings),
};
