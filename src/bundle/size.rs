//! Models that no proof holds, known before any work is done; what a program comes to exactly is known after.

use super::BundleError;
use crate::cost::PERMUTATION;
use crate::lower::WeightLayout;
use crate::model::Config;
use crate::spec::kv::kv_words;
use crate::verify::MAX_PROGRAM_WORDS;
use crate::verify::params::LARGE;

/// Rows that share a weight word, at most.
const ROWS_PER_WORD: u64 = 12;
/// Words in a constant of [`WeightLayout::Pairs`].
const PAIR: u64 = 2;
/// Weights in a felt that the program reads, at most: three words of ten rows.
const COMMITTED_PER_FELT: u64 = 30;
/// Felts that one Poseidon permutation takes in.
const RATE: u64 = 2;

/// Whether a proof holds the model, from its configuration alone: what its weights need at least, against what there is.
///
/// # Errors
/// [`BundleError::TooLarge`] or [`BundleError::TooManyCommitted`].
pub(super) fn check_size(config: &Config, weights: WeightLayout) -> Result<(), BundleError> {
    let least = |per_word| {
        let (vocab, hidden) = (config.vocab_size as u64, config.hidden_size as u64);
        let embedding = vocab * kv_words(config.hidden_size) as u64;
        // Tied or not, the model has the embedding once to look up and once to multiply with.
        let tables = match config.tie_word_embeddings {
            true => vocab * hidden,
            false => 2 * vocab * hidden,
        };
        let layers = config.parameters() - tables;
        embedding + (layers + vocab * hidden) / per_word
    };
    match weights {
        WeightLayout::Pairs => check_words(config, least(ROWS_PER_WORD * PAIR)),
        WeightLayout::Ready => check_words(config, least(ROWS_PER_WORD)),
        WeightLayout::Committed => check_felts(config, least(COMMITTED_PER_FELT)),
    }
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

/// Whether a proof has room to hash so many felts of weights, which every chunk does.
///
/// Each permutation has rows of several components; the component of which it has most is full first.
///
/// # Errors
/// [`BundleError::TooManyCommitted`].
pub(super) fn check_felts(config: &Config, felts: u64) -> Result<(), BundleError> {
    let most = PERMUTATION.iter().map(|(_, rows)| *rows).max();
    let limit = RATE * (1 << LARGE.max_log_rows) / most.unwrap_or(1);
    match felts <= limit {
        true => Ok(()),
        false => Err(BundleError::TooManyCommitted {
            parameters: config.parameters(),
            felts,
            limit,
        }),
    }
}
