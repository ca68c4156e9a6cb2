//! The types of GGUF's tensors against candle's reading of them, on random matrices that candle has rounded.

use cairo_decode::model::Model;
use cairo_decode::model::random::tensors_of;
use candle_core::quantized::gguf_file::{Value, write};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

#[path = "../../support/families.rs"]
mod families;

/// Blocks have up to 256 numbers, and so have rows here.
const WIDTH: usize = 256;

#[test]
fn every_type_of_tensors_is_read_as_candle_reads_it() {
    let sizes = serde_json::json!({
        "hidden_size": WIDTH, "intermediate_size": WIDTH, "num_hidden_layers": 1, "num_attention_heads": 1,
        "num_key_value_heads": 1, "tie_word_embeddings": true,
    });
    let config = families::with(families::decoder("qwen2", "Qwen2ForCausalLM"), sizes);
    let text = config.to_string();
    let path = std::path::Path::new("config.json");
    let (parsed, _) = cairo_decode::model::Config::from_json(text.as_bytes(), path).unwrap();
    let device = Device::Cpu;
    for kind in [
        GgmlDType::F32,
        GgmlDType::F16,
        GgmlDType::BF16,
        GgmlDType::Q4_0,
        GgmlDType::Q4_1,
        GgmlDType::Q5_0,
        GgmlDType::Q5_1,
        GgmlDType::Q8_0,
        GgmlDType::Q2K,
        GgmlDType::Q3K,
        GgmlDType::Q4K,
        GgmlDType::Q5K,
        GgmlDType::Q6K,
        GgmlDType::Q8K,
    ] {
        let mut rounded = vec![];
        for (name, (shape, data)) in tensors_of(&parsed, 11) {
            let kind = match shape.len() {
                1 => GgmlDType::F32,
                _ => kind,
            };
            let tensor = Tensor::from_vec(data, shape, &device).unwrap();
            let tensor = QTensor::quantize(&tensor, kind).unwrap();
            rounded.push((name.clone(), stored_name(&name), tensor));
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rounded.gguf");
        let tensors: Vec<_> = rounded
            .iter()
            .map(|(_, name, of)| (name.as_str(), of))
            .collect();
        let metadata = metadata();
        let metadata: Vec<_> = metadata.iter().map(|(key, value)| (*key, value)).collect();
        let mut file = std::fs::File::create(&path).unwrap();
        write(&mut file, &metadata, &tensors).unwrap();

        let model = Model::load(&path).unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        assert_eq!(model.weights.tensors.len(), rounded.len());
        for (name, _, tensor) in &rounded {
            let expected = tensor.dequantize(&device).unwrap();
            let expected: Vec<f32> = expected.flatten_all().unwrap().to_vec1().unwrap();
            let found = model.weights.data(name);
            assert_eq!(found.len(), expected.len(), "{kind:?} {name}");
            let largest = expected.iter().fold(0f32, |max, x| max.max(x.abs()));
            for (place, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let difference = (found - expected).abs();
                assert!(
                    difference <= 1e-6 * largest,
                    "{kind:?} {name} {place}: {found} {expected}"
                );
            }
        }
    }
}

fn stored_name(name: &str) -> String {
    let parts = [
        ("model.layers.0.", "blk.0."),
        ("model.embed_tokens", "token_embd"),
        ("model.norm", "output_norm"),
        ("input_layernorm", "attn_norm"),
        ("post_attention_layernorm", "ffn_norm"),
        ("self_attn.o_proj", "attn_output"),
        ("self_attn.", "attn_"),
        ("mlp.", "ffn_"),
        ("_proj", ""),
    ];
    let replaced = |name: String, (from, to): &(&str, &str)| name.replace(from, to);
    parts.iter().fold(name.to_owned(), replaced)
}

fn metadata() -> Vec<(&'static str, Value)> {
    let more = (3..families::VOCAB).map(|id| format!("w{id}"));
    let tokens = ["a", "b", "ab"]
        .map(String::from)
        .into_iter()
        .chain(more)
        .collect();
    let texts = |of: Vec<String>| Value::Array(of.into_iter().map(Value::String).collect());
    vec![
        ("general.architecture", Value::String("qwen2".to_owned())),
        ("qwen2.block_count", Value::U32(1)),
        ("qwen2.context_length", Value::U32(64)),
        ("qwen2.embedding_length", Value::U32(WIDTH as u32)),
        ("qwen2.feed_forward_length", Value::U32(WIDTH as u32)),
        ("qwen2.attention.head_count", Value::U32(1)),
        ("qwen2.attention.head_count_kv", Value::U32(1)),
        ("qwen2.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
        ("qwen2.rope.freq_base", Value::F32(500.0)),
        ("tokenizer.ggml.model", Value::String("gpt2".to_owned())),
        ("tokenizer.ggml.pre", Value::String("qwen2".to_owned())),
        ("tokenizer.ggml.tokens", texts(tokens)),
        ("tokenizer.ggml.merges", texts(vec!["a b".to_owned()])),
    ]
}
