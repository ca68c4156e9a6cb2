//! Builds whose proofs have tensor components: weights are columns of constants, and in no program.
//!
//! What is read back from a folder gives the manifest's roots and the program's hash, so plan and constants, which no file has, are those that
//! the manifest pins.

use std::path::{Path, PathBuf};

use super::files::{self, Part};
use super::names::Names;
use super::pipeline::{CairoPackage, Kind};
use super::{BuildRequest, BundleError, MANIFEST_FILE, Stage, pipeline, size};
use crate::compile;
use crate::decode::{Build, BuildError, Cut, Identity};
use crate::integers::{decode, encode};
use crate::model::{Config, Model, Text};
use crate::program::Compiled;
use crate::quantize::{Cause, Documents, Follower};
use crate::receipt::{ModelManifest, TensorManifest, read_bounded};
use crate::scales::network::llama;
use crate::scales::{Options, Quantised, Reference, coarse, quantise_on};

/// Largest `integers.bin`, in bytes.
const MAX_BYTES: u64 = size::MAX_GRAPH_BYTES;

/// The kind of such builds.
pub(super) struct Tensors {
    pub(super) cut: Cut,
}

impl Kind for Tensors {
    type Integers = Quantised;
    type Manifest = TensorManifest;

    /// How many rows a model has is known once it is planned.
    fn check_size(&self, _: &BuildRequest, _: &Config) -> Result<(), BundleError> {
        Ok(())
    }

    fn check_context(&self, _: &Config, _: usize) -> Result<(), BundleError> {
        Ok(())
    }

    fn quantise(
        &self,
        request: &BuildRequest,
        model: &Model,
        context: usize,
        calibration: &Documents,
    ) -> Result<Quantised, BundleError> {
        let mut network = llama(model);
        network.context = context;
        let quantised = quantise_on(network, calibration, &Options::default());
        quantised.map_err(|source| BundleError::Scales {
            dir: request.model.clone(),
            source,
        })
    }

    fn follower<'a>(&self, integers: &'a Quantised) -> Box<dyn Follower + 'a> {
        Box::new(Reference::new(integers))
    }

    fn cause(&self, _: &Model, integers: &Quantised) -> Option<Cause> {
        coarse(integers)
    }

    fn compile(
        &self,
        request: &BuildRequest,
        model: &Model,
        Quantised { description, .. }: Quantised,
        names: Names,
        stage: &mut dyn FnMut(Stage),
    ) -> Result<pipeline::Compiled<TensorManifest>, BundleError> {
        stage(Stage::Compile);
        let identity = Identity {
            name: names.name,
            source: names.source,
            eos: model.eos,
            parameters: model.config.parameters(),
            config: model.config_digest,
            tokenizer: model.tokenizer_digest,
        };
        let build = Build::new(&description, &identity, self.cut);
        let build = build.map_err(|source| BundleError::Tensors {
            dir: request.model.clone(),
            source,
        })?;
        let bytes = encode(&description).map_err(files::encode(Part::Integers.name()))?;
        let library = compile::tensor_sources();
        Ok(pipeline::Compiled {
            manifest: build.manifest,
            integers: (Part::Integers, bytes),
            program: build.program.to_json()?,
            words: build.program.words().len(),
            packages: [
                CairoPackage {
                    name: build.package.name,
                    files: build.package.files,
                },
                CairoPackage::library("tensors", compile::TENSORS_MANIFEST, library),
            ],
        })
    }
}

/// Such a folder, read and checked.
pub struct TensorBundle {
    pub build: Build,
    pub text: Text,
    pub dir: PathBuf,
}

impl TensorBundle {
    /// Reads a build folder, and computes again what its manifest pins.
    ///
    /// # Errors
    /// A file that is missing or malformed, a build of the other kind, or parts that do not belong together.
    pub fn open(dir: &Path) -> Result<TensorBundle, BundleError> {
        let manifest = match ModelManifest::read(&dir.join(MANIFEST_FILE))? {
            ModelManifest::Tensors(manifest) => manifest,
            ModelManifest::Cairo(_) => return Err(BundleError::HasSteps { dir: dir.into() }),
        };
        let path = dir.join(Part::Program.name());
        let program = read_bounded(&path, size::MAX_PROGRAM_BYTES)?;
        let program = Compiled::from_json(&program, &path)?;
        let path = dir.join(Part::Integers.name());
        let bytes = read_bounded(&path, MAX_BYTES)?;
        let description =
            decode(&bytes).map_err(|source| BundleError::Integers { path, source })?;
        let text = Text::load(dir)?;
        let digests = [&text.config_digest, &text.tokenizer_digest];
        let build = Build::open(manifest, &description, digests, program);
        let build = build.map_err(|source| match source {
            BuildError::Differs {
                field,
                found,
                expected,
            } => BundleError::Mismatch {
                dir: dir.to_path_buf(),
                field,
                found,
                expected,
            },
            source => BundleError::Tensors {
                dir: dir.to_path_buf(),
                source,
            },
        })?;
        Ok(TensorBundle {
            build,
            text,
            dir: dir.to_path_buf(),
        })
    }
}
