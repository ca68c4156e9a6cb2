//! The proof file as bytes: every region of it counts.

use std::time::{Duration, Instant};

use bincode::Options;
use cairo_decode::verify::ProofError;
use cairo_decode::verify::proof::{DecodeError, Kind, MAX_PROOF_BYTES, decode, encode};
use serde::Serialize;

use crate::fields::last_polynomial_of_size;
use crate::support::Random;
use crate::{accepts, proofs, refuses};

/// Flipped bytes per region; smaller regions are flipped entirely.
const PER_REGION: usize = 64;

fn size(part: &impl Serialize) -> usize {
    let options = bincode::DefaultOptions::new().with_fixint_encoding();
    options.serialized_size(part).expect("a size") as usize
}

/// Name and length of each part of the file, in order.
fn regions(bytes: &[u8]) -> Vec<(&'static str, usize)> {
    let proof = decode(bytes).expect("a proof");
    let stark = &proof.stark_proof;
    let public = size(&proof.claim.public_data);
    let regions = vec![
        ("magic", 8),
        ("public data", public),
        ("component claims", size(&proof.claim) - public),
        ("interaction pow", size(&proof.interaction_pow)),
        ("interaction claim", size(&proof.interaction_claim)),
        ("config", size(&stark.config)),
        ("commitments", size(&stark.commitments)),
        ("sampled values", size(&stark.sampled_values)),
        ("decommitments", size(&stark.decommitments)),
        ("queried values", size(&stark.queried_values)),
        ("proof of work", size(&stark.proof_of_work)),
        ("fri proof", size(&stark.fri_proof)),
        ("channel salt", size(&proof.channel_salt)),
        ("variant", size(&proof.preprocessed_trace_variant)),
    ];
    assert_eq!(
        regions.iter().map(|r| r.1).sum::<usize>(),
        bytes.len(),
        "the parts are the file"
    );
    regions
}

/// Attack: one bit of the file flipped, in every region of it. Stopped by: everything in the file is
/// compared, mixed into the transcript, or bound by a commitment. Never a panic, never a long wait.
#[test]
fn one_flipped_bit() {
    // Its flips would take very long if this was not refused.
    last_polynomial_of_size(64);
    let bytes = &proofs().session[0].proof;
    let mut random = Random::new(1);
    let (mut start, mut slowest, mut count) = (0, Duration::ZERO, 0);
    for (region, length) in regions(bytes) {
        let all = if region == "component claims" {
            usize::MAX
        } else {
            PER_REGION
        };
        let positions: Vec<usize> = if length <= all {
            (0..length).collect()
        } else {
            // The ends of a region, where its lengths are, and places all over it.
            let spread = (0..PER_REGION).map(|i| i * (length - 1) / (PER_REGION - 1));
            (0..8).chain(spread).collect()
        };
        let mut reasons = std::collections::BTreeMap::<String, usize>::new();
        for position in positions {
            let mut changed = bytes.clone();
            changed[start + position] ^= 1 << random.below(8);
            let timer = Instant::now();
            let error = refuses(&format!("{region} byte {position}"), &changed);
            slowest = slowest.max(timer.elapsed());
            let text = format!("{error:?}");
            let kind = text.split([' ', '(', '{']).next().unwrap_or_default();
            *reasons.entry(kind.to_string()).or_default() += 1;
            count += 1;
        }
        eprintln!("{region:18} {length:8} bytes: {reasons:?}");
        start += length;
    }
    eprintln!("{count} flips refused, the slowest after {slowest:?}");
    assert!(
        slowest < Duration::from_secs(10),
        "a refusal took {slowest:?}"
    );
}

/// Files that are cut short, too long, or no proof files.
#[test]
fn other_files() {
    let bytes = &proofs().session[0].proof;
    let decode_error = |bytes: &[u8]| match refuses("another file", bytes) {
        ProofError::Decode(error) => error,
        other => panic!("refused for another reason: {other}"),
    };
    assert_eq!(decode_error(b""), DecodeError::Magic);
    assert_eq!(decode_error(&bytes[..7]), DecodeError::Magic);
    assert_eq!(decode_error(&bytes[8..]), DecodeError::Magic);
    let mut other = bytes.clone();
    other[7] += 1;
    let kind = DecodeError::Kind {
        found: Kind::Tensors,
        expected: Kind::Cairo,
    };
    assert_eq!(decode_error(&other), kind);
    other[7] += 1;
    assert_eq!(decode_error(&other), DecodeError::Magic);
    let malformed =
        |bytes: &[u8]| assert!(matches!(decode_error(bytes), DecodeError::Malformed(_)));
    for i in 0..40 {
        malformed(&bytes[..8 + i * (bytes.len() - 9) / 39]);
    }
    for length in bytes.len() - 16..bytes.len() {
        malformed(&bytes[..length]);
    }
    for trailing in [&[0][..], &[1], &bytes[..8], bytes] {
        malformed(&[bytes, trailing].concat());
    }
    // A length prefix far beyond the file allocates nothing.
    let mut huge = bytes.clone();
    huge[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    malformed(&huge);
    let large = vec![0; MAX_PROOF_BYTES + 1];
    assert_eq!(
        decode_error(&large),
        DecodeError::TooLarge { bytes: large.len() }
    );
}

/// One proof has one encoding.
#[test]
fn encoding_round_trips() {
    for proven in &proofs().session {
        let proof = decode(&proven.proof).expect("a proof");
        assert!(encode(&proof) == proven.proof, "the same bytes");
        accepts(&encode(&proof));
    }
}
