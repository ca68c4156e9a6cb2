//! The memory of tensors: a function from addresses to the values of all lanes.
//!
//! Row: constant address `a`; values `v_0 … v_(L−1)`; multiplicity `m`. `−m · (T, a, v)`.
//!
//! Every access is a use. So two operations that use one address have the same values there; an address without a row
//! cannot be used; and there is no order of accesses to prove. What nobody writes is the prover's choice: the plan
//! excludes it.
//!
//! Cells of a row: `L + 1` and 4.

use super::relations::TENSOR;
use crate::air::row::Row;

/// The constraints of a row.
pub fn evaluate<R: Row>(lanes: usize, row: &mut R) {
    let address = row.constant("address");
    let values = row.values(lanes);
    let multiplicity = row.value();
    row.yields(multiplicity, &tuple::<R>(address, &values));
}

/// Uses the values at an address.
#[track_caller]
pub fn uses<R: Row>(on: R::F, address: R::F, values: &[R::F], row: &mut R) {
    row.uses(on, &tuple::<R>(address, values));
}

fn tuple<R: Row>(address: R::F, values: &[R::F]) -> Vec<R::F> {
    let mut tuple = vec![R::F::from(TENSOR), address];
    tuple.extend_from_slice(values);
    tuple
}
