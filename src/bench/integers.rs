//! The integer model of a case.

use std::fs;
use std::path::{Path, PathBuf};

use super::cases::{Case, Subject};
use super::{BenchError, on};
use crate::integers::{Attention, Description, Embedding, Matrix, Norm, Operation, Product, Table};
use crate::model::random::{self, Random, Shape};
use crate::model::{Choices, Model};
use crate::quantize::{Options, quantise};

/// Seed of random weights. (The quantiser finds no scales for those of the seed 1 in case B's shape: an accumulator is half a percent too large.)
const SEED: u64 = 2;

/// An integer model, and how many parameters it has, as people count them.
pub(super) struct Integers {
    pub description: Description,
    pub parameters: u64,
    /// What the integers are made of.
    pub origin: &'static str,
}

/// Makes the model of a case. `demo` is the demo model's directory; random ones are written into `work`.
pub(super) fn integers(case: &Case, demo: &Path, work: &Path) -> Result<Integers, BenchError> {
    match case.subject {
        Subject::Random(shape) => imported(&written(&shape, SEED, work)?, case, "random weights"),
        Subject::Demo => imported(demo, case, "trained weights"),
        Subject::Gpt2(shape) => Ok(Integers {
            description: shape.description(case.context),
            parameters: shape.parameters(case.context),
            origin: "random integers",
        }),
    }
}

/// A model directory of random weights, with the text that it is calibrated on.
pub(super) fn written(shape: &Shape, seed: u64, work: &Path) -> Result<PathBuf, BenchError> {
    let dir = work.join("model");
    fs::create_dir_all(&dir).map_err(on(&dir))?;
    random::write_model_dir(&dir, shape, seed).map_err(on(&dir))?;
    for (name, seed) in [("calibration.txt", 2), ("heldout.txt", 3)] {
        let file = dir.join(name);
        fs::write(&file, random::text(8, seed)).map_err(on(&file))?;
    }
    Ok(dir)
}

fn imported(dir: &Path, case: &Case, origin: &'static str) -> Result<Integers, BenchError> {
    let choices = Choices {
        context: Some(case.context),
        ..Choices::default()
    };
    let model = Model::load_with(dir, choices)?;
    let text = dir.join("calibration.txt");
    let text = fs::read_to_string(&text).map_err(on(&text))?;
    let options = Options {
        context: Some(case.context),
        ..Options::default()
    };
    Ok(Integers {
        description: quantise(&model, &text, &options)?.description,
        parameters: model.config.parameters(),
        origin,
    })
}

/// The sizes of a model of GPT-2's family: LayerNorm, learned positions, a function of products of four times the width.
#[derive(Debug, Clone, Copy)]
pub struct Gpt2 {
    pub layers: usize,
    pub width: usize,
    pub heads: usize,
    pub vocabulary: usize,
}

/// Arguments of the function.
const ARGUMENTS: i32 = 9000;

impl Gpt2 {
    /// Weights, biases, embeddings and learned positions.
    fn parameters(&self, context: usize) -> u64 {
        let Gpt2 { width, layers, .. } = *self;
        let layer = 12 * width * width + 9 * width;
        (layers * layer + (self.vocabulary + context) * width) as u64
    }

    /// Random integers of such a model, in ranges that its operations have for any input.
    fn description(&self, context: usize) -> Description {
        let mut numbers = Random(1);
        let tokens = matrix(&mut numbers, self.width, self.vocabulary, 127);
        let positions = matrix(&mut numbers, self.width, context, 4000);
        let near = |distance: i32| (32767.0 * (-f64::from(distance) / 400.0).exp()).round() as i32;
        let gelu = |x: i32| (f64::from(x) / (1.0 + (-f64::from(x) / 512.0).exp())).round() as i32;
        let weights = Table {
            first: 0,
            values: (0..1 << 16).map(near).collect(),
        };
        let function = Table {
            first: (-ARGUMENTS).into(),
            values: (-ARGUMENTS..=ARGUMENTS).map(gelu).collect(),
        };
        let mut operations = vec![Operation::Embed];
        for _ in 0..self.layers {
            self.layer(&mut numbers, &mut operations);
        }
        let norm = self.norm(operations.len() - 1);
        operations.push(norm);
        let input = operations.len() - 1;
        operations.push(Operation::Head { input });
        Description {
            context,
            embedding: Embedding {
                tokens,
                shift: 8,
                positions: Some(positions),
            },
            output: None,
            angles: Default::default(),
            tables: vec![weights, function],
            operations,
        }
    }

    fn norm(&self, input: usize) -> Operation {
        let norm = Norm {
            centred: true,
            grain: 0,
            floor: 1 << 10,
            shift: 16,
        };
        Operation::Norm { input, norm }
    }

    /// A layer behind the stream, which is what the last operation writes.
    fn layer(&self, numbers: &mut Random, operations: &mut Vec<Operation>) {
        let width = self.width;
        let stream = operations.len() - 1;
        let normed = stream + 1;
        operations.push(self.norm(stream));
        for _ in 0..3 {
            operations.push(Operation::Linear {
                input: normed,
                of: product(numbers, [width, width], 50, 13),
                bits: 11,
            });
        }
        let of = Attention {
            heads: self.heads,
            kv_heads: self.heads,
            head_dim: width / self.heads,
            key_bits: 11,
            value_bits: 11,
            score_shift: 13,
            weights: 0,
            mix_shift: 12,
            mix_bits: 13,
        };
        operations.push(Operation::Attention {
            queries: normed + 1,
            keys: normed + 2,
            values: normed + 3,
            of,
        });
        operations.push(Operation::Residual {
            stream,
            input: normed + 4,
            of: product(numbers, [width, width], 60, 5),
            bits: 20,
        });
        let stream = normed + 5;
        operations.push(self.norm(stream));
        operations.push(Operation::Function {
            input: stream + 1,
            of: product(numbers, [width, 4 * width], 60, 10),
            table: 1,
        });
        operations.push(Operation::Residual {
            stream,
            input: stream + 2,
            of: product(numbers, [4 * width, width], 20, 5),
            bits: 20,
        });
    }
}

fn below(numbers: &mut Random, most: i32) -> i32 {
    (numbers.next() % (2 * most as u64 + 1)) as i32 - most
}

fn matrix(numbers: &mut Random, inputs: usize, outputs: usize, most: i32) -> Matrix {
    let mut row = |_| (0..inputs).map(|_| below(numbers, most)).collect();
    Matrix {
        inputs,
        rows: (0..outputs).map(&mut row).collect(),
    }
}

fn product(numbers: &mut Random, [inputs, outputs]: [usize; 2], most: i32, shift: u32) -> Product {
    Product {
        weights: matrix(numbers, inputs, outputs, most),
        bias: (0..outputs).map(|_| below(numbers, 1000)).collect(),
        shift,
    }
}
