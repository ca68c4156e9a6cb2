//! A Hugging Face model directory or a GGUF file, read and checked.
//!
//! Owns `config.json`, `model.safetensors` (or its shards), `tokenizer.json`, and the files beside them that decide what
//! Hugging Face's library makes of these: `generation_config.json`, `tokenizer_config.json`, `special_tokens_map.json`,
//! `added_tokens.json`. [`random`] writes directories of that form with random weights. Whatever leaves this module has
//! the shapes that [`Config`] promises and only finite numbers.
//!
//! A family of models is one file in [`families`]: what the keys of its `config.json` mean, and the model as a list of operations on tensors by name
//! ([`forward`]).
//!
//! What is read is followed as Hugging Face's library follows it, or refused by file and key. What a key means is said in the family's tables, or else
//! in one table for all (`keys`); a key in no table is a [`Warning`], and inside the settings of the rotation a refusal.
//!
//! Deliberately absent: any arithmetic on the weights (that is `scales` and `quantize`), pickled checkpoints, custom code, and the network.

mod chance;
mod chat;
mod complete;
mod config;
mod error;
pub mod families;
mod files;
pub mod forward;
mod generation;
mod gguf;
mod json;
mod keys;
mod names;
pub mod random;
mod repeated;
pub mod rope;
mod template;
mod tokenizer;
mod tokens;
mod warning;
mod weights;

pub use chat::{CHAT_FILE, ChatTemplate, Message, Role};
pub use config::Config;
pub use error::ModelError;
pub use families::Window;
pub use generation::Eos;
pub use gguf::Problem as GgufProblem;
pub use tokenizer::{MAX_TEXT_BYTES, Tokenizer};
pub use warning::Warning;
pub use weights::{Tensor, Weights};

use blake2::{Blake2s256, Digest};
use gguf::Gguf;
use std::path::Path;

/// A float model with its tokenizer, ready to be quantised.
#[derive(Debug, Clone)]
pub struct Model {
    pub config: Config,
    pub weights: Weights,
    pub tokenizer: Tokenizer,
    /// The token that ends a session, if any.
    pub eos: Option<u32>,
    /// What makes a text of messages, if the files have it.
    pub chat: Option<ChatTemplate>,
    /// The bytes of `config.json`.
    pub config_file: Vec<u8>,
    /// The bytes of a `tokenizer.json` that encodes as the directory does: the file's own, unless it lacks something.
    pub tokenizer_file: Vec<u8>,
    /// Blake2s-256 of `config_file`.
    pub config_digest: [u8; 32],
    /// Blake2s-256 of `tokenizer_file`.
    pub tokenizer_digest: [u8; 32],
    /// What was left out of account, or had more than one reading.
    pub warnings: Vec<Warning>,
}

/// What the files of a directory leave to whoever compiles it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choices {
    /// The end of a text; `None` takes the one that the files name.
    pub eos: Option<Eos>,
    /// Positions that are compiled; `None` takes the model's `max_position_embeddings`.
    pub context: Option<usize>,
}

/// A build folder's part of a model: what turns text into tokens and back.
#[derive(Debug, Clone)]
pub struct Text {
    pub config: Config,
    pub tokenizer: Tokenizer,
    /// What makes a text of messages, if the model has it.
    pub chat: Option<ChatTemplate>,
    /// Blake2s-256 of the bytes of `config.json`.
    pub config_digest: [u8; 32],
    /// Blake2s-256 of the bytes of `tokenizer.json`.
    pub tokenizer_digest: [u8; 32],
}

impl Text {
    /// Reads `config.json`, `tokenizer.json` and, if it is there, `tokenizer_config.json` of a build folder, and no other file.
    pub fn load(dir: &Path) -> Result<Self, ModelError> {
        let (config, config_file, _) = load_config(dir)?;
        let (tokenizer, tokenizer_file) = Tokenizer::load(dir, config.vocab_size)?;
        Ok(Self {
            config,
            tokenizer,
            chat: ChatTemplate::load(dir)?,
            config_digest: digest(&config_file),
            tokenizer_digest: digest(&tokenizer_file),
        })
    }
}

impl Model {
    /// Reads a model directory, with the choices that its files make.
    pub fn load(dir: &Path) -> Result<Self, ModelError> {
        Self::load_with(dir, Choices::default())
    }

    /// Reads a model directory, cheapest file first; that there are weights is known before any other file is read.
    pub fn load_with(dir: &Path, choices: Choices) -> Result<Self, ModelError> {
        if let Some(gguf) = Gguf::find(dir)? {
            return Self::of_gguf(gguf, dir, choices);
        }
        files::check_dir(dir)?;
        let (config, config_file, mut warnings) = load_config(dir)?;
        check_context(&config, choices, &dir.join("config.json"), &mut warnings)?;
        files::stored(dir)?;
        let eos = generation::eos(dir, &config, choices.eos, &mut warnings)?;
        let (tokenizer, tokenizer_file) = Tokenizer::import(dir, config.vocab_size, &mut warnings)?;
        let chat = ChatTemplate::load(dir)?;
        warnings.extend(chat.as_ref().and_then(ChatTemplate::warning));
        let (weights, more) = Weights::load(dir, &config)?;
        warnings.extend(more);
        Ok(Self {
            config,
            weights,
            tokenizer,
            eos,
            chat,
            config_digest: digest(&config_file),
            tokenizer_digest: digest(&tokenizer_file),
            config_file,
            tokenizer_file,
            warnings,
        })
    }

    /// A model in a GGUF file.
    fn of_gguf(mut gguf: Gguf, path: &Path, choices: Choices) -> Result<Self, ModelError> {
        let config_file = gguf.config()?;
        let (config, mut warnings) = Config::from_json(&config_file, path)?;
        check_context(&config, choices, path, &mut warnings)?;
        let ids = config.eos_token_ids.clone();
        let eos = generation::chosen(&config, (ids, path), choices.eos, &mut warnings)?;
        let tokenizer_file = gguf.tokenizer()?;
        let tokenizer =
            Tokenizer::of_bytes(&tokenizer_file, path, config.vocab_size, &mut warnings)?;
        let chat = gguf.chat()?;
        warnings.extend(chat.as_ref().and_then(ChatTemplate::warning));
        Ok(Self {
            weights: gguf.weights(&config)?,
            config,
            tokenizer,
            eos,
            chat,
            config_digest: digest(&config_file),
            tokenizer_digest: digest(&tokenizer_file),
            config_file,
            tokenizer_file,
            warnings,
        })
    }
}

/// Whether the model has the positions that are asked for.
fn check_context(
    config: &Config,
    choices: Choices,
    path: &Path,
    warnings: &mut Vec<Warning>,
) -> Result<(), ModelError> {
    let trained = config.max_position_embeddings;
    let context = choices.context.unwrap_or(trained);
    if let Some(window) = config.window {
        window.check(context, path)?;
    }
    let path = path.to_path_buf();
    if context > trained && config.forward.positions.is_some() {
        return Err(ModelError::LearnedPositions {
            path,
            context,
            limit: trained,
        });
    }
    if context > trained {
        warnings.push(Warning::ContextBeyond {
            path,
            context,
            trained,
        });
    }
    Ok(())
}

/// `config.json` of `dir`, read, and its bytes.
fn load_config(dir: &Path) -> Result<(Config, Vec<u8>, Vec<Warning>), ModelError> {
    let path = dir.join("config.json");
    let bytes = files::read_bounded(&path, files::CONFIG_LIMIT)?;
    let (config, warnings) = Config::from_json(&bytes, &path)?;
    Ok((config, bytes, warnings))
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Blake2s256::digest(bytes).into()
}
