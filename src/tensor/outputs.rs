//! Constants of products, and of the components that take their outputs.

use stwo::core::fields::m31::M31;

use super::constants::{Rows, flag, place, signed};
use super::numbers::{Matmul, Taker};
use super::plan::{Operation, Plan};
use super::product::{Product, half};
use crate::air::components::Component;

impl Taker {
    /// All of them, in the order in which their outputs are numbered.
    const ALL: [Taker; 4] = [Taker::Round, Taker::Function, Taker::Residual, Taker::Gated];

    /// The component, whose first output has this number.
    fn component(self, start: u32) -> Component {
        match self {
            Taker::Round => Component::Round,
            Taker::Function => Component::Function { start },
            Taker::Residual => Component::Residual { start },
            Taker::Gated => Component::Gated { start },
        }
    }
}

/// The rows of products, then those of each taker, all in the order of [`Plan::matmuls`].
pub fn rows(plan: &Plan) -> Vec<Rows> {
    let matmuls = plan.matmuls();
    let mut products = vec![];
    for matmul in &matmuls {
        product(plan, matmul, &mut products);
    }
    let block = plan.block;
    let mut all = vec![Rows {
        component: Component::Product { block },
        rows: products,
    }];
    for taker in Taker::ALL {
        let mut rows = vec![];
        for matmul in matmuls.iter().filter(|matmul| matmul.taker == taker) {
            take(plan, matmul, &mut rows);
        }
        all.push(Rows {
            component: taker.component(plan.start(taker)),
            rows,
        });
    }
    all
}

/// How many rows of an operation are of the product, and how many of it are there in all.
fn counts(plan: &Plan, matmul: &Matmul<'_>) -> [usize; 2] {
    let outputs = matmul.weights.rows.len();
    let products = outputs.div_ceil(plan.block) * matmul.weights.inputs;
    [products, products + outputs / matmul.taker.outputs_of_row()]
}

/// Rows of a product, the first of its operation.
fn product(plan: &Plan, matmul: &Matmul<'_>, rows: &mut Vec<Vec<M31>>) {
    let [products, count] = counts(plan, matmul);
    let weights = matmul.weights;
    for index in 0..products {
        let (block, j) = (index / weights.inputs, index % weights.inputs);
        let mut row = place(matmul.operation, index, count).to_vec();
        row.push(M31::from(j as u32));
        row.extend((0..plan.block).map(|k| {
            let weights = weights.rows.get(block * plan.block + k);
            signed(weights.map_or(0, |row| row[j].into()))
        }));
        let first = rows.is_empty();
        row.extend([flag(first), flag(j == 0 && !first)]);
        rows.push(row);
    }
}

/// Rows that take a matrix's outputs, the last of its operation.
fn take(plan: &Plan, matmul: &Matmul<'_>, rows: &mut Vec<Vec<M31>>) {
    let [products, count] = counts(plan, matmul);
    for index in products..count {
        let output = index - products;
        let mut row = place(matmul.operation, index, count).to_vec();
        row.push(M31::from(output as u32));
        row.extend(own(&plan.operations[matmul.operation], output));
        row.push(flag(rows.is_empty()));
        rows.push(row);
    }
    // The next matrix starts at a block.
    let off = vec![M31::from(0); rows.first().map_or(0, Vec::len)];
    rows.resize(
        rows.len()
            .next_multiple_of(plan.block / matmul.taker.outputs_of_row()),
        off,
    );
}

/// What a row has behind its place and its output, and before the flag of the first one.
fn own(operation: &Operation, output: usize) -> Vec<M31> {
    match operation {
        Operation::Linear { of, bits, .. } => {
            let mut own = rounding(of, output).to_vec();
            own.extend([*bits, 1 << (bits - 1)].map(M31::from));
            own
        }
        Operation::Function { of, table, .. } => {
            let mut own = rounding(of, output).to_vec();
            own.push(M31::from(*table as u32));
            own
        }
        Operation::Residual { of, .. } => rounding(of, output).to_vec(),
        Operation::Gated { of, widths, .. } => {
            let roundings = [&of.gate, &of.up].map(|of| rounding(of, output));
            let mut own = roundings.concat();
            own.push(M31::from(of.table as u32));
            for bits in [widths.up, widths.result] {
                own.extend([bits, 1 << (bits - 1)].map(M31::from));
            }
            own.extend([of.shift, 1 << of.shift].map(M31::from));
            own.push(signed(half(of.shift)));
            own
        }
        Operation::Embed { .. } | Operation::Head { .. } => vec![],
    }
}

/// The constants of a rounding.
fn rounding(of: &Product, output: usize) -> [M31; 3] {
    let offset = half(of.shift) + i64::from(of.bias[output]);
    [
        M31::from(of.shift),
        M31::from(1 << of.shift),
        signed(offset),
    ]
}
