//! The choice of scales, operation by operation.

use super::bounds::{Bound, bounds};
use super::equalise::equalise;
use super::error::ScaleError;
use super::functions::Arguments;
use super::measure::{Measured, measure};
use super::network::{Network, Product, Real};
use super::products::{Needs, grid, rounded, shift};
use super::rotate::Rotation;
use super::scores::{Scores, scores};
use super::streams::{Added, Streams};
use super::tables;
use crate::fidelity::Documents;
use crate::integers::ranges::{EMBEDDING_SHIFT, LOGIT, Reach, fewest_bits, ranges};
use crate::integers::{Description, Embedding, Matrix, Operation, Table};
use crate::model::Model;

/// How much room is left for what calibration has not seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Positions; none takes those of the model.
    pub context: Option<usize>,
    /// A checked bound is so many times the largest value on the calibration text.
    pub margin: f64,
    /// Bits of the arguments of functions: a table has all of them.
    pub argument_bits: u32,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            context: None,
            margin: 4.0,
            argument_bits: 14,
        }
    }
}

/// An integer model with what its numbers stand for.
#[derive(Clone, Debug)]
pub struct Quantised {
    pub description: Description,
    /// Scale of what each operation writes: an integer `x` stands for `x / scale`.
    pub scales: Vec<f64>,
    /// The ranges of what each operation writes.
    pub reaches: Vec<Reach>,
    /// The same model in real numbers.
    pub network: Network,
}

/// Quantises a model; its scales are calibrated on the paragraphs of a text.
///
/// # Errors
/// As [`quantise_on`], or a text that cannot be used.
pub fn quantise(
    model: &Model,
    calibration: &str,
    options: &Options,
) -> Result<Quantised, ScaleError> {
    let documents = Documents::encode(calibration, &model.tokenizer)?;
    let mut network = Network::of(model);
    network.context = options.context.unwrap_or(network.context);
    quantise_on(network, &documents, options)
}

/// Quantises a network; its scales are calibrated on documents.
///
/// # Errors
/// Values that are not finite, or ranges that no proof has.
pub fn quantise_on(
    mut network: Network,
    documents: &Documents,
    options: &Options,
) -> Result<Quantised, ScaleError> {
    let mut measured = measure(&network, documents);
    for (measured, site) in measured.iter().zip(&network.sites) {
        if !measured.largest().is_finite() || !measured.total().is_finite() {
            let site = site.to_string();
            return Err(ScaleError::NotFinite { site });
        }
    }
    equalise(&mut network, &mut measured, options.margin);
    turn(&mut network, &mut measured);
    // Rounding weights can move a range up: then a little less of it is used.
    let mut slack = SLACK;
    loop {
        let (description, scales) = choose(&network, &measured, options, slack);
        match ranges(&description) {
            Ok(reaches) => {
                return Ok(Quantised {
                    description,
                    scales,
                    reaches,
                    network,
                });
            }
            Err(error) if slack < LEAST_SLACK => return Err(error.into()),
            Err(_) => slack *= SLACK,
        }
    }
}

/// Turns the stream where a few channels of it are so large that they would make it coarse for all.
fn turn(network: &mut Network, measured: &mut [Measured]) {
    let largest = |of: fn(&Measured) -> f64| measured.iter().map(of).fold(0.0, f64::max);
    let gain = largest(|of| of.stream.plain) / largest(|of| of.stream.turned);
    let Some(rotation) = Rotation::of(network).filter(|_| gain > WORTH_TURNING) else {
        return;
    };
    rotation.apply(network);
    for measured in measured {
        measured.stream.plain = measured.stream.turned;
        measured.added.plain = measured.added.turned;
    }
}

/// So many times finer is a turned stream, where it is worth turning.
const WORTH_TURNING: f64 = 4.0;

/// How much of a range is used.
const SLACK: f64 = 0.98;

/// With so little of the ranges in use, the ranges are not what is wrong.
const LEAST_SLACK: f64 = 0.7;

/// Magnitudes of so many bits, sign included.
pub(super) fn limit(bits: u32, slack: f64) -> f64 {
    slack * f64::from(1 << (bits - 1))
}

fn choose(
    network: &Network,
    measured: &[Measured],
    options: &Options,
    slack: f64,
) -> (Description, Vec<f64>) {
    let bounds = bounds(network, measured, options.margin);
    let streams = Streams::of(network, measured, &bounds, [options.margin, slack]);
    let scores = scores(network, &bounds, measured, slack);
    let mut choice = Choice {
        network,
        measured,
        slack,
        options: *options,
        functions: vec![],
        streams,
        embedding: 1.0,
        scores,
        bounds,
        scales: vec![],
        description: Description {
            context: network.context,
            embedding: Embedding {
                tokens: Matrix {
                    inputs: 0,
                    rows: vec![],
                },
                shift: 0,
                positions: None,
            },
            output: None,
            angles: tables::angles(&network.frequencies, network.context),
            tables: vec![],
            operations: vec![],
        },
    };
    choice.embed();
    let weights = choice.table(tables::weights(choice.scores.step));
    for number in 0..network.operations.len() {
        let (operation, scale) = choice.operation(number, weights);
        choice.description.operations.push(operation);
        choice.scales.push(scale);
    }
    (choice.description, choice.scales)
}

/// Scales on their way: those of the operations before, and what they follow from.
pub(super) struct Choice<'a> {
    pub(super) network: &'a Network,
    pub(super) measured: &'a [Measured],
    pub(super) slack: f64,
    pub(super) options: Options,
    pub(super) bounds: Vec<Bound>,
    pub(super) scores: Scores,
    /// Of gates: all operations with a function share its table.
    pub(super) functions: Vec<Arguments>,
    pub(super) streams: Streams,
    /// Scale of the embedding before its shift.
    pub(super) embedding: f64,
    pub(super) scales: Vec<f64>,
    pub(super) description: Description,
}

impl Choice<'_> {
    /// Vectors of tokens and positions, and the output matrix if it is another.
    fn embed(&mut self) {
        let network = self.network;
        // As an output matrix the embedding shares the logits' range with what it is multiplied by.
        let head = network
            .operations
            .iter()
            .find_map(|operation| match operation {
                Real::Head { input } => Some(*input),
                _ => None,
            });
        let embedding = match (head, &network.output) {
            (Some(input), None) => self.output_scale(input),
            _ => self.streams.scale,
        };
        let shift = (self.streams.scale / embedding).log2().round();
        let shift = shift.clamp(0.0, EMBEDDING_SHIFT.into()) as u32;
        self.embedding = self.streams.scale / f64::from(1 << shift);
        self.description.embedding = Embedding {
            tokens: integers(&network.tokens, self.embedding),
            shift,
            positions: network
                .positions
                .as_ref()
                .map(|p| integers(&p[..network.context], self.streams.scale)),
        };
    }

    /// The scale of an output matrix that balances with its input's.
    fn output_scale(&self, input: usize) -> f64 {
        let of = output_product(self.network);
        let needs = Needs::of(&of, self.bounds[input]);
        let logits = self.slack * LOGIT as f64 / needs.reach;
        logits / needs.balance(logits, &self.measured[input])
    }

    pub(super) fn table(&mut self, table: Table) -> usize {
        let known = self.description.tables.iter().position(|t| *t == table);
        known.unwrap_or_else(|| {
            self.description.tables.push(table);
            self.description.tables.len() - 1
        })
    }

    /// An operation in integers, and the scale of what it writes.
    fn operation(&mut self, number: usize, weights: usize) -> (Operation, f64) {
        let network = self.network;
        match &network.operations[number] {
            Real::Embed => (Operation::Embed, self.streams.scale),
            Real::Norm {
                input,
                centred,
                groups,
                eps,
            } => self.norm(number, *input, (*centred, *eps), *groups),
            Real::Linear { input, of } => {
                let scale = self.linear_scale(number);
                let bits = self.linear_bits(number, scale);
                let of = self.product(of, *input, scale, bits);
                let input = *input;
                (Operation::Linear { input, of, bits }, scale)
            }
            Real::Function {
                input,
                of,
                function,
            } => self.function(*input, of, *function),
            Real::Rotary { input, of } => {
                // Nothing else reads what is rotated.
                let scale = self.scores.of(network, number).unwrap_or(1.0);
                let of = self.product(of, *input, scale, self.bits(of, *input, scale));
                let (input, half) = (*input, network.frequencies.len());
                (Operation::Rotary { input, of, half }, scale)
            }
            Real::Attention { .. } => self.attention(number, weights),
            Real::Residual { stream, input, of } => {
                let Added { bits, shift } = self.streams.added[number];
                let scale = self.streams.scale;
                let of = rounded(of, self.scales[*input], scale, shift);
                let (stream, input) = (*stream, *input);
                let operation = Operation::Residual {
                    stream,
                    input,
                    of,
                    bits,
                };
                (operation, scale)
            }
            Real::Gated {
                input,
                gate,
                up,
                function,
            } => self.gated(number, *input, [gate, up], *function),
            Real::Head { input } => {
                let scale = self.scales[*input];
                if network.output.is_none() {
                    return (Operation::Head { input: *input }, scale * self.embedding);
                }
                let needs = Needs::of(&output_product(network), self.bounds[*input]);
                let output = grid(self.slack * LOGIT as f64 / needs.reach / scale);
                self.description.output = Some(integers(network.output(), output));
                (Operation::Head { input: *input }, scale * output)
            }
        }
    }

    /// A product whose results have columns.
    pub(super) fn product(
        &self,
        of: &Product,
        input: usize,
        scale: f64,
        bits: u32,
    ) -> crate::integers::Product {
        let needs = Needs::of(of, self.bounds[input]);
        let shift = shift(needs, scale, bits, self.slack);
        rounded(of, self.scales[input], scale, shift)
    }

    /// Fewest bits of a product's results, whatever its input.
    pub(super) fn bits(&self, of: &Product, input: usize, scale: f64) -> u32 {
        let needs = Needs::of(of, self.bounds[input]);
        fewest_bits((needs.reach * scale / self.slack) as i64)
    }

    /// The products that read what an operation writes, with the scale of their accumulators.
    fn readers(&self, number: usize) -> Vec<(Needs, f64)> {
        let mut readers = vec![];
        let bound = self.bounds[number];
        for (reader, operation) in self.network.operations.iter().enumerate() {
            let products: Vec<&Product> = match operation {
                Real::Linear { input, of }
                | Real::Function { input, of, .. }
                | Real::Rotary { input, of }
                    if *input == number =>
                {
                    vec![of]
                }
                Real::Gated {
                    input, gate, up, ..
                } if *input == number => vec![gate, up],
                Real::Residual { input, of, .. } if *input == number => {
                    let shift = self.streams.added[reader].shift;
                    let accumulators = self.streams.scale * f64::from(1 << shift);
                    readers.push((Needs::of(of, bound), accumulators));
                    vec![]
                }
                _ => vec![],
            };
            for of in products {
                let needs = Needs::of(of, bound);
                readers.push((needs, needs.accumulators(self.slack)));
            }
        }
        readers
    }

    /// The scale that the readers of an operation's values would like: the geometric mean of what each would.
    pub(super) fn wanted(&self, number: usize) -> Option<f64> {
        let readers = self.readers(number);
        let wanted = readers.iter().map(|(needs, accumulators)| {
            needs.balance(*accumulators, &self.measured[number]).log2()
        });
        let sum: f64 = wanted.sum();
        (!readers.is_empty()).then(|| (sum / readers.len() as f64).exp2())
    }
}

pub(super) fn output_product(network: &Network) -> Product {
    Product {
        weights: network.output().to_vec(),
        bias: vec![0.0; network.output().len()],
    }
}

fn integers(rows: &[Vec<f64>], scale: f64) -> Matrix {
    let row = |row: &Vec<f64>| row.iter().map(|x| (x * scale).round() as i32).collect();
    Matrix {
        inputs: rows.first().map_or(0, Vec::len),
        rows: rows.iter().map(row).collect(),
    }
}
