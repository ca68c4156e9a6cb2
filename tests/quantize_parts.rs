//! The parts of quantisation: documents, matrices, statistics.

use cairo_decode::model::Model;
use cairo_decode::quantize::llama::Matrix;
use cairo_decode::quantize::{Documents, Folding, Site, Statistics, quantize_matrix};

#[path = "support/model_dir.rs"]
mod model_dir;
use model_dir::{Shape, random_model, text, tokenizer_json, write_model_dir};

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
    std::fs::write(
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
}

#[test]
fn matrices_take_the_scale_of_least_error() {
    fn matrix(data: &[f32]) -> Matrix<'_> {
        Matrix {
            rows: 1,
            cols: data.len(),
            data,
        }
    }
    let plain = Folding {
        gain: None,
        factor: 1.0,
    };
    let quantize = |data: &[f32], folding, energy: &[f64], max| {
        quantize_matrix("m", &matrix(data), folding, energy, 127, max)
    };

    let exact = quantize(&[0.5, -1.0, 0.25], plain, &[], 24).unwrap();
    assert_eq!((exact.exponent, exact.matrix.data), (6, vec![32, -64, 16]));
    assert_eq!(
        quantize(&[0.5, -1.0, 0.25], plain, &[], 3)
            .unwrap()
            .matrix
            .data,
        [4, -8, 2]
    );
    assert_eq!(quantize(&[0.0; 3], plain, &[], 24).unwrap().exponent, 16);
    let folded = quantize(
        &[0.5, -1.0],
        Folding {
            gain: Some(&[2.0, 0.5]),
            factor: 0.5,
        },
        &[],
        4,
    )
    .unwrap();
    assert_eq!(folded.matrix.data, [8, -4]);

    // Many small weights beside a large one: worth saturating if the large one's input is quiet.
    let mut weights = vec![0.003_f32; 64];
    weights[0] = 1.0;
    let mut energy = vec![1.0; 64];
    assert_eq!(quantize(&weights, plain, &energy, 24).unwrap().exponent, 6);
    energy[0] = 1e-9;
    let saturated = quantize(&weights, plain, &energy, 24).unwrap();
    assert_eq!((saturated.exponent, saturated.matrix.data[0]), (8, 127));

    let error = quantize(&[1e-9], plain, &[], 40).unwrap_err().to_string();
    assert!(error.contains("`m`") && error.contains("2^"), "{error}");
}

#[test]
fn statistics_know_the_distribution() {
    let model = random_model(&SHAPE, 1);
    let documents = Documents::encode(&text(6, 1), &model.tokenizer).unwrap();
    let statistics = Statistics::collect(&model, &documents, 64).unwrap();
    let histogram = statistics.histogram(Site::AttentionInput(0));
    // Roughly normal with unit variance: two thirds within one, and the percentiles in order.
    let median = histogram.percentile(0.68);
    assert!((0.8..1.2).contains(&median), "{median}");
    assert!(histogram.percentile(0.9999) <= histogram.max());
    assert!(histogram.percentile(0.5) < histogram.percentile(0.99));
    assert_eq!(histogram.percentile(1.0), histogram.max());
    assert!(histogram.error(5, 127) < histogram.error(4, 127));
    assert!(histogram.error(5, 127) < histogram.error(9, 127));
    assert_eq!(
        statistics.energy(Site::AttentionInput(0)).len(),
        SHAPE.hidden
    );
    assert!(statistics.energy(Site::Score(0)).is_empty());
    assert_eq!(statistics.histogram(Site::Key(9)).max(), 0.0);
}
