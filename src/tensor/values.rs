//! What the memory of tensors holds: the operations in plain integers.

use std::collections::BTreeMap;

use rayon::prelude::*;
use stwo::core::fields::m31::M31;

use super::constants::signed;
use super::error::ChunkError;
use super::operation::Chunk;
use super::plan::{Plan, Tensor};
use super::product::Matrix;

/// The memory: for each address the values of all lanes; and what operations keep for their rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values {
    pub rows: Vec<Vec<i64>>,
    /// What came in.
    pub chunk: Chunk,
    /// Number of the operation that is computed.
    pub(super) operation: usize,
    lanes: usize,
    /// Accumulators by the address of what an operation makes of them.
    kept: BTreeMap<u32, Accumulators>,
}

/// Accumulators of a matrix: all lanes of an output, one output after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accumulators {
    lanes: usize,
    values: Vec<i32>,
}

impl Accumulators {
    pub(super) fn new(lanes: usize, values: Vec<i32>) -> Accumulators {
        Accumulators { lanes, values }
    }

    /// The accumulators of an output, one for each lane.
    pub fn of(&self, output: usize) -> &[i32] {
        &self.values[output * self.lanes..][..self.lanes]
    }
}

impl Values {
    /// `W x` for all lanes. The plan's ranges are those of all partial sums.
    pub(super) fn product(&self, weights: &Matrix, input: Tensor) -> Accumulators {
        let lanes = self.lanes;
        let rows = input.addresses().map(|a| &self.rows[a as usize]);
        let inputs: Vec<i32> = rows.flatten().map(|&x| x as i32).collect();
        let mut values = vec![0i32; weights.rows.len() * lanes];
        values
            .par_chunks_mut(lanes)
            .zip(&weights.rows)
            .for_each(|(sums, row)| {
                for (weight, inputs) in row.iter().zip(inputs.chunks_exact(lanes)) {
                    for (sum, x) in sums.iter_mut().zip(inputs) {
                        *sum = sum.wrapping_add(weight.wrapping_mul(*x));
                    }
                }
            });
        Accumulators { lanes, values }
    }

    /// Keeps accumulators for the rows of the operation that writes a tensor.
    pub(super) fn keep(&mut self, output: Tensor, accumulators: Accumulators) {
        self.kept.insert(output.address, accumulators);
    }

    /// The accumulators of the operation that writes a tensor.
    ///
    /// # Panics
    /// These values were computed of another plan.
    #[allow(
        clippy::expect_used,
        reason = "values and rows are of one plan, which computes all"
    )]
    pub(super) fn kept(&self, output: Tensor) -> &Accumulators {
        self.kept
            .get(&output.address)
            .expect("the operation has been computed")
    }

    /// A channel's values in all lanes.
    pub(super) fn channel(&self, tensor: Tensor, channel: usize) -> &[i64] {
        &self.rows[tensor.address as usize + channel]
    }

    pub(super) fn set(&mut self, tensor: Tensor, channel: usize, lane: usize, value: i64) {
        self.rows[tensor.address as usize + channel][lane] = value;
    }

    /// The values at an address, as elements of the field.
    pub(super) fn lanes(&self, address: u32) -> Vec<M31> {
        let row = self.rows.get(address as usize);
        row.map_or(vec![M31::from(0); self.lanes], |row| {
            row.iter().map(|&value| signed(value)).collect()
        })
    }
}

/// Computes all operations of a chunk.
///
/// # Errors
/// A chunk that the plan does not take, or a value that no proof can have, where ranges are checked and not proven.
pub fn compute(plan: &Plan, chunk: &Chunk) -> Result<Values, ChunkError> {
    plan.takes(chunk)?;
    let mut values = Values {
        rows: vec![vec![0; plan.lanes]; plan.memory() as usize],
        chunk: chunk.clone(),
        operation: 0,
        lanes: plan.lanes,
        kept: BTreeMap::new(),
    };
    for (lane, &token) in chunk.tokens.iter().enumerate() {
        values.rows[plan.tokens.given as usize][lane] = i64::from(token);
    }
    for (row, carried) in chunk.carried.iter().enumerate() {
        values.rows[plan.addresses as usize + row].clone_from(carried);
    }
    for (number, operation) in (1..).zip(&plan.operations) {
        values.operation = number;
        operation.work().compute(plan, &mut values)?;
    }
    Ok(values)
}
