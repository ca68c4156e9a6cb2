//! Keys and values of earlier chunks in the memory: the region behind all other addresses.
//!
//! A block has a tensor row for each channel of each tensor that is carried, and in it `L` positions. Block `b` begins at `base + b step`;
//! nobody writes it, and the roots bind it. What is in its
//! lanes is a number of as many bits, sign included, as the tensor of the own chunk needs: whoever hashes a carried position checks
//! [`CarriedTensor::bits`].

use std::ops::Range;

use stwo::core::fields::m31::M31;

use super::error::PlanError;
use super::operation::Operand;
use super::plan::{Plan, Tensor};
use super::values::Values;
use crate::air::components::Component;
use crate::air::components::lanes::CHANNELS;

/// Most bits of a carried number, sign included: two are in an element that is hashed.
pub const MAX_BITS: u32 = 15;

/// What is carried from one chunk to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Most blocks of positions before a chunk.
    pub blocks: u32,
    /// Addresses of a block.
    pub step: u32,
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

/// Addresses that a tensor takes: views start at multiples of their size.
fn rows(tensor: Tensor) -> u32 {
    tensor.channels.next_multiple_of(CHANNELS) as u32
}

/// Bits of a tensor's numbers, sign included, if they can be carried.
pub(super) fn carried_bits(operation: &'static str, own: Tensor) -> Result<u32, PlanError> {
    let bits = own.bits;
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
    pub fn carry(&mut self, blocks: u32) -> Result<(), PlanError> {
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
        let offset = self.carried.step;
        self.carried.step += rows(own);
        let tensor = CarriedTensor { own, offset, bits };
        self.carried.tensors.push(tensor);
        tensor
    }

    /// The address of a place in a carried block.
    pub fn carried_address(&self, block: u32, offset: u32) -> u32 {
        self.addresses + block * self.carried.step + offset
    }

    /// Addresses of all blocks that a chunk can carry.
    pub fn carried_addresses(&self) -> Range<u32> {
        self.addresses..self.carried_address(self.carried.blocks, 0)
    }

    /// Requires that whatever can be carried is bound: it is in the record of its position.
    ///
    /// # Errors
    /// [`PlanError::Unrecorded`].
    pub fn check_carried(&self) -> Result<(), PlanError> {
        let carried = self.carried.tensors.iter().map(|tensor| tensor.own);
        let recorded = self.recorded().map_or(&[][..], |records| &records.tensors);
        let bound = self.carried.blocks == 0 || carried.eq(recorded.iter().copied());
        bound.then_some(()).ok_or(PlanError::Unrecorded)
    }

    /// The component of the views of carried blocks, if there can be some.
    pub(super) fn carried_views(&self) -> Option<Component> {
        let base = self.addresses;
        let some = self.carried.blocks > 0 && !self.carried.tensors.is_empty();
        some.then_some(Component::CarriedLanes { base })
    }

    /// The rows of this component that are on, with room for multiplicities.
    pub(super) fn carried_rows(&self, values: &Values) -> Vec<Vec<M31>> {
        let blocks = Operand::Blocks.of(self.lanes, &values.chunk);
        let views = (self.addresses..self.carried_address(blocks, 0)).step_by(CHANNELS);
        let row = |address: u32| {
            let mut row = vec![M31::from(1)];
            row.extend((0..CHANNELS as u32).flat_map(|k| values.lanes(address + k)));
            row.resize(row.len() + self.lanes, M31::from(0));
            row
        };
        views.map(row).collect()
    }
}
