//! Float model to integer graph: form, ranges, determinism and fidelity.

use cairo_decode::ir::{KvCache, Len, Op, run_step};
use cairo_decode::model::Model;
use cairo_decode::quantize::float::{FloatModel, Observer};
use cairo_decode::quantize::{
    QuantOptions, Quantized, ReferenceEngine, Site, Verdict, fidelity, model_root, quantize,
};
use std::collections::BTreeMap;
use std::path::Path;

#[path = "support/model_dir.rs"]
mod model_dir;
#[path = "support/second_model.rs"]
mod second_model;
use model_dir::{Shape, random_model, text};

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

fn quantized(model: &Model) -> Quantized {
    quantize(model, &text(6, 1), &QuantOptions::default()).unwrap()
}

#[test]
fn follows_the_float_model() {
    let wide_heads = Shape {
        hidden: 24,
        heads: 4,
        kv_heads: 1,
        head_dim: 10,
        tied: false,
        ..SHAPE
    };
    for (seed, shape) in [
        SHAPE,
        Shape {
            tied: false,
            ..SHAPE
        },
        Shape {
            kv_heads: 4,
            ..SHAPE
        },
        wide_heads,
    ]
    .iter()
    .enumerate()
    {
        let model = random_model(shape, seed as u64 + 1);
        let quantized = quantized(&model);
        let mut engine = ReferenceEngine::new(&quantized.graph);
        let report = fidelity(&model, &quantized, &mut engine, &text(6, 2)).unwrap();
        assert_eq!((report.documents, report.tokens), (6, 72));
        // Standard deviation of these models' logits: a tied table has rows of length √hidden.
        let spread = if shape.tied {
            (shape.hidden as f64).sqrt()
        } else {
            1.0
        };
        assert!(report.logit_rmse < 0.1 * spread, "{shape:?}: {report:?}");
        assert!(report.top1_agreement > 0.85, "{shape:?}: {report:?}");
        assert!(
            report.kl_divergence >= 0.0 && report.kl_divergence < 0.01,
            "{shape:?}: {report:?}"
        );
    }
}

/// The second model, which other tests compile, is one that `compile` builds.
#[test]
fn the_second_model_is_useful() {
    let temp = tempfile::tempdir().unwrap();
    for seed in 5..10 {
        second_model::write_second_model(temp.path(), seed).unwrap();
        let model = Model::load(temp.path()).unwrap();
        let read = |name: &str| std::fs::read_to_string(temp.path().join(name)).unwrap();
        let quantized =
            quantize(&model, &read("calibration.txt"), &QuantOptions::default()).unwrap();
        let mut engine = ReferenceEngine::new(&quantized.graph);
        let report = fidelity(&model, &quantized, &mut engine, &read("heldout.txt")).unwrap();
        assert_eq!(report.verdict(), Verdict::Useful, "{seed}: {report:?}");
    }
}

#[test]
fn values_stand_for_the_float_sites() {
    #[derive(Default)]
    struct Sites(BTreeMap<Site, Vec<f32>>);
    impl Observer for Sites {
        fn see(&mut self, site: Site, values: &[f32]) {
            self.0.insert(site, values.to_vec());
        }
    }
    let model = random_model(&SHAPE, 1);
    let quantized = quantized(&model);
    let float = FloatModel::new(&model).unwrap();
    let (mut state, mut cache) = (float.start(), KvCache::new(SHAPE.layers));
    for (position, token) in [0, 7, 30, 12, 7].into_iter().enumerate() {
        let mut sites = Sites::default();
        float.step(&mut state, token, &mut sites);
        let values = run_step(&quantized.graph, &mut cache, token);
        for (index, node) in quantized.graph.nodes.iter().enumerate() {
            let integers = values.get(cairo_decode::ir::ValueId(index as u32));
            assert!(
                integers.iter().all(|&x| node.range.contains(x)),
                "{} leaves its range",
                node.label
            );
            let site = match node.label.as_str() {
                "embed" => Site::Residual(0),
                "layer0.attn_norm" => Site::AttentionInput(0),
                "layer0.q" => Site::Query(0),
                "layer1.k" => Site::Key(1),
                "layer1.v" => Site::Value(1),
                "layer1.mix" => Site::Mixed(1),
                "layer0.gate" => Site::Gate(0),
                "layer0.up" => Site::Up(0),
                "layer1.gated" => Site::Gated(1),
                "layer0.mlp_residual" => Site::Residual(1),
                "layer1.mlp_residual" => Site::Residual(2),
                "final_norm" => Site::FinalInput,
                "lm_head" => Site::Logits,
                _ => continue,
            };
            let scale = (-f64::from(quantized.fractional_bits[index])).exp2();
            let expected = &sites.0[&site];
            let size = (expected.iter().map(|v| f64::from(v * v)).sum::<f64>()
                / expected.len() as f64)
                .sqrt();
            assert_eq!(integers.len(), expected.len());
            let squares = integers
                .iter()
                .zip(expected)
                .map(|(&x, &y)| (x as f64 * scale - f64::from(y)).powi(2));
            let error = (squares.sum::<f64>() / expected.len() as f64).sqrt();
            assert!(
                error < 0.08 * size,
                "{} at {position}: error {error}, size {size}",
                node.label
            );
        }
    }
}

#[test]
fn same_input_same_graph() {
    let model = random_model(&SHAPE, 1);
    let first = quantized(&model);
    assert_eq!(first, quantized(&random_model(&SHAPE, 1)));
    assert_eq!(first.fractional_bits.len(), first.graph.nodes.len());

    let root =
        |config: &[u8; 32], tokenizer: &[u8; 32]| model_root(&first.graph, config, tokenizer);
    assert_eq!(
        first.model_root,
        root(&model.config_digest, &model.tokenizer_digest)
    );
    assert_ne!(first.model_root, root(&[0; 32], &model.tokenizer_digest));
    assert_ne!(first.model_root, root(&model.config_digest, &[0; 32]));
    let other = QuantOptions {
        residual_bits: 9,
        ..QuantOptions::default()
    };
    assert_ne!(
        first.model_root,
        quantize(&model, &text(6, 1), &other).unwrap().model_root
    );

    let mut graph = (*first.graph).clone();
    graph.matrices[3].data[5] ^= 1;
    assert_ne!(
        first.model_root,
        model_root(&graph, &model.config_digest, &model.tokenizer_digest)
    );
    let mut graph = (*first.graph).clone();
    graph.tables.embedding.data[5] ^= 1;
    assert_ne!(
        first.model_root,
        model_root(&graph, &model.config_digest, &model.tokenizer_digest)
    );
    let mut graph = (*first.graph).clone();
    graph.tables.rope_cos[0] -= 1;
    assert_ne!(
        first.model_root,
        model_root(&graph, &model.config_digest, &model.tokenizer_digest)
    );
}

#[test]
fn graph_has_the_promised_form() {
    let model = random_model(
        &Shape {
            tied: false,
            ..SHAPE
        },
        2,
    );
    let options = QuantOptions {
        context: Some(16),
        ..QuantOptions::default()
    };
    let quantized = quantize(&model, &text(4, 3), &options).unwrap();
    let graph = &quantized.graph;
    assert_eq!(
        (
            graph.name.as_str(),
            graph.shape.context,
            graph.matrices.len()
        ),
        ("model", 16, 7 * 2 + 1)
    );
    assert_eq!(graph.tables.rope_cos.len(), 16 * 4);
    // cos 0 is stored as 1 - 2^-14; sin(1) for the first pair at position 1.
    assert_eq!(
        (graph.tables.rope_cos[0], graph.tables.rope_sin[0]),
        (16383, 0)
    );
    assert_eq!(graph.tables.rope_sin[4], 13787);
    assert_eq!(
        (graph.tables.exp2[0], graph.tables.exp2[64]),
        (32768, 23170)
    );
    assert_eq!(
        (graph.tables.sigmoid[128], graph.tables.sigmoid[144]),
        (16384, 23955)
    );
    let first = |label: &str| graph.nodes.iter().find(|node| node.label == label).unwrap();
    for label in ["layer0.k", "layer0.v", "layer1.k", "layer1.v"] {
        assert!(first(label).range.magnitude() <= 127, "{label}");
    }
    assert_eq!(first("lm_head").len, Len::Fixed(40));
    assert!(matches!(graph.nodes.last().unwrap().op, Op::Argmax { .. }));
    for node in &graph.nodes {
        if let Op::Linear { x, .. } = node.op {
            assert!(
                graph.node(x).range.magnitude() < 1 << 10,
                "{}: input wider than 11 bits",
                node.label
            );
            assert!(node.range.magnitude() < 1 << 23, "{}", node.label);
        }
    }
}

/// The demo model meets the project's target with margin.
#[test]
fn demo_model_is_faithful() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/stories");
    let model = Model::load(&dir).unwrap();
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
    let quantized = quantize(&model, &read("calibration.txt"), &QuantOptions::default()).unwrap();
    let heldout: Vec<String> = read("heldout.txt")
        .split("\n\n")
        .take(10)
        .map(str::to_owned)
        .collect();
    let mut engine = ReferenceEngine::new(&quantized.graph);
    let report = fidelity(&model, &quantized, &mut engine, &heldout.join("\n\n")).unwrap();
    assert!(report.tokens > 500, "{report:?}");
    assert!(report.top1_agreement > 0.97, "{report:?}");
    assert!(report.perplexity_ratio < 1.02, "{report:?}");
}
