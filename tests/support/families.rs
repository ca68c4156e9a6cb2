//! Small configurations of each family, and random models of them.

#![allow(dead_code)]

use cairo_decode::model::random::{safetensors_bytes, tensors_of, tokenizer_json};
use cairo_decode::model::{Config, Model};
use serde_json::{Value, json};
use std::path::Path;

/// As many tokens as every one of these models has.
pub const VOCAB: usize = 40;

/// A configuration that Llama and its relatives share.
pub fn decoder(family: &str, class: &str) -> Value {
    json!({
        "model_type": family, "architectures": [class], "hidden_size": 32, "intermediate_size": 48,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": VOCAB,
        "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "rope_theta": 500.0, "hidden_act": "silu",
        "tie_word_embeddings": false, "bos_token_id": 0, "eos_token_id": 1,
    })
}

/// A configuration of GPT-2.
pub fn gpt2() -> Value {
    json!({
        "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_embd": 32, "n_layer": 2, "n_head": 4,
        "n_positions": 64, "n_ctx": 64, "n_inner": null, "vocab_size": VOCAB, "layer_norm_epsilon": 1e-5,
        "activation_function": "gelu_new", "bos_token_id": 0, "eos_token_id": 1,
    })
}

/// The configuration with more keys, or others.
pub fn with(mut config: Value, more: Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    config
}

/// Writes a directory with random weights.
pub fn write(dir: &Path, config: &Value, seed: u64) {
    let text = config.to_string();
    let (parsed, warnings) = Config::from_json(text.as_bytes(), Path::new("config.json")).unwrap();
    assert_eq!(warnings, vec![], "{config}");
    let write = |name: &str, bytes: &[u8]| std::fs::write(dir.join(name), bytes).unwrap();
    write("config.json", text.as_bytes());
    let tokenizer = tokenizer_json(VOCAB).to_string();
    write("tokenizer.json", tokenizer.as_bytes());
    let weights = safetensors_bytes(&tensors_of(&parsed, seed)).unwrap();
    write("model.safetensors", &weights);
}

/// A random model of a configuration.
pub fn random(config: &Value, seed: u64) -> Model {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), config, seed);
    Model::load(dir.path()).unwrap()
}
