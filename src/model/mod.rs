//! A Hugging Face model directory, read and checked.
//!
//! Owns `config.json`, `model.safetensors` (or its shards) and `tokenizer.json` of a Llama-family model.
//! [`random`] writes directories of that form with random weights. Whatever leaves this module has the shapes that [`Config`] promises and only finite numbers.
//!
//! Deliberately absent: any arithmetic on the weights (that is `quantize`), other model families, pickled
//! checkpoints, and the network. A setting this project would compute differently from the original is
//! refused by name; a setting that does not touch the forward pass is ignored.

mod config;
mod error;
mod json;
mod names;
pub mod random;
mod tokenizer;
mod weights;

pub use config::Config;
pub use error::ModelError;
pub use tokenizer::Tokenizer;
pub use weights::{LayerWeights, Matrix, Weights};

use blake2::{Blake2s256, Digest};
use std::path::Path;

/// A float model with its tokenizer, ready to be quantised.
#[derive(Debug, Clone)]
pub struct Model {
    pub config: Config,
    pub weights: Weights,
    pub tokenizer: Tokenizer,
    /// Blake2s-256 of the bytes of `config.json`.
    pub config_digest: [u8; 32],
    /// Blake2s-256 of the bytes of `tokenizer.json`.
    pub tokenizer_digest: [u8; 32],
}

/// A model directory without its weights: what turns text into tokens and back.
#[derive(Debug, Clone)]
pub struct Text {
    pub config: Config,
    pub tokenizer: Tokenizer,
    /// Blake2s-256 of the bytes of `config.json`.
    pub config_digest: [u8; 32],
    /// Blake2s-256 of the bytes of `tokenizer.json`.
    pub tokenizer_digest: [u8; 32],
}

impl Text {
    /// Reads `config.json` and the tokenizer of `dir`.
    pub fn load(dir: &Path) -> Result<Self, ModelError> {
        let config_path = dir.join("config.json");
        let config_bytes = json::read_bounded(&config_path, json::CONFIG_LIMIT)?;
        let config = Config::from_json(&config_bytes, &config_path)?;

        let tokenizer_path = dir.join("tokenizer.json");
        let tokenizer_bytes = json::read_bounded(&tokenizer_path, json::TOKENIZER_LIMIT)?;
        let tokenizer = Tokenizer::from_json(&tokenizer_bytes, &tokenizer_path, config.vocab_size)?;
        Ok(Self {
            config,
            tokenizer,
            config_digest: Blake2s256::digest(&config_bytes).into(),
            tokenizer_digest: Blake2s256::digest(&tokenizer_bytes).into(),
        })
    }
}

impl Model {
    /// Reads `config.json`, the tokenizer and the weights of `dir`, cheapest first.
    pub fn load(dir: &Path) -> Result<Self, ModelError> {
        let text = Text::load(dir)?;
        let weights = Weights::load(dir, &text.config)?;
        let Text {
            config,
            tokenizer,
            config_digest,
            tokenizer_digest,
        } = text;
        Ok(Self {
            config,
            weights,
            tokenizer,
            config_digest,
            tokenizer_digest,
        })
    }
}
