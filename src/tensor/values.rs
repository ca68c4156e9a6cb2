//! What the memory of tensors holds: the operations in plain integers.

use super::plan::{Operation, Plan, Tensor};
use super::product::Product;

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

    fn set(&mut self, tensor: Tensor, channel: usize, lane: usize, value: i64) {
        self.rows[tensor.address as usize + channel][lane] = value;
    }
}

/// Computes all operations for the lanes' tokens, one for each lane and below the number of tokens.
pub fn compute(plan: &Plan, tokens: &[u32]) -> Values {
    let mut values = Values {
        rows: vec![vec![0; plan.lanes]; plan.addresses as usize],
    };
    for (lane, &token) in tokens.iter().enumerate() {
        values.rows[plan.tokens.given as usize][lane] = i64::from(token);
    }
    for operation in &plan.operations {
        for (lane, &token) in tokens.iter().enumerate() {
            step(plan, operation, lane, token, &mut values);
        }
    }
    values
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
