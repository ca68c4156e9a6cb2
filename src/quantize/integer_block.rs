//! The integer model at consecutive positions, whose products are computed together: a weight is read once for all of them.
//!
//! Everything but the sums of products is the reference's own, position by position. The sums are of the same whole numbers: a float of 64 bits has every
//! whole number up to `2^53`, so sums that stay below it are exact, and the others are the reference's.

use rayon::prelude::*;

use super::block::{self, InTurn};
use crate::integers::reference::{self, finish, matrices};
use crate::integers::{Carried, Description, Matrix, Operation, Refusal};

/// Whole numbers up to this one are floats.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A description with the largest magnitude of each matrix, by operation: what says whether its sums are floats.
pub struct Blocks<'a> {
    description: &'a Description,
    heaviest: Vec<Vec<u32>>,
}

impl<'a> Blocks<'a> {
    pub fn of(description: &'a Description) -> Blocks<'a> {
        let heaviest = |of: &'a Operation| {
            let matrices = matrices(description, of).into_iter();
            matrices.map(|(weights, _)| heaviest(weights)).collect()
        };
        Blocks {
            description,
            heaviest: description.operations.par_iter().map(heaviest).collect(),
        }
    }

    /// Takes in tokens at the next positions, and gives the logits behind each, up to the first position that is refused.
    pub fn steps(&self, carried: &mut Carried, tokens: &[u32]) -> (Vec<Vec<i64>>, Option<Refusal>) {
        let mut count = tokens.len();
        let mut refusal = None;
        // By operation, by position.
        let mut values: Vec<Vec<Vec<i64>>> = vec![];
        for number in 0..self.description.operations.len() {
            let (written, stop) = self.operation(carried, &tokens[..count], number, &values);
            count = written.len();
            refusal = stop.or(refusal);
            values.push(written);
        }
        carried.position += count;
        let mut logits = values.pop().unwrap_or_default();
        logits.truncate(count);
        (logits, refusal)
    }

    /// What one operation writes for tokens at the next positions, up to the first that is refused; `values` are those of the operations before it, by operation, by
    /// position. `carried` goes on to no other position.
    pub(super) fn operation(
        &self,
        carried: &mut Carried,
        tokens: &[u32],
        number: usize,
        values: &[Vec<Vec<i64>>],
    ) -> (Vec<Vec<i64>>, Option<Refusal>) {
        let (description, first) = (self.description, carried.position);
        let sums = matrices(description, &description.operations[number]).into_iter();
        let sums = sums.zip(&self.heaviest[number]);
        let sums = sums.map(|((weights, input), &heaviest)| {
            dots(weights, heaviest, &values[input][..tokens.len()])
        });
        let mut sums = InTurn::new(sums);
        let (mut written, mut refusal) = (vec![], None);
        for (place, &token) in tokens.iter().enumerate() {
            carried.position = first + place;
            let before = |input: usize| &values[input][place][..];
            let mut own = sums.next();
            let own = &mut |_: &Matrix, _: usize| own.next().unwrap_or_default();
            match finish(description, carried, token, number, &before, own) {
                Ok(value) => written.push(value),
                Err(error) => {
                    refusal = Some(error);
                    break;
                }
            }
        }
        carried.position = first;
        (written, refusal)
    }
}

fn heaviest(weights: &Matrix) -> u32 {
    let weights = weights.rows.iter().flatten();
    weights.map(|w| w.unsigned_abs()).max().unwrap_or(0)
}

/// `Σ_j W_ij x_j` of each position's `x`, by position; no weight is larger than the heaviest.
fn dots(weights: &Matrix, heaviest: u32, inputs: &[Vec<i64>]) -> Vec<Vec<i64>> {
    let largest = inputs.iter().flatten().map(|x| x.unsigned_abs()).max();
    let bound = largest.unwrap_or(0) as f64 * f64::from(heaviest);
    if bound * weights.inputs as f64 >= EXACT {
        return inputs.iter().map(|x| reference::dots(weights, x)).collect();
    }
    let real = |x: &Vec<i64>| x.iter().map(|&x| x as f64).collect();
    let inputs: Vec<Vec<f64>> = inputs.iter().map(real).collect();
    let sums = block::dots(&weights.rows, &inputs).into_iter();
    sums.map(|sums| sums.into_iter().map(|sum| sum as i64).collect())
        .collect()
}
