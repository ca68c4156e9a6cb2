use super::m31::{self, M31};
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
