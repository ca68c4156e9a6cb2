//! Two weight words share a constant and are separated by the program: whatever the weights are, the words
//! that `linear` reads are those of the matrix.

use std::collections::BTreeMap;

use cairo_decode::compile::compile;
use cairo_decode::ir::Matrix;
use cairo_decode::lower::Lanes;
use cairo_decode::trace;
use starknet_types_core::felt::Felt;

use crate::support::Random;

/// A matrix of two blocks of rows, the second with a single row.
fn matrix(lanes: Lanes, weight: impl FnMut(usize) -> i8) -> Matrix {
    let (rows, cols) = (lanes.rows() + 1, 3);
    Matrix {
        name: "w".to_string(),
        rows,
        cols,
        data: (0..rows * cols).map(weight).collect(),
    }
}

/// The words of `pairs` as the program separates them.
fn separated(lanes: Lanes, pairs: &[Felt]) -> Vec<Felt> {
    let literals: Vec<String> = pairs.iter().map(|pair| format!("{pair:#x}")).collect();
    let (bits, count, literals) = (lanes.bits, pairs.len(), literals.join(", "));
    let text = format!(
        "use decode_kernels::linear::Lanes{bits};\n\
         use decode_kernels::weights::{{Pair, separate}};\n\
         const PAIRS: [Pair; {count}] = [{literals}];\n\
         #[executable_raw]\n\
         fn main(input: Span<felt252>, ref output: Array<felt252>) {{\n    \
             output.append_span(separate::<Lanes{bits}>(array![PAIRS.span()]));\n\
         }}\n"
    );
    let files = BTreeMap::from([("src/lib.cairo".to_string(), text)]);
    let program = compile("packing", &files, &BTreeMap::new()).expect("compiles");
    let trace = trace::run(&program, &[]).expect("runs");
    trace.output().to_vec()
}

/// The extreme weights in every lane, beside either extreme in the lanes around it and in the word that
/// shares the constant; and random ones.
#[test]
fn every_word_survives() {
    for lanes in Lanes::ALL {
        let mut random = Random::new(lanes.bits.into());
        let extremes = |odd: bool| move |i: usize| if (i % 2 == 1) == odd { 127 } else { -128 };
        let matrices = [
            matrix(lanes, |_| -128),
            matrix(lanes, |_| 127),
            matrix(lanes, extremes(false)),
            matrix(lanes, extremes(true)),
            matrix(lanes, |i| if i / 3 % 2 == 0 { -128 } else { 127 }),
            matrix(lanes, |i| [0, -1, 1, 127, -128][i % 5]),
            matrix(lanes, |_| random.next() as i8),
        ];
        let words: Vec<Felt> = matrices.iter().flat_map(|m| lanes.pack(m)).collect();
        // An odd number of words, and pairs that no turn of four divides.
        for count in [9, words.len()] {
            let pairs = lanes.pair(&words[..count]);
            let (found, fill) = (separated(lanes, &pairs), 2 * pairs.len() - count);
            assert_eq!(
                found[..count],
                words[..count],
                "lanes of {} bits",
                lanes.bits
            );
            assert_eq!(
                found[count..],
                vec![Felt::ZERO; fill],
                "what fills the last turn"
            );
        }
    }
}

/// A word that is no pair does not compile: the constants' type bounds them.
#[test]
fn pairs_are_bounded() {
    let text = |pair: Felt| {
        format!(
            "use decode_kernels::linear::Lanes20;\n\
             use decode_kernels::weights::{{Pair, separate}};\n\
             const PAIRS: [Pair; 4] = [{pair:#x}, 0, 0, 0];\n\
             #[executable_raw]\n\
             fn main(input: Span<felt252>, ref output: Array<felt252>) {{\n    \
                 output.append_span(separate::<Lanes20>(array![PAIRS.span()]));\n\
             }}\n"
        )
    };
    let limit = Felt::TWO.pow(248u32);
    for (pair, fits) in [
        (limit - Felt::ONE, true),
        (limit, false),
        (-Felt::ONE, false),
    ] {
        let files = BTreeMap::from([("src/lib.cairo".to_string(), text(pair))]);
        assert_eq!(
            compile("packing", &files, &BTreeMap::new()).is_ok(),
            fits,
            "{pair:#x}"
        );
    }
}
