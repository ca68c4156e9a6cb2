//! Weight words share a felt and are separated by the program: whatever the weights are, the words that `linear` reads
//! are those of the matrix.

use std::collections::BTreeMap;

use cairo_decode::compile::{Program, compile};
use cairo_decode::ir::Matrix;
use cairo_decode::lower::{Lanes, PAIR};
use cairo_decode::trace::{self, TraceError};
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

/// A program that separates the felts of its input.
fn separating(lanes: Lanes) -> Program {
    let function = match lanes.committed() {
        2 => "separate_two",
        3 => "separate_three",
        other => panic!("no function separates {other} words"),
    };
    let bits = lanes.bits;
    let text = format!(
        "use decode_kernels::linear::Lanes{bits};\n\
         use decode_kernels::weights::{function};\n\
         #[executable_raw]\n\
         fn main(input: Span<felt252>, ref output: Array<felt252>) {{\n    \
             output.append_span({function}::<Lanes{bits}>(input));\n\
         }}\n"
    );
    let files = BTreeMap::from([("src/lib.cairo".to_string(), text)]);
    compile("packing", &files, &BTreeMap::new()).expect("compiles")
}

/// The extreme weights in every lane, beside either extreme in the lanes around it and in the word that
/// shares the constant; and random ones.
#[test]
fn every_word_survives() {
    for lanes in Lanes::ALL {
        let program = separating(lanes);
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
            let felts = [PAIR, lanes.committed()].map(|each| lanes.join(&words[..count], each));
            let read = trace::run(&program, &felts[1]).expect("words");
            for (found, least) in [
                (separated(lanes, &felts[0]), PAIR * felts[0].len()),
                (read.output().to_vec(), lanes.committed() * felts[1].len()),
            ] {
                assert_eq!(found.len(), least);
                assert_eq!(
                    found[..count],
                    words[..count],
                    "lanes of {} bits",
                    lanes.bits
                );
                assert!(
                    found[count..].iter().all(|&word| word == Felt::ZERO),
                    "what fills the last turn"
                );
            }
        }
    }
}

/// The vector of `docs/spec.md`, committed words.
#[test]
fn three_words_in_a_felt() {
    let matrix = Matrix {
        name: "w".to_string(),
        rows: 2,
        cols: 3,
        data: vec![1, -2, 3, -4, 5, -6],
    };
    let lanes = Lanes::ALL[1];
    let felts = lanes.join(&lanes.pack(&matrix), lanes.committed());
    let at = |lane: usize| Felt::TWO.pow((lane / 5 * 128 + lane % 5 * 24) as u128);
    let rest = (2..10).fold(Felt::ZERO, |sum, lane| {
        sum + Felt::from(8_421_504) * at(lane)
    });
    assert_eq!(
        felts[0],
        Felt::from(8_617_601) + Felt::from(8_029_564) * at(1) + rest
    );
}

/// Attack: a felt of the input with a bit where no word has one, so that a weight would leave its range. Stopped by:
/// the mask of all words' bits.
#[test]
fn requirement_12_what_is_read_has_no_other_bits() {
    for lanes in Lanes::ALL {
        let program = separating(lanes);
        let each = lanes.committed();
        // The masks are words of the program, not computed: the bits of what is computed would not be fixed.
        let full = lanes.pack(&matrix(lanes, |_| 127));
        let all = lanes.join(&full[..each], each)[0];
        assert!(program.words().contains(&all), "{} bits", lanes.bits);
        let honest = lanes.join(&vec![Felt::ZERO; 5 * each], each);
        trace::run(&program, &honest).expect("words");
        let used = |bit: usize| {
            let (half, at) = (bit / 128, bit % 128);
            let lane = at / lanes.bits as usize;
            half < 2 && lane < lanes.per_half && at % (lanes.bits as usize) < 8 * each
        };
        for bit in 0..251 {
            let mut felts = honest.clone();
            // In the first turn of four felts, and in the rest.
            let at = [1, 4][bit % 2];
            let set = felts[at].to_biguint().bit(bit as u64);
            let power = Felt::TWO.pow(bit as u128);
            felts[at] = if set {
                felts[at] - power
            } else {
                felts[at] + power
            };
            let run = trace::run(&program, &felts);
            match run {
                Ok(_) => assert!(used(bit), "{} bits: bit {bit} is accepted", lanes.bits),
                Err(TraceError::Refused(reason)) => {
                    assert!(!used(bit), "{} bits: bit {bit} is refused", lanes.bits);
                    assert!(
                        reason.contains("An ASSERT_EQ instruction failed"),
                        "{reason}"
                    );
                }
                Err(error) => panic!("{error}"),
            }
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
