//! The choice of scales of functions, which are tables that operations share.

use super::bounds::{largest, outputs};
use super::choose::{Choice, limit};
use super::network::{Function, Product, Real};
use super::products::{Needs, grid};
use super::tables;
use crate::integers::ranges::{ACCUMULATOR, FORM_BITS, MAX_BITS};
use crate::integers::{self, Gated, Operation};

impl Choice<'_> {
    /// The arguments of a function, which all operations with that function share, and its table.
    fn arguments(&mut self, function: Function) -> (Arguments, usize) {
        let mut known = self.functions.iter();
        let known = known.find(|arguments| arguments.function == function);
        let arguments = known.copied().unwrap_or_else(|| {
            let arguments = Arguments::of(self, function);
            self.functions.push(arguments);
            arguments
        });
        let Arguments {
            magnitude,
            argument,
            value,
            ..
        } = arguments;
        let table = tables::function(function, magnitude, argument, value);
        (arguments, self.table(table))
    }

    pub(super) fn function(
        &mut self,
        input: usize,
        of: &Product,
        function: Function,
    ) -> (Operation, f64) {
        let (arguments, table) = self.arguments(function);
        let of = self.arguments_of(of, input, arguments);
        (Operation::Function { input, of, table }, arguments.value)
    }

    pub(super) fn gated(
        &mut self,
        number: usize,
        input: usize,
        [gate, up]: [&Product; 2],
        function: Function,
    ) -> (Operation, f64) {
        let (arguments, table) = self.arguments(function);
        let bound = self.bounds[input];
        let ups = outputs(up, bound);
        // The function's value times the other product is below 2^29.
        let gates = outputs(gate, bound);
        let values = gates.into_iter().map(|z| largest(function, z));
        let values = values.fold(0.0, f64::max) * arguments.value;
        let products = self.slack * ACCUMULATOR as f64 / values;
        let largest = ups.into_iter().fold(0.0, f64::max);
        let scale = grid(limit(16, self.slack).min(products) / largest);

        // As many bits as the readers want, all of which the checked bound has.
        let each = self.bounds[number].each;
        let wanted = self.wanted(number).unwrap_or(1.0);
        let finest = arguments.value * scale;
        let most = (finest * each).log2().floor() as i32 + 1;
        let bits = (wanted * each).log2().round() as i32 + 1;
        let bits = bits.clamp(2, most.clamp(2, MAX_BITS as i32)) as u32;
        let result = f64::from(1 << (bits - 1)) / each;
        let shift = (finest / result).log2().floor();
        let shift = shift.clamp(0.0, MAX_BITS.min(FORM_BITS - bits).into()) as u32;
        let scale = result * f64::from(1 << shift) / arguments.value;
        let of = Gated {
            gate: self.arguments_of(gate, input, arguments),
            up: self.product(up, input, scale, self.bits(up, input, scale)),
            table,
            shift,
            bits,
        };
        (Operation::Gated { input, of }, result)
    }

    fn arguments_of(&self, of: &Product, input: usize, to: Arguments) -> integers::Product {
        self.product(of, input, to.argument, self.bits(of, input, to.argument))
    }
}

/// How a function's arguments and values are scaled, in all operations with that function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arguments {
    function: Function,
    /// The largest argument, as an integer.
    magnitude: i64,
    argument: f64,
    value: f64,
}

impl Arguments {
    fn of(choice: &Choice<'_>, function: Function) -> Arguments {
        let mut reach = f64::MIN_POSITIVE.sqrt();
        let mut wanted = vec![];
        for (number, operation) in choice.network.operations.iter().enumerate() {
            let (input, of) = match operation {
                Real::Function {
                    input,
                    of,
                    function: own,
                } if *own == function => {
                    wanted.extend(choice.wanted(number).map(f64::log2));
                    (*input, of)
                }
                Real::Gated {
                    input,
                    gate,
                    function: own,
                    ..
                } if *own == function => (*input, gate),
                _ => continue,
            };
            reach = reach.max(Needs::of(of, choice.bounds[input]).reach);
        }
        let argument = grid(limit(choice.options.argument_bits, choice.slack) / reach);
        let finest = limit(15, choice.slack) / largest(function, reach);
        // A gated product has its scale from the other factor.
        let mean = wanted.iter().sum::<f64>() / wanted.len().max(1) as f64;
        let value = match wanted.is_empty() {
            true => finest,
            false => finest.min(mean.exp2()),
        };
        Arguments {
            function,
            magnitude: (reach * argument / choice.slack) as i64,
            argument,
            value: grid(value),
        }
    }
}
