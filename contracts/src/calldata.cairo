//! Reads the packed form of a circuit proof; the format is described in `src/wrap/calldata.rs`.
//!
//! Strict: a felt has eight limbs below P and nothing above them, padding is zero, and whoever reads a
//! section says how long it is.

#[feature("bounded-int-utils")]
use core::internal::bounded_int::{
    self, AddHelper, BoundedInt, DivRemHelper, MulHelper, TrimMaxHelper, UnitInt, upcast,
};
use core::internal::OptionRev;
use crate::blake::Digest;
use crate::fields::m31::M31;
use crate::fields::qm31::{QM31, ZERO};

type Limb = BoundedInt<0, 0x7fffffff>;
type Two31 = UnitInt<0x80000000>;
type Two27 = UnitInt<0x8000000>;
const TWO31: NonZero<Two31> = 0x80000000;
const TWO27: NonZero<Two27> = 0x8000000;
// The lower 128 bits: four limbs and four bits of the fifth.
type Low0 = BoundedInt<0, 0x1ffffffffffffffffffffffff>;
impl DivLow0 of DivRemHelper<u128, Two31> {
    type DivT = Low0;
    type RemT = Limb;
}
type Low1 = BoundedInt<0, 0x3ffffffffffffffff>;
impl DivLow1 of DivRemHelper<Low0, Two31> {
    type DivT = Low1;
    type RemT = Limb;
}
type Low2 = BoundedInt<0, 0x7ffffffff>;
impl DivLow2 of DivRemHelper<Low1, Two31> {
    type DivT = Low2;
    type RemT = Limb;
}
type Low3 = BoundedInt<0, 0xf>;
impl DivLow3 of DivRemHelper<Low2, Two31> {
    type DivT = Low3;
    type RemT = Limb;
}
// The upper 120 bits: 27 bits of the fifth limb and three limbs.
type High = BoundedInt<0, 0xffffffffffffffffffffffffffffff>;
type Upper = BoundedInt<0, 0x7ffffff>;
type High0 = BoundedInt<0, 0x1fffffffffffffffffffffff>;
impl DivHigh0 of DivRemHelper<High, Two27> {
    type DivT = High0;
    type RemT = Upper;
}
type High1 = BoundedInt<0, 0x3fffffffffffffff>;
impl DivHigh1 of DivRemHelper<High0, Two31> {
    type DivT = High1;
    type RemT = Limb;
}
impl DivHigh2 of DivRemHelper<High1, Two31> {
    type DivT = Limb;
    type RemT = Limb;
}
type Shifted = BoundedInt<0, 0x7ffffff0>;
impl ShiftUpper of MulHelper<Upper, UnitInt<16>> {
    type Result = Shifted;
}
impl AddParts of AddHelper<Shifted, Low3> {
    type Result = Limb;
}
impl TrimLimb of TrimMaxHelper<Limb> {
    type Target = M31;
}

/// Why a proof is not in packed form.
pub mod errors {
    pub const LIMB: felt252 = 'proof: limb not canonical';
    pub const FELT: felt252 = 'proof: felt too large';
    pub const SHORT: felt252 = 'proof: too short';
    pub const PADDING: felt252 = 'proof: padding not zero';
    pub const NONCE: felt252 = 'proof: nonce too large';
    pub const LENGTHS: felt252 = 'proof: lengths malformed';
    pub const TRAILING: felt252 = 'proof: trailing felts';
    pub const UNUSED: felt252 = 'proof: unused values';
}

/// P as it would be in a limb: the only limb that is no field element.
#[inline(always)]
fn below_p(limb: Limb) -> M31 {
    match bounded_int::trim_max(limb) {
        OptionRev::Some(x) => x,
        OptionRev::None => core::panic_with_felt252(errors::LIMB),
    }
}

/// The eight limbs of a felt, the lowest first.
#[inline(always)]
pub fn limbs(felt: felt252) -> [M31; 8] {
    let u256 { low, high } = felt.into();
    let high: High = match bounded_int::downcast(high) {
        Some(high) => high,
        None => core::panic_with_felt252(errors::FELT),
    };
    let (low, l0) = bounded_int::div_rem(low, TWO31);
    let (low, l1) = bounded_int::div_rem(low, TWO31);
    let (low, l2) = bounded_int::div_rem(low, TWO31);
    let (low, l3) = bounded_int::div_rem(low, TWO31);
    let (high, upper) = bounded_int::div_rem(high, TWO27);
    let l4 = bounded_int::add(bounded_int::mul::<_, UnitInt<16>>(upper, 16), low);
    let (high, l5) = bounded_int::div_rem(high, TWO31);
    let (l7, l6) = bounded_int::div_rem(high, TWO31);
    [
        below_p(l0), below_p(l1), below_p(l2), below_p(l3), below_p(l4), below_p(l5), below_p(l6),
        below_p(l7),
    ]
}

/// Takes the next felt.
#[inline(always)]
pub fn next(ref felts: Span<felt252>) -> felt252 {
    match felts.pop_front() {
        Some(felt) => *felt,
        None => core::panic_with_felt252(errors::SHORT),
    }
}

/// Takes a felt and appends its limbs.
#[inline(always)]
pub fn append_limbs(ref felts: Span<felt252>, ref words: Array<u32>) {
    let [a, b, c, d, e, f, g, h] = limbs(next(ref felts));
    words.append(upcast(a));
    words.append(upcast(b));
    words.append(upcast(c));
    words.append(upcast(d));
    words.append(upcast(e));
    words.append(upcast(f));
    words.append(upcast(g));
    words.append(upcast(h));
}

/// Takes a section of `n` felts.
pub fn section(ref felts: Span<felt252>, n: u32) -> Span<felt252> {
    assert(n <= felts.len(), errors::SHORT);
    let section = felts.slice(0, n);
    felts = felts.slice(n, felts.len() - n);
    section
}

/// Takes a digest.
pub fn digest(ref felts: Span<felt252>) -> Digest {
    let [a, b, c, d, e, f, g, h] = limbs(next(ref felts));
    [upcast(a), upcast(b), upcast(c), upcast(d), upcast(e), upcast(f), upcast(g), upcast(h)]
}

/// Takes a number below 2^64.
pub fn number(ref felts: Span<felt252>) -> u64 {
    next(ref felts).try_into().expect(errors::NONCE)
}

/// Takes `n` secure elements, two per felt.
pub fn secure_elements(ref felts: Span<felt252>, n: u32) -> Array<QM31> {
    let mut elements = array![];
    let mut left = n;
    while left >= 2 {
        let [a, b, c, d, e, f, g, h] = limbs(next(ref felts));
        elements.append(QM31 { a, b, c, d });
        elements.append(QM31 { a: e, b: f, c: g, d: h });
        left -= 2;
    }
    if left == 1 {
        let [a, b, c, d, e, f, g, h] = limbs(next(ref felts));
        elements.append(QM31 { a, b, c, d });
        assert(QM31 { a: e, b: f, c: g, d: h } == ZERO, errors::PADDING);
    }
    elements
}

/// `n` numbers of 16 bits in one felt, the lowest first; nothing above them.
pub fn lengths(felt: felt252, n: u32) -> Array<u32> {
    let mut rest: u256 = felt.into();
    let mut numbers = array![];
    for _ in 0..n {
        let (quotient, number) = DivRem::div_rem(rest, 0x10000);
        numbers.append(number.try_into().unwrap());
        rest = quotient;
    }
    assert(rest == 0, errors::LENGTHS);
    numbers
}
