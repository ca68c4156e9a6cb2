//! Builds whose proofs have tensor components: weights are columns of constants, and in no program.

use super::files::{self, Part};
use super::names::Names;
use super::pipeline::{CairoPackage, Kind};
use super::{BuildRequest, BundleError, Stage, pipeline};
use crate::compile;
use crate::decode::{Build, Cut, Identity};
use crate::integers::encode;
use crate::model::{Config, Model};
use crate::quantize::{Cause, Documents, Follower};
use crate::receipt::TensorManifest;
use crate::scales::network::Network;
use crate::scales::{Floats, Options, Quantised, Reference, coarse, quantise_on};

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
        let mut network = Network::of(model);
        network.context = context;
        let quantised = quantise_on(network, calibration, &Options::default());
        quantised.map_err(|source| BundleError::Scales {
            dir: request.model.clone(),
            source,
        })
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

    fn cause(&self, _: &Model, integers: &Quantised) -> Option<Cause> {
        coarse(integers)
    }

    fn compile(
        &self,
        request: &BuildRequest,
        model: &Model,
        quantised: Quantised,
        names: Names,
        stage: &mut dyn FnMut(Stage),
    ) -> Result<pipeline::Compiled<TensorManifest>, BundleError> {
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
        let build = Build::new(&description, &identity, self.cut);
        let in_model = |source| BundleError::Tensors {
            dir: request.model.clone(),
            source,
        };
        let build = build.map_err(in_model)?;
        let cost = build.most().map_err(|error| in_model(error.into()))?;
        let bytes = encode(&description).map_err(files::encode(Part::Integers.name()))?;
        let library = compile::tensor_sources();
        Ok(pipeline::Compiled {
            integers: (Part::Integers, bytes),
            program: build.program.to_json()?,
            words: build.program.words().len(),
            cost: Some(cost),
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
