//! Which felts of a statement are in which digest of a span.

use cairo_decode::verify::statement::OUTPUT_LEN;
use cairo_decode::wrap::span::{COMMON, FIRST, LAST, Span};
use starknet_types_core::felt::Felt;

#[test]
fn every_felt_but_steps_is_in_one_digest() {
    let output = std::array::from_fn(Felt::from);
    let parts = |output: &[Felt; OUTPUT_LEN]| {
        let Span {
            common,
            first,
            last,
        } = Span::of(output);
        [common, first, last]
    };
    let honest = parts(&output);
    for felt in 0..output.len() {
        let mut other = output;
        other[felt] += Felt::ONE;
        let changed = parts(&other).into_iter().zip(honest).map(|(a, b)| a != b);
        let expected = [COMMON, FIRST, LAST].map(|range| range.contains(&felt));
        assert!(changed.eq(expected), "felt {felt}");
        assert_eq!(expected.contains(&true), felt != 11, "felt {felt}");
    }
}

/// Equal frontiers are equal digests, whether they are at the start or at the end.
#[test]
fn a_frontier_is_one_digest() {
    let output = std::array::from_fn(|i| Felt::from(if i < 17 { i } else { i - 5 }));
    let span = Span::of(&output);
    assert_eq!(span.first, span.last);
}
