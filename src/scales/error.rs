//! Why a model has no integers of specification 2, one variant for each check.

use thiserror::Error;

use crate::integers::RangeError;
use crate::quantize::TextError;

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
