//! The leaf's own equalities one by one: for each a lie that all the others let pass.
//!
//! A changed proof has another transcript, so everything behind it fails too: paths, folding, works. What is looked at here is the rules alone.

use std::collections::BTreeMap;

use cairo_decode::verify::statement::OUTPUT_LEN;
use cairo_decode::wrap::leaf::circuit::{Built, build};
use cairo_decode::wrap::leaf::inner::{Inner, enabled};
use cairo_decode::wrap::leaf::public::relation_uses;
use cairo_decode::wrap::leaf::rows::{one, points, quotients};
use cairo_decode::wrap::leaf::rules::{Requirement, Rule, Rules};
use cairo_decode::wrap::leaf::values::Values;
use circuit_cairo_verifier::statement::{CairoStatement, PUBLIC_DATA_LEN};
use circuits::blake::HashValue;
use circuits::context::{TraceContext, Var};
use circuits::ivalue::qm31_from_u32s;
use circuits::ops::Guess;
use circuits::simd::Simd;
use circuits_stark_verifier::oods::OodsResponse;
use circuits_stark_verifier::select_queries::Queries;
use num_traits::{One, Zero};
use stwo::core::circle::CirclePoint;
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;
use stwo_cairo_common::preprocessed_columns::preprocessed_trace::PreProcessedTraceVariant;

use super::DEMO;

/// All rules of the demo model's leaf, in the order of its gates.
const RULES: [&str; 11] = [
    "filling of the public data",
    "filling of the sizes",
    "salt",
    "sizes within the trace",
    "one identifier for a word",
    "uses of relations",
    "start of the stack",
    "start of the output",
    "length of the stack",
    "constraints",
    "samples' points",
];

/// Places in what a proof claims.
const FIRST_AP: usize = 1;
const LAST_AP: usize = 4;
const OUTPUT_START: usize = 7;

fn holds(rule: &Rule, get: impl Fn(Var) -> QM31) -> bool {
    match &rule.requirement {
        Requirement::Equal(left, right) => get(*left) == get(*right),
        Requirement::Below(numbers, bits) => {
            let packed = numbers.get_packed().iter();
            let all = packed.flat_map(|four| get(*four).to_m31_array());
            let mut all = all.take(numbers.len());
            all.all(|number| number.0 >> bits == 0)
        }
        Requirement::Nonzero(number) => !get(*number).is_zero(),
    }
}

/// The names of the rules that do not hold.
fn broken(rules: &Rules, get: impl Fn(Var) -> QM31) -> Vec<&'static str> {
    let broken = rules.0.iter().filter(|rule| !holds(rule, &get));
    let mut names: Vec<_> = broken.map(|rule| rule.name).collect();
    names.dedup();
    names
}

/// The rules that the demo model's leaf breaks where an honest proof is changed, but for the one of constraints: these are asked for at a point
/// that the transcript gives.
fn broken_by(lie: impl FnOnce(&mut Values<QM31>)) -> Vec<&'static str> {
    let broken = all_broken_by(lie).into_iter();
    broken.filter(|name| *name != "constraints").collect()
}

fn all_broken_by(lie: impl FnOnce(&mut Values<QM31>)) -> Vec<&'static str> {
    let mut values = Values::of(&DEMO.inner, &DEMO.proofs[1]).expect("of this program");
    lie(&mut values);
    let Built { gates, rules, .. } = build(&DEMO.inner, &values);
    let broken = broken(&rules, |wire| gates.get(wire));
    assert!(broken.is_empty() || !gates.is_circuit_valid(), "imposed");
    broken
}

#[test]
fn the_rules_of_a_leaf() {
    let none = [""; 0];
    assert_eq!(all_broken_by(|_| {}), none);
    let built = build(&DEMO.inner, &Values::none(&DEMO.inner));
    let mut names: Vec<_> = built.rules.0.iter().map(|rule| rule.name).collect();
    names.dedup();
    assert_eq!(names, RULES);
}

#[test]
fn a_salt() {
    let salt = |values: &mut Values<QM31>| values.proof.channel_salt = QM31::one();
    assert_eq!(broken_by(salt), ["salt"]);
}

/// 2^31 is 1 in the field: a component of so many rows would pass for one of a single row.
#[test]
fn a_size_beyond_the_trace() {
    let sizes = PUBLIC_DATA_LEN + DEMO.inner.program.len() + OUTPUT_LEN;
    let size = |values: &mut Values<QM31>| values.claim[sizes + 2] = M31::from(31);
    assert_eq!(broken_by(size), ["sizes within the trace"]);
}

/// Attack: a word of the program of which two cells have other identifiers, of which only one is looked up: the other cell would have whatever
/// value.
#[test]
fn two_identifiers_for_a_word() {
    let mut places = BTreeMap::<_, Vec<usize>>::new();
    for (place, word) in DEMO.inner.program.iter().enumerate() {
        places
            .entry(word.map(|limb| limb.0))
            .or_default()
            .push(place);
    }
    let twice = places.values().find(|places| places.len() > 1);
    let [.., last] = twice.expect("a word that is there twice")[..] else {
        panic!("two places");
    };
    let ids = PUBLIC_DATA_LEN + OUTPUT_LEN;
    let id = |values: &mut Values<QM31>| values.claim[ids + last] += M31::one();
    assert_eq!(broken_by(id), ["one identifier for a word"]);
}

/// Attack: a run whose stack begins inside the program, or that ends below its output, or that has no room for the pointers.
#[test]
fn a_stack_elsewhere() {
    let start = |values: &mut Values<QM31>| values.claim[FIRST_AP] -= M31::one();
    assert_eq!(broken_by(start), ["start of the stack"]);
    let output = |values: &mut Values<QM31>| values.claim[OUTPUT_START] -= M31::one();
    assert_eq!(broken_by(output), ["start of the output"]);
    let short = |values: &mut Values<QM31>| {
        let end = values.claim[FIRST_AP] + M31::from(21);
        (values.claim[LAST_AP], values.claim[OUTPUT_START]) = (end, end);
    };
    assert_eq!(broken_by(short), ["length of the stack"]);
}

/// Attack: constraints that do not hold: another value of a column at the point.
#[test]
fn a_sample() {
    let sample = |values: &mut Values<QM31>| values.proof.trace_at_oods[7] += QM31::one();
    assert_eq!(all_broken_by(sample), ["constraints"]);
}

/// Attack: a second salt in what fills a packed number.
#[test]
fn a_filling() {
    let broken = |last: QM31| {
        let (mut context, mut rules) = (TraceContext::default(), Rules::default());
        let packed = [QM31::one(), last].map(|four| four.guess(&mut context));
        let values = Simd::from_packed(packed.to_vec(), 6);
        rules.filled_with_zeros(&mut context, "filling", &values);
        let broken = broken(&rules, |wire| context.get(wire));
        let gates = context.finalize(false);
        assert_eq!(gates.is_circuit_valid(), broken.is_empty());
        broken
    };
    assert_eq!(broken(qm31_from_u32s(5, 6, 0, 0)), [""; 0]);
    assert_eq!(broken(qm31_from_u32s(5, 6, 1, 0)), ["filling"]);
    assert_eq!(broken(qm31_from_u32s(5, 6, 0, 1)), ["filling"]);
}

/// Attack: more lookups than the field has numbers, so that a multiplicity comes round to zero. Here our own components are larger than those
/// that the circuit was made for, and Cairo's have as many rows as a trace can.
#[test]
fn too_many_uses() {
    let broken = |more: u32| {
        let words = DEMO.build.program.words();
        let inner = Inner::new(&DEMO.build.manifest.tensors, &words);
        let mut inner = inner.expect("foldable");
        for placed in &mut inner.layout.components {
            placed.log_rows += more;
        }
        let values = Values::none(&inner);
        let (mut context, mut rules) = (TraceContext::default(), Rules::default());
        let statement = CairoStatement::<QM31>::new(
            &mut context,
            values.claim,
            values.output,
            inner.program.clone(),
            enabled(),
            HashValue(QM31::zero(), QM31::zero()),
            PreProcessedTraceVariant::CanonicalWithoutPedersen,
        );
        let count = inner.config.n_components();
        let log = inner.config.log_trace_size();
        let bits: Vec<_> = (0..=log)
            .map(|bit| Simd::repeat(&mut context, M31::from(u32::from(bit == log)), count))
            .collect();
        relation_uses(&mut context, &mut rules, &inner, &statement, &bits);
        broken(&rules, |wire| context.get(wire))
    };
    assert_eq!(broken(0), [""; 0]);
    assert_eq!(broken(20), ["uses of relations"]);
}

/// Attack: a point whose coordinate `y` is its own conjugate. No column's value enters its quotient there, so anything would be proven of a sample.
#[test]
fn a_point_that_is_its_own_conjugate() {
    let quotient = |y: QM31, value: u32, imposed: bool| {
        let (mut context, mut rules) = (TraceContext::default(), Rules::default());
        let pt = CirclePoint {
            x: qm31_from_u32s(3, 1, 4, 1).guess(&mut context),
            y: y.guess(&mut context),
        };
        let sample = OodsResponse {
            trace_idx: 0,
            column_idx: 0,
            pt,
            value: qm31_from_u32s(2, 7, 1, 8).guess(&mut context),
        };
        let coefficient = qm31_from_u32s(1, 2, 3, 4).guess(&mut context);
        let (points, product) = points(&mut context, &[sample], coefficient);
        if imposed {
            rules.nonzero(&mut context, "samples' points", product);
        }
        let number = |context: &mut TraceContext, n: u32| {
            Simd::from_packed(vec![QM31::from(M31::from(n)).guess(context)], 1)
        };
        let queries = Queries {
            bits: vec![],
            points: CirclePoint {
                x: number(&mut context, 5),
                y: number(&mut context, 6),
            },
        };
        let column = QM31::from(M31::from(value)).guess(&mut context);
        let all = quotients(&mut context, &points, &queries, &[vec![vec![column]]]);
        let quotient = context.get(all[0]);
        let gates = context.finalize(false);
        gates.is_circuit_valid().then_some(quotient)
    };
    let honest = qm31_from_u32s(2, 6, 5, 3);
    let own_conjugate = qm31_from_u32s(2, 6, 0, 0);
    for imposed in [false, true] {
        let [first, second] = [8, 9].map(|value| quotient(honest, value, imposed));
        assert!(first.is_some() && second.is_some() && first != second);
    }
    // Without the rule the quotient is the same whatever the column has.
    let [first, second] = [8, 9].map(|value| quotient(own_conjugate, value, false));
    assert!(first.is_some() && first == second);
    let refused = std::panic::catch_unwind(|| quotient(own_conjugate, 8, true));
    assert!(!matches!(refused, Ok(Some(_))));
}

/// Attack: a value of a column at a query that is no number of the base field, in a column whose place the circuit sorts. The rest is masked away.
#[test]
fn a_value_that_is_no_number_of_the_base_field() {
    let mut context = TraceContext::default();
    let value = one(&mut context, qm31_from_u32s(8, 0, 1, 0));
    assert_eq!(context.get(*value.get()), QM31::from(M31::from(8)));
}
