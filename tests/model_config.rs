//! `config.json`: defaults, variants, and the named reason of every refusal.

use cairo_decode::model::{Config, ModelError};
use serde_json::{Value, json};
use std::path::Path;

#[path = "support/model_dir.rs"]
mod model_dir;
use model_dir::{Shape, config_json};

const SHAPE: Shape = Shape {
    hidden: 16,
    mlp: 24,
    layers: 2,
    heads: 4,
    kv_heads: 2,
    head_dim: 4,
    vocab: 20,
    tied: true,
};

fn parse(config: &Value) -> Result<Config, ModelError> {
    Config::from_json(config.to_string().as_bytes(), Path::new("dir/config.json"))
}

/// The configuration with `key` set to `value`.
fn with(key: &str, value: Value) -> Value {
    let mut config = config_json(&SHAPE);
    config[key] = value;
    config
}

/// The refusal of `config` names the file and mentions every word of `mentions`.
fn refused(config: &Value, mentions: &[&str]) {
    let message = parse(config).expect_err("should be refused").to_string();
    for word in ["dir/config.json"].iter().chain(mentions) {
        assert!(
            message.contains(word),
            "`{message}` does not mention `{word}`"
        );
    }
}

#[test]
fn config_defaults() {
    let mut config = config_json(&SHAPE);
    for key in [
        "num_key_value_heads",
        "head_dim",
        "rope_theta",
        "hidden_act",
        "tie_word_embeddings",
        "eos_token_id",
    ] {
        config.as_object_mut().unwrap().remove(key);
    }
    config["some_future_key"] = json!({ "a": [1, 2] });
    let config = parse(&config).unwrap();
    assert_eq!(config.num_key_value_heads, 4);
    assert_eq!(config.head_dim, 4);
    assert_eq!(config.rope_theta, 10_000.0);
    assert!(!config.tie_word_embeddings);
    assert_eq!((config.bos_token_id, config.eos_token_id), (Some(0), None));
}

#[test]
fn config_variants() {
    assert_eq!(
        parse(&with("eos_token_id", json!([7])))
            .unwrap()
            .eos_token_id,
        Some(7)
    );
    assert_eq!(
        parse(&with("head_dim", json!(10))).unwrap().query_size(),
        40
    );
    assert_eq!(
        parse(&with("rope_scaling", json!({ "rope_type": "default" })))
            .unwrap()
            .rope_theta,
        500.0
    );
    let mut newer = config_json(&SHAPE);
    newer.as_object_mut().unwrap().remove("rope_theta");
    newer["rope_parameters"] = json!({ "rope_type": "default", "rope_theta": 2000.0 });
    assert_eq!(parse(&newer).unwrap().rope_theta, 2000.0);
}

#[test]
fn config_refusals() {
    for (key, value, mentions) in [
        (
            "model_type",
            json!("mistral"),
            &["model_type", "mistral"][..],
        ),
        ("model_type", json!(null), &["model_type", "missing"]),
        (
            "architectures",
            json!(["LlamaForSequenceClassification"]),
            &["architectures", "LlamaForSequence"],
        ),
        ("hidden_act", json!("gelu"), &["hidden_act", "gelu"]),
        ("attention_bias", json!(true), &["attention_bias", "true"]),
        ("mlp_bias", json!(true), &["mlp_bias", "true"]),
        (
            "mlp_bias",
            json!("no"),
            &["mlp_bias", "\"no\"", "true or false"],
        ),
        ("sliding_window", json!(128), &["sliding_window", "128"]),
        ("use_sliding_window", json!(true), &["use_sliding_window"]),
        (
            "quantization_config",
            json!({ "bits": 4 }),
            &["quantization_config"],
        ),
        (
            "rope_scaling",
            json!({ "type": "linear", "factor": 2.0 }),
            &["rope_scaling.type", "linear"],
        ),
        (
            "rope_scaling",
            json!({ "rope_type": "llama3" }),
            &["rope_scaling.rope_type", "llama3"],
        ),
        (
            "rope_parameters",
            json!({ "rope_theta": 7.0 }),
            &["rope_parameters.rope_theta", "7"],
        ),
        (
            "rope_parameters",
            json!({ "partial_rotary_factor": 0.5 }),
            &["partial_rotary_factor", "0.5"],
        ),
        ("rope_theta", json!("10000"), &["rope_theta", "a number"]),
        ("rope_theta", json!(0), &["rope_theta", "0"]),
        ("rms_norm_eps", json!(null), &["rms_norm_eps", "missing"]),
        ("rms_norm_eps", json!(-1.0), &["rms_norm_eps", "-1"]),
        ("hidden_size", json!(null), &["hidden_size", "missing"]),
        ("hidden_size", json!(0), &["hidden_size", "0"]),
        ("hidden_size", json!(-5), &["hidden_size", "-5"]),
        (
            "hidden_size",
            json!(16.5),
            &["hidden_size", "16.5", "an integer"],
        ),
        ("hidden_size", json!("16"), &["hidden_size", "an integer"]),
        (
            "hidden_size",
            json!(1u64 << 40),
            &["hidden_size", "1099511627776"],
        ),
        ("vocab_size", json!(u64::MAX), &["vocab_size"]),
        ("num_hidden_layers", json!(1 << 20), &["num_hidden_layers"]),
        (
            "num_key_value_heads",
            json!(3),
            &["num_attention_heads", "num_key_value_heads", "3"],
        ),
        ("head_dim", json!(5), &["head_dim", "5", "odd"]),
        ("eos_token_id", json!([1, 2]), &["eos_token_id", "[1,2]"]),
        ("eos_token_id", json!([]), &["eos_token_id", "[]"]),
        ("bos_token_id", json!(20), &["bos_token_id", "20"]),
        ("bos_token_id", json!(-1), &["bos_token_id", "-1"]),
    ] {
        refused(&with(key, value), mentions);
    }
    let mut uneven = with("hidden_size", json!(18));
    uneven.as_object_mut().unwrap().remove("head_dim");
    refused(&uneven, &["hidden_size", "18", "num_attention_heads"]);
    let mut huge = with("hidden_size", json!(65536));
    huge["intermediate_size"] = json!(65536);
    huge["num_hidden_layers"] = json!(1024);
    refused(&huge, &["parameters"]);
    refused(&json!([1]), &["object"]);
    let message = Config::from_json(b"{", Path::new("dir/config.json"))
        .unwrap_err()
        .to_string();
    assert!(message.contains("dir/config.json") && message.contains("JSON"));
}
