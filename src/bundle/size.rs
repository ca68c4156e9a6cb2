//! How large things may be: models that no proof holds, known before any work is done (what a program
//! comes to exactly is known after), and files of a build folder, known before they are read.

use super::BundleError;
use crate::air::cairo::Component;
use crate::lower::WeightLayout;
use crate::model::Config;
use crate::receipt::Manifest;
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

/// Largest `program.json`, in bytes: a word is a felt in hexadecimal, of up to 68 characters, and what the file says
/// besides of a program (hints, names of kernels) is less than that.
pub(super) const MAX_PROGRAM_BYTES: u64 = 128 * MAX_PROGRAM_WORDS as u64 + (1 << 20);

/// Largest `graph.bin`, in bytes, for any model.
pub(super) const MAX_GRAPH_BYTES: u64 = 2 << 30;

/// Most int8 values in a word of the cache of keys and values.
const LANES: u64 = 31;
/// Most bytes of an integer in `graph.bin`.
const INTEGER: u64 = 9;

/// Largest `graph.bin` of a model, in bytes, by its manifest: matrices have a byte for each parameter, a tied embedding
/// is there twice, and for each position there are as many entries of the tables of angles as a head has elements, of
/// which a position's keys and values have more. The rest is names and operations.
pub(super) fn graph_limit(manifest: &Manifest) -> u64 {
    let positions = u64::from(manifest.context_length);
    let angles = positions * u64::from(manifest.kv_words_per_position);
    let matrices = manifest.parameters.saturating_mul(8);
    let bytes = matrices.saturating_add(angles.saturating_mul(LANES * INTEGER));
    bytes.saturating_add(1 << 20).min(MAX_GRAPH_BYTES)
}

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
    let most = Component::ALL.iter();
    let most = most.filter_map(|c| c.rows_per_permutation()).max();
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
