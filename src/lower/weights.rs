//! The weights' constants: the words of all matrices in the order in which a step reads them, two words
//! per felt. The program separates them once per chunk.

use std::collections::BTreeMap;
use std::fmt::Write;

use starknet_types_core::felt::Felt;

use super::constants::{MAX_WORDS, part_name};
use super::{Lanes, LowerError, Lowering, constants};
use crate::ir::{Node, Op};

/// How the program holds its weight words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WeightLayout {
    /// Two words per constant, which the program separates once per chunk: fewest words, as a circuit that wraps
    /// the proof pays for each.
    #[default]
    Pairs,
    /// One word per constant, ready to compute with: fewest steps.
    Ready,
}

/// Pairs that the kernel separates at a time.
const PAIRS_AT_ONCE: usize = 4;

/// The lanes of the weights that `nodes` read, densest first.
pub(super) fn lanes_read(
    lowering: &Lowering<'_>,
    nodes: &[&Node],
) -> Result<Vec<Lanes>, LowerError> {
    let mut read = BTreeMap::new();
    for node in nodes {
        if let Op::Linear { x, matrix } = node.op {
            let range = lowering.node(x).range;
            let lanes = Lanes::choose(lowering.graph.matrix(matrix), range)?;
            read.insert(lanes.bits, lanes);
        }
    }
    Ok(read.into_values().collect())
}

/// `weights.cairo`: one constant for each division into lanes.
pub(super) fn source(lowering: &Lowering<'_>) -> Result<String, LowerError> {
    let mut words: BTreeMap<u32, (Lanes, Vec<Felt>)> = BTreeMap::new();
    let mut out = String::from(
        "//! Packed weights. A word is a column of a block of rows, one row per lane; a constant holds two\n\
         //! words. Matrices, in the order in which a step reads them:\n//!\n",
    );
    for node in lowering.schedule.all() {
        let Op::Linear { x, matrix } = node.op else {
            continue;
        };
        let matrix = lowering.graph.matrix(matrix);
        let lanes = Lanes::choose(matrix, lowering.node(x).range)?;
        let packed = match lowering.products.claimed(lanes, matrix) {
            true => lanes.pack_columns(matrix),
            false => lanes.pack(matrix),
        };
        let _ = writeln!(
            out,
            "//! - `{}`: {} × {} int8, {} rows per word in lanes of {} bits, {} words",
            matrix.name,
            matrix.rows,
            matrix.cols,
            lanes.rows(),
            lanes.bits,
            packed.len(),
        );
        let (_, all) = words.entry(lanes.bits).or_insert((lanes, Vec::new()));
        all.extend(packed);
    }
    if lowering.weights == WeightLayout::Pairs {
        out += "\nuse decode_kernels::weights::Pair;\n";
    }
    for (lanes, words) in words.values() {
        let doc = format!("{} words in lanes of {} bits.", words.len(), lanes.bits);
        let name = format!("LANES{}", lanes.bits);
        out += &match lowering.weights {
            WeightLayout::Pairs => {
                constants::arrays(&name, &doc, "Pair", &lanes.pair(words), MAX_WORDS)
            }
            WeightLayout::Ready if words.len() > MAX_WORDS => {
                return Err(LowerError::TooManyWords {
                    words: words.len(),
                    limit: MAX_WORDS,
                });
            }
            WeightLayout::Ready => constants::array(&name, &doc, "felt252", words),
        };
    }
    Ok(out)
}

/// The expression for the words of some lanes.
pub(super) fn separated(lowering: &Lowering<'_>, lanes: Lanes) -> Result<String, LowerError> {
    let mut words = 0;
    for node in lowering.schedule.all() {
        if let Op::Linear { x, matrix } = node.op {
            let matrix = lowering.graph.matrix(matrix);
            if Lanes::choose(matrix, lowering.node(x).range)? == lanes {
                words += lanes.blocks(matrix) * matrix.cols;
            }
        }
    }
    let name = format!("LANES{}", lanes.bits);
    if lowering.weights == WeightLayout::Ready {
        return Ok(format!("weights::{name}.span()"));
    }
    let parts = pairs(words).div_ceil(MAX_WORDS);
    let spans: Vec<String> = (0..parts)
        .map(|part| format!("weights::{}.span()", part_name(&name, part)))
        .collect();
    Ok(format!(
        "separate::<Lanes{}>(array![{}])",
        lanes.bits,
        spans.join(", ")
    ))
}

/// Pairs that hold `words` words.
fn pairs(words: usize) -> usize {
    words.div_ceil(2).next_multiple_of(PAIRS_AT_ONCE)
}

impl Lanes {
    /// Two words per felt, `(a + 128) + 2^8 · (b + 128)` in every lane; filled with words of zeros to a
    /// whole number of turns of the kernel.
    ///
    /// The words hold int8 values, and a lane has at least 16 bits, so none carries into the next.
    pub fn pair(&self, words: &[Felt]) -> Vec<Felt> {
        let zero = self.every(128);
        let word = |i: usize| words.get(i).copied().unwrap_or(Felt::ZERO) + zero;
        (0..pairs(words.len()))
            .map(|i| word(2 * i) + Felt::from(1 << 8) * word(2 * i + 1))
            .collect()
    }
}
