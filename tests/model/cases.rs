//! The small model directories beside the checkout, made after public bug reports, where they are there. Each is accepted
//! with what Hugging Face's library makes of it, or refused by file and key.

use super::*;
use cairo_decode::model::Eos;
use std::path::PathBuf;

/// What should come of a directory.
enum Outcome {
    /// The model; the check looks at it.
    Accepted(fn(&Model)),
    /// An error whose message has these words.
    Refused(&'static [&'static str]),
}
use Outcome::{Accepted, Refused};

fn theta(model: &Model) -> f64 {
    model.config.forward.rotation.as_ref().unwrap().theta
}

fn nothing_said(model: &Model) {
    assert_eq!(model.warnings, []);
    assert_eq!(theta(model), 10_000.0);
    assert_eq!(model.eos, Some(1));
    assert_eq!(model.tokenizer.encode("w5 w6").unwrap(), [0, 5, 6]);
}

fn said(model: &Model, words: &[&str]) {
    let all = warnings(model);
    for word in words {
        assert!(all.contains(word), "`{all}` does not mention `{word}`");
    }
}

const CASES: &[(&str, Outcome)] = &[
    // Hugging Face's library (4.57 and 5.24) gives the token the id 32, which the model does not have; the file says 7.
    (
        "added-tokens-json",
        Refused(&[
            "tokenizer_config.json",
            "added_tokens_decoder.7",
            "<|im_end|>",
            "token 32",
            "w7",
        ]),
    ),
    (
        "bias-zero",
        Accepted(|model| said(model, &["self_attn.q_proj.bias", "zero"])),
    ),
    ("both-missing", Accepted(nothing_said)),
    ("cal-one", Accepted(nothing_said)),
    ("cfg-bom", Refused(&["config.json", "byte order mark"])),
    ("ctx-32767", Accepted(nothing_said)),
    ("ctx-32768", Accepted(nothing_said)),
    ("ctx40000-committed", Accepted(nothing_said)),
    ("ctx40000-ready", Accepted(nothing_said)),
    (
        "eos-list3",
        Refused(&["config.json", "eos_token_id", "[1, 2, 3]", "--eos"]),
    ),
    (
        "genconf-eos",
        Accepted(|model| {
            assert_eq!(model.eos, Some(22));
            said(model, &["generation_config.json", "[22]", "[1]"]);
        }),
    ),
    ("held-missing", Accepted(nothing_said)),
    ("huge-emb", Accepted(nothing_said)),
    ("huge-gain", Accepted(nothing_said)),
    (
        "lfs-pointer",
        Refused(&["model.safetensors", "git-lfs pointer", "git lfs pull"]),
    ),
    ("massive-bos", Accepted(nothing_said)),
    ("mistral", Accepted(nothing_said)),
    ("no-prefix", Accepted(nothing_said)),
    ("outlier-1e4", Accepted(nothing_said)),
    (
        "partial-rotary-top",
        Refused(&["config.json", "`partial_rotary_factor` = 0.5"]),
    ),
    ("plain", Accepted(nothing_said)),
    (
        "remote",
        Accepted(|model| said(model, &["config.json", "auto_map", "trust_remote_code"])),
    ),
    (
        "rope-nested-trained",
        Refused(&[
            "config.json",
            "rope_parameters.full_attention.rope_type",
            "linear",
        ]),
    ),
    (
        "rope-scaling-notype",
        Refused(&["config.json", "rope_scaling.factor"]),
    ),
    // Hugging Face's library rotates with 10000 and says that the key is unknown to it.
    (
        "rope-v5-nested",
        Refused(&[
            "config.json",
            "rope_parameters.full_attention.rope_theta",
            "1000000",
            "10000",
        ]),
    ),
    (
        "rope-v5-nested-yarn",
        Refused(&[
            "config.json",
            "rope_parameters.full_attention.rope_type",
            "yarn",
        ]),
    ),
    ("sw-qwen", Accepted(nothing_said)),
    ("tiny-emb", Accepted(nothing_said)),
    (
        "tok-missing",
        Refused(&["tokenizer.model", "tokenizer.json", "convert"]),
    ),
    (
        "tokcfg-add-bos",
        Accepted(|model| {
            assert_eq!(model.tokenizer.encode("w5 w6").unwrap(), [0, 5, 6]);
            said(model, &["tokenizer_config.json", "<s> TEXT"]);
        }),
    ),
];

fn folder() -> Option<PathBuf> {
    shared("cases")
}

fn shared(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared")
        .join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    println!(
        "{} is not there: its directories are not tested",
        folder.display()
    );
    None
}

#[test]
fn shared_cases() {
    let Some(folder) = folder() else { return };
    for (name, outcome) in CASES {
        println!("{name}");
        let result = Model::load(&folder.join(name));
        match outcome {
            Accepted(check) => check(&result.unwrap_or_else(|error| panic!("{name}: {error}"))),
            Refused(mentions) => drop(refused(result, mentions)),
        }
    }
    let all = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap());
    for entry in all.filter(|entry| entry.path().is_dir()) {
        let name = entry.file_name().into_string().unwrap();
        assert!(
            CASES.iter().any(|case| case.0 == name),
            "no outcome for {name}"
        );
    }
}

#[test]
fn shared_case_with_a_chosen_end() {
    let Some(folder) = folder() else { return };
    let choices = Choices {
        eos: Some(Eos::Token(2)),
        ..Choices::default()
    };
    let model = Model::load_with(&folder.join("eos-list3"), choices).unwrap();
    assert_eq!(model.eos, Some(2));
    said(&model, &["[1, 3]"]);
}

#[test]
fn shared_models() {
    let Some(folder) = shared("models") else {
        return;
    };
    let model = Model::load(&folder.join("stories260K")).unwrap();
    assert_eq!((model.eos, model.warnings.as_slice()), (Some(2), &[][..]));
    assert_eq!(
        model.tokenizer.encode("w5 w6").unwrap(),
        [1, 263, 480, 263, 490]
    );
    let model = Model::load(&folder.join("gpt-nano-sort")).unwrap();
    assert_eq!((model.eos, model.warnings.as_slice()), (None, &[][..]));
    assert_eq!(model.config.parameters(), 85_728);
    assert_eq!(model.tokenizer.encode("CAB").unwrap(), [2, 0, 1]);
    // Each of its positions is learned.
    let beyond = Choices {
        context: Some(12),
        ..Choices::default()
    };
    let model = Model::load_with(&folder.join("gpt-nano-sort"), beyond);
    refused(model, &["--context", "12", "11 positions", "config.json"]);
}
