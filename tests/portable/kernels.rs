//! Every function of the library alone, against the integer reference and the hashes of the specification.

use cairo_decode::integers::{
    Angles, Attention, Carried, Description, Gated, Norm, Operation, Product, Refusal, reference,
    step,
};
use cairo_decode::spec::poseidon2::{Digest, P, permute};
use cairo_decode::spec::record::{self, Packing};
use cairo_decode::spec::token_chain;
use cairo_decode::verify::statement::packed;
use starknet_types_core::felt::Felt;

use crate::calls::{Arguments, Call, call};
use crate::models::{attending, description, everything, matrix, product, table};

/// Compares each operation of each step, but for those that others have shown.
fn compare(of: &Description, tokens: &[u32]) {
    let mut carried = Carried::new(of);
    for (position, &token) in (0..).zip(tokens) {
        let values = step(of, &mut carried, token).expect("in range");
        for (number, operation) in of.operations.iter().enumerate() {
            let found = call(of, number, &values.values, &carried, [token, position]).run();
            let expected: Vec<Felt> = match operation {
                Operation::Head { .. } => vec![Felt::from(values.token)],
                _ => values.values[number]
                    .iter()
                    .map(|&x| Felt::from(x))
                    .collect(),
            };
            let name = operation.name();
            assert_eq!(found, Some(expected), "{name} at position {position}");
        }
    }
}

/// A description of one operation behind the embedding, whose tokens are these vectors.
fn behind(tokens: &[&[i32]], operation: Operation) -> Description {
    let mut of = description(vec![Operation::Embed, operation]);
    of.embedding.tokens = matrix(tokens);
    of.context = tokens.len();
    of
}

/// All tokens of a description, one after the other.
fn compare_all(of: &Description) {
    let tokens: Vec<u32> = (0..of.embedding.tokens.rows.len() as u32).collect();
    compare(of, &tokens);
}

#[test]
fn operations_of_a_model() {
    compare(&everything(), &[1, 0, 1]);
    let mut of = everything();
    of.embedding.shift = 2;
    of.embedding.positions = Some(matrix(&[&[1, -1], &[-7, 6], &[0, 90]]));
    of.output = Some(matrix(&[&[1, 2], &[-3, 1], &[1, 2], &[0, 0]]));
    compare(&of, &[0, 1, 1]);
}

/// Halves, both signs, and the largest accumulators.
#[test]
fn products() {
    let large = (1 << 15) - 1;
    let of = Product {
        weights: matrix(&[&[1, 0], &[-1, 0], &[0, 1], &[large, 0], &[-large, 1]]),
        bias: vec![0, 1, -2, 5, -5],
        shift: 2,
    };
    let rows: &[&[i32]] = &[
        &[2, -2],
        &[6, -6],
        &[3, -3],
        &[-large, large],
        &[0, 0],
        &[1 << 14, -1 << 14],
    ];
    for shift in [0, 1, 2, 16] {
        let of = Product {
            shift,
            ..of.clone()
        };
        compare_all(&behind(
            rows,
            Operation::Linear {
                input: 0,
                of,
                bits: 32,
            },
        ));
    }
    // Each of two heads with one matrix.
    let norm = Norm {
        centred: false,
        grain: 0,
        floor: 1 << 10,
        shift: 14,
    };
    let mut of = behind(
        &[&[3, -4, 1000, 1], &[0, 0, -5, 5]],
        Operation::HeadNorm {
            input: 0,
            norm,
            heads: 2,
        },
    );
    of.operations.push(Operation::Linear {
        input: 1,
        of: product(&[&[3, 1], &[-1, 7], &[0, 2]], 3),
        bits: 20,
    });
    compare_all(&of);
}

#[test]
fn norms() {
    let most = (1 << 27) - 1;
    let rows: &[&[i32]] = &[
        &[0, 0, 0],
        &[1, 0, 0],
        &[-1, -1, -1],
        &[most, -most, most],
        &[most, most, most],
        &[5, -7, 11],
        &[1 << 20, 3, -4],
    ];
    for centred in [false, true] {
        for (grain, floor, shift) in [(0, 1 << 10, 16), (0, (1 << 28) - 1, 14), (0, 1 << 15, 15)] {
            let norm = Norm {
                centred,
                grain,
                floor,
                shift,
            };
            compare_all(&behind(rows, Operation::Norm { input: 0, norm }));
        }
    }
    let small: &[&[i32]] = &[&[4, -9, 2, 3, 0, 0], &[-300, 299, 1, 1, 1, 1]];
    for heads in [1, 2, 3] {
        let norm = Norm {
            centred: true,
            grain: 7,
            floor: 1 << 12,
            shift: 14,
        };
        compare_all(&behind(
            small,
            Operation::HeadNorm {
                input: 0,
                norm,
                heads,
            },
        ));
    }
    // Longer than the largest unit makes room for.
    let norm = Norm {
        centred: false,
        grain: 0,
        floor: 1 << 10,
        shift: 14,
    };
    let of = behind(&[&[1 << 30, 0]], Operation::Norm { input: 0, norm });
    let refused = step(&of, &mut Carried::new(&of), 0).unwrap_err();
    assert!(matches!(refused, Refusal::Norm { .. }), "{refused:?}");
    let values = vec![vec![1 << 30, 0]];
    assert_eq!(
        call(&of, 1, &values, &Carried::new(&of), [0, 0]).run(),
        None
    );
}

#[test]
fn tables_and_gates() {
    let identity = product(&[&[1, 0], &[0, 1]], 0);
    let cubes = table(-3, (-3..=3).map(|z| z * z * z));
    let function = Operation::Function {
        input: 0,
        of: identity.clone(),
        table: 0,
    };
    let mut of = behind(&[&[-3, 3], &[0, 1]], function);
    of.tables = vec![cubes];
    compare_all(&of);
    // Arguments beyond both ends, which no model has.
    for argument in [-4, 4, i64::MAX] {
        let values = vec![vec![argument, 0]];
        assert_eq!(
            call(&of, 1, &values, &Carried::new(&of), [0, 0]).run(),
            None
        );
    }
    let gated = Gated {
        gate: identity.clone(),
        up: product(&[&[0, 9], &[-8, 1]], 1),
        table: 0,
        shift: 3,
        bits: 7,
    };
    let mut of = behind(
        &[&[-3, 3], &[2, 2], &[0, -1]],
        Operation::Gated {
            input: 0,
            of: gated,
        },
    );
    of.tables = vec![table(-3, [-3, -2, -1, 0, 5, 12, 27])];
    compare_all(&of);
}

/// By 0, 90, 45 and 180 degrees, in two heads, with the largest numbers.
#[test]
fn rotations() {
    let most = (1 << 14) - 1;
    let rows = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]];
    let rows: Vec<&[i32]> = rows.iter().map(|row| &row[..]).collect();
    for half in [1, 2] {
        let rotary = Operation::Rotary {
            input: 0,
            of: product(&rows, 0),
            half,
        };
        let mut of = behind(
            &[
                &[100, 40, -7, 3],
                &[most, -most, most, most],
                &[-most; 4],
                &[1, -1, 3, -3],
            ],
            rotary,
        );
        let angle = |of: i32| vec![of; half];
        of.angles = Angles {
            cos: [1 << 14, 0, 11585, -1 << 14].map(angle).to_vec(),
            sin: [0, 1 << 14, 11585, 0].map(angle).to_vec(),
        };
        compare_all(&of);
        let values = vec![vec![1; 4]];
        assert_eq!(
            call(&of, 1, &values, &Carried::new(&of), [0, 4]).run(),
            None,
            "no such position"
        );
    }
}

#[test]
fn mixtures() {
    let most = (1 << 14) - 1;
    let of = Attention {
        heads: 1,
        kv_heads: 1,
        head_dim: 2,
        key_bits: 15,
        value_bits: 15,
        score_shift: 2,
        weights: 0,
        mix_shift: 10,
        mix_bits: 15,
    };
    let weights = [32767, 20000, 10000, 5000];
    let near = [
        vec![0, 0, 5, 6, 1000, -1000],
        vec![1, 1, -7, 8, 700, 50],
        vec![100, -3, 5, 5, -900, 7],
        vec![-1, 2, 5, 5, 1, 0],
    ];
    compare_all(&attending(of, &near, &weights));
    // Equal scores; scores as far from each other as they can be; one weight alone.
    let far = [
        vec![most, most, most, most, 1, 2],
        vec![most, most, -most, -most, 3, 4],
        vec![most, most, most, most, -5, 6],
    ];
    for weights in [&weights[..], &[16384]] {
        for score_shift in [0, 14] {
            compare_all(&attending(
                Attention {
                    score_shift,
                    mix_shift: 13,
                    ..of
                },
                &far,
                weights,
            ));
        }
    }
    // Two query heads to each head of keys and values.
    let heads = Attention {
        heads: 4,
        kv_heads: 2,
        head_dim: 1,
        score_shift: 1,
        ..of
    };
    let rows = [
        vec![9, -9, 4, 0, 1, 2, 30, -40],
        vec![1, 2, 3, -4, 5, -6, 7, 8],
        vec![-1, 0, 0, 1, 3, 3, 11, 12],
    ];
    compare_all(&attending(heads, &rows, &weights));
}

/// Results of one bit more than they may have end the run, as they have no result in the reference.
#[test]
fn checked_bits() {
    let identity = product(&[&[1, 0], &[0, 1]], 0);
    let refuses = |of: &Description| {
        let mut carried = Carried::new(of);
        let refused = step(of, &mut carried, 0).unwrap_err();
        assert!(matches!(refused, Refusal::Bits { .. }), "{refused:?}");
        let last = of.operations.len() - 1;
        let mut before = of.clone();
        before.operations.truncate(last);
        let values = step(&before, &mut Carried::new(&before), 0).expect("in range");
        assert_eq!(call(of, last, &values.values, &carried, [0, 0]).run(), None);
    };
    for x in [&[128, 0], &[0, -129]] {
        let linear = |bits| Operation::Linear {
            input: 0,
            of: identity.clone(),
            bits,
        };
        refuses(&behind(&[x], linear(8)));
        compare_all(&behind(&[x], linear(9)));
        let residual = |bits| Operation::Residual {
            stream: 0,
            input: 0,
            of: identity.clone(),
            bits,
        };
        refuses(&behind(&[x], residual(8)));
        compare_all(&behind(&[x], residual(9)));
        let gated = |bits| {
            let gated = Gated {
                gate: product(&[&[0, 0], &[0, 0]], 0),
                up: identity.clone(),
                table: 0,
                shift: 0,
                bits,
            };
            let mut of = behind(
                &[x],
                Operation::Gated {
                    input: 0,
                    of: gated,
                },
            );
            of.tables = vec![table(0, [1])];
            of
        };
        refuses(&gated(8));
        compare_all(&gated(9));
    }
    let of = Attention {
        heads: 1,
        kv_heads: 1,
        head_dim: 1,
        key_bits: 15,
        value_bits: 15,
        score_shift: 0,
        weights: 0,
        mix_shift: 13,
        mix_bits: 8,
    };
    for value in [128, -129] {
        let rows = [vec![1, 1, value]];
        refuses(&attending(of, &rows, &[16384]));
        compare_all(&attending(Attention { mix_bits: 9, ..of }, &rows, &[16384]));
    }
}

/// The lowest of equal logits, which are negative, and behind the first array of rows.
#[test]
fn choices() {
    for rows in [
        &[&[1, 2][..], &[3, 1], &[1, 2], &[-5, 5]][..],
        &[&[-1, 0], &[-2, 0], &[-1, 0]],
        &[&[0, 0], &[0, 0], &[0, 0], &[0, 0], &[9, -1], &[9, -1]],
    ] {
        let mut of = behind(&[&[4, -2], &[0, 0], &[1, 1]], Operation::Head { input: 0 });
        of.output = Some(matrix(rows));
        compare_all(&of);
    }
}

#[test]
fn tokens_and_positions_that_are_not_there() {
    let mut of = description(vec![Operation::Embed]);
    of.embedding.positions = Some(matrix(&[&[1, -1], &[5, 6], &[0, 7]]));
    let carried = Carried::new(&of);
    for at in [[2, 0], [u32::MAX, 0], [0, 3], [0, u32::MAX]] {
        assert_eq!(call(&of, 0, &[], &carried, at).run(), None, "{at:?}");
    }
    assert!(call(&of, 0, &[], &carried, [1, 2]).run().is_some());
}

#[test]
fn rounding() {
    let large = (1i64 << 60) - 1;
    for bits in [0, 1, 2, 13, 30, 45] {
        let half = 1i64 << bits >> 1;
        for x in [
            0,
            1,
            -1,
            half,
            half - 1,
            -half,
            -half - 1,
            3 * half,
            -3 * half,
            large,
            -large,
        ] {
            let found = Arguments::of(Call::Round).number(x).number(bits).run();
            let expected = Felt::from(reference::round(x, bits));
            assert_eq!(found, Some(vec![expected]), "{x} by {bits} bits");
        }
    }
    // No number of a model, and none that wraps.
    for x in [
        Felt::TWO.pow(64u32),
        Felt::TWO.pow(200u32),
        -Felt::TWO.pow(63u32),
    ] {
        assert_eq!(
            Arguments::of(Call::Round).number(x).number(4u32).run(),
            None,
            "{x}"
        );
    }
}

#[test]
fn hashes() {
    let digests: [Digest; 3] = [
        [0; 8],
        [P - 1; 8],
        std::array::from_fn(|i| 0x1234567 * i as u32 + 1),
    ];
    for digest in digests {
        for token in [0u32, 7, (1 << 30) + 5] {
            let found = Arguments::of(Call::Token)
                .number(packed(&digest))
                .number(token)
                .run();
            assert_eq!(
                found,
                Some(vec![packed(&token_chain::append(&digest, token))])
            );
        }
        for (packing, count) in [
            (Packing::Two, 8),
            (Packing::Two, 40),
            (Packing::Three, 48),
            (Packing::Three, 49),
        ] {
            let half = packing.half();
            let values: Vec<i64> = (0..count)
                .map(|i| [-half, half - 1, 0, i, -i][i as usize % 5])
                .collect();
            let found = Arguments::of(Call::Record)
                .number(packed(&digest))
                .numbers(&values)
                .number(packing.values() as u64)
                .run();
            assert_eq!(
                found,
                Some(vec![packed(&record::append(&digest, &values, packing))])
            );
        }
    }
    for state in [std::array::from_fn(|i| i as u32), [P - 1; 24], [0; 24]] {
        let found = Arguments::of(Call::Permute)
            .numbers(&state.map(i64::from))
            .run();
        let expected = permute(state).map(Felt::from);
        assert_eq!(found, Some(expected.to_vec()));
    }
}

/// A felt that packs no digest is refused: an element that is the modulus, or more than eight of them.
#[test]
fn roots_that_are_no_digests() {
    let token = |root: Felt| Arguments::of(Call::Token).number(root).number(1u32).run();
    for place in [0u32, 3, 7] {
        let shift = Felt::TWO.pow(31 * place);
        assert!(token(shift * Felt::from(P - 1)).is_some());
        assert_eq!(token(shift * Felt::from(P)), None);
    }
    assert_eq!(token(Felt::TWO.pow(248u32)), None);
    assert_eq!(token(-Felt::ONE), None);
}
