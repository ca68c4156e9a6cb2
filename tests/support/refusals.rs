//! What the contract says to a changed proof.

use starknet_types_core::felt::Felt;

/// Flips one bit of a felt.
pub fn flip(felt: &mut Felt, bit: usize) {
    let set = felt.to_bytes_le()[bit / 8] >> (bit % 8) & 1 == 1;
    let unit = Felt::TWO.pow(bit as u128);
    *felt = if set { *felt - unit } else { *felt + unit };
}

/// The reason that a flipped bit in a section has to give, unless it breaks the packed form itself.
pub fn reason_of(section: &str) -> Option<&'static str> {
    let section = section.trim_end_matches(|c: char| c == '_' || c.is_ascii_digit());
    Some(match section {
        "interaction_nonce" => "proof: interaction work",
        "nonce" | "fri_commitments" | "last_layer" => "proof: work",
        "claimed_sums" => "proof: lookups do not balance",
        "sampled_values" => "proof: constraints do not hold",
        "queried_values" | "witness" => "proof: wrong root",
        "fri_values" | "fri_witness" => "fri: wrong root",
        _ => return None,
    })
}

/// Reasons that have to do with the packed form.
pub const FORM: [&str; 4] = [
    "proof: limb not canonical",
    "proof: felt too large",
    "proof: padding not zero",
    "proof: nonce too large",
];
