//! The choice of scales of norms, outputs of matrices, and attention.

use super::choose::{Choice, limit, output_product};
use super::network::Real;
use super::products::{Needs, grid};
use crate::integers::ranges::{
    FORM_BITS, LOGIT, MAX_BITS, NORM_FLOOR, NORM_INPUT, NORM_LENGTH, SHORT_BITS, fewest_bits,
    norm_length,
};
use crate::integers::reference::{PROBABILITY_BITS, RECIPROCAL};
use crate::integers::{Attention, Norm, Operation};

impl Choice<'_> {
    /// A norm of the stream, or of each of the parts of a product.
    pub(super) fn norm(
        &self,
        number: usize,
        input: usize,
        (centred, eps): (bool, f64),
        parts: usize,
    ) -> (Operation, f64) {
        let channels = (self.measured[number].energy.len() / parts) as f64;
        let unit = RECIPROCAL as f64 / channels.sqrt();
        let wanted = self.wanted(number).unwrap_or(f64::INFINITY);
        // 15 bits, or 14 where the weights need the range more.
        let shift = (unit / wanted).log2().round().clamp(15.0, 16.0) as u32;
        let (scale, reach) = match self.network.operations[input] {
            Real::Linear { .. } => {
                let scale = self.scales[input];
                (scale, 1 << (self.linear_bits(input, scale) - 1))
            }
            _ => (self.streams.scale, self.streams.reaches[input]),
        };
        // The finest of what every input has a length with.
        let of = |grain: u32| {
            let floor = f64::from(1 << grain) * scale * (channels * eps).sqrt();
            Norm {
                centred,
                grain,
                floor: (floor as i64).clamp(NORM_FLOOR, NORM_INPUT - 1),
                shift,
            }
        };
        let fits = |norm: &Norm| {
            let scaled = reach << norm.grain;
            scaled < NORM_INPUT && norm_length(channels as i64, scaled, norm.floor) < NORM_LENGTH
        };
        let norm = (0..MAX_BITS).rev().map(of).find(fits).unwrap_or(of(0));
        let operation = match parts {
            1 => Operation::Norm { input, norm },
            heads => Operation::HeadNorm { input, norm, heads },
        };
        (operation, unit / f64::from(1 << shift))
    }

    /// Values of attention have as many bits as they can, queries and keys share those of scores, other outputs have what their readers want.
    pub(super) fn linear_scale(&self, number: usize) -> f64 {
        if let Some(scale) = self.scores.of(self.network, number) {
            return scale;
        }
        let each = self.bounds[number].each;
        // A checked bound is a power of two.
        if self.network.is_value(number) {
            return f64::from(1 << (SHORT_BITS - 1)) / each;
        }
        let is_head = self
            .network
            .operations
            .iter()
            .any(|operation| matches!(operation, Real::Head { input } if *input == number));
        let finest = limit(SHORT_BITS, self.slack) / each;
        let wanted = match is_head {
            true => {
                let needs = Needs::of(&output_product(self.network), self.bounds[number]);
                self.slack * LOGIT as f64 / needs.reach / self.embedding
            }
            false => self.wanted(number).unwrap_or(finest),
        };
        grid(wanted.min(finest))
    }

    /// Bits of a linear product's results: of values as many as they can have.
    pub(super) fn linear_bits(&self, number: usize, scale: f64) -> u32 {
        match self.network.is_value(number) {
            true => SHORT_BITS,
            false => fewest_bits((self.bounds[number].each * scale / self.slack) as i64),
        }
    }

    pub(super) fn attention(&self, number: usize, weights: usize) -> (Operation, f64) {
        let Real::Attention {
            queries,
            keys,
            values,
            heads,
            kv_heads,
            head_dim,
        } = self.network.operations[number]
        else {
            return (Operation::Embed, 1.0);
        };
        let bits = |of: usize| {
            let reach = self.bounds[of].each * self.scales[of] / self.slack;
            fewest_bits(reach as i64).clamp(2, SHORT_BITS)
        };
        let finest = self.scales[values] * f64::from(1 << PROBABILITY_BITS);
        let wanted = self.wanted(number).unwrap_or(finest);
        // A mixture is at most a value of 15 bits over this power of two, and a little more if that is 1.
        let halvings = (self.bounds[values].each / self.bounds[number].each).log2();
        let most = i64::from(PROBABILITY_BITS + SHORT_BITS) - halvings.round() as i64;
        let most = most + i64::from(halvings < 0.5);
        let least = (most - i64::from(MAX_BITS)).clamp(0, MAX_BITS.into());
        let mix_shift = (finest / wanted).log2().round();
        let mix_shift = mix_shift.clamp(least as f64, MAX_BITS.into()) as u32;
        let mix_bits = (most - i64::from(mix_shift)).clamp(1, (FORM_BITS - mix_shift).into());
        let of = Attention {
            heads,
            kv_heads,
            head_dim,
            key_bits: bits(keys),
            value_bits: SHORT_BITS,
            score_shift: self.scores.shift(number),
            weights,
            mix_shift,
            mix_bits: mix_bits as u32,
        };
        let operation = Operation::Attention {
            queries,
            keys,
            values,
            of,
        };
        (operation, finest / f64::from(1 << mix_shift))
    }
}
