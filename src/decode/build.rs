//! What `compile` makes of an integer model.

use std::ops::Deref;

use super::decoder::{Decoder, channels};
use super::error::BuildError;
use super::model::same;
use super::outline::{Cut, Outline};
use super::root;
use crate::air::layout::Layouts;
use crate::integers::Description;
use crate::program::{Compiled, Package, package};
use crate::prove::{Prover, check_declared_memory};
use crate::receipt::{Manifest, ModelFacts};
use crate::spec::SPEC_VERSION;
use crate::tensor::{Plan, constants};
use crate::verify::params::ParamSet;
use crate::verify::statement::{ModelRoot, Policy, ProgramHash, VERSION};
use crate::verify::tensors::TensorPins;

/// What a manifest says of a model beside its integers.
#[derive(Clone, Debug)]
pub struct Identity {
    /// For people.
    pub name: String,
    pub source: String,
    /// The token that ends a session.
    pub eos: Option<u32>,
    /// Number of quantised parameters, as people count them.
    pub parameters: u64,
    /// Blake2s-256 of `config.json`.
    pub config: [u8; 32],
    /// The same of `tokenizer.json`.
    pub tokenizer: [u8; 32],
}

/// A model with its program, and what proves its chunks. It is a [`Decoder`] with a prover, and is used as one.
pub struct Build {
    pub decoder: Decoder,
    /// The program's text.
    pub package: Package,
    /// Warm, with the constants of all layouts.
    pub prover: Prover,
}

impl Deref for Build {
    type Target = Decoder;

    fn deref(&self) -> &Decoder {
        &self.decoder
    }
}

impl Build {
    /// Plans the model, commits to its constants, and compiles its program.
    ///
    /// # Errors
    /// A model that the components cannot prove, or that no parameters have rows for.
    pub fn new(description: &Description, of: &Identity, cut: Cut) -> Result<Build, BuildError> {
        Build::of(Outline::new(description, cut)?, description, of)
    }

    /// The same of a model that is planned.
    ///
    /// # Errors
    /// Constants or a program that cannot be made.
    pub fn of(
        outline: Outline,
        description: &Description,
        of: &Identity,
    ) -> Result<Build, BuildError> {
        let Outline {
            plan,
            schedule,
            layouts,
            set,
        } = outline;
        let (prover, tensors) = pinned(&plan, layouts, set)?;
        let roots = Roots::new(&tensors, description, of)?;
        let package = package("model", &schedule, roots.model.0);
        let program = Compiled::new(&package)?;
        let model = ModelFacts {
            name: of.name.clone(),
            model_root: roots.model,
            program_hash: ProgramHash(program.hash()),
            spec_version: SPEC_VERSION,
            statement_version: VERSION,
            policy: Policy::greedy(of.eos),
            vocab_size: plan.embedding.outputs() as u32,
            context_length: schedule.context,
            kv_words_per_position: channels(&plan),
            parameters: of.parameters,
            source: of.source.clone(),
        };
        let decoder = Decoder {
            manifest: Manifest {
                model,
                parameters_root: roots.parameters,
                tensors,
            },
            plan,
            schedule,
            program,
            set,
        };
        Ok(Build {
            decoder,
            package,
            prover,
        })
    }

    /// A decoder with its prover, which commits to the constants: they give the manifest's model root.
    ///
    /// # Errors
    /// A machine that has no memory for the shortest proof, or constants that are not those of the manifest.
    pub fn open(decoder: Decoder) -> Result<Build, BuildError> {
        check_declared_memory(decoder.least()?.memory_bytes)?;
        let Decoder {
            manifest,
            plan,
            schedule,
            set,
            ..
        } = &decoder;
        let (prover, tensors) = pinned(plan, manifest.tensors.layouts().clone(), set)?;
        let root = tensors.model_root(manifest.parameters_root);
        same("the model root", root, manifest.model.model_root)?;
        Ok(Build {
            package: package("model", schedule, root.0),
            decoder,
            prover,
        })
    }
}

/// What identifies a model that is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roots {
    /// Of quantised parameters, configuration and tokenizer.
    pub parameters: ModelRoot,
    /// Of these, the layouts and the constants.
    pub model: ModelRoot,
}

impl Roots {
    fn new(
        tensors: &TensorPins,
        description: &Description,
        of: &Identity,
    ) -> Result<Roots, BuildError> {
        let parameters = root::parameters_root(description, &of.config, &of.tokenizer)?;
        Ok(Roots {
            parameters,
            model: tensors.model_root(parameters),
        })
    }
}

/// The roots of a planned model, whose program is not made.
///
/// # Errors
/// Constants that cannot be made.
pub fn roots(
    outline: Outline,
    description: &Description,
    of: &Identity,
) -> Result<Roots, BuildError> {
    let (_, tensors) = pinned(&outline.plan, outline.layouts, outline.set)?;
    Roots::new(&tensors, description, of)
}

/// The prover with the constants, and what a manifest pins of them.
fn pinned(
    plan: &Plan,
    layouts: Layouts,
    set: &'static ParamSet,
) -> Result<(Prover, TensorPins), BuildError> {
    let sets = constants::constants_in(plan, layouts.clone())?;
    let prover = Prover::with_constants(set, sets);
    let root = prover.preprocessed_root();
    let pins = TensorPins::new(layouts, [(set.name.to_string(), root)])?;
    Ok((prover, pins))
}
