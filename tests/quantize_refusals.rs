//! What quantisation refuses, by name, and what it must survive.

use cairo_decode::model::Model;
use cairo_decode::quantize::float::Floats;
use cairo_decode::quantize::{
    Documents, Follower, IntegerEngine, NoProof, QuantOptions, QuantizeError, Quantized,
    ReferenceEngine, Site, Stop, Verdict, fidelity, follow, quantize,
};

#[path = "support/families.rs"]
mod families;
#[path = "support/model_dir.rs"]
mod model_dir;
use model_dir::{
    Shape, Tensors, random_model, random_tensors, safetensors_bytes, text, write_model_dir,
};

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

fn model_with(shape: &Shape, change: impl FnOnce(&mut Tensors)) -> Model {
    let dir = tempfile::tempdir().unwrap();
    write_model_dir(dir.path(), shape, 1);
    let mut tensors = random_tensors(shape, 1);
    change(&mut tensors);
    std::fs::write(
        dir.path().join("model.safetensors"),
        safetensors_bytes(&tensors),
    )
    .unwrap();
    Model::load(dir.path()).unwrap()
}

#[test]
fn survives_odd_models() {
    // All zero, tiny and large weights: a graph or a named refusal, never a panic.
    let zero = model_with(&SHAPE, |tensors| {
        tensors.values_mut().for_each(|t| t.1.fill(0.0))
    });
    let graph = quantized(&zero);
    let mut engine = ReferenceEngine::new(&graph.graph);
    assert_eq!(
        fidelity(&zero, &graph, &mut engine, "w3 w4")
            .unwrap()
            .top1_agreement,
        1.0
    );

    let tiny = model_with(&SHAPE, |tensors| {
        tensors
            .values_mut()
            .for_each(|t| t.1.iter_mut().for_each(|v| *v *= 1e-9))
    });
    let error = quantize(&tiny, &text(2, 1), &QuantOptions::default()).map(|_| ());
    assert!(error.is_ok() || error.unwrap_err().to_string().contains("2^"));

    let down = "model.layers.1.mlp.down_proj.weight";
    let large = model_with(&SHAPE, |tensors| {
        tensors
            .get_mut(down)
            .unwrap()
            .1
            .iter_mut()
            .for_each(|v| *v *= 3e3)
    });
    let error = quantize(&large, &text(2, 1), &QuantOptions::default()).unwrap_err();
    assert!(
        matches!(&error, QuantizeError::ResidualScale { matrix, .. } if matrix == "layer1.down_proj"),
        "{error}"
    );

    let huge = model_with(&SHAPE, |tensors| {
        tensors.get_mut(down).unwrap().1.fill(3e38)
    });
    let error = quantize(&huge, &text(2, 1), &QuantOptions::default()).unwrap_err();
    assert!(
        matches!(
            &error,
            QuantizeError::NotFinite {
                site: Site::MlpOutput(1)
            }
        ),
        "{error}"
    );
}

#[test]
fn refusals() {
    let model = random_model(&SHAPE, 1);
    let refused = |text: &str, options: QuantOptions| {
        quantize(&model, text, &options).unwrap_err().to_string()
    };
    let text = text(2, 1);
    for (options, option) in [
        (
            QuantOptions {
                context: Some(0),
                ..Default::default()
            },
            "context",
        ),
        (
            QuantOptions {
                weight_bits: 9,
                ..Default::default()
            },
            "weight_bits",
        ),
        (
            QuantOptions {
                norm_bits: 1,
                ..Default::default()
            },
            "norm_bits",
        ),
        (
            QuantOptions {
                residual_bits: 21,
                ..Default::default()
            },
            "residual_bits",
        ),
        (
            QuantOptions {
                query_bits: 3,
                ..Default::default()
            },
            "query_bits",
        ),
        (
            QuantOptions {
                mix_bits: 9,
                ..Default::default()
            },
            "mix_bits",
        ),
        (
            QuantOptions {
                gate_bits: 5,
                ..Default::default()
            },
            "gate_bits",
        ),
        (
            QuantOptions {
                up_bits: 1,
                ..Default::default()
            },
            "up_bits",
        ),
        (
            QuantOptions {
                down_bits: 17,
                ..Default::default()
            },
            "down_bits",
        ),
    ] {
        assert!(refused(&text, options).contains(&format!("`{option}`")));
    }
    assert!(refused(" \n\n \n", QuantOptions::default()).contains("no text"));
    assert!(serde_json::from_str::<QuantOptions>(r#"{ "norm_bit": 5 }"#).is_err());

    struct Short;
    impl IntegerEngine for Short {
        fn restart(&mut self) {}
        fn logits(&mut self, _: u32) -> Vec<i64> {
            vec![0; 3]
        }
    }
    // A value that no proof can have ends its paragraph, and the model is of no use.
    struct Stops(usize);
    impl Follower for Stops {
        fn restart(&mut self) {
            self.0 = 0;
        }
        fn logits(&mut self, _: u32) -> Result<Vec<f64>, NoProof> {
            self.0 += 1;
            match self.0 {
                3 => Err(NoProof("too large".to_string())),
                _ => Ok(vec![0.0; 40]),
            }
        }
    }
    let documents = Documents::encode("w3 w4 w5 w6\n\nw7", &model.tokenizer).unwrap();
    let report = follow(
        &mut Floats::new(&model).unwrap(),
        40,
        &mut Stops(0),
        &documents,
    )
    .unwrap();
    assert_eq!((report.documents, report.tokens), (2, 3));
    let stop = Stop {
        document: 1,
        token: 3,
        problem: "too large".to_string(),
    };
    assert_eq!(report.stops, std::slice::from_ref(&stop));
    assert_eq!(report.verdict(), Verdict::Useless);
    let error = fidelity(&model, &quantized(&model), &mut Short, &text)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("3 logits") && error.contains("40"),
        "{error}"
    );
}

/// Graphs of steps are made of Llama's plain block only; what is another is named.
#[test]
fn other_families_have_no_graph_of_steps() {
    let llama = || families::decoder("llama", "LlamaForCausalLM");
    let scaled = serde_json::json!({ "rope_scaling": { "type": "linear", "factor": 2.0 } });
    let biased = serde_json::json!({ "attention_bias": true });
    for (config, named) in [
        (families::gpt2(), "`model_type` = \"gpt2\""),
        (families::with(llama(), scaled), "scaled rotation"),
        (families::with(llama(), biased), "biases"),
    ] {
        let model = families::random(&config, 1);
        let error = quantize(&model, &text(2, 1), &QuantOptions::default()).unwrap_err();
        assert!(matches!(error, QuantizeError::NotLlama { .. }), "{error}");
        let message = error.to_string();
        assert!(message.contains(named), "{message}");
    }
}
