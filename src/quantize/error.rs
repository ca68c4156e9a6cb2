//! Why a model has no integers, one variant for each check.

use thiserror::Error;

use crate::fidelity::TextError;
use crate::integers::RangeError;

/// Why there is no integer model.
#[derive(Debug, Error)]
pub enum ScaleError {
    #[error(transparent)]
    Text(#[from] TextError),
    #[error(
        "{site}: its values are not finite on the calibration text; check that the model works elsewhere"
    )]
    NotFinite { site: String },
    #[error("no scales fit the ranges that a proof needs: {0}")]
    Ranges(#[from] RangeError),
}
