use crate::calldata_test::packed;
use crate::circle::point_at;
use crate::fields::m31::M31;
use crate::fields::qm31::{self, QM31, from_words};
use crate::vectors::{ALPHA, COSET, FOLDED};
use super::{Layer, cosets, fold, fold_cosets, open, verify};

fn folded(place: u32) -> QM31 {
    let mut words = FOLDED.span().slice(4 * place, 4);
    from_words((*words.multi_pop_front::<4>().unwrap()).unbox())
}

/// Every place of a coset leads to the same coset.
#[test]
fn a_circle_coset_folds_as_in_the_crate() {
    for place in array![0_u32, 1, 5, 14, 15] {
        let position = 16 * 0x51234 + place;
        let point = point_at(22, position / 2);
        let found = cosets([position].span(), [point].span(), true);
        assert!(*found.next[0] == point_at(19, 0x51234));
        let values = fold_cosets(COSET.span(), @found, from_words(ALPHA), true);
        assert!(values == array![folded(0)], "place {place}");
    }
}

#[test]
fn line_cosets_fold_as_in_the_crate() {
    let mut which = 1;
    for log_size in array![19_u32, 15, 7] {
        let index = if log_size == 7 {
            0x1234 % 8
        } else {
            0x1234 % 0x800
        };
        let index = if log_size == 19 {
            0x1234
        } else {
            index
        };
        for place in array![0_u32, 9, 15] {
            let position = 16 * index + place;
            let found = cosets([position].span(), [point_at(log_size, position)].span(), false);
            if log_size != 7 {
                assert!(*found.next[0] == point_at(log_size - 4, index));
            }
            let values = fold_cosets(COSET.span(), @found, from_words(ALPHA), false);
            assert!(values == array![folded(which)], "2^{log_size}, place {place}");
        }
        which += 1;
    }
}

/// Two positions of one coset are one coset.
#[test]
fn positions_share_cosets() {
    let points = [point_at(19, 33), point_at(19, 40), point_at(19, 64)];
    let found = cosets([33, 40, 64].span(), points.span(), false);
    assert!(found.next == array![point_at(15, 2), point_at(15, 4)]);
}

/// f₀ + f₁ + α (f₀ − f₁) t.
fn step(f0: QM31, f1: QM31, t: M31, alpha: QM31) -> QM31 {
    let odd = qm31::mul(qm31::mul_m31(qm31::sub(f0, f1), t), alpha);
    qm31::add(qm31::add(f0, f1), odd)
}

/// The one reduction at the end holds the largest sums, of both signs.
#[test]
fn four_values_fold_like_two_steps() {
    let top = from_words([0x7ffffffe, 0x7ffffffe, 0x7ffffffe, 0x7ffffffe]);
    let zero = qm31::ZERO;
    let mixed = from_words([0, 0x7ffffffe, 1, 0x40000000]);
    let twiddles: Array<M31> = array![0x7ffffffe, 1, 0x40000001];
    for alpha in array![top, mixed, qm31::ONE] {
        let alpha2 = qm31::mul(alpha, alpha);
        for t in twiddles.span() {
            for (p, q, r, s) in array![
                (top, top, top, top), (top, zero, top, zero), (zero, top, zero, top),
                (top, zero, zero, top), (zero, top, top, zero), (mixed, top, zero, mixed),
            ] {
                let two = step(step(p, q, *t, alpha), step(r, s, 5, alpha), *t, alpha2);
                let four = fold::fold_four(fold::words_of(p, q, r, s), *t, 5, *t, fold::factors(alpha));
                assert!(two == four);
            }
        }
    }
}

fn layer(words: Span<u32>) -> Layer {
    Layer {
        commitment: [0; 8],
        alpha: from_words(ALPHA),
        values: packed(words).span(),
        n_values: words.len() / 4,
        witness: array![].span(),
    }
}

/// Words of the elements (n, n, n, n) for n from `first` on.
fn ramp(first: u32, n: u32) -> Array<u32> {
    let mut words = array![];
    for i in first..first + n {
        words.append_span([i, i, i, i].span());
    }
    words
}

#[test]
fn known_values_take_their_places() {
    // Places 3 and 4 of coset 0, 15 of coset 2, 0 of coset 3.
    let evals = array![
        from_words([503, 503, 503, 503]), from_words([504, 504, 504, 504]),
        from_words([515, 515, 515, 515]), from_words([500, 500, 500, 500]),
    ];
    let values = ramp(0, 44);
    let opened = open(@layer(values.span()), [3, 4, 47, 48].span(), evals.span());
    assert!(opened.indices == array![0, 2, 3]);
    let mut expected = array![];
    expected.append_span(ramp(0, 3).span());
    expected.append_span(ramp(503, 2).span());
    expected.append_span(ramp(3, 26).span());
    expected.append_span(ramp(515, 1).span());
    expected.append_span(ramp(500, 1).span());
    expected.append_span(ramp(29, 15).span());
    assert!(opened.values == expected);
}

#[test]
#[should_panic(expected: 'proof: too short')]
fn a_missing_value_is_refused() {
    open(@layer(ramp(0, 13).span()), [3].span(), array![from_words([1, 1, 1, 1])].span());
}

#[test]
#[should_panic(expected: 'proof: unused values')]
fn an_unused_value_is_refused() {
    open(@layer(ramp(0, 16).span()), [3].span(), array![from_words([1, 1, 1, 1])].span());
}

/// Not even in the half of a felt that is not used.
#[test]
#[should_panic(expected: 'proof: padding not zero')]
fn a_hidden_value_is_refused() {
    let mut layer = layer(ramp(1, 16).span());
    layer.n_values = 15;
    open(@layer, [3].span(), array![from_words([1, 1, 1, 1])].span());
}

#[test]
#[should_panic(expected: 'fri: wrong last layer')]
fn the_last_value_is_the_constant() {
    let (one, two) = (from_words([1, 0, 0, 0]), from_words([2, 0, 0, 0]));
    verify(
        array![].span(), array![].span(), [0, 1].span(), array![].span(), array![one, two], one,
    );
}

#[test]
#[should_panic(expected: 'proof: unused values')]
fn the_witness_is_used_up() {
    let mut layer = layer(ramp(1, 15).span());
    layer.witness = [1, 2, 3, 4].span();
    let paths = crate::merkle::paths([3].span(), 7);
    verify(
        [layer].span(),
        paths.span(),
        [3].span(),
        [point_at(22, 1)].span(),
        array![from_words([1, 1, 1, 1])],
        from_words([0, 0, 0, 0]),
    );
}

#[test]
#[should_panic(expected: 'fri: wrong root')]
fn values_are_in_the_tree() {
    let mut layer = layer(ramp(1, 15).span());
    layer.witness = [1, 2, 3].span();
    let paths = crate::merkle::paths([3].span(), 7);
    verify(
        [layer].span(),
        paths.span(),
        [3].span(),
        [point_at(22, 1)].span(),
        array![from_words([1, 1, 1, 1])],
        from_words([0, 0, 0, 0]),
    );
}
