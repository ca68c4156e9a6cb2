//! Sums and products of two vectors of the same length.

use crate::requantize::Finish;

/// `y[i] = a[i] + b[i]`.
#[inline(never)]
pub fn add(mut a: Span<felt252>, mut b: Span<felt252>) -> Span<felt252> {
    let mut out = array![];
    while let Some(a) = a.multi_pop_front::<4>() {
        let [a0, a1, a2, a3] = (*a).unbox();
        let [b0, b1, b2, b3] = (*b.multi_pop_front::<4>().unwrap()).unbox();
        out.append(a0 + b0);
        out.append(a1 + b1);
        out.append(a2 + b2);
        out.append(a3 + b3);
    }
    for a in a {
        out.append(*a + *b.pop_front().unwrap());
    }
    out.span()
}

/// `y[i] = a[i] · b[i]`, rounded and, with a `Saturation`, saturated.
#[inline(never)]
pub fn mul<T, +Finish<T>, +Drop<T>>(
    mut a: Span<felt252>, mut b: Span<felt252>, to: T,
) -> Span<felt252> {
    let mut out = array![];
    while let Some(a) = a.multi_pop_front::<4>() {
        let [a0, a1, a2, a3] = (*a).unbox();
        let [b0, b1, b2, b3] = (*b.multi_pop_front::<4>().unwrap()).unbox();
        out.append(a0 * b0);
        out.append(a1 * b1);
        out.append(a2 * b2);
        out.append(a3 * b3);
    }
    for a in a {
        out.append(*a * *b.pop_front().unwrap());
    }
    Finish::finish(out.span(), to)
}

/// `y[i] = x[i] · factor`.
#[inline(never)]
pub fn scale(mut xs: Span<felt252>, factor: felt252) -> Span<felt252> {
    let mut out = array![];
    while let Some(four) = xs.multi_pop_front::<4>() {
        let [x0, x1, x2, x3] = (*four).unbox();
        out.append(x0 * factor);
        out.append(x1 * factor);
        out.append(x2 * factor);
        out.append(x3 * factor);
    }
    for x in xs {
        out.append(*x * factor);
    }
    out.span()
}
