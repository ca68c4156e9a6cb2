//! The quantiser on random models of several shapes.

use cairo_decode::fidelity::Documents;
use cairo_decode::integers::{Carried, Operation, Refusal, step};
use cairo_decode::model::Model;
use cairo_decode::quantize::network::{Function, Network, Product, Real, Site};
use cairo_decode::quantize::real::{self, RealState};
use cairo_decode::quantize::{Options, Quantised, ScaleError, quantise, quantise_on};

use crate::model_dir::{Random, Shape, random_model, text};

const SHAPE: Shape = Shape {
    hidden: 32,
    mlp: 48,
    layers: 2,
    heads: 4,
    kv_heads: 2,
    head_dim: 8,
    vocab: 40,
    tied: true,
};

fn quantised(model: &Model) -> Quantised {
    quantise(model, &text(6, 1), &Options::default()).unwrap()
}

/// The root of the mean square error of logits, and of the logits themselves, over some steps.
fn errors(of: &Quantised, tokens: &[u32]) -> [f64; 2] {
    let (mut state, mut carried) = (RealState::new(&of.network), Carried::new(&of.description));
    let [mut error, mut size, mut count] = [0.0; 3];
    for &token in tokens {
        let expected = real::step(&of.network, &mut state, token).pop().unwrap();
        let found = step(&of.description, &mut carried, token).unwrap().values;
        let scale = of.scales.last().unwrap();
        for (x, y) in found.last().unwrap().iter().zip(expected) {
            error += (*x as f64 / scale - y).powi(2);
            size += y * y;
            count += 1.0;
        }
    }
    [error, size].map(|sum: f64| (sum / count).sqrt())
}

#[test]
fn shapes_of_llama_are_followed() {
    let wide_heads = Shape {
        hidden: 24,
        kv_heads: 1,
        head_dim: 10,
        tied: false,
        ..SHAPE
    };
    let untied = Shape {
        tied: false,
        ..SHAPE
    };
    let all_heads = Shape {
        kv_heads: 4,
        ..SHAPE
    };
    for (seed, shape) in (1..).zip([SHAPE, untied, all_heads, wide_heads]) {
        let of = quantised(&random_model(&shape, seed));
        let tokens: Vec<u32> = (0..40).map(|i| (i * 7 + 3) % 40).collect();
        let [error, size] = errors(&of, &tokens);
        assert!(error < 0.004 * size, "{shape:?}: {error} of {size}");
    }
}

/// The same model and text give the same integers.
#[test]
fn quantisation_repeats() {
    let model = random_model(&SHAPE, 3);
    let [a, b] = [0, 1].map(|_| quantised(&model));
    assert_eq!(a.description, b.description);
    assert_eq!(a.scales, b.scales);
}

/// A network with learned positions, biases, a function without a gate, and an output matrix of its own.
fn other_family(seed: u64) -> Network {
    let mut random = Random(seed);
    let mut rows = |outputs: usize, inputs: usize, size: f64| -> Vec<Vec<f64>> {
        let numbers = outputs * inputs;
        let all: Vec<f64> = (0..numbers)
            .map(|_| size * f64::from(random.normal()))
            .collect();
        all.chunks(inputs).map(<[f64]>::to_vec).collect()
    };
    let [tokens, positions, output] =
        [(20, 1.0), (24, 0.3), (20, 0.5)].map(|(n, size)| rows(n, 16, size));
    let mut product = |outputs, inputs| Product {
        weights: rows(outputs, inputs, 0.3),
        bias: rows(1, outputs, 0.2).remove(0),
    };
    let operations = vec![
        Real::Embed,
        Real::Norm {
            input: 0,
            centred: true,
            groups: 1,
            eps: 1e-5,
        },
        Real::Linear {
            input: 1,
            of: product(16, 16),
        },
        Real::Linear {
            input: 1,
            of: product(16, 16),
        },
        Real::Linear {
            input: 1,
            of: product(16, 16),
        },
        Real::Attention {
            queries: 2,
            keys: 3,
            values: 4,
            heads: 2,
            kv_heads: 2,
            head_dim: 8,
        },
        Real::Residual {
            stream: 0,
            input: 5,
            of: product(16, 16),
        },
        Real::Norm {
            input: 6,
            centred: true,
            groups: 1,
            eps: 1e-5,
        },
        Real::Function {
            input: 7,
            of: product(48, 16),
            function: Function::GeluTanh,
        },
        Real::Residual {
            stream: 6,
            input: 8,
            of: product(16, 48),
        },
        Real::Norm {
            input: 9,
            centred: true,
            groups: 1,
            eps: 1e-5,
        },
        Real::Head { input: 10 },
    ];
    let sites = (0..operations.len()).map(|i| Site {
        part: "part",
        layer: Some(i),
    });
    Network {
        context: 24,
        tokens,
        positions: Some(positions),
        output: Some(output),
        frequencies: vec![],
        sites: sites.collect(),
        operations,
    }
}

/// Documents of tokens that a tokenizer of this size knows.
fn documents() -> Documents {
    let shape = Shape { vocab: 20, ..SHAPE };
    let model = random_model(&shape, 1);
    let words: Vec<String> = (0..200)
        .map(|i| format!("w{}", (i * 11) % 15 + 4))
        .collect();
    Documents::encode(&words.join(" "), &model.tokenizer).unwrap()
}

#[test]
fn another_family_is_a_list_of_operations() {
    for seed in 1..4 {
        let of = quantise_on(other_family(seed), &documents(), &Options::default()).unwrap();
        let tokens: Vec<u32> = (0..24).map(|i| (i * 7 + 3) % 20).collect();
        let [error, size] = errors(&of, &tokens);
        assert!(error < 0.003 * size, "{error} of {size}");
    }
}

/// Heads with one function share its table.
#[test]
fn tables_are_shared() {
    let of = quantised(&random_model(&SHAPE, 1));
    assert_eq!(of.description.tables.len(), 2);
    let gated = |operation: &&Operation| matches!(operation, Operation::Gated { .. });
    assert_eq!(of.description.operations.iter().filter(gated).count(), 2);
}

#[test]
fn values_that_are_not_finite_are_named() {
    let mut network = other_family(1);
    if let Real::Norm { eps, .. } = &mut network.operations[1] {
        *eps = -1e9;
    }
    network.sites[1].part = "attention_norm";
    let error = quantise_on(network, &documents(), &Options::default()).unwrap_err();
    assert!(
        error.to_string().starts_with("layer1.attention_norm"),
        "{error}"
    );
}

/// Mixtures of more keys than their range has room for have no scale that fits: the error names the operation.
#[test]
fn ranges_that_do_not_fit_are_refused() {
    let mut network = other_family(1);
    network.positions = None;
    network.context = 49_000;
    assert!(quantise_on(network.clone(), &documents(), &Options::default()).is_ok());
    network.context = 50_000;
    let error = quantise_on(network, &documents(), &Options::default()).map(|_| ());
    let error = error.unwrap_err();
    assert!(matches!(error, ScaleError::Ranges(_)), "{error}");
    assert!(
        error
            .to_string()
            .contains("operation 5 (attention): a mixture can reach"),
        "{error}"
    );
}

/// What a step is checked for is so many times what calibration saw: with less than that there, a step is refused by the operation whose range it leaves.
#[test]
fn a_step_that_leaves_a_checked_range_is_refused() {
    let of = |margin| {
        let options = Options {
            margin,
            ..Options::default()
        };
        quantise_on(other_family(1), &documents(), &options).unwrap()
    };
    let steps = |of: &Quantised| {
        let mut carried = Carried::new(&of.description);
        let mut tokens = (0..24).map(|i| (i * 7 + 3) % 20);
        tokens.try_for_each(|token| step(&of.description, &mut carried, token).map(|_| ()))
    };
    assert_eq!(steps(&of(Options::default().margin)), Ok(()));
    let refusal = steps(&of(1.0 / 64.0)).unwrap_err();
    assert!(matches!(refusal, Refusal::Bits { .. }), "{refusal}");
}
