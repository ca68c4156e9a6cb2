//! Builds of the portable target: the model is a package of plain Cairo, with its weights in it, and the program that the compiler makes of it.

use std::path::{Path, PathBuf};

use super::files::{Part, check_one_build};
use super::pipeline::{CairoPackage, Compiled, Kind};
use super::{BuildRequest, BundleError, size};
use crate::compile::{self, Program};
use crate::decode::{Cost, Identity, Outline, roots};
use crate::integers::Description;
use crate::model::{Config, Text};
use crate::portable::{
    MAX_CONSTANTS, PORTABLE_FILE, PortableDocument, PortableError, PortableModel, constants,
    package,
};
use crate::receipt::{Document, read_bounded};
use crate::spec::SPEC_VERSION;
use crate::verify::statement::{Policy, ProgramHash, VERSION};

/// The kind of such builds: up to the program, it is the one with tensor components, whose model root the program states.
pub(super) struct Portable;

/// What is wrong with a model, or a folder, as a portable build.
fn in_folder(dir: &Path) -> impl Fn(PortableError) -> BundleError + use<> {
    let dir = dir.to_path_buf();
    move |source| {
        let dir = dir.clone();
        BundleError::Portable { dir, source }
    }
}

impl Kind for Portable {
    type Manifest = PortableDocument;

    const DOCUMENT: Part = Part::Portable;

    /// Each parameter is a constant of the program.
    fn check_size(&self, config: &Config) -> Result<(), BundleError> {
        let parameters = config.parameters();
        let limit = MAX_CONSTANTS as u64;
        match parameters <= limit {
            true => Ok(()),
            false => Err(BundleError::TooLargeForCairo { parameters, limit }),
        }
    }

    fn check_integers(
        &self,
        request: &BuildRequest,
        description: &Description,
    ) -> Result<(), BundleError> {
        let (found, limit) = (constants(description), MAX_CONSTANTS);
        match found <= limit {
            true => Ok(()),
            false => Err(in_folder(&request.model)(PortableError::Constants {
                found,
                limit,
            })),
        }
    }

    /// No chunk's cost is said: what it costs is a matter of who proves it.
    fn cost(&self, _: Cost) -> Option<Cost> {
        None
    }

    fn compile(
        &self,
        request: &BuildRequest,
        (description, outline): (&Description, Outline),
        identity: Identity,
    ) -> Result<Compiled<PortableDocument>, BundleError> {
        let in_model = in_folder(&request.model);
        let steps = outline.plan.lanes as u32;
        let roots = roots(outline, description, &identity);
        let roots = roots.map_err(|error| in_model(error.into()))?;
        let package = package(description, roots.model.0, steps).map_err(&in_model)?;
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
            constants: constants(description) as u64,
            words: words as u64,
            source: identity.source,
        };
        let library = compile::portable_sources();
        Ok(Compiled {
            program: program.to_executable_json()?,
            words,
            manifest: document,
            packages: [
                CairoPackage {
                    name: package.name,
                    files: package.files,
                },
                CairoPackage::library(compile::PORTABLE, compile::PORTABLE_MANIFEST, library),
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
        check_one_build(dir)?;
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
        let bytes = read_bounded(&path, size::MAX_PROGRAM_BYTES)?;
        let program = Program::from_executable_json(&bytes, &path)?;
        self.model
            .check_program(&program)
            .map_err(in_folder(&self.dir))?;
        Ok(program)
    }
}
