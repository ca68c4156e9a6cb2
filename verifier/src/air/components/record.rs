//! The blocks of records: what keys and values of positions are in the root of all positions ([`spec::record`](crate::spec::record)).
//!
//! Row: a block of a position's record. Constants: `on`; the row's number `i`; the position's lane `t`; the addresses `a_k` of the
//! block's views, and for each of them `bits` and `2^(bits − 1)`; `last`, 1 in the last row of a lane of the chunk's own, and the address `r` of the roots; `more`, 0 in the very last
//! of these rows, else 1. Values: an enabler `e`; the root `d` before the row and the root `d'` behind it; the block's values `v`.
//!
//! ```text
//! e (on − e) = 0
//! +e (X, a_k, t, v_8k … v_(8k+7))      +e R(bits_k, v + 2^(bits_k − 1)) for each of these values
//! +e (P, d, b, d')                      b_j = Σ_k (v_(n j + k) + half) 2^(bits k), n values of an element
//! +e (Q, i, d)   −e more (Q, i + 1, d')
//! +last (X, r, t, d')
//! ```
//!
//! *Which rows are on.* Rows of carried positions are numbered from 0 on, those of the chunk's own lanes from [`OWN`] on, both without
//! a gap, and no two rows that are on have one number. [`roots`](super::roots) yields the tuples of the numbers 0 and `OWN`, and uses
//! the one of the first carried row that is off. What is yielded with a number is used with it, so row by row: the own rows are on,
//! and so are the carried rows before that one, and no others. Numbers and views' addresses are constant: no position can be left
//! out, added or moved. Rows of padding are off: two of them with the enablers 1
//! and −1 would yield what no row yields.
//!
//! *One reading.* Carried values come from the prover. A root determines the elements of all blocks, and the ranges make an element's
//! values unique, as no view has more bits than the packing. A view has as many as its own tensor's proven range needs, or as that is checked to have: attention's ranges are made of these. A record that does not fill its last block has its first views there again.
//!
//! Cells of a row with `n` values in an element: `17 + 16 n`, and `4 (9 n + 2)`.

use stwo::core::fields::m31::M31;

use super::lanes::{self, CHANNELS};
use super::relations::RECORDS;
use super::{compress, range};
use crate::air::row::Row;
use crate::spec::poseidon2::DIGEST;
use crate::spec::record::Packing;

/// The number of the first own row. Carried rows have smaller numbers.
pub const OWN: u32 = 1 << 30;

/// Columns before a row's values: the enabler, two roots.
pub const BEFORE_VALUES: usize = 1 + 2 * DIGEST;

/// The constraints of a row.
pub fn evaluate<R: Row>(packing: Packing, row: &mut R) {
    let [on, number, lane] = ["on", "number", "lane"].map(|name| row.constant(name));
    let views = row.constants("view", packing.values_of_block() / CHANNELS);
    let bits = row.constants("bits", views.len());
    let offsets = row.constants("offset", views.len());
    let [last, roots, more] = ["last", "roots", "more"].map(|name| row.constant(name));
    let enabler = row.value();
    let [before, behind] = [0; 2].map(|_| row.values(DIGEST));
    let values = row.values(packing.values_of_block());
    row.zero(enabler.clone() * (on - enabler.clone()));

    for (address, values) in views.into_iter().zip(values.chunks(CHANNELS)) {
        lanes::uses(enabler.clone(), address, lane.clone(), values, row);
    }
    let views = values.chunks(CHANNELS).zip(bits.into_iter().zip(offsets));
    for (values, (bits, offset)) in views {
        for value in values {
            let shifted = value.clone() + offset.clone();
            range::within(enabler.clone(), bits.clone(), shifted, row);
        }
    }
    let half = R::F::from(M31::from(packing.half() as u32));
    let shifted: Vec<R::F> = values
        .into_iter()
        .map(|value| value + half.clone())
        .collect();
    let elements = shifted.chunks(packing.values());
    let block: Vec<R::F> = elements
        .map(|values| element::<R>(packing, values))
        .collect();
    compress::uses(enabler.clone(), &before, &block, &behind, row);
    uses(enabler.clone(), number.clone(), &before, row);
    let next = number + R::F::from(M31::from(1));
    yields(enabler * more, next, &behind, row);
    lanes::uses(last, roots, lane, &behind, row);
}

/// An element of a block.
fn element<R: Row>(packing: Packing, values: &[R::F]) -> R::F {
    let mut sum = values[0].clone();
    for (k, value) in values.iter().enumerate().skip(1) {
        sum = sum + value.clone() * M31::from(1 << (packing.bits() * k as u32));
    }
    sum
}

/// Takes the root before a row.
#[track_caller]
pub fn uses<R: Row>(on: R::F, number: R::F, root: &[R::F], row: &mut R) {
    row.uses(on, &tuple::<R>(number, root));
}

/// Hands the root before a row over.
#[track_caller]
pub fn yields<R: Row>(on: R::F, number: R::F, root: &[R::F], row: &mut R) {
    row.yields(on, &tuple::<R>(number, root));
}

fn tuple<R: Row>(number: R::F, root: &[R::F]) -> Vec<R::F> {
    [&[R::F::from(RECORDS), number], root].concat()
}
