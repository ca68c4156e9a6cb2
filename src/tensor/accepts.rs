//! Whether a plan has proofs of what comes into a chunk.

use thiserror::Error;

use super::operation::{Chunk, carried_blocks};
use super::plan::Plan;
use crate::air::components::lanes::CHANNELS;

/// Why a plan has no proof of a chunk, whatever its values.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ChunkError {
    #[error("the chunk has {found} tokens; at least 1, and at most {lanes}, one for each lane")]
    Tokens { found: usize, lanes: usize },
    #[error("lane {lane} has the token {token}; the plan has {tokens} tokens")]
    Token {
        lane: usize,
        token: u32,
        tokens: usize,
    },
    #[error(
        "the chunk begins at position {position}; {operation} has {context} positions: begin a new session"
    )]
    Position {
        operation: &'static str,
        position: u32,
        context: usize,
    },
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
    /// Requires tokens for some lanes, at least one, all of them tokens of the plan; a first position that its constants know; and the keys
    /// and values of all positions before it, for which there is room.
    ///
    /// # Errors
    /// [`ChunkError`]
    pub fn accepts(&self, chunk: &Chunk) -> Result<(), ChunkError> {
        let (found, lanes) = (chunk.tokens.len(), self.lanes);
        if !(1..=lanes).contains(&found) {
            return Err(ChunkError::Tokens { found, lanes });
        }
        let tokens = self.embedding.outputs();
        let mut lanes = chunk.tokens.iter().enumerate();
        if let Some((lane, &token)) = lanes.find(|(_, token)| **token as usize >= tokens) {
            return Err(ChunkError::Token {
                lane,
                token,
                tokens,
            });
        }
        let position = chunk.position;
        for operation in &self.operations {
            let work = operation.work();
            if let Some(context) = work.context().filter(|&most| position as usize >= most) {
                let operation = work.name();
                return Err(ChunkError::Position {
                    operation,
                    position,
                    context,
                });
            }
        }
        self.accepts_carried(chunk)
    }

    fn accepts_carried(&self, chunk: &Chunk) -> Result<(), ChunkError> {
        let lanes = self.lanes;
        // Without records nothing is carried, and the position may be any.
        if self.recorded().is_none() {
            return Ok(());
        }
        let (position, room) = (chunk.position, self.carried.blocks as usize * lanes);
        if position as usize > room {
            return Err(ChunkError::Room { position, room });
        }
        let step = self.carried.step as usize;
        let [blocks, _] = carried_blocks(lanes, position);
        let expected = blocks as usize * step;
        let rows = chunk.carried.iter();
        let found = rows.filter(|row| row.len() == lanes).count();
        if found != expected || chunk.carried.len() != expected {
            return Err(ChunkError::Carried {
                found,
                expected,
                lanes,
            });
        }
        let tensors = self.carried.tensors.iter();
        let limits: Vec<i64> = tensors
            .flat_map(|tensor| {
                let rows = tensor.own.channels.next_multiple_of(CHANNELS);
                vec![1 << (tensor.bits - 1); rows]
            })
            .collect();
        for (row, values) in chunk.carried.iter().enumerate() {
            // Lanes behind the last position do not count.
            let first = row / step * lanes;
            let limit = limits[row % step];
            let mut counted = values.iter().take(position as usize - first);
            if let Some(&value) = counted.find(|value| !(-limit..limit).contains(value)) {
                return Err(ChunkError::Value {
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
