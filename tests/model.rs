//! Reading a model directory: what is accepted, and the named reason of every refusal.

use cairo_decode::model::{Choices, Config, Model, ModelError, Weights};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use std::path::Path;

#[path = "support/model_dir.rs"]
mod model_dir;
use model_dir::{Shape, config_json, random_tensors, safetensors_bytes, write_model_dir};

#[path = "model/build.rs"]
mod build;
#[path = "model/cases.rs"]
mod cases;
#[path = "support/command.rs"]
mod command;
#[path = "model/end.rs"]
mod end;
#[path = "support/families.rs"]
mod families;
#[path = "model/folder.rs"]
mod folder;
#[path = "model/gguf.rs"]
mod gguf;
#[path = "support/gguf.rs"]
mod gguf_files;
#[path = "model/library.rs"]
mod library;
#[path = "model/stored.rs"]
mod stored;
#[path = "model/tokens.rs"]
mod tokens;
#[path = "model/window.rs"]
mod window;

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
        .map(|(config, _)| config)
}

/// A model directory whose files `change` may alter, loaded with `choices`.
fn load(choices: Choices, change: impl FnOnce(&Path)) -> Result<Model, ModelError> {
    let dir = tempfile::tempdir().unwrap();
    write_model_dir(dir.path(), &SHAPE, 1);
    change(dir.path());
    Model::load_with(dir.path(), choices)
}

/// Writes a JSON file.
fn put(dir: &Path, name: &str, value: &Value) {
    std::fs::write(dir.join(name), value.to_string()).unwrap();
}

/// Sets keys of `config.json`.
fn set_config(dir: &Path, keys: &[(&str, Value)]) {
    let mut config = config_json(&SHAPE);
    for (key, value) in keys {
        config[key] = value.clone();
    }
    put(dir, "config.json", &config);
}

/// The message of a refusal, which mentions all the words.
fn refused<T: std::fmt::Debug>(result: Result<T, ModelError>, mentions: &[&str]) -> ModelError {
    let error = result.expect_err("should be refused");
    let message = error.to_string();
    for word in mentions {
        assert!(
            message.contains(word),
            "`{message}` does not mention `{word}`"
        );
    }
    error
}

/// All warnings in one text.
fn warnings(model: &Model) -> String {
    let lines: Vec<_> = model.warnings.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn loads_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    write_model_dir(dir.path(), &SHAPE, 1);
    let model = Model::load(dir.path()).unwrap();
    assert_eq!(model.config.num_hidden_layers, 2);
    assert_eq!((model.eos, model.warnings.as_slice()), (Some(1), &[][..]));
    // The output matrix is the embedding, and there is no second one.
    assert_eq!(model.weights.tensors.len(), 2 * 9 + 2);
    let embedding = &model.weights.tensors["model.embed_tokens.weight"];
    assert_eq!(embedding.shape, [20, 16]);
    assert_eq!(
        model.tokenizer.encode("w3 w19 nothing").unwrap(),
        [0, 3, 19, 2]
    );
    assert_eq!(model.tokenizer.decode(&[0, 3, 19, 1]).unwrap(), "w3 w19");
    assert!(
        model
            .tokenizer
            .decode(&[20])
            .unwrap_err()
            .to_string()
            .contains("token 20")
    );

    let again = Model::load(dir.path()).unwrap();
    assert_eq!(model.config_digest, again.config_digest);
    assert_eq!(model.weights, again.weights);
    std::fs::write(
        dir.path().join("config.json"),
        format!("{} ", config_json(&SHAPE)),
    )
    .unwrap();
    assert_ne!(
        model.config_digest,
        Model::load(dir.path()).unwrap().config_digest
    );
}

#[test]
fn refuses_ids_beyond_the_vocabulary() {
    let dir = tempfile::tempdir().unwrap();
    write_model_dir(dir.path(), &SHAPE, 1);
    std::fs::write(
        dir.path().join("tokenizer.json"),
        model_dir::tokenizer_json(25).to_string(),
    )
    .unwrap();
    let model = Model::load(dir.path()).unwrap();
    let said = warnings(&model);
    for word in [
        "tokenizer.json",
        "`w20` is token 20",
        "4 more",
        "vocabulary of 20 (0 to 19)",
    ] {
        assert!(said.contains(word), "{said}");
    }
    let message = model.tokenizer.encode("w22").unwrap_err().to_string();
    assert!(
        message.contains("token 22") && message.contains("tokenizer.json"),
        "{message}"
    );
    std::fs::write(dir.path().join("tokenizer.json"), "{}").unwrap();
    assert!(
        Model::load(dir.path())
            .unwrap_err()
            .to_string()
            .contains("tokenizer.json")
    );
}

/// The refusal of a weight file that `write` puts into a fresh directory.
fn weights_refused(write: impl FnOnce(&Path)) -> String {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    let config = parse(&config_json(&SHAPE)).unwrap();
    Weights::load(dir.path(), &config)
        .expect_err("should be refused")
        .to_string()
}

fn changed(change: impl FnOnce(&mut model_dir::Tensors)) -> String {
    weights_refused(|dir| {
        let mut tensors = random_tensors(&SHAPE, 1);
        change(&mut tensors);
        std::fs::write(dir.join("model.safetensors"), safetensors_bytes(&tensors)).unwrap();
    })
}

#[test]
fn weight_refusals() {
    const NORM: &str = "model.norm.weight";
    let message = changed(|t| drop(t.remove(NORM)));
    assert!(
        message.contains(NORM) && message.contains("missing"),
        "{message}"
    );
    let message = changed(|t| drop(t.insert(NORM.into(), (vec![4, 4], vec![1.0; 16]))));
    assert!(
        message.contains(NORM) && message.contains("[4, 4]"),
        "{message}"
    );
    let message = changed(|t| t.get_mut(NORM).unwrap().1[3] = f32::NAN);
    assert!(
        message.contains(NORM) && message.contains("element 3"),
        "{message}"
    );
    let message = changed(|t| t.get_mut(NORM).unwrap().1[5] = f32::INFINITY);
    assert!(message.contains("inf"), "{message}");
    let message =
        changed(|t| drop(t.insert("model.layers.2.mlp.x.weight".into(), (vec![1], vec![0.0]))));
    assert!(message.contains("model.layers.2.mlp.x.weight"), "{message}");
    let message =
        changed(|t| drop(t.insert("lm_head.weight".into(), (vec![20, 16], vec![0.5; 320]))));
    assert!(
        message.contains("lm_head.weight") && message.contains("tied"),
        "{message}"
    );
    let message =
        weights_refused(|dir| std::fs::write(dir.join("model.safetensors"), b"nonsense").unwrap());
    assert!(message.contains("model.safetensors") && message.contains("begins with nonsense"));
    let page = "<!DOCTYPE html>\n<html>Sign in</html>";
    let message =
        weights_refused(|dir| std::fs::write(dir.join("model.safetensors"), page).unwrap());
    let words = "model.safetensors: not a safetensors file (it begins with <!DOCTYPE)";
    assert!(message.contains(words), "{message}");
    assert!(weights_refused(|_| ()).contains("neither"));
    let message = weights_refused(|dir| {
        let view = TensorView::new(Dtype::I32, vec![16], &[0; 64]).unwrap();
        let bytes = safetensors::serialize([(NORM, view)], None).unwrap();
        std::fs::write(dir.join("model.safetensors"), bytes).unwrap();
    });
    assert!(
        message.contains(NORM) && message.contains("I32"),
        "{message}"
    );
}

/// Splits the tensors in two shards and writes an index that `change` may alter.
fn write_shards(dir: &Path, change: impl FnOnce(&mut Value)) {
    let first = random_tensors(&SHAPE, 1);
    let mut index = json!({ "metadata": {}, "weight_map": {} });
    let (mut a, mut b) = (first.clone(), first);
    a.retain(|name, _| name.contains("layers.0"));
    b.retain(|name, _| !name.contains("layers.0"));
    for (file, shard) in [
        ("model-00001-of-00002.safetensors", &a),
        ("model-00002-of-00002.safetensors", &b),
    ] {
        std::fs::write(dir.join(file), safetensors_bytes(shard)).unwrap();
        for name in shard.keys() {
            index["weight_map"][name] = json!(file);
        }
    }
    change(&mut index);
    std::fs::write(dir.join("model.safetensors.index.json"), index.to_string()).unwrap();
}

#[test]
fn shards_equal_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let config = parse(&config_json(&SHAPE)).unwrap();
    write_shards(dir.path(), |_| ());
    let (sharded, _) = Weights::load(dir.path(), &config).unwrap();
    write_model_dir(dir.path(), &SHAPE, 1);
    assert_eq!(sharded, Weights::load(dir.path(), &config).unwrap().0);
}

#[test]
fn index_refusals() {
    for shard in [
        "../model-00001-of-00002.safetensors",
        "/etc/x.safetensors",
        "a\\b.safetensors",
        ".x.safetensors",
        "x.bin",
    ] {
        let message = weights_refused(|dir| {
            write_shards(dir, |index| {
                index["weight_map"]["model.norm.weight"] = json!(shard)
            });
        });
        assert!(
            message.contains("index.json") && message.contains("plain"),
            "{message}"
        );
    }
    let message = weights_refused(|dir| {
        write_shards(dir, |index| {
            drop(
                index["weight_map"]
                    .as_object_mut()
                    .unwrap()
                    .remove("model.norm.weight"),
            )
        });
    });
    assert!(
        message.contains("model.norm.weight") && message.contains("index"),
        "{message}"
    );
    let message = weights_refused(|dir| {
        write_shards(dir, |_| ());
        std::fs::remove_file(dir.join("model-00002-of-00002.safetensors")).unwrap();
    });
    assert!(
        message.contains("model-00002-of-00002.safetensors"),
        "{message}"
    );
    let message = weights_refused(|dir| write_shards(dir, |index| index["weight_map"] = json!([])));
    assert!(message.contains("weight_map"), "{message}");
}

#[test]
fn half_precision_is_exact() {
    let dir = tempfile::tempdir().unwrap();
    let config = parse(&config_json(&SHAPE)).unwrap();
    // 1.0, -2.0, 0.5, smallest subnormal half; then the same as bfloat16 where it exists.
    let norms: [(&str, Dtype, [u16; 4], [f32; 4]); 2] = [
        (
            "model.layers.0.input_layernorm.weight",
            Dtype::F16,
            [0x3c00, 0xc000, 0x3800, 1],
            [1.0, -2.0, 0.5, 2f32.powi(-24)],
        ),
        (
            "model.layers.1.input_layernorm.weight",
            Dtype::BF16,
            [0x3f80, 0xc000, 0x3f00, 0x4049],
            [1.0, -2.0, 0.5, 3.140625],
        ),
    ];
    let tensors = random_tensors(&SHAPE, 1);
    let mut files: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, (dims, data))| {
            (
                name.clone(),
                Dtype::F32,
                dims.clone(),
                data.iter().flat_map(|v| v.to_le_bytes()).collect(),
            )
        })
        .collect();
    for (name, dtype, bits, _) in &norms {
        let file = files.iter_mut().find(|file| file.0 == *name).unwrap();
        file.1 = *dtype;
        file.3 = bits
            .iter()
            .cycle()
            .take(16)
            .flat_map(|b| b.to_le_bytes())
            .collect();
    }
    let views: Vec<_> = files
        .iter()
        .map(|(name, dtype, dims, bytes)| {
            (name, TensorView::new(*dtype, dims.clone(), bytes).unwrap())
        })
        .collect();
    std::fs::write(
        dir.path().join("model.safetensors"),
        safetensors::serialize(views, None).unwrap(),
    )
    .unwrap();
    let (weights, _) = Weights::load(dir.path(), &config).unwrap();
    for (layer, (_, _, _, values)) in norms.iter().enumerate() {
        let norm = weights.data(&format!("model.layers.{layer}.input_layernorm.weight"));
        assert_eq!(norm[..4], *values);
    }
}
