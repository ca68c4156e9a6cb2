//! The weights: the words of all matrices in the order in which a step reads them, two words per felt, which the
//! program separates once per chunk, constants of the program or read by it; or an array for each matrix, whose words
//! are ready to compute with.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

use starknet_types_core::felt::Felt;

use super::constants::{MAX_WORDS, part_name};
use super::imports::Imports;
use super::linear::Product;
use super::{Lanes, LowerError, LowerOptions, Lowering, constants, embed};
use crate::ir::{GraphError, VerifiedGraph};

/// How the program comes to its weight words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WeightLayout {
    /// Two words per constant, which the program separates once per chunk: fewest words, as a circuit that wraps
    /// the proof pays for each.
    #[default]
    Pairs,
    /// One word per constant, ready to compute with: fewest steps.
    Ready,
    /// As many words per felt of the input as fit, and the embedding before them: the program hashes what it reads, and
    /// its output has the hash. It depends on none of these words.
    Committed,
}

impl WeightLayout {
    /// Version of the statement that the program outputs: the model root is a constant in 1, of words that the program
    /// read in 2.
    pub fn statement_version(self) -> u32 {
        match self {
            WeightLayout::Pairs | WeightLayout::Ready => 1,
            WeightLayout::Committed => 2,
        }
    }

    /// Whether the program separates words.
    pub(super) fn is_separated(self) -> bool {
        self != WeightLayout::Ready
    }
}

/// The graph that a program is made from.
///
/// # Errors
/// Ranges that are too large where they have to hold for any weights.
pub(super) fn graph_for(
    graph: &VerifiedGraph,
    weights: WeightLayout,
) -> Result<Cow<'_, VerifiedGraph>, GraphError> {
    match weights {
        WeightLayout::Committed => Ok(Cow::Owned(graph.for_any_weights()?)),
        WeightLayout::Pairs | WeightLayout::Ready => Ok(Cow::Borrowed(graph)),
    }
}

/// What a program with [`WeightLayout::Committed`] reads: the rows of the embedding, then for each division into lanes
/// all words, as `docs/spec.md` packs both.
///
/// # Errors
/// A graph that cannot be lowered in this way.
pub fn committed_words(
    graph: &VerifiedGraph,
    options: LowerOptions,
) -> Result<Vec<Felt>, LowerError> {
    let any = graph_for(graph, WeightLayout::Committed)?;
    let lowering = Lowering::new(&any, options)?;
    let mut products = lowering.products(lowering.schedule.all())?;
    for product in &mut products {
        let name = &product.matrix.name;
        let found = graph.matrices.iter().find(|m| m.name == *name);
        product.matrix = found.ok_or_else(|| LowerError::UnknownConstant { name: name.clone() })?;
    }
    let mut words = embed::table(graph);
    for (lanes, of_lanes) in &by_lanes(&products) {
        words.extend(lanes.join(of_lanes, lanes.committed()));
    }
    Ok(words)
}

/// Felts that the kernel separates at a time.
const FELTS_AT_ONCE: usize = 4;

/// `weights.cairo`: constants for each division into lanes, or for each matrix; none if the program reads them, or
/// there are no matrices.
pub(super) fn source(lowering: &Lowering<'_>) -> Result<Option<String>, LowerError> {
    let products = lowering.products(lowering.schedule.all())?;
    if products.is_empty() {
        return Ok(None);
    }
    match lowering.options.weights {
        WeightLayout::Pairs => Ok(Some(pairs_source(&products))),
        WeightLayout::Ready => ready_source(&products).map(Some),
        WeightLayout::Committed => Ok(None),
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
    let mut out = String::from(
        "//! Packed weights. A word is a column of a block of rows, one row per lane; a constant holds two\n\
         //! words. Matrices, in the order in which a step reads them:\n//!\n",
    );
    for product in products {
        let _ = writeln!(out, "//! - {}", about(product));
    }
    out += "\nuse decode_kernels::weights::Pair;\n";
    for (lanes, words) in &by_lanes(products) {
        let doc = format!("{} words in lanes of {} bits.", words.len(), lanes.bits);
        let name = array_name(*lanes);
        out += &constants::arrays(&name, &doc, "Pair", &lanes.join(words, PAIR), MAX_WORDS);
    }
    out
}

/// The words of all products with the same lanes, in order.
fn by_lanes(products: &[Product<'_>]) -> BTreeMap<Lanes, Vec<Felt>> {
    let mut words: BTreeMap<Lanes, Vec<Felt>> = BTreeMap::new();
    for product in products {
        let all = words.entry(product.lanes).or_default();
        all.extend(product.packed());
    }
    words
}

/// The array of the program that holds the packed words of some lanes.
fn array_name(lanes: Lanes) -> String {
    variable(lanes).to_uppercase()
}

/// The variable that holds the words of some lanes.
pub(super) fn variable(lanes: Lanes) -> String {
    format!("lanes{}", lanes.bits)
}

/// The function that separates the words that the program reads, of some lanes.
fn separating(lanes: Lanes) -> &'static str {
    match lanes.committed() {
        3 => "separate_three",
        _ => "separate_two",
    }
}

/// The arrays of felts that the program separates into the words of some lanes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Parts {
    pub(super) lanes: Lanes,
    /// Lengths.
    pub(super) felts: Vec<usize>,
}

impl Parts {
    /// The expression for the words.
    pub(super) fn separated(&self, weights: WeightLayout, imports: &mut Imports) -> String {
        let lanes = imports.lanes(self.lanes.bits);
        if let WeightLayout::Committed = weights {
            let felts: usize = self.felts.iter().sum();
            let separate = imports.item("weights", separating(self.lanes));
            let take = imports.item("kv", "take");
            return format!("{separate}::<{lanes}>({take}(ref words, {felts}))");
        }
        let name = array_name(self.lanes);
        let spans: Vec<String> = (0..self.felts.len())
            .map(|part| format!("weights::{}.span()", part_name(&name, part)))
            .collect();
        let separate = imports.item("weights", "separate");
        format!("{separate}::<{lanes}>(array![{}])", spans.join(", "))
    }
}

/// What the program separates, by lanes. What it reads is one array.
pub(super) fn parts(lowering: &Lowering<'_>) -> Result<Vec<Parts>, LowerError> {
    let mut words: BTreeMap<Lanes, usize> = BTreeMap::new();
    for product in lowering.products(lowering.schedule.all())? {
        *words.entry(product.lanes).or_default() += product.words();
    }
    let parts = |(lanes, words): (Lanes, usize)| {
        let (felts, part) = match lowering.options.weights {
            WeightLayout::Committed => (felts(words, lanes.committed()), usize::MAX),
            WeightLayout::Pairs | WeightLayout::Ready => (felts(words, PAIR), MAX_WORDS),
        };
        let starts = (0..felts).step_by(part);
        let felts = starts.map(|start| part.min(felts - start)).collect();
        Parts { lanes, felts }
    };
    Ok(words.into_iter().map(parts).collect())
}

/// How many felts a program reads.
pub(super) fn committed_count(lowering: &Lowering<'_>) -> Result<usize, LowerError> {
    let parts = parts(lowering)?;
    let felts = parts.iter().flat_map(|parts| &parts.felts);
    Ok(embed::table_words(lowering.graph) + felts.sum::<usize>())
}

/// Words in a constant.
pub const PAIR: usize = 2;

/// Felts that hold `words` words, `each` in one.
fn felts(words: usize, each: usize) -> usize {
    words.div_ceil(each).next_multiple_of(FELTS_AT_ONCE)
}

impl Lanes {
    /// Words that a felt of the input holds.
    pub fn committed(&self) -> usize {
        match self.bits {
            ..24 => PAIR,
            _ => 3,
        }
    }

    /// `each` words per felt, `Σ_k 2^(8k) · (w_k + 128)` in every lane; filled with words of zeros to a whole number of
    /// turns of the kernel.
    ///
    /// The words hold int8 values, and a lane has at least `8·each` bits, so none carries into the next.
    pub fn join(&self, words: &[Felt], each: usize) -> Vec<Felt> {
        let zero = self.every(128);
        let word = |i: usize| words.get(i).copied().unwrap_or(Felt::ZERO) + zero;
        let byte = Felt::from(1 << 8);
        let felt = |i: usize| {
            (0..each)
                .rev()
                .fold(Felt::ZERO, |felt, k| felt * byte + word(each * i + k))
        };
        (0..felts(words.len(), each)).map(felt).collect()
    }
}
