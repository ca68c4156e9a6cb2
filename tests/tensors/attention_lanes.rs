//! Lies about what lanes make of keys: scores, weights, sums, reciprocals, probabilities, mixtures. Each is accepted but for one constraint, one
//! relation or the sum, which the test names.

use cairo_decode::air::challenges::Kind;
use cairo_decode::air::components::attend::ROW_VALUES;
use cairo_decode::air::components::relations::{FUNCTION, LANES as VIEWS, RANGE, TENSOR};

use crate::LANES;
use crate::attention_lie::of_lane::*;
use crate::attention_lie::{DIM, Lie, MIXED, MIXED_SHIFT, Read, SHIFT, chunk, read_column};
use crate::balance::Misfit;

/// What follows from an honest row is what an honest row has; otherwise the lies below would say nothing.
#[test]
fn what_follows_from_no_lie_is_accepted() {
    for before in [&[][..], &[1, 2, 3, 0, 1]] {
        let chunk = chunk(4, MIXED, before);
        for head in 0..4 {
            for lane in 0..LANES {
                let mut lie = Lie::new(&chunk);
                lie.settle(head, lane, 0);
                lie.attains(head, lane, 0);
                assert_eq!(lie.witness.tables, chunk.witness.tables);
            }
        }
        Lie::new(&chunk).accepted("no lie");
    }
}

/// Attack: a weight that the table does not have for its distance, with the sum, the reciprocal and the results that follow. Stopped by: the table.
#[test]
fn requirement_13_another_weight() {
    let chunk = chunk(4, MIXED, &[]);
    let mut lie = Lie::new(&chunk);
    lie.set_at(1, 1, WEIGHT, 20_000);
    lie.settle(0, 1, 0);
    lie.refused_by(&[FUNCTION], "a weight");
}

/// Attack: the weight of another distance. Stopped by: `x = c d`.
#[test]
fn requirement_13_the_weight_of_another_distance() {
    let chunk = chunk(4, MIXED, &[]);
    let mut lie = Lie::new(&chunk);
    let weight = chunk.plan.tables[0].values[500].into();
    lie.set_at(0, 1, VISIBLE, 500);
    lie.set_at(0, 1, WEIGHT, weight);
    lie.settle(0, 1, 0);
    lie.refused_in("attend", &[0], "another distance");
}

/// Attack: a weight that is 0 though its key is near. Stopped by: `y = c f`; and with another second limb, by the range of the first one, which
/// the table of weights is.
#[test]
fn a_weight_that_is_0_though_its_key_is_near() {
    let chunk = chunk(4, MIXED, &[]);
    let mut lie = Lie::new(&chunk);
    lie.set_at(0, 1, NEAR, 0);
    lie.settle(0, 1, 0);
    lie.refused_in("attend", &[0], "another flag");

    let mut lie = Lie::new(&chunk);
    let low = lie.at(0, 1, LOW) - (1 << 16);
    for (which, value) in [(LOW, low), (VISIBLE, low), (HIGH, 1), (FLAG, 0), (NEAR, 0)] {
        lie.set_at(0, 1, which, value);
    }
    lie.settle(0, 1, 0);
    lie.refused_by(&[FUNCTION], "another second limb");
}

/// Attack: a weight that is not 0 though its key is far. Stopped by: the table of the second limb.
#[test]
fn a_weight_that_is_not_0_though_its_key_is_far() {
    let chunk = chunk(4, MIXED, &[]);
    let mut lie = Lie::new(&chunk);
    assert_eq!(lie.at(2, 3, HIGH), 1);
    for which in [FLAG, NEAR] {
        lie.set_at(2, 3, which, 1);
    }
    lie.settle(0, 3, 0);
    lie.refused_by(&[FUNCTION], "the second limb");
}

/// Attack: a distance and a rest that say the same score in another way, so that the key has the weight of the next distance. Stopped by: the
/// rest's range.
#[test]
fn requirement_12_another_rest_of_a_distance() {
    let chunk = chunk(4, MIXED, &[]);
    let mut lie = Lie::new(&chunk);
    let low = lie.at(0, 1, LOW) + 1;
    lie.set_at(0, 1, LOW, low);
    lie.set_at(0, 1, VISIBLE, low);
    let rest = lie.at(0, 1, REST) - (1 << SHIFT);
    lie.set_at(0, 1, REST, rest);
    let weight = chunk.plan.tables[0].values[low as usize].into();
    lie.set_at(0, 1, WEIGHT, weight);
    lie.settle(0, 1, 0);
    lie.refused_by(&[RANGE], "a rest");
}

/// Attack: another score of a key. Stopped by: the sum of scores.
#[test]
fn requirement_08_another_score() {
    let chunk = chunk(4, MIXED, &[]);
    let mut lie = Lie::new(&chunk);
    let rest = lie.at(0, 1, REST);
    lie.set_at(0, 1, REST, rest - 1);
    lie.refused_by_the_sum("a score");
}

/// Attack: a maximum that no key has, half a unit off: all distances stay the same. Stopped by: `a (M − S) = 0`; and without the flag, by the
/// sum of flags.
#[test]
fn requirement_09_a_maximum_that_is_not_attained() {
    let chunk = chunk(4, MIXED, &[]);
    let half = 1 << (SHIFT - 1);
    let mut lie = Lie::new(&chunk);
    lie.attains(0, 0, half);
    lie.refused_in("attend", &[0], "half a unit");
    let mut lie = Lie::new(&chunk);
    lie.attains(0, 0, half);
    lie.set_at(0, 0, ATTAINED, 0);
    lie.refused_by_the_sum("half a unit, attained by no key");
}

/// Attack: a maximum that a key has, but not the largest. The sums of flags and of weights are those of the true one. Stopped by: no weight for
/// a negative distance.
#[test]
fn requirement_09_a_maximum_that_is_too_small() {
    let chunk = chunk(4, MIXED, &[]);
    let mut lie = Lie::new(&chunk);
    // Lane 1 has the scores 0 and 100.
    assert_eq!([lie.at(0, 1, REST), lie.at(1, 1, REST)], [100, 0]);
    lie.attains(0, 1, -100);
    lie.set_at(0, 1, ATTAINED, 1);
    lie.set_at(1, 1, ATTAINED, 0);
    lie.refused_by(&[FUNCTION], "too small");
}

/// Attack: a sum of weights that is not the keys', with the reciprocal of it. Stopped by: the sum of weights. And the reciprocal of another sum
/// than the one that is claimed: by the memory.
#[test]
fn requirement_09_another_sum_of_weights() {
    let chunk = chunk(4, MIXED, &[]);
    let mut lie = Lie::new(&chunk);
    lie.settle(0, 1, 5);
    lie.refused_by_the_sum("a sum");

    let mut lie = Lie::new(&chunk);
    let honest = lie.witness.tables[chunk.index("softmax")].clone();
    lie.settle(0, 1, 3_000);
    let softmax = chunk.index("softmax");
    lie.witness.tables[softmax] = honest;
    lie.refused_by(&[TENSOR], "another reciprocal");
}

/// Attack: a maximum that no key has, and a sum of weights that is smaller by one. The two errors cancel. Stopped by: a factor for each of the
/// two sums.
#[test]
fn an_error_of_one_sum_in_another() {
    let chunk = chunk(4, MIXED, &[]);
    let kinds = [Kind::Sums, Kind::Maxima];
    let lie = || {
        let mut lie = Lie::new(&chunk);
        lie.settle(0, 0, -1);
        lie.attains(0, 0, 1 << (SHIFT - 1));
        lie.set_at(0, 0, ATTAINED, 0);
        lie
    };
    assert_eq!(lie().misfit_of_kinds(&kinds), Misfit::default());
    lie().refused_by_the_sum("two errors that cancel");
}

/// Attack: a reciprocal that is smaller by one, with a rest as large as the sum; the next exponent, with twice the reciprocal; the one before,
/// with half of it. Stopped by: the ranges of the division and of the mantissa.
#[test]
fn requirement_09_another_reciprocal() {
    let chunk = chunk(4, [0; LANES], &[]);
    // Lane 2 sees three keys of the same score.
    let sum = 3 * 32767;
    let lie = |by: i64, exponent: i64| {
        let mut lie = Lie::new(&chunk);
        let mantissa = (1 << (exponent + 13)) / sum + by;
        lie.normalises(0, 2, [mantissa, exponent], sum);
        lie
    };
    lie(0, 17).accepted("the reciprocal");
    lie(-1, 17).refused_by(&[RANGE], "a reciprocal that is too small");
    lie(1, 17).refused_by(&[RANGE], "a reciprocal that is too large");
    lie(0, 18).refused_by(&[RANGE], "a larger exponent");
    lie(0, 16).refused_by(&[RANGE], "a smaller exponent");
}

/// Attack: limbs of the same sum and another rest, with the carry that one of the division's two equations asks for. Stopped by: the other
/// equation. And an exponent that is not the power's: by the table of powers.
#[test]
fn requirement_09_another_division() {
    let chunk = chunk(4, MIXED, &[]);
    let column = |which: usize| 9 + 8 + which;
    let [exponent, rest_high, gap_high, carry] = [1, 4, 6, 7].map(column);
    let mut lie = Lie::new(&chunk);
    assert!(lie.get("softmax", gap_high, 0) > 0);
    lie.add("softmax", rest_high, 0, 1);
    lie.add("softmax", gap_high, 0, -1);
    lie.add("softmax", carry, 0, -1);
    lie.refused_in("softmax", &[0], "low limbs");
    let mut lie = Lie::new(&chunk);
    lie.add("softmax", rest_high, 0, 1);
    lie.add("softmax", gap_high, 0, -1);
    lie.refused_in("softmax", &[0], "high limbs");

    let mut lie = Lie::new(&chunk);
    lie.add("softmax", exponent, 0, 1);
    let claimed = lie.get("softmax", exponent, 0);
    let statistics = lie.heads[0].statistics.address as usize;
    lie.writes(statistics + 2, 1, claimed);
    for row in lie.rows(0) {
        lie.set("attend", read_column(Read::Exponent, 1), row, claimed);
    }
    lie.refused_by(&[FUNCTION], "an exponent");
}

/// Attack: a probability that is larger by `2^(31 − n)`, so by the modulus; of a key that the lane sees, and of one that it does not see.
/// Stopped by: the range of 30 − n bits. And one that is larger by 1: by the ranges of the rest.
#[test]
fn requirement_09_another_probability() {
    let chunk = chunk(4, [0; LANES], &[]);
    // One key: the sum is 2^15 − 1.
    let lie = |row: usize, share: i64, below: i64, above: i64| {
        let mut lie = Lie::new(&chunk);
        for (which, by) in [(SHARE, share), (BELOW, below), (ABOVE, above)] {
            let value = lie.at(row, 0, which) + by;
            lie.set_at(row, 0, which, value);
        }
        lie.refused_by(&[RANGE], "a probability");
    };
    lie(0, 1 << 16, -1, 0);
    lie(1, (1 << 16) - 1, (1 << 14) - 1, 1);
    lie(0, 1, 0, -2);
    lie(0, 1, -(1 << 15), 0);
    lie(0, -1, 0, 2);
}

/// Attack: a probability of a key that the lane does not see. Stopped by: the constraint that normalises.
#[test]
fn a_probability_without_a_weight() {
    let chunk = chunk(4, [0; LANES], &[]);
    let mut lie = Lie::new(&chunk);
    lie.set_at(1, 0, SHARE, 7);
    lie.refused_in("attend", &[1], "a probability");
}

/// Attack: results that are not the mixture's: another sum, another rest, a congruent one. Stopped by: the sum of mixtures, the rest's range,
/// the result's.
#[test]
fn requirement_10_another_mixture() {
    let chunk = chunk(4, MIXED, &[]);
    let mut lie = Lie::new(&chunk);
    lie.mixes(1, 2, 0, 12_345);
    lie.refused_by_the_sum("a mixture");
    let lie = |result: i64, rest: i64| {
        let mut lie = Lie::new(&chunk);
        lie.add("mixed", 8 + 2, DIM, result);
        lie.add("mixed", 8 + LANES + 2, DIM, rest);
        let claimed = lie.get("mixed", 8 + 2, DIM);
        let output = lie.heads[1].output.address as usize;
        lie.writes(output, 2, claimed);
        lie.refused_by(&[RANGE], "a rounding");
    };
    lie(1, -(1 << MIXED_SHIFT));
    lie(-1, 1 << MIXED_SHIFT);
    lie(1 << (31 - MIXED_SHIFT), -1);
}

/// Attack: other value channels of a key, without a share. Stopped by: the views.
#[test]
fn requirement_10_other_values() {
    let chunk = chunk(4, MIXED, &[]);
    let mut lie = Lie::new(&chunk);
    // Lane 0 has no share of key 7, but lane 7 has one.
    lie.add("attend", ROW_VALUES + 3, 7, 1);
    let mut sum = 0;
    for row in lie.rows(0) {
        sum += lie.at(row, 7, SHARE) * lie.get("attend", ROW_VALUES + 3, row);
    }
    lie.mixes(0, 7, 3, sum);
    lie.refused_by(&[VIEWS], "a value");
}

/// Attack: the values of two keys change places, their scores in place, with the results that follow. Stopped by: the views.
#[test]
fn requirement_10_value_rows_that_change_places() {
    let chunk = chunk(4, MIXED, &[]);
    let mut lie = Lie::new(&chunk);
    let [first, second] = [2, 3];
    for channel in 0..DIM {
        let [a, b] = [first, second].map(|key| lie.get("attend", ROW_VALUES + channel, key));
        lie.set("attend", ROW_VALUES + channel, first, b);
        lie.set("attend", ROW_VALUES + channel, second, a);
    }
    let results = |lie: &Lie<'_>| -> Vec<i64> {
        let output = lie.heads[0].output.address as usize;
        (0..LANES)
            .map(|lane| lie.get("tensor", lane, output))
            .collect()
    };
    let honest = results(&lie);
    for lane in 0..LANES {
        lie.settle(0, lane, 0);
    }
    assert_ne!(results(&lie), honest, "the results are others");
    lie.refused_by(&[VIEWS], "two rows of values");
}
