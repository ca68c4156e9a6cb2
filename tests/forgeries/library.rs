//! A verifier that adds the sums of lookups as the library's does, and is otherwise this project's.
//!
//! The library's own cannot read proofs with tensor components. What it accepts too much of is in one function, which this one calls.

use cairo_air::cairo_components::CairoComponents;
use cairo_air::claims::{CairoClaim, lookup_sum};
use cairo_air::verifier::INTERACTION_POW_BITS;
use cairo_decode::air::challenges::Challenges;
use cairo_decode::air::layout::{Layout, Layouts, constants};
use cairo_decode::air::transcript::{Channel, MerkleChannel, Party, Sums, exchange};
use cairo_decode::verify::parameter_set;
use cairo_decode::verify::proof::TensorProof;
use num_traits::Zero;
use stwo::core::air::Component;
use stwo::core::channel::Channel as _;
use stwo::core::fields::qm31::SecureField;
use stwo::core::pcs::CommitmentSchemeVerifier;
use stwo::core::verifier::verify_ex;

struct Verifier<'a> {
    proof: &'a TensorProof,
    scheme: CommitmentSchemeVerifier<MerkleChannel>,
    /// Log sizes of the columns of each tree.
    sizes: Vec<Vec<u32>>,
}

impl Verifier<'_> {
    fn commit(&mut self, tree: usize, channel: &mut Channel) {
        let root = self.proof.proof.stark_proof.commitments[tree];
        self.scheme.commit(root, &self.sizes[tree], channel);
    }
}

impl Party for Verifier<'_> {
    type Error = &'static str;

    fn commit_constants(&mut self, channel: &mut Channel) {
        self.commit(0, channel);
    }

    fn claim(&self) -> &CairoClaim {
        &self.proof.proof.claim
    }

    fn commit_trace(&mut self, channel: &mut Channel) {
        self.commit(1, channel);
    }

    fn work(&mut self, channel: &mut Channel) -> Result<u64, &'static str> {
        let work = self.proof.proof.interaction_pow;
        let done = channel.verify_pow_nonce(INTERACTION_POW_BITS, work);
        done.then_some(work).ok_or("work")
    }

    fn messages(&mut self, _: &Challenges) -> Result<Vec<SecureField>, &'static str> {
        Ok(self.proof.tensors.messages.clone())
    }

    fn sums(&mut self, challenges: &Challenges) -> Result<Sums, &'static str> {
        let cairo = &self.proof.proof.interaction_claim;
        let tensors = self.proof.tensors.sums.clone();
        let own = tensors.iter().copied().sum::<SecureField>() - challenges.messages_sum();
        let total = lookup_sum(self.claim(), &challenges.elements, cairo) + own;
        let sums = Sums {
            cairo: cairo.clone(),
            tensors,
        };
        total.is_zero().then_some(sums).ok_or("sums")
    }

    fn commit_interaction(&mut self, channel: &mut Channel) {
        self.commit(2, channel);
    }
}

/// Verifies a proof whose claim is well formed.
///
/// # Errors
/// What does not hold: the work, the sums, or the STARK.
pub fn verify(proof: &TensorProof, layouts: &Layouts) -> Result<(), String> {
    let cairo = &proof.proof;
    let config = cairo.stark_proof.config;
    let fixed = parameter_set(cairo).fixed();
    let layout: Layout = layouts.at(&proof.tensors.sizes).expect("its sizes");
    let columns = constants(&fixed.columns, layouts);
    let mut sizes = cairo.claim.log_sizes().0;
    let cairo_columns = [sizes[0].len(), sizes[1].len()];
    for (columns, placed) in layout.columns().into_iter().zip(&layout.components) {
        for (tree, count) in [(0, columns.trace), (1, columns.interaction)] {
            sizes[tree].extend(vec![placed.log_rows; count]);
        }
    }
    sizes.insert(0, columns.iter().map(|column| column.log_rows).collect());
    let mut verifier = Verifier {
        proof,
        scheme: CommitmentSchemeVerifier::new(config),
        sizes,
    };
    let mut found = exchange(&mut verifier, &layout, cairo.channel_salt, &config)?;
    let mut scheme = verifier.scheme;
    let ids: Vec<_> = columns.into_iter().map(|column| column.id).collect();
    let elements = &found.challenges.elements;
    let of_cairo = CairoComponents::new(&cairo.claim, elements, &found.sums.cairo, &ids);
    let mut components = of_cairo.components();
    let own = layout.components(&found.challenges, &found.sums.tensors, cairo_columns, &ids);
    components.extend(own.iter().map(|component| component as &dyn Component));
    let stark = cairo.stark_proof.clone();
    let verified = verify_ex(
        &components,
        &mut found.channel,
        &mut scheme,
        stark,
        fixed.all_opened,
    );
    verified.map_err(|error| error.to_string())
}
