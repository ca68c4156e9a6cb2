//! Models whose program no verifier takes, known before any work is done; what it comes to exactly is known after.

use super::BundleError;
use crate::lower::WeightLayout;
use crate::model::Config;
use crate::spec::kv::kv_words;
use crate::verify::MAX_PROGRAM_WORDS;

/// Rows that share a weight word, at most.
const ROWS_PER_WORD: u64 = 12;
/// Words in a constant of [`WeightLayout::Pairs`].
const PAIR: u64 = 2;

/// Whether a verifier takes the program: the words that its weights need at least, against those that it takes.
///
/// # Errors
/// [`BundleError::TooLarge`].
pub(super) fn check_size(config: &Config, weights: WeightLayout) -> Result<(), BundleError> {
    let per_word = match weights {
        WeightLayout::Pairs => ROWS_PER_WORD * PAIR,
        WeightLayout::Ready => ROWS_PER_WORD,
        // The program has no weights.
        WeightLayout::Committed => return Ok(()),
    };
    let (vocab, hidden) = (config.vocab_size as u64, config.hidden_size as u64);
    let embedding = vocab * kv_words(config.hidden_size) as u64;
    // Tied or not, the program has the embedding once to look up and once to multiply with.
    let tables = match config.tie_word_embeddings {
        true => vocab * hidden,
        false => 2 * vocab * hidden,
    };
    let layers = config.parameters() - tables;
    let words = embedding + (layers + vocab * hidden) / per_word;
    check_words(config, words)
}

/// Whether a verifier takes a program of so many words.
///
/// # Errors
/// [`BundleError::TooLarge`].
pub(super) fn check_words(config: &Config, words: u64) -> Result<(), BundleError> {
    let limit = MAX_PROGRAM_WORDS as u64;
    match words <= limit {
        true => Ok(()),
        false => Err(BundleError::TooLarge {
            parameters: config.parameters(),
            words,
            limit,
        }),
    }
}
