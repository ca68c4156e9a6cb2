//! Which numbers of a claim and of the sums the transcript holds: each is changed, one after the other, and the transcript
//! with it, or not. What it does not hold a prover could choose when all challenges are known.

use cairo_air::air::SegmentRange;
use cairo_air::claims::{CairoClaim, CairoInteractionClaim};
use cairo_decode::air::transcript::{Channel, MerkleChannel};
use cairo_decode::verify::proof::CairoProof;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::world::proofs;

fn honest() -> CairoProof {
    proofs().session[0].proof.proof.clone()
}

/// Paths of numbers in a document; of long lists those of the first, the middle and the last entry.
fn numbers(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Number(_) => found.push(path.to_string()),
        Value::Array(entries) => {
            let (count, long) = (entries.len(), entries.len() > 32);
            let picked = [0, count / 2, count.saturating_sub(1)];
            for (i, entry) in entries.iter().enumerate() {
                if !long || picked.contains(&i) {
                    numbers(entry, &format!("{path}/{i}"), found);
                }
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                numbers(field, &format!("{path}/{name}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// The numbers that can be changed without a change of the transcript, and how many there are that cannot.
fn unbound<T: Serialize + DeserializeOwned>(
    of: &T,
    mix: impl Fn(&T, &mut Channel),
) -> (Vec<String>, usize) {
    let digest = |of: &T| {
        let mut channel = Channel::default();
        mix(of, &mut channel);
        channel.digest()
    };
    let document = serde_json::to_value(of).expect("JSON");
    let mut paths = vec![];
    numbers(&document, "", &mut paths);
    let before = digest(of);
    let same = |path: &String| {
        let mut other = document.clone();
        let number = other.pointer_mut(path).expect("a number");
        *number = (number.as_u64().expect("a number") ^ 1).into();
        digest(&serde_json::from_value(other).expect("the same form")) == before
    };
    let count = paths.len();
    paths.retain(same);
    let bound = count - paths.len();
    (paths, bound)
}

fn mix_claim(claim: &CairoClaim, channel: &mut Channel) {
    claim.mix_into::<MerkleChannel>(channel);
}

/// All of a claim is in the transcript but the first addresses of builtins, of which programs of tensor operations use one: a check compares it with its
/// segment's.
#[test]
fn what_the_transcript_does_not_hold_of_a_claim() {
    let (unbound, bound) = unbound(&honest().claim, mix_claim);
    assert_eq!(
        unbound,
        ["/range_check_builtin/range_check_builtin_segment_start"]
    );
    assert!(bound > 150, "{bound}");
}

/// A segment that is missing is in the transcript what one of zeros is; a check asks for all segments.
#[test]
fn a_missing_segment_is_one_of_zeros() {
    let digest = |segment: Option<SegmentRange>| {
        let mut claim = honest().claim;
        claim.public_data.public_memory.public_segments.keccak = segment;
        let mut channel = Channel::default();
        mix_claim(&claim, &mut channel);
        channel.digest()
    };
    assert_eq!(digest(None), digest(Some(SegmentRange::default())));
}

/// All sums are in the transcript but the one that stands for all tables of large values, which a check compares with
/// the tables' own, and which nothing adds.
#[test]
fn what_the_transcript_does_not_hold_of_the_sums() {
    let mix = |sums: &CairoInteractionClaim, channel: &mut Channel| sums.mix_into(channel);
    let sums = honest().interaction_claim;
    let (unbound, bound) = unbound(&sums, mix);
    assert_eq!(unbound.len(), 4, "{unbound:?}");
    let other = |path: &String| path.starts_with("/memory_id_to_big/claimed_sum/");
    assert!(unbound.iter().all(other), "{unbound:?}");
    assert_eq!(bound, 4 * sums.flatten_interaction_claim().len());
}
