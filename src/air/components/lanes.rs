//! Single lanes of eight rows of the memory.
//!
//! Row: constants `on`, address `a`; an enabler `e`; values `v_kt` of the rows `a + k`, `k < 8`; a multiplicity `m_t` for each lane.
//! `e (on − e) = 0`, `+e T(a + k, v_k)`, `−e m_t (X, a, t, v_0t … v_7t)`. Without `e` in the multiplicities, a row that is off, whose values nothing
//! binds, could yield a view of its address; two rows with the enablers 1 and −1 would cancel each other's uses and yield a false one.
//!
//! Another view of the memory, and as much a function as the memory is: a tuple `X` is used, never written. So a row that is off
//! leaves out nothing that is used, and needs no chain: rows of blocks that a chunk does not carry are off.
//!
//! Cells of a row: `9 L + 1` and `4 ⌈(L + 8) / 2⌉`.

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
    let enabler = row.value();
    row.zero(enabler.clone() * (on - enabler.clone()));
    let channels: Vec<Vec<R::F>> = (0..CHANNELS).map(|_| row.values(lanes)).collect();
    let multiplicities = row.values(lanes);
    for (k, values) in channels.iter().enumerate() {
        let at = address.clone() + R::F::from(M31::from(k as u32));
        tensor::uses(enabler.clone(), at, values, row);
    }
    for (lane, multiplicity) in multiplicities.into_iter().enumerate() {
        let lane_values: Vec<R::F> = channels.iter().map(|values| values[lane].clone()).collect();
        let lane = R::F::from(M31::from(lane as u32));
        row.yields(
            enabler.clone() * multiplicity,
            &tuple::<R>(address.clone(), lane, &lane_values),
        );
    }
}

/// Uses one lane of the eight rows from an address on.
pub fn uses<R: Row>(on: R::F, address: R::F, lane: R::F, values: &[R::F], row: &mut R) {
    row.uses(on, &tuple::<R>(address, lane, values));
}

fn tuple<R: Row>(address: R::F, lane: R::F, values: &[R::F]) -> Vec<R::F> {
    let mut tuple = vec![R::F::from(LANES), address, lane];
    tuple.extend_from_slice(values);
    tuple
}
