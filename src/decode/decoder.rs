//! What decodes chunks: plan, schedule and program of a model, without what proves them.

use super::build::Cut;
use super::error::BuildError;
use super::model::{IntegerModel, same};
use super::names::names;
use crate::air::components::Component;
use crate::integers::{Description, ranges};
use crate::program::{Compiled, Schedule};
use crate::receipt::TensorManifest;
use crate::tensor::{self, Plan, Tensor};
use crate::verify::statement::{MAX_POSITION, ProgramHash};
use crate::verify::tensors::TensorPins;

/// A model with its plan and its program. The constants of its components, which are large, are not there.
pub struct Decoder {
    pub manifest: TensorManifest,
    pub plan: Plan,
    pub schedule: Schedule,
    pub program: Compiled,
}

impl Decoder {
    /// The plan that a manifest's layouts are of, and the program that the manifest names. That the layouts are the plan's, the
    /// constants' root shows ([`Build::open`](super::Build::open)).
    ///
    /// # Errors
    /// A model that the components cannot prove, or another program or size than the manifest's.
    pub fn new(model: IntegerModel, program: Compiled) -> Result<Decoder, BuildError> {
        let IntegerModel {
            manifest,
            description,
        } = model;
        let hash = ProgramHash(program.hash()).to_string();
        let expected = manifest.model.program_hash.to_string();
        same("the program's hash", hash, expected)?;
        let outline = Outline::new(&description, cut(&manifest.tensors))?;
        let channels = outline.channels().to_string();
        let expected = manifest.model.kv_words_per_position.to_string();
        same("kv_words_per_position", channels, expected)?;
        Ok(Decoder {
            manifest,
            plan: outline.plan,
            schedule: outline.schedule,
            program,
        })
    }
}

/// How layouts say that a model is cut. (A plan without matrices in blocks is cut in any way.)
fn cut(tensors: &TensorPins) -> Cut {
    let layouts = tensors.layouts();
    let mut components = layouts.components.iter();
    let block = components.find_map(|sizes| match sizes.component {
        Component::Product { block } => Some(block),
        _ => None,
    });
    Cut {
        lanes: layouts.lanes,
        block: block.unwrap_or(2),
    }
}

/// What follows from integers and their cut, without constants and program.
pub(super) struct Outline {
    pub plan: Plan,
    pub schedule: Schedule,
}

impl Outline {
    /// # Errors
    /// A model that the components cannot prove.
    pub(super) fn new(description: &Description, cut: Cut) -> Result<Outline, BuildError> {
        let context = u32::try_from(description.context).ok();
        let context = context.filter(|context| *context <= MAX_POSITION);
        let context = context.ok_or(BuildError::Context {
            found: description.context,
            limit: MAX_POSITION,
        })?;
        // The plan is made of descriptions that make sense.
        ranges(description)?;
        let mut planned = tensor::plan(description, cut.lanes, cut.block)?;
        add_roots(&mut planned.plan)?;
        let names = names(description, &planned);
        let plan = planned.plan;
        let schedule = Schedule::new(&plan, &names, context)?;
        Ok(Outline { plan, schedule })
    }

    /// Channels of a position's keys and values.
    pub(super) fn channels(&self) -> u32 {
        let tensors = self.plan.carried.tensors.iter();
        tensors.map(|tensor| tensor.own.channels as u32).sum()
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
