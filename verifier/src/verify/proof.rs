//! The proof file: encoding, and the checks of form that come before any verification.
//!
//! Invariants
//! - One proof has one encoding: fixed-width integers, no trailing bytes, canonical field elements.
//! - Nothing is allocated beyond what the file's own bytes account for.
//! - The first bytes say which version of the encoding a file has.

use bincode::Options;
use cairo_air::air::{PublicSegmentRanges, SegmentRange};
use serde::{Deserialize, Serialize};
use stwo::core::fields::m31::{BaseField, P};
use stwo::core::fields::qm31::SecureField;
use stwo::core::poly::line::LinePoly;
use thiserror::Error;

use super::checks::{Check, all, ensure};

/// What the library makes of the Cairo components, and what stands beside it.
pub use crate::air::verify::{CairoProof, TensorPart};

/// Largest proof file that is read, in bytes.
pub const MAX_PROOF_BYTES: usize = 32 << 20;

/// First bytes of a file: name and version of the encoding.
const MAGIC: &[u8; 8] = b"cdproof2";

/// A proof of a run whose program calls tensor components.
#[derive(Clone, Serialize, Deserialize)]
pub struct TensorProof {
    pub proof: CairoProof,
    pub tensors: TensorPart,
}

/// Why a proof file is not a proof.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DecodeError {
    #[error("{bytes} bytes, more than the {MAX_PROOF_BYTES} that are read")]
    TooLarge { bytes: usize },
    #[error(
        "does not start with {:?}: not a proof file of the version that this program reads",
        "cdproof2"
    )]
    Magic,
    #[error("malformed: {0}")]
    Malformed(String),
    #[error("{part} holds a number outside the field")]
    NotCanonical { part: &'static str },
}

fn options() -> impl Options {
    bincode::DefaultOptions::new()
        .with_fixint_encoding()
        .with_limit(MAX_PROOF_BYTES as u64)
        .reject_trailing_bytes()
}

/// The proof file's bytes; more than [`MAX_PROOF_BYTES`] cannot be read back.
#[allow(clippy::expect_used, reason = "plain data has an encoding")]
pub fn encode_tensors(proof: &TensorProof) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    let body = options().with_no_limit().serialize(proof);
    bytes.extend(body.expect("plain data has an encoding"));
    bytes
}

/// Reads a proof file.
///
/// # Errors
/// Anything but the encoding of a proof: see [`DecodeError`].
pub fn decode_tensors(bytes: &[u8]) -> Result<TensorProof, DecodeError> {
    if bytes.len() > MAX_PROOF_BYTES {
        return Err(DecodeError::TooLarge { bytes: bytes.len() });
    }
    let body = bytes.strip_prefix(MAGIC).ok_or(DecodeError::Magic)?;
    let proof: TensorProof = options()
        .deserialize(body)
        .map_err(|e| DecodeError::Malformed(e.to_string()))?;
    all(canonical_checks(&proof.proof))?;
    all(canonical_tensor_checks(&proof))?;
    Ok(proof)
}

/// One check for each part of a tensor proof that holds field elements, beside the Cairo proof.
pub fn canonical_tensor_checks(proof: &TensorProof) -> [Check<'_, DecodeError>; 2] {
    let part_of = &proof.tensors;
    [
        part("tensors.messages", || part_of.messages.iter().all(secure)),
        part("tensors.sums", || part_of.sums.iter().all(secure)),
    ]
}

/// Identifiers and values of the pointers of all public segments.
fn segments(ranges: &PublicSegmentRanges) -> impl Iterator<Item = u32> {
    let pointers = |r: SegmentRange| [r.start_ptr, r.stop_ptr];
    let present = ranges.present_segments().into_iter();
    present.flat_map(pointers).flat_map(|p| [p.id, p.value])
}

/// One check per part of a proof that holds field elements: the library computes with whatever `u32` it is
/// given, and only `0..P` are field elements.
pub fn canonical_checks(proof: &CairoProof) -> [Check<'_, DecodeError>; 10] {
    let stark = &proof.stark_proof;
    let fri = &stark.fri_proof;
    let public = &proof.claim.public_data;
    let memory = &public.public_memory;
    [
        part("sampled_values", || {
            stark.sampled_values.iter().flatten().flatten().all(secure)
        }),
        part("queried_values", || {
            stark.queried_values.iter().flatten().flatten().all(base)
        }),
        part("fri_witness", || {
            let mut layers = std::iter::once(&fri.first_layer).chain(&fri.inner_layers);
            layers.all(|l| l.fri_witness.iter().all(secure))
        }),
        part("last_layer_poly", || canonical_poly(&fri.last_layer_poly)),
        part("interaction_claim", || {
            let claim = proof.interaction_claim.flatten_interaction_claim();
            claim.iter().all(secure)
        }),
        part("claim.state", || {
            let states = [&public.initial_state, &public.final_state];
            states.iter().all(|s| [s.pc, s.ap, s.fp].iter().all(base))
        }),
        part("claim.program", || {
            memory.program.iter().all(|(id, _)| *id < P)
        }),
        part("claim.output", || {
            memory.output.iter().all(|(id, _)| *id < P)
        }),
        part("claim.public_segments", || {
            segments(&memory.public_segments).all(|x| x < P)
        }),
        part("claim.safe_call_ids", || {
            memory.safe_call_ids.iter().all(|id| *id < P)
        }),
    ]
}

/// A part of a proof whose numbers must all be below the modulus.
fn part<'a>(part: &'static str, canonical: impl Fn() -> bool + 'a) -> Check<'a, DecodeError> {
    Check::new(part, move || {
        ensure(canonical(), || DecodeError::NotCanonical { part })
    })
}

fn base(x: &BaseField) -> bool {
    x.0 < P
}

fn secure(x: &SecureField) -> bool {
    x.to_m31_array().iter().all(base)
}

/// Whether a polynomial's own size field follows from its coefficients; the library trusts it, and computes
/// as many doublings as it says.
pub fn canonical_poly(poly: &LinePoly) -> bool {
    let coefficients: &[SecureField] = poly;
    coefficients.len().is_power_of_two()
        && LinePoly::new(coefficients.to_vec()) == *poly
        && coefficients.iter().all(secure)
}
