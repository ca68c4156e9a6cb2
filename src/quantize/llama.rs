//! What graphs of steps are made from: models of Llama's block without biases and without stretched positions.
//!
//! This part of the program goes with that kind of builds. Integer models of specification 2 are made from any family's list of operations (`scales`).

use super::QuantizeError;
use crate::model::Model;
use crate::model::forward::Operation;
use crate::model::rope::Scaling;

/// A row-major matrix; a linear layer is stored as [outputs, inputs].
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    pub rows: usize,
    pub cols: usize,
    pub data: &'a [f32],
}

impl<'a> Matrix<'a> {
    pub fn row(&self, row: usize) -> &'a [f32] {
        &self.data[row * self.cols..(row + 1) * self.cols]
    }
}

/// The weights of one decoder layer.
#[derive(Debug, Clone)]
pub struct LayerWeights<'a> {
    pub input_norm: &'a [f32],
    pub q_proj: Matrix<'a>,
    pub k_proj: Matrix<'a>,
    pub v_proj: Matrix<'a>,
    pub o_proj: Matrix<'a>,
    pub post_attention_norm: &'a [f32],
    pub gate_proj: Matrix<'a>,
    pub up_proj: Matrix<'a>,
    pub down_proj: Matrix<'a>,
}

/// A model of this kind.
#[derive(Debug, Clone)]
pub struct Llama<'a> {
    /// [vocab_size, hidden_size].
    pub embed: Matrix<'a>,
    pub layers: Vec<LayerWeights<'a>>,
    pub final_norm: &'a [f32],
    /// [vocab_size, hidden_size].
    pub output: Matrix<'a>,
    pub rope_theta: f64,
    pub rms_norm_eps: f64,
}

impl<'a> Llama<'a> {
    /// The model's weights under these names.
    ///
    /// # Errors
    /// [`QuantizeError::NotLlama`].
    pub fn of(model: &'a Model) -> Result<Llama<'a>, QuantizeError> {
        let refused = |what: String| QuantizeError::NotLlama { what };
        let config = &model.config;
        let family = config.family.name;
        if !config.is_one_of(&["llama", "mistral"]) {
            return Err(refused(format!("`model_type` = {family:?}")));
        }
        let forward = &config.forward;
        let mut dense = forward.operations.iter().flat_map(Operation::products);
        if dense.any(|dense| dense.bias.is_some()) {
            return Err(refused("a model with biases".to_owned()));
        }
        let rms_norm_eps = forward.operations.iter().find_map(|of| match of {
            Operation::Norm { eps, .. } => Some(*eps),
            _ => None,
        });
        let (Some(rotation), Some(rms_norm_eps)) = (&forward.rotation, rms_norm_eps) else {
            return Err(refused(format!("`model_type` = {family:?}")));
        };
        if rotation.scaling != Scaling::None {
            return Err(refused("a model with scaled rotation".to_owned()));
        }
        let matrix = |name: &str| matrix(model, name);
        let embed = matrix("model.embed_tokens.weight");
        Ok(Llama {
            embed,
            layers: (0..config.num_hidden_layers)
                .map(|index| LayerWeights::of(model, index))
                .collect(),
            final_norm: matrix("model.norm.weight").data,
            output: match config.tie_word_embeddings {
                true => embed,
                false => matrix("lm_head.weight"),
            },
            rope_theta: rotation.theta,
            rms_norm_eps,
        })
    }
}

impl<'a> LayerWeights<'a> {
    fn of(model: &'a Model, layer: usize) -> LayerWeights<'a> {
        let of = |part: &str| matrix(model, &format!("model.layers.{layer}.{part}.weight"));
        LayerWeights {
            input_norm: of("input_layernorm").data,
            q_proj: of("self_attn.q_proj"),
            k_proj: of("self_attn.k_proj"),
            v_proj: of("self_attn.v_proj"),
            o_proj: of("self_attn.o_proj"),
            post_attention_norm: of("post_attention_layernorm").data,
            gate_proj: of("mlp.gate_proj"),
            up_proj: of("mlp.up_proj"),
            down_proj: of("mlp.down_proj"),
        }
    }
}

/// A tensor that the family's list of operations has, so that it is there; a vector is a matrix of one row.
fn matrix<'a>(model: &'a Model, name: &str) -> Matrix<'a> {
    let data = model.weights.data(name);
    let shape = model
        .weights
        .tensors
        .get(name)
        .map(|tensor| &tensor.shape[..]);
    let (rows, cols) = match shape {
        Some(&[rows, cols]) => (rows, cols),
        _ => (1, data.len()),
    };
    Matrix { rows, cols, data }
}
