//! What decodes chunks: plan, schedule and program of a model, without what proves them.

use super::error::BuildError;
use super::model::{IntegerModel, same};
use super::outline::{Cut, Outline};
use crate::air::components::Component;
use crate::program::{Compiled, Schedule};
use crate::receipt::Manifest;
use crate::tensor::Plan;
use crate::verify::params::ParamSet;
use crate::verify::statement::ProgramHash;
use crate::verify::tensors::TensorPins;

/// A model with its plan and its program. The constants of its components, which are large, are not there.
pub struct Decoder {
    pub manifest: Manifest,
    pub plan: Plan,
    pub schedule: Schedule,
    pub program: Compiled,
    /// The parameters of its proofs: those that the manifest has a root for.
    pub set: &'static ParamSet,
}

impl Decoder {
    /// The plan that a manifest's layouts are of, and the program that the manifest names. That the constants are those of the manifest,
    /// [`Build::open`](super::Build::open) finds out.
    ///
    /// # Errors
    /// A model that the components cannot prove, or another program or size than the manifest's.
    pub fn new(model: IntegerModel, program: Compiled) -> Result<Decoder, BuildError> {
        let IntegerModel {
            manifest,
            description,
        } = model;
        let hash = ProgramHash(program.hash());
        same("the program's hash", hash, manifest.model.program_hash)?;
        has_one_set(&manifest.tensors)?;
        let outline = Outline::in_range(&description, cut(&manifest.tensors))?;
        let layouts =
            [&outline.layouts, manifest.tensors.layouts()].map(|of| hex::encode(of.digest()));
        let [found, expected] = layouts;
        same("the digest of the layouts", found, expected)?;
        let expected = manifest.model.kv_words_per_position;
        same("kv_words_per_position", channels(&outline.plan), expected)?;
        Ok(Decoder {
            manifest,
            plan: outline.plan,
            schedule: outline.schedule,
            program,
            set: outline.set,
        })
    }
}

/// A build commits to its constants once.
fn has_one_set(tensors: &TensorPins) -> Result<(), BuildError> {
    let names: Vec<&str> = tensors.roots().iter().map(|(set, _)| set.name).collect();
    let one = names.len() == 1;
    one.then_some(()).ok_or_else(|| BuildError::Sets {
        found: names.join(", "),
    })
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
        lanes: Some(layouts.lanes),
        block: Some(block.unwrap_or(2)),
        set: Some(tensors.set()),
    }
}

/// Channels of a position's keys and values.
pub(super) fn channels(plan: &Plan) -> u32 {
    let tensors = plan.carried.tensors.iter();
    tensors.map(|tensor| tensor.own.channels as u32).sum()
}
