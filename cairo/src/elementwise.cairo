//! Sums and products of two vectors of the same length.

use crate::rope::Finish;
use crate::shift::Shift;

/// `y[i] = a[i] + b[i]`.
pub fn add(a: Span<felt252>, mut b: Span<felt252>) -> Span<felt252> {
    let mut out = array![];
    for a in a {
        out.append(*a + *b.pop_front().unwrap());
    }
    out.span()
}

/// `y[i] = a[i] · b[i]`, rounded and, with a `Saturation`, saturated.
pub fn mul<T, impl S: Shift, +Finish<T>, +Copy<T>, +Drop<T>>(
    a: Span<felt252>, mut b: Span<felt252>, to: T,
) -> Span<felt252> {
    let mut out = array![];
    for a in a {
        out.append(Finish::<T>::finish::<S>(*a * *b.pop_front().unwrap(), to));
    }
    out.span()
}
