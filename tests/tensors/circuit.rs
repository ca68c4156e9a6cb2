//! The definitions of components as expressions, replayed in a circuit with values.

use cairo_decode::air::challenges::Challenges;
use cairo_decode::air::components::Evaluator;
use cairo_decode::air::record::record;
use cairo_decode::air::transcript::Channel;
use cairo_decode::wrap::components::{Samples, Shared, accumulate};
use circuits::context::Context;
use circuits::ops::guess;
use circuits_stark_verifier::proof::InteractionAtOods;
use stwo::core::air::accumulation::PointEvaluationAccumulator;
use stwo::core::channel::Channel as _;
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;
use stwo::core::pcs::TreeVec;
use stwo_constraint_framework::{FrameworkEval, PointEvaluator, Relation};

use crate::digests::digested;
use crate::{Numbers, Plan, attention, constants, plan, rotary};

/// Most gates of all components of a plan, the lookup of a tuple's elements included.
const GATES: usize = 8_000;

/// The same of a plan with records and chains.
const DIGEST_GATES: usize = 10_500;

fn secure(numbers: &mut Numbers) -> QM31 {
    QM31::from_m31_array(std::array::from_fn(|_| {
        M31::from(numbers.signed(i32::MAX / 2).unsigned_abs())
    }))
}

/// In a circuit with values, a component's constraints combine to what the verifier's evaluator makes of the same samples.
#[test]
fn circuits_evaluate_what_the_verifier_does() {
    let attention = attention::FAR.plan(&mut Numbers(2));
    for plan in [plan(), rotary::plan(), attention] {
        let gates = replay(&plan);
        assert!(gates < GATES, "{gates} gates");
    }
}

#[test]
fn circuits_evaluate_digests() {
    let (plan, ..) = digested(8, &[16, 24], 7, 1);
    let gates = replay(&plan);
    assert!(gates < DIGEST_GATES, "{gates} gates");
}

/// Compares both of all components of a plan. How many gates there are.
pub fn replay(plan: &Plan) -> usize {
    let layout = constants::unchecked(plan, 8).layouts.largest();
    let mut channel = Channel::default();
    channel.mix_felts(&[QM31::from(M31::from(7))]);
    let mut challenges = Challenges::draw(&mut channel, &layout);
    let mut numbers = Numbers(11);
    let messages = (0..layout.messages).map(|_| secure(&mut numbers)).collect();
    challenges.bind(messages, &mut channel);
    let coefficient = secure(&mut numbers);
    let mut gates = 0;
    for placed in &layout.components {
        let name = placed.component.to_string();
        let evaluator =
            Evaluator::new(placed.component, layout.lanes, placed.log_rows, &challenges);
        let columns = evaluator.columns();
        let claimed = secure(&mut numbers);
        let recorded = record(placed.component, &layout);
        assert_eq!(recorded.constants, columns.constants, "{name}");
        assert_eq!(recorded.values, columns.trace, "{name}");

        // The last interaction number and the powers have a value in the row before.
        let logups = recorded.lookups.len().div_ceil(2) + usize::from(recorded.term.is_some());
        assert_eq!(
            columns.interaction,
            4 * (recorded.powers.len() + logups),
            "{name}"
        );
        let with_previous = |column: usize| {
            let number = column / 4;
            number < recorded.powers.len() || number + 1 == recorded.powers.len() + logups
        };
        let mut samples =
            |count: usize| -> Vec<QM31> { (0..count).map(|_| secure(&mut numbers)).collect() };
        let constants = samples(columns.constants.len());
        let values = samples(columns.trace);
        let own = samples(columns.interaction);
        let previous = samples(columns.interaction);

        let one = |values: &[QM31]| -> Vec<Vec<QM31>> { values.iter().map(|&v| vec![v]).collect() };
        let interaction: Vec<Vec<QM31>> = (0..columns.interaction)
            .map(|i| {
                if with_previous(i) {
                    vec![previous[i], own[i]]
                } else {
                    vec![own[i]]
                }
            })
            .collect();
        let mask = [one(&constants), one(&values), interaction];
        let mask = TreeVec::new(mask.iter().map(|tree| tree.iter().collect()).collect());
        let mut accumulator = PointEvaluationAccumulator::new(coefficient);
        let one = QM31::from(M31::from(1));
        evaluator.evaluate(PointEvaluator::new(
            mask,
            &mut accumulator,
            one,
            placed.log_rows,
            claimed,
        ));
        let expected = accumulator.finalize();

        let mut context = Context::<QM31>::new(0);
        let mut wires = |values: &[QM31]| {
            values
                .iter()
                .map(|&v| guess(&mut context, v))
                .collect::<Vec<_>>()
        };
        let (constants, values) = (wires(&constants), wires(&values));
        let (own, previous) = (wires(&own), wires(&previous));
        let mut flat = vec![];
        challenges.weights.map(&mut |weight| flat.push(*weight));
        let weights = wires(&flat);
        let combine = |tuple: &[M31]| -> QM31 { challenges.elements.combine(tuple) };
        // A tuple's value is Σ α^i v_i − z.
        let z = -combine(&[M31::from(0)]);
        let alpha = combine(&[M31::from(0), M31::from(1)]) + z;
        let shared = wires(&[z, alpha, coefficient, claimed]);
        let rows = wires(&[QM31::from(M31::from(1 << placed.log_rows))]);
        let interaction: Vec<InteractionAtOods<_>> = (0..columns.interaction)
            .map(|i| InteractionAtOods {
                at_oods: own[i],
                at_prev: with_previous(i).then_some(previous[i]),
            })
            .collect();
        let samples = Samples {
            constants: &constants,
            values: &values,
            interaction: &interaction,
            rows: rows[0],
            claimed_sum: shared[3],
        };
        let all = Shared {
            elements: [shared[0], shared[1]],
            weights: &weights,
            coefficient: shared[2],
        };
        let zero = context.zero();
        let before = context.circuit.n_vars;
        let found = accumulate(&mut context, &recorded, &samples, &all, zero);
        gates += context.circuit.n_vars - before;
        assert_eq!(context.get(found), expected, "{name}");
        eprintln!("{name}: {} gates", context.circuit.n_vars - before);
    }
    gates
}
