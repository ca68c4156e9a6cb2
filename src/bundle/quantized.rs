//! The middle of a build: a float model and its texts, to an integer model that follows it.

use std::path::PathBuf;

use serde::Serialize;

use super::texts::{self, TextUse};
use super::{BuildRequest, BundleError, Stage};
use crate::engine::Engine;
use crate::lower::check_context;
use crate::model::Model;
use crate::quantize::{
    Cause, FidelityReport, QuantizeError, Quantized, Verdict, fidelity_on, quantize_on,
};

/// How well the integers follow the floats, and on which text.
#[derive(Debug, Clone, Serialize)]
pub struct Fidelity {
    #[serde(flatten)]
    pub report: FidelityReport,
    /// What the scales are calibrated on.
    pub calibration: TextUse,
    /// What the report is measured on.
    pub heldout: TextUse,
}

/// The integer model, and how well it follows the float model.
///
/// # Errors
/// Options or texts that cannot be used, a model that cannot be quantised, or one that is of no use and not asked for.
pub(super) fn quantized(
    model: &Model,
    request: &BuildRequest,
    stage: &mut dyn FnMut(Stage),
) -> Result<(Quantized, Fidelity), BundleError> {
    let in_model = |source| BundleError::Quantize {
        dir: request.model.clone(),
        source,
    };
    let default = model.config.max_position_embeddings;
    let context = request.options.context.unwrap_or(default);
    check_context(context, model.config.head_dim)?;
    let text = |purpose, given: &Option<PathBuf>| {
        texts::documents(purpose, given.as_deref(), &request.model, model, context)
    };
    let (calibration, calibrated_on) = text(texts::CALIBRATION, &request.calibration)?;
    let (heldout, measured_on) = text(texts::HELDOUT, &request.heldout)?;
    stage(Stage::Quantize);
    let quantized = quantize_on(model, &calibration, &request.options).map_err(in_model)?;
    stage(Stage::Fidelity);
    let mut engine = Engine::new(&quantized.graph);
    let report = fidelity_on(model, &quantized, &mut engine, &heldout);
    let report = report.map_err(|source| match source {
        QuantizeError::Text(source) => BundleError::Text {
            name: measured_on.place(&request.model),
            source,
        },
        source => in_model(source),
    })?;
    let fidelity = Fidelity {
        report,
        calibration: calibrated_on,
        heldout: measured_on,
    };
    match fidelity.report.verdict() {
        Verdict::Useless if !request.accept_fidelity => Err(BundleError::Useless {
            fidelity: Box::new(fidelity),
            cause: Cause::find(model, &quantized),
        }),
        Verdict::NothingToFollow if !request.accept_fidelity => Err(BundleError::NothingToFollow {
            text: fidelity.heldout.to_string(),
            perplexity: fidelity.report.perplexity_float,
        }),
        _ => Ok((quantized, fidelity)),
    }
}
