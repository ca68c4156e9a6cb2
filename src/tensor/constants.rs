//! The components' constants: one table for each component of the layout, in the order in which definitions ask for them.

use stwo::core::fields::m31::{M31, P};

use super::error::PlanError;
use super::outputs;
use super::plan::{Operation, Plan};
use crate::air::components::lanes::CHANNELS;
use crate::air::components::place::END;
use crate::air::components::{Component, range};
use crate::air::layout::{Layout, Placed};
use crate::prove::tensor::{Constants, Table};

/// Smallest size of a component, as a power of two: the rows that the prover computes at once.
const MIN_LOG_ROWS: u32 = 4;

/// Rows of a table of constants: on columns, in the order of the definition.
pub(super) struct Rows {
    pub component: Component,
    pub rows: Vec<Vec<M31>>,
}

/// A signed integer as an element of the field.
pub fn signed(value: i64) -> M31 {
    M31::from_u32_unchecked(value.rem_euclid(i64::from(P)) as u32)
}

pub(super) fn flag(set: bool) -> M31 {
    M31::from(u32::from(set))
}

/// `on, op, index, next` of a row of the operation at a place in the plan, which has `count` rows.
pub(super) fn place(operation: usize, index: usize, count: usize) -> [M31; 4] {
    let next = if index + 1 == count {
        END
    } else {
        M31::from(index as u32 + 1)
    };
    [
        M31::from(1),
        M31::from(operation as u32 + 1),
        M31::from(index as u32),
        next,
    ]
}

/// Smallest size that holds so many rows, as a power of two.
pub fn log_rows(rows: usize) -> u32 {
    rows.next_power_of_two().ilog2().max(MIN_LOG_ROWS)
}

/// The layout of a plan's proofs and the constants of its components; `reads` says how often the program reads a lane.
///
/// # Errors
/// [`PlanError::Writers`].
pub fn constants(plan: &Plan, reads: usize) -> Result<Constants, PlanError> {
    plan.check()?;
    Ok(unchecked(plan, reads))
}

/// The same of a plan that nobody has checked, of which a proof may say anything.
pub fn unchecked(plan: &Plan, reads: usize) -> Constants {
    let mut tables = vec![tensor(plan), range(), views(plan), functions(plan)];
    tables.push(embed(plan));
    tables.extend(outputs::rows(plan));
    tables.extend(head(plan));
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
    let messages = if plan.has_head() {
        plan.embedding.inputs
    } else {
        0
    };
    let layout = Layout {
        lanes: plan.lanes,
        components,
        messages,
    };
    Constants {
        layout,
        tables: constants,
    }
}

/// Every row of the memory has an address: one that nobody uses is no harm.
fn tensor(plan: &Plan) -> Rows {
    let addresses = 0..1u32 << log_rows(plan.addresses as usize);
    Rows {
        component: Component::Tensor,
        rows: addresses.map(|a| vec![M31::from(a)]).collect(),
    }
}

fn range() -> Rows {
    let pairs = (0..=range::MAX_BITS)
        .flat_map(|bits| (0..1u32 << bits).map(move |v| [bits, v].map(M31::from)));
    Rows {
        component: Component::Range,
        rows: pairs.map(Vec::from).collect(),
    }
}

/// The views of the tokens that come in and of embeddings.
fn views(plan: &Plan) -> Rows {
    let mut views = vec![plan.tokens.given];
    for operation in &plan.operations {
        if let Operation::Embed { output } = operation {
            let blocks = plan.embedding.inputs / CHANNELS;
            views.extend((output.address..).step_by(CHANNELS).take(blocks));
        }
    }
    let view = |address: u32| vec![M31::from(1), M31::from(address)];
    Rows {
        component: Component::Lanes,
        rows: views.into_iter().map(view).collect(),
    }
}

/// All tables of functions, and in padding the first row of the first one.
fn functions(plan: &Plan) -> Rows {
    let mut rows = vec![];
    for (number, function) in plan.tables.iter().enumerate() {
        let arguments = (function.first..).zip(&function.values);
        rows.extend(arguments.map(|(argument, &value)| {
            vec![
                M31::from(number as u32),
                signed(argument),
                signed(value.into()),
            ]
        }));
    }
    if let Some(first) = rows.first().cloned() {
        rows.resize(1 << log_rows(rows.len()), first);
    }
    Rows {
        component: Component::Table,
        rows,
    }
}

/// A row for each lane of each embedding.
fn embed(plan: &Plan) -> Rows {
    let mut rows = vec![];
    for (i, operation) in plan.operations.iter().enumerate() {
        if matches!(operation, Operation::Embed { .. }) {
            rows.extend((0..plan.lanes).map(|lane| place(i, lane, plan.lanes).to_vec()));
        }
    }
    Rows {
        component: Component::Embed {
            width: plan.embedding.inputs,
        },
        rows,
    }
}

/// Rows of a choice of tokens: inputs, logits, the answer.
fn head(plan: &Plan) -> [Rows; 3] {
    let (width, tokens) = (plan.embedding.inputs, plan.embedding.rows.len());
    let count = width + tokens + 1;
    let [mut inputs, mut logits, mut answer] = [vec![], vec![], vec![]];
    for (i, operation) in plan.operations.iter().enumerate() {
        if !matches!(operation, Operation::Head { .. }) {
            continue;
        }
        for j in 0..width {
            let own = [M31::from(j as u32), flag(j == 0)];
            inputs.push([&place(i, j, count)[..], &own].concat());
        }
        for (token, row) in plan.embedding.rows.iter().enumerate() {
            let ends = [flag(token == 0), flag(token + 1 == tokens)];
            let mut constants = place(i, width + token, count).to_vec();
            constants.push(M31::from(token as u32));
            constants.extend(ends);
            constants.extend(row.iter().map(|&e| signed(e.into())));
            logits.push(constants);
        }
        answer.push(place(i, width + tokens, count).to_vec());
    }
    let of = |(component, rows)| Rows { component, rows };
    [
        (Component::HeadInput, inputs),
        (Component::Head { width }, logits),
        (Component::Answer, answer),
    ]
    .map(of)
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
