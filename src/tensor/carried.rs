//! Keys and values of earlier chunks in the memory: the region behind all other addresses.
//!
//! A block has a tensor row for each channel of each tensor that is carried, and in it `L` positions. Block `b` begins at `base + b step`; nobody writes it, and the roots bind it. What is in its
//! lanes is a number of as many bits, sign included, as the tensor of the own chunk needs: whoever hashes a carried position checks [`CarriedTensor::bits`].

use super::error::{ChunkError, PlanError};
use super::operation::{Chunk, Operand};
use super::plan::{Plan, Tensor};
use super::product::fewest_bits;
use crate::air::components::lanes::CHANNELS;

/// Most bits of a carried number, sign included: two are in an element that is hashed.
pub const MAX_BITS: u32 = 15;

/// What is carried from one chunk to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Most blocks of positions before a chunk.
    pub blocks: usize,
    /// The tensors of a block, in the order of their addresses in it.
    pub tensors: Vec<CarriedTensor>,
}

/// A tensor that is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CarriedTensor {
    /// Where the chunk's own positions have it.
    pub own: Tensor,
    /// Its place in each block.
    pub offset: u32,
    /// Bits of its numbers, sign included.
    pub bits: u32,
}

impl Carried {
    /// Addresses of a block.
    pub fn step(&self) -> u32 {
        let last = self.tensors.last();
        last.map_or(0, |last| last.offset + rows(last.own))
    }
}

/// Addresses that a tensor takes: views start at multiples of their size.
fn rows(tensor: Tensor) -> u32 {
    tensor.channels.next_multiple_of(CHANNELS) as u32
}

/// Bits of a tensor's numbers, sign included, if they can be carried.
pub(super) fn carried_bits(operation: &'static str, own: Tensor) -> Result<u32, PlanError> {
    let bits = fewest_bits(own.magnitude);
    let wrong = PlanError::CarriedBits {
        operation,
        bits,
        limit: MAX_BITS,
    };
    (bits <= MAX_BITS).then_some(bits).ok_or(wrong)
}

/// The largest magnitude that numbers of so many bits have.
pub(super) fn magnitude(bits: u32) -> i64 {
    1 << (bits - 1)
}

impl Plan {
    /// The most blocks of positions that a chunk may have before it. They are part of the ranges of attention, so they are said before it.
    ///
    /// # Errors
    /// There is attention already.
    pub fn carry(&mut self, blocks: usize) -> Result<(), PlanError> {
        if self.query_heads().next().is_some() {
            return Err(PlanError::CarriedLate(blocks));
        }
        self.carried.blocks = blocks;
        Ok(())
    }

    /// A tensor's place in each carried block, which is made if there is none; `bits` are those of [`carried_bits`].
    pub(super) fn carried_tensor(&mut self, own: Tensor, bits: u32) -> CarriedTensor {
        let mut tensors = self.carried.tensors.iter();
        if let Some(there) = tensors.find(|tensor| tensor.own == own) {
            return *there;
        }
        let offset = self.carried.step();
        let tensor = CarriedTensor { own, offset, bits };
        self.carried.tensors.push(tensor);
        tensor
    }

    /// The address of a place in a carried block.
    pub fn carried_address(&self, block: usize, offset: u32) -> u32 {
        self.addresses + block as u32 * self.carried.step() + offset
    }

    /// Addresses of the memory, carried blocks included.
    pub fn memory(&self) -> u32 {
        self.carried_address(self.carried.blocks, 0)
    }

    /// Requires a chunk to have carried blocks as its position says, each with the rows and the lanes of the plan and with numbers of
    /// the tensors' bits.
    pub(super) fn takes(&self, chunk: &Chunk) -> Result<(), ChunkError> {
        let blocks = Operand::Blocks.of(self.lanes, chunk) as usize;
        if blocks > self.carried.blocks {
            return Err(ChunkError::Blocks {
                position: chunk.position,
                blocks,
                limit: self.carried.blocks,
            });
        }
        let step = self.carried.step() as usize;
        let (found, expected) = (chunk.carried.len(), blocks * step);
        if found != expected {
            return Err(ChunkError::CarriedRows { found, expected });
        }
        for (row, values) in chunk.carried.iter().enumerate() {
            let (found, expected) = (values.len(), self.lanes);
            if found != expected {
                let row = row as u32;
                return Err(ChunkError::CarriedLanes {
                    row,
                    found,
                    expected,
                });
            }
            let offset = (row % step) as u32;
            let mut tensors = self.carried.tensors.iter().rev();
            let tensor = tensors.find(|tensor| tensor.offset <= offset);
            let bound = tensor.map_or(1, |tensor| magnitude(tensor.bits));
            if let Some(&value) = values.iter().find(|value| !(-bound..bound).contains(value)) {
                let row = row as u32;
                return Err(ChunkError::CarriedValue { row, value, bound });
            }
        }
        Ok(())
    }
}
