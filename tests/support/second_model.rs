//! A second model directory with shapes unlike the demo model's: 3 layers, d 48, 6 heads, 2 key/value
//! heads, hidden 112, untied embeddings, rope_theta 100000, a character-level tokenizer. Random weights.

use std::path::Path;

use super::model_dir::{Random, Shape, config_json, random_tensors, safetensors_bytes};

const SPECIAL: [&str; 3] = ["<bos>", "<eos>", "<unk>"];
const CHARACTERS: &str = "abcdefghijklmnopqrstuvwxyz .,!?'\"ABCDEFGHIJKLMNOPQRSTUVWXYZ";

pub fn shape() -> Shape {
    Shape {
        hidden: 48,
        mlp: 112,
        layers: 3,
        heads: 6,
        kv_heads: 2,
        head_dim: 8,
        vocab: SPECIAL.len() + CHARACTERS.chars().count(),
        tied: false,
    }
}

/// Writes the directory, with calibration and held-out text.
pub fn write_second_model(dir: &Path, seed: u64) -> std::io::Result<()> {
    let shape = shape();
    let mut config = config_json(&shape);
    config["rope_theta"] = 100000.0.into();
    config["max_position_embeddings"] = 128.into();
    std::fs::create_dir_all(dir)?;
    std::fs::write(dir.join("config.json"), config.to_string())?;
    std::fs::write(dir.join("tokenizer.json"), tokenizer().to_string())?;
    std::fs::write(
        dir.join("model.safetensors"),
        safetensors_bytes(&random_tensors(&shape, seed)),
    )?;
    std::fs::write(dir.join("calibration.txt"), text(12, seed + 1))?;
    std::fs::write(dir.join("heldout.txt"), text(6, seed + 2))
}

/// One token per character, `<bos>` in front.
fn tokenizer() -> serde_json::Value {
    let characters = CHARACTERS.chars().map(String::from);
    let words = SPECIAL.iter().map(|s| s.to_string()).chain(characters);
    let vocab: serde_json::Map<String, serde_json::Value> = words
        .enumerate()
        .map(|(id, word)| (word, id.into()))
        .collect();
    let added: Vec<_> = SPECIAL
        .iter()
        .enumerate()
        .map(|(id, content)| {
            serde_json::json!({
                "id": id, "content": content, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true,
            })
        })
        .collect();
    serde_json::json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": null,
        "pre_tokenizer": {
            "type": "Split", "pattern": { "Regex": "(?s)." }, "behavior": "Isolated", "invert": false
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                { "SpecialToken": { "id": "<bos>", "type_id": 0 } },
                { "Sequence": { "id": "A", "type_id": 0 } }
            ],
            "pair": [
                { "Sequence": { "id": "A", "type_id": 0 } },
                { "Sequence": { "id": "B", "type_id": 0 } }
            ],
            "special_tokens": { "<bos>": { "id": "<bos>", "ids": [0], "tokens": ["<bos>"] } }
        },
        "decoder": { "type": "Fuse" },
        "model": { "type": "WordLevel", "vocab": vocab, "unk_token": "<unk>" }
    })
}

/// `count` documents of random characters.
fn text(count: usize, seed: u64) -> String {
    let letters: Vec<char> = CHARACTERS.chars().filter(|c| *c != '"').collect();
    let mut random = Random(seed);
    let mut document = || {
        (0..40)
            .map(|_| letters[random.next() as usize % letters.len()])
            .collect::<String>()
    };
    // Documents are separated by blank lines, so a document must not be blank itself: start with a letter.
    (0..count)
        .map(|_| format!("a{}", document()))
        .collect::<Vec<_>>()
        .join("\n\n")
}
