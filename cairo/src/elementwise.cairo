//! Sums and products of two vectors of the same length.
//!
//! The codes of the functions that append are in `src/casm/elementwise.rs`.

/// `y[i] = a[i] + b[i]`.
#[inline(never)]
pub fn add(a: Span<felt252>, b: Span<felt252>) -> Span<felt252> {
    let mut out = array![];
    append_sums(a, b, ref out);
    out.span()
}

/// `y[i] = a[i] · b[i]`, exact: a rounding follows.
#[inline(never)]
pub fn mul(a: Span<felt252>, b: Span<felt252>) -> Span<felt252> {
    let mut out = array![];
    append_products(a, b, ref out);
    out.span()
}

/// `y[i] = x[i] · factor`.
#[inline(never)]
pub fn scale(xs: Span<felt252>, factor: felt252) -> Span<felt252> {
    let mut out = array![];
    append_multiples(xs, factor, ref out);
    out.span()
}

/// Appends `a[i] + b[i]`.
#[inline(never)]
fn append_sums(a: Span<felt252>, b: Span<felt252>, ref out: Array<felt252>) {
    if !a.is_empty() {
        append_sums(a, b, ref out);
    }
}

/// Appends `a[i] · b[i]`.
#[inline(never)]
fn append_products(a: Span<felt252>, b: Span<felt252>, ref out: Array<felt252>) {
    if !a.is_empty() {
        append_products(a, b, ref out);
    }
}

/// Appends `x[i] · factor`.
#[inline(never)]
fn append_multiples(xs: Span<felt252>, factor: felt252, ref out: Array<felt252>) {
    if !xs.is_empty() {
        append_multiples(xs, factor, ref out);
    }
}
