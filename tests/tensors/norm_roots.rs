//! Lies about the unit, the root and the mantissa of a norm, with all that follows from them: each is refused by one lookup or one constraint, and by nothing else.

use cairo_decode::air::components::relations::{FUNCTION, RANGE};
use cairo_decode::tensor::{Norm, NormKind};

use crate::norm_lane::{At, Lane, P, PRODUCT, reduced, split};
use crate::norm_lies::{LARGE, chunk, only};
use crate::norms::{KINDS, normed};
use crate::{Chunk, LANES, chunk_of};

/// Attack: a unit that is larger than it must be, so that results are coarser; and a table of least sums that says so. Stopped by: the least sum's range; the table.
#[test]
fn a_unit_that_is_too_large() {
    for kind in KINDS {
        let chunk = chunk(kind);
        let mut lie = Lane::new(&chunk, 0, LARGE);
        lie.exponent += 1;
        lie.scale *= 2;
        lie.units();
        lie.follow();
        lie.refused_by(RANGE, "least sum");
        lie.set(At::Least, 0);
        lie.refused_by(FUNCTION, "table of least sums");
    }
}

/// Attack: a scale that is no power, and rests that are larger than the scale. Stopped by: the table of powers.
#[test]
fn a_scale_that_is_another_power() {
    let chunk = chunk(NormKind::Rms);
    let mut lie = Lane::new(&chunk, 0, LARGE);
    lie.exponent += 1;
    let [u, _, a, r, ..] = lie.channels[0];
    lie.channels[0][..4].copy_from_slice(&split(2 * u + a - 1, r + lie.scale));
    lie.follow();
    lie.refused_by(FUNCTION, "powers");
}

/// A norm with the grain 0 of channels that are twice these: in a unit that is half as large as the right one, they are these.
fn too_small(halves: &[i32]) -> Chunk {
    plain(halves.iter().map(|u| 2 * u).collect())
}

/// A norm with the grain 0 of a stream with these channels, 24 in all.
fn plain(mut stream: Vec<i32>) -> Chunk {
    stream.resize(24, 0);
    let of = Norm {
        kind: NormKind::Rms,
        grain: 0,
        floor: 1 << 10,
        bits: 15,
    };
    chunk_of(normed(&[stream], of), &[0; LANES])
}

/// The lane with the unit 1, which is too small.
fn with_unit_1(chunk: &Chunk) -> Lane<'_> {
    let mut lie = Lane::new(chunk, 0, 0);
    assert_ne!(lie.exponent, 0);
    (lie.exponent, lie.scale) = (0, 1);
    lie.units();
    lie.follow();
    lie
}

/// Attack: a unit that is too small, with a sum of squares a little above `2^30`. Stopped by: the range of the sum's high limb.
#[test]
fn a_unit_that_is_too_small() {
    let halves = [vec![8191; 15], vec![8199]].concat();
    let chunk = too_small(&halves);
    let lie = with_unit_1(&chunk);
    assert!(lie.get(At::W) + lie.get(At::Top) < 1 << 15);
    assert!(lie.get(At::Q1) >= 1 << 15);
    lie.refused_by(RANGE, "high limb of the squares");
}

/// Attack: a unit that is too small, with a sum of squares that passes `p`, and is congruent to a small one: any results. Stopped by: the range of the tops.
#[test]
fn requirement_12_squares_that_pass_the_modulus() {
    let found = (1000..1100).find_map(|third| {
        let chunk = too_small(&[32_767, 32_767, third]);
        let lie = with_unit_1(&chunk);
        let fits = lie
            .channels
            .iter()
            .all(|[.., z, _]| (-(1 << 14)..1 << 14).contains(z));
        fits.then(|| lie.misfit())
    });
    assert_eq!(found, Some(only(RANGE, 2)));
}

/// Attack: limbs that overlap, the low one negative. Stopped by: the low limb's range. Nothing is wrong with what they say.
#[test]
fn requirement_12_low_limbs_of_a_norm() {
    let chunk = chunk(NormKind::Layer);
    let lane = || Lane::new(&chunk, 0, LARGE);
    let pairs = [
        (At::L0, At::L1, 15),
        (At::G0, At::G1, 15),
        (At::T0, At::T1, 16),
        (At::I0, At::I1, 16),
        (At::X0, At::X1, 16),
    ];
    for (low, high, bits) in pairs {
        let mut lie = lane();
        lie.add(low, -1 << bits);
        lie.add(high, 1);
        lie.refused_by(RANGE, &format!("{low:?}"));
    }
    // Their low limbs are no columns.
    for high in [At::TLeft, At::XLeft, At::H1, At::M1] {
        let mut lie = lane();
        lie.add(high, 1);
        lie.refused_by(RANGE, &format!("below {high:?}"));
    }
    let mut lie = lane();
    lie.add(At::Q0, -1 << 15);
    lie.add(At::Q1, 1);
    lie.add(At::K, -1);
    lie.refused_by(RANGE, "q");
    let mut lie = lane();
    lie.add(At::Y0, -1 << 16);
    lie.add(At::K, 1);
    lie.add(At::J, -2);
    lie.refused_by(RANGE, "Y");
    let mut lie = lane();
    lie.add(At::N0, 1 << 9);
    lie.add(At::N1, -1);
    lie.carry();
    lie.reciprocal();
    lie.refused_by(RANGE, "N");
}

/// Attack: a high limb that is larger by `p` and a unit, and a low one that is smaller by one. Stopped by: the high limb's range.
#[test]
fn requirement_12_high_limbs_of_a_norm() {
    let chunk = chunk(NormKind::Layer);
    let lane = || Lane::new(&chunk, 0, LARGE);
    let pairs = [
        (At::L0, At::L1, 15),
        (At::G0, At::G1, 15),
        (At::T0, At::T1, 16),
        (At::I0, At::I1, 16),
        (At::X0, At::X1, 16),
    ];
    for (low, high, bits) in pairs {
        let mut lie = lane();
        lie.add(low, -1);
        lie.add(high, 1 << (31 - bits));
        lie.refused_by(RANGE, &format!("{high:?}"));
    }
    for (high, bits) in [(At::TLeft, 16), (At::XLeft, 16), (At::H1, 10), (At::M1, 15)] {
        let mut lie = lane();
        lie.add(high, 1 << (31 - bits));
        lie.refused_by(RANGE, &format!("{high:?}"));
    }
}

/// Attack: `Y` larger by `2^31`, so a length that is too large. Stopped by: the carry's range.
#[test]
fn a_carry_that_passes_the_modulus() {
    let chunk = chunk(NormKind::Rms);
    let mut lie = Lane::new(&chunk, 0, LARGE);
    lie.add(At::Y0, -1);
    lie.add(At::K, 1 << 15);
    lie.divide();
    lie.results();
    lie.refused_by(RANGE, "carry");
}

/// Attack: the root of a number that is congruent to the square of the length. Stopped by: the range of the carry `j`.
#[test]
fn the_root_of_a_congruent_number() {
    let chunk = chunk(NormKind::Rms);
    let mut lie = Lane::new(&chunk, 0, LARGE);
    let length = lie.length() - P;
    let root = length.isqrt();
    lie.rooted(root);
    lie.remains(At::T0, length - root * root, 2 * root);
    lie.mantissa = (2 * PRODUCT + root) / (2 * root);
    lie.reciprocal();
    lie.results();
    lie.refused_by(RANGE, "j");
}

/// Attack: a high limb of the root with which all equations about the root and the mantissa hold modulo `p`: few sums of squares have such a limb, and this stream has one of them. Stopped by:
/// the high limb's range.
#[test]
fn a_root_of_congruences() {
    let [low, high, mantissa, carry, top] = [452, 2_139_095_167, 73_217, 64_670, 24_689];
    let root = (low + (high << 9)) % P;
    let found = (0..100).find_map(|try_with: i64| {
        let mut left = (top << 17) + 8_000 - 1024 * 1025;
        let mut stream = vec![];
        for first in [Some(30_000 + 211 * try_with), None, None] {
            let value = first.unwrap_or_else(|| left.isqrt() - 1);
            left -= value * value + value;
            stream.push(value as i32);
        }
        let chunk = plain(stream);
        let mut lie = Lane::new(&chunk, 0, 0);
        assert_eq!((lie.exponent, lie.top()), (0, top));
        lie.set(At::N0, low);
        lie.set(At::N1, high);
        lie.set(At::J, reduced(high * high - 2 * top));
        let products = (1 << 10) * (high * low % P) + low * low;
        let rest = 8 * lie.get(At::Y0) + 25 - products - (lie.get(At::J) << 18);
        lie.remains(At::T0, rest.rem_euclid(P), 2 * root);
        lie.mantissa = mantissa;
        lie.set(At::H1, mantissa >> 10);
        lie.set(At::I0, (carry + (1 << 8)) & 0xffff);
        lie.set(At::I1, (carry + (1 << 8)) >> 16);
        let rest = 2 * PRODUCT + root - 2 * mantissa * root;
        lie.remains(At::X0, rest.rem_euclid(P), 2 * root - 1);
        lie.results();
        let fits = |[.., z, _]: &[i64; 6]| (-(1 << 14)..1 << 14).contains(z);
        lie.channels.iter().all(fits).then(|| lie.misfit())
    });
    assert_eq!(found, Some(only(RANGE, 2)));
}

/// Attack: the root one too small or too large. Stopped by: the ranges of what is left.
#[test]
fn requirement_09_a_root_that_is_one_off() {
    let chunk = chunk(NormKind::Rms);
    for by in [-1, 1] {
        let mut lie = Lane::new(&chunk, 0, LARGE);
        let root = lie.root() + by;
        lie.rooted(root);
        lie.mantissa = (2 * PRODUCT + root) / (2 * root);
        lie.reciprocal();
        lie.results();
        lie.refused_by(RANGE, "root");
    }
}

/// Attack: the mantissa one too small or too large. Stopped by: the ranges of what is left.
#[test]
fn requirement_09_a_mantissa_that_is_one_off() {
    let chunk = chunk(NormKind::Rms);
    for by in [-1, 1] {
        let mut lie = Lane::new(&chunk, 0, LARGE);
        lie.mantissa += by;
        lie.reciprocal();
        // The low product and what is left have the carry that the high one asks for.
        lie.results();
        lie.refused_by(RANGE, "mantissa");
    }
}

/// A lane with the unit above 1 of a stream with these channels, 16 in all.
fn of_stream(channels: &[i32]) -> Chunk {
    let mut stream = channels.to_vec();
    stream.resize(16, 0);
    let of = Norm::finest(NormKind::Rms, 16, 1 << 24, 20_000.0, 15);
    chunk_of(normed(&[stream], of), &[0; LANES])
}

/// Attack: a mantissa whose product with the root is larger by `p`. Stopped by: the range of the high limb of `i`.
#[test]
fn a_mantissa_of_a_congruent_product() {
    let chunk = of_stream(&[100_000; 16]);
    let mut lie = Lane::new(&chunk, 0, 0);
    let root = lie.root();
    let product = 2 * PRODUCT + root + P;
    lie.mantissa = product / (2 * root);
    lie.set(At::H1, lie.mantissa >> 10);
    let carry = (PRODUCT >> 9) - lie.mantissa * lie.get(At::N1) + (1 << 8);
    lie.set(At::I0, carry.rem_euclid(1 << 16));
    lie.set(At::I1, carry >> 16);
    lie.remains(At::X0, product % (2 * root), 2 * root - 1);
    lie.results();
    lie.refused_by(RANGE, "i");
}

/// Attack: a mantissa above `2^19` with which both products are as they should be modulo `p`. Stopped by: the range of its high limb.
#[test]
fn a_mantissa_that_is_too_large() {
    let chunk = of_stream(&[1_000_000]);
    let mut lie = Lane::new(&chunk, 0, 0);
    let (root, low) = (lie.root(), lie.get(At::N0));
    let inverse = inverse(lie.get(At::N1));
    let mut carries = -(1 << 8)..(1 << 20) - (1 << 8);
    let found = carries.any(|carry: i64| {
        let mantissa = ((PRODUCT >> 9) - carry).rem_euclid(P) * inverse % P;
        let rest = ((carry << 10) + root - 2 * mantissa * low).rem_euclid(P);
        if rest >= 2 * root || mantissa < 1 << 19 {
            return false;
        }
        lie.mantissa = mantissa;
        lie.set(At::H1, mantissa >> 10);
        lie.set(At::I0, (carry + (1 << 8)) & 0xffff);
        lie.set(At::I1, (carry + (1 << 8)) >> 16);
        lie.remains(At::X0, rest, 2 * root - 1);
        lie.results();
        lie.channels
            .iter()
            .all(|[.., z, _]| (-(1 << 14)..1 << 14).contains(z))
    });
    assert!(found);
    lie.refused_by(RANGE, "high limb of the mantissa");
}

/// `1 / number` modulo `p`: its power `p − 2`.
fn inverse(number: i64) -> i64 {
    (0..31).rev().fold(1, |result, bit| {
        let square = result * result % P;
        if (P - 2) >> bit & 1 == 1 {
            square * number % P
        } else {
            square
        }
    })
}

/// Attack: another carry, another root or another mantissa, of which all but one equation hold. Stopped by: that equation.
#[test]
fn each_equation_of_a_root() {
    let chunk = chunk(NormKind::Rms);
    let lane = || Lane::new(&chunk, 0, LARGE);
    let refused = |lie: &Lane<'_>, what: &str| {
        lie.refused_by_a_constraint("norm_root", LARGE, what);
    };

    let mut lie = lane();
    lie.add(At::Q0, 1);
    lie.doubles();
    lie.divide();
    lie.results();
    refused(&lie, "squares");
    let mut lie = lane();
    lie.add(At::Y0, 1);
    lie.divide();
    lie.results();
    refused(&lie, "Y");

    // Of some smaller root the low equation alone holds for some rest, then the high one alone for any.
    let low = |lie: &Lane<'_>, carry: i64| {
        let high = lie.get(At::N1);
        let all = lie.length() - lie.root() * lie.root();
        all - ((2 * lie.top() - high * high + carry) << 18)
    };
    let mut lie = lane();
    let root = lie.root();
    let found = (2000..3000).find_map(|less| {
        let about = root - less;
        lie.set(At::N0, about & 511);
        lie.set(At::N1, about >> 9);
        (-(1 << 11)..1 << 11).find(|&carry| (0..=2 * about).contains(&low(&lie, carry)))
    });
    let carry = found.expect("a carry");
    lie.set(At::J, carry);
    let (rest, about) = (low(&lie, carry), lie.root());
    lie.remains(At::T0, rest, 2 * about);
    let follow = |lie: &mut Lane<'_>| {
        lie.mantissa = (2 * PRODUCT + lie.root()) / (2 * lie.root());
        lie.reciprocal();
        lie.results();
    };
    follow(&mut lie);
    refused(&lie, "high squares");
    let mut lie = lane();
    lie.add(At::N0, if lie.get(At::N0) > 255 { -200 } else { 200 });
    follow(&mut lie);
    lie.remains(At::T0, 5, 2 * lie.root());
    refused(&lie, "low squares");

    let mut lie = lane();
    lie.mantissa -= 1;
    lie.reciprocal();
    lie.remains(At::X0, 5, 2 * lie.root() - 1);
    lie.results();
    refused(&lie, "low product");
    let mut lie = lane();
    lie.mantissa -= 1;
    lie.set(At::H1, lie.mantissa >> 10);
    let root = lie.root();
    let low = 2 * lie.mantissa * lie.get(At::N0) - root;
    let carry = (low + 1023).div_euclid(1 << 10);
    lie.set(At::I0, (carry + (1 << 8)) & 0xffff);
    lie.set(At::I1, (carry + (1 << 8)) >> 16);
    lie.remains(At::X0, (carry << 10) - low, 2 * root - 1);
    lie.results();
    refused(&lie, "high product");
}
