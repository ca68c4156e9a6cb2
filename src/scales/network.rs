//! A family's decode step in real numbers, as the operations that its integer model has.
//!
//! A family is one function here, which lists the operations and folds what folds: gains of norms into the matrices behind them. Everything else in this
//! module reads the list and knows no family.

use crate::model::{self, Model};

/// A decode step in real numbers. Operation `i` stands for operation `i` of the integer model.
#[derive(Clone, Debug)]
pub struct Network {
    pub context: usize,
    pub tokens: Vec<Vec<f64>>,
    /// By position, where positions are learned.
    pub positions: Option<Vec<Vec<f64>>>,
    /// The output matrix, if it is not the embedding.
    pub output: Option<Vec<Vec<f64>>>,
    /// Radians for each position, for each pair of a head.
    pub frequencies: Vec<f64>,
    pub operations: Vec<Real>,
    /// What each operation is called in reports.
    pub sites: Vec<Site>,
}

/// A matrix with biases, by output.
#[derive(Clone, Debug)]
pub struct Product {
    pub weights: Vec<Vec<f64>>,
    pub bias: Vec<f64>,
}

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Silu,
    /// `x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))`.
    GeluTanh,
}

/// An operation in real numbers.
#[derive(Clone, Debug)]
pub enum Real {
    Embed,
    Norm {
        input: usize,
        eps: f64,
    },
    Linear {
        input: usize,
        of: Product,
    },
    Function {
        input: usize,
        of: Product,
        function: Function,
    },
    Rotary {
        input: usize,
        of: Product,
    },
    Attention {
        queries: usize,
        keys: usize,
        values: usize,
        heads: usize,
        kv_heads: usize,
        head_dim: usize,
    },
    Residual {
        stream: usize,
        input: usize,
        of: Product,
    },
    Gated {
        input: usize,
        gate: Product,
        up: Product,
        function: Function,
    },
    Head {
        input: usize,
    },
}

/// What an operation is in its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    pub part: &'static str,
    /// None before and behind the layers.
    pub layer: Option<usize>,
}

impl Function {
    pub fn at(self, x: f64) -> f64 {
        match self {
            Function::Silu => x / (1.0 + (-x).exp()),
            Function::GeluTanh => {
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
                0.5 * x * (1.0 + inner.tanh())
            }
        }
    }
}

impl Real {
    /// The operations whose values it reads.
    pub fn reads(&self) -> Vec<usize> {
        match self {
            Real::Embed => vec![],
            Real::Norm { input, .. }
            | Real::Linear { input, .. }
            | Real::Function { input, .. }
            | Real::Rotary { input, .. }
            | Real::Gated { input, .. }
            | Real::Head { input } => vec![*input],
            Real::Attention {
                queries,
                keys,
                values,
                ..
            } => vec![*queries, *keys, *values],
            Real::Residual { stream, input, .. } => vec![*stream, *input],
        }
    }
}

impl Network {
    /// The matrix of the logits.
    pub fn output(&self) -> &[Vec<f64>] {
        self.output.as_ref().unwrap_or(&self.tokens)
    }

    fn push(&mut self, part: &'static str, layer: Option<usize>, operation: Real) -> usize {
        self.operations.push(operation);
        self.sites.push(Site { part, layer });
        self.operations.len() - 1
    }
}

/// A model of the Llama family.
pub fn llama(model: &Model) -> Network {
    let (config, weights) = (&model.config, &model.weights);
    let eps = config.rms_norm_eps;
    let pair = |i| config.rope_theta.powf(-(i as f64) / config.head_dim as f64);
    let mut network = Network {
        context: config.max_position_embeddings,
        tokens: rows(&weights.embed, None),
        positions: None,
        output: weights
            .lm_head
            .as_ref()
            .map(|head| rows(head, Some(&weights.final_norm[..]))),
        frequencies: (0..config.head_dim).step_by(2).map(pair).collect(),
        operations: vec![],
        sites: vec![],
    };
    let mut stream = network.push("embed", None, Real::Embed);
    for (index, layer) in weights.layers.iter().enumerate() {
        let at = Some(index);
        let input = network.push("attention_norm", at, Real::Norm { input: stream, eps });
        let of = |matrix, gain| product(matrix, Some(gain));
        let gain = &layer.input_norm;
        let rotary = |of| Real::Rotary { input, of };
        let queries = network.push("queries", at, rotary(of(&layer.q_proj, gain)));
        let keys = network.push("keys", at, rotary(of(&layer.k_proj, gain)));
        let of_values = of(&layer.v_proj, gain);
        let linear = Real::Linear {
            input,
            of: of_values,
        };
        let values = network.push("values", at, linear);
        let attention = Real::Attention {
            queries,
            keys,
            values,
            heads: config.num_attention_heads,
            kv_heads: config.num_key_value_heads,
            head_dim: config.head_dim,
        };
        let mixed = network.push("attention", at, attention);
        let residual = Real::Residual {
            stream,
            input: mixed,
            of: product(&layer.o_proj, None),
        };
        stream = network.push("attention_output", at, residual);

        let input = network.push("mlp_norm", at, Real::Norm { input: stream, eps });
        let gain = &layer.post_attention_norm;
        let gated = Real::Gated {
            input,
            gate: of(&layer.gate_proj, gain),
            up: of(&layer.up_proj, gain),
            function: Function::Silu,
        };
        let gated = network.push("gated", at, gated);
        let residual = Real::Residual {
            stream,
            input: gated,
            of: product(&layer.down_proj, None),
        };
        stream = network.push("mlp_output", at, residual);
    }
    let mut input = network.push("final_norm", None, Real::Norm { input: stream, eps });
    if network.output.is_none() {
        // The embedding is the output matrix, so the gain cannot be part of it.
        let of = diagonal(&weights.final_norm);
        input = network.push("final_gain", None, Real::Linear { input, of });
    }
    network.push("head", None, Real::Head { input });
    network
}

fn rows(matrix: &model::Matrix, gain: Option<&[f32]>) -> Vec<Vec<f64>> {
    let scaled = |row: &[f32]| {
        let gain = |j: usize| gain.map_or(1.0, |gain| f64::from(gain[j]));
        row.iter()
            .enumerate()
            .map(|(j, &w)| f64::from(w) * gain(j))
            .collect()
    };
    (0..matrix.rows)
        .map(|row| scaled(matrix.row(row)))
        .collect()
}

fn product(matrix: &model::Matrix, gain: Option<&[f32]>) -> Product {
    Product {
        weights: rows(matrix, gain),
        bias: vec![0.0; matrix.rows],
    }
}

fn diagonal(gain: &[f32]) -> Product {
    let row = |i| {
        let mut row = vec![0.0; gain.len()];
        row[i] = f64::from(gain[i]);
        row
    };
    Product {
        weights: (0..gain.len()).map(row).collect(),
        bias: vec![0.0; gain.len()],
    }
}

impl std::fmt::Display for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.layer {
            Some(layer) => write!(f, "layer{layer}.{}", self.part),
            None => f.write_str(self.part),
        }
    }
}
