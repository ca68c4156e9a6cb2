//! Reads the packed form, strictly.

use circuit_verifier::circuit_components::N_COMPONENTS;
use starknet_types_core::felt::Felt;
use stwo::core::fields::m31::{M31, P};
use stwo::core::fields::qm31::QM31;
use stwo::core::fri::{FriLayerProof, FriProof};
use stwo::core::pcs::TreeVec;
use stwo::core::pcs::quotients::CommitmentSchemeProof;
use stwo::core::poly::line::LinePoly;
use stwo::core::proof::StarkProof;
use stwo::core::vcs::blake2_hash::Blake2sHash;
use stwo::core::vcs_lifted::blake2_merkle::Blake2sM31MerkleHasher;
use stwo::core::vcs_lifted::verifier::MerkleDecommitmentLifted;

use super::{CalldataError, FRI_LAYERS, LIMBS, Lengths, TREES, columns};
use crate::wrap::circuit::pcs_config;
use crate::wrap::shape::AGGREGATE;
use crate::wrap::verify::CircuitProof;

/// Reads felts in order.
struct Reader<'a> {
    felts: &'a [Felt],
    section: String,
    index: usize,
}

impl<'a> Reader<'a> {
    fn section(&mut self, name: impl Into<String>) {
        self.section = name.into();
        self.index = 0;
    }

    fn felt(&mut self) -> Result<&'a Felt, CalldataError> {
        let (first, rest) = self.felts.split_first().ok_or(CalldataError::Short {
            section: self.section.clone(),
            index: self.index,
        })?;
        self.felts = rest;
        self.index += 1;
        Ok(first)
    }

    fn not_canonical(&self) -> CalldataError {
        CalldataError::NotCanonical {
            section: self.section.clone(),
            index: self.index - 1,
        }
    }

    fn number(&mut self) -> Result<u64, CalldataError> {
        let felt = self.felt()?;
        u64::try_from(*felt).map_err(|_| self.not_canonical())
    }

    fn limbs(&mut self) -> Result<[u32; LIMBS], CalldataError> {
        let bytes = self.felt()?.to_bytes_le();
        let word = |i: usize| u64::from_le_bytes(std::array::from_fn(|j| bytes[8 * i + j]));
        let words: [u64; 4] = std::array::from_fn(word);
        let limbs = std::array::from_fn(|i| {
            let (at, shift) = (31 * i / 64, 31 * i % 64);
            let high = match at + 1 {
                next if next < 4 && shift > 33 => words[next] << (64 - shift),
                _ => 0,
            };
            ((words[at] >> shift | high) & 0x7fff_ffff) as u32
        });
        if bytes[31] != 0 || limbs.iter().any(|&limb| limb >= P) {
            return Err(self.not_canonical());
        }
        Ok(limbs)
    }

    /// `count` limbs; what is left of the last felt must be zero.
    fn many(&mut self, count: usize) -> Result<Vec<M31>, CalldataError> {
        let mut all = vec![];
        while all.len() < count {
            all.extend(self.limbs()?.map(M31));
        }
        if all[count..].iter().any(|x| x.0 != 0) {
            return Err(CalldataError::Padding {
                section: self.section.clone(),
                index: self.index - 1,
            });
        }
        all.truncate(count);
        Ok(all)
    }

    fn secure(&mut self, count: usize) -> Result<Vec<QM31>, CalldataError> {
        let limbs = self.many(4 * count)?;
        let secure = |x: &[M31]| QM31::from_m31(x[0], x[1], x[2], x[3]);
        Ok(limbs.chunks_exact(4).map(secure).collect())
    }

    fn digests(&mut self, count: usize) -> Result<Vec<Blake2sHash>, CalldataError> {
        let digest = |_| {
            let limbs = self.limbs()?;
            let mut bytes = [0; 32];
            for (chunk, limb) in bytes.chunks_exact_mut(4).zip(limbs) {
                chunk.copy_from_slice(&limb.to_le_bytes());
            }
            Ok(Blake2sHash(bytes))
        };
        (0..count).map(digest).collect()
    }
}

/// Reads a packed proof of a circuit of shape [`AGGREGATE`] with this root.
///
/// # Errors
/// [`CalldataError`] for anything but the packed form of some proof, which may still be a wrong one.
pub fn unpack(root: [u8; 32], felts: &[Felt]) -> Result<CircuitProof, CalldataError> {
    let mut reader = Reader {
        felts,
        section: "lengths".to_string(),
        index: 0,
    };
    let lengths = Lengths::read(reader.felt()?)?;
    reader.section("commitments");
    let mut commitments = vec![Blake2sHash(root)];
    commitments.extend(reader.digests(TREES - 1)?);
    reader.section("interaction_nonce");
    let interaction_pow_nonce = reader.number()?;
    reader.section("nonce");
    let proof_of_work = reader.number()?;
    reader.section("claimed_sums");
    let mut claimed_sums = [QM31::default(); N_COMPONENTS];
    claimed_sums.copy_from_slice(&reader.secure(N_COMPONENTS)?);
    let columns = columns();
    reader.section("sampled_values");
    let count = columns.iter().flat_map(|c| &c.samples).sum();
    let mut samples = reader.secure(count)?.into_iter();
    let sampled_values = columns
        .iter()
        .map(|tree| {
            let column = |&n: &usize| samples.by_ref().take(n).collect();
            tree.samples.iter().map(column).collect()
        })
        .collect();
    reader.section("fri_commitments");
    let fri_commitments = reader.digests(FRI_LAYERS)?;
    reader.section("last_layer");
    let last_layer = reader.secure(1)?;
    let mut queried_values = vec![];
    for (i, tree) in columns.iter().enumerate() {
        reader.section(format!("queried_values_{i}"));
        let order = tree.leaf_order();
        let mut values = vec![vec![]; order.len()];
        for _ in 0..lengths.queries {
            for (&column, value) in order.iter().zip(reader.many(order.len())?) {
                values[column].push(value);
            }
        }
        queried_values.push(values);
    }
    let mut decommitments = vec![];
    for (i, &count) in lengths.witness.iter().enumerate() {
        reader.section(format!("witness_{i}"));
        decommitments.push(MerkleDecommitmentLifted::<Blake2sM31MerkleHasher> {
            hash_witness: reader.digests(count)?,
        });
    }
    let mut fri_values = vec![];
    for (i, &count) in lengths.fri_values.iter().enumerate() {
        reader.section(format!("fri_values_{i}"));
        fri_values.push(reader.secure(count)?);
    }
    let mut layers = vec![];
    for (i, fri_witness) in fri_values.into_iter().enumerate() {
        reader.section(format!("fri_witness_{i}"));
        layers.push(FriLayerProof {
            fri_witness,
            decommitment: MerkleDecommitmentLifted {
                hash_witness: reader.digests(lengths.fri_witness[i])?,
            },
            commitment: fri_commitments[i],
        });
    }
    if !reader.felts.is_empty() {
        let felts = reader.felts.len();
        return Err(CalldataError::Trailing { felts });
    }
    let first_layer = layers.remove(0);
    let stark = StarkProof(CommitmentSchemeProof {
        config: pcs_config(&AGGREGATE),
        commitments: TreeVec::new(commitments),
        sampled_values: TreeVec::new(sampled_values),
        decommitments: TreeVec::new(decommitments),
        queried_values: TreeVec::new(queried_values),
        proof_of_work,
        fri_proof: FriProof {
            first_layer,
            inner_layers: layers,
            last_layer_poly: LinePoly::new(last_layer),
        },
    });
    Ok(CircuitProof {
        interaction_pow_nonce,
        claimed_sums,
        stark,
    })
}
