//! What `compile` makes of an integer model.

use super::error::BuildError;
use super::outline::{Cut, Outline};
use super::root;
use crate::air::components::Component;
use crate::integers::Description;
use crate::program::{Compiled, Package, Schedule, package};
use crate::prove::Prover;
use crate::receipt::{Manifest, TensorManifest};
use crate::spec::SPEC_VERSION;
use crate::tensor::{Plan, constants};
use crate::verify::statement::v3;
use crate::verify::statement::{ModelRoot, Policy, ProgramHash};
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

/// A model with its program, and what proves and verifies its chunks.
pub struct Build {
    pub manifest: TensorManifest,
    pub plan: Plan,
    pub schedule: Schedule,
    pub package: Package,
    pub program: Compiled,
    /// Warm, with the constants of all layouts.
    pub prover: Prover,
}

impl Build {
    /// Plans the model, commits to its constants, and compiles its program.
    ///
    /// # Errors
    /// A model that the components cannot prove, or that no parameters have rows for.
    pub fn new(description: &Description, of: &Identity, cut: Cut) -> Result<Build, BuildError> {
        let parts = Parts::new(description, [&of.config, &of.tokenizer], cut)?;
        let package = parts.package();
        let program = Compiled::new(&package)?;
        let model = Manifest {
            name: of.name.clone(),
            model_root: parts.model_root(),
            program_hash: ProgramHash(program.hash()),
            spec_version: SPEC_VERSION,
            statement_version: v3::VERSION,
            policy: Policy::greedy(of.eos),
            vocab_size: parts.tokens(),
            context_length: parts.schedule.context,
            kv_words_per_position: parts.channels(),
            parameters: of.parameters,
            source: of.source.clone(),
        };
        Ok(parts.build(model, package, program))
    }

    /// The build that a manifest names, of the same integers, files and program.
    ///
    /// # Errors
    /// As [`Build::new`], and parts that are not those of the manifest.
    pub fn open(
        manifest: TensorManifest,
        description: &Description,
        [config, tokenizer]: [&[u8; 32]; 2],
        program: Compiled,
    ) -> Result<Build, BuildError> {
        let TensorManifest {
            model,
            parameters_root,
            tensors,
        } = manifest;
        let same = |field, found: String, expected: String| match found == expected {
            true => Ok(()),
            false => Err(BuildError::Differs {
                field,
                found,
                expected,
            }),
        };
        let hash = ProgramHash(program.hash()).to_string();
        same("the program's hash", hash, model.program_hash.to_string())?;
        // Before the constants, which take longest.
        let root = root::parameters_root(description, config, tokenizer)?.to_string();
        same(
            "the root of the parameters",
            root,
            parameters_root.to_string(),
        )?;
        let parts = Parts::new(description, [config, tokenizer], cut(&tensors))?;
        let root = parts.model_root().to_string();
        same("the model root", root, model.model_root.to_string())?;
        let numbers = [
            ("spec_version", SPEC_VERSION, model.spec_version),
            ("statement_version", v3::VERSION, model.statement_version),
            ("vocab_size", parts.tokens(), model.vocab_size),
            (
                "context_length",
                parts.schedule.context,
                model.context_length,
            ),
            (
                "kv_words_per_position",
                parts.channels(),
                model.kv_words_per_position,
            ),
        ];
        for (field, found, expected) in numbers {
            same(field, found.to_string(), expected.to_string())?;
        }
        let package = parts.package();
        Ok(parts.build(model, package, program))
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

/// What follows from integers and their cut, without a program.
struct Parts {
    plan: Plan,
    schedule: Schedule,
    prover: Prover,
    parameters_root: ModelRoot,
    tensors: TensorPins,
}

impl Parts {
    fn new(
        description: &Description,
        [config, tokenizer]: [&[u8; 32]; 2],
        cut: Cut,
    ) -> Result<Parts, BuildError> {
        let outline = Outline::new(description, cut)?;
        let (prover, tensors) = pinned(&outline)?;
        Ok(Parts {
            plan: outline.plan,
            schedule: outline.schedule,
            prover,
            parameters_root: root::parameters_root(description, config, tokenizer)?,
            tensors,
        })
    }

    fn model_root(&self) -> ModelRoot {
        self.tensors.model_root(self.parameters_root)
    }

    fn package(&self) -> Package {
        package("model", &self.schedule, self.model_root().0)
    }

    fn tokens(&self) -> u32 {
        self.plan.embedding.rows.len() as u32
    }

    /// Channels of a position's keys and values.
    fn channels(&self) -> u32 {
        let tensors = self.plan.carried.tensors.iter();
        tensors.map(|tensor| tensor.own.channels as u32).sum()
    }

    fn build(self, model: Manifest, package: Package, program: Compiled) -> Build {
        Build {
            manifest: TensorManifest {
                model,
                parameters_root: self.parameters_root,
                tensors: self.tensors,
            },
            plan: self.plan,
            schedule: self.schedule,
            package,
            program,
            prover: self.prover,
        }
    }
}

/// The prover with the constants, and what a manifest pins of them.
fn pinned(outline: &Outline) -> Result<(Prover, TensorPins), BuildError> {
    let set = outline.set;
    let sets = constants::constants(&outline.plan, outline.schedule.reads())?;
    let layouts = sets.layouts.clone();
    let prover = Prover::with_constants(set, sets);
    let root = prover.preprocessed_root();
    let pins = TensorPins::new(layouts, [(set.name.to_string(), root)])?;
    Ok((prover, pins))
}
