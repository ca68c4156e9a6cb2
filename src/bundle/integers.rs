//! From a model to planned integers, as all kinds of builds have them.

use super::{BuildRequest, BundleError};
use crate::decode::{BuildError, Cost, Outline};
use crate::fidelity::{Documents, Follower};
use crate::model::{Config, Model};
use crate::prove::{check_declared_memory, missing};
use crate::quantize::network::Network;
use crate::quantize::{Options, Quantised, Reference, quantise_on};
use crate::tensor::LANES;
use crate::tensor::shares::MAX_KEYS;

/// Bytes of memory that compiling takes for each parameter at least: as a float of the file, as a real number and as an integer. Measured with a seventh
/// taken off: `compile` of SmolLM2-135M (`scripts/demo-smollm2`).
const BYTES_PER_PARAMETER: u64 = 40;

/// Tokens of the calibration text that the integers are tried on.
const TRIED: usize = 16;

/// What is wrong with a model as a build.
pub(super) fn in_model(request: &BuildRequest) -> impl Fn(BuildError) -> BundleError {
    let dir = request.model.clone();
    move |source| BundleError::Tensors {
        dir: dir.clone(),
        source,
    }
}

/// Refuses what this machine has no memory for, from the configuration alone. How many rows a model has is known once it is planned; what its floats and
/// integers take, before they are read.
pub(super) fn check_memory(config: &Config) -> Result<(), BundleError> {
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

/// Refuses a context that attention of a proof does not see.
pub(super) fn check_context(context: usize) -> Result<(), BundleError> {
    // Carried positions fill whole blocks, of as many as there are lanes.
    let largest = MAX_KEYS - LANES.into_iter().max().unwrap_or(0);
    match context <= largest {
        true => Ok(()),
        false => Err(BundleError::LongContext { context, largest }),
    }
}

/// Calibrates and quantises.
///
/// # Errors
/// Floats that are not finite, or numbers that no scales fit.
pub(super) fn quantise(
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

/// Whether integers leave ranges on the very text that these are calibrated on. So they do where they are nothing like the floats that were measured, as in a
/// model whose numbers are all next to nothing. Ranges that hold for every input are coarser, and no text leaves them.
fn refuses(quantised: &Quantised, calibration: &Documents) -> bool {
    let first = calibration.iter().next().unwrap_or_default();
    let tokens = &first[..first.len().min(TRIED)];
    Reference::new(quantised).block(tokens).1.is_some()
}

/// Plans the program, and says what the proof of the dearest chunk will cost.
///
/// # Errors
/// A model that cannot be proven, or not on this machine.
pub(super) fn plan(
    request: &BuildRequest,
    integers: &Quantised,
) -> Result<(Outline, Cost), BundleError> {
    let in_model = in_model(request);
    let outline = Outline::new(&integers.description, request.cut).map_err(&in_model)?;
    let costs = [outline.least(), outline.most()];
    let [least, most] = costs.map(|cost| cost.map_err(|error| in_model(error.into())));
    check_declared_memory(least?.memory_bytes).map_err(|error| in_model(error.into()))?;
    Ok((outline, most?))
}
