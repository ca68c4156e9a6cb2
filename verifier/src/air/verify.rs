//! The verifier's side of the exchange, and the library's part behind it.
//!
//! Checks of the claim do not belong here: `crate::verify` makes them by name before it calls [`verify`].

use cairo_air::cairo_components::CairoComponents;
use cairo_air::claims::CairoClaim;
use cairo_air::verifier::INTERACTION_POW_BITS;
use num_traits::Zero;
use serde::{Deserialize, Serialize};
use stwo::core::ColumnVec;
use stwo::core::air::{Component, Components};
use stwo::core::channel::Channel as _;
use stwo::core::circle::CirclePoint;
use stwo::core::fields::qm31::{SECURE_EXTENSION_DEGREE, SecureField};
use stwo::core::pcs::{CommitmentSchemeVerifier, TreeVec};
use stwo::core::verifier::{VerificationError, verify_ex};
use stwo_cairo_common::preprocessed_columns::preprocessed_trace::PreProcessedTrace;
use stwo_constraint_framework::PREPROCESSED_TRACE_IDX;
use thiserror::Error;

use super::challenges::Challenges;
use super::layout::{Layout, Layouts, SizeError, constants};
use super::transcript::{Channel, MerkleChannel, Party, Sums, exchange};
use super::uses;

/// A Cairo proof as the verifier reads it.
pub type CairoProof = cairo_air::CairoProofForRustVerifier<
    stwo::core::vcs_lifted::blake2_merkle::Blake2sM31MerkleHasher,
>;

/// Why a proof is refused.
#[derive(Debug, Error)]
pub enum VerifyError {
    #[error("the work before the lookup elements is not done")]
    Work,
    #[error("the sums of the components do not add up to zero")]
    Sums,
    #[error("there are sums that no component stands for")]
    SumsWithoutComponent,
    #[error("a relation has as many uses as the field has numbers")]
    Uses,
    #[error(transparent)]
    Sizes(#[from] SizeError),
    #[error("the head has another number of messages than the layout says")]
    Messages,
    #[error("a column is opened at another number of points than its components read")]
    Openings,
    #[error(transparent)]
    Stark(#[from] VerificationError),
}

/// What a proof has beside the library's part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorPart {
    /// The head's messages.
    pub messages: Vec<SecureField>,
    /// The sums of the layout's components, in its order.
    pub sums: Vec<SecureField>,
    /// The logarithms of the numbers of rows of components that may have several, in the layouts' order.
    pub sizes: Vec<u32>,
}

/// The fixed columns of the Cairo AIR that proofs commit to.
pub struct Fixed {
    pub columns: PreProcessedTrace,
    /// Whether a proof opens every constant column, used or not.
    pub all_opened: bool,
}

struct Verifier<'a> {
    proof: &'a CairoProof,
    layout: &'a Layout,
    part: &'a TensorPart,
    scheme: CommitmentSchemeVerifier<MerkleChannel>,
    /// Log sizes of the columns of each tree.
    sizes: Vec<Vec<u32>>,
}

impl Verifier<'_> {
    fn commit(&mut self, tree: usize, channel: &mut Channel) {
        let root = self.proof.stark_proof.commitments[tree];
        self.scheme.commit(root, &self.sizes[tree], channel);
    }
}

impl Party for Verifier<'_> {
    type Error = VerifyError;

    fn commit_constants(&mut self, channel: &mut Channel) {
        self.commit(0, channel);
    }

    fn claim(&self) -> &CairoClaim {
        &self.proof.claim
    }

    fn commit_trace(&mut self, channel: &mut Channel) {
        self.commit(1, channel);
    }

    fn work(&mut self, channel: &mut Channel) -> Result<u64, VerifyError> {
        let work = self.proof.interaction_pow;
        let done = channel.verify_pow_nonce(INTERACTION_POW_BITS, work);
        done.then_some(work).ok_or(VerifyError::Work)
    }

    fn messages(&mut self, _: &Challenges) -> Result<Vec<SecureField>, VerifyError> {
        let messages = &self.part.messages;
        let all = messages.len() == self.layout.messages;
        all.then(|| messages.clone()).ok_or(VerifyError::Messages)
    }

    fn sums(&mut self, challenges: &Challenges) -> Result<Sums, VerifyError> {
        let cairo = &self.proof.interaction_claim;
        let tensors = &self.part.sums;
        if tensors.len() != self.layout.components.len() {
            return Err(VerifyError::SumsWithoutComponent);
        }
        let public = self.proof.claim.public_data.logup_sum(&challenges.elements);
        // These are the sums in the transcript and in the components. The library's own function, `lookup_sum`, adds
        // instead of the sums of the tables of large values a number that stands for all of them, is in no constraint,
        // and can be chosen when the proof is finished.
        let components = cairo.flatten_interaction_claim();
        let all = components.iter().chain(tensors);
        let total = all.fold(public - challenges.messages_sum(), |total, &sum| {
            total + sum
        });
        let sums = Sums {
            cairo: cairo.clone(),
            tensors: tensors.clone(),
        };
        total.is_zero().then_some(sums).ok_or(VerifyError::Sums)
    }

    fn commit_interaction(&mut self, channel: &mut Channel) {
        self.commit(2, channel);
    }
}

/// Verifies a proof whose claim has been checked, and whose root of constants is the one that the layouts'
/// constants have.
///
/// # Errors
/// [`VerifyError`].
///
/// # Panics
/// The library asserts what the checks of the claim have established.
pub fn verify(
    proof: CairoProof,
    (layouts, part): (&Layouts, &TensorPart),
    fixed: &Fixed,
) -> Result<(), VerifyError> {
    let config = proof.stark_proof.config;
    let layout = &layouts.at(&part.sizes)?;
    if !uses::are_few(&proof.claim, layout) {
        return Err(VerifyError::Uses);
    }
    let constants = constants(&fixed.columns, layouts);
    let mut sizes = proof.claim.log_sizes().0;
    let cairo_columns = [sizes[0].len(), sizes[1].len()];
    for (columns, placed) in layout.columns().into_iter().zip(&layout.components) {
        for (tree, count) in [(0, columns.trace), (1, columns.interaction)] {
            sizes[tree].extend(vec![placed.log_rows; count]);
        }
    }
    let constant_sizes = constants.iter().map(|column| column.log_rows).collect();
    sizes.insert(PREPROCESSED_TRACE_IDX, constant_sizes);
    let mut verifier = Verifier {
        proof: &proof,
        layout,
        part,
        scheme: CommitmentSchemeVerifier::new(config),
        sizes,
    };
    let mut found = exchange(&mut verifier, layout, proof.channel_salt, &config)?;
    let mut scheme = verifier.scheme;
    let ids: Vec<_> = constants.into_iter().map(|column| column.id).collect();
    let elements = &found.challenges.elements;
    let cairo = CairoComponents::new(&proof.claim, elements, &found.sums.cairo, &ids);
    let mut components = cairo.components();
    // Each component has taken a sum of its own: no sum is left that no component stands for.
    if found.sums.cairo.flatten_interaction_claim().len() != components.len() {
        return Err(VerifyError::SumsWithoutComponent);
    }
    let tensors = &found.sums.tensors;
    let ours = layout.components(&found.challenges, tensors, cairo_columns, &ids);
    components.extend(ours.iter().map(|component| component as &dyn Component));
    let opened = &proof.stark_proof.sampled_values;
    if !are_complete(opened, &components, ids.len(), fixed.all_opened) {
        return Err(VerifyError::Openings);
    }
    let channel = &mut found.channel;
    verify_ex(
        &components,
        channel,
        &mut scheme,
        proof.stark_proof,
        fixed.all_opened,
    )?;
    Ok(())
}

/// Whether each column is opened at as many points as its components read. The library asserts it while a component is evaluated, whose
/// destructor asserts as well: the second panic would end the process, whoever guards against the first.
pub fn are_complete(
    opened: &TreeVec<ColumnVec<Vec<SecureField>>>,
    components: &[&dyn Component],
    constants: usize,
    all_constants: bool,
) -> bool {
    let components = Components {
        components: components.to_vec(),
        n_preprocessed_columns: constants,
    };
    // How many points there are does not depend on where they are.
    let bound = components.composition_log_degree_bound();
    let point = CirclePoint::zero();
    let mut points = components.mask_points(point, bound, all_constants);
    points.push(vec![vec![point]; 2 * SECURE_EXTENSION_DEGREE]);
    opened.len() == points.len()
        && opened.iter().zip(points.iter()).all(|(opened, points)| {
            let (opened, points) = (opened.iter().map(Vec::len), points.iter().map(Vec::len));
            opened.eq(points)
        })
}
