//! The forward pass of a model: a list of operations, each with the tensors that it reads by their names in the files.
//!
//! A family of models writes this list from its configuration, and nothing else says what the model computes. From the list follow the tensors that the
//! files must have ([`Forward::sources`]), the float model and the integers (`scales`, where the operations have matrices in the place of names).
//!
//! Operation `i` reads operations before it by their numbers. Norms have no gain of their own: a gain, and the bias beside it, belong to the matrices
//! that read the norm ([`Dense::norm`]).

use super::rope::Rotation;
use std::ops::Range;

/// A decode step as a list of operations.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Forward {
    /// [vocab_size, hidden_size].
    pub tokens: Source,
    /// [positions, hidden_size], where positions are learned.
    pub positions: Option<Source>,
    /// The output matrix, if it is not the embedding.
    pub output: Option<Dense>,
    /// What [`Operation::Rotary`] turns by.
    pub rotation: Option<Rotation>,
    pub operations: Vec<Operation<Dense>>,
    /// What each operation is called in reports.
    pub sites: Vec<Site>,
}

/// An operation; `P` stands for a matrix with biases: tensors by name, or numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation<P> {
    /// The vector of the token, plus that of the position where positions are learned.
    Embed,
    /// `x / √(mean(x²) + eps)`, for each of `groups` equal parts of the channels; with `x − mean(x)` in the place of `x` if `centred`.
    Norm {
        input: usize,
        centred: bool,
        groups: usize,
        eps: f64,
    },
    Linear {
        input: usize,
        of: P,
    },
    /// A function of each output.
    Function {
        input: usize,
        of: P,
        function: Function,
    },
    /// Each head of the outputs turned by the position: channel `i` pairs with `i + head_dim / 2`.
    Rotary {
        input: usize,
        of: P,
    },
    /// Softmax of `q k / √head_dim` over all positions so far, and the mixture of values by it.
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
        of: P,
    },
    /// `function(gate x) · up x`.
    Gated {
        input: usize,
        gate: P,
        up: P,
        function: Function,
    },
    /// Logits of all tokens.
    Head {
        input: usize,
    },
}

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Silu,
    /// `x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))`.
    GeluTanh,
    Relu,
}

/// What an operation is in its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    pub part: &'static str,
    /// None before and behind the layers.
    pub layer: Option<usize>,
}

/// A tensor of the files, or some outputs of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    pub name: String,
    /// As it is stored.
    pub shape: Vec<usize>,
    /// Stored as [inputs, outputs]; else as [outputs, inputs], or as a vector of outputs.
    pub transposed: bool,
    /// The outputs that are taken.
    pub outputs: Range<usize>,
}

/// A matrix with biases, made from tensors: `factor · (W (gain ∘ x + shift) + bias)`, where `gain` and `shift` are those of the norm that wrote `x`.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    pub weight: Weight,
    pub bias: Option<Source>,
    pub norm: Option<Affine>,
    pub factor: f64,
}

/// Where a matrix comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Weight {
    Stored(Source),
    /// Ones on the diagonal, for so many channels.
    Identity(usize),
}

/// What a norm multiplies its channels by, and what it adds; repeated over the channels where it is shorter (norms of heads).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affine {
    pub gain: Source,
    pub bias: Option<Source>,
}

impl Source {
    pub(super) fn vector(name: impl Into<String>, channels: usize) -> Source {
        Source {
            name: name.into(),
            shape: vec![channels],
            transposed: false,
            outputs: 0..channels,
        }
    }

    pub(super) fn matrix(name: impl Into<String>, outputs: usize, inputs: usize) -> Source {
        Source {
            name: name.into(),
            shape: vec![outputs, inputs],
            transposed: false,
            outputs: 0..outputs,
        }
    }

    /// Stored as [inputs, outputs].
    pub(super) fn transposed(name: impl Into<String>, inputs: usize, outputs: usize) -> Source {
        Source {
            name: name.into(),
            shape: vec![inputs, outputs],
            transposed: true,
            outputs: 0..outputs,
        }
    }

    /// Some outputs only.
    pub(super) fn part(self, outputs: Range<usize>) -> Source {
        Source { outputs, ..self }
    }
}

impl Dense {
    pub(super) fn of(weight: Source) -> Dense {
        Dense {
            weight: Weight::Stored(weight),
            bias: None,
            norm: None,
            factor: 1.0,
        }
    }

    /// Only a norm's gain and bias.
    pub(super) fn identity(channels: usize, norm: Affine) -> Dense {
        Dense {
            weight: Weight::Identity(channels),
            bias: None,
            norm: Some(norm),
            factor: 1.0,
        }
    }

    pub(super) fn bias(self, bias: Option<Source>) -> Dense {
        Dense { bias, ..self }
    }

    /// Behind a norm with this gain.
    pub(super) fn behind(self, norm: &Affine) -> Dense {
        Dense {
            norm: Some(norm.clone()),
            ..self
        }
    }

    pub(super) fn times(self, factor: f64) -> Dense {
        Dense {
            factor: self.factor * factor,
            ..self
        }
    }

    /// The tensors that it is made from.
    fn sources(&self) -> impl Iterator<Item = &Source> {
        let weight = match &self.weight {
            Weight::Stored(source) => Some(source),
            Weight::Identity(_) => None,
        };
        let norm = self.norm.iter();
        let norm = norm.flat_map(|norm| [Some(&norm.gain), norm.bias.as_ref()]);
        norm.chain([weight, self.bias.as_ref()]).flatten()
    }
}

impl Function {
    pub fn at(self, x: f64) -> f64 {
        match self {
            Function::Silu => x / (1.0 + (-x).exp()),
            Function::GeluTanh => {
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
                0.5 * x * (1.0 + inner.tanh())
            }
            Function::Relu => x.max(0.0),
        }
    }
}

impl<P> Operation<P> {
    /// Into how many parts it divides its channels: what reads it multiplies the same matrix with each.
    pub fn parts(&self) -> usize {
        match self {
            Operation::Norm { groups, .. } => *groups,
            _ => 1,
        }
    }

    /// The operations whose values it reads.
    pub fn reads(&self) -> Vec<usize> {
        match self {
            Operation::Embed => vec![],
            Operation::Norm { input, .. }
            | Operation::Linear { input, .. }
            | Operation::Function { input, .. }
            | Operation::Rotary { input, .. }
            | Operation::Gated { input, .. }
            | Operation::Head { input } => vec![*input],
            Operation::Attention {
                queries,
                keys,
                values,
                ..
            } => vec![*queries, *keys, *values],
            Operation::Residual { stream, input, .. } => vec![*stream, *input],
        }
    }

    /// Its matrices.
    pub fn products(&self) -> Vec<&P> {
        match self {
            Operation::Embed
            | Operation::Norm { .. }
            | Operation::Attention { .. }
            | Operation::Head { .. } => vec![],
            Operation::Linear { of, .. }
            | Operation::Function { of, .. }
            | Operation::Rotary { of, .. }
            | Operation::Residual { of, .. } => vec![of],
            Operation::Gated { gate, up, .. } => vec![gate, up],
        }
    }

    /// The same operation, whose inputs have other numbers.
    pub fn renumbered(mut self, number: impl Fn(usize) -> usize) -> Operation<P> {
        let inputs = match &mut self {
            Operation::Embed => vec![],
            Operation::Norm { input, .. }
            | Operation::Linear { input, .. }
            | Operation::Function { input, .. }
            | Operation::Rotary { input, .. }
            | Operation::Gated { input, .. }
            | Operation::Head { input } => vec![input],
            Operation::Attention {
                queries,
                keys,
                values,
                ..
            } => vec![queries, keys, values],
            Operation::Residual { stream, input, .. } => vec![stream, input],
        };
        inputs.into_iter().for_each(|input| *input = number(*input));
        self
    }

    /// The same operation with other matrices.
    pub fn map<Q>(&self, mut to: impl FnMut(&P) -> Q) -> Operation<Q> {
        match self {
            Operation::Embed => Operation::Embed,
            &Operation::Norm {
                input,
                centred,
                groups,
                eps,
            } => Operation::Norm {
                input,
                centred,
                groups,
                eps,
            },
            Operation::Linear { input, of } => Operation::Linear {
                input: *input,
                of: to(of),
            },
            Operation::Function {
                input,
                of,
                function,
            } => Operation::Function {
                input: *input,
                of: to(of),
                function: *function,
            },
            Operation::Rotary { input, of } => Operation::Rotary {
                input: *input,
                of: to(of),
            },
            &Operation::Attention {
                queries,
                keys,
                values,
                heads,
                kv_heads,
                head_dim,
            } => Operation::Attention {
                queries,
                keys,
                values,
                heads,
                kv_heads,
                head_dim,
            },
            Operation::Residual { stream, input, of } => Operation::Residual {
                stream: *stream,
                input: *input,
                of: to(of),
            },
            Operation::Gated {
                input,
                gate,
                up,
                function,
            } => Operation::Gated {
                input: *input,
                gate: to(gate),
                up: to(up),
                function: *function,
            },
            Operation::Head { input } => Operation::Head { input: *input },
        }
    }
}

impl Forward {
    /// Appends an operation and gives its number.
    pub(super) fn push(
        &mut self,
        part: &'static str,
        layer: Option<usize>,
        operation: Operation<Dense>,
    ) -> usize {
        self.operations.push(operation);
        self.sites.push(Site { part, layer });
        self.operations.len() - 1
    }

    /// The last norm's gain and the logits: `head` is the output matrix, none if it is the embedding.
    ///
    /// A gain is part of an output matrix. The embedding is needed without it, and logits have no biases: then it is an operation of its own.
    pub(super) fn finish(&mut self, normed: usize, norm: &Affine, head: Option<Source>) {
        let input = match head {
            Some(head) if norm.bias.is_none() => {
                self.output = Some(Dense::of(head).behind(norm));
                normed
            }
            head => {
                self.output = head.map(Dense::of);
                let channels = norm.gain.outputs.len();
                let linear = Operation::Linear {
                    input: normed,
                    of: Dense::identity(channels, norm.clone()),
                };
                self.push("final_gain", None, linear)
            }
        };
        self.push("head", None, Operation::Head { input });
    }

    /// Every tensor that is read, in the order of the operations; one that is read in parts comes more than once.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        let dense = self.operations.iter().flat_map(Operation::products);
        let dense = dense.chain(&self.output);
        let tables = [Some(&self.tokens), self.positions.as_ref()];
        tables
            .into_iter()
            .flatten()
            .chain(dense.flat_map(Dense::sources))
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
