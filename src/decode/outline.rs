//! A model cut into rows, before its constants are made: what its proofs have, so what they cost.

use super::error::BuildError;
use super::names::names;
use crate::air::layout::Layouts;
use crate::integers::{Description, ranges};
use crate::program::{Schedule, Work, declare};
use crate::tensor::{self, LANES, Plan, PlanError, Tensor, constants};
use crate::verify::layout::LayoutError;
use crate::verify::params::{COMPACT, LARGE, PLAIN, ParamSet};
use crate::verify::statement::MAX_POSITION;
use crate::verify::tensors::{PinsError, TensorPins};

/// Where nobody chooses lanes, the dearest chunk is declared to take at most so many bytes of memory. A manifest must not depend on the
/// machine that compiles it, so this is a number and not what is free.
pub const MOST_MEMORY: u64 = 12_000_000_000;

/// Bytes of a proof from which on it is made with [`COMPACT`], if that takes no more than [`MOST_MEMORY`]. A shorter proof is faster to
/// verify, which whoever reads receipts does; proving takes longer, so short proofs stay as they are.
pub const LONG_PROOF: u64 = 3_000_000;

/// How a model is cut into rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Steps that a chunk has at most: 8, 16, 32 or 64. None takes the most of which a chunk behind a full context takes no more than
    /// [`MOST_MEMORY`].
    pub lanes: Option<usize>,
    /// Outputs of a block of a matrix: an even number. None takes one of [`BLOCKS`].
    pub block: Option<usize>,
    /// The parameters of proofs. None takes the first that have enough rows, or [`COMPACT`] where proofs would be long ([`LONG_PROOF`]).
    pub set: Option<&'static ParamSet>,
}

/// Blocks that are chosen from: the smallest that takes at most a fiftieth more memory than the best. A larger one has fewer rows and more
/// constant columns, which each proof opens; and it is filled with zeros behind a matrix that does not end with it.
pub const BLOCKS: [usize; 9] = [64, 96, 128, 192, 256, 384, 512, 768, 1024];

/// A model's plan and program, with what its proofs have.
pub struct Outline {
    pub plan: Plan,
    pub schedule: Schedule,
    pub layouts: Layouts,
    /// The parameters of proofs.
    pub set: &'static ParamSet,
}

impl Outline {
    /// Plans the model.
    ///
    /// # Errors
    /// A model that the components cannot prove, that no parameters have rows for, or that no number of lanes is small enough for where
    /// nobody chooses it.
    pub fn new(description: &Description, cut: Cut) -> Result<Outline, BuildError> {
        ranges(description)?;
        Outline::in_range(description, cut)
    }

    /// The same of a description whose ranges hold: a plan is made of descriptions that make sense.
    ///
    /// # Errors
    /// As [`Outline::new`].
    pub(super) fn in_range(description: &Description, cut: Cut) -> Result<Outline, BuildError> {
        if let Some(lanes) = cut.lanes {
            return Outline::with_lanes(description, lanes, cut);
        }
        let mut refused = PlanError::Lanes(0).into();
        for lanes in LANES.into_iter().rev() {
            let outline = match Outline::with_lanes(description, lanes, cut) {
                Ok(outline) => outline,
                Err(error) => {
                    refused = error;
                    continue;
                }
            };
            let needed = outline.most()?.memory_bytes;
            if needed <= MOST_MEMORY {
                return Ok(outline);
            }
            refused = BuildError::Memory {
                context: outline.schedule.context,
                lanes,
                needed: needed / 1_000_000,
                limit: MOST_MEMORY / 1_000_000,
            };
        }
        Err(refused)
    }

    fn with_lanes(
        description: &Description,
        lanes: usize,
        Cut { block, set, .. }: Cut,
    ) -> Result<Outline, BuildError> {
        let context = u32::try_from(description.context).ok();
        let context = context.filter(|context| *context <= MAX_POSITION);
        let context = context.ok_or(BuildError::Context {
            found: description.context,
            limit: MAX_POSITION,
        })?;
        let mut planned = tensor::plan(description, lanes, block.unwrap_or(BLOCKS[0]))?;
        add_roots(&mut planned.plan)?;
        let names = names(description, &planned);
        let plan = planned.plan;
        let schedule = Schedule::new(&plan, &names, context)?;
        let layouts = constants::layouts(&plan, schedule.reads());
        let mut outline = Outline {
            plan,
            schedule,
            layouts,
            set: &LARGE,
        };
        match block {
            // The plan has this block.
            Some(_) => outline.set = parameters(&outline.layouts)?,
            None => outline.cut_well()?,
        }
        if let Some(set) = set {
            if set.is_foldable() {
                let least = outline.open_log_rows();
                outline.layouts = outline.layouts.in_one_size(least);
            }
            has_rows(set, &outline.layouts)?;
            outline.set = set;
        } else if outline.is_better_compact()? {
            outline.set = &COMPACT;
        }
        Ok(outline)
    }

    /// As many rows as a component of the Cairo AIR whose size a run decides may have in a proof that is to be wrapped, as a power of two:
    /// as many as the program has words. A circuit knows the order of all columns that are no shorter.
    fn open_log_rows(&self) -> u32 {
        let words = declare(&self.schedule, Work::default()).words;
        words.next_power_of_two().ilog2()
    }

    /// Whether the dearest chunk's proof is long, and could be made with [`COMPACT`]. Nothing of the machine is asked.
    fn is_better_compact(&self) -> Result<bool, BuildError> {
        let long = self.most()?.proof_bytes > LONG_PROOF;
        let fits = has_rows(&COMPACT, &self.layouts).is_ok();
        Ok(long && fits && self.most_with(&COMPACT)?.memory_bytes <= MOST_MEMORY)
    }

    /// Cuts matrices into the block that is chosen where nobody chooses one.
    fn cut_well(&mut self) -> Result<(), BuildError> {
        let mut costs = vec![];
        let mut refused = PlanError::Block(0).into();
        for block in BLOCKS {
            match self.cut(block) {
                Ok(()) => costs.push((block, self.most()?.memory_bytes)),
                Err(error) => refused = error,
            }
        }
        let least = costs.iter().map(|(_, memory)| *memory).min().unwrap_or(0);
        let good = |(_, memory): &&(usize, u64)| *memory <= least + least / 50;
        match costs.iter().find(good) {
            Some((block, _)) => self.cut(*block),
            None => Err(refused),
        }
    }

    /// Cuts matrices into blocks of so many outputs.
    fn cut(&mut self, block: usize) -> Result<(), BuildError> {
        self.plan.block = block;
        self.layouts = constants::layouts(&self.plan, self.schedule.reads());
        self.set = parameters(&self.layouts)?;
        Ok(())
    }
}

/// The operations that bind what chunks hand to each other: the root of keys and values, the chains of tokens.
fn add_roots(plan: &mut Plan) -> Result<(), BuildError> {
    let tensors = plan.carried.tensors.iter();
    let own: Vec<Tensor> = tensors.map(|tensor| tensor.own).collect();
    plan.records(&own)?;
    plan.chains()?;
    plan.check()?;
    Ok(())
}

/// The first parameters whose proofs have enough rows.
fn parameters(layouts: &Layouts) -> Result<&'static ParamSet, PinsError> {
    match has_rows(&PLAIN, layouts) {
        Err(PinsError::Layout(LayoutError::Rows { .. })) => {
            has_rows(&LARGE, layouts).map(|()| &LARGE)
        }
        other => other.map(|()| &PLAIN),
    }
}

/// Refuses layouts that proofs with these parameters have no rows for.
fn has_rows(set: &ParamSet, layouts: &Layouts) -> Result<(), PinsError> {
    // Rows are looked at before anything is committed to.
    let root = (set.name.to_string(), [0; 32]);
    TensorPins::new(layouts.clone(), [root]).map(|_| ())
}
