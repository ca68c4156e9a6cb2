//! The choice of scales of norms, outputs of matrices, and attention.

use super::bounds::mixed;
use super::choose::{Choice, limit, output_product};
use super::network::Real;
use super::products::{Needs, grid};
use crate::integers::ranges::{
    LOGIT, MAX_BITS, NORM_FLOOR, NORM_INPUT, NORM_LENGTH, SHORT_BITS, fewest_bits, norm_length,
};
use crate::integers::reference::{PROBABILITY_BITS, RECIPROCAL, STREAM};
use crate::integers::{Attention, Norm, Operation};

impl Choice<'_> {
    pub(super) fn norm(
        &self,
        number: usize,
        input: usize,
        centred: bool,
        eps: f64,
    ) -> (Operation, f64) {
        let channels = self.measured[number].energy.len() as f64;
        let unit = RECIPROCAL as f64 / channels.sqrt();
        let wanted = self.wanted(number).unwrap_or(f64::INFINITY);
        // 15 bits, or 14 where the weights need the range more.
        let shift = (unit / wanted).log2().round().clamp(15.0, 16.0) as u32;
        // The finest of what every stream has a length with.
        let of = |grain: u32| {
            let floor = f64::from(1 << grain) * self.stream * (channels * eps).sqrt();
            Norm {
                centred,
                grain,
                floor: (floor as i64).clamp(NORM_FLOOR, NORM_INPUT - 1),
                shift,
            }
        };
        let fits = |norm: &Norm| {
            let scaled = STREAM << norm.grain;
            scaled < NORM_INPUT && norm_length(channels as i64, scaled, norm.floor) < NORM_LENGTH
        };
        let norm = (0..MAX_BITS).rev().map(of).find(fits).unwrap_or(of(0));
        (
            Operation::Norm { input, norm },
            unit / f64::from(1 << shift),
        )
    }

    /// Values of attention have as many bits as they can, queries and keys share those of scores, other outputs have what their readers want.
    pub(super) fn linear_scale(&self, number: usize) -> f64 {
        if let Some(scale) = self.scores.of(self.network, number) {
            return scale;
        }
        let each = self.bounds[number].each;
        let is_value = self.network.operations.iter().any(
            |operation| matches!(operation, Real::Attention { values, .. } if *values == number),
        );
        let is_head = self
            .network
            .operations
            .iter()
            .any(|operation| matches!(operation, Real::Head { input } if *input == number));
        let finest = limit(SHORT_BITS, self.slack) / each;
        let wanted = match (is_value, is_head) {
            (true, _) => finest,
            (_, true) => {
                let needs = Needs::of(&output_product(self.network), self.bounds[number]);
                self.slack * LOGIT as f64 / needs.reach / self.embedding
            }
            _ => self.wanted(number).unwrap_or(finest),
        };
        grid(wanted.min(finest))
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
            fewest_bits(reach as i64).min(SHORT_BITS)
        };
        // Values have at most 15 bits, and a mixture at most one bit more.
        let finest = self.scales[values] * f64::from(1 << PROBABILITY_BITS);
        let wanted = self.wanted(number).unwrap_or(finest);
        let least = (mixed(self.network.context).log2() + f64::from(PROBABILITY_BITS)).floor();
        let mix_shift = (finest / wanted)
            .log2()
            .round()
            .clamp(least.min(16.0), 16.0) as u32;
        let of = Attention {
            heads,
            kv_heads,
            head_dim,
            key_bits: bits(keys),
            value_bits: bits(values),
            score_shift: self.scores.shift(number),
            weights,
            mix_shift,
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
