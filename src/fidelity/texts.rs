//! Texts for models that come without: what scales are calibrated on and fidelity is measured on, if nobody says
//! otherwise.
//!
//! The prose was written for this purpose. It is plain English of many kinds, with numbers, dialogue and some code; no
//! paragraph is in both texts.

use crate::model::random::Random;
use crate::model::{ModelError, Tokenizer};

/// The calibration text that comes with the program.
pub const CALIBRATION: &str = include_str!("texts/calibration.txt");
/// The held-out text that comes with the program.
pub const HELDOUT: &str = include_str!("texts/heldout.txt");

/// Documents of a text that is drawn, and tokens of each.
const DRAWN: (usize, usize) = (24, 24);

/// A text of random tokens of the vocabulary, the same for the same `seed`: for a tokenizer that knows no English.
///
/// # Errors
/// Tokens that the tokenizer does not decode.
pub fn drawn(tokenizer: &Tokenizer, seed: u64) -> Result<String, ModelError> {
    let mut random = Random(seed);
    let vocabulary = tokenizer.vocab_size() as u64;
    let mut document = || {
        let tokens: Vec<u32> = (0..DRAWN.1)
            .map(|_| (random.next() % vocabulary) as u32)
            .collect();
        tokenizer.decode(&tokens)
    };
    let documents: Result<Vec<String>, ModelError> = (0..DRAWN.0).map(|_| document()).collect();
    Ok(documents?.join("\n\n"))
}
