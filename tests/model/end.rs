//! Which token ends a session: `config.json`, `generation_config.json`, and the choice of whoever compiles.

use super::*;
use cairo_decode::model::{Eos, Warning};

fn end(chosen: Option<Eos>, config: Value, generation: Option<Value>) -> Result<Model, ModelError> {
    let choices = Choices {
        eos: chosen,
        ..Choices::default()
    };
    load(choices, |dir| {
        set_config(dir, &[("eos_token_id", config)]);
        if let Some(generation) = generation {
            put(dir, "generation_config.json", &generation);
        }
    })
}

#[test]
fn generation_config_is_preferred() {
    // What the `generate` of transformers 4.57 and 5.24 stops at.
    for (config, generation, expected) in [
        (json!(1), Some(json!({ "eos_token_id": 7 })), Some(7)),
        (json!(1), Some(json!({ "eos_token_id": [7] })), Some(7)),
        (json!([1, 2]), Some(json!({ "eos_token_id": 2 })), Some(2)),
        (json!(null), Some(json!({ "eos_token_id": 7 })), Some(7)),
        (json!(null), Some(json!({})), None),
        (json!(1), Some(json!({ "eos_token_id": 1 })), Some(1)),
        (json!([7]), None, Some(7)),
        (json!(null), None, None),
    ] {
        let model = end(None, config.clone(), generation.clone()).unwrap();
        assert_eq!(model.eos, expected, "{config} {generation:?}");
    }
    let model = end(None, json!(1), Some(json!({ "eos_token_id": 7 }))).unwrap();
    let said = warnings(&model);
    for word in ["generation_config.json", "[7]", "[1]"] {
        assert!(said.contains(word), "{said}");
    }
    // A file that says nothing about it leaves it to config.json, and that is said.
    let model = end(None, json!(1), Some(json!({ "do_sample": true }))).unwrap();
    assert_eq!(model.eos, Some(1));
    assert!(matches!(model.warnings[..], [Warning::EosOfConfig { .. }]));
}

#[test]
fn several_ends_need_a_choice() {
    let three = json!([1, 5, 9]);
    let result = end(None, three.clone(), None);
    let words = [
        "dir",
        "config.json",
        "eos_token_id",
        "[1, 5, 9]",
        "--eos",
        "goes on",
    ];
    let error = refused(result, &words[1..]);
    assert!(matches!(error, ModelError::SeveralEos { .. }));
    let result = end(None, json!(1), Some(json!({ "eos_token_id": three })));
    refused(result, &["generation_config.json", "[1, 5, 9]", "--eos"]);

    let model = end(Some(Eos::Token(5)), three.clone(), None).unwrap();
    assert_eq!(model.eos, Some(5));
    let said = warnings(&model);
    assert!(
        said.contains("[1, 9]") && said.contains("goes on"),
        "{said}"
    );

    let model = end(Some(Eos::Token(4)), three.clone(), None).unwrap();
    assert_eq!(model.eos, Some(4));
    let said = warnings(&model);
    assert!(
        said.contains("--eos: ") && said.contains("not 4") && said.contains("[1, 5, 9]"),
        "{said}"
    );

    let model = end(Some(Eos::None), three.clone(), None).unwrap();
    assert_eq!(model.eos, None);
    let said = warnings(&model);
    let words = "at [1, 5, 9]; this build's sessions do not end there";
    assert!(said.contains(words) && !said.contains("too"), "{said}");

    let error = refused(
        end(Some(Eos::Token(20)), three, None),
        &["--eos: 20", "0 to 19"],
    );
    assert!(matches!(error, ModelError::EosOutOfVocabulary { .. }));
    // One id twice is one id.
    assert_eq!(end(None, json!([6, 6]), None).unwrap().eos, Some(6));
}

#[test]
fn ends_outside_the_vocabulary_are_refused_by_file() {
    let result = end(None, json!(1), Some(json!({ "eos_token_id": [1, 20] })));
    let error = refused(result, &["generation_config.json", "eos_token_id", "20"]);
    assert!(matches!(error, ModelError::OutOfBounds { .. }));
    let result = end(None, json!(1), Some(json!({ "eos_token_id": "</s>" })));
    let error = refused(
        result,
        &["generation_config.json", "eos_token_id", "an integer"],
    );
    assert!(matches!(error, ModelError::WrongType { .. }));
    let result = end(None, json!(1), Some(json!([])));
    let error = refused(result, &["generation_config.json", "object"]);
    assert!(matches!(error, ModelError::NotAnObject { .. }));
}

#[test]
fn settings_that_change_greedy_decoding_are_named() {
    let generation = json!({
        "eos_token_id": 1, "repetition_penalty": 1.05, "num_beams": 4, "do_sample": true, "temperature": 0.6,
        "no_repeat_ngram_size": 0, "suppress_tokens": null, "guidance_scale": 1,
    });
    let model = end(None, json!(1), Some(generation)).unwrap();
    let named: Vec<_> = model
        .warnings
        .iter()
        .map(|warning| match warning {
            Warning::Generation { key, .. } => key.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(named, ["repetition_penalty", "num_beams"]);
}

/// Each setting of the library that changes greedy decoding is named by its effect, and one that no list has by its name.
#[test]
fn every_setting_is_known_or_named() {
    for (key, value) in [
        ("exponential_decay_length_penalty", json!([5, 1.1])),
        ("forced_decoder_ids", json!([[1, 5]])),
        ("force_words_ids", json!([[5]])),
        ("constraints", json!(["x"])),
        ("penalty_alpha", json!(0.6)),
        ("num_beam_groups", json!(2)),
        ("dola_layers", json!("high")),
        ("token_healing", json!(true)),
        ("watermarking_config", json!({ "bias": 2.5 })),
        ("encoder_no_repeat_ngram_size", json!(3)),
        ("cache_implementation", json!("quantized")),
        ("some_future_setting", json!(1)),
    ] {
        let generation = json!({ "eos_token_id": 1, key: value });
        let model = end(None, json!(1), Some(generation)).unwrap();
        match &model.warnings[..] {
            [Warning::Generation { key: named, .. }] => {
                assert_eq!(named, key);
                let said = warnings(&model);
                assert!(said.contains("changes greedy decoding"), "{said}");
            }
            [Warning::UnknownKey { path, key: named }] => {
                assert_eq!((named.as_str(), key), ("some_future_setting", key));
                assert!(path.ends_with("generation_config.json"));
            }
            other => panic!("{key}: {other:?}"),
        }
    }
    // Those of sampling, of beams, of a length and of speed change nothing.
    let harmless = json!({
        "eos_token_id": 1, "bos_token_id": 0, "pad_token_id": 0, "do_sample": true, "temperature": 0.6, "top_p": 0.9,
        "top_k": 50, "max_length": 4096, "length_penalty": 1.2, "early_stopping": true, "use_cache": true,
        "cache_implementation": "static", "_from_model_config": true, "transformers_version": "4.57.6",
        "penalty_alpha": null, "num_beam_groups": 1,
    });
    assert_eq!(end(None, json!(1), Some(harmless)).unwrap().warnings, []);
}
