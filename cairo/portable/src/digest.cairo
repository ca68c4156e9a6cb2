//! Digests: eight numbers below `2^31 − 1`, and the felt that packs them.

/// What a hash ends in.
pub type Digest = [felt252; 8];

/// The digest of nothing.
pub const EMPTY: Digest = [0, 0, 0, 0, 0, 0, 0, 0];

const P: u256 = 0x7fffffff;

/// `Σ_i d[i] 2^(31 i)`.
pub fn pack(digest: Digest) -> felt252 {
    let [a, b, c, d, e, f, g, h] = digest;
    let mut sum = 0;
    for number in [h, g, f, e, d, c, b, a].span() {
        sum = sum * 0x80000000 + *number;
    }
    sum
}

/// The digest that a felt packs. Panics if it packs none.
pub fn unpack(packed: felt252) -> Digest {
    let mut left: u256 = packed.into();
    let a = next(ref left);
    let b = next(ref left);
    let c = next(ref left);
    let d = next(ref left);
    let e = next(ref left);
    let f = next(ref left);
    let g = next(ref left);
    let h = next(ref left);
    assert(left == 0, 'no digest');
    [a, b, c, d, e, f, g, h]
}

/// The next number of a digest.
fn next(ref left: u256) -> felt252 {
    let (rest, number) = DivRem::div_rem(left, 0x80000000);
    assert(number < P, 'no digest');
    left = rest;
    number.low.into()
}
