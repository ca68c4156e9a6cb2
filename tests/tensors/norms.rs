//! Norms: what they compute, against integers and floats written out in another way; liars; a proof.

use cairo_decode::air::components::Component;
use cairo_decode::air::components::norm_root::PRODUCT;
use cairo_decode::prove::Prover;
use cairo_decode::tensor::plan::Tensor;
use cairo_decode::tensor::values::{Values, compute};
use cairo_decode::tensor::{self, Matrix, Norm, NormKind, Operation, Plan, Product};
use cairo_decode::verify::params::PLAIN;
use stwo::core::fields::m31::M31;

use crate::balance::{Honest, sum_of_rows};
use crate::circuit::replay;
use crate::liar::wrong_values;
use crate::proofs::accepts;
use crate::{Chunk, LANES, Numbers, chunk_of};

/// The largest magnitude of a stream.
const STREAM: i64 = 1 << 24;

/// Both kinds.
pub const KINDS: [NormKind; 2] = [NormKind::Rms, NormKind::Layer];

/// A plan with a norm of streams, which are embeddings. Its head has logits that are all 0.
pub fn normed(streams: &[Vec<i32>], of: Norm) -> Plan {
    let inputs = streams[0].len();
    let embedding = Matrix::new(inputs, streams.to_vec());
    let mut plan = Plan::new(LANES, 12, embedding).expect("a plan");
    let x = plan.embed();
    let y = plan.norm(x, of).expect("in range");
    let zeros = zeros(&mut plan, y);
    plan.head(zeros).expect("in range");
    plan
}

/// As many zeros as a tensor has channels.
fn zeros(plan: &mut Plan, input: Tensor) -> Tensor {
    let channels = input.channels;
    let zeros = Product {
        weights: Matrix::new(channels, vec![vec![0; channels]; channels]),
        bias: vec![0; channels],
        shift: 0,
    };
    plan.linear(input, zeros, 1).expect("in range")
}

/// The tokens that give each lane the stream of its number, and the last one to lanes beyond.
pub fn tokens(streams: &[Vec<i32>]) -> Vec<u32> {
    let last = streams.len() as u32 - 1;
    (0..LANES as u32).map(|lane| lane.min(last)).collect()
}

/// The norm of a plan, by its number among the norms.
pub fn norm_of(plan: &Plan, number: usize) -> &tensor::norm::Normed {
    let norms = plan
        .operations
        .iter()
        .filter_map(|operation| match operation {
            Operation::Norm(norm) => Some(norm),
            _ => None,
        });
    norms.into_iter().nth(number).expect("a norm")
}

/// What the plan's norm makes of each lane.
fn computed(plan: &Plan, values: &Values, lane: usize) -> (Vec<i128>, Vec<i128>) {
    let norm = norm_of(plan, 0);
    let of = |tensor: Tensor| {
        let rows = tensor
            .addresses()
            .map(|address| &values.rows[address as usize]);
        rows.map(|row| row[lane].into()).collect()
    };
    (of(norm.statistics), of(norm.output))
}

/// `⌊number / 2^shift⌋`.
fn down(number: i128, shift: u32) -> i128 {
    number.div_euclid(1 << shift)
}

/// A norm's statistics and results, from its definition.
pub fn expected(x: &[i128], of: &Norm) -> (Vec<i128>, Vec<i128>) {
    let whole: Vec<i128> = x.iter().map(|x| x << of.grain).collect();
    let d = x.len() as i128;
    let sum: i128 = whole.iter().sum();
    // The mean, rounded up.
    let mean = match of.kind {
        NormKind::Rms => 0,
        NormKind::Layer => sum.div_euclid(d) + i128::from(sum.rem_euclid(d) > 0),
    };
    let mut numbers: Vec<i128> = whole.iter().map(|whole| whole - mean).collect();
    numbers.push(of.floor.into());
    // Σ (v² + v) is (Σ (2 v + 1)² − n) / 4.
    let square = |shift: u32| -> i128 {
        let odd = numbers.iter().map(|&number| 2 * down(number, shift) + 1);
        odd.map(|odd| odd * odd).sum()
    };
    let exponent = (0..15).find(|e| square(e + 1) < (1 << 32) + d + 1);
    let exponent = exponent.expect("a unit");
    let (mut root, square) = (0i128, square(exponent));
    for bit in (0..20).rev() {
        let more = root + (1 << bit);
        root = if more * more <= square { more } else { root };
    }
    let product = (1i128 << 29) - (1 << 19);
    let mantissa = (2 * product + root) / (2 * root);
    let unit = 1i128 << (30 - of.bits);
    let results = numbers[..x.len()].iter().map(|&number| {
        let odd = 2 * down(number, exponent) + 1;
        (2 * odd * mantissa + unit).div_euclid(2 * unit)
    });
    let mut statistics = vec![exponent.into(), 1 << exponent, mantissa];
    if of.kind == NormKind::Layer {
        statistics.push(mean);
    }
    (statistics, results.collect())
}

/// A stream of so many random channels of at most `most`.
fn random(numbers: &mut Numbers, channels: usize, most: i64) -> Vec<i32> {
    (0..channels).map(|_| numbers.signed(most as i32)).collect()
}

/// Eight streams of 24 channels: none, the shortest, the longest, one channel with everything, and between them.
pub fn streams(numbers: &mut Numbers) -> Vec<Vec<i32>> {
    let one = |value: i64| {
        let mut stream = vec![0; 24];
        stream[3] = value as i32;
        stream
    };
    let outlier = [vec![1 << 20; 2], random(numbers, 22, 300)].concat();
    vec![
        vec![0; 24],
        vec![-(STREAM as i32); 24],
        one(STREAM - 1),
        one(-STREAM),
        random(numbers, 24, 3),
        random(numbers, 24, 40_000),
        random(numbers, 24, STREAM),
        outlier,
    ]
}

/// Norms of short, long and random streams: every row fits, and the results are what the definition says.
#[test]
fn norms_of_all_lengths_fit_and_compute() {
    let mut exponents = std::collections::BTreeSet::new();
    for seed in 0..6 {
        let mut numbers = Numbers(40 + seed);
        let streams = if seed < 2 {
            streams(&mut numbers)
        } else {
            let most = |numbers: &mut Numbers| 1 << (numbers.next() % 25);
            (0..LANES)
                .map(|_| {
                    let most = most(&mut numbers);
                    random(&mut numbers, 24, most)
                })
                .collect()
        };
        let most = streams.iter().flatten().map(|x| i64::from(*x).abs()).max();
        let most = most.expect("channels");
        for kind in KINDS {
            let bits = [14, 15, 16][seed as usize % 3];
            let eps = [0.0, 1e4, 1e11][seed as usize % 3];
            let of = Norm::finest(kind, streams[0].len(), most, eps, bits);
            let chunk = chunk_of(normed(&streams, of), &tokens(&streams));
            Honest::new(&chunk.constants, &chunk.witness);
            for (lane, stream) in streams.iter().enumerate() {
                let x: Vec<i128> = stream.iter().map(|&x| x.into()).collect();
                let expected = expected(&x, &of);
                let found = computed(&chunk.plan, &chunk.values, lane);
                assert_eq!(found, expected, "seed {seed}, {kind:?}, lane {lane}");
                exponents.insert(expected.0[0]);
                let output = norm_of(&chunk.plan, 0).output;
                assert!(found.1.iter().all(|z| z.abs() <= output.magnitude.into()));
                let square: i128 = found.1.iter().map(|z| z * z).sum();
                assert!(square <= i128::from(output.length).pow(2));
            }
        }
    }
    // From the smallest unit to the largest.
    assert!(
        exponents.contains(&0) && exponents.contains(&14),
        "{exponents:?}"
    );
}

/// How far a norm is from the one in floats: its reciprocal root relatively, its results in their unit.
fn errors(stream: &[i32], of: &Norm, statistics: &[i128], results: &[i128]) -> [f64; 2] {
    let d = stream.len() as f64;
    let grain = f64::from(1 << of.grain);
    let mean = match of.kind {
        NormKind::Rms => 0.0,
        NormKind::Layer => stream.iter().map(|&x| f64::from(x)).sum::<f64>() / d,
    };
    let square: f64 = stream.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum();
    let eps = (of.floor as f64 / grain).powi(2);
    let root = ((square + eps) / d).sqrt();
    // (2 v + 1) h is 2^(g + 1 − e) h times the channel.
    let factor = statistics[2] as f64 * grain * 2.0 / statistics[1] as f64;
    let reciprocal = factor / f64::from(PRODUCT) * d.sqrt();
    let unit = of.unit(stream.len());
    let result = |(&x, &z): (&i32, &i128)| {
        let exact = (f64::from(x) - mean) / root;
        (exact / unit - z as f64).abs() - exact.abs() / unit / 2048.0
    };
    let results = stream.iter().zip(results).map(result);
    [(reciprocal * root - 1.0).abs(), results.fold(0.0, f64::max)]
}

/// The reciprocal root is exact to `2^−12`, and the results to half a unit and half a unit of the lane, over random streams of all lengths, some of them with a channel
/// that is far larger than the others.
#[test]
fn norms_are_as_exact_as_the_page_says() {
    let mut numbers = Numbers(77);
    for (kind, channels) in [(0, 64), (0, 576), (1, 768), (1, 1024)] {
        let kind = KINDS[kind];
        let (mut worst, mut mean, mut count) = ([0f64; 2], 0f64, 0);
        for round in 0..24 {
            // Magnitudes from 2^9 on, where a stream's own rounding is a unit in 500.
            let mut stream = |_| {
                let most = 1i64 << (9 + numbers.next() % 15);
                let mut stream = random(&mut numbers, channels, most);
                if round % 3 == 0 {
                    stream[5] = (most * 300).min(STREAM - 1) as i32;
                }
                stream
            };
            let mut streams: Vec<Vec<i32>> = (0..LANES).map(&mut stream).collect();
            streams[0][0] = STREAM as i32;
            let of = Norm::finest(kind, channels, STREAM, 400.0, 15);
            let plan = normed(&streams, of);
            let values = compute(&plan, &tensor::Chunk::first(&tokens(&streams)));
            let values = values.expect("in range");
            for (lane, stream) in streams.iter().enumerate() {
                let (statistics, results) = computed(&plan, &values, lane);
                let [root, result] = errors(stream, &of, &statistics, &results);
                // Half a unit of the result, and what half a unit of the lane is.
                let unit = statistics[2] as f64 / f64::from(1 << of.shift());
                assert!(result < 0.501 + unit, "{kind:?}: {result}, {unit}");
                worst = [worst[0].max(root), worst[1].max(result)];
                mean += root;
                count += 1;
            }
        }
        eprintln!(
            "{kind:?}, {channels} channels: reciprocal root 2^{:.1} at most, 2^{:.1} on average; results {:.3} units",
            worst[0].log2(),
            (mean / f64::from(count)).log2(),
            worst[1]
        );
        assert!(worst[0] < 1.0 / 4096.0, "{kind:?}, {channels}: {worst:?}");
    }
}

/// A plan with two norms, of an embedding and of a stream.
fn plan(kind: NormKind) -> Plan {
    let mut numbers = Numbers(9);
    let embedding = numbers.matrix(crate::WIDTH, crate::TOKENS, 30_000);
    let mut plan = Plan::new(LANES, 12, embedding).expect("a plan");
    let x = plan.embed();
    let of = Norm::finest(kind, x.channels, x.magnitude, 50_000.0, 15);
    let y = plan.norm(x, of).expect("in range");
    let of = numbers.product(x.channels, x.channels, 300, 3);
    let x = plan.residual(x, y, of, 24).expect("in range");
    let of = Norm::finest(kind, x.channels, x.magnitude, 50_000.0, 14);
    let y = plan.norm(x, of).expect("in range");
    let of = numbers.product(y.channels, y.channels, 40, 13);
    let y = plan.linear(y, of, 16).expect("in range");
    let scaled = plan
        .linear(y, numbers.product(16, 16, 1, 12), 5)
        .expect("in range");
    plan.head(scaled).expect("in range");
    plan
}

/// Two norms of embeddings and of a stream.
fn two_norms(kind: NormKind) -> Chunk {
    chunk_of(plan(kind), &crate::GIVEN)
}

/// Attack: any one value of any column of norms. Stopped by: a constraint, a relation, or the sum.
#[test]
fn requirement_11_one_wrong_value_in_a_norm() {
    for kind in KINDS {
        wrong_values(&two_norms(kind));
    }
}

/// In a circuit with values the norms' constraints are what the verifier's evaluator makes of them; interaction columns have the sums of rows.
#[test]
fn circuits_evaluate_norms() {
    for kind in KINDS {
        let chunk = two_norms(kind);
        replay(&chunk.plan);
        for i in 0..chunk.constants.layout.components.len() {
            let (rows, columns) = sum_of_rows(&chunk.constants, &chunk.witness, i);
            assert_eq!(
                rows, columns,
                "{}",
                chunk.constants.layout.components[i].component
            );
        }
    }
}

/// A proof of a chunk with two LayerNorms is accepted, and is refused where the verifier is told another kind, or another sum of the norms.
#[test]
fn norms_are_proven() {
    let Chunk {
        constants,
        witness,
        input,
        ..
    } = two_norms(NormKind::Layer);
    let layout = constants.layout.clone();
    let index = |name: &str| {
        let mut placed = layout.components.iter();
        placed
            .position(|placed| placed.component.to_string() == name)
            .expect("placed")
    };
    let [norm, root] = ["norm", "norm_root"].map(index);
    let prover = Prover::with_constants(&PLAIN, constants);
    let proven = prover.prove_tensors(input, &witness).expect("proves");
    assert_eq!(accepts(&proven.proof, &layout, &proven.tensors), Ok(()));

    let mut other = layout.clone();
    for i in [norm, root] {
        other.components[i].component = match other.components[i].component {
            Component::Norm { .. } => Component::Norm { centred: false },
            _ => Component::NormRoot { centred: false },
        };
    }
    assert!(accepts(&proven.proof, &other, &proven.tensors).is_err());
    let mut part = proven.tensors.clone();
    part.sums[norm] += M31::from(1);
    part.sums[root] -= M31::from(1);
    assert!(accepts(&proven.proof, &layout, &part).is_err());
}
