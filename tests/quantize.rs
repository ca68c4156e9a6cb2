//! The parts of quantisation that do not depend on what integers are: texts, what follows the float model and how well.

use std::fs;

use cairo_decode::fidelity::{Documents, Follower, NoProof, Stop, Verdict, follow};
use cairo_decode::model::Model;
use cairo_decode::quantize::{Floats, Options, Reference, ScaleError, quantise};

#[path = "support/model_dir.rs"]
mod model_dir;
#[path = "support/second_model.rs"]
mod second_model;
use model_dir::{
    Shape, Tensors, random_model, random_tensors, safetensors_bytes, text, tokenizer_json,
    write_model_dir,
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

#[test]
fn documents_are_paragraphs() {
    let model = random_model(&SHAPE, 1);
    let documents = Documents::encode("\n\nw3 w4\nw5\n \n\nw6\r\n\r\n", &model.tokenizer).unwrap();
    assert_eq!(
        documents.iter().collect::<Vec<_>>(),
        [&[0, 3, 4, 5][..], &[0, 6]]
    );
    let dir = tempfile::tempdir().unwrap();
    write_model_dir(dir.path(), &SHAPE, 1);
    fs::write(
        dir.path().join("tokenizer.json"),
        tokenizer_json(50).to_string(),
    )
    .unwrap();
    let model = Model::load(dir.path()).unwrap();
    let error = Documents::encode("w3\n\nw45", &model.tokenizer)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("paragraph 2") && error.contains("45"),
        "{error}"
    );
    let error = Documents::encode(" \n\n \n", &model.tokenizer).unwrap_err();
    assert!(error.to_string().contains("no text"), "{error}");
}

/// A value that no proof can have ends its paragraph, and the model is of no use.
#[test]
fn a_stop_is_counted() {
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
    let model = random_model(&SHAPE, 1);
    let documents = Documents::encode("w3 w4 w5 w6\n\nw7", &model.tokenizer).unwrap();
    let mut floats = Floats::of(&model);
    let report = follow(&mut floats, 40, &mut Stops(0), &documents).unwrap();
    assert_eq!((report.documents, report.tokens), (2, 3));
    let stop = Stop {
        document: 1,
        token: 3,
        problem: "too large".to_string(),
    };
    assert_eq!(report.stops, std::slice::from_ref(&stop));
    assert_eq!(report.verdict(), Verdict::Useless);
    // Logits of another vocabulary are no logits of the model.
    struct Short;
    impl Follower for Short {
        fn restart(&mut self) {}
        fn logits(&mut self, _: u32) -> Result<Vec<f64>, NoProof> {
            Ok(vec![0.0; 3])
        }
    }
    let error = follow(&mut floats, 40, &mut Short, &documents).unwrap_err();
    let said = error.to_string();
    assert!(said.contains("3 logits") && said.contains("40"), "{said}");
}

/// The second model, which other tests compile, is one that `compile` builds.
#[test]
fn the_second_model_is_useful() {
    let temp = tempfile::tempdir().unwrap();
    for seed in 5..10 {
        second_model::write_second_model(temp.path(), seed).unwrap();
        let model = Model::load(temp.path()).unwrap();
        let read = |name: &str| fs::read_to_string(temp.path().join(name)).unwrap();
        let quantised = quantise(&model, &read("calibration.txt"), &Options::default()).unwrap();
        let heldout = Documents::encode(&read("heldout.txt"), &model.tokenizer).unwrap();
        let (mut floats, mut integers) = (Floats::of(&model), Reference::new(&quantised));
        let report = follow(&mut floats, 128, &mut integers, &heldout).unwrap();
        assert_eq!(report.verdict(), Verdict::Useful, "{seed}: {report:?}");
    }
}

fn model_with(change: impl FnOnce(&mut Tensors)) -> Model {
    let dir = tempfile::tempdir().unwrap();
    write_model_dir(dir.path(), &SHAPE, 1);
    let mut tensors = random_tensors(&SHAPE, 1);
    change(&mut tensors);
    let bytes = safetensors_bytes(&tensors);
    fs::write(dir.path().join("model.safetensors"), bytes).unwrap();
    Model::load(dir.path()).unwrap()
}

/// All zero, tiny, large and huge weights: integers, or a refusal that names the operation, never a panic.
#[test]
fn survives_odd_models() {
    let quantised = |change: &dyn Fn(&str, &mut f32)| {
        let model = model_with(|tensors| {
            for (name, (_, weights)) in tensors {
                weights.iter_mut().for_each(|weight| change(name, weight));
            }
        });
        let quantised = quantise(&model, &text(6, 1), &Options::default());
        quantised.map(|_| ()).map_err(|error| {
            assert!(matches!(error, ScaleError::Ranges(_)), "{error}");
            error.to_string()
        })
    };
    let all = |factor: f32| quantised(&|_, weight| *weight *= factor);
    let down = |factor: f32| {
        quantised(&|name, weight| {
            if name == "model.layers.1.mlp.down_proj.weight" {
                *weight *= factor;
            }
        })
    };
    for factor in [1.0, 3e3, 1e9] {
        assert_eq!(down(factor), Ok(()), "{factor}");
    }
    for (refused, named) in [
        (all(0.0), "operation 5 (attention)"),
        (all(1e-9), "operation 1 (norm)"),
        (all(1e3), "operation 2 (rotary)"),
        (all(1e30), "operation 0 (embed)"),
        (down(1e20), "operation 18 (residual)"),
    ] {
        let refused = refused.expect_err(named);
        assert!(refused.contains(named), "{refused}");
    }
}
