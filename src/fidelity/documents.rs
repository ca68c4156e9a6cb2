//! Calibration and held-out text: paragraphs separated by blank lines, each a document of its own.

use crate::model::{ModelError, Tokenizer};

/// Why a text cannot be used. The caller knows the text's name.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    #[error("there is no text in it; write paragraphs, with blank lines between them")]
    Empty,
    #[error("no paragraph has two tokens, so there is nothing to predict; give a longer text")]
    TooShort,
    #[error(
        "there are {found} paragraphs in it, more than {MAX_DOCUMENTS}; give a shorter text, a few pages are enough"
    )]
    TooManyParagraphs { found: usize },
    #[error("paragraph {paragraph}: {source}")]
    Encode {
        paragraph: usize,
        source: Box<ModelError>,
    },
}

/// Tokenised documents; none is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Documents {
    documents: Vec<Vec<u32>>,
    /// Characters of the text, but for those that only separate words and paragraphs.
    characters: usize,
}

/// Most documents of a text: each costs the tokenizer and the models time, however short it is.
const MAX_DOCUMENTS: usize = 20_000;

/// What characters of a text one token stands for, at most, where a tokenizer knows the text.
const CHARACTERS_PER_TOKEN: usize = 16;

impl Documents {
    /// Splits `text` at blank lines and encodes each document as a text of its own.
    ///
    /// # Errors
    /// Too many paragraphs, a paragraph that the tokenizer refuses, by its number from 1, or a text without tokens.
    pub fn encode(text: &str, tokenizer: &Tokenizer) -> Result<Self, TextError> {
        let mut documents = Vec::new();
        let paragraphs = paragraphs(text);
        if paragraphs.len() > MAX_DOCUMENTS {
            let found = paragraphs.len();
            return Err(TextError::TooManyParagraphs { found });
        }
        for (paragraph, text) in (1..).zip(paragraphs) {
            let tokens = tokenizer
                .encode(&text)
                .map_err(|source| TextError::Encode {
                    paragraph,
                    source: Box::new(source),
                })?;
            if !tokens.is_empty() {
                documents.push(tokens);
            }
        }
        if documents.is_empty() {
            return Err(TextError::Empty);
        }
        let characters = text.chars().filter(|c| !c.is_whitespace()).count();
        Ok(Self {
            documents,
            characters,
        })
    }

    /// The token ids of each document.
    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.documents.iter().map(Vec::as_slice)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.documents.len()
    }

    /// Tokens within the first `context` of each document: those that a model of this context looks at.
    pub fn tokens(&self, context: usize) -> usize {
        self.iter().map(|tokens| tokens.len().min(context)).sum()
    }

    /// How many of all tokens are `unknown`, the tokenizer's token for what it does not know.
    pub fn unknown(&self, unknown: Option<u32>) -> usize {
        let tokens = self.iter().flatten();
        tokens.filter(|&&token| Some(token) == unknown).count()
    }

    /// Whether the tokenizer knows less than half of the text, or leaves most of it out: such a text says little about
    /// the model.
    pub fn are_mostly_unknown(&self, unknown: Option<u32>) -> bool {
        let tokens = self.tokens(usize::MAX);
        2 * self.unknown(unknown) > tokens || self.characters > CHARACTERS_PER_TOKEN * tokens
    }
}

/// The paragraphs of `text`, their lines joined as they stand.
fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs = Vec::new();
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().chain([""]) {
        if !line.trim().is_empty() {
            lines.push(line);
        } else if !lines.is_empty() {
            paragraphs.push(std::mem::take(&mut lines).join("\n"));
        }
    }
    paragraphs
}
