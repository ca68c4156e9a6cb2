//! What the memory of tensors holds: the operations in plain integers.

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;
use stwo::core::fields::m31::M31;

use super::constants::signed;
use super::error::BitsError;
use super::matrix::Matrix;
use super::operation::{Chunk, Operand};
use super::plan::{Plan, Tensor};
use crate::air::components::lanes::CHANNELS;

/// Outputs of a matrix that a thread computes at least, as fewer take less time than another thread needs to start.
const OUTPUTS_AT_ONCE: usize = 64;
/// Tokens of the vocabulary that a lane without a step tries at most.
const OTHERS: usize = 64;

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
    /// The accumulators of an output, one for each lane.
    pub fn of(&self, output: usize) -> &[i32] {
        &self.values[output * self.lanes..][..self.lanes]
    }
}

impl Values {
    /// `W x` in some lanes, and no others. The plan's ranges are those of all partial sums.
    pub(super) fn product(
        &self,
        weights: &Matrix,
        input: Tensor,
        lanes: &Range<usize>,
    ) -> Accumulators {
        let rows = input.addresses().map(|a| &self.rows[a as usize]);
        let inputs: Vec<i32> = rows
            .flat_map(|row| &row[lanes.clone()])
            .map(|&x| x as i32)
            .collect();
        let lanes = lanes.len();
        // One lane takes as long as reading the weights, and less with short inputs.
        let shorts: Result<Vec<i16>, _> = inputs.iter().map(|&x| i16::try_from(x)).collect();
        let mut values = vec![0i32; weights.outputs() * lanes];
        let outputs = values.par_chunks_mut(lanes).zip(weights.rows());
        outputs
            .with_min_len(OUTPUTS_AT_ONCE)
            .for_each(|(sums, row)| match (sums, &shorts) {
                ([sum], Ok(inputs)) => *sum = row.dot(inputs),
                ([sum], Err(_)) => *sum = row.dot(&inputs),
                (sums, _) => row.add_products(sums, &inputs),
            });
        Accumulators { lanes, values }
    }

    /// Keeps accumulators of some lanes for the rows of the operation that writes a tensor.
    pub(super) fn keep(
        &mut self,
        output: Tensor,
        lanes: &Range<usize>,
        accumulators: &Accumulators,
    ) {
        let all = self.lanes;
        let rows = accumulators.values.chunks_exact(lanes.len());
        let kept = self.kept.entry(output.address).or_insert(Accumulators {
            lanes: all,
            values: vec![],
        });
        kept.values.resize(rows.len() * all, 0);
        for (kept, row) in kept.values.chunks_exact_mut(all).zip(rows) {
            kept[lanes.clone()].copy_from_slice(row);
        }
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

    /// The value at an address in a lane, 0 where there is none.
    pub(super) fn at(&self, address: u32, lane: usize) -> i64 {
        let row = self.rows.get(address as usize);
        row.and_then(|row| row.get(lane)).copied().unwrap_or(0)
    }

    pub(super) fn set(&mut self, tensor: Tensor, channel: usize, lane: usize, value: i64) {
        self.rows[tensor.address as usize + channel][lane] = value;
    }

    /// Sets a value that must have at most so many bits.
    ///
    /// # Errors
    /// It has more: no proof can have it.
    pub(super) fn set_checked(
        &mut self,
        tensor: Tensor,
        [channel, lane]: [usize; 2],
        value: i64,
        bits: u32,
    ) -> Result<(), BitsError> {
        self.check([channel, lane], value, bits)?;
        self.set(tensor, channel, lane, value);
        Ok(())
    }

    /// Requires a value of at most so many bits.
    pub(super) fn check(
        &self,
        [channel, lane]: [usize; 2],
        value: i64,
        bits: u32,
    ) -> Result<(), BitsError> {
        let half = 1i64 << (bits - 1);
        let wrong = BitsError {
            operation: self.operation,
            channel,
            lane,
            value,
            bits,
        };
        (-half..half).contains(&value).then_some(()).ok_or(wrong)
    }

    /// The value of one lane at an address, as an element of the field.
    pub(super) fn element(&self, address: u32, lane: usize) -> M31 {
        signed(self.rows[address as usize][lane])
    }

    /// One lane of the eight rows from an address on.
    pub(super) fn view(&self, address: u32, lane: usize) -> Vec<M31> {
        let addresses = address..address + CHANNELS as u32;
        addresses
            .map(|address| self.element(address, lane))
            .collect()
    }

    /// The values at an address, as elements of the field.
    pub(super) fn lanes(&self, address: u32) -> Vec<M31> {
        let row = self.rows.get(address as usize);
        row.map_or(vec![M31::from(0); self.lanes], |row| {
            row.iter().map(|&value| signed(value)).collect()
        })
    }
}

/// Computes all operations of a chunk: the tokens that come in together, then lane by lane what follows from them.
///
/// # Errors
/// A value that no proof can have, where ranges are checked and not proven.
pub fn compute(plan: &Plan, chunk: &Chunk) -> Result<Values, BitsError> {
    compute_steps(plan, chunk, plan.lanes, None)
}

/// The same of a chunk of so many steps, fewer if one before chooses the token `eos`. The lanes behind them decide nothing: where such a lane has a
/// value that no proof can have, it takes the token of another lane instead, or one of the vocabulary's first.
///
/// # Errors
/// As [`compute`].
pub fn compute_steps(
    plan: &Plan,
    chunk: &Chunk,
    mut steps: usize,
    eos: Option<u32>,
) -> Result<Values, BitsError> {
    let blocks = Operand::Blocks.of(plan.lanes, chunk);
    let mut rows = vec![vec![0; plan.lanes]; plan.carried_address(blocks, 0) as usize];
    let carried = rows.iter_mut().skip(plan.addresses as usize);
    for (row, carried) in carried.zip(&chunk.carried) {
        for (value, carried) in row.iter_mut().zip(carried) {
            *value = *carried;
        }
    }
    let mut values = Values {
        rows,
        chunk: chunk.clone(),
        operation: 0,
        lanes: plan.lanes,
        kept: BTreeMap::new(),
    };
    let known = chunk.tokens.len().min(plan.lanes);
    for (lane, &token) in chunk.tokens[..known].iter().enumerate() {
        values.rows[plan.tokens.given as usize][lane] = token.into();
    }
    lanes(plan, 0..known, &mut values)?;
    for lane in known..plan.lanes {
        let [given, chosen] = [plan.tokens.given, plan.tokens.chosen].map(|row| row as usize);
        values.rows[given][lane] = match lane {
            0 => 0,
            _ => values.rows[chosen][lane - 1],
        };
        // A lane behind one that chooses consumes what that has chosen.
        if lane > chunk.forced && eos.map(i64::from) == Some(values.rows[given][lane]) {
            steps = steps.min(lane);
        }
        let refused = match lanes(plan, lane..lane + 1, &mut values) {
            Err(refused) if lane >= steps => refused,
            done => {
                done?;
                continue;
            }
        };
        let vocabulary = 0..plan.embedding.outputs().min(OTHERS) as i64;
        let others = values.rows[given][..lane].iter().rev().copied();
        let others: Vec<i64> = others.chain(vocabulary).collect();
        let fits = others.into_iter().any(|token| {
            values.rows[given][lane] = token;
            lanes(plan, lane..lane + 1, &mut values).is_ok()
        });
        fits.then_some(()).ok_or(refused)?;
    }
    Ok(values)
}

/// Computes all operations in some lanes.
fn lanes(plan: &Plan, lanes: Range<usize>, values: &mut Values) -> Result<(), BitsError> {
    if lanes.is_empty() {
        return Ok(());
    }
    for (number, operation) in (1..).zip(&plan.operations) {
        values.operation = number;
        operation.work().compute(plan, lanes.clone(), values)?;
    }
    Ok(())
}
