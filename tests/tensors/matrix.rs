//! The matrix of partial rounds leaves no subspace as it is, over however many rounds: what the Poseidon papers ask of it.
//!
//! Its characteristic polynomial `f` is irreducible, so the matrix acts as an element `α` of the field of `p^24` elements. The power
//! `α^i` is in no smaller field, so the `i`-th power of the matrix has an irreducible polynomial of degree 24 too, for `i ≤ 48`.

use cairo_decode::spec::poseidon2::{P, WIDTH};

const MODULUS: u64 = P as u64;

/// A polynomial below `f`, lowest coefficient first.
type Polynomial = [u64; WIDTH];

/// `f = Π_i (x − d_i) − Σ_i Π_(j ≠ i) (x − d_j)` of ones with `d` more on the diagonal; without its highest coefficient, which is 1.
fn characteristic() -> Polynomial {
    let diagonal: Vec<u64> = (0..WIDTH)
        .map(|i| if i == 0 { MODULUS - 2 } else { 1 << (i - 1) })
        .collect();
    let product = |without: Option<usize>| {
        let mut all = vec![1];
        for (_, d) in diagonal
            .iter()
            .enumerate()
            .filter(|(i, _)| Some(*i) != without)
        {
            let mut next = vec![0; all.len() + 1];
            for (i, c) in all.iter().enumerate() {
                next[i + 1] = (next[i + 1] + c) % MODULUS;
                next[i] = (next[i] + (MODULUS - d) * c) % MODULUS;
            }
            all = next;
        }
        all
    };
    let mut f = product(None);
    for i in 0..WIDTH {
        for (sum, c) in f.iter_mut().zip(product(Some(i))) {
            *sum = (*sum + MODULUS - c) % MODULUS;
        }
    }
    std::array::from_fn(|i| f[i])
}

fn times(f: &Polynomial, a: &Polynomial, b: &Polynomial) -> Polynomial {
    let mut wide = [0; 2 * WIDTH];
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            wide[i + j] = (wide[i + j] + x * y) % MODULUS;
        }
    }
    for top in (WIDTH..2 * WIDTH).rev() {
        let c = std::mem::take(&mut wide[top]);
        for (i, lower) in f.iter().enumerate() {
            let place = &mut wide[top - WIDTH + i];
            *place = (*place + (MODULUS - c) % MODULUS * lower) % MODULUS;
        }
    }
    std::array::from_fn(|i| wide[i])
}

fn power(f: &Polynomial, a: &Polynomial, mut exponent: u64) -> Polynomial {
    let (mut base, mut result) = (*a, one());
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = times(f, &result, &base);
        }
        base = times(f, &base, &base);
        exponent >>= 1;
    }
    result
}

fn one() -> Polynomial {
    std::array::from_fn(|i| u64::from(i == 0))
}

/// `a^(p^times)`.
fn frobenius(f: &Polynomial, a: &Polynomial, count: usize) -> Polynomial {
    (0..count).fold(*a, |a, _| power(f, &a, MODULUS))
}

/// Whether two polynomials, of which the first has the highest coefficient 1 and degree 24, have a factor in common.
fn share_a_factor(f: &Polynomial, g: &Polynomial) -> bool {
    let trimmed = |mut p: Vec<u64>| {
        while p.last() == Some(&0) {
            p.pop();
        }
        p
    };
    let inverse = |x: u64| {
        let powers = (0..31).filter(|bit| (MODULUS - 2) >> bit & 1 == 1);
        powers.fold(1, |product, bit| {
            (0..bit).fold(x, |x, _| x * x % MODULUS) * product % MODULUS
        })
    };
    let mut a = [&f[..], &[1]].concat();
    let mut b = trimmed(g.to_vec());
    while !b.is_empty() {
        let lead = inverse(b[b.len() - 1]);
        while a.len() >= b.len() {
            let c = a[a.len() - 1] * lead % MODULUS;
            let shift = a.len() - b.len();
            for (i, x) in b.iter().enumerate() {
                a[shift + i] = (a[shift + i] + (MODULUS - c) * x) % MODULUS;
            }
            a = trimmed(a);
        }
        std::mem::swap(&mut a, &mut b);
    }
    a.len() > 1
}

#[test]
fn no_power_of_the_matrix_has_an_invariant_subspace() {
    let f = characteristic();
    let mut x = [0; WIDTH];
    x[1] = 1;
    assert_eq!(frobenius(&f, &x, WIDTH), x, "f divides x^(p^24) − x");
    for smaller in [WIDTH / 2, WIDTH / 3] {
        let image = frobenius(&f, &x, smaller);
        let difference = std::array::from_fn(|i| (image[i] + MODULUS - x[i]) % MODULUS);
        assert!(!share_a_factor(&f, &difference), "f is irreducible");
        // α^i is in the field of p^smaller elements where its image is itself.
        let (mut own, mut other) = (one(), one());
        for i in 1..=2 * WIDTH {
            own = times(&f, &own, &x);
            other = times(&f, &other, &image);
            assert_ne!(own, other, "the {i}th power is in a smaller field");
        }
    }
}
