//! Steps at consecutive positions, whose products are computed together: a weight is read once for all of them.
//!
//! Everything but the sums of products is the [`reference`](super::reference)'s own, position by position, and the sums are of the same whole numbers.

use rayon::prelude::*;

use super::description::{Description, Matrix};
use super::error::Refusal;
use super::reference::{Carried, finish, matrices};

/// Positions whose sums are computed side by side.
const LANES: usize = 16;

/// Takes in tokens at the next positions, and gives the logits behind each, up to the first position that is refused.
pub fn steps(
    description: &Description,
    carried: &mut Carried,
    tokens: &[u32],
) -> (Vec<Vec<i64>>, Option<Refusal>) {
    let (first, mut count) = (carried.position, tokens.len());
    let mut refusal = None;
    // By operation, by position.
    let mut values: Vec<Vec<Vec<i64>>> = vec![];
    for (number, operation) in description.operations.iter().enumerate() {
        let sums = matrices(description, operation).into_iter();
        let mut sums: Vec<_> = sums
            .map(|(weights, input)| dots(weights, &values[input][..count]).into_iter())
            .collect();
        let mut written = vec![];
        for (place, &token) in tokens[..count].iter().enumerate() {
            carried.position = first + place;
            let before = |input: usize| &values[input][place][..];
            // One vector of each matrix, in order.
            let mut own = sums
                .iter_mut()
                .filter_map(Iterator::next)
                .collect::<Vec<_>>()
                .into_iter();
            let own = &mut |_: &Matrix, _: usize| own.next().unwrap_or_default();
            match finish(description, carried, token, number, (&before, own)) {
                Ok(value) => written.push(value),
                Err(error) => {
                    refusal = Some(error);
                    break;
                }
            }
        }
        count = written.len();
        values.push(written);
    }
    carried.position = first + count;
    let mut logits = values.pop().unwrap_or_default();
    logits.truncate(count);
    (logits, refusal)
}

/// `Σ_j W_ij x_j` of each position's `x`, by position.
fn dots(weights: &Matrix, inputs: &[Vec<i64>]) -> Vec<Vec<i64>> {
    let mut sums = vec![];
    for positions in inputs.chunks(LANES) {
        let mut lanes = vec![[0i64; LANES]; weights.inputs];
        for (lane, x) in positions.iter().enumerate() {
            let channels = lanes.iter_mut().zip(x);
            channels.for_each(|(lanes, &x)| lanes[lane] = x);
        }
        let row = |row: &Vec<i32>| {
            let mut sums = [0i64; LANES];
            for (&weight, lanes) in row.iter().zip(&lanes) {
                let weight = i64::from(weight);
                let pairs = sums.iter_mut().zip(lanes);
                pairs.for_each(|(sum, x)| *sum += weight * x);
            }
            sums
        };
        let rows: Vec<[i64; LANES]> = weights.rows.par_iter().map(row).collect();
        let of_lane = |lane: usize| rows.iter().map(|sums| sums[lane]).collect();
        sums.extend((0..positions.len()).map(of_lane));
    }
    sums
}
