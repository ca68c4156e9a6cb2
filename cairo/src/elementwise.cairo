//! Sums and products of two vectors of the same length.

/// `y[i] = a[i] + b[i]`.
#[inline(never)]
pub fn add(mut a: Span<felt252>, mut b: Span<felt252>) -> Span<felt252> {
    let mut out = array![];
    while let Some(a) = a.pop_front() {
        out.append(*a + *b.pop_front().unwrap());
    }
    out.span()
}

/// `y[i] = a[i] · b[i]`, exact: a rounding follows.
#[inline(never)]
pub fn mul(mut a: Span<felt252>, mut b: Span<felt252>) -> Span<felt252> {
    let mut out = array![];
    while let Some(a) = a.pop_front() {
        out.append(*a * *b.pop_front().unwrap());
    }
    out.span()
}

/// `y[i] = x[i] · factor`.
#[inline(never)]
pub fn scale(mut xs: Span<felt252>, factor: felt252) -> Span<felt252> {
    let mut out = array![];
    while let Some(x) = xs.pop_front() {
        out.append(*x * factor);
    }
    out.span()
}
