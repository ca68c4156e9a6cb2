//! Poseidon2 over the field of `p = 2^31 − 1` elements, and the compression of digests with it: width 24, `x^5`, 8 full and 22
//! partial rounds.
//!
//! An element is a felt that stands for its rest modulo `p`. It is reduced before it would pass 2^128: behind each power, and
//! behind each layer of a partial round.

use crate::digest::Digest;

/// The field's modulus.
const P: felt252 = 0x7fffffff;

/// An element of the field, 24 of them.
pub type State = [felt252; 24];

/// The constants of the first four full rounds.
const FIRST_ROUNDS: [felt252; 96] = [
    0x1feaba61, 0x53224454, 0x6bceb9e2, 0x5019f9b4, 0x48726592, 0x2b22d0a8, 0x6151bbf9, 0x2f474b21,
    0x2eb5f337, 0x3b645d87, 0x942cef0, 0x65228c52, 0x78ffb30f, 0x4d2837c8, 0xe17ac4f, 0x5546686,
    0x46c06cc, 0xb51c3b6, 0x568db763, 0x38b334e4, 0x57f5acf0, 0x19d32611, 0x77d02f4b, 0x6c82e9b8,
    0x7148c1b6, 0x8067c75, 0x46d1e8c9, 0x30973b07, 0x20614f3b, 0x5c3ff851, 0x30503329, 0x4972e7cc,
    0x2d1d8bc, 0x9d5bfa6, 0x97104c0, 0x7ba49a34, 0x4a07c2fc, 0x24c1ee69, 0x28a6ab41, 0x5d9108a0,
    0x3a7851c7, 0x1dd495f9, 0x12b49ff4, 0x7bad5760, 0x5fed64c2, 0x66f5c96c, 0x7eafbd02, 0x39b3593b,
    0x4a653b49, 0x75091dc1, 0x56e488e0, 0x1704a355, 0x745e4ff3, 0x392ef16e, 0x31e33fdf, 0x2c28c66,
    0x36c3083a, 0x3104d1fa, 0x5b03cda3, 0x6641e1af, 0x37754b56, 0x396f5af9, 0x1a1a461a, 0x688e26f2,
    0x6f829784, 0x1bb91d69, 0x5b788016, 0x704aa5c5, 0x181869c, 0x41211e56, 0xce803a0, 0x23bff3a0,
    0x17fb7064, 0x47317220, 0x76914b53, 0x219c1905, 0x16655528, 0x4df35544, 0x60808465, 0x3350f833,
    0x3bccdc7, 0xa87180a, 0x17a99f5, 0x6e945726, 0x15445504, 0x780533b1, 0x3b91bf38, 0x3fc77eb1,
    0x4b4d960e, 0x3cd93d2e, 0xea4e976, 0x1d5306cc, 0x3a7ac284, 0xec22934, 0x4d979713, 0x51a41c65,
];

/// The constants of the partial rounds, each for the first element.
const PARTIAL_ROUNDS: [felt252; 22] = [
    0x22776a11, 0x5fa34268, 0x1415528d, 0x563fbd14, 0x34f45244, 0x120ea1b6, 0x261368a5, 0x27665ec1,
    0x36be2805, 0x345c4784, 0x17efdcc1, 0x393e6530, 0x6da0b4b8, 0x31e5ded3, 0x675b27ac, 0xae88c30,
    0x577841cc, 0x5fe06dec, 0x56b0691a, 0x7242de1f, 0x3c377529, 0x339b7523,
];

/// The constants of the last four full rounds.
const LAST_ROUNDS: [felt252; 96] = [
    0x1c662299, 0x57c955a, 0x7ab6c0f2, 0x25a6ad0a, 0x75850b58, 0x48fd3793, 0xb4366b1, 0xfdd0d49,
    0x7db419f9, 0x49b9cc0f, 0x48949716, 0x29c35890, 0x76445485, 0x1c27d30c, 0x10aa7a3b, 0x30f34fb6,
    0x6fe06435, 0x2135ecd, 0x6caaba96, 0x3eb290d0, 0x22fd8d3b, 0x768b1525, 0x5be95814, 0x523d7fe9,
    0x55e94cec, 0x47c42e1f, 0x1aa53b5e, 0x2fd1fe7e, 0x59230e91, 0x7472da66, 0x6443f2df, 0x2d9de19d,
    0x6f7f6a84, 0x77800430, 0xf014bc8, 0x7bf3d095, 0x26afd318, 0x582561f7, 0x5ee3198c, 0x6acc0000,
    0x2f315e26, 0x27cac040, 0x2595081e, 0x5963b7da, 0x7e073565, 0x6cf3f5f1, 0x9f8a3a4, 0xda8ccfe,
    0x60be2365, 0x7ed742f5, 0x668b8031, 0x4bb03494, 0x59019333, 0x700e2878, 0x1cc45856, 0x1d1617f7,
    0x7b988da6, 0x4eb4936c, 0x78c9f87e, 0x63ce3e94, 0x7178341b, 0x45bc2f86, 0x5b775bc, 0x704b0244,
    0x29eed278, 0x47f43032, 0x2127b2e5, 0x1997903f, 0x24b3ce03, 0xc32298c, 0x7d2b6f3a, 0x17fcaa81,
    0x72f37fef, 0x3028e7a9, 0x5edd4d96, 0x1f96583b, 0x4cd6918a, 0x14880f0e, 0x69170359, 0x173cbd33,
    0x969e7f4, 0x6e7f23ab, 0x6182ea87, 0x4dcb1f5c, 0x585fa113, 0x729cb3b6, 0x1b3a27a, 0x1ba173e7,
    0x4b33bcea, 0x63d93bbb, 0x6b3fbf99, 0x6f17e9d1, 0xc3dd8ba, 0xbc1f9a8, 0x64d3f370, 0x465a6a18,
];

/// `permute(d ‖ b)`, the first 8 elements, plus `d`.
pub fn compress(digest: Digest, block: [felt252; 16]) -> Digest {
    let [a, b, c, d, e, f, g, h] = digest;
    let [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15] = block;
    let state = [
        a, b, c, d, e, f, g, h, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14,
        b15,
    ];
    let [p, q, r, s, t, u, v, w, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = permute(state);
    [
        reduced(p + a), reduced(q + b), reduced(r + c), reduced(s + d), reduced(t + e),
        reduced(u + f), reduced(v + g), reduced(w + h),
    ]
}

/// The permutation: the matrix of full rounds; 4 full rounds; 22 partial rounds; 4 full rounds.
pub fn permute(state: State) -> State {
    let state = full_rounds(full_layer(state.span()), FIRST_ROUNDS.span());
    let mut state = unboxed(state);
    for constant in PARTIAL_ROUNDS.span() {
        state = partial_round(state, *constant);
    }
    unboxed(full_rounds(state.span(), LAST_ROUNDS.span()))
}

fn unboxed(mut state: Span<felt252>) -> State {
    (*state.multi_pop_front::<24>().unwrap()).unbox()
}

/// Full rounds: a constant is added to each element, each is taken to its fifth power, and all go through the matrix.
fn full_rounds(state: Span<felt252>, mut constants: Span<felt252>) -> Span<felt252> {
    let mut state = state;
    while !constants.is_empty() {
        let mut powers = array![];
        for element in state {
            powers.append(power(*element + *constants.pop_front().unwrap()));
        }
        state = full_layer(powers.span());
    }
    state
}

/// The matrix of full rounds: each four elements times `circ(2, 3, 1, 1)`, and to each the sum of those in its place of a four.
fn full_layer(mut state: Span<felt252>) -> Span<felt252> {
    let mut fours = array![];
    let (mut sum_a, mut sum_b, mut sum_c, mut sum_d) = (0, 0, 0, 0);
    while let Some(four) = state.multi_pop_front::<4>() {
        let [a, b, c, d] = (*four).unbox();
        let sum = a + b + c + d;
        let four = [sum + a + 2 * b, sum + b + 2 * c, sum + c + 2 * d, sum + d + 2 * a];
        let [a, b, c, d] = four;
        sum_a += a;
        sum_b += b;
        sum_c += c;
        sum_d += d;
        fours.append(four);
    }
    let mut out = array![];
    for four in fours {
        let [a, b, c, d] = four;
        out.append(a + sum_a);
        out.append(b + sum_b);
        out.append(c + sum_c);
        out.append(d + sum_d);
    }
    out.span()
}

/// A partial round: the first element goes through constant and power; all go through the matrix `Σ_j x_j + d_i x_i` with
/// `d = −2, 1, 2, 4, …, 2^22`.
fn partial_round(state: State, constant: felt252) -> State {
    let [
        x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11,
        x12, x13, x14, x15, x16, x17, x18, x19, x20, x21, x22, x23,
    ] = state;
    let x0 = power(x0 + constant);
    let sum = x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9 + x10 + x11
        + x12 + x13 + x14 + x15 + x16 + x17 + x18 + x19 + x20 + x21 + x22 + x23;
    [
        reduced(sum + 2 * (P - x0)),
        reduced(sum + x1),
        reduced(sum + 2 * x2),
        reduced(sum + 4 * x3),
        reduced(sum + 8 * x4),
        reduced(sum + 16 * x5),
        reduced(sum + 32 * x6),
        reduced(sum + 64 * x7),
        reduced(sum + 128 * x8),
        reduced(sum + 256 * x9),
        reduced(sum + 512 * x10),
        reduced(sum + 1024 * x11),
        reduced(sum + 2048 * x12),
        reduced(sum + 4096 * x13),
        reduced(sum + 8192 * x14),
        reduced(sum + 16384 * x15),
        reduced(sum + 32768 * x16),
        reduced(sum + 65536 * x17),
        reduced(sum + 131072 * x18),
        reduced(sum + 262144 * x19),
        reduced(sum + 524288 * x20),
        reduced(sum + 1048576 * x21),
        reduced(sum + 2097152 * x22),
        reduced(sum + 4194304 * x23),
    ]
}

/// `x^5` modulo `p`, for `x` below `2^60`.
fn power(x: felt252) -> felt252 {
    let square = reduced(x * x);
    reduced(square * square * x)
}

/// The rest modulo `p`. Panics from `2^128` on.
fn reduced(x: felt252) -> felt252 {
    let x: u128 = x.try_into().unwrap();
    let (_, rest) = DivRem::div_rem(x, 0x7fffffff);
    rest.into()
}
