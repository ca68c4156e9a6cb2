//! Functions of rounded products, by a table of the plan.

use std::ops::Range;

use super::error::{BitsError, PlanError};
use super::numbers::{Matmul, Taker};
use super::operation::{Operand, Operation, Part, Work};
use super::plan::{Plan, Tensor};
use super::product::{Product, longest};
use super::values::Values;
use crate::air::components::Component;

/// Name in refusals.
const NAME: &str = "function";

/// A function of rounded products.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByTable {
    pub of: Product,
    /// Number of the plan's table.
    pub table: usize,
    pub input: Tensor,
    pub output: Tensor,
}

impl Plan {
    /// A product with rounding, and a function of the results.
    ///
    /// # Errors
    /// Forms that do not fit, an output whose range cannot be proven, or a table that has not all arguments.
    pub fn function(
        &mut self,
        input: Tensor,
        of: Product,
        table: usize,
    ) -> Result<Tensor, PlanError> {
        self.written(NAME, input)?;
        let reaches = of.reaches(NAME, input)?;
        let function = self.values_of(NAME, table)?;
        let values = function.magnitudes(NAME, &reaches, of.shift)?;
        let magnitude = values.iter().copied().max().unwrap_or(0);
        let output = self.tensor(of.outputs(), magnitude);
        let output = output.within(longest(&values));
        self.operations.push(Operation::Function(ByTable {
            of,
            table,
            input,
            output,
        }));
        Ok(output)
    }
}

impl ByTable {
    fn component(&self, plan: &Plan) -> Component {
        let start = plan.start(Taker::Function);
        Component::Function { start }
    }
}

impl Work for ByTable {
    fn name(&self) -> &'static str {
        NAME
    }

    fn reads(&self) -> Vec<Tensor> {
        vec![self.input]
    }

    fn writes(&self) -> Vec<Tensor> {
        vec![self.output]
    }

    fn operands(&self, _: &Plan) -> Vec<Operand> {
        [self.input, self.output].map(Tensor::operand).to_vec()
    }

    fn matmul(&self) -> Option<Matmul<'_>> {
        Some(Matmul {
            taker: Taker::Function,
            weights: &self.of.weights,
            input: self.input,
        })
    }

    fn compute(
        &self,
        plan: &Plan,
        lanes: Range<usize>,
        values: &mut Values,
    ) -> Result<(), BitsError> {
        let function = &plan.tables[self.table];
        let tensors = [self.input, self.output];
        let set = |values: &mut Values, output, lane, argument| {
            values.set(self.output, output, lane, function.at(argument));
            Ok(())
        };
        self.of.compute(tensors, &lanes, values, set)
    }

    fn constants(&self, plan: &Plan) -> Vec<Part> {
        let behind = [self.table as u32, 0];
        self.of.constants(plan, self.component(plan), &behind)
    }

    fn counts(&self, plan: &Plan) -> Vec<(Component, usize)> {
        self.of.counts(plan, self.component(plan))
    }

    fn witness(&self, plan: &Plan, values: &Values) -> Vec<Part> {
        let function = &plan.tables[self.table];
        let of = ([self.input, self.output], values);
        let row = |_, [arguments, rests]: [Vec<i64>; 2]| {
            let results = arguments.iter().map(|&z| function.at(z)).collect();
            [arguments, rests, results].concat()
        };
        self.of.witness(plan, of, self.component(plan), row)
    }
}
