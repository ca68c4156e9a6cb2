//! What rows of components say, gathered: whether a constraint is broken, which tuples are used, what is added to the zero sum.

use std::collections::BTreeMap;
use std::panic::Location;

use cairo_decode::air::components::Component;
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;

use crate::scalar::{Sink, next_power};
use crate::sites::Said;

/// What rows say: whether a constraint is broken, what they use, what they add to the sum.
#[derive(Clone, Default)]
pub struct Findings {
    pub broken: bool,
    pub tuples: BTreeMap<Vec<u32>, M31>,
    pub sum: QM31,
    /// The powers of the row before; from then on the row's own.
    pub powers: Vec<QM31>,
    /// Which places of definitions say it, where that is recorded.
    pub said: Option<Box<Said>>,
}

impl Findings {
    /// Takes away what other rows say.
    pub fn less(&mut self, other: &Findings) {
        for (tuple, count) in &other.tuples {
            *self.tuples.entry(tuple.clone()).or_default() -= *count;
        }
        self.sum -= other.sum;
        if let (Some(said), Some(other)) = (&mut self.said, &other.said) {
            said.with(other);
        }
    }

    /// What rows of a component say.
    pub fn of_component(&mut self, component: Component) {
        if let Some(said) = &mut self.said {
            said.component = component.document_name();
        }
    }

    /// The relations whose uses and yields are not equal.
    pub fn open(&self) -> Vec<u32> {
        let open = self
            .tuples
            .iter()
            .filter(|(_, count)| **count != M31::from(0));
        open.map(|(tuple, _)| tuple.first().copied().unwrap_or(0))
            .collect()
    }
}

impl Sink for Findings {
    fn zero(&mut self, number: M31, at: &'static Location<'static>) {
        self.broken |= number != M31::from(0);
        if let Some(said) = &mut self.said {
            said.zero(number, at);
        }
    }

    fn uses(&mut self, on: M31, tuple: &[M31], at: &'static Location<'static>) {
        if on == M31::from(0) {
            return;
        }
        let tuple = shortest(tuple);
        if let Some(said) = &mut self.said {
            said.uses(&tuple, at);
        }
        *self.tuples.entry(tuple).or_default() += on;
    }

    fn yields(&mut self, on: M31, tuple: &[M31], at: &'static Location<'static>) {
        if on == M31::from(0) {
            return;
        }
        let tuple = shortest(tuple);
        if let Some(said) = &mut self.said {
            said.yields(&tuple, at);
        }
        *self.tuples.entry(tuple).or_default() -= on;
    }

    fn power(&mut self, place: usize, first: M31, factor: QM31) -> QM31 {
        next_power(&mut self.powers, place, first, factor)
    }

    fn sums(&mut self, term: QM31, at: &'static Location<'static>) {
        self.sum += term;
        if let Some(said) = &mut self.said {
            said.sums(term, at);
        }
    }
}

/// A tuple without the elements at its end that are 0, which make no difference to it.
pub fn shortest(tuple: &[M31]) -> Vec<u32> {
    let mut tuple: Vec<u32> = tuple.iter().map(|element| element.0).collect();
    while tuple.last() == Some(&0) {
        tuple.pop();
    }
    tuple
}
