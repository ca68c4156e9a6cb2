//! Integer models of every family: they follow the floats, and their plans compute what the reference computes.

use std::path::Path;

use cairo_decode::fidelity::{Documents, follow, texts};
use cairo_decode::integers::{Carried, Description, Operation, ranges, step};
use cairo_decode::model::Model;
use cairo_decode::quantize::integer_block::Blocks;
use cairo_decode::quantize::network::Network;
use cairo_decode::quantize::real::{self, RealState};
use cairo_decode::quantize::{Floats, Options, Reference, block, measure, quantise};
use cairo_decode::tensor::plan;
use serde_json::json;

use crate::families::{decoder, gpt2, random, with};
use crate::model_dir::text;
use crate::plans::{LANES, compare};

#[test]
fn integers_follow_floats_and_have_plans() {
    let llama3 = json!({
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 32,
    });
    let yarn = json!({ "type": "yarn", "factor": 2.0, "original_max_position_embeddings": 32 });
    for config in [
        with(
            decoder("llama", "LlamaForCausalLM"),
            json!({ "attention_bias": true, "mlp_bias": true, "rope_scaling": llama3 }),
        ),
        with(
            decoder("qwen2", "Qwen2ForCausalLM"),
            json!({ "rope_scaling": yarn, "tie_word_embeddings": true }),
        ),
        with(
            decoder("smollm3", "SmolLM3ForCausalLM"),
            json!({ "no_rope_layers": [1, 0] }),
        ),
        with(
            decoder("qwen3", "Qwen3ForCausalLM"),
            json!({ "head_dim": 8 }),
        ),
        gpt2(),
        with(
            gpt2(),
            json!({ "tie_word_embeddings": false, "activation_function": "relu", "n_inner": 40 }),
        ),
    ] {
        let model = random(&config, 3);
        let options = Options {
            context: Some(28),
            ..Options::default()
        };
        let of = quantise(&model, &text(12, 1), &options).unwrap();
        let planned = plan(&of.description, LANES, 16).unwrap();
        let tokens: Vec<u32> = (0..24).map(|i| (i * 7 + 3) % 40).collect();
        compare(&of.description, &planned, &tokens);
        // The floats before channels were scaled.
        let network = Network::of(&model);
        let documents = Documents::encode(&text(8, 2), &model.tokenizer).unwrap();
        let mut floats = Floats::new(&network);
        let mut integers = Reference::new(&of);
        let report = follow(&mut floats, 28, &mut integers, &documents).unwrap();
        assert!(
            report.top1_agreement > 0.97 && report.kl_divergence < 5e-4,
            "{config}: {report:?}"
        );
    }
}

/// Queries and keys that are next to nothing beside eps are so in integers, and keys that are all zero are keys.
#[test]
fn norms_of_small_heads_have_their_eps() {
    let config = with(
        decoder("qwen3", "Qwen3ForCausalLM"),
        json!({ "head_dim": 8 }),
    );
    for factor in [1e-7, 0.0] {
        let mut model = random(&config, 3);
        for (name, tensor) in &mut model.weights.tensors {
            let scaled = match factor == 0.0 {
                true => name.contains("k_norm"),
                false => name.contains("q_proj") || name.contains("k_proj"),
            };
            if scaled {
                tensor.data.iter_mut().for_each(|w| *w *= factor);
            }
        }
        let options = Options {
            context: Some(28),
            ..Options::default()
        };
        let of = quantise(&model, &text(12, 1), &options).unwrap();
        let planned = plan(&of.description, LANES, 16).unwrap();
        let tokens: Vec<u32> = (0..24).map(|i| (i * 7 + 3) % 40).collect();
        compare(&of.description, &planned, &tokens);
        let documents = Documents::encode(&text(8, 2), &model.tokenizer).unwrap();
        let (mut floats, mut integers) = (Floats::of(&model), Reference::new(&of));
        let report = follow(&mut floats, 28, &mut integers, &documents).unwrap();
        assert!(
            report.top1_agreement > 0.97 && report.kl_divergence < 5e-4,
            "{factor}: {report:?}"
        );
    }
}

/// A model of somebody else that sorts: every input of six digits.
#[test]
fn all_inputs_are_sorted() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/models/gpt-nano-sort");
    if !shared.is_dir() {
        println!("{} is not there: it is not tested", shared.display());
        return;
    }
    let model = Model::load(&shared).unwrap();
    let calibration = texts::drawn(&model.tokenizer, 1).unwrap();
    let of = quantise(&model, &calibration, &Options::default()).unwrap();
    for number in 0..729 {
        let digits: Vec<u32> = (0..6).map(|place| number / 3u32.pow(place) % 3).collect();
        let mut carried = Carried::new(&of.description);
        let mut sorted = vec![];
        for position in 0..11 {
            let token = match digits.get(position) {
                Some(&digit) => digit,
                None => sorted[position - 6],
            };
            let next = step(&of.description, &mut carried, token).unwrap().token;
            if position >= 5 {
                sorted.push(next);
            }
        }
        let mut expected = digits.clone();
        expected.sort();
        assert_eq!(sorted, expected, "{digits:?}");
    }
}

/// Positions that are computed together have the numbers of positions one by one, bit for bit, in integers and in real numbers; a value that no proof
/// can have ends the integers where it ends them one by one.
#[test]
fn blocks_of_positions_are_steps() {
    let model = random(&gpt2(), 5);
    let mut of = quantise(&model, &text(6, 1), &Options::default()).unwrap();
    let tokens: Vec<u32> = (0..40).map(|i| (i * 11 + 2) % 40).collect();
    let mut state = RealState::new(&of.network);
    let expected: Vec<_> = tokens
        .iter()
        .map(|&token| real::step(&of.network, &mut state, token).pop())
        .collect();
    let mut state = RealState::new(&of.network);
    let mut found = vec![];
    for block in tokens.chunks(23) {
        let mut values = block::steps(&of.network, &mut state, block, |_| true);
        found.extend(values.pop().unwrap().into_iter().map(Some));
    }
    assert_eq!(found, expected);

    let one_by_one = |of: &Description| {
        let mut carried = Carried::new(of);
        let mut logits = vec![];
        for &token in &tokens {
            match step(of, &mut carried, token) {
                Ok(mut step) => logits.push(step.values.pop().unwrap()),
                Err(refusal) => return (logits, Some(refusal)),
            }
        }
        (logits, None)
    };
    let mut carried = Carried::new(&of.description);
    assert_eq!(
        Blocks::of(&of.description).steps(&mut carried, &tokens),
        one_by_one(&of.description)
    );
    assert_eq!(carried.position, tokens.len());
    // A position whose vector is too long for a norm, in the middle of a block.
    let norm = of.description.operations.iter().find_map(|of| match of {
        Operation::Norm { norm, .. } => Some(norm.grain),
        _ => None,
    });
    let long = 1 << (29 - norm.unwrap());
    let positions = of.description.embedding.positions.as_mut().unwrap();
    positions.rows[17] = [long, -long].repeat(16);
    assert!(ranges(&of.description).is_err());
    let mut carried = Carried::new(&of.description);
    let (logits, refusal) = Blocks::of(&of.description).steps(&mut carried, &tokens);
    assert_eq!((logits, refusal), one_by_one(&of.description));
    assert_eq!(carried.position, 17);
}

/// A stream of which one channel is much larger than the others is turned: the floats are the same, and the integers follow them.
#[test]
fn streams_with_a_large_channel_are_turned() {
    for (tied, hidden) in [(true, 48), (false, 32)] {
        let config = with(
            decoder("llama", "LlamaForCausalLM"),
            json!({ "hidden_size": hidden, "head_dim": 8, "tie_word_embeddings": tied }),
        );
        let mut model = random(&config, 3);
        // As published models have it: a channel of the stream that the first layer makes large, and whose gains are small.
        let down = "model.layers.0.mlp.down_proj.weight";
        let down = model.weights.tensors.get_mut(down).unwrap();
        down.data[5 * 48..6 * 48]
            .iter_mut()
            .for_each(|w| *w *= 3000.0);
        let network = Network::of(&model);
        let of = quantise(&model, &text(12, 1), &Options::default()).unwrap();
        let largest = |network| {
            let documents = Documents::encode(&text(4, 1), &model.tokenizer).unwrap();
            let measured = measure(network, &documents);
            measured
                .iter()
                .map(|of| of.stream.plain)
                .fold(0.0, f64::max)
        };
        assert!(largest(&of.network) < 0.3 * largest(&network), "{config}");
        let planned = plan(&of.description, LANES, 16).unwrap();
        let tokens: Vec<u32> = (0..24).map(|i| (i * 7 + 3) % 40).collect();
        compare(&of.description, &planned, &tokens);
        let (mut plain, mut turned) = (RealState::new(&network), RealState::new(&of.network));
        for token in [3, 17, 5, 29, 11] {
            let expected = real::step(&network, &mut plain, token).pop().unwrap();
            let found = real::step(&of.network, &mut turned, token).pop().unwrap();
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-9, "{found} {expected}");
            }
        }
        let documents = Documents::encode(&text(8, 2), &model.tokenizer).unwrap();
        let mut floats = Floats::new(&network);
        let mut integers = Reference::new(&of);
        let report = follow(&mut floats, 64, &mut integers, &documents).unwrap();
        assert!(report.top1_agreement > 0.95, "{config}: {report:?}");
    }
}
