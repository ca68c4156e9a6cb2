//! Calibration and held-out text: paragraphs separated by blank lines, each a document of its own.

use super::QuantizeError;
use crate::model::Tokenizer;

/// Tokenised documents; none is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Documents(Vec<Vec<u32>>);

impl Documents {
    /// Splits `text` at blank lines and encodes each document as a text of its own.
    pub fn encode(text: &str, tokenizer: &Tokenizer) -> Result<Self, QuantizeError> {
        let documents = paragraphs(text)
            .iter()
            .enumerate()
            .map(|(document, text)| {
                tokenizer
                    .encode(text)
                    .map_err(|source| QuantizeError::Document {
                        document,
                        source: Box::new(source),
                    })
            })
            .filter(|document| !document.as_ref().is_ok_and(Vec::is_empty))
            .collect::<Result<Vec<_>, _>>()?;
        if documents.is_empty() {
            return Err(QuantizeError::NoDocuments);
        }
        Ok(Self(documents))
    }

    /// The token ids of each document.
    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.0.iter().map(Vec::as_slice)
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
