use crate::calldata_test::packed;
use crate::circle::{Point, from_parameter};
use crate::fields::m31;
use crate::fields::packed::SumTrait;
use crate::fields::qm31::{QM31, from_words};
use crate::vectors::{ANSWERS, COEFFICIENT, OODS, POINTS, ROWS, SAMPLES};
use crate::{circle, quotients};

fn elements(words: Span<u32>) -> Array<QM31> {
    let mut words = words;
    let mut elements = array![];
    while let Some(four) = words.multi_pop_front::<4>() {
        elements.append(from_words((*four).unbox()));
    }
    elements
}

/// The domain's point at a place.
fn point(position: u32) -> Point {
    let point = circle::point_at(22, position / 2);
    if position % 2 == 1 {
        circle::conjugate(point)
    } else {
        point
    }
}

#[test]
fn points_are_the_crates() {
    let mut expected = POINTS.span();
    for position in array![0, 1, 2, 3, 0x123457, 0x7fffff] {
        let Point { x, y } = point(position);
        let [u, v] = (*expected.multi_pop_front::<2>().unwrap()).unbox();
        assert!(m31::word(x) == u && m31::word(y) == v, "place {position}");
    }
}

#[test]
fn answers_are_the_crates() {
    let samples = elements(SAMPLES.span());
    let oods = from_parameter(from_words(OODS));
    let prepared = quotients::prepare(samples.span(), oods, from_words(COEFFICIENT));
    let mut felts = packed(ROWS.span()).span();
    let mut sums = array![SumTrait::new(), SumTrait::new()];
    let mut running = array![];
    let mut tree = 0;
    for powers in array![prepared.fixed, prepared.trace, prepared.interaction, prepared.composition] {
        let mut next = array![];
        for sum in sums {
            let mut sum = sum;
            let mut row = array![];
            quotients::take_row(ref felts, powers, ref row, ref sum);
            if tree == 2 {
                running.append(quotients::running_sums(@prepared, row.span()));
            }
            next.append(sum);
        }
        sums = next;
        tree += 1;
    }
    assert!(felts.is_empty());
    let points = array![point(5), point(0x7abcde)];
    let answers = quotients::answers(@prepared, points.span(), sums.span(), running.span());
    assert!(answers == elements(ANSWERS.span()));
}

/// A point that is its own conjugate has no line through it and its conjugate.
#[test]
#[should_panic(expected: 'quotients: no line')]
fn a_point_of_the_domain_has_no_quotient() {
    let samples = elements(SAMPLES.span());
    let on_domain = from_parameter(from_words([5, 0, 0, 0]));
    quotients::prepare(samples.span(), on_domain, from_words(COEFFICIENT));
}

#[test]
#[should_panic(expected: 'quotients: wrong samples')]
fn all_samples_are_used() {
    let mut samples = elements(SAMPLES.span());
    samples.append(from_words([0, 0, 0, 0]));
    let oods = from_parameter(from_words(OODS));
    quotients::prepare(samples.span(), oods, from_words(COEFFICIENT));
}
