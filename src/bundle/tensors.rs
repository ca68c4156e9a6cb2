//! Builds whose proofs have tensor components: weights are columns of constants, and in no program.

use super::files::{self, Part};
use super::names::Names;
use super::pipeline::{CairoPackage, Kind};
use super::{BuildRequest, BundleError, Stage, pipeline};
use crate::compile;
use crate::decode::{Build, BuildError, Cost, Identity, Outline};
use crate::fidelity::{Cause, Documents, Follower};
use crate::integers::encode;
use crate::model::{Config, Model};
use crate::prove::{check_declared_memory, missing};
use crate::quantize::network::Network;
use crate::quantize::sites::{Loss, losses};
use crate::quantize::{Floats, Options, Quantised, Reference, coarse, quantise_on};
use crate::receipt::Manifest;
use crate::tensor::LANES;
use crate::tensor::shares::MAX_KEYS;
use crate::wrap::leaf;

/// Bytes of memory that compiling takes for each parameter at least: as a float of the file, as a real number and as an integer. Measured with a seventh
/// taken off: `compile` of SmolLM2-135M (`scripts/demo-smollm2`).
const BYTES_PER_PARAMETER: u64 = 40;

/// Tokens of the calibration text that the integers are tried on.
const TRIED: usize = 16;

/// Whether integers leave ranges on the very text that these are calibrated on. So they do where they are nothing like the floats that were measured, as in a
/// model whose numbers are all next to nothing. Ranges that hold for every input are coarser, and no text leaves them.
fn refuses(quantised: &Quantised, calibration: &Documents) -> bool {
    let first = calibration.iter().next().unwrap_or_default();
    let tokens = &first[..first.len().min(TRIED)];
    Reference::new(quantised).block(tokens).1.is_some()
}

/// What is wrong with a model as a build.
fn in_model(request: &BuildRequest) -> impl Fn(BuildError) -> BundleError {
    let dir = request.model.clone();
    move |source| BundleError::Tensors {
        dir: dir.clone(),
        source,
    }
}

/// The kind of such builds.
pub(super) struct Tensors;

impl Kind for Tensors {
    type Integers = Quantised;
    type Plan = Outline;
    type Manifest = Manifest;

    /// How many rows a model has is known once it is planned; what its floats and integers take, before they are read.
    fn check_size(&self, _: &BuildRequest, config: &Config) -> Result<(), BundleError> {
        let parameters = config.parameters();
        let needed = parameters.saturating_mul(BYTES_PER_PARAMETER);
        match missing(needed) {
            Some([needed, available]) => Err(BundleError::Memory {
                parameters,
                needed,
                available,
            }),
            None => Ok(()),
        }
    }

    fn check_context(&self, _: &Config, context: usize) -> Result<(), BundleError> {
        // Carried positions fill whole blocks, of as many as there are lanes.
        let largest = MAX_KEYS - LANES.into_iter().max().unwrap_or(0);
        match context <= largest {
            true => Ok(()),
            false => Err(BundleError::LongContext { context, largest }),
        }
    }

    fn quantise(
        &self,
        request: &BuildRequest,
        model: &Model,
        context: usize,
        calibration: &Documents,
    ) -> Result<Quantised, BundleError> {
        let with = |options: Options| {
            let mut network = Network::of(model);
            network.context = context;
            let quantised = quantise_on(network, calibration, &options);
            quantised.map_err(|source| BundleError::Scales {
                dir: request.model.clone(),
                source,
            })
        };
        let quantised = with(Options::default())?;
        if !refuses(&quantised, calibration) {
            return Ok(quantised);
        }
        drop(quantised);
        with(Options {
            margin: f64::INFINITY,
            ..Options::default()
        })
    }

    fn plan(
        &self,
        request: &BuildRequest,
        integers: &Quantised,
    ) -> Result<(Outline, Option<Cost>), BundleError> {
        let in_model = in_model(request);
        let outline = Outline::new(&integers.description, request.cut).map_err(&in_model)?;
        let costs = [outline.least(), outline.most()];
        let [least, most] = costs.map(|cost| cost.map_err(|error| in_model(error.into())));
        check_declared_memory(least?.memory_bytes).map_err(|error| in_model(error.into()))?;
        Ok((outline, Some(most?)))
    }

    fn floats<'a>(
        &self,
        _: &BuildRequest,
        model: &'a Model,
    ) -> Result<Box<dyn Follower + 'a>, BundleError> {
        Ok(Box::new(Floats::of(model)))
    }

    fn follower<'a>(&self, integers: &'a Quantised) -> Box<dyn Follower + 'a> {
        Box::new(Reference::new(integers))
    }

    fn losses(&self, integers: &Quantised, tokens: &[u32]) -> Vec<Loss> {
        losses(integers, tokens)
    }

    fn cause(&self, _: &Model, integers: &Quantised) -> Option<Cause> {
        coarse(integers)
    }

    fn compile(
        &self,
        request: &BuildRequest,
        model: &Model,
        (quantised, outline): (Quantised, Outline),
        names: Names,
        stage: &mut dyn FnMut(Stage),
    ) -> Result<pipeline::Compiled<Manifest>, BundleError> {
        stage(Stage::Compile);
        // The real numbers of a large model are gigabytes, and have had their use.
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
        let build = Build::of(outline, &description, &identity).map_err(in_model)?;
        let words = build.program.words();
        if build.set.is_foldable() {
            leaf::shape(&build.manifest.tensors, &words).map_err(|source| BundleError::Wrap {
                dir: request.model.clone(),
                source: Box::new(source),
            })?;
        }
        let bytes = encode(&description).map_err(files::encode(Part::Integers.name()))?;
        let library = compile::tensor_sources();
        Ok(pipeline::Compiled {
            integers: (Part::Integers, bytes),
            program: build.program.to_json()?,
            words: words.len(),
            manifest: build.decoder.manifest,
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
