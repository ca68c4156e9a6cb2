//! Tensor components in a circuit: their recorded definitions, replayed as gates.
//!
//! The circuit library has evaluators of Cairo's components only, whose interaction columns are running sums of pairs
//! of lookups. Those of this project have columns of powers and a last sum without a denominator too.

use std::collections::HashMap;

use circuits::context::{Context, Var};
use circuits::eval;
use circuits::ivalue::IValue;
use circuits::ops::{from_partial_evals, inv, mul};
use circuits_stark_verifier::logup::{
    LogupTerm, logup_term, pair_logup_constraint, single_logup_constraint,
};
use circuits_stark_verifier::proof::InteractionAtOods;
use stwo::core::fields::qm31::SECURE_EXTENSION_DEGREE;

use crate::air::record::{Expression, Node, Recorded};
use crate::air::row::batches;

/// A component's part of a proof, as wires.
pub struct Samples<'a> {
    /// Of its constant columns.
    pub constants: &'a [Var],
    /// Of its trace columns.
    pub values: &'a [Var],
    /// Of its interaction columns, four for each number.
    pub interaction: &'a [InteractionAtOods<Var>],
    /// Its number of rows.
    pub rows: Var,
    pub claimed_sum: Var,
}

/// What all components of a proof share.
pub struct Shared<'a> {
    /// `z` and `α`.
    pub elements: [Var; 2],
    /// The weights, in the order of their places.
    pub weights: &'a [Var],
    /// What the constraints are combined with.
    pub coefficient: Var,
}

/// The numbers of a row that are wires already, and those computed so far.
struct Wires<'a> {
    samples: &'a Samples<'a>,
    shared: &'a Shared<'a>,
    /// Of each power: the previous row's and the row's own.
    powers: Vec<[Var; 2]>,
    computed: HashMap<*const Node, Var>,
}

impl Wires<'_> {
    fn wire<V: IValue>(&mut self, context: &mut Context<V>, expression: &Expression) -> Var {
        if let Some(wire) = self.computed.get(&expression.key()) {
            return *wire;
        }
        let wire = match expression.node() {
            Node::Number(number) => context.constant((*number).into()),
            Node::Constant(i) => self.samples.constants[*i],
            Node::Value(i) => self.samples.values[*i],
            Node::Power { place, previous } => self.powers[*place][usize::from(!previous)],
            Node::Weight(i) => self.shared.weights[*i],
            Node::Sum(a, b) => {
                let [a, b] = [a, b].map(|x| self.wire(context, x));
                eval!(context, (a) + (b))
            }
            Node::Difference(a, b) => {
                let [a, b] = [a, b].map(|x| self.wire(context, x));
                eval!(context, (a) - (b))
            }
            Node::Product(a, b) => {
                let [a, b] = [a, b].map(|x| self.wire(context, x));
                eval!(context, (a) * (b))
            }
        };
        self.computed.insert(expression.key(), wire);
        wire
    }
}

/// A number of the challenges' field from its four columns: in the previous row, if they have it, and in the row.
fn number<V: IValue>(
    context: &mut Context<V>,
    columns: &[InteractionAtOods<Var>],
) -> (Option<Var>, Var) {
    let own = from_partial_evals(context, std::array::from_fn(|i| columns[i].at_oods));
    let previous: Option<Vec<Var>> = columns.iter().map(|column| column.at_prev).collect();
    let previous = previous
        .and_then(|four| <[Var; SECURE_EXTENSION_DEGREE]>::try_from(four).ok())
        .map(|four| from_partial_evals(context, four));
    (previous, own)
}

/// Adds a component's constraints, at the point of the samples, to the combination of all constraints.
///
/// # Panics
/// The samples are not those of the component's columns.
#[allow(
    clippy::expect_used,
    reason = "a circuit of other columns than the component's must not be built"
)]
pub fn accumulate<V: IValue>(
    context: &mut Context<V>,
    recorded: &Recorded,
    samples: &Samples<'_>,
    shared: &Shared<'_>,
    mut accumulation: Var,
) -> Var {
    let batches = batches(recorded.lookups.len(), recorded.term.is_some());
    let sums = batches.last().map_or(0, |last| last + 1);
    let columns = SECURE_EXTENSION_DEGREE * (recorded.powers.len() + sums);
    assert_eq!(samples.interaction.len(), columns, "interaction columns");
    let mut columns = samples.interaction.chunks(SECURE_EXTENSION_DEGREE);
    let powers = columns.by_ref().take(recorded.powers.len());
    let powers = powers
        .map(|columns| {
            let (previous, own) = number(context, columns);
            [previous.expect("a power's value in the previous row"), own]
        })
        .collect();
    let mut wires = Wires {
        samples,
        shared,
        powers,
        computed: HashMap::new(),
    };
    let mut add = |context: &mut Context<V>, constraint: Var| {
        let shifted = eval!(context, (accumulation) * (shared.coefficient));
        accumulation = eval!(context, (shifted) + (constraint));
    };
    for constraint in &recorded.constraints {
        let wire = wires.wire(context, constraint);
        add(context, wire);
    }
    let mut fractions: Vec<LogupTerm> = vec![];
    for lookup in &recorded.lookups {
        let tuple = lookup.tuple.iter();
        let tuple: Vec<Var> = tuple.map(|x| wires.wire(context, x)).collect();
        let on = wires.wire(context, &lookup.on);
        fractions.push(logup_term(context, shared.elements, on, &tuple));
    }
    if let Some(term) = &recorded.term {
        let term = wires.wire(context, term);
        fractions.push(LogupTerm::new(term, context.one()));
    }
    let mut together: Vec<Vec<LogupTerm>> = vec![vec![]; sums];
    for (fraction, batch) in fractions.into_iter().zip(batches) {
        together[batch].push(fraction);
    }
    let mut before = context.zero();
    for (i, (batch, columns)) in together.into_iter().zip(columns).enumerate() {
        let (previous, own) = number(context, columns);
        let mut difference = eval!(context, (own) - (before));
        before = own;
        if i + 1 == sums {
            let previous = previous.expect("the running sum's value in the previous row");
            let rows = inv(context, samples.rows);
            let shift = mul(context, samples.claimed_sum, rows);
            difference = eval!(context, ((difference) - (previous)) + (shift));
        }
        let constraint = match batch[..] {
            [one, two] => pair_logup_constraint(context, one, two, difference),
            [one, ..] => single_logup_constraint(context, one, difference),
            [] => continue,
        };
        add(context, constraint);
    }
    accumulation
}
