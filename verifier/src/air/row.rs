//! How a component is written: one definition over [`Row`], which the verifier evaluates at a point, the prover on
//! its columns, and the prover once more to write interaction columns.

use std::any::type_name;
use std::ops::{Add, Mul, Neg, Sub};

use cairo_air::relations::CommonLookupElements;
use num_traits::{One, Zero};
use stwo::core::Fraction;
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;
use stwo_constraint_framework::preprocessed_columns::PreProcessedColumnId;
use stwo_constraint_framework::{EvalAtRow, INTERACTION_TRACE_IDX, InfoEvaluator, Relation};

/// The previous row and the row itself.
const OWN_AND_PREVIOUS: [isize; 2] = [-1, 0];

/// A number of a row: a column's value, or what is computed of some.
pub trait Base:
    Clone
    + Add<Self, Output = Self>
    + Sub<Self, Output = Self>
    + Mul<Self, Output = Self>
    + Mul<M31, Output = Self>
    + Neg<Output = Self>
    + From<M31>
{
}

impl<F> Base for F where
    F: Clone
        + Add<F, Output = F>
        + Sub<F, Output = F>
        + Mul<F, Output = F>
        + Mul<M31, Output = F>
        + Neg<Output = F>
        + From<M31>
{
}

/// A number of a row in the field of the challenges, of type `C`.
pub trait Extension<F, C>:
    Clone
    + Zero
    + Add<F, Output = Self>
    + Mul<F, Output = Self>
    + Sub<Self, Output = Self>
    + Mul<C, Output = Self>
    + Neg<Output = Self>
    + From<F>
{
}

impl<F, C, EF> Extension<F, C> for EF where
    EF: Clone
        + Zero
        + Add<F, Output = EF>
        + Mul<F, Output = EF>
        + Sub<EF, Output = EF>
        + Mul<C, Output = EF>
        + Neg<Output = EF>
        + From<F>
{
}

/// `Σ_i x_i v_i`.
pub fn weighted<F: Clone, C: Clone, EF: Extension<F, C>>(values: &[F], weights: &[C]) -> EF {
    let products = values.iter().zip(weights);
    products.fold(EF::zero(), |sum, (value, weight)| {
        sum + EF::from(value.clone()) * weight.clone()
    })
}

/// What a component's definition does with a row.
///
/// Columns are taken in the order in which the definition asks for them, in each tree for itself.
///
/// Constraints, lookups and terms of the zero sum are told apart by who asks for them: tests have an attack for each.
pub trait Row {
    type F: Base;
    /// A challenge.
    type C: Clone;
    type EF: Extension<Self::F, Self::C> + Mul<Self::EF, Output = Self::EF>;

    /// The next constant column; `name` and `number` tell it from the component's others.
    fn numbered_constant(&mut self, name: &'static str, number: usize) -> Self::F;

    /// The next constant column, the only one of its name.
    fn constant(&mut self, name: &'static str) -> Self::F {
        self.numbered_constant(name, 0)
    }

    /// The next `count` constant columns.
    fn constants(&mut self, name: &'static str, count: usize) -> Vec<Self::F> {
        (0..count)
            .map(|number| self.numbered_constant(name, number))
            .collect()
    }

    /// The next trace column.
    fn value(&mut self) -> Self::F;

    /// The next `count` trace columns.
    fn values(&mut self, count: usize) -> Vec<Self::F> {
        (0..count).map(|_| self.value()).collect()
    }

    /// The next power: `g = first + factor · (g of the previous row)`, a column of the interaction tree that constants
    /// and challenges determine. `first` and `factor` must be made of nothing else, but for one trace column in the factor of
    /// `attend`, which is committed to before the challenges.
    fn power(&mut self, first: Self::F, factor: Self::EF) -> Self::EF;

    /// Requires a number to be 0, of degree 3 at most.
    #[track_caller]
    fn zero(&mut self, number: Self::F);

    /// Uses a tuple `on` times: a number of degree 2 at most. The tuple has degree 1.
    #[track_caller]
    fn uses(&mut self, on: Self::F, tuple: &[Self::F]);

    /// Yields a tuple `on` times: a number of degree 2 at most. The tuple has degree 1.
    #[track_caller]
    fn yields(&mut self, on: Self::F, tuple: &[Self::F]) {
        self.uses(-on, tuple);
    }

    /// Adds a number of degree 3 at most to the zero sum.
    #[track_caller]
    fn sums(&mut self, term: Self::EF);
}

/// A [`Row`] of the library's evaluators.
pub struct FrameworkRow<'a, E: EvalAtRow> {
    eval: E,
    elements: &'a CommonLookupElements,
    component: &'a str,
    lookups: Vec<Fraction<E::EF, E::EF>>,
    term: Option<E::EF>,
}

impl<'a, E: EvalAtRow> FrameworkRow<'a, E> {
    /// A row of a component.
    pub fn new(eval: E, elements: &'a CommonLookupElements, component: &'a str) -> Self {
        FrameworkRow {
            eval,
            elements,
            component,
            lookups: vec![],
            term: None,
        }
    }

    /// Writes the row's fractions: two lookups share a column, and all terms of the zero sum have one.
    pub fn finish(mut self) -> E {
        let batches = batches(self.lookups.len(), self.term.is_some());
        let term = self.term.map(|term| Fraction::new(term, E::EF::one()));
        for fraction in self.lookups.into_iter().chain(term) {
            self.eval.write_logup_frac(fraction);
        }
        self.eval.finalize_logup_batched(&batches);
        self.eval
    }
}

/// Which interaction column each fraction of a row goes to: `lookups` of degree 2 at most over 1, then the terms of the zero sum,
/// of degree 3 over nothing, if there are some.
pub fn batches(lookups: usize, term: bool) -> Vec<usize> {
    let pairs = (0..lookups).map(|n| n / 2);
    pairs.chain(term.then_some(lookups.div_ceil(2))).collect()
}

impl<E: EvalAtRow> Row for FrameworkRow<'_, E>
where
    E::F: Base,
    E::EF: Extension<E::F, QM31>,
{
    type F = E::F;
    type C = QM31;
    type EF = E::EF;

    fn numbered_constant(&mut self, name: &'static str, number: usize) -> E::F {
        // Only the evaluator that lists the columns reads their names, and a name for each row would take long.
        let listing = type_name::<E>() == type_name::<InfoEvaluator>();
        let id = if listing {
            column_name(self.component, name, number)
        } else {
            String::new()
        };
        self.eval
            .get_preprocessed_column(PreProcessedColumnId { id })
    }

    fn value(&mut self) -> E::F {
        self.eval.next_trace_mask()
    }

    fn power(&mut self, first: E::F, factor: E::EF) -> E::EF {
        let [previous, own] = self
            .eval
            .next_extension_interaction_mask(INTERACTION_TRACE_IDX, OWN_AND_PREVIOUS);
        self.eval
            .add_constraint::<E::EF>(own.clone() - (previous * factor + first));
        own
    }

    fn zero(&mut self, number: E::F) {
        self.eval.add_constraint(number);
    }

    fn uses(&mut self, on: E::F, tuple: &[E::F]) {
        let fraction = Fraction::new(E::EF::from(on), self.elements.combine(tuple));
        self.lookups.push(fraction);
    }

    fn sums(&mut self, term: E::EF) {
        self.term = Some(match self.term.take() {
            Some(sum) => sum + term,
            None => term,
        });
    }
}

/// The name of a component's constant column, among all columns of the constants' tree.
pub fn column_name(component: &str, column: &str, number: usize) -> String {
    format!("{component}.{column}.{number}")
}
