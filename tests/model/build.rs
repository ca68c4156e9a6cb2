//! From a directory whose files complete each other to a build that stands alone, through the command line.

use super::*;
use command::{accept, path, run, text};

/// The demo model as a Mistral with a window of 64, its first token asked for by a flag alone, and two ends.
fn incomplete_model(dir: &Path) {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/stories");
    let json = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(demo.join(name)).unwrap()).unwrap()
    };
    for name in ["model.safetensors", "calibration.txt", "heldout.txt"] {
        std::fs::copy(demo.join(name), dir.join(name)).unwrap();
    }
    let mut config = json("config.json");
    config["model_type"] = json!("mistral");
    config["architectures"] = json!(["MistralForCausalLM"]);
    config["sliding_window"] = json!(64);
    config["some_future_key"] = json!(1);
    put(dir, "config.json", &config);
    let mut tokenizer = json("tokenizer.json");
    tokenizer["post_processor"] = json!(null);
    put(dir, "tokenizer.json", &tokenizer);
    let mut settings = json("tokenizer_config.json");
    settings["tokenizer_class"] = json!("LlamaTokenizerFast");
    settings["add_bos_token"] = json!(true);
    put(dir, "tokenizer_config.json", &settings);
    put(
        dir,
        "generation_config.json",
        &json!({ "eos_token_id": [1, 7] }),
    );
}

/// A command that has to fail and say all the words.
fn fails(args: &[&str], mentions: &[&str]) {
    let output = run(args);
    let said = text(&output.stderr);
    assert!(!output.status.success(), "{args:?} succeeded");
    for word in mentions {
        assert!(said.contains(word), "`{said}` does not mention `{word}`");
    }
}

#[test]
fn a_build_says_alone_what_its_directory_says() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("demo");
    std::fs::create_dir(&model).unwrap();
    incomplete_model(&model);
    let out = dir.path().join("build");
    let (model, build) = (path(&model), path(&out));

    let compile = ["compile", "--lanes", "8", model, "-o", build, "--json"];
    fails(
        &[&compile[..], &["--eos", "1"]].concat(),
        &[
            "config.json",
            "`sliding_window` = 64",
            "256",
            "--context 64",
        ],
    );
    fails(
        &[&compile[..], &["--context", "64"]].concat(),
        &["generation_config.json", "[1, 7]", "--eos"],
    );
    assert!(!out.exists());
    let printed = accept(&[&compile[..], &["--context", "64", "--eos", "7"]].concat());
    let printed: Value = serde_json::from_str(&printed).unwrap();
    let warnings = printed["warnings"].to_string();
    for word in ["some_future_key", "<|bos|> TEXT", "[1]"] {
        assert!(warnings.contains(word), "{warnings}");
    }
    let manifest = std::fs::read(out.join("model.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["policy"]["eos"], 7, "{manifest}");

    // The ids that transformers 4.57.6 gives for this directory.
    let prompt = "Once upon a time";
    let generate = ["generate", build, "-p", prompt, "-n", "2", "--json"];
    let generated: Value = serde_json::from_str(&accept(&generate)).unwrap();
    assert_eq!(generated["prompt_tokens"], json!([0, 190, 246, 80, 245]));

    // The root of the parameters commits to the completed tokenizer.
    let plain = std::fs::read(Path::new(model).join("tokenizer.json")).unwrap();
    std::fs::write(out.join("tokenizer.json"), plain).unwrap();
    fails(&generate, &["the root of the parameters (of integers.bin"]);
}
