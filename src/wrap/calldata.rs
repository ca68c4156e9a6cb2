//! The packed form of a circuit proof: felts, as a contract takes them and `wrapped-0000.json` holds them.
//!
//! This module is the format's one source of truth; `contracts/src/calldata.cairo` reads the same.
//!
//! A felt holds eight limbs of 31 bits, the first lowest, and is below 2^248; every limb is a number below
//! 2^31 − 1. So eight base field elements, two elements of the secure field (four limbs each) or one digest
//! fill a felt; the unused limbs of a section's (for queried values: a row's) last felt are zero. In order:
//!
//! | section | felts |
//! |---|---|
//! | `lengths` | one: 15 numbers of 16 bits, the first lowest, see [`Lengths`] |
//! | `commitments` | trace, interaction, composition: a digest each (the fixed columns' root is pinned) |
//! | `interaction_nonce`, `nonce` | one number below 2^64 each |
//! | `claimed_sums` | 11 secure elements |
//! | `sampled_values` | all samples at the out-of-domain point, tree after tree, column after column, a column's previous row before its current one |
//! | `fri_commitments` | five digests |
//! | `last_layer` | one secure element |
//! | `queried_values_0` … `_3` | per tree, per distinct query in ascending order: a row of the tree's columns, sorted by size (stable), which is the order in which leaves are hashed |
//! | `witness_0` … `_3` | per tree: digests |
//! | `fri_values_0` … `_4` | per layer: secure elements |
//! | `fri_witness_0` … `_4` | per layer: digests |
//!
//! The circuit's public value is not in it: the verifier computes it.

mod read;

use std::ops::Range;

use circuit_verifier::circuit_claim::column_log_sizes_per_tree;
use circuit_verifier::circuit_components::N_COMPONENTS;
use circuit_verifier::statement::all_circuit_components;
use circuits::ivalue::NoValue;
use starknet_types_core::felt::Felt;
use stwo::core::fields::qm31::QM31;
use stwo::core::fri::FriLayerProof;
use stwo::core::vcs::blake2_hash::Blake2sHash;
use thiserror::Error;

use super::circuit::{Proof, pcs_config};
use super::shape::AGGREGATE;

pub use read::unpack;

/// FRI layers with a commitment: five folds by 16 take 2^20 to a constant.
pub const FRI_LAYERS: usize = 5;
/// Trees of columns: fixed, trace, interaction, composition.
pub const TREES: usize = 4;
/// Columns of the composition polynomial: two halves of four coordinates.
const COMPOSITION_COLUMNS: usize = 8;
const LIMBS: usize = 8;

/// Why felts are not a packed proof.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CalldataError {
    #[error("{section}: felt {index} is missing")]
    Short { section: String, index: usize },
    #[error("{felts} felts after the end")]
    Trailing { felts: usize },
    #[error(
        "{section}: felt {index} has a limb that is no field element, or more than eight limbs"
    )]
    NotCanonical { section: String, index: usize },
    #[error("{section}: felt {index} has padding that is not zero")]
    Padding { section: String, index: usize },
    #[error(
        "lengths: is not 15 numbers of 16 bits, or speaks of no query or of more than there are"
    )]
    Lengths,
}

/// Numbers of things that depend on where the queries fall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lengths {
    /// Distinct queries.
    pub queries: usize,
    /// Digests per tree.
    pub witness: [usize; TREES],
    /// Secure elements per FRI layer.
    pub fri_values: [usize; FRI_LAYERS],
    /// Digests per FRI layer.
    pub fri_witness: [usize; FRI_LAYERS],
}

impl Lengths {
    const COUNT: usize = 1 + TREES + 2 * FRI_LAYERS;

    fn numbers(&self) -> Vec<usize> {
        let trees = self.witness.iter();
        let layers = self.fri_values.iter().chain(&self.fri_witness);
        [self.queries]
            .into_iter()
            .chain(trees.copied())
            .chain(layers.copied())
            .collect()
    }

    fn felt(&self) -> Felt {
        let shift = Felt::from(1u32 << 16);
        let numbers = self.numbers();
        numbers
            .iter()
            .rev()
            .fold(Felt::ZERO, |felt, &n| felt * shift + Felt::from(n))
    }

    fn read(felt: &Felt) -> Result<Lengths, CalldataError> {
        let bytes = felt.to_bytes_le();
        if bytes[2 * Self::COUNT..].iter().any(|&b| b != 0) {
            return Err(CalldataError::Lengths);
        }
        let n = |i: usize| usize::from(u16::from_le_bytes([bytes[2 * i], bytes[2 * i + 1]]));
        let lengths = Lengths {
            queries: n(0),
            witness: std::array::from_fn(|i| n(1 + i)),
            fri_values: std::array::from_fn(|i| n(1 + TREES + i)),
            fri_witness: std::array::from_fn(|i| n(1 + TREES + FRI_LAYERS + i)),
        };
        let most = pcs_config(&AGGREGATE).fri_config.n_queries;
        match lengths.queries {
            n if n >= 1 && n <= most => Ok(lengths),
            _ => Err(CalldataError::Lengths),
        }
    }
}

/// Columns of a tree: their log sizes, and how many samples each has.
struct Columns {
    log_sizes: Vec<u32>,
    samples: Vec<usize>,
}

impl Columns {
    /// Places of the columns in the order in which leaves are hashed: by size, stable.
    fn leaf_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.log_sizes.len()).collect();
        order.sort_by_key(|&i| self.log_sizes[i]);
        order
    }
}

/// The columns of the four trees of a circuit of shape [`AGGREGATE`].
#[allow(
    clippy::expect_used,
    reason = "the shape is a constant that has every component"
)]
fn columns() -> [Columns; TREES] {
    let fixed = AGGREGATE.column_log_sizes();
    let components = all_circuit_components::<NoValue>();
    let mut log_sizes = [0; N_COMPONENTS];
    let mut samples = vec![];
    for (log_size, component) in log_sizes.iter_mut().zip(components.values()) {
        let known = component.log_size(&fixed);
        *log_size = known.expect("the shape has every component's columns");
        // The last four interaction columns of a component are its running sum, which is sampled at the
        // previous row too.
        let n = component.interaction_columns();
        samples.extend((0..n).map(|i| if i + 4 < n { 1 } else { 2 }));
    }
    let [trace, interaction] = column_log_sizes_per_tree(&log_sizes);
    let fixed: Vec<u32> = fixed.values().copied().collect();
    let composition = vec![AGGREGATE.trace_log_size(); COMPOSITION_COLUMNS];
    let once = |log_sizes: Vec<u32>| Columns {
        samples: vec![1; log_sizes.len()],
        log_sizes,
    };
    [
        once(fixed),
        once(trace),
        Columns {
            log_sizes: interaction,
            samples,
        },
        once(composition),
    ]
}

fn pack_limbs(limbs: impl IntoIterator<Item = u32>) -> Vec<Felt> {
    let limbs: Vec<u32> = limbs.into_iter().collect();
    let shift = Felt::from(1u64 << 31);
    let felt = |limbs: &[u32]| {
        let limbs = limbs.iter().rev();
        limbs.fold(Felt::ZERO, |felt, &limb| felt * shift + Felt::from(limb))
    };
    limbs.chunks(LIMBS).map(felt).collect()
}

fn pack_secure<'a>(values: impl IntoIterator<Item = &'a QM31>) -> Vec<Felt> {
    let limbs = values.into_iter().flat_map(|x| x.to_m31_array());
    pack_limbs(limbs.map(|x| x.0))
}

fn pack_digests<'a>(digests: impl IntoIterator<Item = &'a Blake2sHash>) -> Vec<Felt> {
    let digests = digests.into_iter();
    digests.map(|d| super::digest_felt(&d.0)).collect()
}

/// A section's name and felts.
type Section = (String, Vec<Felt>);

fn write(proof: &Proof) -> Vec<Section> {
    let stark = &proof.stark_proof.proof;
    let fri = &stark.fri_proof;
    let layers: Vec<&FriLayerProof<_>> = std::iter::once(&fri.first_layer)
        .chain(&fri.inner_layers)
        .collect();
    assert!(layers.len() == FRI_LAYERS && stark.commitments.len() == TREES);
    let queries = stark.queried_values[0].first().map_or(0, |c| c.len());
    let lengths = Lengths {
        queries,
        witness: std::array::from_fn(|i| stark.decommitments[i].hash_witness.len()),
        fri_values: std::array::from_fn(|i| layers[i].fri_witness.len()),
        fri_witness: std::array::from_fn(|i| layers[i].decommitment.hash_witness.len()),
    };
    let mut sections: Vec<Section> = vec![];
    let mut add = |name: &str, felts: Vec<Felt>| sections.push((name.to_string(), felts));
    add("lengths", vec![lengths.felt()]);
    add("commitments", pack_digests(&stark.commitments[1..]));
    add(
        "interaction_nonce",
        vec![proof.interaction_pow_nonce.into()],
    );
    add("nonce", vec![stark.proof_of_work.into()]);
    add(
        "claimed_sums",
        pack_secure(&proof.interaction_claim.claimed_sums),
    );
    let samples = stark.sampled_values.iter().flatten().flatten();
    add("sampled_values", pack_secure(samples));
    let commitments = layers.iter().map(|l| &l.commitment);
    add("fri_commitments", pack_digests(commitments));
    add("last_layer", pack_secure(fri.last_layer_poly.iter()));
    for (i, columns) in columns().iter().enumerate() {
        let order = columns.leaf_order();
        let values = &stark.queried_values[i];
        let row = |q: usize| pack_limbs(order.iter().map(|&c| values[c][q].0));
        add(
            &format!("queried_values_{i}"),
            (0..queries).flat_map(row).collect(),
        );
    }
    for (i, tree) in stark.decommitments.iter().enumerate() {
        add(&format!("witness_{i}"), pack_digests(&tree.hash_witness));
    }
    for (i, layer) in layers.iter().enumerate() {
        add(&format!("fri_values_{i}"), pack_secure(&layer.fri_witness));
    }
    for (i, layer) in layers.iter().enumerate() {
        add(
            &format!("fri_witness_{i}"),
            pack_digests(&layer.decommitment.hash_witness),
        );
    }
    sections
}

/// Packs the proof of a circuit of shape [`AGGREGATE`], as the prover makes it.
pub fn pack(proof: &Proof) -> Vec<Felt> {
    write(proof)
        .into_iter()
        .flat_map(|(_, felts)| felts)
        .collect()
}

/// Where the sections of a packed proof lie, in order.
///
/// # Errors
/// [`CalldataError`] if they cannot be found.
pub fn sections(felts: &[Felt]) -> Result<Vec<(String, Range<usize>)>, CalldataError> {
    let lengths = Lengths::read(felts.first().unwrap_or(&Felt::ZERO))?;
    let columns = columns();
    let secure = |n: usize| (4 * n).div_ceil(LIMBS);
    let samples: usize = columns.iter().flat_map(|c| &c.samples).sum();
    let mut sizes = vec![
        ("lengths".to_string(), 1),
        ("commitments".to_string(), TREES - 1),
        ("interaction_nonce".to_string(), 1),
        ("nonce".to_string(), 1),
        ("claimed_sums".to_string(), secure(N_COMPONENTS)),
        ("sampled_values".to_string(), secure(samples)),
        ("fri_commitments".to_string(), FRI_LAYERS),
        ("last_layer".to_string(), secure(1)),
    ];
    for (i, tree) in columns.iter().enumerate() {
        let row = tree.log_sizes.len().div_ceil(LIMBS);
        sizes.push((format!("queried_values_{i}"), lengths.queries * row));
    }
    let numbered = |name: &str, sizes: &[usize]| -> Vec<(String, usize)> {
        let sizes = sizes.iter().enumerate();
        sizes.map(|(i, &n)| (format!("{name}_{i}"), n)).collect()
    };
    sizes.extend(numbered("witness", &lengths.witness));
    sizes.extend(numbered("fri_values", &lengths.fri_values.map(secure)));
    sizes.extend(numbered("fri_witness", &lengths.fri_witness));
    let mut at = 0;
    let place = |(name, size): (String, usize)| {
        let range = at..at + size;
        at = range.end;
        (name, range)
    };
    Ok(sizes.into_iter().map(place).collect())
}
