use super::m31::{self, M31};
use super::packed::{self, SumTrait};
use super::qm31::{self, QM31};

#[test]
fn m31_arithmetic_at_the_edges() {
    let top: M31 = 0x7ffffffe;
    assert!(m31::add(top, 1) == 0);
    assert!(m31::sub(0, 1) == top);
    assert!(m31::mul(top, top) == 1);
    assert!(m31::inverse(top) == top);
    assert!(m31::mul(m31::inverse(12345), 12345) == 1);
    assert!(m31::from_word(0xffffffff) == 1);
    assert!(m31::reduce(0x7fffffff * 0x7fffffff + 5) == 5);
}

#[test]
fn fused_operations_at_the_edges() {
    let values: Span<M31> = array![0, 1, 2, 0x40000000, 0x7ffffffd, 0x7ffffffe].span();
    for w in values {
        for x in values {
            for y in values {
                let (w, x, y) = (*w, *x, *y);
                let (wx, yx) = (m31::mul(w, x), m31::mul(y, x));
                assert!(m31::sum_of_products(w, x, y, x) == m31::add(wx, yx));
                assert!(m31::difference_of_products(w, x, y, x) == m31::sub(wx, yx));
                assert!(
                    m31::add_difference_of_products(y, w, x, y, x) == m31::add(y, m31::sub(wx, yx)),
                );
                assert!(m31::mul_sum(w, x, y) == m31::mul(m31::add(w, x), y));
                assert!(m31::mul_difference(w, x, y) == m31::mul(m31::sub(w, x), y));
            }
        }
    }
}

/// A lane holds 2^16 products of the largest numbers.
#[test]
fn packed_sums_do_not_overflow() {
    let top = QM31 { a: 0x7ffffffe, b: 0x7ffffffe, c: 0x7ffffffe, d: 0x7ffffffe };
    let packed = packed::pack(top);
    let mut sum = SumTrait::new();
    // Sixteen times the power, a hundred times: more than a proof's columns.
    for _ in 0..100_u32 {
        sum.include(16 * packed.ac, 16 * packed.bd, 0x7ffffffe);
    }
    let expected: M31 = 1600;
    assert!(sum.value() == QM31 { a: expected, b: expected, c: expected, d: expected });
    let mut sum = packed::COMPLEX_ZERO;
    for _ in 0..10_u32 {
        sum = packed::add_complex(sum, packed, 0x7ffffffe, 3);
    }
    let once = qm31::mul(top, QM31 { a: 0x7ffffffe, b: 3, c: 0, d: 0 });
    assert!(packed::complex_value(sum) == qm31::mul_m31(once, 10));
}

#[test]
fn signed_sums_are_reduced() {
    let wide: felt252 = 0x2000000000000000000000000;
    assert!(packed::reduce_signed(0) == 0);
    assert!(packed::reduce_signed(-1) == 0x7ffffffe);
    // 2^97 = 2^4 mod P.
    assert!(packed::reduce_signed(wide) == 16);
    assert!(packed::reduce_signed(-wide) == 0x7fffffef);
}

#[test]
#[should_panic(expected: 'inverse of zero')]
fn zero_has_no_inverse() {
    m31::inverse(0);
}

#[test]
fn qm31_products() {
    // (a + b i + c u + d i u) as computed by stwo 2.3.0.
    let x = QM31 { a: 1, b: 2, c: 3, d: 4 };
    let y = QM31 { a: 4, b: 5, c: 6, d: 7 };
    // -71 + 93 i - 16 u + 50 i u
    assert!(qm31::mul(x, y) == QM31 { a: 2147483576, b: 93, c: 2147483631, d: 50 });
    let top = QM31 { a: 0x7ffffffe, b: 0x7ffffffe, c: 0x7ffffffe, d: 0x7ffffffe };
    let one = QM31 { a: 1, b: 1, c: 1, d: 1 };
    assert!(qm31::mul(top, top) == qm31::mul(one, one));
    assert!(qm31::mul(x, qm31::inverse(x)) == qm31::ONE);
    assert!(qm31::mul(top, qm31::inverse(top)) == qm31::ONE);
    assert!(qm31::add(qm31::sub(x, y), y) == x);
}

#[test]
fn batch_inverse_is_inverse() {
    let xs: Array<M31> = array![1, 2, 3, 0x7ffffffe, 99];
    let inverses = m31::batch_inverse(xs.span());
    for i in 0..xs.len() {
        assert!(*inverses[i] == m31::inverse(*xs[i]));
    }
}

#[test]
fn gas_of_100_products() {
    let mut x = QM31 { a: 1, b: 2, c: 3, d: 4 };
    for _ in 0..100_u32 {
        x = qm31::mul(x, x);
    }
    assert!(x != qm31::ZERO);
}
