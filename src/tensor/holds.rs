//! Whether a plan has room for what comes into a chunk.

use thiserror::Error;

use super::operation::Chunk;
use super::plan::Plan;

/// Why a chunk does not fit a plan.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum UnfitError {
    #[error("{found} tokens come in: at least one, and at most {lanes}, as there are lanes")]
    Tokens { found: usize, lanes: usize },
    #[error("token {token} of a vocabulary of {tokens}")]
    Token { token: u32, tokens: usize },
    #[error(
        "{position} carried positions, room for {room}: compile with more, or begin with fewer"
    )]
    Room { position: u32, room: usize },
    #[error(
        "carried keys and values have {expected} rows of {lanes} lanes for this position, not {found}"
    )]
    Carried {
        found: usize,
        expected: usize,
        lanes: usize,
    },
    #[error(
        "row {row} of carried keys and values has {value}, at least {least} and below {limit} are proven"
    )]
    Value {
        row: usize,
        value: i64,
        least: i64,
        limit: i64,
    },
}

impl Plan {
    /// Requires that a chunk has tokens, and the keys and values of all positions before it, for which there is room.
    ///
    /// # Errors
    /// [`UnfitError`].
    pub fn holds(&self, chunk: &Chunk) -> Result<(), UnfitError> {
        let (found, lanes) = (chunk.tokens.len(), self.lanes);
        if !(1..=lanes).contains(&found) {
            return Err(UnfitError::Tokens { found, lanes });
        }
        let tokens = self.embedding.rows.len();
        if let Some(&token) = chunk.tokens.iter().find(|&&token| token as usize >= tokens) {
            return Err(UnfitError::Token { token, tokens });
        }
        self.holds_carried(chunk)
    }

    fn holds_carried(&self, chunk: &Chunk) -> Result<(), UnfitError> {
        let lanes = self.lanes;
        // Without records nothing is carried, and the position may be any.
        let Some(records) = self.recorded() else {
            return Ok(());
        };
        let step = records.channels();
        let (position, room) = (chunk.position, self.carried.blocks as usize * lanes);
        if position as usize > room {
            return Err(UnfitError::Room { position, room });
        }
        let expected = (position as usize).div_ceil(lanes) * step;
        let found = chunk
            .carried
            .iter()
            .filter(|row| row.len() == lanes)
            .count();
        if found != expected || chunk.carried.len() != expected {
            return Err(UnfitError::Carried {
                found,
                expected,
                lanes,
            });
        }
        let limit = records.packing.half();
        for (row, values) in chunk.carried.iter().enumerate() {
            // Lanes behind the last position do not count.
            let first = row / step * lanes;
            let count = (position as usize - first).min(lanes);
            let counted = values.iter().take(count);
            if let Some(&value) = counted
                .clone()
                .find(|value| !(-limit..limit).contains(value))
            {
                return Err(UnfitError::Value {
                    row,
                    value,
                    least: -limit,
                    limit,
                });
            }
        }
        Ok(())
    }
}
