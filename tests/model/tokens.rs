//! What the files beside `tokenizer.json` add to it. The expected ids are those that `AutoTokenizer` of transformers 4.57.6
//! gives for the same files, and where nothing else is said those of 5.24.0 as well.

use super::*;
use cairo_decode::model::{Text, Warning};

const FAST: &str = "PreTrainedTokenizerFast";
const LLAMA: &str = "LlamaTokenizerFast";

/// `tokenizer_config.json` of a class, with names for the special tokens and more keys.
fn settings(class: &str, more: Value) -> Value {
    let mut settings = json!({
        "tokenizer_class": class, "bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>",
    });
    for (key, value) in more.as_object().unwrap() {
        settings[key] = value.clone();
    }
    settings
}

/// A directory with room for five more tokens than its tokenizer has.
fn load_with(tokenizer: &Value, files: &[(&str, Value)]) -> Result<Model, ModelError> {
    let shape = Shape { vocab: 25, ..SHAPE };
    let dir = tempfile::tempdir().unwrap();
    write_model_dir(dir.path(), &shape, 1);
    put(dir.path(), "tokenizer.json", tokenizer);
    for (name, value) in files {
        put(dir.path(), name, value);
    }
    let model = Model::load(dir.path())?;
    // What a build keeps is enough to encode in the same way, and its digest is that of what was kept.
    let build = tempfile::tempdir().unwrap();
    std::fs::write(build.path().join("config.json"), &model.config_file).unwrap();
    std::fs::write(build.path().join("tokenizer.json"), &model.tokenizer_file).unwrap();
    let text = Text::load(build.path()).unwrap();
    for sample in ["", "w3 w4", "w3<x>w4 <eos>", "<bos> <y><x>"] {
        assert_eq!(
            model.tokenizer.encode(sample).unwrap(),
            text.tokenizer.encode(sample).unwrap()
        );
    }
    assert_eq!(model.tokenizer_digest, text.tokenizer_digest);
    Ok(model)
}

fn plain() -> Value {
    model_dir::tokenizer_json(20)
}

/// The tokenizer that puts nothing around a text.
fn bare() -> Value {
    let mut tokenizer = plain();
    tokenizer["post_processor"] = json!(null);
    tokenizer
}

#[test]
fn a_tokenizer_that_lacks_nothing_is_kept_byte_for_byte() {
    let more = json!({
        "added_tokens_decoder": {
            "0": { "content": "<bos>", "lstrip": false, "normalized": false, "rstrip": false, "single_word": false, "special": true },
        },
        "chat_template": "{{ messages }}", "model_max_length": 1000000, "clean_up_tokenization_spaces": false,
    });
    let files = [("tokenizer_config.json", settings(FAST, more))];
    let model = load_with(&plain(), &files).unwrap();
    assert_eq!(model.tokenizer_file, plain().to_string().as_bytes());
    assert_eq!(model.warnings, []);
    assert_eq!(model.tokenizer.encode("w3 w4").unwrap(), [0, 3, 4]);
}

#[test]
fn flags_for_the_first_and_last_token() {
    for (tokenizer, config, expected) in [
        // transformers 5 reads no flag where tokenizer.json is there; 4 does, for these classes.
        (
            bare(),
            settings(LLAMA, json!({ "add_bos_token": true })),
            &[0, 3, 4][..],
        ),
        (
            bare(),
            json!({ "bos_token": "<bos>", "add_bos_token": true }),
            &[0, 3, 4],
        ),
        (
            bare(),
            settings(
                LLAMA,
                json!({ "add_bos_token": true, "add_eos_token": true }),
            ),
            &[0, 3, 4, 1],
        ),
        // The flag agrees with the file.
        (
            plain(),
            settings(
                LLAMA,
                json!({ "add_bos_token": true, "add_eos_token": false }),
            ),
            &[0, 3, 4],
        ),
        (
            bare(),
            settings(LLAMA, json!({ "add_bos_token": false })),
            &[3, 4],
        ),
        // Neither version reads the flag for this class.
        (
            bare(),
            settings(FAST, json!({ "add_bos_token": true })),
            &[3, 4],
        ),
        (
            plain(),
            settings(FAST, json!({ "add_bos_token": false })),
            &[0, 3, 4],
        ),
    ] {
        let model = load_with(&tokenizer, &[("tokenizer_config.json", config.clone())]).unwrap();
        assert_eq!(
            model.tokenizer.encode("w3 w4").unwrap(),
            expected,
            "{config}"
        );
        assert_eq!(model.tokenizer.decode(&[0, 3, 4, 1]).unwrap(), "w3 w4");
    }
}

#[test]
fn what_is_done_with_the_flags_is_said() {
    let said = |tokenizer: &Value, config| {
        let model = load_with(tokenizer, &[("tokenizer_config.json", config)]).unwrap();
        model.warnings
    };
    let config = settings(
        LLAMA,
        json!({ "add_bos_token": true, "add_eos_token": true }),
    );
    let made = said(&bare(), config);
    assert!(
        matches!(&made[..], [Warning::TemplateAdded { template, .. }] if template == "<bos> TEXT <eos>")
    );
    let config = settings(FAST, json!({ "add_bos_token": true }));
    let ignored = said(&bare(), config.clone());
    assert!(matches!(
        ignored[..],
        [Warning::FlagIgnored {
            key: "add_bos_token",
            value: true,
            ..
        }]
    ));
    assert_eq!(said(&plain(), config), []);
    let unsaid = said(&bare(), settings(LLAMA, json!({})));
    assert!(matches!(unsaid[..], [Warning::BosUnsaid { .. }]));
    let custom = said(&plain(), settings("MyTokenizer", json!({ "auto_map": {} })));
    assert!(matches!(custom[..], [Warning::CustomCode { .. }]));
}

#[test]
fn tokens_that_other_files_list() {
    let decoder = |token: Value| settings(FAST, json!({ "added_tokens_decoder": { "20": token } }));
    let names = settings(FAST, json!({}));
    let token = json!({ "content": "<x>", "special": true });
    let plainer = json!({
        "content": "<x>", "lstrip": true, "rstrip": false, "single_word": false, "normalized": false, "special": false,
    });
    for files in [
        vec![("tokenizer_config.json", decoder(token))],
        vec![("tokenizer_config.json", decoder(plainer))],
        vec![
            ("tokenizer_config.json", names.clone()),
            ("added_tokens.json", json!({ "<x>": 20 })),
        ],
        vec![("added_tokens.json", json!({ "<x>": 20 }))],
        vec![(
            "tokenizer_config.json",
            settings(FAST, json!({ "additional_special_tokens": ["<x>"] })),
        )],
        vec![(
            "tokenizer_config.json",
            settings(FAST, json!({ "pad_token": { "content": "<x>" } })),
        )],
        vec![("special_tokens_map.json", json!({ "pad_token": "<x>" }))],
    ] {
        let model = load_with(&plain(), &files).unwrap();
        for text in ["w3<x>w4", "w3 <x> w4"] {
            assert_eq!(
                model.tokenizer.encode(text).unwrap(),
                [0, 3, 20, 4],
                "{files:?}"
            );
        }
        assert!(
            matches!(&model.warnings[..], [Warning::TokensAdded { tokens, .. }] if *tokens == ["<x>"])
        );
    }
    // In order of their ids, whatever the order in the file.
    let two = json!({ "added_tokens_decoder": {
        "21": { "content": "<y>", "special": true }, "20": { "content": "<x>", "special": true },
    } });
    let model = load_with(&plain(), &[("tokenizer_config.json", settings(FAST, two))]).unwrap();
    assert_eq!(model.tokenizer.encode("<y> <x>").unwrap(), [0, 21, 20]);
}

/// A special token that only its name makes special is not taken apart.
#[test]
fn tokens_that_other_files_name() {
    let mut tokenizer = plain();
    let added = tokenizer["added_tokens"].as_array_mut().unwrap();
    added.retain(|token| token["content"] != "<eos>");
    let encode = |files: &[(&str, Value)]| {
        let model = load_with(&tokenizer, files).unwrap();
        model.tokenizer.encode("w3 <eos>").unwrap()
    };
    assert_eq!(encode(&[]), [0, 3, 2, 2, 2]);
    let named =
        json!({ "eos_token": { "content": "<eos>", "lstrip": false, "normalized": false } });
    let map = ("special_tokens_map.json", named.clone());
    assert_eq!(encode(std::slice::from_ref(&map)), [0, 3, 1]);
    assert_eq!(encode(&[("tokenizer_config.json", named)]), [0, 3, 1]);
    // A file that lists the added tokens makes the older files count for nothing.
    let lists = json!({ "tokenizer_class": FAST, "added_tokens_decoder": {} });
    let added = ("added_tokens.json", json!({ "<x>": 3 }));
    assert_eq!(
        encode(&[("tokenizer_config.json", lists), map, added]),
        [0, 3, 2, 2, 2]
    );
}

#[test]
fn contradictions_are_refused_by_file_and_key() {
    let refuse = |tokenizer: &Value, name: &str, value: Value, mentions: &[&str]| {
        let result = load_with(tokenizer, &[(name, value)]);
        refused(result.map(|_| ()), &[&[name], mentions].concat())
    };
    let config = "tokenizer_config.json";

    let taken = settings(
        FAST,
        json!({ "added_tokens_decoder": { "7": { "content": "<x>" } } }),
    );
    let error = refuse(
        &plain(),
        config,
        taken,
        &["added_tokens_decoder.7", "<x>", "token 20", "w7"],
    );
    assert!(matches!(error, ModelError::TokenId { .. }));
    let other = json!({ "w5": 6 });
    let error = refuse(
        &plain(),
        "added_tokens.json",
        other,
        &["w5", "token 6", "token 5", "w6"],
    );
    assert!(matches!(error, ModelError::TokenId { .. }));

    let off = settings(LLAMA, json!({ "add_bos_token": false }));
    let error = refuse(
        &plain(),
        config,
        off,
        &["add_bos_token", "false", "<bos>", "before"],
    );
    assert!(matches!(error, ModelError::PostProcessor { .. }));
    let on = settings(
        LLAMA,
        json!({ "add_bos_token": true, "add_eos_token": true }),
    );
    let error = refuse(
        &plain(),
        config,
        on,
        &["add_eos_token", "true", "nothing", "after"],
    );
    assert!(matches!(error, ModelError::PostProcessor { .. }));

    let unnamed = json!({ "tokenizer_class": LLAMA, "add_bos_token": true });
    let error = refuse(&bare(), config, unnamed, &["add_bos_token", "bos_token"]);
    assert!(matches!(error, ModelError::NoSpecialToken { .. }));

    let mut spaced = plain();
    spaced["pre_tokenizer"] = json!({ "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true });
    let without = settings(FAST, json!({ "add_prefix_space": false }));
    let error = refuse(
        &spaced,
        config,
        without,
        &["add_prefix_space", "false", "true"],
    );
    assert!(matches!(error, ModelError::PrefixSpace { .. }));

    let split = settings(FAST, json!({ "split_special_tokens": true }));
    let error = refuse(&plain(), config, split, &["split_special_tokens"]);
    assert!(matches!(error, ModelError::Unsupported { .. }));

    for (value, mention) in [
        (
            json!({ "added_tokens_decoder": { "x": { "content": "<x>" } } }),
            "added_tokens_decoder.x",
        ),
        (
            json!({ "added_tokens_decoder": { "20": { "special": true } } }),
            "added_tokens_decoder.20",
        ),
        (json!({ "bos_token": 5 }), "bos_token"),
        (json!({ "add_bos_token": "yes" }), "add_bos_token"),
        (
            json!({ "additional_special_tokens": 1 }),
            "additional_special_tokens",
        ),
    ] {
        let error = refuse(&plain(), config, value, &[mention]);
        assert!(matches!(error, ModelError::WrongType { .. }), "{error:?}");
    }
    let error = refuse(
        &plain(),
        "added_tokens.json",
        json!({ "<x>": -1 }),
        &["<x>", "-1"],
    );
    assert!(matches!(error, ModelError::OutOfBounds { .. }));
}

/// The library checks no template when it reads one, and panics at the first text.
#[test]
fn templates_that_cannot_be_applied_are_refused() {
    let template = |single: Value| json!({ "type": "TemplateProcessing", "single": single, "pair": [], "special_tokens": {} });
    let token = template(json!([{ "SpecialToken": { "id": "<bos>", "type_id": 0 } }]));
    let text = template(json!([{ "Sequence": { "id": "B", "type_id": 0 } }]));
    for (processor, mention) in [
        (token.clone(), "<bos>"),
        (
            json!({ "type": "Sequence", "processors": [token] }),
            "<bos>",
        ),
        (text, "a second one"),
        (template(json!([])), "does not keep a text"),
    ] {
        let mut tokenizer = plain();
        tokenizer["post_processor"] = processor;
        let error = refused(
            load_with(&tokenizer, &[]).map(|_| ()),
            &["tokenizer.json", mention],
        );
        assert!(matches!(error, ModelError::Tokenizer { .. }));
    }
}
