//! The way from a model directory to a build folder, and what kinds of builds do differently on it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::fidelity::Texts;
use super::files::{self, Part};
use super::{BuildReport, BuildRequest, BundleError, MANIFEST_FILE, Stage, integers, names};
use crate::decode::{Cost, Identity, Outline};
use crate::integers::{Description, encode};
use crate::model::{Choices, Config, Model, Weights};
use crate::portable::PORTABLE_FILE;
use crate::receipt::{Document, WriteDocument};
use crate::verify::statement::MAX_POSITION;

/// A kind of builds: how planned integers become a program.
pub(super) trait Kind {
    type Manifest: Document + Serialize;

    /// The file of what is written of a build for others.
    const DOCUMENT: Part;

    /// Refuses what is too large for this kind, from the configuration alone.
    fn check_size(&self, _: &Config) -> Result<(), BundleError> {
        Ok(())
    }

    /// Refuses integers that a program of this kind does not hold.
    fn check_integers(&self, _: &BuildRequest, _: &Description) -> Result<(), BundleError> {
        Ok(())
    }

    /// What is said of the cost of the dearest chunk's proof.
    fn cost(&self, most: Cost) -> Option<Cost>;

    /// Makes the program and the manifest.
    fn compile(
        &self,
        request: &BuildRequest,
        planned: (&Description, Outline),
        identity: Identity,
    ) -> Result<Compiled<Self::Manifest>, BundleError>;
}

/// What a build folder has of its program; the rest is the model directory's, the integers, and the report.
pub(super) struct Compiled<M> {
    pub(super) manifest: M,
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
    let config = Config::load(&request.model)?;
    kind.check_size(&config)?;
    integers::check_memory(&config)?;
    let names = names::names(request.name.as_deref(), &request.model)?;
    check_options(request)?;
    let choices = Choices {
        eos: request.eos,
        context: request.context,
    };
    let model = Model::load_with(&request.model, choices)?;
    let default = model.config.max_position_embeddings;
    let context = request.context.unwrap_or(default);
    integers::check_context(context)?;
    let texts = Texts::read(request, &model, context)?;
    stage(Stage::Quantize);
    let quantised = integers::quantise(request, &model, context, &texts.calibration)?;
    kind.check_integers(request, &quantised.description)?;
    let (outline, most) = integers::plan(request, &quantised)?;
    let cost = kind.cost(most);
    if let Some(cost) = cost {
        stage(Stage::Planned(cost));
    }
    stage(Stage::Fidelity);
    let fidelity = texts.measure(request, &model, &quantised)?;
    // The floats of the files and the real numbers of a large model are gigabytes, and have had their use.
    let model = Model {
        weights: Weights::default(),
        ..model
    };
    let description = quantised.description;
    drop(quantised.network);
    stage(Stage::Compile);
    let identity = Identity {
        name: names.name,
        source: names.source,
        eos: model.eos,
        parameters: model.config.parameters(),
        config: model.config_digest,
        tokenizer: model.tokenizer_digest,
    };
    let compiled = kind.compile(request, (&description, outline), identity)?;
    let bytes = encode(&description).map_err(files::encode(Part::Integers.name()))?;
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
    folder.write(Part::Integers, &bytes)?;
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
    report.manifest.write(&folder.path(K::DOCUMENT))?;
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
