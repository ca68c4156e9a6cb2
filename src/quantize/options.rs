//! The knobs of quantisation, with defaults tuned on the demo model.

use super::QuantizeError;
use serde::{Deserialize, Serialize};

/// How wide each kind of value may be. Bits of a clamped value include its sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuantOptions {
    /// Positions of the step program; `None` takes the model's `max_position_embeddings`.
    pub context: Option<usize>,
    /// Width of the weights of linear layers.
    pub weight_bits: u32,
    /// Fractional bits of a normalised vector; its range is about `±√hidden · 2^norm_bits`.
    pub norm_bits: u32,
    /// Fractional bits of the residual stream, lowered where accumulators have fewer.
    pub residual_bits: u32,
    /// Magnitude bits that the largest calibrated query gets; queries are not clamped.
    pub query_bits: u32,
    /// Extra fractional bits that the value mix keeps over the int8 values.
    pub mix_bits: u32,
    /// Width of the gate before its activation.
    pub gate_bits: u32,
    /// Width of the up projection.
    pub up_bits: u32,
    /// Width of the down projection's input.
    pub down_bits: u32,
}

impl Default for QuantOptions {
    fn default() -> Self {
        Self {
            context: None,
            weight_bits: 8,
            norm_bits: 4,
            residual_bits: 10,
            query_bits: 7,
            mix_bits: 0,
            gate_bits: 10,
            up_bits: 9,
            down_bits: 8,
        }
    }
}

impl QuantOptions {
    /// Checks every option against the range in which the numerics hold.
    pub fn check(&self) -> Result<(), QuantizeError> {
        if let Some(context) = self.context {
            in_range("context", context as i64, 1, 1 << 20)?;
        }
        in_range("weight_bits", self.weight_bits.into(), 2, 8)?;
        in_range("norm_bits", self.norm_bits.into(), 2, 12)?;
        in_range(
            "residual_bits",
            self.residual_bits.into(),
            MIN_RESIDUAL_BITS.into(),
            20,
        )?;
        in_range("query_bits", self.query_bits.into(), 4, 16)?;
        in_range("mix_bits", self.mix_bits.into(), 0, 8)?;
        in_range("gate_bits", self.gate_bits.into(), 6, 16)?;
        in_range("up_bits", self.up_bits.into(), 4, 16)?;
        in_range("down_bits", self.down_bits.into(), 4, 16)
    }
}

/// The residual stream keeps at least this many fractional bits.
pub(super) const MIN_RESIDUAL_BITS: i32 = 4;

fn in_range(option: &'static str, value: i64, min: i64, max: i64) -> Result<(), QuantizeError> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(QuantizeError::Option {
            option,
            value,
            min,
            max,
        })
    }
}
