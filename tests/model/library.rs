//! What the tokenizers library makes of a `tokenizer.json` that nobody checked: its panics are errors that name the file,
//! and nothing in the file makes tokens a matter of chance or of settings that a call without arguments drops.

use super::*;
use cairo_decode::model::{MAX_TEXT_BYTES, Text, Warning};

/// A word-level tokenizer that has the word `O`.
fn plain() -> Value {
    let words = ["O".to_string()]
        .into_iter()
        .chain((4..20).map(|id| format!("w{id}")));
    let splitter = json!({ "type": "Whitespace" });
    model_dir::word_level_json(words, splitter, Value::Null)
}

fn with(key: &str, value: &Value) -> Value {
    let mut tokenizer = plain();
    tokenizer[key] = value.clone();
    tokenizer
}

fn import(tokenizer: &Value) -> Result<Model, ModelError> {
    load(Choices::default(), |dir| {
        put(dir, "tokenizer.json", tokenizer)
    })
}

/// The tokenizer of a build folder that has this file.
fn build(tokenizer: &Value) -> Result<Text, ModelError> {
    let dir = tempfile::tempdir().unwrap();
    let shape = Shape {
        vocab: 1 << 16,
        ..SHAPE
    };
    put(dir.path(), "config.json", &config_json(&shape));
    put(dir.path(), "tokenizer.json", tokenizer);
    Text::load(dir.path())
}

const PANIC: [&str; 2] = ["tokenizer.json", "the tokenizers library failed on it: "];

/// Words of the random models, and bytes of the small trained one.
fn bases() -> [Value; 2] {
    let trained = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/stories/tokenizer.json");
    let trained = std::fs::read(trained).unwrap();
    [plain(), serde_json::from_slice(&trained).unwrap()]
}

/// With this part, some text is an error of the library in one of the tokenizers, and none is another error.
fn assert_texts_fail(key: &str, value: &Value) {
    let samples = ["O w5", "", "x", "O x w5 xx \u{e9}\u{2581}\u{1f680}"];
    let mut failed = 0;
    for mut tokenizer in bases() {
        tokenizer[key] = value.clone();
        let encode = |sample: &str| build(&tokenizer)?.tokenizer.encode(sample);
        for error in samples.iter().filter_map(|sample| encode(sample).err()) {
            let known = matches!(error, ModelError::TokenizerPanic { .. });
            assert!(known, "{value}: {error:?}");
            refused::<()>(Err(error), &PANIC);
            failed += 1;
        }
    }
    assert!(failed > 0, "{value}");
}

#[test]
fn panics_at_a_text_are_errors() {
    let precompiled =
        |map: &str| json!({ "type": "Precompiled", "precompiled_charsmap": map.to_string() });
    let cases = [
        (
            "normalizer",
            json!({ "type": "Replace", "pattern": { "String": "" }, "content": "b" }),
        ),
        (
            "normalizer",
            json!({ "type": "Replace", "pattern": { "Regex": "x*" }, "content": "b" }),
        ),
        ("normalizer", precompiled("AAAAAA==")),
        ("normalizer", precompiled("BAAAAP////8=")),
        (
            "pre_tokenizer",
            json!({ "type": "FixedLength", "length": 0 }),
        ),
    ];
    // On several threads at once, each has its own error.
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                for (key, value) in &cases {
                    assert_texts_fail(key, value);
                }
            });
        }
    });
    assert_eq!(
        build(&plain()).unwrap().tokenizer.encode("O").unwrap(),
        [0, 3]
    );
}

/// A text beyond the bound does not reach the library, whose time nothing bounds.
#[test]
fn texts_beyond_the_bound_are_refused() {
    let tokenizer = build(&plain()).unwrap().tokenizer;
    let longest = format!("O{}", " ".repeat(MAX_TEXT_BYTES - 1));
    assert_eq!(tokenizer.encode(&longest).unwrap(), [0, 3]);
    let error = refused(
        tokenizer.encode(&format!("{longest} ")),
        &["tokenizer.json", "it has 1048577 bytes, at most 1048576"],
    );
    assert!(matches!(error, ModelError::TextTooLong { .. }));
}

#[test]
fn panics_at_a_token_are_errors_and_no_model_has_them() {
    let strip = json!({ "type": "Strip", "content": "O", "start": 1, "stop": 1 });
    let tokenizer = with("decoder", &strip);
    let text = build(&tokenizer).unwrap();
    assert_eq!(text.tokenizer.decode(&[4]).unwrap(), "w4");
    refused(text.tokenizer.decode(&[3]), &PANIC);
    let error = refused(import(&tokenizer), &PANIC);
    assert!(matches!(error, ModelError::TokenizerPanic { .. }));
}

/// A tokenizer of byte pairs with these merges left to chance.
fn bpe(dropout: Value) -> Value {
    let words = ["<bos>", "<eos>", "<unk>", "a", "b", "ab"];
    let vocab: serde_json::Map<String, Value> = words
        .iter()
        .zip(0..)
        .map(|(word, id)| (word.to_string(), json!(id)))
        .collect();
    let model = json!({
        "type": "BPE", "dropout": dropout, "unk_token": "<unk>", "continuing_subword_prefix": null,
        "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "vocab": vocab, "merges": ["a b"],
    });
    with("model", &model)
}

#[test]
fn tokens_that_depend_on_chance_are_refused() {
    for dropout in [json!(0.5), json!(1.0)] {
        let words = ["tokenizer.json", "model.dropout", &dropout.to_string()];
        let error = refused(import(&bpe(dropout.clone())), &words[..2]);
        assert!(matches!(error, ModelError::Dropout { .. }));
        // Nor is a build read that has it.
        refused(build(&bpe(dropout)), &["tokenizer.json", "model.dropout"]);
    }
    for dropout in [json!(null), json!(0.0)] {
        let model = import(&bpe(dropout)).unwrap();
        assert_eq!(model.tokenizer.encode("ab").unwrap(), [0, 5]);
    }
    let mut shared = plain();
    shared["model"]["vocab"]["w5"] = json!(4);
    let words = ["tokenizer.json", "the id 4", "\"w4\"", "\"w5\"", "chance"];
    let error = refused(import(&shared), &words);
    assert!(matches!(error, ModelError::SharedId { .. }));
}

/// What `tokenizer(text)` of transformers 4.57 gives: the settings are there, and a call without arguments drops them.
#[test]
fn truncation_and_padding_are_dropped() {
    let truncation =
        json!({ "direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0 });
    let padding = json!({
        "strategy": { "Fixed": 8 }, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 1, "pad_type_id": 0,
        "pad_token": "<eos>",
    });
    let mut tokenizer = with("truncation", &truncation);
    tokenizer["padding"] = padding;
    let model = import(&tokenizer).unwrap();
    assert_eq!(model.tokenizer.encode("O w5 w6").unwrap(), [0, 3, 5, 6]);
    assert_eq!(model.warnings, []);
    // The token that the padding names is a special token, as `PreTrainedTokenizerFast` makes it, unless a file says
    // which one is.
    tokenizer["padding"]["pad_token"] = json!("w19");
    let model = import(&tokenizer).unwrap();
    assert_eq!(model.tokenizer.decode(&[3, 19]).unwrap(), "O");
    assert!(
        matches!(&model.warnings[..], [Warning::TokensAdded { tokens, .. }] if *tokens == ["w19"])
    );
    let stated = load(Choices::default(), |dir| {
        put(dir, "tokenizer.json", &tokenizer);
        put(dir, "tokenizer_config.json", &json!({ "pad_token": null }));
    });
    let tokenizer = stated.unwrap().tokenizer;
    assert_eq!(tokenizer.decode(&[3, 19]).unwrap(), "O w19");
}

/// `add_prefix_space` reaches only a pre-tokenizer that has it; where the file does otherwise, that is said.
#[test]
fn a_flag_without_effect_is_said() {
    let said = |key: &str, part: Value, value: bool| {
        let model = load(Choices::default(), |dir| {
            put(dir, "tokenizer.json", &with(key, &part));
            let settings =
                json!({ "tokenizer_class": "PreTrainedTokenizerFast", "add_prefix_space": value });
            put(dir, "tokenizer_config.json", &settings);
        });
        warnings(&model.unwrap())
    };
    let prepend = json!({ "type": "Prepend", "prepend": "\u{2581}" });
    let sequence = json!({ "type": "Sequence", "normalizers": [prepend] });
    let metaspace = |scheme: &str| json!({ "type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": scheme, "split": true });
    for (key, part, starts_with_space) in [
        ("normalizer", prepend.clone(), true),
        ("normalizer", sequence, true),
        ("normalizer", json!({ "type": "NFC" }), false),
        ("pre_tokenizer", metaspace("first"), true),
        ("pre_tokenizer", metaspace("never"), false),
    ] {
        assert_eq!(said(key, part.clone(), starts_with_space), "", "{part}");
        let said = said(key, part, !starts_with_space);
        for word in [
            "tokenizer_config.json",
            "`add_prefix_space` is",
            "is followed",
        ] {
            assert!(said.contains(word), "{said}");
        }
    }
}

/// Of a key that is there twice the last one counts, and the file and the key are named.
#[test]
fn repeated_keys_are_said() {
    let twice = |value: &Value, key: &str, first: &str| {
        let text = value.to_string();
        format!("{{\"{key}\":{first},{}", &text[1..])
    };
    for (name, text, key) in [
        (
            "config.json",
            twice(&config_json(&SHAPE), "rope_theta", "10000.0"),
            "rope_theta",
        ),
        (
            "generation_config.json",
            r#"{"eos_token_id":7,"eos_token_id":1}"#.to_string(),
            "eos_token_id",
        ),
        (
            "tokenizer_config.json",
            r#"{"a":[{"b":{"c":1,"c":2}}]}"#.to_string(),
            "a.b.c",
        ),
        (
            "special_tokens_map.json",
            r#"{"bos_token":"w4","bos_token":"<bos>"}"#.to_string(),
            "bos_token",
        ),
        ("added_tokens.json", r#"{"w4":5,"w4":4}"#.to_string(), "w4"),
        (
            "tokenizer.json",
            twice(&plain(), "normalizer", r#"{"type":"Lowercase"}"#),
            "normalizer",
        ),
    ] {
        let model = load(Choices::default(), |dir| {
            std::fs::write(dir.join(name), &text).unwrap();
        });
        let model = model.unwrap();
        let said: Vec<_> = model
            .warnings
            .iter()
            .filter_map(|warning| match warning {
                Warning::RepeatedKeys { path, keys } => Some((path.file_name().unwrap(), keys)),
                _ => None,
            })
            .collect();
        assert_eq!(said, [(std::ffi::OsStr::new(name), &vec![key.to_string()])]);
        assert!(warnings(&model).contains("more than once"));
        assert_eq!(
            (
                model.config.forward.rotation.as_ref().unwrap().theta,
                model.eos
            ),
            (500.0, Some(1))
        );
    }
}
