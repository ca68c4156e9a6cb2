//! Hugging Face model directories with random weights, of any shape: for benchmarks and tests.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::{Config, ModelError};

use safetensors::tensor::{Dtype, TensorView};

/// The sizes of a random model.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub hidden: usize,
    pub mlp: usize,
    pub layers: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    pub vocab: usize,
    pub tied: bool,
}

/// A small deterministic generator (splitmix64).
pub struct Random(pub u64);

impl Random {
    /// The next 64 bits.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Roughly normal: the sum of four uniforms, unit variance.
    pub fn normal(&mut self) -> f32 {
        let uniform = |bits: u64| (bits >> 40) as f32 / (1u64 << 24) as f32 - 0.5;
        (0..4).map(|_| uniform(self.next())).sum::<f32>() * 3f32.sqrt()
    }
}

/// Dimensions and values by name.
pub type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Random weights of a Llama model of the given shape.
///
/// # Errors
/// A shape that no configuration has.
pub fn random_tensors(shape: &Shape, seed: u64) -> Result<Tensors, ModelError> {
    let config = config_json(shape).to_string();
    let (config, _) = Config::from_json(config.as_bytes(), Path::new("config.json"))?;
    Ok(tensors_of(&config, seed))
}

/// Random weights for a configuration of any family: gains of norms are spread around one, biases around zero.
pub fn tensors_of(config: &Config, seed: u64) -> Tensors {
    let mut random = Random(seed);
    let mut tensors = Tensors::new();
    let forward = &config.forward;
    for source in forward.sources() {
        if tensors.contains_key(&source.name) {
            continue;
        }
        let count = source.shape.iter().product();
        let is_bias = source.name.ends_with(".bias");
        let inputs = source.shape[if source.transposed {
            0
        } else {
            source.shape.len() - 1
        }];
        let mut number = || match source.shape.len() {
            1 if is_bias => 0.3 * random.normal(),
            1 => 1.0 + 0.3 * random.normal(),
            _ if *source == forward.tokens => random.normal(),
            _ if Some(source) == forward.positions.as_ref() => 0.3 * random.normal(),
            _ => random.normal() / (inputs as f32).sqrt(),
        };
        let data = (0..count).map(|_| number()).collect();
        tensors.insert(source.name.clone(), (source.shape.clone(), data));
    }
    tensors
}

/// The `config.json` of a Llama model of that shape, 64 positions.
pub fn config_json(shape: &Shape) -> serde_json::Value {
    serde_json::json!({
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": shape.hidden,
        "intermediate_size": shape.mlp,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "vocab_size": shape.vocab,
        "max_position_embeddings": 64,
        "rope_theta": 500.0,
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": shape.tied,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "hidden_act": "silu",
    })
}

/// The first three tokens of every tokenizer here.
pub const SPECIAL: [&str; 3] = ["<bos>", "<eos>", "<unk>"];

/// A word-level tokenizer whose words are `<bos>`, `<eos>`, `<unk>`, `w3`, `w4`, …; it starts a text with `<bos>`.
pub fn tokenizer_json(vocab: usize) -> serde_json::Value {
    let words = (SPECIAL.len()..vocab).map(|id| format!("w{id}"));
    let splitter = serde_json::json!({ "type": "Whitespace" });
    word_level_json(words, splitter, serde_json::Value::Null)
}

/// A tokenizer of the three special tokens and `words`; it starts a text with `<bos>`.
pub fn word_level_json(
    words: impl Iterator<Item = String>,
    pre_tokenizer: serde_json::Value,
    decoder: serde_json::Value,
) -> serde_json::Value {
    let special = SPECIAL.iter().map(|s| s.to_string());
    let vocab: BTreeMap<String, usize> = special.chain(words).zip(0..).collect();
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
        "pre_tokenizer": pre_tokenizer,
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
        "decoder": decoder,
        "model": { "type": "WordLevel", "vocab": vocab, "unk_token": "<unk>" }
    })
}

/// The bytes of a safetensors file with `f32` tensors.
///
/// # Errors
/// Dimensions that are not those of the data.
pub fn safetensors_bytes(tensors: &Tensors) -> io::Result<Vec<u8>> {
    let bytes: Vec<Vec<u8>> = tensors
        .values()
        .map(|(_, data)| data.iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let views: Result<Vec<_>, _> = tensors
        .iter()
        .zip(&bytes)
        .map(|((name, (dims, _)), bytes)| {
            TensorView::new(Dtype::F32, dims.clone(), bytes).map(|view| (name, view))
        })
        .collect();
    let views = views.map_err(io::Error::other)?;
    safetensors::serialize(views, None).map_err(io::Error::other)
}

/// Writes `config.json`, `tokenizer.json` and `model.safetensors` into an existing folder.
///
/// # Errors
/// What writing gives.
pub fn write_model_dir(dir: &Path, shape: &Shape, seed: u64) -> io::Result<()> {
    std::fs::write(dir.join("config.json"), config_json(shape).to_string())?;
    let tokenizer = tokenizer_json(shape.vocab).to_string();
    std::fs::write(dir.join("tokenizer.json"), tokenizer)?;
    let tensors = random_tensors(shape, seed).map_err(io::Error::other)?;
    std::fs::write(dir.join("model.safetensors"), safetensors_bytes(&tensors)?)
}

/// `count` documents of twelve random words, of the first 37 that [`tokenizer_json`] has.
pub fn text(count: usize, seed: u64) -> String {
    let mut random = Random(seed);
    let mut document = || {
        let words: Vec<String> = (0..12)
            .map(|_| format!("w{}", 3 + random.next() % 37))
            .collect();
        words.join(" ")
    };
    let documents: Vec<String> = (0..count).map(|_| document()).collect();
    documents.join("\n\n")
}
