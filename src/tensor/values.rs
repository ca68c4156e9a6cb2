//! What the memory of tensors holds: the operations in plain integers.

use super::plan::{Operation, Plan, half};

/// The memory: for each address the values of all lanes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values {
    pub rows: Vec<Vec<i64>>,
}

/// Computes all operations for the lanes' tokens, one for each lane and below the number of tokens.
pub fn compute(plan: &Plan, tokens: &[u32]) -> Values {
    let mut rows = vec![vec![0; plan.lanes]; plan.addresses as usize];
    for (lane, &token) in tokens.iter().enumerate() {
        rows[plan.tokens.given as usize][lane] = i64::from(token);
    }
    for operation in &plan.operations {
        match operation {
            Operation::Embed { output } => {
                for (lane, &token) in tokens.iter().enumerate() {
                    for (j, &value) in plan.embedding.rows[token as usize].iter().enumerate() {
                        rows[output.address as usize + j][lane] = i64::from(value);
                    }
                }
            }
            Operation::Linear { of, input, output } => {
                for (i, (weights, &bias)) in of.weights.rows.iter().zip(&of.bias).enumerate() {
                    for lane in 0..plan.lanes {
                        let sum = dot(weights, &rows, input.address, lane) + i64::from(bias);
                        rows[output.address as usize + i][lane] =
                            (sum + half(of.shift)) >> of.shift;
                    }
                }
            }
            Operation::Head { input } => {
                for lane in 0..plan.lanes {
                    let logits = plan
                        .embedding
                        .rows
                        .iter()
                        .map(|row| dot(row, &rows, input.address, lane));
                    let (token, largest) = choose(logits);
                    rows[plan.maxima as usize][lane] = largest;
                    rows[plan.tokens.chosen as usize][lane] = token;
                }
            }
        }
    }
    Values { rows }
}

/// `Σ_j w_j x_j` of a lane.
pub(super) fn dot(weights: &[i32], rows: &[Vec<i64>], address: u32, lane: usize) -> i64 {
    let inputs = &rows[address as usize..];
    weights
        .iter()
        .zip(inputs)
        .map(|(&w, x)| i64::from(w) * x[lane])
        .sum()
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
