//! How well integers follow floats, on which texts, and what that decides.

use std::path::Path;

use serde::Serialize;

use super::texts::{self, TextUse};
use super::{BuildRequest, BundleError};
use crate::fidelity::{Documents, FidelityError, FidelityReport, Verdict, follow};
use crate::model::Model;
use crate::quantize::sites::{Loss, losses};
use crate::quantize::{Floats, Quantised, Reference, coarse};

/// Tokens over which each kind of operations is looked at by itself.
const LOOKED_AT: usize = 24;

/// How well the integers follow the floats, and on which text.
#[derive(Debug, Clone, Serialize)]
pub struct Fidelity {
    #[serde(flatten)]
    pub report: FidelityReport,
    /// What the scales are calibrated on.
    pub calibration: TextUse,
    /// What the report is measured on.
    pub heldout: TextUse,
    /// What each kind of operations loses by itself over the first tokens of that text, the most first: empty where it is not measured.
    pub losses: Vec<Loss>,
}

/// The two texts of a build, as tokens.
pub(super) struct Texts {
    pub(super) calibration: Documents,
    calibrated_on: TextUse,
    heldout: Documents,
    measured_on: TextUse,
    context: usize,
}

impl Texts {
    /// Reads the texts of a request; `context` is where their paragraphs are cut.
    ///
    /// # Errors
    /// A text that cannot be used.
    pub(super) fn read(
        request: &BuildRequest,
        model: &Model,
        context: usize,
    ) -> Result<Texts, BundleError> {
        let text = |purpose, given: &Option<_>| {
            let given: Option<&Path> = given.as_deref();
            texts::documents(purpose, given, &request.model, model, context)
        };
        let (calibration, calibrated_on) = text(texts::CALIBRATION, &request.calibration)?;
        let (heldout, measured_on) = text(texts::HELDOUT, &request.heldout)?;
        Ok(Texts {
            calibration,
            calibrated_on,
            heldout,
            measured_on,
            context,
        })
    }

    /// Measures the held-out text. A model of no use is refused, unless it is asked for.
    ///
    /// # Errors
    /// A text in which nothing is predicted, floats that are not finite, or the verdict.
    pub(super) fn measure(
        self,
        request: &BuildRequest,
        model: &Model,
        quantised: &Quantised,
    ) -> Result<Fidelity, BundleError> {
        let (mut floats, mut integers) = (Floats::of(model), Reference::new(quantised));
        let report = follow(&mut floats, self.context, &mut integers, &self.heldout);
        let report = report.map_err(|source| match source {
            FidelityError::Text(source) => BundleError::Text {
                name: self.measured_on.place(&request.model),
                source,
            },
            source => BundleError::Fidelity {
                dir: request.model.clone(),
                source,
            },
        })?;
        let first = self.heldout.iter().next().unwrap_or_default();
        let first = &first[..first.len().min(LOOKED_AT).min(self.context)];
        let fidelity = Fidelity {
            report,
            losses: losses(quantised, first),
            calibration: self.calibrated_on,
            heldout: self.measured_on,
        };
        match fidelity.report.verdict() {
            Verdict::Useless if !request.accept_fidelity => Err(BundleError::Useless {
                cause: coarse(quantised),
                fidelity: Box::new(fidelity),
            }),
            Verdict::NothingToFollow if !request.accept_fidelity => {
                Err(BundleError::NothingToFollow {
                    text: fidelity.heldout.to_string(),
                    perplexity: fidelity.report.perplexity_float,
                })
            }
            _ => Ok(fidelity),
        }
    }
}
