//! Compressions of digests: one permutation of Poseidon2 in each row ([`spec::poseidon2`](crate::spec::poseidon2)).
//!
//! Row: a digest `d` of 8 elements, a block `b` of 16; for each power `x^5` of the permutation the columns `q` and `y`, in order; a
//! multiplicity `m`. `x` is made of the columns before it by the layers and the constants of the rounds, and is no column:
//!
//! ```text
//! q − x² = 0     y − q² x = 0
//! −m · (P, d, b, d + the first 8 elements behind the last layer)
//! ```
//!
//! The constraints hold in all rows, those of padding included, which are compressions of zeros. So whatever a row yields is true,
//! and a row that nobody uses is no harm: there is no flag and no constant column.
//!
//! A constraint has degree 3, so `x^5` needs one column beside its result. `q` is the square, as a cube in its place would cost the
//! same.
//!
//! Cells of a row: `24 + 2 · 214 + 1`, and 4.

use stwo::core::fields::m31::M31;

use super::relations::COMPRESS;
use crate::air::row::{Base, Row};
use crate::spec::poseidon2::{CONSTANTS, DIGEST, RATE, WIDTH};

/// The multiplicity's column.
pub const MULTIPLICITY: usize = WIDTH + 2 * crate::spec::poseidon2::POWERS;

/// The constraints of a row.
pub fn evaluate<R: Row>(row: &mut R) {
    let digest = row.values(DIGEST);
    let block = row.values(RATE);
    let mut state = [&digest[..], &block].concat();
    full_layer(&mut state);
    for (half, rounds) in CONSTANTS.full.iter().enumerate() {
        if half == 1 {
            for &constant in &CONSTANTS.partial {
                state[0] = power(state[0].clone(), constant, row);
                partial_layer(&mut state);
            }
        }
        for round in rounds {
            for (element, &constant) in state.iter_mut().zip(round) {
                *element = power(element.clone(), constant, row);
            }
            full_layer(&mut state);
        }
    }
    let sums = state.into_iter().zip(&digest);
    let next: Vec<R::F> = sums.map(|(element, old)| element + old.clone()).collect();
    let multiplicity = row.value();
    row.yields(multiplicity, &tuple::<R>(&digest, &block, &next));
}

/// Requires `next` to be the compression of a digest and a block.
#[track_caller]
pub fn uses<R: Row>(on: R::F, digest: &[R::F], block: &[R::F], next: &[R::F], row: &mut R) {
    row.uses(on, &tuple::<R>(digest, block, next));
}

fn tuple<R: Row>(digest: &[R::F], block: &[R::F], next: &[R::F]) -> Vec<R::F> {
    [&[R::F::from(COMPRESS)], digest, block, next].concat()
}

/// `(x + constant)^5`: columns `q`, `y`.
fn power<R: Row>(x: R::F, constant: u32, row: &mut R) -> R::F {
    let x = x + R::F::from(M31::from(constant));
    let [square, result] = [0; 2].map(|_| row.value());
    row.zero(square.clone() - x.clone() * x.clone());
    row.zero(result.clone() - square.clone() * square * x);
    result
}

fn sum<F: Base>(values: impl Iterator<Item = F>) -> F {
    values
        .reduce(|sum, value| sum + value)
        .unwrap_or(F::from(M31::from(0)))
}

/// The matrix of full rounds.
fn full_layer<F: Base>(state: &mut [F]) {
    for four in state.chunks_mut(4) {
        let old = four.to_vec();
        let all = sum(old.iter().cloned());
        for (i, element) in four.iter_mut().enumerate() {
            // 2, 3, 1, 1 from the element on.
            let [own, next] = [i, (i + 1) % 4].map(|i| old[i].clone());
            *element = all.clone() + own + next.clone() + next;
        }
    }
    let sums: Vec<F> = (0..4)
        .map(|i| sum(state.iter().skip(i).step_by(4).cloned()))
        .collect();
    for (i, element) in state.iter_mut().enumerate() {
        *element = element.clone() + sums[i % 4].clone();
    }
}

/// The matrix of partial rounds.
fn partial_layer<F: Base>(state: &mut [F]) {
    let all = sum(state.iter().cloned());
    for (i, element) in state.iter_mut().enumerate() {
        *element = match i {
            0 => all.clone() - element.clone() - element.clone(),
            1 => all.clone() + element.clone(),
            _ => all.clone() + element.clone() * M31::from(1 << (i - 1)),
        };
    }
}
