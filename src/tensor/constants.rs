//! The components' constants: one table for each component of the layout, in the order in which definitions ask for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use stwo::core::fields::m31::{M31, P};

use super::error::PlanError;
use super::operation::{Chunk, Part, carried_blocks};
use super::plan::Plan;
use crate::air::challenges::Challenges;
use crate::air::components::Evaluator;
use crate::air::components::place::END;
use crate::air::components::{Component, range};
use crate::air::layout::{Layout, Layouts, Placed, SizeError, Sizes};
use crate::air::row::column_name;
use crate::prove::tensor::{Constants, Sets, Table};

/// Smallest size of a component, as a power of two: the rows that the prover computes at once.
const MIN_LOG_ROWS: u32 = 4;

/// A signed integer as an element of the field.
pub fn signed(value: i64) -> M31 {
    let p = i64::from(P);
    let small = if value < 0 { value + p } else { value };
    // Nearly all numbers are small, and a division for each weight takes longer than all else that is done with it.
    let reduced = if (0..p).contains(&small) {
        small
    } else {
        value.rem_euclid(p)
    };
    M31::from_u32_unchecked(reduced as u32)
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

/// The layouts of a plan's proofs and the constants of its components; `reads` says how often the program reads a lane.
///
/// # Errors
/// [`PlanError::Writers`], [`PlanError::Unrecorded`].
pub fn constants(plan: &Plan, reads: usize) -> Result<Sets, PlanError> {
    constants_in(plan, layouts(plan, reads))
}

/// The constants of a plan's components in layouts that have room for them.
///
/// # Errors
/// As [`constants`].
pub fn constants_in(plan: &Plan, layouts: Layouts) -> Result<Sets, PlanError> {
    plan.check()?;
    plan.check_carried()?;
    Ok(of_layouts(plan, layouts))
}

/// The constants of a plan that nobody has checked, of which a proof may say anything.
pub fn unchecked(plan: &Plan, reads: usize) -> Sets {
    of_layouts(plan, layouts(plan, reads))
}

fn of_layouts(plan: &Plan, layouts: Layouts) -> Sets {
    let mut rows = operations(plan);
    rows.insert(Component::Range, range());
    rows.insert(Component::Lanes, views(plan));
    rows.insert(Component::Table, functions(plan));
    for operation in &plan.operations {
        for part in operation.work().tables(plan) {
            rows.entry(part.component).or_default().extend(part.rows);
        }
    }
    let mut tables = vec![];
    for sizes in &layouts.components {
        let component = sizes.component;
        let one = |placed: Placed| match component.grows() {
            true => table(&grown(plan, component, placed.log_rows), placed.log_rows),
            false => {
                let rows = rows.remove(&component).unwrap_or_default();
                table(&rows, placed.log_rows)
            }
        };
        tables.push(sizes.all().map(one).collect());
    }
    Sets { layouts, tables }
}

/// The layouts of a plan's proofs, from the numbers of rows: no constant is made. `reads` says how often the program reads a lane.
pub fn layouts(plan: &Plan, reads: usize) -> Layouts {
    let mut rows = counts(plan);
    let calls = plan.kinds().into_iter();
    rows.extend(calls.map(|(operands, calls)| (Component::Call { operands }, calls)));
    rows.insert(Component::Cells, reads);
    let one = |(component, rows)| (component, [log_rows(rows); 2]);
    let mut all: BTreeMap<Component, [u32; 2]> = rows.into_iter().map(one).collect();
    let most = plan.grown(plan.carried.blocks);
    for (component, fewest) in plan.grown(0) {
        let most = most.get(&component).copied().unwrap_or(fewest);
        all.insert(component, [fewest, most].map(log_rows));
    }
    let sizes = |(component, [smallest, largest]): (Component, [u32; 2])| Sizes {
        component,
        smallest,
        largest,
    };
    Layouts {
        lanes: plan.lanes,
        components: all.into_iter().map(sizes).collect(),
        messages: plan.messages(),
    }
}

/// How many rows the components have whose number of rows no chunk decides; calls and reads of views are not among them.
fn counts(plan: &Plan) -> BTreeMap<Component, usize> {
    let functions = plan.tables.iter();
    let mut all = BTreeMap::from([
        (Component::Range, (2 << range::MAX_BITS) - 1),
        (Component::Lanes, plan.views().len()),
        (
            Component::Table,
            functions.map(|function| function.values.len()).sum(),
        ),
    ]);
    for operation in &plan.operations {
        let work = operation.work();
        let tables = work.table_counts(plan);
        let own = work.counts(plan).into_iter();
        let own = own.map(|(component, rows)| (component, rows + plan.rows_off(component, work)));
        for (component, rows) in own.chain(tables) {
            *all.entry(component).or_default() += rows;
        }
    }
    all.retain(|_, rows| *rows > 0);
    all
}

/// The constants of a component that grows, in one of its sizes.
fn grown(plan: &Plan, component: Component, size: u32) -> Vec<Vec<M31>> {
    let rows = 1 << size;
    match component {
        Component::Record { .. } => {
            let records = plan.recorded();
            records.map_or(vec![], |records| records.constants_of(plan, rows))
        }
        component => component.rows(plan.lanes, size),
    }
}

/// The constants of a chunk: of the layout with the sizes that it needs.
///
/// # Errors
/// Sets of another plan, or too many carried positions.
pub fn of_chunk(plan: &Plan, sets: &Sets, chunk: &Chunk) -> Result<Constants, SizeError> {
    let [blocks, _] = carried_blocks(plan.lanes, chunk.position);
    sets.at(&sizes(plan, &sets.layouts, blocks))
}

/// The sizes of a chunk's components, those that the layouts leave open.
pub fn sizes(plan: &Plan, layouts: &Layouts, blocks: u32) -> Vec<u32> {
    let rows = plan.grown(blocks);
    let open = layouts.components.iter().filter(|sizes| sizes.differ());
    open.map(|sizes| log_rows(rows.get(&sizes.component).copied().unwrap_or(0)).max(sizes.smallest))
        .collect()
}

/// The rows of all operations by component.
fn operations(plan: &Plan) -> BTreeMap<Component, Vec<Vec<M31>>> {
    let mut all = BTreeMap::<Component, Vec<Vec<M31>>>::new();
    for operation in plan.order() {
        let work = plan.operations[operation].work();
        let parts = work.constants(plan);
        let count = parts.iter().map(|part| part.rows.len()).sum();
        let mut index = 0;
        for Part { component, rows } in parts {
            let table = all.entry(component).or_default();
            for row in rows {
                table.push([&place(operation, index, count)[..], &row].concat());
                index += 1;
            }
            switch_off(table, plan.rows_off(component, work));
        }
    }
    for (component, rows) in &mut all {
        begin(plan, *component, rows);
    }
    all
}

/// Adds rows of zeros.
fn switch_off(rows: &mut Vec<Vec<M31>>, count: usize) {
    let off = vec![M31::from(0); rows.first().map_or(0, Vec::len)];
    rows.resize(rows.len() + count, off);
}

/// Says of a component's first row that it is the first, where powers begin: there is none to step from.
fn begin(plan: &Plan, component: Component, rows: &mut [Vec<M31>]) {
    let layout = Layout {
        lanes: plan.lanes,
        components: vec![Placed {
            component,
            log_rows: MIN_LOG_ROWS,
        }],
        messages: plan.messages(),
    };
    let challenges = Challenges::without_values(&layout);
    let columns = Evaluator::new(component, plan.lanes, MIN_LOG_ROWS, &challenges).columns();
    let name = component.to_string();
    for (column, first) in [("first", true), ("jump", false)] {
        let id = column_name(&name, column, 0);
        let found = columns.constants.iter().position(|other| *other == id);
        if let (Some(column), Some(row)) = (found, rows.first_mut()) {
            row[column] = flag(first);
        }
    }
}

fn range() -> Vec<Vec<M31>> {
    let pairs = (0..=range::MAX_BITS)
        .flat_map(|bits| (0..1u32 << bits).map(move |v| [bits, v].map(M31::from)));
    pairs.map(Vec::from).collect()
}

/// The views that operations and the program use, then those of carried blocks: so many at most.
fn views(plan: &Plan) -> Vec<Vec<M31>> {
    let view = |address: u32| vec![M31::from(1), M31::from(address)];
    plan.views().into_iter().map(view).collect()
}

/// All tables of functions, and in padding the first row of the first one.
fn functions(plan: &Plan) -> Vec<Vec<M31>> {
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
    rows
}

/// Rows that [`put`] takes at a time: what a processor keeps near it, of rows of hundreds of numbers.
const ROWS_AT_ONCE: usize = 64;

/// Columns from rows of so many values; padding is 0.
pub fn columns(rows: &[Vec<M31>], width: usize, log_rows: u32) -> Table {
    let mut columns = vec![vec![M31::from(0); 1 << log_rows]; width];
    put(&mut columns, 0, rows);
    columns
}

/// Puts rows into columns, from this row on.
pub(super) fn put(columns: &mut [Vec<M31>], first: usize, rows: &[Vec<M31>]) {
    for (block, rows) in rows.chunks(ROWS_AT_ONCE).enumerate() {
        let start = first + block * ROWS_AT_ONCE;
        for (i, column) in columns.iter_mut().enumerate() {
            let values = column[start..].iter_mut().zip(rows);
            values.for_each(|(value, row)| *value = row[i]);
        }
    }
}

/// The same of rows that there are, as wide as the first.
fn table(rows: &[Vec<M31>], log_rows: u32) -> Arc<Table> {
    // A row that is left out would check nothing.
    assert!(rows.len() <= 1 << log_rows, "rows are counted as they are");
    let width = rows.first().map_or(0, Vec::len);
    Arc::new(columns(rows, width, log_rows))
}
