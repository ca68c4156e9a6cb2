//! Builds of the portable target: the model is a package of plain Cairo, with its weights in it, and the program that the compiler makes of it.

use std::path::{Path, PathBuf};

use super::files::{self, Part};
use super::names::Names;
use super::pipeline::{self, CairoPackage, Kind};
use super::tensors::Tensors;
use super::{BuildRequest, BundleError, Stage, size};
use crate::compile::{self, Program};
use crate::decode::{Cost, Identity, Outline, roots};
use crate::fidelity::{Cause, Documents, Follower};
use crate::integers::encode;
use crate::model::{Config, Model, Text};
use crate::portable::{
    MAX_CONSTANTS, PORTABLE_FILE, PortableDocument, PortableError, PortableModel, constants,
    package,
};
use crate::quantize::Quantised;
use crate::quantize::sites::Loss;
use crate::receipt::{Document, read_bounded};
use crate::spec::SPEC_VERSION;
use crate::verify::statement::{Policy, ProgramHash, VERSION};

/// Largest `program.json`, in bytes: a word is a felt in hexadecimal, and hints are more than words.
const MAX_PROGRAM_BYTES: u64 = 1 << 30;

/// The kind of such builds: up to the program, it is the one with tensor components, whose model root the program states.
pub(super) struct Portable;

/// What is wrong with a model as a portable build.
fn in_model(request: &BuildRequest) -> impl Fn(PortableError) -> BundleError {
    in_folder(&request.model)
}

fn in_folder(dir: &Path) -> impl Fn(PortableError) -> BundleError + use<> {
    let dir = dir.to_path_buf();
    move |source| {
        let dir = dir.clone();
        BundleError::Portable { dir, source }
    }
}

impl Kind for Portable {
    type Integers = Quantised;
    type Plan = Outline;
    type Manifest = PortableDocument;

    fn document(&self) -> Part {
        Part::Portable
    }

    /// Each parameter is a constant of the program.
    fn check_size(&self, request: &BuildRequest, config: &Config) -> Result<(), BundleError> {
        let parameters = config.parameters();
        let limit = MAX_CONSTANTS as u64;
        match parameters <= limit {
            true => Tensors.check_size(request, config),
            false => Err(BundleError::TooLargeForCairo { parameters, limit }),
        }
    }

    fn check_context(&self, config: &Config, context: usize) -> Result<(), BundleError> {
        Tensors.check_context(config, context)
    }

    fn quantise(
        &self,
        request: &BuildRequest,
        model: &Model,
        context: usize,
        calibration: &Documents,
    ) -> Result<Quantised, BundleError> {
        Tensors.quantise(request, model, context, calibration)
    }

    /// No chunk's cost is said: what it costs is a matter of who proves it.
    fn plan(
        &self,
        request: &BuildRequest,
        integers: &Quantised,
    ) -> Result<(Outline, Option<Cost>), BundleError> {
        let (found, limit) = (constants(&integers.description), MAX_CONSTANTS);
        if found > limit {
            return Err(in_model(request)(PortableError::Constants { found, limit }));
        }
        let (outline, _) = Tensors.plan(request, integers)?;
        Ok((outline, None))
    }

    fn floats<'a>(
        &self,
        request: &BuildRequest,
        model: &'a Model,
    ) -> Result<Box<dyn Follower + 'a>, BundleError> {
        Tensors.floats(request, model)
    }

    fn follower<'a>(&self, integers: &'a Quantised) -> Box<dyn Follower + 'a> {
        Tensors.follower(integers)
    }

    fn losses(&self, integers: &Quantised, tokens: &[u32]) -> Vec<Loss> {
        Tensors.losses(integers, tokens)
    }

    fn cause(&self, model: &Model, integers: &Quantised) -> Option<Cause> {
        Tensors.cause(model, integers)
    }

    fn compile(
        &self,
        request: &BuildRequest,
        model: &Model,
        (quantised, outline): (Quantised, Outline),
        names: Names,
        stage: &mut dyn FnMut(Stage),
    ) -> Result<pipeline::Compiled<PortableDocument>, BundleError> {
        let description = quantised.description;
        drop(quantised.network);
        let identity = Identity {
            name: names.name,
            source: names.source,
            eos: model.eos,
            parameters: model.config.parameters(),
            config: model.config_digest,
            tokenizer: model.tokenizer_digest,
        };
        let in_model = in_model(request);
        let steps = outline.plan.lanes as u32;
        let roots = roots(outline, &description, &identity);
        let roots = roots.map_err(|error| in_model(error.into()))?;
        let package = package(&description, roots.model.0, steps).map_err(&in_model)?;
        stage(Stage::Compile);
        let program = compile::compile_plain(&package.name, &package.files)?;
        let words = program.words().len();
        let document = PortableDocument {
            name: identity.name,
            model_root: roots.model,
            parameters_root: roots.parameters,
            program_hash: ProgramHash(program.hash()),
            spec_version: SPEC_VERSION,
            statement_version: VERSION,
            policy: Policy::greedy(identity.eos),
            vocab_size: description.embedding.tokens.rows.len() as u32,
            context_length: description.context as u32,
            steps_per_chunk: steps,
            parameters: identity.parameters,
            constants: constants(&description) as u64,
            words: words as u64,
            source: identity.source,
        };
        let bytes = encode(&description).map_err(files::encode(Part::Integers.name()))?;
        Ok(pipeline::Compiled {
            integers: (Part::Integers, bytes),
            program: program.to_executable_json()?,
            words,
            manifest: document,
            packages: [
                CairoPackage {
                    name: package.name,
                    files: package.files,
                },
                CairoPackage::library(
                    compile::PORTABLE,
                    compile::PORTABLE_MANIFEST,
                    compile::portable_sources(),
                ),
            ],
        })
    }
}

/// The build folder of a portable build, read back and checked by digests.
pub struct PortableBundle {
    pub model: PortableModel,
    pub text: Text,
    pub dir: PathBuf,
}

impl PortableBundle {
    /// Whether a folder has a portable build's document.
    pub fn is_in(dir: &Path) -> bool {
        dir.join(PORTABLE_FILE).is_file()
    }

    /// Reads document, text and integers, which have the root that the document says.
    ///
    /// # Errors
    /// A file that is missing or malformed, or parts that do not belong together.
    pub fn open(dir: &Path) -> Result<PortableBundle, BundleError> {
        let document = PortableDocument::read(&dir.join(PORTABLE_FILE))?;
        let bytes = read_bounded(&dir.join(Part::Integers.name()), size::MAX_INTEGERS_BYTES)?;
        let text = Text::load(dir)?;
        let digests = [&text.config_digest, &text.tokenizer_digest];
        let model = PortableModel::open(document, &bytes, digests).map_err(in_folder(dir))?;
        Ok(PortableBundle {
            model,
            text,
            dir: dir.to_path_buf(),
        })
    }

    /// The program that the document names.
    ///
    /// # Errors
    /// A file that is missing or malformed, or another program.
    pub fn program(&self) -> Result<Program, BundleError> {
        let path = self.dir.join(Part::Program.name());
        let bytes = read_bounded(&path, MAX_PROGRAM_BYTES)?;
        let program = Program::from_executable_json(&bytes, &path)?;
        self.model
            .check_program(&program)
            .map_err(in_folder(&self.dir))?;
        Ok(program)
    }
}
