use crate::channel::{Channel, ChannelTrait};
use crate::circle::{from_parameter, repeated_double_x};
use crate::constraints::{Lookups, evaluate};
use crate::constraints_vectors::{COMPOSITIONS, LAST_SUMS};
use crate::fields::m31;
use crate::fields::qm31::{ONE, QM31, add, from_words, mul, mul_m31};
use crate::{layout, lookup};

/// What the vectors' seed draws.
#[derive(Drop)]
pub struct Assignment {
    pub samples: Array<QM31>,
    pub claimed_sums: Array<QM31>,
    pub lookups: Lookups,
    pub gamma: QM31,
    /// The vanishing polynomial at the drawn point.
    pub vanishing: QM31,
}

fn draw_many(ref channel: Channel, n: u32) -> Array<QM31> {
    let mut drawn = array![];
    while drawn.len() < n {
        let (x, y) = channel.draw_two_secure();
        drawn.append(x);
        if drawn.len() < n {
            drawn.append(y);
        }
    }
    drawn
}

pub fn assignment(seed: u64) -> Assignment {
    let mut channel = ChannelTrait::new();
    channel.mix_u64(seed);
    let samples = draw_many(ref channel, layout::SAMPLES);
    let claimed_sums = draw_many(ref channel, layout::COMPONENTS);
    let (z, alpha) = channel.draw_two_secure();
    let gamma = channel.draw_secure();
    let oods = from_parameter(channel.draw_secure());
    let alpha2 = mul(alpha, alpha);
    let alpha3 = mul(alpha2, alpha);
    let alpha4 = mul(alpha3, alpha);
    let alpha5 = mul(alpha4, alpha);
    Assignment {
        samples,
        claimed_sums,
        lookups: Lookups { z, alpha1: alpha, alpha2, alpha3, alpha4, alpha5 },
        gamma,
        vanishing: repeated_double_x(oods.x, layout::LOG_TRACE - 1),
    }
}

fn shifts(claimed_sums: Span<QM31>) -> Array<QM31> {
    let mut shifts = array![];
    let mut scales = layout::ROWS_INVERSE.span();
    for sum in claimed_sums {
        shifts.append(mul_m31(*sum, m31::canonical(*scales.pop_front().unwrap())));
    }
    shifts
}

/// Adds one to an element.
pub fn changed(values: Span<QM31>, place: u32) -> Array<QM31> {
    let mut new = array![];
    new.append_span(values.slice(0, place));
    new.append(add(*values[place], ONE));
    new.append_span(values.slice(place + 1, values.len() - place - 1));
    new
}

#[test]
fn compositions_are_the_crates() {
    let mut seed = 1;
    for expected in COMPOSITIONS.span() {
        let given = assignment(seed);
        let shifts = shifts(given.claimed_sums.span());
        let found = evaluate(given.samples.span(), @given.lookups, shifts.span(), given.gamma);
        assert!(found == mul(from_words(*expected), given.vanishing), "seed {seed}");
        seed += 1;
    }
}

/// Another value in any one of these samples gives another value.
fn samples_count(first: u32, end: u32) {
    let given = assignment(1);
    let samples = given.samples.span();
    let shifts = shifts(given.claimed_sums.span());
    let before = evaluate(samples, @given.lookups, shifts.span(), given.gamma);
    for place in first..end {
        let other = changed(samples, place);
        let after = evaluate(other.span(), @given.lookups, shifts.span(), given.gamma);
        assert!(after != before, "sample {place}");
    }
}

/// Two tests, because one would take more gas than a test can have.
#[test]
fn every_fixed_and_trace_sample_counts() {
    samples_count(0, layout::FIXED + layout::TRACE);
}

#[test]
fn every_interaction_sample_counts() {
    samples_count(layout::FIXED + layout::TRACE, layout::SAMPLES - layout::COMPOSITION);
}

#[test]
fn every_claimed_sum_and_challenge_counts() {
    let given = assignment(1);
    let samples = given.samples.span();
    let shifts = shifts(given.claimed_sums.span()).span();
    let before = evaluate(samples, @given.lookups, shifts, given.gamma);
    for place in 0..layout::COMPONENTS {
        let other = changed(shifts, place);
        let after = evaluate(samples, @given.lookups, other.span(), given.gamma);
        assert!(after != before, "claimed sum {place}");
    }
    let Lookups { z, alpha1, alpha2, alpha3, alpha4, alpha5 } = given.lookups;
    for other in array![
        Lookups { z: add(z, ONE), alpha1, alpha2, alpha3, alpha4, alpha5 },
        Lookups { z, alpha1: add(alpha1, ONE), alpha2, alpha3, alpha4, alpha5 },
        Lookups { z, alpha1, alpha2: add(alpha2, ONE), alpha3, alpha4, alpha5 },
        Lookups { z, alpha1, alpha2, alpha3: add(alpha3, ONE), alpha4, alpha5 },
        Lookups { z, alpha1, alpha2, alpha3, alpha4: add(alpha4, ONE), alpha5 },
        Lookups { z, alpha1, alpha2, alpha3, alpha4, alpha5: add(alpha5, ONE) },
    ] {
        assert!(evaluate(samples, @other, shifts, given.gamma) != before);
    }
    assert!(evaluate(samples, @given.lookups, shifts, add(given.gamma, ONE)) != before);
}

/// The outputs and claimed sums of an assignment, its last sum replaced by the one that balances.
fn balanced(seed: u64, last: [u32; 4]) -> (Lookups, [QM31; 2], Array<QM31>) {
    let given = assignment(seed);
    let mut sums = array![];
    sums.append_span(given.claimed_sums.span().slice(0, layout::COMPONENTS - 1));
    sums.append(from_words(last));
    (given.lookups, [*given.samples[0], *given.samples[1]], sums)
}

#[test]
fn balances_are_the_crates() {
    let mut seed = 1;
    for last in LAST_SUMS.span() {
        let (lookups, outputs, sums) = balanced(seed, *last);
        assert!(lookup::balance(@lookups, outputs, sums.span()), "seed {seed}");
        seed += 1;
    }
}

#[test]
fn outputs_and_sums_count_for_the_balance() {
    let [last, _, _] = LAST_SUMS;
    let (lookups, outputs, sums) = balanced(1, last);
    let sums = sums.span();
    for place in 0..layout::COMPONENTS {
        assert!(!lookup::balance(@lookups, outputs, changed(sums, place).span()), "sum {place}");
    }
    assert!(!lookup::balance(@lookups, outputs, sums.slice(0, layout::COMPONENTS - 1)));
    let [x, y] = outputs;
    let QM31 { a, b, c, d } = x;
    for other in array![
        QM31 { a: m31::add(a, 1), b, c, d },
        QM31 { a, b: m31::add(b, 1), c, d },
        QM31 { a, b, c: m31::add(c, 1), d },
        QM31 { a, b, c, d: m31::add(d, 1) },
    ] {
        assert!(!lookup::balance(@lookups, [other, y], sums));
    }
    assert!(!lookup::balance(@lookups, [x, add(y, ONE)], sums));
    assert!(!lookup::balance(@lookups, [y, x], sums));
    let other = Lookups { z: add(lookups.z, ONE), ..lookups };
    assert!(!lookup::balance(@other, outputs, sums));
}
