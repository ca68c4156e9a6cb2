//! The plan of an integer model: for each operation of its [`Description`] one of the plan, or as many as there are query heads.

use super::angles::Angles;
use super::attention::Attention;
use super::error::PlanError;
use super::gated::Gated;
use super::matrix::Matrix;
use super::norm::{Norm, NormKind};
use super::plan::{Plan, Tensor};
use super::product::{Function, Product, fewest_bits};
use crate::air::components::attend::NEAREST;
use crate::air::components::lanes::CHANNELS;
use crate::air::components::norm::RESULT_BITS;
use crate::integers::{self, Description, Operation, Table};

/// A plan, and where its values are.
#[derive(Clone, Debug)]
pub struct Planned {
    pub plan: Plan,
    /// What each operation of the description writes; of the head the chosen tokens.
    pub written: Vec<Tensor>,
}

/// Makes the plan of an integer model with so many lanes, and with matrices in blocks of so many outputs. A chunk can begin at every position of the context.
///
/// # Errors
/// What the components cannot prove, or an operation that they do not have.
pub fn plan(description: &Description, lanes: usize, block: usize) -> Result<Planned, PlanError> {
    positions(description)?;
    let embedding = matrix(&description.embedding.tokens);
    let mut plan = Plan::new(lanes, block, embedding)?;
    let before = description.context.saturating_sub(1);
    plan.carry(before.div_ceil(lanes) as u32)?;
    let mut planning = Planning {
        description,
        plan,
        written: vec![],
        angles: None,
    };
    let rotates = |operation: &Operation| matches!(operation, Operation::Rotary { .. });
    let rotates = description.operations.iter().any(rotates);
    if rotates || description.embedding.positions.is_some() {
        planning.plan.positions();
    }
    if rotates {
        planning.angles = Some(planning.plan.angles(turns(&description.angles))?);
    }
    for operation in &description.operations {
        let tensor = planning.add(operation)?;
        planning.written.push(tensor);
    }
    planning.plan.check()?;
    let written = planning.written.iter();
    Ok(Planned {
        written: written.map(|parts| Tensor::joined(parts)).collect(),
        plan: planning.plan,
    })
}

/// A plan on its way.
struct Planning<'a> {
    description: &'a Description,
    plan: Plan,
    /// What each operation writes: one tensor, or one for each head that it normalises by itself.
    written: Vec<Vec<Tensor>>,
    angles: Option<Angles>,
}

impl Planning<'_> {
    fn add(&mut self, operation: &Operation) -> Result<Vec<Tensor>, PlanError> {
        let name = operation.name();
        if let Some(&input) = operation.reads().iter().find(|&&i| i >= self.written.len()) {
            return Err(PlanError::Late { name, input });
        }
        let written = match operation {
            Operation::HeadNorm { input, norm, heads } => {
                let input = self.read(*input);
                return self.plan.norms(input, *heads, normed(norm));
            }
            Operation::Linear { input, of, bits } => self.each(*input, |planning, input| {
                planning.plan.linear(input, product(of), *bits)
            }),
            Operation::Rotary { input, of, half } => self.each(*input, |planning, input| {
                planning.rotary(input, product(of), *half)
            }),
            Operation::Embed => self.embed(),
            Operation::Norm { input, norm } => self.plan.norm(self.read(*input), normed(norm)),
            Operation::Function { input, of, table } => {
                let table = self.table(name, *table, 0)?;
                self.plan.function(self.read(*input), product(of), table)
            }
            Operation::Attention {
                queries,
                keys,
                values,
                of,
            } => self.attention([*queries, *keys, *values], of),
            Operation::Residual {
                stream,
                input,
                of,
                bits,
            } => {
                let [stream, input] = [stream, input].map(|&i| self.read(i));
                self.plan.residual(stream, input, product(of), *bits)
            }
            Operation::Gated { input, of } => {
                let table = self.table(name, of.table, 0)?;
                let gated = Gated {
                    gate: product(&of.gate),
                    up: product(&of.up),
                    table,
                    shift: of.shift,
                    bits: of.bits,
                };
                self.plan.gated(self.read(*input), gated)
            }
            Operation::Head { input } => {
                let input = self.read(*input);
                match &self.description.output {
                    None => self.plan.head(input)?,
                    Some(output) => self.plan.own_head(input, matrix(output))?,
                }
                let chosen = self.plan.tokens.chosen;
                Ok(Tensor::new(
                    chosen,
                    1,
                    self.description.output().rows.len() as i64,
                ))
            }
        };
        written.map(|written| vec![written])
    }

    /// What an operation before has written, as one tensor.
    fn read(&self, number: usize) -> Tensor {
        Tensor::joined(&self.written[number])
    }

    /// The same operation with each tensor that one before has written.
    fn each(
        &mut self,
        number: usize,
        of: impl Fn(&mut Self, Tensor) -> Result<Tensor, PlanError>,
    ) -> Result<Tensor, PlanError> {
        let parts = self.written[number].clone();
        let mut written = vec![];
        for &input in &parts {
            let output = of(self, input)?;
            // Tensors begin at multiples of their views, so others leave gaps.
            if parts.len() > 1 && !output.channels.is_multiple_of(CHANNELS) {
                return Err(PlanError::HeadChannels(output.channels));
            }
            written.push(output);
        }
        Ok(Tensor::joined(&written))
    }

    fn embed(&mut self) -> Result<Tensor, PlanError> {
        let embedding = &self.description.embedding;
        match &embedding.positions {
            None => self.plan.embed_scaled(embedding.shift),
            Some(positions) => self
                .plan
                .embed_positions(matrix(positions), embedding.shift),
        }
    }

    /// The plan's number of a table of the description, with its arguments moved.
    fn table(&mut self, name: &'static str, table: usize, moved: i64) -> Result<usize, PlanError> {
        let missing = PlanError::NoTable {
            operation: name,
            table,
        };
        let Table { first, values } = self.description.tables.get(table).ok_or(missing)?;
        let first = first + moved;
        let values = values.clone();
        self.plan.table_once(Function { first, values })
    }

    fn rotary(&mut self, input: Tensor, of: Product, half: usize) -> Result<Tensor, PlanError> {
        let angles = self.angles.ok_or(PlanError::NoAngles)?;
        let bits = bits("rotary", &of, input)?;
        if half != angles.frequencies {
            return Err(PlanError::HeadSize {
                found: 2 * half,
                expected: 2 * angles.frequencies,
            });
        }
        let heads = of.outputs() / (2 * half);
        self.plan.rotary(input, of, angles, heads, bits)
    }

    fn attention(
        &mut self,
        inputs: [usize; 3],
        of: &integers::Attention,
    ) -> Result<Tensor, PlanError> {
        let [queries, keys, values] = inputs.map(|i| self.read(i));
        let attention = Attention {
            heads: of.heads,
            kv_heads: of.kv_heads,
            head_dim: of.head_dim,
            shift: of.score_shift,
            // The component's distances begin at the least argument of a table.
            weights: self.table("attention", of.weights, NEAREST)?,
            mixed_shift: of.mix_shift,
            bits: of.mix_bits,
        };
        self.plan.attention(queries, keys, values, attention)
    }
}

/// Tables by position have the positions of the context: a shorter one would leave steps without a proof.
fn positions(description: &Description) -> Result<(), PlanError> {
    let rotates = |operation: &Operation| matches!(operation, Operation::Rotary { .. });
    let rotates = description.operations.iter().any(rotates);
    let integers::Angles { cos, sin } = &description.angles;
    let angles = [("cosines", cos.len()), ("sines", sin.len())];
    let learned = description.embedding.positions.iter();
    let learned = learned.map(|table| ("learned positions", table.rows.len()));
    let tables = angles.into_iter().filter(|_| rotates).chain(learned);
    let expected = description.context;
    let wrong = tables.into_iter().find(|(_, found)| *found != expected);
    wrong.map_or(Ok(()), |(what, found)| {
        Err(PlanError::Positions {
            what,
            found,
            expected,
        })
    })
}

/// Fewest bits, sign included, that hold all outputs of a product.
fn bits(operation: &'static str, of: &Product, input: Tensor) -> Result<u32, PlanError> {
    let reaches = of.reaches(operation, input)?;
    Ok(fewest_bits(reaches.into_iter().max().unwrap_or(0)))
}

fn matrix(of: &integers::Matrix) -> Matrix {
    Matrix::new(of.inputs, &of.rows)
}

fn product(of: &integers::Product) -> Product {
    Product {
        weights: matrix(&of.weights),
        bias: of.bias.clone(),
        shift: of.shift,
    }
}

fn normed(of: &integers::Norm) -> Norm {
    Norm {
        kind: match of.centred {
            true => NormKind::Layer,
            false => NormKind::Rms,
        },
        grain: of.grain,
        floor: of.floor,
        bits: RESULT_BITS.saturating_sub(of.shift),
    }
}

/// By position the cosine and the sine of each pair.
fn turns(of: &integers::Angles) -> Vec<Vec<[i32; 2]>> {
    let rows = of.cos.iter().zip(&of.sin);
    let row = |(cos, sin): (&Vec<i32>, &Vec<i32>)| {
        let pairs = cos.iter().zip(sin);
        pairs.map(|(&cos, &sin)| [cos, sin]).collect()
    };
    rows.map(row).collect()
}
