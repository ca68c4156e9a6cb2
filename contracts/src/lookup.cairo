//! The public part of the lookups: the circuit's outputs are used by whoever verifies.

#[feature("bounded-int-utils")]
use core::internal::bounded_int::upcast;
use crate::constraints::Lookups;
use crate::fields::m31::{self, M31};
use crate::fields::qm31::{QM31, ZERO, add, inverse, mul_m31, sub};
use crate::layout::GATE_RELATION;

/// Address of the constant u; the outputs follow it.
const U_ADDRESS: u32 = 2;

/// 1 / (relation + α address + α² a + α³ b + α⁴ c + α⁵ d − z).
fn term(lookups: @Lookups, address: u32, value: QM31) -> QM31 {
    let relation = QM31 { a: m31::canonical(GATE_RELATION), b: 0, c: 0, d: 0 };
    let address: M31 = m31::canonical(address);
    let sum = add(relation, mul_m31(*lookups.alpha1, address));
    let sum = add(sum, mul_m31(*lookups.alpha2, value.a));
    let sum = add(sum, mul_m31(*lookups.alpha3, value.b));
    let sum = add(sum, mul_m31(*lookups.alpha4, value.c));
    let sum = add(sum, mul_m31(*lookups.alpha5, value.d));
    inverse(sub(sum, *lookups.z))
}

/// Whether all uses and yields balance: the components' claimed sums, the outputs, the constant u.
pub fn balance(lookups: @Lookups, outputs: [QM31; 2], claimed_sums: Span<QM31>) -> bool {
    let u = QM31 { a: 0, b: 0, c: 1, d: 0 };
    let [first, second] = outputs;
    let mut sum = term(lookups, U_ADDRESS, u);
    sum = add(sum, term(lookups, U_ADDRESS + 1, first));
    sum = add(sum, term(lookups, U_ADDRESS + 2, second));
    for claimed in claimed_sums {
        sum = add(sum, *claimed);
    }
    let _: felt252 = upcast(sum.a);
    sum == ZERO
}
