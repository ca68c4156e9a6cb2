//! What is stored in the weight files beside the tensors that the model calls for.

use super::*;
use cairo_decode::model::Warning;

const BIASES: [&str; 2] = [
    "model.layers.0.self_attn.q_proj.bias",
    "model.layers.1.mlp.up_proj.bias",
];

fn load_tensors(change: impl FnOnce(&mut model_dir::Tensors)) -> Result<Model, ModelError> {
    load(Choices::default(), |dir| {
        let mut tensors = random_tensors(&SHAPE, 1);
        change(&mut tensors);
        std::fs::write(dir.join("model.safetensors"), safetensors_bytes(&tensors)).unwrap();
    })
}

fn plain() -> Model {
    load(Choices::default(), |_| ()).unwrap()
}

/// The tensors with other names.
fn renamed(tensors: &mut model_dir::Tensors, rename: impl Fn(String) -> String) {
    let old = std::mem::take(tensors);
    tensors.extend(old.into_iter().map(|(name, data)| (rename(name), data)));
}

#[test]
fn zero_biases_are_left_out_by_name() {
    let model = load_tensors(|t| {
        for (bias, size) in BIASES.iter().zip([16, 24]) {
            t.insert(bias.to_string(), (vec![size], vec![0.0; size]));
        }
    })
    .unwrap();
    assert_eq!(model.weights, plain().weights);
    let [Warning::ZeroBiases { tensors, .. }] = model.warnings.as_slice() else {
        panic!("{:?}", model.warnings);
    };
    assert_eq!(*tensors, BIASES);
    assert!(warnings(&model).contains(BIASES[0]));
}

#[test]
fn other_biases_are_refused() {
    let mut values = vec![0.0; 16];
    values[15] = 1e-30;
    let error = refused(
        load_tensors(|t| drop(t.insert(BIASES[0].into(), (vec![16], values)))),
        &[BIASES[0], "model.safetensors", "not zero"],
    );
    assert!(matches!(error, ModelError::BiasTensor { .. }));
    // A bias of nothing that the model has is like any other stray tensor.
    let stray = "model.layers.0.self_attn.x_proj.bias";
    let error = refused(
        load_tensors(|t| drop(t.insert(stray.into(), (vec![16], vec![0.0; 16])))),
        &[stray],
    );
    assert!(matches!(error, ModelError::UnexpectedTensor { .. }));
}

#[test]
fn frequencies_of_old_exporters_are_no_matter() {
    let model = load_tensors(|t| {
        for name in [
            "model.layers.0.self_attn.rotary_emb.inv_freq",
            "model.rotary_emb.inv_freq",
            "rotary_emb.inv_freq",
        ] {
            t.insert(name.into(), (vec![2], vec![1.0, 0.5]));
        }
    })
    .unwrap();
    assert_eq!(model.weights, plain().weights);
    assert_eq!(model.warnings, []);
}

#[test]
fn a_model_saved_without_its_head_is_the_same_model() {
    let bare = |name: String| name.strip_prefix("model.").unwrap_or(&name).to_owned();
    let model = load_tensors(|t| renamed(t, bare)).unwrap();
    assert_eq!(model.weights, plain().weights);
    // Its head is nowhere if it was not tied.
    let untied = Shape {
        tied: false,
        ..SHAPE
    };
    let error = load(Choices::default(), |dir| {
        put(dir, "config.json", &config_json(&untied));
        let mut tensors = random_tensors(&SHAPE, 1);
        renamed(&mut tensors, bare);
        std::fs::write(dir.join("model.safetensors"), safetensors_bytes(&tensors)).unwrap();
    });
    let error = refused(error, &["lm_head.weight", "missing"]);
    assert!(matches!(error, ModelError::MissingTensor { .. }));
}

#[test]
fn one_tensor_under_both_names_is_refused() {
    let error = load_tensors(|t| {
        let norm = t["model.norm.weight"].clone();
        t.insert("norm.weight".into(), norm);
    });
    let error = refused(error, &["norm.weight", "twice"]);
    assert!(matches!(error, ModelError::StoredTwice { .. }));
}

#[test]
fn prefixes_are_named() {
    for prefix in ["module.", "_orig_mod.", "language_model."] {
        let error = load_tensors(|t| renamed(t, |name| format!("{prefix}{name}")));
        let error = refused(error, &["model.safetensors", &format!("`{prefix}`")]);
        assert!(matches!(error, ModelError::TensorPrefix { .. }));
    }
    let error = load_tensors(|t| renamed(t, |name| name.replace("model.", "transformer.")));
    let error = refused(error, &["`transformer.`", "`model."]);
    assert!(matches!(error, ModelError::TensorPrefix { .. }));
}
