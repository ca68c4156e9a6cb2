use crate::calldata;
use crate::fields::qm31::QM31;

const P: felt252 = 0x7fffffff;
const LIMB: felt252 = 0x80000000;

/// Words, eight to a felt, the first lowest.
pub fn packed(words: Span<u32>) -> Array<felt252> {
    let mut felts = array![];
    let mut words = words;
    while !words.is_empty() {
        let mut felt = 0;
        let mut shift = 1;
        for _ in 0..8_u32 {
            if let Some(word) = words.pop_front() {
                felt += (*word).into() * shift;
            }
            shift *= LIMB;
        }
        felts.append(felt);
    }
    felts
}

fn shifted(limb: felt252, place: u32) -> felt252 {
    let mut felt = limb;
    for _ in 0..place {
        felt *= LIMB;
    }
    felt
}

#[test]
fn limbs_are_what_was_packed() {
    let words: Span<u32> = [1, 0x7ffffffe, 0, 0x40000000, 0x7ffffffe, 0x12345678, 7, 0x7ffffffe].span();
    let mut felts = packed(words).span();
    let mut found = array![];
    calldata::append_limbs(ref felts, ref found);
    assert!(found.span() == words);
    assert!(felts.is_empty());
    let mut felts = packed(words).span();
    assert!(calldata::digest(ref felts).span() == words);
    let mut felts = packed(words).span();
    let elements = calldata::secure_elements(ref felts, 2);
    assert!(*elements[1] == QM31 { a: 0x7ffffffe, b: 0x12345678, c: 7, d: 0x7ffffffe });
}

#[test]
#[should_panic(expected: 'proof: limb not canonical')]
fn the_first_limb_is_below_p() {
    calldata::limbs(P);
}

/// The limb that is split between the halves of the felt.
#[test]
#[should_panic(expected: 'proof: limb not canonical')]
fn the_fifth_limb_is_below_p() {
    calldata::limbs(shifted(P, 4));
}

#[test]
#[should_panic(expected: 'proof: limb not canonical')]
fn the_last_limb_is_below_p() {
    calldata::limbs(shifted(P, 7));
}

#[test]
#[should_panic(expected: 'proof: felt too large')]
fn eight_limbs_are_all() {
    calldata::limbs(shifted(1, 8));
}

#[test]
#[should_panic(expected: 'proof: felt too large')]
fn the_largest_felt_is_too_large() {
    calldata::limbs(-1);
}

#[test]
#[should_panic(expected: 'proof: too short')]
fn a_felt_is_there() {
    let mut felts = array![].span();
    calldata::digest(ref felts);
}

#[test]
#[should_panic(expected: 'proof: too short')]
fn a_section_is_there() {
    let mut felts = array![1, 2].span();
    calldata::section(ref felts, 3);
}

#[test]
fn a_section_is_taken() {
    let mut felts = array![1, 2, 3].span();
    assert!(calldata::section(ref felts, 2) == array![1, 2].span());
    assert!(felts == array![3].span());
}

#[test]
#[should_panic(expected: 'proof: padding not zero')]
fn the_upper_half_is_zero() {
    let mut felts = array![shifted(1, 4)].span();
    calldata::secure_elements(ref felts, 1);
}

#[test]
#[should_panic(expected: 'proof: nonce too large')]
fn a_nonce_has_64_bits() {
    let mut felts = array![0xffffffffffffffff, 0x10000000000000000].span();
    assert!(calldata::number(ref felts) == 0xffffffffffffffff);
    calldata::number(ref felts);
}

#[test]
fn lengths_are_read() {
    assert!(calldata::lengths(0xffff00020001, 3) == array![1, 2, 0xffff]);
}

#[test]
#[should_panic(expected: 'proof: lengths malformed')]
fn lengths_are_all() {
    calldata::lengths(0x1000000000000, 3);
}
