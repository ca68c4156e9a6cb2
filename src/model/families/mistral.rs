//! Mistral: Llama's block without biases, and a window of attention.

use super::Family;
use super::decoder::{self, Biases, Variant};
use super::window::Rule;

const VARIANT: Variant = Variant {
    kv_heads: Some(8),
    head_dim: None,
    theta: 1e4,
    tied: false,
    eos: Some(2),
    window: Rule::Always(4096),
    qkv_bias: Biases::Never,
    output_bias: Biases::Never,
    mlp_bias: Biases::Never,
    head_norm: false,
    rotated: decoder::all_rotated,
};

pub(super) static FAMILY: Family = Family {
    name: "mistral",
    architectures: &["MistralForCausalLM", "MistralModel"],
    keys: &[decoder::KEYS],
    prefix: "model.",
    ignored: &["rotary_emb.inv_freq"],
    // Converters write Mistral as Llama.
    gguf: None,
    read: |object, warnings| decoder::read(&VARIANT, object, warnings),
};
