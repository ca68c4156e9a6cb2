//! The base of the rotation, and every setting of it that is not understood.

use super::*;

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
        assert_eq!((parsed.rope_theta, warnings), (theta, vec![]), "{config}");
    }
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
