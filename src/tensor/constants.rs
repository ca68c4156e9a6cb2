//! The components' constants: one table for each component of the layout, in the order in which definitions ask for them.

use stwo::core::fields::m31::{M31, P};

use super::plan::{Operation, Plan, PlanError, half};
use crate::air::components::lanes::CHANNELS;
use crate::air::components::place::END;
use crate::air::components::{Component, range};
use crate::air::layout::{Layout, Placed};
use crate::prove::tensor::{Constants, Table};

/// Smallest size of a component, as a power of two: the rows that the prover computes at once.
const MIN_LOG_ROWS: u32 = 4;

/// Rows of a table of constants: on columns, in the order of the definition.
struct Rows {
    component: Component,
    rows: Vec<Vec<M31>>,
}

/// A signed integer as an element of the field.
pub fn signed(value: i64) -> M31 {
    M31::from_u32_unchecked(value.rem_euclid(i64::from(P)) as u32)
}

fn flag(set: bool) -> M31 {
    M31::from(u32::from(set))
}

/// `on, op, index, next` of a row of an operation with `count` rows.
fn place(op: usize, index: usize, count: usize) -> [M31; 4] {
    let next = if index + 1 == count {
        END
    } else {
        M31::from(index as u32 + 1)
    };
    [
        M31::from(1),
        M31::from(op as u32),
        M31::from(index as u32),
        next,
    ]
}

/// Smallest size that holds so many rows, as a power of two.
pub fn log_rows(rows: usize) -> u32 {
    rows.next_power_of_two().ilog2().max(MIN_LOG_ROWS)
}

/// The layout of a plan's proofs and the constants of its components. `calls` are the numbers of operands of the kinds of calls, and how
/// often each is made; `reads` says how often the program reads a lane.
///
/// # Errors
/// [`PlanError::Writers`].
pub fn constants(plan: &Plan, reads: usize) -> Result<Constants, PlanError> {
    plan.check()?;
    let width = plan.embedding.inputs;
    let mut product = Rows {
        component: Component::Product { block: plan.block },
        rows: vec![],
    };
    let mut round = Rows {
        component: Component::Round,
        rows: vec![],
    };
    let mut embed = Rows {
        component: Component::Embed { width },
        rows: vec![],
    };
    let mut input = Rows {
        component: Component::HeadInput,
        rows: vec![],
    };
    let mut head = Rows {
        component: Component::Head { width },
        rows: vec![],
    };
    let mut answer = Rows {
        component: Component::Answer,
        rows: vec![],
    };
    let mut views = vec![plan.tokens.given];
    for (i, operation) in plan.operations.iter().enumerate() {
        let op = i + 1;
        match operation {
            Operation::Embed { output } => {
                embed
                    .rows
                    .extend((0..plan.lanes).map(|lane| place(op, lane, plan.lanes).to_vec()));
                views.extend((output.address..).step_by(CHANNELS).take(width / CHANNELS));
            }
            Operation::Linear { of, .. } => {
                linear(plan, op, of, &mut product.rows, &mut round.rows)
            }
            Operation::Head { .. } => {
                let tokens = plan.embedding.rows.len();
                let count = width + tokens + 1;
                input.rows.extend((0..width).map(|j| {
                    let own = [M31::from(j as u32), flag(j == 0)];
                    [&place(op, j, count)[..], &own].concat()
                }));
                head.rows
                    .extend(plan.embedding.rows.iter().enumerate().map(|(token, row)| {
                        let own = [
                            M31::from(token as u32),
                            flag(token == 0),
                            flag(token + 1 == tokens),
                        ];
                        let embedding: Vec<M31> = row.iter().map(|&e| signed(e.into())).collect();
                        [&place(op, width + token, count)[..], &own, &embedding].concat()
                    }));
                answer.rows.push(place(op, width + tokens, count).to_vec());
            }
        }
    }
    let view = |address: u32| vec![M31::from(1), M31::from(address)];
    let lanes = Rows {
        component: Component::Lanes,
        rows: views.into_iter().map(view).collect(),
    };
    // Every row of the memory has an address: one that nobody uses is no harm.
    let addresses = 0..1u32 << log_rows(plan.addresses as usize);
    let tensor = Rows {
        component: Component::Tensor,
        rows: addresses.map(|a| vec![M31::from(a)]).collect(),
    };
    let ranges = (0..=range::MAX_BITS)
        .flat_map(|bits| (0..1u32 << bits).map(move |v| [bits, v].map(M31::from)));
    let range = Rows {
        component: Component::Range,
        rows: ranges.map(Vec::from).collect(),
    };

    let tables = [
        tensor, range, lanes, embed, product, round, input, head, answer,
    ];
    let mut components = vec![];
    let mut constants = vec![];
    for table in tables.into_iter().filter(|table| !table.rows.is_empty()) {
        let log_rows = log_rows(table.rows.len());
        components.push(Placed {
            component: table.component,
            log_rows,
        });
        constants.push(columns(&table.rows, log_rows));
    }
    for (operands, calls) in plan.kinds() {
        components.push(Placed {
            component: Component::Call { operands },
            log_rows: log_rows(calls),
        });
        constants.push(vec![]);
    }
    components.push(Placed {
        component: Component::Cells,
        log_rows: log_rows(reads),
    });
    constants.push(vec![]);
    let messages = if plan.has_head() { width } else { 0 };
    let layout = Layout {
        lanes: plan.lanes,
        components,
        messages,
    };
    Ok(Constants {
        layout,
        tables: constants,
    })
}

/// Rows of a product and of its roundings, which are one operation.
fn linear(
    plan: &Plan,
    op: usize,
    of: &super::Linear,
    product: &mut Vec<Vec<M31>>,
    round: &mut Vec<Vec<M31>>,
) {
    let (inputs, outputs) = (of.weights.inputs, of.weights.rows.len());
    let blocks = outputs.div_ceil(plan.block);
    let count = blocks * inputs + outputs;
    for block in 0..blocks {
        for j in 0..inputs {
            let mut row = place(op, block * inputs + j, count).to_vec();
            row.push(M31::from(j as u32));
            row.extend((0..plan.block).map(|k| {
                let weights = of.weights.rows.get(block * plan.block + k);
                signed(weights.map_or(0, |row| row[j].into()))
            }));
            let first = product.is_empty();
            row.extend([flag(first), flag(j == 0 && !first)]);
            product.push(row);
        }
    }
    for i in 0..outputs {
        let mut row = place(op, blocks * inputs + i, count).to_vec();
        let offset = half(of.shift) + i64::from(of.bias[i]);
        row.extend(
            [
                i as u32,
                of.shift,
                1 << of.shift,
                of.bits,
                1 << (of.bits - 1),
            ]
            .map(M31::from),
        );
        row.extend([signed(offset), flag(round.is_empty())]);
        round.push(row);
    }
    // The next matrix starts at a block.
    let off = vec![M31::from(0); round.first().map_or(0, Vec::len)];
    round.resize(round.len().next_multiple_of(plan.block), off);
}

/// Columns from rows; padding is 0.
pub fn columns(rows: &[Vec<M31>], log_rows: u32) -> Table {
    let width = rows.first().map_or(0, Vec::len);
    let of = |column: usize| {
        let values = rows.iter().map(|row| row[column]);
        let padded = values.chain(std::iter::repeat(M31::from(0)));
        padded.take(1 << log_rows).collect()
    };
    (0..width).map(of).collect()
}
