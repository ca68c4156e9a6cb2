//! The rotation: its base, what stretches it, and every setting of it that is not understood.

use super::*;
use cairo_decode::model::rope::Rotation;

/// `config` without `rope_theta` at the top.
fn rope(key: &str, settings: Value) -> Value {
    let mut config = with(key, settings);
    config.as_object_mut().unwrap().remove("rope_theta");
    config
}

/// The bases that `LlamaConfig` of transformers 5.24 has for the same files.
#[test]
fn rotations_that_are_understood() {
    for (config, theta) in [
        (
            rope(
                "rope_parameters",
                json!({ "rope_type": "default", "rope_theta": 7e5 }),
            ),
            7e5,
        ),
        (rope("rope_parameters", json!({ "rope_theta": 7e5 })), 7e5),
        (rope("rope_scaling", json!({ "type": "default" })), 1e4),
        (rope("rope_scaling", json!({})), 1e4),
        (
            with("rope_parameters", json!({ "rope_theta": 500.0 })),
            500.0,
        ),
        (
            rope(
                "rope_parameters",
                json!({ "rope_theta": 9.0, "partial_rotary_factor": 1.0 }),
            ),
            9.0,
        ),
        // Settings per type of layers that agree with what holds for all.
        (
            rope(
                "rope_parameters",
                json!({ "full_attention": { "rope_type": "default", "rope_theta": 1e4 } }),
            ),
            1e4,
        ),
        (
            rope(
                "rope_parameters",
                json!({
                    "rope_theta": 3e4, "full_attention": { "rope_theta": 3e4 },
                    "sliding_attention": { "rope_type": "default", "rope_theta": 3e4 },
                }),
            ),
            3e4,
        ),
        (
            with(
                "rope_parameters",
                json!({ "full_attention": { "rope_theta": 500.0 } }),
            ),
            500.0,
        ),
    ] {
        let (parsed, warnings) = read(&config).unwrap_or_else(|e| panic!("{config}: {e}"));
        assert_eq!(super::theta(&parsed), theta, "{config}");
        // A base that no key states is a default, which is worth a warning.
        let stated = config.to_string().contains(r#""rope_theta":"#);
        let nested_only = config.get("rope_theta").is_none()
            && config["rope_parameters"].get("rope_theta").is_none();
        assert_eq!(warnings.len(), usize::from(nested_only), "{config}");
        assert!(stated || nested_only);
    }
}

const LLAMA3: [f64; 8] = [
    1.0,
    0.2443846,
    0.01304226,
    0.003952847,
    0.00125,
    0.0003952847,
    0.000125,
    3.952847e-5,
];
const YARN: [f64; 8] = [
    1.0,
    0.2371708,
    0.05,
    0.007905694,
    0.0025,
    0.0007905694,
    0.00025,
    7.905694e-5,
];
const YARN_UNCUT: [f64; 8] = [
    1.0,
    0.1605891,
    0.025,
    0.007905694,
    0.0025,
    0.0007905694,
    0.00025,
    7.905694e-5,
];

/// Radians for each position of the pairs of a head, against what `ROPE_INIT_FUNCTIONS` of transformers computes.
#[test]
fn stretched_rotations() {
    let rotation = |settings: Value| -> Rotation {
        let mut config = rope("rope_scaling", settings);
        config["head_dim"] = json!(16);
        config["rope_theta"] = json!(10000.0);
        config["max_position_embeddings"] = json!(256);
        let (parsed, warnings) = read(&config).unwrap();
        assert_eq!(warnings, vec![], "{config}");
        parsed.forward.rotation.unwrap()
    };
    let plain = rotation(json!({ "rope_type": "default" })).frequencies();
    let linear = rotation(json!({ "type": "linear", "factor": 4.0 }));
    let quarters: Vec<f64> = plain.iter().map(|f| f / 4.0).collect();
    assert_eq!(linear.frequencies(), quarters);
    assert_eq!(linear.score_factor(), 1.0);
    for (settings, expected, score) in [
        (
            json!({
                "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                "original_max_position_embeddings": 64,
            }),
            LLAMA3,
            1.0,
        ),
        (
            json!({ "type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64, "finetuned": true }),
            YARN,
            1.296477,
        ),
        (
            json!({
                "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64, "beta_fast": 8,
                "beta_slow": 2, "truncate": false, "attention_factor": 1.5,
            }),
            YARN_UNCUT,
            2.25,
        ),
    ] {
        let rotation = rotation(settings.clone());
        for (found, expected) in rotation.frequencies().iter().zip(expected) {
            assert!((found / expected - 1.0).abs() < 1e-5, "{settings}: {found}");
        }
        assert!((rotation.score_factor() - score).abs() < 1e-6);
    }
}

/// Versions of Hugging Face's library stretch by one number or the other.
#[test]
fn a_factor_that_is_not_the_ratio_of_positions_is_a_warning() {
    let settings = json!({ "type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32 });
    let (_, warnings) = read(&with("rope_scaling", settings)).unwrap();
    let [warning] = warnings.as_slice() else {
        panic!("{warnings:?}");
    };
    let warning = warning.to_string();
    assert!(warning.contains("rope_scaling.factor"), "{warning}");
}

/// Settings of a type that say nothing, contradict, or are of another type.
#[test]
fn stretches_that_are_refused() {
    let llama3 = |low: f64, high: f64| {
        json!({
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": low, "high_freq_factor": high,
            "original_max_position_embeddings": 64,
        })
    };
    for (settings, mentions) in [
        (json!({ "type": "linear" }), "rope_scaling.factor"),
        (
            json!({ "type": "linear", "factor": 0.5 }),
            "rope_scaling.factor",
        ),
        (
            json!({ "type": "linear", "factor": 2.0, "beta_fast": 32 }),
            "rope_scaling.beta_fast",
        ),
        (
            json!({ "type": "linear", "rope_type": "yarn", "factor": 2.0 }),
            "rope_scaling.type",
        ),
        (llama3(4.0, 4.0), "rope_scaling.high_freq_factor"),
        (
            json!({ "rope_type": "yarn", "factor": 4.0, "short_factor": [1.0] }),
            "rope_scaling.short_factor",
        ),
    ] {
        refused(&with("rope_scaling", settings), &[mentions]);
    }
    let mut both = with("rope_scaling", json!({ "type": "linear", "factor": 2.0 }));
    both["rope_parameters"] = json!({ "rope_type": "linear", "factor": 4.0 });
    let error = refused(&both, &["rope_parameters", "rope_scaling"]);
    assert!(matches!(error, ModelError::ScalingContradiction { .. }));
    both["rope_parameters"] = json!({ "rope_type": "linear", "factor": 2.0 });
    parse(&both).unwrap();
}

#[test]
fn rotations_that_are_not() {
    let contradiction = [
        (
            with("rope_parameters", json!({ "rope_theta": 7.0 })),
            "rope_theta",
        ),
        (
            {
                let mut both = rope("rope_parameters", json!({ "rope_theta": 7.0 }));
                both["rope_scaling"] = json!({ "rope_theta": 8.0 });
                both
            },
            "rope_scaling.rope_theta",
        ),
    ];
    for (config, other) in contradiction {
        let error = refused(&config, &["rope_parameters.rope_theta", "7", other]);
        assert!(matches!(error, ModelError::ThetaContradiction { .. }));
    }
    for nested in [
        json!({ "full_attention": { "rope_type": "default", "rope_theta": 1e6 } }),
        json!({ "full_attention": { "rope_theta": 1e6 }, "sliding_attention": { "rope_theta": 1e4 } }),
    ] {
        let error = refused(
            &rope("rope_parameters", nested),
            &[
                "rope_parameters.full_attention.rope_theta",
                "1000000",
                "10000",
            ],
        );
        assert!(matches!(error, ModelError::NestedTheta { .. }));
    }
    for (settings, place, unknown) in [
        (json!({ "factor": 2.0 }), "factor", true),
        (
            json!({ "rope_type": "default", "attention_factor": 1.2 }),
            "attention_factor",
            true,
        ),
        (json!({ "beta_fast": 32 }), "beta_fast", true),
        (json!({ "mrope_section": [1, 1, 2] }), "mrope_section", true),
        (
            json!({ "original_max_position_embeddings": 8 }),
            "original_max_position_embeddings",
            true,
        ),
        (
            json!({ "full_attention": { "factor": 4.0 } }),
            "full_attention.factor",
            true,
        ),
        (
            json!({ "chunked_attention": { "rope_theta": 1e4 } }),
            "chunked_attention",
            true,
        ),
        (
            json!({ "full_attention": { "full_attention": {} } }),
            "full_attention.full_attention",
            true,
        ),
        (
            json!({ "full_attention": { "rope_type": "linear" } }),
            "full_attention.rope_type",
            false,
        ),
        (
            json!({ "sliding_attention": { "rope_type": "yarn" } }),
            "sliding_attention.rope_type",
            false,
        ),
        (
            json!({ "full_attention": { "partial_rotary_factor": 0.5 } }),
            "full_attention.partial_rotary_factor",
            false,
        ),
        (
            json!({ "partial_rotary_factor": 0.5 }),
            "partial_rotary_factor",
            false,
        ),
        (json!({ "rope_type": "longrope" }), "rope_type", false),
        (json!({ "type": "dynamic" }), "type", false),
        (json!({ "rope_type": 3 }), "rope_type", false),
    ] {
        for key in ["rope_parameters", "rope_scaling"] {
            let error = refused(&with(key, settings.clone()), &[&format!("`{key}.{place}`")]);
            match unknown {
                true => assert!(matches!(error, ModelError::UnknownKey { .. }), "{error:?}"),
                false => assert!(matches!(error, ModelError::Unsupported { .. }), "{error:?}"),
            }
        }
    }
    refused(
        &with("rope_parameters", json!([])),
        &["rope_parameters", "an object"],
    );
    refused(
        &with("rope_parameters", json!({ "full_attention": 3 })),
        &["rope_parameters.full_attention", "an object"],
    );
    refused(
        &with("rope_theta", json!({ "full_attention": 1e4 })),
        &["rope_theta", "a number"],
    );
}
