//! What a position's record is made of: which operations' values, in which order, with how many bits.

use super::error::PortableError;
use crate::integers::{Carried, Description, Operation};
use crate::spec::record::Packing;

/// Values of an operation that are carried: a layer's keys or values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Number of the operation that writes them.
    pub operation: usize,
    pub channels: usize,
    /// Bits of each, sign included.
    pub bits: u32,
}

/// The record of a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub parts: Vec<Part>,
    pub packing: Packing,
}

impl Record {
    /// Keys and values of each attention, in the order of the operations.
    ///
    /// # Errors
    /// Values of more bits than a record's have.
    pub fn of(description: &Description) -> Result<Record, PortableError> {
        let mut parts: Vec<Part> = vec![];
        for operation in &description.operations {
            let Operation::Attention {
                keys, values, of, ..
            } = operation
            else {
                continue;
            };
            let channels = of.kv_heads * of.head_dim;
            for (operation, bits) in [(*keys, of.key_bits), (*values, of.value_bits)] {
                if parts.iter().all(|part| part.operation != operation) {
                    parts.push(Part {
                        operation,
                        channels,
                        bits,
                    });
                }
            }
        }
        let bits = parts.iter().map(|part| part.bits).max().unwrap_or(1);
        let packing = Packing::of_bits(bits).ok_or(PortableError::RecordBits { bits })?;
        Ok(Record { parts, packing })
    }

    /// The record of the last position that was taken in.
    pub(super) fn last(&self, description: &Description, carried: &Carried) -> Vec<i64> {
        let mut own = vec![];
        for part in &self.parts {
            let of = description
                .operations
                .iter()
                .zip(carried.keys.iter().zip(&carried.values));
            let written = of.filter_map(|(operation, (all_keys, all_values))| match operation {
                Operation::Attention { keys, .. } if *keys == part.operation => all_keys.last(),
                Operation::Attention { values, .. } if *values == part.operation => {
                    all_values.last()
                }
                _ => None,
            });
            own.extend(written.take(1).flatten());
        }
        own
    }

    /// Where the values of an operation begin.
    pub(super) fn offset(&self, operation: usize) -> usize {
        let before = self
            .parts
            .iter()
            .take_while(|part| part.operation != operation);
        before.map(|part| part.channels).sum()
    }
}
