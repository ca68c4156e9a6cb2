//! The model's own tokenizer, held to the model's vocabulary.

use super::ModelError;
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
    /// Parses `tokenizer.json`; truncation and padding settings in it are dropped.
    pub(super) fn from_json(
        bytes: &[u8],
        path: &Path,
        vocab_size: usize,
    ) -> Result<Self, ModelError> {
        let failed = |reason: String| ModelError::Tokenizer {
            path: path.into(),
            reason,
        };
        let mut inner =
            tokenizers::Tokenizer::from_bytes(bytes).map_err(|error| failed(error.to_string()))?;
        inner
            .with_truncation(None)
            .map_err(|error| failed(error.to_string()))?;
        inner.with_padding(None);
        Ok(Self {
            inner,
            path: path.into(),
            vocab_size,
        })
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
