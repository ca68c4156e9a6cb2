//! `linear`: chooses the lane width from the proven bound on the accumulators and packs the weights.

use std::collections::BTreeSet;

use starknet_types_core::felt::Felt;

use super::around::span_hash;
use super::constants::{MAX_WORDS, part_name};
use super::cost::{call_kernel, hinted};
use super::imports::Imports;
use super::{LowerError, Lowering, WeightLayout, variable};
use super::{claims, weights};
use crate::casm::Param;
use crate::cost::{Cost, Rows};
use crate::ir::{Matrix, MatrixId, Node, Op, Range, ValueId, row_bound};

/// A division of a felt into lanes: `per_half` lanes of `bits` bits in each 128-bit half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lanes {
    /// Width of a lane; accumulators stay below `2^(bits − 1)` in magnitude.
    pub bits: u32,
    /// Lanes in the low half, and again in the high half.
    pub per_half: usize,
}

impl Lanes {
    /// The divisions that the kernel library implements, densest first.
    pub const ALL: [Lanes; 5] = [
        Lanes::of(20),
        Lanes::of(24),
        Lanes::of(30),
        Lanes::of(40),
        Lanes::of(60),
    ];

    /// The division with most lanes.
    pub(super) const DENSEST: Lanes = Lanes::ALL[0];

    /// Lanes of `bits` bits, which fill 120 bits of a half.
    pub(super) const fn of(bits: u32) -> Lanes {
        Lanes {
            bits,
            per_half: 120 / bits as usize,
        }
    }

    /// The densest division whose lanes hold values of at most `bound` in magnitude.
    pub(super) fn holding(bound: i128) -> Option<Lanes> {
        Lanes::ALL
            .into_iter()
            .find(|lanes| bound < 1 << (lanes.bits - 1))
    }

    /// The densest division that holds every accumulator of `matrix` for inputs in `x`.
    ///
    /// # Errors
    /// A bound that no lane holds.
    pub fn choose(matrix: &Matrix, x: Range) -> Result<Lanes, LowerError> {
        let bound = (0..matrix.rows)
            .map(|i| row_bound(matrix.row(i), x))
            .max()
            .unwrap_or(0);
        Lanes::holding(bound).ok_or_else(|| LowerError::AccumulatorTooWide {
            matrix: matrix.name.clone(),
            bound,
        })
    }

    /// Rows that share a felt.
    pub fn rows(&self) -> usize {
        2 * self.per_half
    }

    /// The matrix as words: for each block of rows, one word per column, `Σ_i w[i][j]·2^lane(i)`
    /// as a signed sum in the field; missing rows of the last block are zero.
    pub fn pack(&self, matrix: &Matrix) -> Vec<Felt> {
        let weights: Vec<Felt> = (0..self.rows()).map(|i| self.weight(i)).collect();
        let mut words = Vec::new();
        for block in (0..matrix.rows).step_by(self.rows()) {
            let rows = block..matrix.rows.min(block + self.rows());
            for j in 0..matrix.cols {
                let lane = |i: usize| Felt::from(matrix.row(i)[j]) * weights[i - block];
                words.push(rows.clone().map(lane).fold(Felt::ZERO, |a, b| a + b));
            }
        }
        words
    }

    /// Blocks of rows.
    pub fn blocks(&self, matrix: &Matrix) -> usize {
        matrix.rows.div_ceil(self.rows())
    }

    /// The words of [`Lanes::pack`], column after column: as a claimed product's check reads them.
    pub fn pack_columns(&self, matrix: &Matrix) -> Vec<Felt> {
        column_after_column(&self.pack(matrix), matrix.cols)
    }

    /// Adds `times` splits of words into lanes.
    pub(super) fn split_cost(&self, words: usize, times: usize, cost: &mut Cost) {
        let path = format!("linear::split{}", self.bits);
        call_kernel(cost, times, &path, &[Param::Span(words)]);
    }

    /// The word with `value` in every lane.
    pub(super) fn every(&self, value: u64) -> Felt {
        let lanes = (0..self.rows()).map(|i| Felt::from(value) * self.weight(i));
        lanes.fold(Felt::ZERO, |a, b| a + b)
    }

    /// What 1 in a lane is worth.
    fn weight(&self, lane: usize) -> Felt {
        let bit = lane / self.per_half * 128 + lane % self.per_half * self.bits as usize;
        Felt::TWO.pow(bit as u128)
    }
}

/// The words of blocks of `cols` columns, block after block, in the order of their columns.
fn column_after_column(words: &[Felt], cols: usize) -> Vec<Felt> {
    let blocks = words.len() / cols;
    (0..words.len())
        .map(|i| words[i % blocks * cols + i / blocks])
        .collect()
}

/// A product with a matrix, as the program makes it.
#[derive(Clone)]
pub(super) struct Product<'a> {
    /// The variable of its accumulators.
    pub(super) variable: String,
    pub(super) matrix: &'a Matrix,
    pub(super) lanes: Lanes,
    pub(super) claimed: bool,
}

impl Product<'_> {
    /// Weight words.
    pub(super) fn words(&self) -> usize {
        self.lanes.blocks(self.matrix) * self.matrix.cols
    }

    /// The weight words, in the order in which the program reads them.
    pub(super) fn packed(&self) -> Vec<Felt> {
        match self.claimed {
            true => self.lanes.pack_columns(self.matrix),
            false => self.lanes.pack(self.matrix),
        }
    }

    /// The weight words in parts of whole blocks of rows, each of which an array of the program holds.
    ///
    /// # Errors
    /// A block that no array holds.
    pub(super) fn parts(&self) -> Result<Vec<Vec<Felt>>, LowerError> {
        let cols = self.matrix.cols;
        let words = self.lanes.pack(self.matrix);
        let parts = words.chunks(self.part()? * cols);
        let order = |words: &[Felt]| match self.claimed {
            true => column_after_column(words, cols),
            false => words.to_vec(),
        };
        Ok(parts.map(order).collect())
    }

    /// Names of the arrays that hold the [`Product::parts`].
    pub(super) fn part_names(&self) -> Result<Vec<String>, LowerError> {
        let name = self.variable.to_uppercase();
        let parts = self.lanes.blocks(self.matrix).div_ceil(self.part()?);
        Ok((0..parts).map(|part| part_name(&name, part)).collect())
    }

    /// Blocks of rows of each part that is a product by itself.
    pub(super) fn part_blocks(&self, weights: WeightLayout) -> Result<Vec<usize>, LowerError> {
        let blocks = self.lanes.blocks(self.matrix);
        let part = match weights {
            WeightLayout::Pairs | WeightLayout::Committed => blocks,
            WeightLayout::Ready => self.part()?,
        };
        let starts = (0..blocks).step_by(part.max(1));
        Ok(starts.map(|start| part.min(blocks - start)).collect())
    }

    /// Blocks of rows in a part.
    fn part(&self) -> Result<usize, LowerError> {
        match MAX_WORDS / self.matrix.cols {
            0 => Err(LowerError::TooManyColumns {
                matrix: self.matrix.name.clone(),
                columns: self.matrix.cols,
                limit: MAX_WORDS,
            }),
            blocks => Ok(blocks),
        }
    }

    /// The function of the kernel library that makes it.
    pub(super) fn kernel(&self, weights: WeightLayout) -> &'static str {
        match (self.claimed, weights.is_separated()) {
            (false, true) => "linear",
            (true, true) => "claimed",
            (false, false) => "linear_in_parts",
            (true, false) => "claimed_in_parts",
        }
    }

    /// Claims that the program makes of it.
    pub(super) fn claims(&self, weights: WeightLayout) -> Result<usize, LowerError> {
        match self.claimed {
            false => Ok(0),
            true => Ok(self.part_blocks(weights)?.len()),
        }
    }
}

impl<'a> Lowering<'a> {
    fn product(
        &self,
        node: &Node,
        x: ValueId,
        matrix: MatrixId,
    ) -> Result<Product<'a>, LowerError> {
        let matrix = self.graph.matrix(matrix);
        let lanes = Lanes::choose(matrix, self.node(x).range)?;
        Ok(Product {
            variable: variable(node),
            matrix,
            lanes,
            claimed: self.claimed.contains(node.label.as_str()),
        })
    }

    /// The products among some nodes, in order.
    pub(super) fn products<'n>(
        &self,
        nodes: impl IntoIterator<Item = &'n Node>,
    ) -> Result<Vec<Product<'a>>, LowerError> {
        let product = |node: &Node| match node.op {
            Op::Linear { x, matrix } => Some(self.product(node, x, matrix)),
            _ => None,
        };
        nodes.into_iter().filter_map(product).collect()
    }
}

pub(super) fn call(
    lowering: &Lowering<'_>,
    node: &Node,
    x: ValueId,
    matrix: MatrixId,
    imports: &mut Imports,
) -> Result<String, LowerError> {
    let product = lowering.product(node, x, matrix)?;
    let (x, rows) = (lowering.var(x), product.matrix.rows);
    let lanes = imports.lanes(product.lanes.bits);
    let kernel = product.kernel(lowering.options.weights);
    let kernel = imports.item(if product.claimed { "claims" } else { "linear" }, kernel);
    let claims = match product.claimed {
        true => ", ref claims",
        false => "",
    };
    Ok(match lowering.options.weights {
        WeightLayout::Pairs | WeightLayout::Committed => format!(
            "{kernel}::<{lanes}>(ref {}, {x}, {}, {rows}{claims})",
            weights::variable(product.lanes),
            product.words()
        ),
        WeightLayout::Ready => {
            let span = |name: String| format!("weights::{name}.span()");
            let parts: Vec<String> = product.part_names()?.into_iter().map(span).collect();
            format!(
                "{kernel}::<{lanes}>(array![{}], {x}, {rows}{claims})",
                parts.join(", ")
            )
        }
    })
}

/// How the program comes to the products with matrices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Products {
    /// Each in the way that declares fewer cells in a chunk of 16 steps, padding left out.
    #[default]
    Cheapest,
    /// All computed at every step.
    Computed,
    /// All claimed at every step, and checked once per chunk.
    Claimed,
}

/// Steps of the chunk that [`Products::Cheapest`] is cheapest in.
const STEPS: usize = 16;

/// Labels of the products that are claimed.
pub(super) fn claimed<'a>(lowering: &Lowering<'a>) -> Result<BTreeSet<&'a str>, LowerError> {
    let mut labels = BTreeSet::new();
    for node in &lowering.graph.nodes {
        let Op::Linear { x, matrix } = node.op else {
            continue;
        };
        let claimed = match lowering.options.products {
            Products::Computed => false,
            Products::Claimed => true,
            Products::Cheapest => {
                let product = lowering.product(node, x, matrix)?;
                let cells = |claimed| {
                    Product {
                        claimed,
                        ..product.clone()
                    }
                    .cells(lowering.options.weights)
                };
                // A claim has to save a fifth: a chunk may be shorter.
                5 * cells(true)? < 4 * cells(false)?
            }
        };
        if claimed {
            labels.insert(node.label.as_str());
        }
    }
    Ok(labels)
}

impl Product<'_> {
    /// Declared cells of the product in a chunk of [`STEPS`] steps, its check included.
    fn cells(&self, weights: WeightLayout) -> Result<u64, LowerError> {
        let mut cost = Cost::default();
        self.steps_cost(weights, STEPS, &mut cost)?;
        if self.claimed {
            span_hash(&mut cost, STEPS * self.lanes.blocks(self.matrix));
            claims::check_cost(&mut cost, self, weights, STEPS)?;
        }
        let rows = cost.rows(&Rows::default())?;
        Ok(rows.cells() + rows.value_cells())
    }

    /// Adds what `steps` steps do for it.
    fn steps_cost(
        &self,
        weights: WeightLayout,
        steps: usize,
        cost: &mut Cost,
    ) -> Result<(), LowerError> {
        let cols = self.matrix.cols;
        for blocks in self.part_blocks(weights)? {
            let params = [Param::Span(blocks * cols), Param::Span(cols), Param::Felt];
            if self.claimed {
                call_kernel(cost, steps, "claims::append_claims", &params);
                hinted(cost, steps * blocks);
            } else {
                call_kernel(cost, steps, "linear::products", &params);
            }
            cost.unit(self.kernel(weights), steps);
        }
        let blocks = self.lanes.blocks(self.matrix);
        self.lanes.split_cost(blocks, steps, cost);
        Ok(())
    }
}

pub(super) fn cost(
    lowering: &Lowering<'_>,
    node: &Node,
    x: ValueId,
    matrix: MatrixId,
    cost: &mut Cost,
) -> Result<(), LowerError> {
    lowering
        .product(node, x, matrix)?
        .steps_cost(lowering.options.weights, 1, cost)
}
