//! Proofs with tensor components: what a verifier knows of them beforehand, and every check of one by name.
//!
//! Owns [`TensorPins`], layouts and the roots of their constants as the manifest has them. Nothing of either is taken from a
//! proof: a proof has a root, which is compared, and sizes of components, which are among those that the manifest allows.
//!
//! Invariant: the layouts of [`TensorPins`] have passed [`layout_checks`], and have no more rows than the parameters of its roots
//! allow.
//!
//! What a root is worth: whoever chooses it chooses the weights, and Cairo's fixed tables with them. So these checks
//! mean something to a verifier whose pins are of a model that he, or somebody whom he trusts, has compiled.

use starknet_types_core::felt::Felt;
use starknet_types_core::hash::{Poseidon, StarkHash};
use thiserror::Error;

use super::checks::{Check, all, ensure};
use super::claim::claim_checks;
use super::layout::{LayoutError, layout_checks, rows};
use super::params::{ACCEPTED, ParamSet};
use super::proof::{self, CairoProof, TensorProof};
use super::statement::{ModelRoot, PublicFacts};
use super::{ProofError, felts, parameter_checks, parameter_set, params};
use crate::air;
use crate::air::cairo::Component;
use crate::air::layout::{Layout, Layouts, SizeError};
use crate::air::uses;
use crate::guard::guarded;
use crate::spec::program_hash::program_hash;

/// First felt of the preimage of the root of a model with tensor components.
const DOMAIN: &[u8] = b"cairo-decode.tensors.1";

/// Why layouts with roots pin nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PinsError {
    #[error(transparent)]
    Layout(#[from] LayoutError),
    #[error("roots: there is none")]
    NoRoot,
    #[error(
        "roots: {found:?} is no set of parameters that this program accepts, or is not in their order"
    )]
    Parameters { found: String },
}

/// The layouts of a model's proofs, and the root of tree 0 for each set of parameters that the model was compiled for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorPins {
    layouts: Layouts,
    roots: Vec<(&'static ParamSet, [u8; 32])>,
}

impl TensorPins {
    /// Pins of layouts with the roots of their constants, by the names of sets of parameters, in the order of [`ACCEPTED`].
    ///
    /// # Errors
    /// Layouts that no verifier may compute with, no root, or names that are none or not in that order.
    pub fn new(
        layouts: Layouts,
        roots: impl IntoIterator<Item = (String, [u8; 32])>,
    ) -> Result<TensorPins, PinsError> {
        let mut left = ACCEPTED.into_iter();
        let mut known = vec![];
        for (name, root) in roots {
            let set = left.find(|set| set.name == name);
            known.push((set.ok_or(PinsError::Parameters { found: name })?, root));
        }
        ensure(!known.is_empty(), || PinsError::NoRoot)?;
        all(layout_checks(&layouts))?;
        known
            .iter()
            .try_for_each(|(set, _)| rows(&layouts, set.max_log_rows))?;
        Ok(TensorPins {
            layouts,
            roots: known,
        })
    }

    /// The components of the model's proofs, in the sizes that they may have.
    pub fn layouts(&self) -> &Layouts {
        &self.layouts
    }

    /// The roots, in the order of the accepted sets.
    pub fn roots(&self) -> &[(&'static ParamSet, [u8; 32])] {
        &self.roots
    }

    /// The parameters of the model's proofs: the first that there is a root for, and `compile` makes one.
    pub fn set(&self) -> &'static ParamSet {
        // There is a root, as `new` has checked.
        self.roots.first().map_or(ACCEPTED[0], |(set, _)| set)
    }

    /// The root of tree 0 of proofs with these parameters.
    pub fn root(&self, set: &ParamSet) -> Option<[u8; 32]> {
        let mut roots = self.roots.iter();
        roots.find(|(of, _)| *of == set).map(|(_, root)| *root)
    }

    /// `Poseidon(domain, parameters, layouts, count, set, root, …)`: the root of a model whose quantised parameters,
    /// configuration and tokenizer have the root `parameters`. A digest is two felts of 16 bytes, the low half first, and a
    /// set of parameters is its name as a short string.
    ///
    /// The program outputs the model's root. So a statement names the layout and the constants that its proof was verified
    /// with, and a manifest with other ones does not fit its own model root.
    pub fn model_root(&self, parameters: ModelRoot) -> ModelRoot {
        let mut preimage = vec![Felt::from_bytes_be_slice(DOMAIN), parameters.0];
        preimage.extend(digest_felts(&self.layouts.digest()));
        preimage.push(Felt::from(self.roots.len() as u64));
        for (set, root) in &self.roots {
            preimage.push(Felt::from_bytes_be_slice(set.name.as_bytes()));
            preimage.extend(digest_felts(root));
        }
        ModelRoot(Poseidon::hash_array(&preimage))
    }
}

/// The halves of a digest, the low one first.
pub fn digest_felts(digest: &[u8; 32]) -> [Felt; 2] {
    let (low, high) = digest.split_at(16);
    [low, high].map(Felt::from_bytes_le_slice)
}

/// What a verified proof with tensor components is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorFacts {
    pub facts: PublicFacts,
    /// [`Layouts::digest`] of the layouts that the proof was verified with.
    pub layout_digest: [u8; 32],
    /// Root of the constants that the proof was verified with.
    pub constants_root: [u8; 32],
}

/// Verifies the file of a proof with tensor components, in these steps:
///
/// 1. decode it strictly;
/// 2. compare its parameters with the pinned ones, and its root of constants with the manifest's;
/// 3. check what it claims of its run: sizes, registers, segments, tables;
/// 4. check that its tensor part is what the manifest's layout asks for;
/// 5. read program and output from the public memory;
/// 6. verify sums and STARK with the manifest's layout.
///
/// A panic of the library anywhere on the way is a refusal.
///
/// # Errors
/// The first check that does not hold.
pub fn verify_tensors(bytes: &[u8], pins: &TensorPins) -> Result<TensorFacts, ProofError> {
    guarded(|| verify_decoded(bytes, pins))
        .unwrap_or_else(|reason| Err(ProofError::Invalid(reason)))
}

fn verify_decoded(bytes: &[u8], pins: &TensorPins) -> Result<TensorFacts, ProofError> {
    let proof = proof::decode_tensors(bytes)?;
    all(tensor_checks(&proof, pins))?;
    let set = parameter_set(&proof.proof);
    let constants_root = pins.root(set).ok_or(ProofError::ConstantsRoot)?;
    let memory = &proof.proof.claim.public_data.public_memory;
    // The hash before the library runs, so that no copy of the program is held beside the library's own.
    let program_hash = program_hash(&felts(&memory.program));
    let output = felts(&memory.output);
    let tensors = (&pins.layouts, &proof.tensors);
    air::verify::verify(proof.proof, tensors, &set.fixed())
        .map_err(|e| ProofError::Invalid(e.to_string()))?;
    Ok(TensorFacts {
        facts: PublicFacts {
            program_hash,
            output,
            params: set.params,
            security_bits: params::pcs_config(&set.params).security_bits(),
        },
        layout_digest: pins.layouts.digest(),
        constants_root,
    })
}

/// Every check of a decoded proof that comes before its transcript is gone through.
pub fn tensor_checks<'a>(
    proof: &'a TensorProof,
    pins: &'a TensorPins,
) -> Vec<Check<'a, ProofError>> {
    let cairo = &proof.proof;
    let mut checks = Vec::from(parameter_checks(cairo));
    checks.extend(root_checks(proof, pins));
    checks.extend(claim_checks(cairo));
    checks.push(columns_check(cairo));
    checks.extend(part_checks(proof, pins));
    checks
}

/// The proof's parameters and its root of constants are the model's.
fn root_checks<'a>(proof: &'a TensorProof, pins: &'a TensorPins) -> [Check<'a, ProofError>; 2] {
    let set = parameter_set(&proof.proof);
    let pinned = pins.root(set);
    [
        Check::new("parameters of the model", move || {
            ensure(pinned.is_some(), || {
                let names: Vec<&str> = pins.roots.iter().map(|(set, _)| set.name).collect();
                ProofError::Parameter {
                    parameter: "set of parameters",
                    found: set.name.to_string(),
                    required: names.join(" or "),
                }
            })
        }),
        Check::new("root of the constants", move || {
            let found = proof.proof.stark_proof.commitments.first();
            let same = pinned.is_none() || found.map(|root| root.0) == pinned;
            ensure(same, || ProofError::ConstantsRoot)
        }),
    ]
}

/// No component reads a fixed column that proofs with these parameters do not have: the library would look for it, and panic.
fn columns_check(proof: &CairoProof) -> Check<'_, ProofError> {
    Check::new("components that have their fixed columns", move || {
        let all = !parameter_set(proof).is_foldable();
        let places = Component::ALL.iter();
        let places = places.flat_map(|component| vec![component; component.places()]);
        let enabled = || proof.claim.flatten_claim().component_enable_bits;
        let known = all
            || places
                .zip(enabled())
                .all(|(component, enabled)| !enabled || component.is_with_tensors());
        ensure(known, || {
            ProofError::Claim("a component is none of a program that calls tensor operations")
        })
    })
}

/// The tensor part is one of the layout.
fn part_checks<'a>(proof: &'a TensorProof, pins: &'a TensorPins) -> [Check<'a, ProofError>; 4] {
    let (layouts, part) = (&pins.layouts, &proof.tensors);
    let of_part = |name, holds: bool, problem: &'static str| {
        Check::new(name, move || {
            ensure(holds, || ProofError::Tensors(problem.to_string()))
        })
    };
    let layout = move || layouts.at(&part.sizes);
    [
        Check::new("allowed sizes", move || {
            let wrong = |error: SizeError| ProofError::Tensors(error.to_string());
            layout().map(|_| ()).map_err(wrong)
        }),
        of_part(
            "number of the head's messages",
            part.messages.len() == layouts.messages,
            "there is not one message for each input of the head",
        ),
        of_part(
            "number of sums",
            part.sums.len() == layouts.components.len(),
            "there is not one sum for each component",
        ),
        Check::new("uses of each relation", move || {
            let claim = &proof.proof.claim;
            let few = layout().map_or(true, |layout: Layout| uses::are_few(claim, &layout));
            let problem = "a relation has as many uses as the field has numbers";
            ensure(few, || ProofError::Tensors(problem.to_string()))
        }),
    ]
}
