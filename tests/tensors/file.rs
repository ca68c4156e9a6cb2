//! The file of a proof with tensor components: one proof has one file, and every byte of it counts.

use cairo_decode::verify::ProofError;
use cairo_decode::verify::proof::{
    DecodeError, Kind, MAX_PROOF_BYTES, decode, decode_tensors, encode, encode_tensors,
};
use cairo_decode::verify::tensors::TensorPins;
use cairo_decode_verdicts::{verify_proof, verify_tensors};

use crate::pinned::honest;

fn refuses(attack: &str, bytes: &[u8], pins: &TensorPins) -> ProofError {
    match verify_tensors(bytes, pins) {
        Ok(_) => panic!("{attack}: accepted"),
        Err(error) => error,
    }
}

/// Each kind of file has one reader, which refuses the other.
#[test]
fn kinds_are_told_by_their_first_bytes() {
    let proof = &honest().proof;
    let files = [encode(&proof.proof), encode_tensors(proof)];
    let [cairo, tensors] = &files;
    assert_eq!(Kind::of(cairo), Ok(Kind::Cairo));
    assert_eq!(Kind::of(tensors), Ok(Kind::Tensors));
    let kind = |found, expected| ProofError::Decode(DecodeError::Kind { found, expected });
    // Without its tensor part such a proof is none, even in the file of one.
    assert!(matches!(
        verify_proof(cairo),
        Err(ProofError::PreprocessedRoot)
    ));
    assert_eq!(verify_proof(tensors), Err(kind(Kind::Tensors, Kind::Cairo)));
    let refused = refuses("a Cairo proof", cairo, &honest().pins());
    assert_eq!(refused, kind(Kind::Cairo, Kind::Tensors));
    for other in [
        &b""[..],
        &tensors[..7],
        &tensors[8..],
        b"cdproof0",
        b"cdproof3",
    ] {
        assert_eq!(Kind::of(other), Err(DecodeError::Magic));
        assert_eq!(decode_tensors(other).err(), Some(DecodeError::Magic));
        assert_eq!(decode(other).err(), Some(DecodeError::Magic));
    }
}

/// What is written is read, and nothing behind it, before its end, or beyond the limit.
#[test]
fn a_file_is_read_whole() {
    let bytes = encode_tensors(&honest().proof);
    let again = encode_tensors(&decode_tensors(&bytes).expect("a proof"));
    assert!(again == bytes, "the same bytes");
    let malformed = |bytes: &[u8]| {
        let error = decode_tensors(bytes).err().expect("malformed");
        assert!(matches!(error, DecodeError::Malformed(_)), "{error}");
    };
    for length in (0..40).map(|i| 8 + i * (bytes.len() - 9) / 39) {
        malformed(&bytes[..length]);
    }
    for length in bytes.len() - 600..bytes.len() {
        malformed(&bytes[..length]);
    }
    for trailing in [&[0][..], &[1], &bytes[..8], &bytes] {
        malformed(&[&bytes, trailing].concat());
    }
    let large = vec![0; MAX_PROOF_BYTES + 1];
    let too_large = DecodeError::TooLarge { bytes: large.len() };
    assert_eq!(decode_tensors(&large).err(), Some(too_large));
}

/// Attack: a length in the tensor part that is far beyond the file. Stopped by: nothing is allocated for what a file claims.
#[test]
fn lengths_beyond_the_file() {
    let proof = &honest().proof;
    let bytes = encode_tensors(proof);
    let part = &proof.tensors;
    let at_sizes = bytes.len() - 4 * part.sizes.len() - 8;
    let at_sums = at_sizes - 16 * part.sums.len() - 8;
    let at_messages = at_sums - 16 * part.messages.len() - 8;
    for at in [at_sizes, at_sums, at_messages] {
        for length in [u64::MAX, 1 << 40, 1 << 20, 10_000] {
            let mut changed = bytes.clone();
            changed[at..at + 8].copy_from_slice(&length.to_le_bytes());
            let error = decode_tensors(&changed).err().expect("malformed");
            assert!(matches!(error, DecodeError::Malformed(_)), "{error}");
        }
    }
}

/// Attack: one bit of the file flipped: each byte of the tensor part, and bytes all over the Cairo proof. Stopped by:
/// everything in the file is compared, mixed into the transcript, or bound by a commitment.
#[test]
fn one_flipped_bit() {
    let proof = &honest().proof;
    let pins = honest().pins();
    let bytes = encode_tensors(proof);
    let part = &proof.tensors;
    let own = 3 * 8 + 16 * (part.messages.len() + part.sums.len()) + 4 * part.sizes.len();
    let start = bytes.len() - own;
    let spread = (0..100).map(|i| i * start / 100);
    for at in spread.chain(start..bytes.len()) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        refuses(&format!("byte {at}"), &changed, &pins);
    }
}
