//! What decodes chunks: plan, schedule and program of a model, without what proves them.

use super::error::BuildError;
use super::model::{IntegerModel, same};
use super::outline::{Cut, Outline};
use crate::air::components::Component;
use crate::program::{Compiled, Schedule};
use crate::receipt::TensorManifest;
use crate::tensor::Plan;
use crate::verify::params::ParamSet;
use crate::verify::statement::ProgramHash;
use crate::verify::tensors::TensorPins;

/// A model with its plan and its program. The constants of its components, which are large, are not there.
pub struct Decoder {
    pub manifest: TensorManifest,
    pub plan: Plan,
    pub schedule: Schedule,
    pub program: Compiled,
    /// The parameters of its proofs.
    pub set: &'static ParamSet,
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
        Ok(Decoder::of(outline, manifest, program))
    }

    pub(super) fn of(outline: Outline, manifest: TensorManifest, program: Compiled) -> Decoder {
        let Outline {
            plan,
            schedule,
            set,
            ..
        } = outline;
        Decoder {
            manifest,
            plan,
            schedule,
            program,
            set,
        }
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
        lanes: Some(layouts.lanes),
        block: Some(block.unwrap_or(2)),
    }
}
