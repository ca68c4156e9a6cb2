//! Windows of attention: accepted where no token of the context would see past them, refused where one would.

use super::*;

/// Loads a directory of `model_type` with these keys, for a context of 32 of its 64 positions or for all.
fn window(
    family: &str,
    context: Option<usize>,
    keys: &[(&str, Value)],
) -> Result<Model, ModelError> {
    let choices = Choices {
        context,
        ..Choices::default()
    };
    let class = match family {
        "mistral" => "MistralForCausalLM",
        _ => "LlamaForCausalLM",
    };
    load(choices, |dir| {
        let mut all = vec![
            ("model_type", json!(family)),
            ("architectures", json!([class])),
        ];
        all.extend(keys.iter().cloned());
        set_config(dir, &all);
    })
}

fn full() -> Value {
    json!(["full_attention", "full_attention"])
}

fn mixed() -> Value {
    json!(["full_attention", "sliding_attention"])
}

#[test]
fn windows_that_do_not_bind() {
    let plain = load(Choices::default(), |_| ()).unwrap();
    for (family, context, keys) in [
        ("mistral", None, vec![("sliding_window", json!(null))]),
        ("mistral", None, vec![("sliding_window", json!(64))]),
        ("mistral", Some(32), vec![("sliding_window", json!(32))]),
        ("mistral", None, vec![("sliding_window", json!(1u64 << 40))]),
        // The default of 4096 is more than the 64 positions.
        ("mistral", None, vec![]),
        ("llama", None, vec![("sliding_window", json!(64))]),
        ("llama", Some(8), vec![("sliding_window", json!(8))]),
        (
            "llama",
            None,
            vec![
                ("sliding_window", json!(8)),
                ("use_sliding_window", json!(false)),
                ("max_window_layers", json!(1)),
            ],
        ),
        (
            "llama",
            None,
            vec![("sliding_window", json!(8)), ("layer_types", full())],
        ),
        ("llama", None, vec![("use_sliding_window", json!(true))]),
        (
            "llama",
            Some(16),
            vec![("sliding_window", json!(16)), ("layer_types", mixed())],
        ),
    ] {
        let model = window(family, context, &keys)
            .unwrap_or_else(|error| panic!("{family} {context:?} {keys:?}: {error}"));
        // The same arithmetic as the plain model of the same weights.
        assert_eq!(model.weights, plain.weights);
        assert_eq!(model.config.forward, plain.config.forward);
        assert_eq!(model.warnings, []);
    }
}

#[test]
fn windows_that_bind() {
    for (family, context, keys, mentions) in [
        (
            "mistral",
            None,
            vec![("sliding_window", json!(63))],
            ["`sliding_window` = 63", "context of 64", "--context 63"],
        ),
        (
            "mistral",
            Some(33),
            vec![
                ("sliding_window", json!(32)),
                // The class of Mistral does not read these.
                ("use_sliding_window", json!(false)),
                ("layer_types", full()),
            ],
            ["`sliding_window` = 32", "context of 33", "--context 32"],
        ),
        (
            "mistral",
            Some(5000),
            vec![("max_position_embeddings", json!(8192))],
            ["absent, so 4096", "context of 5000", "--context 4096"],
        ),
        (
            "llama",
            None,
            vec![("sliding_window", json!(8))],
            ["`sliding_window` = 8", "context of 64", "--context 8"],
        ),
        (
            "llama",
            None,
            vec![
                ("sliding_window", json!(8)),
                ("use_sliding_window", json!(false)),
                ("layer_types", mixed()),
            ],
            ["`sliding_window` = 8", "context of 64", "--context 8"],
        ),
    ] {
        let error = refused(window(family, context, &keys), &mentions);
        assert!(matches!(error, ModelError::WindowBinds { .. }), "{error:?}");
    }
}

/// A context beyond the positions that the model was trained for is the caller's choice, and said to be one.
#[test]
fn contexts_beyond_the_model() {
    for (context, words) in [
        (64, &[][..]),
        (65, &["--context: 65", "= 64", "not trained"]),
    ] {
        let model = window("llama", Some(context), &[]).unwrap();
        assert_eq!(model.warnings.len(), usize::from(context > 64));
        let said = warnings(&model);
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    }
}

#[test]
fn types_of_layers() {
    for (types, mentions) in [
        (mixed(), &["layer_types", "no `sliding_window`"][..]),
        (
            json!(["full_attention"]),
            &["layer_types", "one entry per layer"],
        ),
        (
            json!(["full_attention", "chunked_attention"]),
            &["layer_types", "chunked_attention"],
        ),
        (
            json!(["full_attention", "linear_attention"]),
            &["layer_types", "linear_attention"],
        ),
        (
            json!("full_attention"),
            &["layer_types", "one entry per layer"],
        ),
    ] {
        refused(window("llama", None, &[("layer_types", types)]), mentions);
    }
}

/// Where `num_key_value_heads` is absent, Mistral has 8 (transformers 4.57 and 5.24), Llama as many as heads.
#[test]
fn absent_key_value_heads() {
    let mut config = config_json(&SHAPE);
    config
        .as_object_mut()
        .unwrap()
        .remove("num_key_value_heads");
    config["num_attention_heads"] = json!(16);
    assert_eq!(parse(&config).unwrap().num_key_value_heads, 16);
    config["model_type"] = json!("mistral");
    config["architectures"] = json!(["MistralForCausalLM"]);
    assert_eq!(parse(&config).unwrap().num_key_value_heads, 8);
    config["num_key_value_heads"] = json!(null);
    assert_eq!(parse(&config).unwrap().num_key_value_heads, 16);
}
