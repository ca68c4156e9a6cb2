//! The forward pass of each family, as its description says it, against independent implementations on random models: candle's models, and for GPT-2,
//! which candle does not have, candle's tensors.

use cairo_decode::model::Model;
use cairo_decode::quantize::network::Network;
use cairo_decode::quantize::real::{RealState, step};
use candle_core::{D, DType, Device, Result, Tensor};
use candle_nn::ops::softmax_last_dim;
use candle_nn::{Module, VarBuilder, embedding, layer_norm};
use candle_transformers::models::{llama, mistral, qwen2, qwen3, smol::smollm3};
use serde_json::{Value, json};

#[path = "../../support/families.rs"]
mod families;
use families::{VOCAB, decoder, with};

/// Gives the logits that follow each token.
type Reference = fn(VarBuilder, &Value, &[u32]) -> Result<Vec<Vec<f32>>>;

/// A random model of a configuration follows its reference.
fn compare(config: &Value, reference: Reference) {
    let dir = tempfile::tempdir().unwrap();
    families::write(dir.path(), config, 5);
    let model = Model::load(dir.path()).unwrap();
    let tokens: Vec<u32> = (0..24).map(|i| (i * 7 + 3) % VOCAB as u32).collect();

    let device = Device::Cpu;
    let file = dir.path().join("model.safetensors");
    let tensors = candle_core::safetensors::load(file, &device).unwrap();
    let builder = VarBuilder::from_tensors(tensors, DType::F32, &device);
    let expected = reference(builder, config, &tokens).unwrap();

    let network = Network::of(&model);
    let mut state = RealState::new(&network);
    let mut spread = 0f64;
    for (position, (&token, expected)) in tokens.iter().zip(&expected).enumerate() {
        let values = step(&network, &mut state, token);
        let logits = values.last().unwrap();
        assert_eq!(logits.len(), expected.len());
        for (ours, theirs) in logits.iter().zip(expected) {
            spread = spread.max(ours.abs());
            assert!(
                (ours - f64::from(*theirs)).abs() < 1e-3,
                "{config}, position {position}: {ours} against {theirs}"
            );
        }
    }
    assert!(spread > 0.5, "{config}: logits too flat to tell anything");
}

/// The logits behind each token, one step at a time.
fn steps(
    tokens: &[u32],
    mut forward: impl FnMut(&Tensor, usize) -> Result<Tensor>,
) -> Result<Vec<Vec<f32>>> {
    let step = |(position, token): (usize, &u32)| {
        let input = Tensor::new(&[[*token]], &Device::Cpu)?;
        forward(&input, position)?.flatten_all()?.to_vec1()
    };
    tokens.iter().enumerate().map(step).collect()
}

fn parsed<C: serde::de::DeserializeOwned>(config: &Value) -> C {
    serde_json::from_value(config.clone()).unwrap()
}

#[test]
fn llama_with_stretched_positions() {
    let reference: Reference = |builder, config, tokens| {
        let config: llama::LlamaConfig = parsed(config);
        let config = config.into_config(false);
        let model = llama::Llama::load(builder, &config)?;
        let mut cache = llama::Cache::new(true, DType::F32, &config, &Device::Cpu)?;
        steps(tokens, |input, position| {
            model.forward(input, position, &mut cache)
        })
    };
    let plain = decoder("llama", "LlamaForCausalLM");
    let stretched = json!({ "rope_scaling": {
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 32,
    }});
    for config in [plain.clone(), with(plain, stretched)] {
        compare(&config, reference);
    }
}

#[test]
fn mistral() {
    let config = with(
        decoder("mistral", "MistralForCausalLM"),
        json!({ "sliding_window": 64, "head_dim": 16 }),
    );
    compare(&config, |builder, config, tokens| {
        let config: mistral::Config =
            parsed(&with(config.clone(), json!({ "use_flash_attn": false })));
        let mut model = mistral::Model::new(&config, builder)?;
        steps(tokens, |input, position| model.forward(input, position))
    });
}

#[test]
fn qwen2() {
    let window =
        json!({ "sliding_window": 32, "max_window_layers": 2, "use_sliding_window": false });
    let untied = with(decoder("qwen2", "Qwen2ForCausalLM"), window);
    let tied = with(untied.clone(), json!({ "tie_word_embeddings": true }));
    for config in [untied, tied] {
        compare(&config, |builder, config, tokens| {
            let mut model = qwen2::ModelForCausalLM::new(&parsed(config), builder)?;
            steps(tokens, |input, position| model.forward(input, position))
        });
    }
}

#[test]
fn qwen3() {
    let window =
        json!({ "sliding_window": null, "max_window_layers": 2, "use_sliding_window": false });
    let plain = with(decoder("qwen3", "Qwen3ForCausalLM"), window);
    let sizes = json!({ "head_dim": 16, "attention_bias": false });
    let biased = json!({ "head_dim": 10, "attention_bias": true, "tie_word_embeddings": true });
    for more in [sizes, biased] {
        compare(&with(plain.clone(), more), |builder, config, tokens| {
            let mut model = qwen3::ModelForCausalLM::new(&parsed(config), builder)?;
            steps(tokens, |input, position| model.forward(input, position))
        });
    }
}

#[test]
fn smollm3() {
    let plain = with(
        decoder("smollm3", "SmolLM3ForCausalLM"),
        json!({ "num_hidden_layers": 3, "tie_word_embeddings": true }),
    );
    let listed = json!({ "no_rope_layers": [1, 0, 1], "attention_bias": true, "mlp_bias": true });
    let counted = json!({ "no_rope_layer_interval": 2, "tie_word_embeddings": false });
    for more in [listed, counted] {
        compare(&with(plain.clone(), more), |builder, config, tokens| {
            let mut model = smollm3::ModelForCausalLM::new(&parsed(config), builder)?;
            steps(tokens, |input, position| model.forward(input, position))
        });
    }
}

#[test]
fn gpt2() {
    let plain = families::gpt2();
    for more in [
        json!({}),
        json!({ "tie_word_embeddings": false, "n_inner": 48, "scale_attn_by_inverse_layer_idx": true }),
        json!({ "activation_function": "relu", "scale_attn_weights": false }),
    ] {
        compare(&with(plain.clone(), more), gpt2_logits);
    }
}

/// GPT-2 as its paper and its first implementation have it: all positions at once, behind a mask.
fn gpt2_logits(builder: VarBuilder, config: &Value, tokens: &[u32]) -> Result<Vec<Vec<f32>>> {
    let size = |key: &str| config[key].as_u64().unwrap() as usize;
    let (width, heads) = (size("n_embd"), size("n_head"));
    let inner = config["n_inner"].as_u64().map_or(4 * width, |n| n as usize);
    let count = tokens.len();
    let root = builder.pp("transformer");
    let words = embedding(VOCAB, width, root.pp("wte"))?;
    let places = embedding(size("n_positions"), width, root.pp("wpe"))?;
    let ids = Tensor::new(tokens, &Device::Cpu)?;
    let positions = Tensor::arange(0u32, count as u32, &Device::Cpu)?;
    let mut stream = (words.forward(&ids)? + places.forward(&positions)?)?;
    let mask: Vec<f32> = (0..count * count)
        .map(|i| {
            if i % count > i / count {
                f32::NEG_INFINITY
            } else {
                0.0
            }
        })
        .collect();
    let mask = Tensor::from_vec(mask, (1, count, count), &Device::Cpu)?;
    // A convolution of one position: [inputs, outputs].
    let conv = |x: &Tensor, at: VarBuilder, inputs, outputs| -> Result<Tensor> {
        let weight = at.get((inputs, outputs), "weight")?;
        x.matmul(&weight)?.broadcast_add(&at.get(outputs, "bias")?)
    };
    for layer in 0..size("n_layer") {
        let at = root.pp(format!("h.{layer}"));
        let normed = layer_norm(width, 1e-5, at.pp("ln_1"))?.forward(&stream)?;
        let all = conv(&normed, at.pp("attn.c_attn"), width, 3 * width)?;
        let part = |number: usize| -> Result<Tensor> {
            let part = all.narrow(1, number * width, width)?;
            part.reshape((count, heads, width / heads))?
                .transpose(0, 1)?
                .contiguous()
        };
        let mut scores = part(0)?.matmul(&part(1)?.transpose(1, 2)?.contiguous()?)?;
        if config["scale_attn_weights"] != false {
            scores = (scores / ((width / heads) as f64).sqrt())?;
        }
        if config["scale_attn_by_inverse_layer_idx"] == true {
            scores = (scores / (layer + 1) as f64)?;
        }
        let weights = softmax_last_dim(&scores.broadcast_add(&mask)?)?;
        let mixed = weights.matmul(&part(2)?)?.transpose(0, 1)?;
        let mixed = mixed.reshape((count, width))?;
        stream = (stream + conv(&mixed, at.pp("attn.c_proj"), width, width)?)?;
        let normed = layer_norm(width, 1e-5, at.pp("ln_2"))?.forward(&stream)?;
        let hidden = conv(&normed, at.pp("mlp.c_fc"), width, inner)?;
        let hidden = match config["activation_function"] == "relu" {
            true => hidden.relu()?,
            // candle's gelu is the one with tanh.
            false => hidden.gelu()?,
        };
        stream = (stream + conv(&hidden, at.pp("mlp.c_proj"), inner, width)?)?;
    }
    let normed = layer_norm(width, 1e-5, root.pp("ln_f"))?.forward(&stream)?;
    let head = match config["tie_word_embeddings"] == false {
        true => builder.get((VOCAB, width), "lm_head.weight")?,
        false => words.embeddings().clone(),
    };
    let logits = normed.matmul(&head.t()?)?;
    assert_eq!(logits.dim(D::Minus1)?, VOCAB);
    logits.to_vec2()
}
