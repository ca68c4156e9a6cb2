//! A component's definition, row by row: which tuples it uses, its powers, and whether its constraints hold.

use std::panic::Location;

use cairo_decode::air::row::Row;
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;

/// One row of a component, in plain numbers.
pub struct ScalarRow<'a, S> {
    pub columns: &'a ScalarColumns<'a>,
    /// The row's number.
    pub row: usize,
    /// What to do with what the definition says.
    pub sink: &'a mut S,
    at: [usize; 3],
}

/// A component's columns, in the order of rows.
pub struct ScalarColumns<'a> {
    pub constants: &'a [Vec<M31>],
    pub trace: &'a [Vec<M31>],
}

/// What is done with what a definition says about a row.
pub trait Sink {
    /// A constraint of the base field, and where the definition says it.
    fn zero(&mut self, number: M31, at: &'static Location<'static>) {
        let _ = (number, at);
    }

    /// A tuple, used so many times.
    fn uses(&mut self, on: M31, tuple: &[M31], at: &'static Location<'static>) {
        let _ = (on, tuple, at);
    }

    /// A tuple, yielded so many times.
    fn yields(&mut self, on: M31, tuple: &[M31], at: &'static Location<'static>) {
        self.uses(-on, tuple, at);
    }

    /// The row's power with the given number in the row.
    fn power(&mut self, place: usize, first: M31, factor: QM31) -> QM31;

    /// A term of the zero sum.
    fn sums(&mut self, term: QM31, at: &'static Location<'static>) {
        let _ = (term, at);
    }
}

/// A power of a row, of those of the row before, which it replaces.
pub fn next_power(powers: &mut Vec<QM31>, place: usize, first: M31, factor: QM31) -> QM31 {
    powers.resize(powers.len().max(place + 1), QM31::default());
    powers[place] = powers[place] * factor + first;
    powers[place]
}

impl<'a, S: Sink> ScalarRow<'a, S> {
    pub fn new(columns: &'a ScalarColumns<'a>, row: usize, sink: &'a mut S) -> Self {
        ScalarRow {
            columns,
            row,
            sink,
            at: [0; 3],
        }
    }

    fn next(&mut self, tree: usize) -> usize {
        let at = self.at[tree];
        self.at[tree] += 1;
        at
    }
}

impl<S: Sink> Row for ScalarRow<'_, S> {
    type F = M31;
    type C = QM31;
    type EF = QM31;

    fn numbered_constant(&mut self, _: &'static str, _: usize) -> M31 {
        let at = self.next(0);
        self.columns.constants[at][self.row]
    }

    fn value(&mut self) -> M31 {
        let at = self.next(1);
        self.columns.trace[at][self.row]
    }

    fn power(&mut self, first: M31, factor: QM31) -> QM31 {
        let place = self.next(2);
        self.sink.power(place, first, factor)
    }

    #[track_caller]
    fn zero(&mut self, number: M31) {
        self.sink.zero(number, Location::caller());
    }

    #[track_caller]
    fn uses(&mut self, on: M31, tuple: &[M31]) {
        self.sink.uses(on, tuple, Location::caller());
    }

    #[track_caller]
    fn yields(&mut self, on: M31, tuple: &[M31]) {
        self.sink.yields(on, tuple, Location::caller());
    }

    #[track_caller]
    fn sums(&mut self, term: QM31) {
        self.sink.sums(term, Location::caller());
    }
}
