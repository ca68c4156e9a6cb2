//! Single lanes of eight rows of the memory.
//!
//! Row: constants `on`, address `a`; values `v_kt` of the rows `a + k`, `k < 8`; a multiplicity `m_t` for each lane.
//! `+T(a + k, v_k)`, `−on · m_t · (X, a, t, v_0t … v_7t)`. Without `on`, a row of padding, whose values nothing binds, could
//! yield a view of its address.
//!
//! Another view of the memory, and as much a function as the memory is: a tuple `X` is used, never written.
//!
//! Cells of a row: `9 L` and `4 ⌈(L + 8) / 2⌉`.

use stwo::core::fields::m31::M31;

use super::relations::LANES;
use super::tensor;
use crate::air::row::Row;

/// Rows of the memory that a view holds.
pub const CHANNELS: usize = 8;

/// The constraints of a row.
pub fn evaluate<R: Row>(lanes: usize, row: &mut R) {
    let on = row.constant("on");
    let address = row.constant("address");
    views(lanes, on, address, row);
}

/// The views of the eight rows from an address on, of a row that is on or not.
pub(super) fn views<R: Row>(lanes: usize, on: R::F, address: R::F, row: &mut R) {
    let channels: Vec<Vec<R::F>> = (0..CHANNELS).map(|_| row.values(lanes)).collect();
    let multiplicities = row.values(lanes);
    for (k, values) in channels.iter().enumerate() {
        let at = address.clone() + R::F::from(M31::from(k as u32));
        tensor::uses(on.clone(), at, values, row);
    }
    for (lane, multiplicity) in multiplicities.into_iter().enumerate() {
        let lane_values: Vec<R::F> = channels.iter().map(|values| values[lane].clone()).collect();
        let lane = R::F::from(M31::from(lane as u32));
        row.yields(
            on.clone() * multiplicity,
            &tuple::<R>(address.clone(), lane, &lane_values),
        );
    }
}

/// Uses one lane of the eight rows from an address on.
#[track_caller]
pub fn uses<R: Row>(on: R::F, address: R::F, lane: R::F, values: &[R::F], row: &mut R) {
    row.uses(on, &tuple::<R>(address, lane, values));
}

fn tuple<R: Row>(address: R::F, lane: R::F, values: &[R::F]) -> Vec<R::F> {
    let mut tuple = vec![R::F::from(LANES), address, lane];
    tuple.extend_from_slice(values);
    tuple
}
