//! Why integers may not follow floats, where the weights show it.

use std::fmt;

/// What of a model's weights does not survive rounding: a matrix has a few weights that are so large that most others round to zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    pub matrix: String,
    pub largest: f32,
    pub typical: f32,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cause {
            matrix,
            largest,
            typical,
        } = self;
        write!(
            f,
            "{} has weights up to {largest:.1e} where half are below {typical:.1e}: a matrix has one scale for both, and \
             the small ones round to zero",
            part(matrix)
        )
    }
}

/// A part of the model by its label, `layer0.q_proj`, for people.
fn part(label: &str) -> String {
    let layer = label.split_once('.');
    let layer = layer.and_then(|(layer, part)| Some((layer.strip_prefix("layer")?, part)));
    match (label, layer) {
        (_, Some((layer, part))) => format!("`{part}` of layer {layer}"),
        ("embed" | "embedding", None) => "the embedding".to_string(),
        ("lm_head", None) => "the output matrix (`lm_head`)".to_string(),
        (label, None) => format!("`{label}`"),
    }
}
