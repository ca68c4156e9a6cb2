//! What the memory of tensors holds: the operations in plain integers.

use super::error::StreamError;
use super::plan::{Operation, Plan, Tensor};
use super::product::Product;
use crate::air::components::residual::BOUND;

/// The memory: for each address the values of all lanes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values {
    pub rows: Vec<Vec<i64>>,
}

impl Values {
    /// An output's rounded result and its rest in a lane.
    pub(super) fn rounded(
        &self,
        of: &Product,
        output: usize,
        input: Tensor,
        lane: usize,
    ) -> [i64; 2] {
        of.round(
            output,
            self.dot(&of.weights.rows[output], input.address, lane),
        )
    }

    /// `Σ_j w_j x_j` of a lane.
    pub(super) fn dot(&self, weights: &[i32], address: u32, lane: usize) -> i64 {
        let inputs = &self.rows[address as usize..];
        let products = weights.iter().zip(inputs);
        products.map(|(&w, x)| i64::from(w) * x[lane]).sum()
    }

    /// A channel's values in all lanes.
    pub(super) fn channel(&self, tensor: Tensor, channel: usize) -> &[i64] {
        &self.rows[tensor.address as usize + channel]
    }

    fn set(&mut self, tensor: Tensor, channel: usize, lane: usize, value: i64) {
        self.rows[tensor.address as usize + channel][lane] = value;
    }
}

/// Computes all operations for the lanes' tokens, one for each lane and below the number of tokens.
///
/// # Errors
/// A residual stream beyond the bound that a proof can have.
pub fn compute(plan: &Plan, tokens: &[u32]) -> Result<Values, StreamError> {
    let mut values = Values {
        rows: vec![vec![0; plan.lanes]; plan.addresses as usize],
    };
    for (lane, &token) in tokens.iter().enumerate() {
        values.rows[plan.tokens.given as usize][lane] = i64::from(token);
    }
    for (i, operation) in plan.operations.iter().enumerate() {
        for (lane, &token) in tokens.iter().enumerate() {
            step(plan, operation, lane, token, &mut values);
        }
        within_bound(i, operation, &values)?;
    }
    Ok(values)
}

/// Requires the results of a residual to be within the stream's bound.
fn within_bound(place: usize, operation: &Operation, values: &Values) -> Result<(), StreamError> {
    let Operation::Residual { output, .. } = operation else {
        return Ok(());
    };
    let bound = i64::from(BOUND);
    for channel in 0..output.channels {
        let lanes = values.channel(*output, channel).iter().enumerate();
        for (lane, &value) in lanes {
            if !(-bound..bound).contains(&value) {
                return Err(StreamError {
                    operation: place + 1,
                    channel,
                    lane,
                    value,
                    bound,
                });
            }
        }
    }
    Ok(())
}

/// Computes an operation for one lane.
fn step(plan: &Plan, operation: &Operation, lane: usize, token: u32, values: &mut Values) {
    match operation {
        Operation::Embed { output } => {
            for (j, &value) in plan.embedding.rows[token as usize].iter().enumerate() {
                values.set(*output, j, lane, value.into());
            }
        }
        Operation::Linear {
            of, input, output, ..
        } => {
            for i in 0..of.outputs() {
                let [result, _] = values.rounded(of, i, *input, lane);
                values.set(*output, i, lane, result);
            }
        }
        Operation::Function {
            of,
            table,
            input,
            output,
        } => {
            for i in 0..of.outputs() {
                let [argument, _] = values.rounded(of, i, *input, lane);
                values.set(*output, i, lane, plan.tables[*table].at(argument));
            }
        }
        Operation::Residual {
            of,
            input,
            stream,
            output,
        } => {
            for i in 0..of.outputs() {
                let [result, _] = values.rounded(of, i, *input, lane);
                let sum = values.channel(*stream, i)[lane] + result;
                values.set(*output, i, lane, sum);
            }
        }
        Operation::Gated {
            of, input, output, ..
        } => {
            for i in 0..of.gate.outputs() {
                let [[argument, _], [up, _]] =
                    [&of.gate, &of.up].map(|of| values.rounded(of, i, *input, lane));
                let [result, _] = of.round(plan.tables[of.table].at(argument), up);
                values.set(*output, i, lane, result);
            }
        }
        Operation::Head { input } => {
            let tokens = plan.embedding.rows.iter();
            let logits = tokens.map(|row| values.dot(row, input.address, lane));
            let (token, largest) = choose(logits);
            values.rows[plan.maxima as usize][lane] = largest;
            values.rows[plan.tokens.chosen as usize][lane] = token;
        }
    }
}

/// The first of the largest, and it.
fn choose(logits: impl Iterator<Item = i64>) -> (i64, i64) {
    let mut best = (0, i64::MIN);
    for (token, logit) in (0..).zip(logits) {
        if logit > best.1 {
            best = (token, logit);
        }
    }
    best
}
