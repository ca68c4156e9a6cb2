//! Lies about norms in several columns, with all that follows from them: each is refused by one lookup, one constraint or one sum, and by nothing else. Here are those
//! about channels and sums; `norm_roots` has those about the unit, the root and the mantissa.

use cairo_decode::air::components::relations::{FUNCTION, LANES as VIEWS, RANGE, TENSOR};
use cairo_decode::tensor::constants::signed;
use cairo_decode::tensor::norm::Normed;
use cairo_decode::tensor::values::compute;
use cairo_decode::tensor::{self, Norm, NormKind, Operation, Plan};
use stwo::core::fields::m31::M31;

use crate::balance::{Honest, Misfit};
use crate::norm_lane::{At, Lane, P, misfit, scaled, split};
use crate::norms::{KINDS, normed, tokens};
use crate::{Chunk, LANES, Numbers, chunk_of, chunk_unchecked};

/// Streams of 16 channels, of all magnitudes: lane 0 has the unit 1, lane 6 a large one.
pub fn chunk(kind: NormKind) -> Chunk {
    let mut numbers = Numbers(31);
    let most = [9, 300, 3_000, 20_000, 60_000, 200_000, 700_000, 9_000_000];
    let stream = |most: i32| -> Vec<i32> { (0..16).map(|_| numbers.signed(most)).collect() };
    let streams: Vec<Vec<i32>> = most.map(stream).to_vec();
    let of = Norm::finest(kind, 16, 1 << 24, 20_000.0, 15);
    chunk_of(normed(&streams, of), &tokens(&streams))
}

/// A lane with a large unit, and one with the unit 1.
pub const LARGE: usize = 6;
pub const SMALL: usize = 0;

pub fn only(relation: M31, count: usize) -> Misfit {
    Misfit {
        open: vec![relation.0; count],
        ..Misfit::default()
    }
}

impl Lane<'_> {
    /// Refused by one lookup of a table: what it looks up, and what was looked up before.
    pub fn refused_by(&self, relation: M31, what: &str) {
        assert_eq!(self.misfit(), only(relation, 2), "{what}");
    }

    /// Refused by a constraint of a row.
    pub fn refused_by_a_constraint(&self, name: &str, row: usize, what: &str) {
        let only = Misfit {
            broken: vec![(name.to_string(), row)],
            ..Misfit::default()
        };
        assert_eq!(self.misfit(), only, "{what}");
    }

    pub fn refused_by_a_sum(&self, what: &str) {
        let only = Misfit {
            sum: true,
            ..Misfit::default()
        };
        assert_eq!(self.misfit(), only, "{what}");
    }
}

/// The rows that these tests write are those of the prover.
#[test]
fn lanes_are_written_as_the_prover_does() {
    for kind in KINDS {
        let chunk = chunk(kind);
        for lane in 0..LANES {
            let own = Lane::new(&chunk, 0, lane);
            assert!(own.witness().tables == chunk.witness.tables, "lane {lane}");
        }
        let unit = |lane| Lane::new(&chunk, 0, lane).exponent;
        assert!(unit(SMALL) == 0 && unit(LARGE) > 4);
    }
}

/// Attack: another number in the place of eps, and one in another form. Stopped by: its equation, its bit, its range, the table of squares.
#[test]
fn requirement_09_another_eps() {
    let chunk = chunk(NormKind::Rms);
    let lane = || Lane::new(&chunk, 0, LARGE);
    let mut lie = lane();
    lie.floor += 1;
    lie.units();
    lie.follow();
    lie.refused_by_a_constraint("norm_root", LARGE, "another eps");
    let mut lie = lane();
    lie.add(At::U, -1);
    lie.add(At::A, 2);
    let [u, ..] = scaled(lie.get(At::U) * 2, 1);
    lie.set(At::Top, (u * u + u) >> 15);
    lie.follow();
    lie.refused_by_a_constraint("norm_root", LARGE, "no bit");
    let mut lie = lane();
    lie.add(At::Top, 1);
    lie.refused_by(FUNCTION, "square of eps");
    let mut lie = lane();
    let [u, a, r] = [At::U, At::A, At::R].map(|at| lie.get(at));
    for (at, value) in [At::U, At::Top, At::A, At::R]
        .into_iter()
        .zip(split(2 * u + a - 1, r + lie.scale))
    {
        lie.set(at, value);
    }
    lie.follow();
    lie.refused_by(RANGE, "rest of eps");
}

/// Attack: a channel in another form, with sums and results of it. Stopped by: its equation, its bit, its range, the table of squares.
#[test]
fn another_channel() {
    for kind in KINDS {
        let chunk = chunk(kind);
        let lane = || Lane::new(&chunk, 0, LARGE);
        let mut lie = lane();
        let [u, w, a, r] = scaled(lie.wholes[0] - lie.mean + 8, lie.scale);
        lie.channels[0][..4].copy_from_slice(&[u, w, a, r]);
        lie.follow();
        if kind == NormKind::Rms {
            lie.refused_by_a_constraint("norm", 0, "another channel");
        }
        let mut lie = lane();
        let [u, _, a, r, ..] = lie.channels[0];
        let [half, top, ..] = split(2 * (u - 1), 0);
        lie.channels[0][..4].copy_from_slice(&[half, top, a + 2, r]);
        lie.follow();
        lie.refused_by_a_constraint("norm", 0, "no bit");
        let mut lie = lane();
        lie.channels[0][..4].copy_from_slice(&split(2 * u + a - 1, r + lie.scale));
        lie.follow();
        lie.refused_by(RANGE, "rest");
        let mut lie = lane();
        lie.channels[0][1] += 1;
        lie.follow();
        lie.refused_by(FUNCTION, "square");
    }
}

/// Attack: another result. Stopped by: its equation, its range, and its rest's.
#[test]
fn requirement_09_another_result() {
    let chunk = chunk(NormKind::Layer);
    let lane = || Lane::new(&chunk, 0, LARGE);
    let mut lie = lane();
    lie.channels[0][4] += 1;
    lie.refused_by_a_constraint("norm", 0, "result");
    for by in [1, -1] {
        let mut lie = lane();
        lie.channels[0][4] += by;
        lie.channels[0][5] -= by << 15;
        lie.refused_by(RANGE, "rest");
    }
    let mut lie = lane();
    lie.channels[0][4] += 1 << 16;
    lie.channels[0][5] -= 1;
    lie.refused_by(RANGE, "bits");
}

/// A lie, with these numbers in the first row of `norm`, which differ from the memory's. Stopped by: the memory.
fn refused_by_the_memory(lie: &Lane<'_>, number: usize, value: i64, what: &str) {
    let mut witness = lie.witness();
    let [_, channels] = lie.components();
    witness.tables[channels][lie.column(number)][0] = signed(value);
    assert_eq!(misfit(lie.chunk, witness), only(TENSOR, 2), "{what}");
}

/// Attack: a row of the norm with another input, other statistics or another result than the memory has. Stopped by: the memory; and a row of `norm_root` with a
/// mantissa of its own by the view.
#[test]
fn a_norm_reads_the_memory() {
    let chunk = chunk(NormKind::Rms);
    let lane = || Lane::new(&chunk, 0, LARGE);
    let own = lane();
    let [u, _, a, r, z, _] = own.channels[0];
    let unit = 1 << own.norm.of.grain;
    let mut lie = lane();
    lie.channels[0][..4].copy_from_slice(&scaled(own.wholes[0] + unit, own.scale));
    lie.follow();
    refused_by_the_memory(&lie, 0, own.wholes[0] / unit + 1, "input");
    let mut lie = lane();
    lie.channels[0][..4].copy_from_slice(&split(2 * u + a - 1, r + own.scale));
    lie.follow();
    refused_by_the_memory(&lie, 1, own.exponent + 1, "exponent");
    let mut lie = lane();
    lie.channels[0][..4].copy_from_slice(&scaled(own.wholes[0], own.scale - 1));
    lie.follow();
    refused_by_the_memory(&lie, 2, own.scale - 1, "scale");
    let mut lie = lane();
    lie.mantissa += 1;
    lie.results();
    lie.mantissa -= 1;
    lie.channels[1..].copy_from_slice(&own.channels[1..]);
    refused_by_the_memory(&lie, 3, own.mantissa + 1, "mantissa");
    let mut lie = lane();
    lie.channels[0][4] += 1;
    refused_by_the_memory(&lie, 4 + 5, z, "result");

    // The memory has a mantissa of its own, and `norm_root` the right one.
    let mut lie = lane();
    lie.mantissa += 1;
    lie.results();
    let mut witness = lie.witness();
    let [roots, _] = lie.components();
    witness.tables[roots][3 + 2][LARGE] = signed(own.mantissa);
    assert_eq!(misfit(&chunk, witness), only(VIEWS, 2));
}

/// Attack: a channel with a mean of its own. Stopped by: the memory.
#[test]
fn a_norm_reads_its_mean() {
    let chunk = chunk(NormKind::Layer);
    let own = Lane::new(&chunk, 0, LARGE);
    let by = if own.get(At::Missing) < 15 { 1 } else { -1 };
    let mut lie = Lane::new(&chunk, 0, LARGE);
    lie.channels[0][..4].copy_from_slice(&scaled(own.wholes[0] - own.mean - by, own.scale));
    lie.follow();
    refused_by_the_memory(&lie, 4, own.mean + by, "mean");
}

/// Attack: a claim of a sum that is one off, and all that follows from it. Stopped by: the sum of its kind.
#[test]
fn requirement_09_each_sum_of_a_norm() {
    let chunk = chunk(NormKind::Layer);
    let lane = || Lane::new(&chunk, 0, LARGE);
    let mut lie = lane();
    lie.add(At::W, 1);
    lie.add(At::L1, -1);
    lie.refused_by_a_sum("tops");
    let follow = |lie: &mut Lane<'_>| {
        lie.lengths();
        lie.divide();
        lie.results();
    };
    let mut lie = lane();
    lie.add(At::L0, 1);
    follow(&mut lie);
    lie.refused_by_a_sum("squares");
    let mut lie = lane();
    lie.add(At::G0, 1);
    follow(&mut lie);
    lie.refused_by_a_sum("steps");
    // With the unit 1 the rests are 0, and both sums of a LayerNorm are apart by what the mean rounds.
    let small = Lane::new(&chunk, 0, SMALL);
    let by = if small.get(At::Missing) < 15 { 1 } else { -1 };
    let mut lie = Lane::new(&chunk, 0, SMALL);
    lie.add(At::Missing, by);
    lie.refused_by_a_sum("rests");
    lie.add(At::Values, by);
    lie.refused_by_a_sum("values");
}

/// Attack: a mean that is one off, and all that follows from it. Stopped by: the ranges of what it rounds. A mean that is `p / d` off: by the range of the sum of values.
#[test]
fn requirement_09_another_mean() {
    let chunk = chunk(NormKind::Layer);
    for by in [-1, 1] {
        let mut lie = Lane::new(&chunk, 0, LARGE);
        lie.mean += by;
        lie.units();
        lie.follow();
        lie.refused_by(RANGE, "mean");
    }
    let mut lie = Lane::new(&chunk, 0, LARGE);
    let sum: i64 = lie.wholes.iter().sum();
    lie.mean = -(-sum - P).div_euclid(16);
    let missing = 16 * lie.mean - sum - P;
    assert!((0..16).contains(&missing));
    // All channels are about −2^27 then, and have a unit.
    (lie.exponent, lie.scale) = (14, 1 << 14);
    lie.units();
    lie.follow();
    lie.set(At::Missing, missing);
    lie.refused_by(RANGE, "a mean that is congruent");
}

/// Attack: an error of a norm that another one absorbs. Stopped by: powers of their own; for norms of both kinds, by the plan. A plan that had both would accept it.
#[test]
fn norms_of_both_kinds_would_absorb_errors() {
    let honest = chunk(NormKind::Rms);
    let mut plan = honest.plan.clone();
    let input = norm(&mut plan).input;
    norm(&mut plan).of.kind = NormKind::Layer;
    let of = norm(&mut plan).of;
    plan.norm(input, of).expect("one kind");
    norm(&mut plan).of.kind = NormKind::Rms;
    let given: Vec<u32> = (0..LANES as u32).collect();
    let values = compute(&plan, &tensor::Chunk::first(&given));
    let both = chunk_unchecked(plan, values.expect("in range"));
    Honest::new(&both.constants, &both.witness);
    let lies = |lanes: [usize; 2]| {
        let mut witness = both.witness.clone();
        for (number, by) in [(0, 1), (1, -1)] {
            let mut lie = Lane::new(&both, number, lanes[number]);
            lie.add(At::L0, by);
            lie.lengths();
            lie.divide();
            lie.results();
            lie.write(&mut witness);
        }
        misfit(&both, witness)
    };
    assert_eq!(lies([LARGE, LARGE]), Misfit::default());
    let sum = Misfit {
        sum: true,
        ..Misfit::default()
    };
    assert_eq!(lies([LARGE, LARGE - 1]), sum);
}

/// The first norm of a plan.
fn norm(plan: &mut Plan) -> &mut Normed {
    let found = plan
        .operations
        .iter_mut()
        .find_map(|operation| match operation {
            Operation::Norm(norm) => Some(norm),
            _ => None,
        });
    found.expect("a norm")
}
