//! What a chunk's proof will cost, declared before anything of it runs: cells, columns, bytes of the proof, memory.
//!
//! Exact are words of the program, steps of the VM, columns, and cells of components and fixed tables. The Cairo AIR's other cells depend
//! on the values in memory, and are declared as at most so many; paths in trees depend on where queries meet, and bytes of memory on the
//! system. `tests/bench.rs` and `tests/decode.rs` hold all of it against proofs.

use serde::Serialize;

use super::decoder::Decoder;
use super::error::DecodeError;
use super::outline::Outline;
use crate::air::cairo;
use crate::air::layout::{self, Layout, Layouts, SizeError};
use crate::program::{Declared, Schedule, Work, declare};
use crate::prove::{check_declared_memory, memory};
use crate::tensor::{Plan, carried_blocks, constants};
use crate::verify::params::{ParamSet, fixed_columns};

/// Cells that a step of the VM or a word of the program has at most in the Cairo AIR, its padding and its values included.
const CELLS_OF_STEP: u64 = 200;

/// Of the Cairo AIR's constant columns about so many are opened with a sample: how many sizes memory and builtins have decides.
const CAIRO_SAMPLES: u64 = 41;

/// Columns of the composition polynomial.
const COMPOSITION: u64 = 8;

/// Bytes of a number of the field of columns, of one of the field of samples, and of the length of a list.
const NUMBER: u64 = 4;
const SAMPLE: u64 = 16;
const LENGTH: u64 = 8;

/// Bytes of paths in trees and of folding, for 76 queries in a domain of 2^21 points, within 2 %; and of each doubling more.
/// Half the queries have half as many, and each a little more, as they meet later.
const PATHS: u64 = 240_000;
const PATHS_DOUBLING: u64 = 12_000;
const PATHS_HALVING: u64 = 32_000;
const PATHS_LOG_DOMAIN: u32 = 21;
const PATHS_QUERIES: u64 = 76;

/// Bytes of a proof's claim, sums of the Cairo AIR and commitments; and of each word of the program.
const CLAIM: u64 = 1971;
const WORD: u64 = 36;

/// Thousandths of a core-second that any proof takes, that a million cells take, and a million numbers in constant columns, at blow-up 2; a larger one takes as
/// much longer. Measured on an Intel Xeon (AVX-512) of two cores: `cairo-decode bench A`, `C`, `D`, `E`, `E512`.
const PROOF_TIME: u64 = 1400;
const CELLS_TIME: u64 = 75;
const CONSTANTS_TIME: u64 = 24;

fn core_milliseconds(set: &ParamSet, cells: u64, constants: u64) -> u64 {
    let columns = (CELLS_TIME * cells + CONSTANTS_TIME * constants) / 1_000_000;
    PROOF_TIME + (columns << (set.params.log_blowup - 1))
}

/// Columns of a proof by tree, those of the Cairo AIR included. The constants are those of all sizes: each proof opens all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Columns {
    pub constants: u64,
    pub trace: u64,
    pub interaction: u64,
}

/// Cells that a proof commits to, trace and interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Cells {
    /// Of tensor components.
    pub components: u64,
    /// Of the program's run, at most.
    pub cairo: u64,
    /// Of the fixed tables.
    pub tables: u64,
}

impl Cells {
    /// All of them.
    pub fn all(&self) -> u64 {
        self.components + self.cairo + self.tables
    }
}

/// What a chunk costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Words of the program.
    pub words: u64,
    /// Steps of the VM.
    pub vm_steps: u64,
    pub cells: Cells,
    pub columns: Columns,
    /// Numbers in the constant columns, which are committed to once per build.
    pub constants: u64,
    /// Bytes of the proof, within 1 %.
    pub proof_bytes: u64,
    /// Bytes of memory that proving takes.
    pub memory_bytes: u64,
    /// Thousandths of a core-second that proving takes, to within a half: the machine decides.
    pub core_milliseconds: u64,
}

impl Cost {
    /// Cells of the fixed tables of every proof with tensor components.
    pub fn table_cells() -> u64 {
        tables().map(cells_of).sum()
    }
}

impl Decoder {
    /// The cost of a chunk of so many steps from a position on, which all choose their token: of those with as many steps the dearest.
    ///
    /// # Errors
    /// A position that is carried nowhere.
    pub fn cost(&self, position: u32, steps: usize) -> Result<Cost, SizeError> {
        self.cost_of(choosing(position, steps))
    }

    /// The cost of the dearest chunk: of all lanes, behind a full context.
    ///
    /// # Errors
    /// None, as a build has the sizes of its own context.
    pub fn most(&self) -> Result<Cost, SizeError> {
        let last = self.schedule.context.saturating_sub(1);
        self.cost(last, self.plan.lanes)
    }

    /// The cost of the shortest chunk: of one step, at the start.
    ///
    /// # Errors
    /// None, as a plan has the sizes of its own context.
    pub(super) fn least(&self) -> Result<Cost, SizeError> {
        self.cost_of(choosing(0, 1))
    }

    /// Refuses a chunk whose proof needs more memory than the machine has for it.
    ///
    /// # Errors
    /// As [`cost`](Self::cost), or [`ProveError::Memory`](crate::prove::ProveError::Memory).
    pub fn check_memory(&self, position: u32, steps: usize) -> Result<(), DecodeError> {
        Ok(check_declared_memory(
            self.cost(position, steps)?.memory_bytes,
        )?)
    }

    /// The cost of a chunk that does so much.
    ///
    /// # Errors
    /// As [`cost`](Self::cost).
    pub fn cost_of(&self, work: Work) -> Result<Cost, SizeError> {
        let layouts = self.manifest.tensors.layouts();
        let model = (&self.plan, &self.schedule, layouts);
        declared(model, self.set, work)
    }
}

impl Outline {
    /// The cost of a chunk that does so much.
    ///
    /// # Errors
    /// As [`Decoder::cost`].
    pub fn cost_of(&self, work: Work) -> Result<Cost, SizeError> {
        declared((&self.plan, &self.schedule, &self.layouts), self.set, work)
    }

    /// The cost of the dearest chunk: of all lanes, behind a full context.
    ///
    /// # Errors
    /// None, as a plan has the sizes of its own context.
    pub fn most(&self) -> Result<Cost, SizeError> {
        self.most_with(self.set)
    }

    /// The cost of the shortest chunk: of one step, at the start.
    ///
    /// # Errors
    /// None, as a plan has the sizes of its own context.
    pub fn least(&self) -> Result<Cost, SizeError> {
        self.cost_of(choosing(0, 1))
    }

    /// The same with other parameters.
    pub(super) fn most_with(&self, set: &ParamSet) -> Result<Cost, SizeError> {
        let last = self.schedule.context.saturating_sub(1);
        let work = choosing(last, self.plan.lanes);
        declared((&self.plan, &self.schedule, &self.layouts), set, work)
    }
}

/// Steps that all choose, the first of them where the prompt ends.
fn choosing(position: u32, steps: usize) -> Work {
    Work {
        position: position.into(),
        prompt: u64::from(position) + 1,
        forced: 0,
        choosing: steps as u64,
    }
}

/// The cost of a chunk of a plan, with its program and the layouts of its proofs.
///
/// # Errors
/// As [`Decoder::cost`].
pub fn declared(
    (plan, schedule, layouts): (&Plan, &Schedule, &Layouts),
    set: &ParamSet,
    work: Work,
) -> Result<Cost, SizeError> {
    let [blocks, _] = carried_blocks(plan.lanes, work.position as u32);
    let sizes = constants::sizes(plan, layouts, blocks);
    let layout = layouts.at(&sizes)?;
    let Declared { words, steps } = declare(schedule, work);
    let cells = Cells {
        components: component_cells(&layout),
        cairo: CELLS_OF_STEP * (words + steps),
        tables: Cost::table_cells(),
    };
    let fixed = layout::constants(&fixed_columns(set), layouts);
    let constants = fixed.iter().map(|column| 1 << column.log_rows).sum();
    let [trace, interaction] = columns(&layout);
    let columns = Columns {
        constants: fixed.len() as u64,
        trace,
        interaction,
    };
    let samples = samples(&layout, columns);
    Ok(Cost {
        words,
        vm_steps: steps,
        cells,
        columns,
        constants,
        proof_bytes: opened(columns, samples, set)
            + part(&layout, sizes.len())
            + CLAIM
            + WORD * words,
        memory_bytes: memory::needed(set, cells.all(), constants),
        core_milliseconds: core_milliseconds(set, cells.all(), constants),
    })
}

/// Cells of a table.
fn cells_of(table: cairo::Component) -> u64 {
    let rows = table.padded(0, 0);
    rows * table.cells_per_row()
}

fn component_cells(layout: &Layout) -> u64 {
    let columns = layout.columns();
    let placed = layout.components.iter().zip(&columns);
    placed
        .map(|(placed, columns)| ((columns.trace + columns.interaction) as u64) << placed.log_rows)
        .sum()
}

/// The Cairo AIR's components of such a proof.
fn cairo_components() -> impl Iterator<Item = cairo::Component> {
    let all = cairo::Component::ALL.iter().copied();
    all.filter(|component| component.is_with_tensors())
}

/// The fixed tables among them.
fn tables() -> impl Iterator<Item = cairo::Component> {
    cairo_components().filter(|component| component.is_table())
}

/// Columns of trace and interaction.
fn columns(layout: &Layout) -> [u64; 2] {
    let mut all = [0; 2];
    for component in cairo_components() {
        let own = component.columns();
        all = [all[0] + own[0], all[1] + own[1]];
    }
    for own in layout.columns() {
        all = [all[0] + own.trace as u64, all[1] + own.interaction as u64];
    }
    all
}

/// Samples of all columns: one of each, but of a component's last sum, of four columns, also that of the row before; of the constants only
/// those of the sizes that the proof has.
fn samples(layout: &Layout, columns: Columns) -> u64 {
    let own = layout.columns();
    let constants: usize = own.iter().map(|own| own.constants.len()).sum();
    let components = cairo_components().count() + layout.components.len();
    let twice = 4 * components as u64;
    constants as u64 + CAIRO_SAMPLES + columns.trace + columns.interaction + twice + COMPOSITION
}

/// Bytes of what is opened: samples, a value of each column for each query, and the paths.
fn opened(columns: Columns, samples: u64, set: &ParamSet) -> u64 {
    let all = columns.constants + columns.trace + columns.interaction + COMPOSITION;
    // Of both lists: its own length, that of each tree and that of each column.
    let lengths = 2 * LENGTH * (1 + 4 + all);
    let queries = u64::from(set.params.queries);
    lengths + SAMPLE * samples + NUMBER * queries * all + paths(set, queries)
}

/// Bytes of the paths of so many queries.
fn paths(set: &ParamSet, queries: u64) -> u64 {
    let doublings = set.max_log_rows + set.params.log_blowup - PATHS_LOG_DOMAIN;
    let halvings = (PATHS_QUERIES / queries).checked_ilog2().unwrap_or(0);
    let all = PATHS + PATHS_DOUBLING * u64::from(doublings) + PATHS_HALVING * u64::from(halvings);
    all * queries / PATHS_QUERIES
}

/// Bytes of the tensor part: messages, sums and sizes.
fn part(layout: &Layout, sizes: usize) -> u64 {
    let numbers = layout.messages + layout.components.len();
    3 * LENGTH + SAMPLE * numbers as u64 + NUMBER * sizes as u64
}
