//! Norms of heads: what reads them, and how much a description may stand for.

use cairo_decode::integers::ranges::ceil_root;
use cairo_decode::integers::{Norm, Operation, RangeError, Reach, ranges};

use crate::models::{everything, matrix, product};
use crate::ranges::{attention, norm};

/// A description that begins with a norm of two heads, and an operation that reads it.
fn behind_heads(read: Operation) -> Result<Vec<Reach>, RangeError> {
    let mut description = everything();
    let norm = *norm(&mut description);
    let heads = Operation::HeadNorm {
        input: 0,
        norm,
        heads: 2,
    };
    description.operations = vec![Operation::Embed, heads, read];
    ranges(&description)
}

/// What is known of normalised heads is known of one head: nothing may read all of them as one vector.
#[test]
fn heads_are_read_one_by_one() {
    let of = || product(&[&[3]], 2);
    let input = 1;
    let linear = Operation::Linear {
        input,
        of: of(),
        bits: 16,
    };
    let rotary = Operation::Rotary {
        input,
        of: product(&[&[1], &[1]], 2),
        half: 1,
    };
    let one = 3 * (((1 << 29) - (1 << 19) + (1 << 18) + (1 << 10) + 1 + (1 << 14)) >> 15);
    let reaches = behind_heads(linear).unwrap();
    assert_eq!(reaches[2].each, (one + 2) >> 2);
    // Of two results of this size.
    assert_eq!(
        reaches[2].length,
        ceil_root(2 * (reaches[2].each as i128).pow(2))
    );
    assert!(behind_heads(rotary).is_ok());

    let gated = match everything().operations.swap_remove(8) {
        Operation::Gated { of: gated, .. } => Operation::Gated {
            input,
            of: cairo_decode::integers::Gated {
                gate: of(),
                up: of(),
                ..gated
            },
        },
        other => panic!("{}", other.name()),
    };
    let norm = *norm(&mut everything());
    let attention = *attention(&mut everything());
    let residual = |stream, input| Operation::Residual {
        stream,
        input,
        of: product(&[&[1], &[1]], 0),
        bits: 25,
    };
    for read in [
        Operation::Norm { input, norm },
        Operation::HeadNorm {
            input,
            norm,
            heads: 1,
        },
        Operation::Function {
            input,
            of: of(),
            table: 1,
        },
        Operation::Attention {
            queries: 1,
            keys: 1,
            values: 1,
            of: attention,
        },
        residual(0, 1),
        residual(1, 0),
        gated,
        Operation::Head { input },
    ] {
        let name = read.name();
        let error = behind_heads(read).unwrap_err().to_string();
        assert!(error.contains("heads that the input"), "{name}: {error}");
    }
    // Without heads that divide its channels there is no norm of them.
    for heads in [0, 3, usize::MAX] {
        let input = 0;
        let error = behind_heads(Operation::HeadNorm { input, norm, heads });
        assert!(error.is_err(), "{heads}");
    }
    let whole = Operation::Linear {
        input,
        of: product(&[&[3, 3]], 2),
        bits: 16,
    };
    assert!(behind_heads(whole).is_err());
}

/// A file of a few kilobytes that stands for a plan of many operations, or of many channels, is refused before there is a plan.
#[test]
fn descriptions_stand_for_no_more_than_a_proof_has() {
    let norm = Norm {
        grain: 0,
        ..*norm(&mut everything())
    };
    let wide = |channels: usize| {
        let mut description = everything();
        description.embedding.tokens = matrix(&[&vec![1; channels]]);
        description.operations = vec![Operation::Embed];
        description
    };
    let heads = |heads| Operation::HeadNorm {
        input: 0,
        norm,
        heads,
    };
    // The embedding, as many heads, and as many products of them.
    for (count, fits) in [(1 << 13, false), ((1 << 13) - 1, true)] {
        let mut description = wide(count);
        let linear = Operation::Linear {
            input: 1,
            of: product(&[&[1]], 2),
            bits: 16,
        };
        description.operations.extend([heads(count), linear]);
        let refused = ranges(&description).map(|_| ());
        assert_eq!(refused.is_ok(), fits, "{refused:?}");
        let many = |error: RangeError| error.to_string().contains("each head as one");
        assert!(refused.is_ok() || refused.is_err_and(many));
    }
    // Six norms of a wide embedding, and the embedding.
    for (channels, fits) in [((1 << 21) / 7, true), ((1 << 21) / 7 + 521, false)] {
        let channels = channels / 521 * 521;
        let mut description = wide(channels);
        let norms = (0..6).map(|_| heads(521));
        description.operations.extend(norms);
        let refused = ranges(&description).map(|_| ());
        assert_eq!(refused.is_ok(), fits, "{refused:?}");
    }
}

/// Pairs of a rotation are within a head, whatever there is behind it.
#[test]
fn pairs_are_within_a_head() {
    let rotary = Operation::Rotary {
        input: 1,
        of: product(&[&[1]], 2),
        half: 1,
    };
    let error = behind_heads(rotary).unwrap_err();
    assert!(matches!(error, RangeError::Shape { .. }), "{error}");
}
