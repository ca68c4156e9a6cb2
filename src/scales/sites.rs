//! A decode step of which some operations are integers and the others real numbers: what each operation costs in precision.

use super::choose::Quantised;
use super::real::{self, RealState};
use crate::integers::Refusal;
use crate::integers::reference::{self, Carried};

/// A model whose operations are integers where `integer` says so.
pub struct Hybrid<'a> {
    of: &'a Quantised,
    integer: Vec<bool>,
    real: RealState,
    carried: Carried,
}

impl<'a> Hybrid<'a> {
    pub fn new(of: &'a Quantised, integer: Vec<bool>) -> Hybrid<'a> {
        Hybrid {
            of,
            integer,
            real: RealState::new(&of.network),
            carried: Carried::new(&of.description),
        }
    }

    /// Forgets all positions.
    pub fn restart(&mut self) {
        self.real = RealState::new(&self.of.network);
        self.carried = Carried::new(&self.of.description);
    }

    /// Takes in a token and returns the logits of what follows.
    ///
    /// # Errors
    /// An integer that no proof can have.
    pub fn step(&mut self, token: u32) -> Result<Vec<f64>, Refusal> {
        let of = self.of;
        let mut values: Vec<Vec<f64>> = vec![];
        let mut integers: Vec<Vec<i64>> = vec![];
        for (number, scale) in of.scales.iter().enumerate() {
            let value: Vec<f64> = if self.integer[number] {
                let (description, carried) = (&of.description, &mut self.carried);
                let written = reference::compute(description, carried, token, number, &integers)?;
                written.iter().map(|&x| x as f64 / scale).collect()
            } else {
                real::compute(&of.network, &mut self.real, token, number, &values)
            };
            let rounded = value.iter().map(|x| (x * scale).round() as i64);
            integers.push(rounded.collect());
            values.push(value);
        }
        self.real.position += 1;
        self.carried.position += 1;
        Ok(values.pop().unwrap_or_default())
    }
}
