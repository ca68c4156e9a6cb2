//! The model's own tokenizer, held to the model's vocabulary.

use super::complete::complete;
use super::files::{TOKENIZER_LIMIT, is_there, no_tokenizer, read_bounded};
use super::json::refuse_byte_order_mark;
use super::tokens::Settings;
use super::{ModelError, Warning, template};
use std::path::{Path, PathBuf};
use tokenizers::ModelWrapper;

/// Text to token ids and back. Ids that cross this interface are below the model's `vocab_size`.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    path: PathBuf,
    vocab_size: usize,
}

impl Tokenizer {
    /// Reads `tokenizer.json` of a build: that file alone, and gives its bytes.
    pub(super) fn load(dir: &Path, vocab_size: usize) -> Result<(Self, Vec<u8>), ModelError> {
        let path = dir.join("tokenizer.json");
        let bytes = read_bounded(&path, TOKENIZER_LIMIT)?;
        let inner = parse(&bytes, &path)?;
        let tokenizer = Self {
            inner,
            path,
            vocab_size,
        };
        Ok((tokenizer, bytes))
    }

    /// Reads `tokenizer.json` of a model directory and what the files beside it add to it. The bytes are those of a
    /// `tokenizer.json` that says the same alone.
    pub(super) fn import(
        dir: &Path,
        vocab_size: usize,
        warnings: &mut Vec<Warning>,
    ) -> Result<(Self, Vec<u8>), ModelError> {
        let path = dir.join("tokenizer.json");
        if !is_there(&path) {
            let missing = read_bounded(&path, TOKENIZER_LIMIT).err();
            let missing = missing.unwrap_or(ModelError::NotAFile { path: path.clone() });
            return Err(no_tokenizer(dir, missing));
        }
        let (mut tokenizer, mut bytes) = Self::load(dir, vocab_size)?;
        let settings = Settings::read(dir)?;
        if complete(&mut tokenizer.inner, &settings, &path, warnings)? {
            let written = tokenizer.inner.to_string(false);
            bytes = written
                .map_err(|error| unusable(&path, &*error))?
                .into_bytes();
            // Reading it back shows that the file alone gives what was completed.
            let completed = std::mem::replace(&mut tokenizer.inner, parse(&bytes, &path)?);
            if completed.get_vocab(true) != tokenizer.inner.get_vocab(true) {
                let reason = "with its added tokens it cannot be written as one file";
                return Err(unusable(&path, &reason));
            }
        }
        let outside = tokenizer.outside();
        if !outside.is_empty() {
            warnings.push(Warning::TokensOutside {
                path,
                tokens: outside,
                vocab_size,
            });
        }
        Ok((tokenizer, bytes))
    }

    /// The tokens that the model does not have, in order of their ids.
    fn outside(&self) -> Vec<(String, u32)> {
        let vocabulary = self.inner.get_vocab(true).into_iter();
        let mut outside: Vec<_> = vocabulary
            .filter(|(_, id)| *id as usize >= self.vocab_size)
            .collect();
        outside.sort_by(|(a, i), (b, j)| (i, a).cmp(&(j, b)));
        outside
    }

    /// The ids of `text`, special tokens of the post-processor included.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        let encoding = self
            .inner
            .encode(text, true)
            .map_err(|error| ModelError::Encode {
                path: self.path.clone(),
                reason: error.to_string(),
            })?;
        let ids = encoding.get_ids().to_vec();
        self.check(&ids)?;
        Ok(ids)
    }

    /// The text of `ids`, special tokens left out.
    pub fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        self.check(ids)?;
        self.inner
            .decode(ids, true)
            .map_err(|error| ModelError::Decode {
                path: self.path.clone(),
                reason: error.to_string(),
            })
    }

    /// The special tokens that stand as text in `text`, with their ids.
    pub fn special_in(&self, text: &str) -> Vec<(String, u32)> {
        let added = self.inner.get_added_tokens_decoder();
        let special = added.into_iter().filter(|(_, token)| token.special);
        let named = special.filter(|(_, token)| text.contains(&token.content));
        let mut found: Vec<_> = named.map(|(id, token)| (token.content, id)).collect();
        found.sort();
        found
    }

    /// Number of token ids of the model.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// The token that stands for what the tokenizer does not know, if it has one.
    pub fn unknown(&self) -> Option<u32> {
        let token = match self.inner.get_model() {
            ModelWrapper::BPE(model) => model.get_unk_token().clone()?,
            ModelWrapper::WordPiece(model) => model.unk_token.clone(),
            ModelWrapper::WordLevel(model) => model.unk_token.clone(),
            ModelWrapper::Unigram(model) => {
                let json = serde_json::to_value(model).ok()?;
                return u32::try_from(json.get("unk_id")?.as_u64()?).ok();
            }
        };
        self.inner.token_to_id(&token)
    }

    fn check(&self, ids: &[u32]) -> Result<(), ModelError> {
        match ids.iter().find(|&&id| id as usize >= self.vocab_size) {
            None => Ok(()),
            Some(&token) => Err(ModelError::TokenOutOfVocabulary {
                path: self.path.clone(),
                token,
                vocab_size: self.vocab_size,
            }),
        }
    }
}

/// A tokenizer from its file; truncation and padding settings in it are dropped.
fn parse(bytes: &[u8], path: &Path) -> Result<tokenizers::Tokenizer, ModelError> {
    refuse_byte_order_mark(bytes, path)?;
    let mut inner =
        tokenizers::Tokenizer::from_bytes(bytes).map_err(|error| unusable(path, &*error))?;
    inner
        .with_truncation(None)
        .map_err(|error| unusable(path, &*error))?;
    inner.with_padding(None);
    template::check(&inner, path)?;
    Ok(inner)
}

fn unusable(path: &Path, reason: &dyn std::fmt::Display) -> ModelError {
    ModelError::Tokenizer {
        path: path.into(),
        reason: reason.to_string(),
    }
}
