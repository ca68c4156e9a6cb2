//! The way from a model directory to a build folder, and what kinds of builds do differently on it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::fidelity::Texts;
use super::files::{self, Part};
use super::names::{self, Names};
use super::{BuildReport, BuildRequest, BundleError, MANIFEST_FILE, Stage};
use crate::decode::Cost;
use crate::fidelity::{Cause, Documents, Follower};
use crate::model::{Choices, Config, Model, Weights};
use crate::portable::PORTABLE_FILE;
use crate::quantize::sites::Loss;
use crate::receipt::{Document, WriteDocument};
use crate::verify::statement::MAX_POSITION;

/// A kind of builds: what its integers are, and how they become a program.
pub(super) trait Kind {
    type Integers;
    /// What is known of a program before it is made.
    type Plan;
    type Manifest: Document + Serialize;

    /// The file of what is written of a build for others.
    fn document(&self) -> Part {
        Part::Manifest
    }

    /// Refuses what is too large, from the configuration alone.
    fn check_size(&self, request: &BuildRequest, config: &Config) -> Result<(), BundleError>;

    /// Refuses a context that a program of this kind does not hold.
    fn check_context(&self, config: &Config, context: usize) -> Result<(), BundleError>;

    /// Calibrates and quantises.
    fn quantise(
        &self,
        request: &BuildRequest,
        model: &Model,
        context: usize,
        calibration: &Documents,
    ) -> Result<Self::Integers, BundleError>;

    /// Plans the program, and says what the dearest chunk will cost where that is known by then.
    ///
    /// # Errors
    /// A model that cannot be proven, or not on this machine.
    fn plan(
        &self,
        request: &BuildRequest,
        integers: &Self::Integers,
    ) -> Result<(Self::Plan, Option<Cost>), BundleError>;

    /// The floats of the model's files.
    fn floats<'a>(
        &self,
        request: &BuildRequest,
        model: &'a Model,
    ) -> Result<Box<dyn Follower + 'a>, BundleError>;

    /// The integers beside the floats.
    fn follower<'a>(&self, integers: &'a Self::Integers) -> Box<dyn Follower + 'a>;

    /// What each kind of operations loses by itself over these tokens, where that can be measured.
    fn losses(&self, integers: &Self::Integers, tokens: &[u32]) -> Vec<Loss>;

    /// Why the integers may not follow the floats.
    fn cause(&self, model: &Model, integers: &Self::Integers) -> Option<Cause>;

    /// Makes the program and the manifest.
    fn compile(
        &self,
        request: &BuildRequest,
        model: &Model,
        planned: (Self::Integers, Self::Plan),
        names: Names,
        stage: &mut dyn FnMut(Stage),
    ) -> Result<Compiled<Self::Manifest>, BundleError>;
}

/// What a build folder has of its own; the rest is the model directory's, and the report.
pub(super) struct Compiled<M> {
    pub(super) manifest: M,
    /// The integer model.
    pub(super) integers: (Part, Vec<u8>),
    /// The compiled program, and how many words it has.
    pub(super) program: Vec<u8>,
    pub(super) words: usize,
    /// The generated package, and the library that it depends on.
    pub(super) packages: [CairoPackage; 2],
}

/// A Cairo package, for people: its files by path.
pub(super) struct CairoPackage {
    pub(super) name: String,
    pub(super) files: BTreeMap<String, String>,
}

impl CairoPackage {
    /// A library of this program.
    pub(super) fn library(
        name: &str,
        manifest: &str,
        sources: impl Iterator<Item = (&'static str, &'static str)>,
    ) -> CairoPackage {
        let sources = sources.map(|(path, text)| (format!("src/{path}"), text.to_string()));
        let manifest = ("Scarb.toml".to_string(), manifest.to_string());
        CairoPackage {
            name: name.to_string(),
            files: sources.chain([manifest]).collect(),
        }
    }
}

/// Builds a model directory: import, quantise, measure, compile, write.
///
/// # Errors
/// The first stage that fails; nothing is written then.
pub(super) fn build<K: Kind>(
    kind: &K,
    request: &BuildRequest,
    stage: &mut dyn FnMut(Stage),
) -> Result<BuildReport<K::Manifest>, BundleError> {
    // Refused now rather than after the work; `publish` looks again.
    files::destination(&request.out)?;
    stage(Stage::Import);
    check_no_build(request)?;
    // Most models are too large, and their configuration shows it before anything else is there.
    kind.check_size(request, &Config::load(&request.model)?)?;
    let names = names::names(request.name.as_deref(), &request.model)?;
    check_options(request)?;
    let choices = Choices {
        eos: request.eos,
        context: request.context,
    };
    let model = Model::load_with(&request.model, choices)?;
    let default = model.config.max_position_embeddings;
    let context = request.context.unwrap_or(default);
    kind.check_context(&model.config, context)?;
    let texts = Texts::read(request, &model, context)?;
    stage(Stage::Quantize);
    let integers = kind.quantise(request, &model, context, &texts.calibration)?;
    let (plan, cost) = kind.plan(request, &integers)?;
    if let Some(cost) = cost {
        stage(Stage::Planned(cost));
    }
    stage(Stage::Fidelity);
    let mut floats = kind.floats(request, &model)?;
    let mut follower = kind.follower(&integers);
    let cause = || kind.cause(&model, &integers);
    let losses = |tokens: &[u32]| kind.losses(&integers, tokens);
    let fidelity = texts.measure(request, [&mut *floats, &mut *follower], losses, cause)?;
    drop((floats, follower));
    // As have the floats of the files.
    let model = Model {
        weights: Weights::default(),
        ..model
    };
    let compiled = kind.compile(request, &model, (integers, plan), names, stage)?;
    stage(Stage::Write);
    let report = BuildReport {
        manifest: compiled.manifest,
        fidelity,
        words: compiled.words,
        cost,
        warnings: model.warnings,
    };
    let folder = files::NewFolder::create(&request.out)?;
    for package in &compiled.packages {
        for (path, text) in &package.files {
            folder.write_cairo(&package.name, path, text)?;
        }
    }
    let (part, bytes) = &compiled.integers;
    folder.write(*part, bytes)?;
    folder.write(Part::Program, &compiled.program)?;
    let measured = serde_json::to_vec_pretty(&report.fidelity);
    let measured = measured.map_err(files::encode(Part::Fidelity.name()))?;
    folder.write(Part::Fidelity, &measured)?;
    folder.write(Part::Config, &model.config_file)?;
    folder.write(Part::Tokenizer, &model.tokenizer_file)?;
    if let Some(chat) = &model.chat {
        let bytes = serde_json::to_vec_pretty(chat).map_err(files::encode(Part::Chat.name()))?;
        folder.write(Part::Chat, &bytes)?;
    }
    report.manifest.write(&folder.path(kind.document()))?;
    folder.publish()?;
    Ok(report)
}

/// A build folder is no model directory, though it has a configuration and a tokenizer.
fn check_no_build(request: &BuildRequest) -> Result<(), BundleError> {
    let is_there = |file: &str| request.model.join(file).is_file();
    let has_document = is_there(MANIFEST_FILE) || is_there(PORTABLE_FILE);
    match has_document && is_there(Part::Program.name()) {
        true => Err(BundleError::IsABuild {
            dir: request.model.clone(),
        }),
        false => Ok(()),
    }
}

/// Options of quantisation; a context is an option of the command line.
fn check_options(request: &BuildRequest) -> Result<(), BundleError> {
    let max = MAX_POSITION as usize;
    match request.context {
        Some(value) if !(1..=max).contains(&value) => Err(BundleError::Context { value, max }),
        _ => Ok(()),
    }
}
