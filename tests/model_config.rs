//! `config.json`: defaults, variants, and the named reason of every refusal.

use cairo_decode::model::{Config, ModelError, Warning};
use serde_json::{Value, json};
use std::path::Path;

#[path = "support/model_dir.rs"]
mod model_dir;
use model_dir::{Shape, config_json};

#[path = "model_config/published.rs"]
mod published;
#[path = "model_config/rope.rs"]
mod rope;

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

fn read(config: &Value) -> Result<(Config, Vec<Warning>), ModelError> {
    Config::from_json(config.to_string().as_bytes(), Path::new("dir/config.json"))
}

fn parse(config: &Value) -> Result<Config, ModelError> {
    read(config).map(|(config, _)| config)
}

/// The base of the rotation.
fn theta(config: &Config) -> f64 {
    config.forward.rotation.as_ref().unwrap().theta
}

/// The configuration with `key` set to `value`.
fn with(key: &str, value: Value) -> Value {
    let mut config = config_json(&SHAPE);
    config[key] = value;
    config
}

/// The refusal of `config` names the file and mentions every word of `mentions`.
fn refused(config: &Value, mentions: &[&str]) -> ModelError {
    let error = parse(config).expect_err("should be refused");
    let message = error.to_string();
    for word in ["dir/config.json"].iter().chain(mentions) {
        assert!(
            message.contains(word),
            "`{message}` does not mention `{word}`"
        );
    }
    error
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
    let (config, warnings) = read(&config).unwrap();
    assert_eq!(config.num_key_value_heads, 4);
    assert_eq!(config.head_dim, 4);
    assert_eq!(theta(&config), 10_000.0);
    assert!(!config.tie_word_embeddings);
    // The defaults of Hugging Face's class, which are worth a warning; an explicit null is none.
    assert_eq!(config.bos_token_id, Some(0));
    assert_eq!(config.eos_token_ids, [2]);
    let [base, end] = warnings.as_slice() else {
        panic!("{warnings:?}");
    };
    for (warning, key, value) in [(base, "rope_theta", "10000"), (end, "eos_token_id", "2")] {
        let warning = warning.to_string();
        assert!(
            warning.contains(key) && warning.contains(value),
            "{warning}"
        );
    }
    let (config, warnings) = read(&with("eos_token_id", json!(null))).unwrap();
    assert_eq!((config.eos_token_ids, warnings), (vec![], vec![]));
}

#[test]
fn config_variants() {
    for (ids, expected) in [(json!([7]), vec![7]), (json!([1, 2, 1]), vec![1, 2])] {
        let config = parse(&with("eos_token_id", ids)).unwrap();
        assert_eq!(config.eos_token_ids, expected);
    }
    assert_eq!(parse(&with("head_dim", json!(10))).unwrap().head_dim, 10);
    let plain = with("rope_scaling", json!({ "rope_type": "default" }));
    assert_eq!(theta(&parse(&plain).unwrap()), 500.0);
    let mut newer = config_json(&SHAPE);
    newer.as_object_mut().unwrap().remove("rope_theta");
    newer["rope_parameters"] = json!({ "rope_type": "default", "rope_theta": 2000.0 });
    assert_eq!(theta(&parse(&newer).unwrap()), 2000.0);
}

#[test]
fn config_refusals() {
    for (key, value, mentions) in [
        (
            "model_type",
            json!("gemma2"),
            &["model_type", "gemma2", "\"llama\", \"mistral\", \"qwen2\""][..],
        ),
        ("model_type", json!(null), &["model_type", "missing"]),
        (
            "architectures",
            json!(["LlamaForSequenceClassification"]),
            &["architectures", "LlamaForSequence"],
        ),
        ("hidden_act", json!("gelu"), &["hidden_act", "gelu"]),
        ("mlp_bias", json!("no"), &["mlp_bias", "\"no\""]),
        ("sliding_window", json!(0), &["sliding_window", "0"]),
        (
            "use_sliding_window",
            json!("no"),
            &["use_sliding_window", "\"no\"", "true or false"],
        ),
        (
            "quantization_config",
            json!({ "bits": 4 }),
            &["quantization_config"],
        ),
        (
            "rope_scaling",
            json!({ "type": "dynamic", "factor": 2.0 }),
            &["rope_scaling.type", "dynamic"],
        ),
        (
            "rope_scaling",
            json!({ "rope_type": "llama3" }),
            &["rope_scaling.factor", "missing"],
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
        ("eos_token_id", json!([1, 20]), &["eos_token_id", "20"]),
        ("eos_token_id", json!({}), &["eos_token_id", "{}"]),
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

#[test]
fn families_and_classes() {
    let error = refused(
        &with("model_type", json!("gemma3_text")),
        &["model_type", "gemma3_text"],
    );
    assert!(matches!(error, ModelError::Family { .. }));
    let mut custom = with("model_type", json!("my_llama"));
    custom["auto_map"] = json!({ "AutoModelForCausalLM": "modeling.MyLlama" });
    let error = refused(
        &custom,
        &["my_llama", "custom code", "auto_map", "\"llama\""],
    );
    assert!(matches!(error, ModelError::CustomCode { .. }));
    // Code from before Hugging Face's library had the family changes nothing about it.
    custom["model_type"] = json!("phi3");
    let error = refused(&custom, &["phi3", "not supported", "\"llama\""]);
    assert!(matches!(error, ModelError::Family { .. }));
    // Custom code beside a known family is not run, as without trust_remote_code.
    let (config, warnings) = read(&with("auto_map", custom["auto_map"].clone())).unwrap();
    assert_eq!(config, parse(&config_json(&SHAPE)).unwrap());
    assert!(matches!(warnings[..], [Warning::CustomCode { .. }]));
    let error = refused(
        &with("architectures", json!(["MistralForCausalLM"])),
        &["architectures", "MistralForCausalLM", "LlamaForCausalLM"],
    );
    assert!(matches!(error, ModelError::Architecture { .. }));
    for spelling in ["LlamaModel", "LLaMAForCausalLM"] {
        parse(&with("architectures", json!([spelling]))).unwrap();
    }
    parse(&with("architectures", json!(null))).unwrap();
}

/// A key that no table has is a warning; keys that are known to change nothing are none.
#[test]
fn unknown_and_harmless_keys() {
    let plain = parse(&config_json(&SHAPE)).unwrap();
    let (config, warnings) = read(&with("some_future_key", json!({ "a": [1, 2] }))).unwrap();
    assert_eq!(config, plain);
    let [warning] = warnings.as_slice() else {
        panic!("{warnings:?}");
    };
    let warning = warning.to_string();
    assert!(warning.contains("dir/config.json") && warning.contains("some_future_key"));
    // A name with control characters reaches nobody as such.
    let (_, warnings) = read(&with("a\u{1b}[2J", json!(1))).unwrap();
    assert!(!warnings[0].to_string().contains('\u{1b}'));

    for (key, value) in [
        ("torch_dtype", json!("bfloat16")),
        ("transformers_version", json!("5.24.0")),
        ("attention_dropout", json!(0.1)),
        ("pretraining_tp", json!(1)),
        ("use_cache", json!(true)),
        ("pad_token_id", json!(0)),
        ("some_future_key", json!(null)),
        ("hidden_act", json!("swish")),
        ("attention_bias", json!(false)),
        ("partial_rotary_factor", json!(1.0)),
        ("partial_rotary_factor", json!(1)),
        ("quantization_config", json!(null)),
        ("rope_scaling", json!(null)),
        ("logit_scale", json!(1.0)),
    ] {
        let (config, warnings) = read(&with(key, value)).unwrap();
        assert_eq!((config, warnings), (plain.clone(), vec![]), "{key}");
    }
}

#[test]
fn keys_that_mean_another_forward_pass() {
    for (key, value) in [
        ("partial_rotary_factor", json!(0.5)),
        ("rotary_pct", json!(0.25)),
        ("rope_local_base_freq", json!(10000.0)),
        ("original_max_position_embeddings", json!(4096)),
        ("rope_interleave", json!(true)),
        ("no_rope_layers", json!([1, 1])),
        ("alibi", json!(true)),
        ("qkv_bias", json!(true)),
        ("attn_logit_softcapping", json!(50.0)),
        ("final_logit_softcapping", json!(30.0)),
        ("logit_scale", json!(0.0625)),
        ("embedding_multiplier", json!(12.0)),
        ("residual_multiplier", json!(0.22)),
        ("attention_multiplier", json!(0.0078125)),
        ("query_pre_attn_scalar", json!(256)),
        ("clip_qkv", json!(8.0)),
        ("use_qk_norm", json!(true)),
        ("num_local_experts", json!(8)),
        ("is_encoder_decoder", json!(true)),
        ("pruned_heads", json!({ "0": [1] })),
    ] {
        let error = refused(&with(key, value.clone()), &[key, &value.to_string()]);
        assert!(matches!(error, ModelError::Unsupported { .. }), "{error:?}");
    }
}
