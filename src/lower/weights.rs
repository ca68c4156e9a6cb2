//! The weights' constants: the words of all matrices in the order in which a step reads them, two words per felt,
//! which the program separates once per chunk; or an array for each matrix, whose words are ready to compute with.

use std::collections::BTreeMap;
use std::fmt::Write;

use starknet_types_core::felt::Felt;

use super::constants::{MAX_WORDS, part_name};
use super::linear::Product;
use super::{Lanes, LowerError, Lowering, constants};

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

/// `weights.cairo`: constants for each division into lanes, or for each matrix.
pub(super) fn source(lowering: &Lowering<'_>) -> Result<String, LowerError> {
    let products = lowering.products(lowering.schedule.all())?;
    match lowering.options.weights {
        WeightLayout::Pairs => Ok(pairs_source(&products)),
        WeightLayout::Ready => ready_source(&products),
    }
}

/// What a product's words are.
fn about(product: &Product<'_>) -> String {
    format!(
        "`{}`: {} × {} int8, {} rows per word in lanes of {} bits, {} words",
        product.matrix.name,
        product.matrix.rows,
        product.matrix.cols,
        product.lanes.rows(),
        product.lanes.bits,
        product.words(),
    )
}

fn ready_source(products: &[Product<'_>]) -> Result<String, LowerError> {
    let mut out = String::from(
        "//! Packed weights. A word is a column of a block of rows, one row per lane.\n",
    );
    for product in products {
        let doc = format!("{}.", about(product));
        for (name, words) in product.part_names()?.iter().zip(product.parts()?) {
            out += &constants::array(name, &doc, "felt252", &words);
        }
    }
    Ok(out)
}

fn pairs_source(products: &[Product<'_>]) -> String {
    let mut words: BTreeMap<u32, (Lanes, Vec<Felt>)> = BTreeMap::new();
    let mut out = String::from(
        "//! Packed weights. A word is a column of a block of rows, one row per lane; a constant holds two\n\
         //! words. Matrices, in the order in which a step reads them:\n//!\n",
    );
    for product in products {
        let _ = writeln!(out, "//! - {}", about(product));
        let lanes = product.lanes;
        let (_, all) = words.entry(lanes.bits).or_insert((lanes, Vec::new()));
        all.extend(product.packed());
    }
    out += "\nuse decode_kernels::weights::Pair;\n";
    for (lanes, words) in words.values() {
        let doc = format!("{} words in lanes of {} bits.", words.len(), lanes.bits);
        let name = format!("LANES{}", lanes.bits);
        out += &constants::arrays(&name, &doc, "Pair", &lanes.pair(words), MAX_WORDS);
    }
    out
}

/// The variable that holds the words of some lanes.
pub(super) fn variable(lanes: Lanes) -> String {
    format!("lanes{}", lanes.bits)
}

/// The expression for the words of the lanes that a variable holds.
pub(super) fn separated(
    lowering: &Lowering<'_>,
    variable_name: &str,
) -> Result<String, LowerError> {
    let (ty, name) = (
        variable_name.replace('l', "L"),
        variable_name.to_uppercase(),
    );
    let parts = pair_parts(lowering)?;
    let parts = parts.get(variable_name).map_or(0, Vec::len);
    let spans: Vec<String> = (0..parts)
        .map(|part| format!("weights::{}.span()", part_name(&name, part)))
        .collect();
    Ok(format!("separate::<{ty}>(array![{}])", spans.join(", ")))
}

/// The lengths of the arrays of pairs that the program separates, by the variable that holds what comes out.
pub(super) fn pair_parts(
    lowering: &Lowering<'_>,
) -> Result<BTreeMap<String, Vec<usize>>, LowerError> {
    let mut words: BTreeMap<String, usize> = BTreeMap::new();
    for product in lowering.products(lowering.schedule.all())? {
        *words.entry(variable(product.lanes)).or_default() += product.words();
    }
    let parts = |(name, words)| {
        let pairs = pairs(words);
        let starts = (0..pairs).step_by(MAX_WORDS);
        let parts = starts.map(|start| MAX_WORDS.min(pairs - start)).collect();
        (name, parts)
    };
    Ok(words.into_iter().map(parts).collect())
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
