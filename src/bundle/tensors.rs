//! The build folder of a model whose proofs have tensor components, made whole.
//!
//! It has the files of any build, but `integers.bin` in the place of `graph.bin`, and no `fidelity.json`.

use super::files::{self, Part};
use super::texts::{self, TextUse};
use super::{BuildRequest, BundleError, Stage, check_no_build, names};
use crate::compile;
use crate::decode::{Build, Cost, Cut, Identity};
use crate::integers::{Description, encode};
use crate::model::{Choices, Model, Warning};
use crate::receipt::{Document, TensorManifest};
use crate::scales::network::llama;
use crate::scales::{Options, quantise_on};

/// What such a build is.
#[derive(Debug, Clone)]
pub struct TensorReport {
    pub manifest: TensorManifest,
    /// What the scales are calibrated on.
    pub calibration: TextUse,
    /// Words of the program.
    pub words: usize,
    /// What the dearest chunk costs: of all lanes, behind a full context.
    pub cost: Cost,
    /// What of the model directory was left out of account, or had more than one reading.
    pub warnings: Vec<Warning>,
}

/// Builds a model directory: import, quantise, plan and compile, write. Of the request, the held-out text, the options of int8 weights and
/// their layout in a program mean nothing here.
///
/// # Errors
/// The first stage that fails; nothing is written then.
pub fn build_tensors(
    request: &BuildRequest,
    cut: Cut,
    stage: &mut dyn FnMut(Stage),
) -> Result<TensorReport, BundleError> {
    files::destination(&request.out)?;
    stage(Stage::Import);
    check_no_build(&request.model)?;
    let choices = Choices {
        eos: request.eos,
        context: request.options.context,
    };
    let names = names::names(request.name.as_deref(), &request.model)?;
    super::check_options(&request.options)?;
    let model = Model::load_with(&request.model, choices)?;
    stage(Stage::Quantize);
    let (description, calibration) = integers(&model, request)?;
    stage(Stage::Compile);
    let identity = Identity {
        name: names.name,
        source: names.source,
        eos: model.eos,
        parameters: model.config.parameters(),
        config: model.config_digest,
        tokenizer: model.tokenizer_digest,
    };
    let in_model = |source| BundleError::Tensors {
        dir: request.model.clone(),
        source,
    };
    let build = Build::new(&description, &identity, cut).map_err(in_model)?;
    stage(Stage::Write);
    write(request, &model, &description, &build)?;
    let cost = build.most().map_err(|error| in_model(error.into()))?;
    Ok(TensorReport {
        cost,
        words: build.program.words().len(),
        manifest: build.decoder.manifest,
        calibration,
        warnings: model.warnings,
    })
}

/// The integers, and what they are calibrated on.
fn integers(model: &Model, request: &BuildRequest) -> Result<(Description, TextUse), BundleError> {
    let default = model.config.max_position_embeddings;
    let context = request.options.context.unwrap_or(default);
    let given = request.calibration.as_deref();
    let (text, used) = texts::documents(texts::CALIBRATION, given, &request.model, model, context)?;
    let mut network = llama(model);
    network.context = context;
    let of =
        quantise_on(network, &text, &Options::default()).map_err(|source| BundleError::Scales {
            dir: request.model.clone(),
            source,
        })?;
    Ok((of.description, used))
}

fn write(
    request: &BuildRequest,
    model: &Model,
    description: &Description,
    build: &Build,
) -> Result<(), BundleError> {
    let folder = files::NewFolder::create(&request.out)?;
    for (path, text) in &build.package.files {
        folder.write_cairo(&build.package.name, path, text)?;
    }
    // The package's dependency, beside it.
    for (path, text) in compile::tensor_sources() {
        folder.write_cairo("tensors", &format!("src/{path}"), text)?;
    }
    folder.write_cairo("tensors", "Scarb.toml", compile::TENSORS_MANIFEST)?;
    let integers = encode(description).map_err(files::encode(Part::Integers.name()))?;
    folder.write(Part::Integers, &integers)?;
    folder.write(Part::Program, &build.program.to_json()?)?;
    folder.write(Part::Config, &model.config_file)?;
    folder.write(Part::Tokenizer, &model.tokenizer_file)?;
    build.manifest.write(&folder.path(Part::Manifest))?;
    folder.publish()
}
