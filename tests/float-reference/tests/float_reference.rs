//! The float reference forward against an independent implementation (candle's Llama) on random models.

use cairo_decode::model::{Config, Model};
use cairo_decode::quantize::network::Network;
use cairo_decode::quantize::real::{RealState, step};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::llama::{Cache, Config as CandleConfig, Llama};
use std::path::Path;

#[path = "../../support/model_dir.rs"]
mod model_dir;
use model_dir::{Shape, write_model_dir};

fn candle_logits(dir: &Path, config: &Config, mlp: usize, tokens: &[u32]) -> Vec<Vec<f32>> {
    let device = Device::Cpu;
    let tensors = candle_core::safetensors::load(dir.join("model.safetensors"), &device).unwrap();
    let builder = VarBuilder::from_tensors(tensors, DType::F32, &device);
    let candle = CandleConfig {
        hidden_size: config.hidden_size,
        intermediate_size: mlp,
        vocab_size: config.vocab_size,
        num_hidden_layers: config.num_hidden_layers,
        num_attention_heads: config.num_attention_heads,
        num_key_value_heads: config.num_key_value_heads,
        use_flash_attn: false,
        rms_norm_eps: 1e-5,
        rope_theta: 500.0,
        bos_token_id: None,
        eos_token_id: None,
        rope_scaling: None,
        max_position_embeddings: config.max_position_embeddings,
        tie_word_embeddings: config.tie_word_embeddings,
    };
    let llama = Llama::load(builder, &candle).unwrap();
    let mut cache = Cache::new(true, DType::F32, &candle, &device).unwrap();
    let step = |(position, token): (usize, &u32)| {
        let input = Tensor::new(&[[*token]], &device).unwrap();
        let logits = llama.forward(&input, position, &mut cache).unwrap();
        logits.squeeze(0).unwrap().to_vec1().unwrap()
    };
    tokens.iter().enumerate().map(step).collect()
}

fn compare(shape: Shape, seed: u64) {
    let dir = tempfile::tempdir().unwrap();
    write_model_dir(dir.path(), &shape, seed);
    let model = Model::load(dir.path()).unwrap();
    let network = Network::of(&model);
    let tokens: Vec<u32> = (0..24)
        .map(|i| ((i * 7 + seed as usize * 5) % model.config.vocab_size) as u32)
        .collect();

    let mut state = RealState::new(&network);
    let expected = candle_logits(dir.path(), &model.config, shape.mlp, &tokens);
    let mut spread = 0f64;
    for (position, (token, expected)) in tokens.iter().zip(&expected).enumerate() {
        let values = step(&network, &mut state, *token);
        let logits = values.last().unwrap();
        assert_eq!(logits.len(), expected.len());
        for (ours, theirs) in logits.iter().zip(expected) {
            spread = spread.max(f64::from(theirs.abs()));
            assert!(
                (ours - f64::from(*theirs)).abs() < 1e-4,
                "{shape:?}, position {position}: {ours} against {theirs}"
            );
        }
    }
    assert!(spread > 0.5, "{shape:?}: logits too flat to tell anything");
}

#[test]
fn agrees_with_candle() {
    let base = Shape {
        hidden: 32,
        mlp: 48,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        head_dim: 8,
        vocab: 40,
        tied: true,
    };
    let shapes = [
        base,
        Shape {
            tied: false,
            ..base
        },
        Shape {
            kv_heads: 4,
            ..base
        },
        Shape {
            kv_heads: 1,
            layers: 3,
            ..base
        },
        Shape {
            heads: 2,
            kv_heads: 1,
            head_dim: 16,
            mlp: 33,
            tied: false,
            ..base
        },
    ];
    for (seed, shape) in shapes.into_iter().enumerate() {
        compare(shape, seed as u64 + 1);
    }
}
