//! The proof file as bytes: one proof has one file, and every region of it counts.

use std::time::{Duration, Instant};

use bincode::Options;
use cairo_decode::verify::ProofError;
use cairo_decode::verify::proof::{DecodeError, MAX_PROOF_BYTES, decode_tensors, encode_tensors};
use serde::Serialize;

use crate::fields::last_polynomial_of_size;
use crate::model_dir::Random;
use crate::world::proofs;
use crate::{accepts, refuses};

/// Flipped bytes per region; smaller regions are flipped entirely.
const PER_REGION: usize = 64;

fn size(part: &impl Serialize) -> usize {
    let options = bincode::DefaultOptions::new().with_fixint_encoding();
    options.serialized_size(part).expect("a size") as usize
}

/// Name and length of each part of the file, in order.
fn regions(bytes: &[u8]) -> Vec<(&'static str, usize)> {
    let whole = decode_tensors(bytes).expect("a proof");
    let (proof, part) = (&whole.proof, &whole.tensors);
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
        ("messages", size(&part.messages)),
        ("sums", size(&part.sums)),
        ("sizes", size(&part.sizes)),
    ];
    assert_eq!(
        regions.iter().map(|r| r.1).sum::<usize>(),
        bytes.len(),
        "the parts are the file"
    );
    regions
}

/// Regions of which each byte is flipped.
const WHOLE: [&str; 4] = ["component claims", "messages", "sums", "sizes"];

/// Attack: one bit of the file flipped, in every region of it. Stopped by: everything in the file is
/// compared, mixed into the transcript, or bound by a commitment. Never a panic, never a long wait.
#[test]
fn one_flipped_bit() {
    // Its flips would take very long if this was not refused.
    last_polynomial_of_size(64);
    let bytes = &proofs().session[0].bytes;
    let mut random = Random(1);
    let (mut start, mut slowest, mut count) = (0, Duration::ZERO, 0);
    for (region, length) in regions(bytes) {
        let all = match WHOLE.contains(&region) {
            true => usize::MAX,
            false => PER_REGION,
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
            changed[start + position] ^= 1 << (random.next() % 8);
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
    let proven = &proofs().session[0];
    let bytes = &proven.bytes;
    let decode_error = |bytes: &[u8]| match refuses("another file", bytes) {
        ProofError::Decode(error) => error,
        other => panic!("refused for another reason: {other}"),
    };
    for other in [&b""[..], &bytes[..7], &bytes[8..], b"cdproof0", b"cdproof3"] {
        assert_eq!(decode_error(other), DecodeError::Magic);
    }
    // The version before, whatever follows it.
    let mut other = bytes.clone();
    other[7] = b'1';
    decode_error(&other);
    let malformed =
        |bytes: &[u8]| assert!(matches!(decode_error(bytes), DecodeError::Malformed(_)));
    for i in 0..40 {
        malformed(&bytes[..8 + i * (bytes.len() - 9) / 39]);
    }
    for length in bytes.len() - 600..bytes.len() {
        malformed(&bytes[..length]);
    }
    for trailing in [&[0][..], &[1], &bytes[..8], bytes] {
        malformed(&[bytes, trailing].concat());
    }
    // A length far beyond the file allocates nothing: the first of it, and those of the tensor part.
    let part = &proven.proof.tensors;
    let sizes = bytes.len() - 4 * part.sizes.len() - 8;
    let sums = sizes - 16 * part.sums.len() - 8;
    let messages = sums - 16 * part.messages.len() - 8;
    for at in [8, messages, sums, sizes] {
        for length in [u64::MAX, 1 << 40, 1 << 24] {
            let mut huge = bytes.clone();
            huge[at..at + 8].copy_from_slice(&length.to_le_bytes());
            malformed(&huge);
        }
    }
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
        let proof = decode_tensors(&proven.bytes).expect("a proof");
        assert!(encode_tensors(&proof) == proven.bytes, "the same bytes");
        accepts(&encode_tensors(&proof));
    }
}
