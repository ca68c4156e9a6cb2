//! A second model directory with shapes unlike the demo model's: 3 layers, d 48, 6 heads, 2 key/value
//! heads, hidden 112, untied embeddings, rope_theta 100000, a character-level tokenizer. Random weights.

use std::path::Path;

use super::model_dir::{
    Random, SPECIAL, Shape, Tensors, config_json, random_tensors, safetensors_bytes,
    word_level_json,
};

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
#[allow(dead_code)]
pub fn write_second_model(dir: &Path, seed: u64) -> std::io::Result<()> {
    write(dir, &shape(), seed)
}

/// The same of another shape, with as many tokens.
pub fn write(dir: &Path, shape: &Shape, seed: u64) -> std::io::Result<()> {
    write_tensors(dir, shape, &random_tensors(shape, seed), seed)
}

/// The same with given weights.
pub fn write_tensors(
    dir: &Path,
    shape: &Shape,
    tensors: &Tensors,
    seed: u64,
) -> std::io::Result<()> {
    let mut config = config_json(shape);
    config["rope_theta"] = 100000.0.into();
    config["max_position_embeddings"] = 128.into();
    std::fs::create_dir_all(dir)?;
    std::fs::write(dir.join("config.json"), config.to_string())?;
    std::fs::write(dir.join("tokenizer.json"), tokenizer().to_string())?;
    std::fs::write(dir.join("model.safetensors"), safetensors_bytes(tensors))?;
    std::fs::write(dir.join("calibration.txt"), text(12, seed + 1))?;
    std::fs::write(dir.join("heldout.txt"), text(6, seed + 2))
}

/// One token per character, `<bos>` in front.
fn tokenizer() -> serde_json::Value {
    let splitter = serde_json::json!({
        "type": "Split", "pattern": { "Regex": "(?s)." }, "behavior": "Isolated", "invert": false
    });
    let decoder = serde_json::json!({ "type": "Fuse" });
    word_level_json(CHARACTERS.chars().map(String::from), splitter, decoder)
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
