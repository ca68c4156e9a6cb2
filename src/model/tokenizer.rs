//! The model's own tokenizer, held to the model's vocabulary.

use super::complete::complete;
use super::files::{TOKENIZER_LIMIT, is_there, no_tokenizer, read_bounded};
use super::json::refuse_byte_order_mark;
use super::tokens::Settings;
use super::{ModelError, Warning, chance, repeated, template};
use crate::guard;
use std::path::{Path, PathBuf};
use tokenizers::ModelWrapper;

/// Longest text that is encoded, in bytes. The library takes up to 200 bytes of memory for each of them, and has no bound on
/// its time.
pub const MAX_TEXT_BYTES: usize = 1 << 20;

/// Text to token ids and back. Ids that cross this interface are below the model's `vocab_size`.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    path: PathBuf,
    vocab_size: usize,
    unknown: Option<u32>,
}

impl Tokenizer {
    /// Reads `tokenizer.json` of a build: that file alone, and gives its bytes.
    pub(super) fn load(dir: &Path, vocab_size: usize) -> Result<(Self, Vec<u8>), ModelError> {
        let path = dir.join("tokenizer.json");
        let bytes = read_bounded(&path, TOKENIZER_LIMIT)?;
        let tokenizer = guarded(&path, || {
            let (inner, _) = parse(&bytes, &path)?;
            Ok(Self::new(inner, &path, vocab_size))
        })?;
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
        let bytes = read_bounded(&path, TOKENIZER_LIMIT)?;
        let settings = Settings::read(dir)?;
        warnings.extend(settings.repeated.iter().cloned());
        warnings.extend(repeated::warning(&bytes, &path));
        guarded(&path, || {
            let (inner, bytes) = completed(bytes, settings, &path, warnings)?;
            let tokenizer = Self::checked(inner, &path, vocab_size, warnings)?;
            Ok((tokenizer, bytes))
        })
    }

    /// The tokenizer of a `tokenizer.json` that was made from what the file at `path` says.
    pub(super) fn of_bytes(
        bytes: &[u8],
        path: &Path,
        vocab_size: usize,
        warnings: &mut Vec<Warning>,
    ) -> Result<Self, ModelError> {
        guarded(path, || {
            let (inner, _) = parse(bytes, path)?;
            Self::checked(inner, path, vocab_size, warnings)
        })
    }

    /// A tokenizer that decodes every token of the model; called inside of the guard.
    fn checked(
        inner: tokenizers::Tokenizer,
        path: &Path,
        vocab_size: usize,
        warnings: &mut Vec<Warning>,
    ) -> Result<Self, ModelError> {
        let tokenizer = Self::new(inner, path, vocab_size);
        // A decoder that fails on a token is refused before anything is built with it.
        for id in 0..u32::try_from(vocab_size).unwrap_or(u32::MAX) {
            tokenizer.decode_inside(&[id])?;
        }
        let outside = tokenizer.outside();
        if !outside.is_empty() {
            warnings.push(Warning::TokensOutside {
                path: path.into(),
                tokens: outside,
                vocab_size,
            });
        }
        Ok(tokenizer)
    }

    fn new(inner: tokenizers::Tokenizer, path: &Path, vocab_size: usize) -> Self {
        Self {
            unknown: unknown(&inner),
            inner,
            path: path.into(),
            vocab_size,
        }
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
    ///
    /// # Errors
    /// A text of more than [`MAX_TEXT_BYTES`], one that the library cannot encode, or a token that the model does not have.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        self.encoded(text, true)
    }

    /// The ids of `text` alone, which has the special tokens that it needs in it.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_alone(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        self.encoded(text, false)
    }

    fn encoded(&self, text: &str, special: bool) -> Result<Vec<u32>, ModelError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(ModelError::TextTooLong {
                path: self.path.clone(),
                bytes: text.len(),
                limit: MAX_TEXT_BYTES,
            });
        }
        let ids = guarded(&self.path, || {
            let encoding = self.inner.encode(text, special);
            let encoding = encoding.map_err(|error| ModelError::Encode {
                path: self.path.clone(),
                reason: error.to_string(),
            })?;
            Ok(encoding.get_ids().to_vec())
        })?;
        self.check(&ids)?;
        Ok(ids)
    }

    /// The text of `ids`, special tokens left out.
    pub fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        self.check(ids)?;
        guarded(&self.path, || self.decode_inside(ids))
    }

    /// [`Self::decode`], called inside of the guard.
    fn decode_inside(&self, ids: &[u32]) -> Result<String, ModelError> {
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
        self.unknown
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

/// The one way to the tokenizers library: a panic in it is an error that names the file, and prints nothing.
fn guarded<T>(path: &Path, call: impl FnOnce() -> Result<T, ModelError>) -> Result<T, ModelError> {
    guard::guarded(call).unwrap_or_else(|reason| {
        Err(ModelError::TokenizerPanic {
            path: path.into(),
            reason,
        })
    })
}

/// A tokenizer and the token that its padding names. Its settings of truncation and padding are dropped, as Hugging
/// Face's tokenizer drops them when it is called without arguments.
fn parse(bytes: &[u8], path: &Path) -> Result<(tokenizers::Tokenizer, Option<String>), ModelError> {
    refuse_byte_order_mark(bytes, path)?;
    let mut inner =
        tokenizers::Tokenizer::from_bytes(bytes).map_err(|error| unusable(path, &*error))?;
    inner
        .with_truncation(None)
        .map_err(|error| unusable(path, &*error))?;
    let pad = inner.get_padding().map(|padding| padding.pad_token.clone());
    inner.with_padding(None);
    template::check(&inner, path)?;
    chance::check(&inner, path)?;
    Ok((inner, pad))
}

/// The tokenizer of a `tokenizer.json`, completed, and the bytes of a file that says the same.
fn completed(
    bytes: Vec<u8>,
    mut settings: Settings,
    path: &Path,
    warnings: &mut Vec<Warning>,
) -> Result<(tokenizers::Tokenizer, Vec<u8>), ModelError> {
    let (mut inner, pad) = parse(&bytes, path)?;
    settings.name_pad(pad);
    if !complete(&mut inner, &settings, path, warnings)? {
        return Ok((inner, bytes));
    }
    let written = inner.to_string(false);
    let bytes = written
        .map_err(|error| unusable(path, &*error))?
        .into_bytes();
    // Reading it back shows that the file alone gives what was completed.
    let (again, _) = parse(&bytes, path)?;
    if inner.get_vocab(true) != again.get_vocab(true) {
        let reason = "with its added tokens it cannot be written as one file";
        return Err(unusable(path, &reason));
    }
    Ok((again, bytes))
}

/// The token that stands for what a tokenizer does not know.
fn unknown(inner: &tokenizers::Tokenizer) -> Option<u32> {
    let token = match inner.get_model() {
        ModelWrapper::BPE(model) => model.get_unk_token().clone()?,
        ModelWrapper::WordPiece(model) => model.unk_token.clone(),
        ModelWrapper::WordLevel(model) => model.unk_token.clone(),
        ModelWrapper::Unigram(model) => {
            let json = serde_json::to_value(model).ok()?;
            return u32::try_from(json.get("unk_id")?.as_u64()?).ok();
        }
    };
    inner.token_to_id(&token)
}

fn unusable(path: &Path, reason: &dyn std::fmt::Display) -> ModelError {
    ModelError::Tokenizer {
        path: path.into(),
        reason: reason.to_string(),
    }
}
