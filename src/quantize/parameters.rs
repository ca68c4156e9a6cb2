//! The quantised parameters of a model, with norm gains and attention's factor folded in.

use super::llama::{LayerWeights, Llama};
use super::options::{MIN_RESIDUAL_BITS, QuantOptions};
use super::scales::{least_error, limit};
use super::statistics::Statistics;
use super::weights::{Folding, QuantMatrix, quantize_matrix};
use super::{QuantizeError, Site};
use crate::model::Config;

/// Cap on the exponent of a matrix whose accumulators are free in scale.
const FREE: i32 = 24;
/// Nothing to fold in.
const PLAIN: Folding = Folding {
    gain: None,
    factor: 1.0,
};

pub(super) struct LayerParameters {
    pub q: QuantMatrix,
    pub k: QuantMatrix,
    pub v: QuantMatrix,
    pub o: QuantMatrix,
    pub gate: QuantMatrix,
    pub up: QuantMatrix,
    pub down: QuantMatrix,
}

pub(super) struct Parameters {
    pub embedding: QuantMatrix,
    pub layers: Vec<LayerParameters>,
    pub output: QuantMatrix,
    /// Fractional bits of the residual stream: no accumulator that joins it has fewer.
    pub residual_bits: i32,
}

/// Quantises every matrix of the model.
pub(super) fn parameters(
    weights: &Llama<'_>,
    config: &Config,
    statistics: &Statistics,
    options: &QuantOptions,
) -> Result<Parameters, QuantizeError> {
    let layers = (0..weights.layers.len())
        .map(|index| layer(index, &weights.layers[index], config, statistics, options))
        .collect::<Result<Vec<_>, _>>()?;

    // The residual stream is at most as fine as the coarsest accumulator that is added to it.
    let mut residual_bits = options.residual_bits as i32;
    for (index, layer) in layers.iter().enumerate() {
        let value_bits = least_error(&statistics.histogram(Site::Value(index)), limit(8))
            .min(layer.v.exponent + options.norm_bits as i32);
        let down_bits = least_error(
            &statistics.histogram(Site::Gated(index)),
            limit(options.down_bits),
        );
        let inputs = [
            (&layer.o, value_bits + options.mix_bits as i32),
            (&layer.down, down_bits),
        ];
        for (matrix, input_bits) in inputs {
            residual_bits = residual_bits.min(matrix.exponent + input_bits);
            if residual_bits < MIN_RESIDUAL_BITS {
                return Err(QuantizeError::ResidualScale {
                    matrix: matrix.matrix.name.clone(),
                    bits: residual_bits,
                    min: MIN_RESIDUAL_BITS,
                });
            }
        }
    }

    // The embedding is no factor of a product, it may use all of int8.
    let embedding = quantize_matrix(
        "embedding",
        &weights.embed,
        PLAIN,
        &[],
        limit(8),
        residual_bits,
    )?;
    let energy = statistics.energy(Site::FinalInput);
    let folding = Folding {
        gain: Some(weights.final_norm),
        factor: 1.0,
    };
    let output = quantize_matrix(
        "lm_head",
        &weights.output,
        folding,
        energy,
        limit(options.weight_bits),
        FREE,
    )?;
    Ok(Parameters {
        embedding,
        layers,
        output,
        residual_bits,
    })
}

fn layer(
    index: usize,
    layer: &LayerWeights<'_>,
    config: &Config,
    statistics: &Statistics,
    options: &QuantOptions,
) -> Result<LayerParameters, QuantizeError> {
    let attention = statistics.energy(Site::AttentionInput(index));
    let mixed = statistics.energy(Site::Mixed(index));
    let mlp = statistics.energy(Site::MlpInput(index));
    let gated = statistics.energy(Site::Gated(index));
    // Scores become exponents of two: log2(e) / sqrt(head_dim).
    let factor = std::f64::consts::LOG2_E / (config.head_dim as f64).sqrt();
    let norm = Folding {
        gain: Some(layer.input_norm),
        factor: 1.0,
    };
    let mlp_norm = Folding {
        gain: Some(layer.post_attention_norm),
        factor: 1.0,
    };
    let matrix = |part: &str, weights, folding, energy| {
        let name = format!("layer{index}.{part}");
        quantize_matrix(
            &name,
            weights,
            folding,
            energy,
            limit(options.weight_bits),
            FREE,
        )
    };
    Ok(LayerParameters {
        q: matrix(
            "q_proj",
            &layer.q_proj,
            Folding { factor, ..norm },
            attention,
        )?,
        k: matrix("k_proj", &layer.k_proj, norm, attention)?,
        v: matrix("v_proj", &layer.v_proj, norm, attention)?,
        o: matrix("o_proj", &layer.o_proj, PLAIN, mixed)?,
        gate: matrix("gate_proj", &layer.gate_proj, mlp_norm, mlp)?,
        up: matrix("up_proj", &layer.up_proj, mlp_norm, mlp)?,
        down: matrix("down_proj", &layer.down_proj, PLAIN, gated)?,
    })
}
