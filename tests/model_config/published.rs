//! Configurations as models are published with: what they say of the forward pass, in the spelling of their files. Each loads, or is refused by the
//! name of what is not supported.

use super::*;
use cairo_decode::model::forward::Operation;
use cairo_decode::model::rope::Scaling;

/// Facts of a configuration that loads.
struct Facts {
    family: &'static str,
    parameters: u64,
    head_dim: usize,
    theta: f64,
    eos: &'static [u32],
    window: Option<usize>,
    /// How many matrices have biases, and how many products are rotated.
    biases: usize,
    rotated: usize,
}

fn llama(sizes: [usize; 6], more: Value) -> Value {
    decoder("llama", "LlamaForCausalLM", sizes, more)
}

/// `hidden_size`, `intermediate_size`, layers, heads, key/value heads, vocabulary.
fn decoder(family: &str, class: &str, sizes: [usize; 6], more: Value) -> Value {
    let [hidden, mlp, layers, heads, kv_heads, vocab] = sizes;
    let mut config = json!({
        "architectures": [class], "model_type": family, "hidden_size": hidden, "intermediate_size": mlp,
        "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": kv_heads,
        "vocab_size": vocab, "hidden_act": "silu", "initializer_range": 0.02, "use_cache": true,
        "torch_dtype": "bfloat16", "transformers_version": "4.40.1", "rms_norm_eps": 1e-5,
    });
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    config
}

/// What loads: a name for messages, the configuration, the facts.
fn accepted() -> Vec<(&'static str, Value, Facts)> {
    let plain = Facts {
        family: "llama",
        parameters: 0,
        head_dim: 64,
        theta: 10_000.0,
        eos: &[2],
        window: None,
        biases: 0,
        rotated: 0,
    };
    let llama3 = json!({
        "factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
        "original_max_position_embeddings": 8192, "rope_type": "llama3",
    });
    vec![
        (
            "SmolLM2-135M-Instruct",
            llama(
                [576, 1536, 30, 9, 3, 49152],
                json!({
                    "attention_bias": false, "bos_token_id": 1, "eos_token_id": 2, "is_llama_config": true,
                    "max_position_embeddings": 8192, "mlp_bias": false, "pad_token_id": 2, "pretraining_tp": 1,
                    "rope_interleaved": false, "rope_scaling": null, "rope_theta": 100000, "tie_word_embeddings": true,
                }),
            ),
            Facts {
                parameters: 134_515_008,
                theta: 1e5,
                rotated: 60,
                ..plain
            },
        ),
        (
            "TinyLlama-1.1B",
            llama(
                [2048, 5632, 22, 32, 4, 32000],
                json!({
                    "bos_token_id": 1, "eos_token_id": 2, "max_position_embeddings": 2048, "pretraining_tp": 1,
                    "rope_scaling": null, "tie_word_embeddings": false, "rope_theta": 10000.0,
                }),
            ),
            Facts {
                parameters: 1_100_048_384,
                rotated: 44,
                ..plain
            },
        ),
        (
            "Llama-2-7b",
            llama(
                [4096, 11008, 32, 32, 32, 32000],
                json!({
                    "_name_or_path": "meta-llama/Llama-2-7b-hf", "bos_token_id": 1, "eos_token_id": 2,
                    "max_position_embeddings": 4096, "pretraining_tp": 1, "rope_scaling": null, "tie_word_embeddings": false,
                }),
            ),
            Facts {
                parameters: 6_738_415_616,
                head_dim: 128,
                rotated: 64,
                ..plain
            },
        ),
        (
            "Llama-3.1-8B-Instruct",
            llama(
                [4096, 14336, 32, 32, 8, 128256],
                json!({
                    "attention_bias": false, "mlp_bias": false, "bos_token_id": 128000,
                    "eos_token_id": [128001, 128008, 128009], "max_position_embeddings": 131072, "rope_theta": 500000.0,
                    "rope_scaling": {
                        "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                        "original_max_position_embeddings": 8192, "rope_type": "llama3",
                    },
                }),
            ),
            Facts {
                parameters: 8_030_261_248,
                head_dim: 128,
                theta: 5e5,
                eos: &[128_001, 128_008, 128_009],
                rotated: 64,
                ..plain
            },
        ),
        (
            "Llama-3.2-1B, as transformers 5 saves it",
            llama(
                [2048, 8192, 16, 32, 8, 128256],
                json!({
                    "bos_token_id": 128000, "eos_token_id": 128001, "head_dim": 64, "max_position_embeddings": 131072,
                    "tie_word_embeddings": true, "dtype": "bfloat16",
                    "rope_parameters": {
                        "factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "rope_theta": 500000.0,
                        "original_max_position_embeddings": 8192, "rope_type": "llama3",
                    },
                }),
            ),
            Facts {
                parameters: 1_235_814_400,
                theta: 5e5,
                eos: &[128_001],
                rotated: 32,
                ..plain
            },
        ),
        (
            "Llama-3.2-3B",
            llama(
                [3072, 8192, 28, 24, 8, 128256],
                json!({
                    "bos_token_id": 128000, "eos_token_id": 128001, "head_dim": 128, "max_position_embeddings": 131072,
                    "tie_word_embeddings": true, "rope_theta": 500000.0, "rope_scaling": llama3,
                }),
            ),
            Facts {
                parameters: 3_212_749_824,
                head_dim: 128,
                theta: 5e5,
                eos: &[128_001],
                rotated: 56,
                ..plain
            },
        ),
        (
            "llama-7b of the first days",
            llama(
                [4096, 11008, 32, 32, 32, 32000],
                json!({
                    "architectures": ["LLaMAForCausalLM"], "bos_token_id": 0, "eos_token_id": 1,
                    "max_position_embeddings": 2048, "max_sequence_length": 2048, "pad_token_id": -1, "rope_theta": 10000,
                }),
            ),
            Facts {
                parameters: 6_738_415_616,
                head_dim: 128,
                eos: &[1],
                rotated: 64,
                ..plain
            },
        ),
        (
            "deepseek-coder-1.3b",
            llama(
                [2048, 5504, 24, 16, 16, 32256],
                json!({
                    "bos_token_id": 32013, "eos_token_id": 32014, "max_position_embeddings": 16384, "pretraining_tp": 1,
                    "rope_scaling": { "factor": 4.0, "type": "linear" }, "rope_theta": 100000, "tie_word_embeddings": false,
                }),
            ),
            Facts {
                parameters: 1_346_471_936,
                head_dim: 128,
                theta: 1e5,
                eos: &[32_014],
                rotated: 48,
                ..plain
            },
        ),
        (
            "Yarn-Llama-2-7b-128k",
            llama(
                [4096, 11008, 32, 32, 32, 32000],
                json!({
                    "auto_map": { "AutoModelForCausalLM": "modeling_llama_together_yarn.LlamaForCausalLM" },
                    "bos_token_id": 1, "eos_token_id": 2, "max_position_embeddings": 131072, "rope_theta": 10000,
                    "rope_scaling": {
                        "factor": 32.0, "finetuned": true, "original_max_position_embeddings": 4096, "type": "yarn",
                    },
                }),
            ),
            Facts {
                parameters: 6_738_415_616,
                head_dim: 128,
                rotated: 64,
                ..plain
            },
        ),
        (
            "a Llama with biases (InternLM, converted)",
            llama(
                [4096, 11008, 32, 32, 32, 103168],
                json!({
                    "attention_bias": true, "bos_token_id": 1, "eos_token_id": 2, "max_position_embeddings": 2048,
                    "rope_theta": 10000,
                }),
            ),
            Facts {
                parameters: 7_321_948_160,
                head_dim: 128,
                biases: 128,
                rotated: 64,
                ..plain
            },
        ),
        (
            "Mistral-7B-v0.1",
            decoder(
                "mistral",
                "MistralForCausalLM",
                [4096, 14336, 32, 32, 8, 32000],
                json!({
                    "bos_token_id": 1, "eos_token_id": 2, "max_position_embeddings": 32768, "rope_theta": 10000.0,
                    "sliding_window": 4096, "tie_word_embeddings": false,
                }),
            ),
            Facts {
                family: "mistral",
                parameters: 7_241_732_096,
                head_dim: 128,
                window: Some(4096),
                rotated: 64,
                ..plain
            },
        ),
        (
            "Mistral-Nemo-2407",
            decoder(
                "mistral",
                "MistralForCausalLM",
                [5120, 14336, 40, 32, 8, 131072],
                json!({
                    "bos_token_id": 1, "eos_token_id": 2, "head_dim": 128, "max_position_embeddings": 131072,
                    "rope_theta": 1000000.0, "sliding_window": null, "tie_word_embeddings": false,
                }),
            ),
            Facts {
                family: "mistral",
                parameters: 12_247_782_400,
                head_dim: 128,
                theta: 1e6,
                rotated: 80,
                ..plain
            },
        ),
        (
            "Qwen2.5-0.5B-Instruct",
            decoder(
                "qwen2",
                "Qwen2ForCausalLM",
                [896, 4864, 24, 14, 2, 151936],
                json!({
                    "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151645,
                    "max_position_embeddings": 32768, "max_window_layers": 21, "rms_norm_eps": 1e-6, "rope_theta": 1000000.0,
                    "sliding_window": 32768, "tie_word_embeddings": true, "use_sliding_window": false,
                }),
            ),
            Facts {
                family: "qwen2",
                parameters: 494_032_768,
                theta: 1e6,
                eos: &[151_645],
                biases: 72,
                rotated: 48,
                ..plain
            },
        ),
        (
            "Qwen2.5-7B with the yarn of its readme",
            decoder(
                "qwen2",
                "Qwen2ForCausalLM",
                [3584, 18944, 28, 28, 4, 152064],
                json!({
                    "bos_token_id": 151643, "eos_token_id": 151645, "max_position_embeddings": 131072,
                    "max_window_layers": 28, "rope_theta": 1000000.0, "sliding_window": 131072,
                    "tie_word_embeddings": false, "use_sliding_window": false, "use_mrope": false,
                    "rope_scaling": { "factor": 4.0, "original_max_position_embeddings": 32768, "type": "yarn" },
                }),
            ),
            Facts {
                family: "qwen2",
                parameters: 7_615_616_512,
                head_dim: 128,
                theta: 1e6,
                eos: &[151_645],
                biases: 84,
                rotated: 56,
                ..plain
            },
        ),
        (
            "Qwen3-0.6B",
            decoder(
                "qwen3",
                "Qwen3ForCausalLM",
                [1024, 3072, 28, 16, 8, 151936],
                json!({
                    "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151645,
                    "head_dim": 128, "max_position_embeddings": 40960, "max_window_layers": 28, "rope_scaling": null,
                    "rope_theta": 1000000, "sliding_window": null, "tie_word_embeddings": true, "use_sliding_window": false,
                }),
            ),
            Facts {
                family: "qwen3",
                parameters: 596_049_920,
                head_dim: 128,
                theta: 1e6,
                eos: &[151_645],
                rotated: 56,
                ..plain
            },
        ),
        (
            "SmolLM3-3B",
            decoder(
                "smollm3",
                "SmolLM3ForCausalLM",
                [2048, 11008, 36, 16, 4, 128256],
                json!({
                    "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 128000, "eos_token_id": 128012,
                    "layer_types": vec!["full_attention"; 36], "max_position_embeddings": 65536, "max_window_layers": 28,
                    "mlp_bias": false, "no_rope_layer_interval": 4,
                    "no_rope_layers": (1..=36).map(|layer| i32::from(layer % 4 != 0)).collect::<Vec<_>>(),
                    "pad_token_id": 128004, "pretraining_tp": 2, "rms_norm_eps": 1e-6, "rope_scaling": null,
                    "rope_theta": 5000000.0, "sliding_window": null, "use_sliding_window": false,
                }),
            ),
            Facts {
                family: "smollm3",
                parameters: 3_075_098_624,
                head_dim: 128,
                theta: 5e6,
                eos: &[128_012],
                rotated: 54,
                ..plain
            },
        ),
        (
            "gpt2",
            gpt2([768, 12, 12, 50257], json!({})),
            gpt2_facts(&plain, 124_439_808, 12),
        ),
        (
            "distilgpt2",
            gpt2(
                [768, 6, 12, 50257],
                json!({ "_num_labels": 1, "id2label": { "0": "LABEL_0" }, "label2id": { "LABEL_0": 0 } }),
            ),
            gpt2_facts(&plain, 81_912_576, 6),
        ),
        (
            "gpt2-xl",
            gpt2(
                [1600, 48, 25, 50257],
                json!({ "output_past": true, "n_inner": null }),
            ),
            gpt2_facts(&plain, 1_557_611_200, 48),
        ),
    ]
}

/// `n_embd`, `n_layer`, `n_head`, vocabulary.
fn gpt2([width, layers, heads, vocab]: [usize; 4], more: Value) -> Value {
    let mut config = json!({
        "activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.1,
        "bos_token_id": 50256, "embd_pdrop": 0.1, "eos_token_id": 50256, "initializer_range": 0.02,
        "layer_norm_epsilon": 1e-5, "model_type": "gpt2", "n_ctx": 1024, "n_embd": width, "n_head": heads,
        "n_layer": layers, "n_positions": 1024, "resid_pdrop": 0.1, "summary_activation": null,
        "summary_first_dropout": 0.1, "summary_proj_to_labels": true, "summary_type": "cls_index",
        "summary_use_proj": true, "task_specific_params": { "text-generation": { "do_sample": true, "max_length": 50 } },
        "vocab_size": vocab,
    });
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    config
}

fn gpt2_facts(plain: &Facts, parameters: u64, layers: usize) -> Facts {
    Facts {
        family: "gpt2",
        parameters,
        eos: &[50_256],
        // Queries, keys, values, and the three others of a layer.
        biases: 6 * layers,
        ..*plain
    }
}

#[test]
fn published_configurations_load() {
    for (name, config, facts) in accepted() {
        let (parsed, warnings) = read(&config).unwrap_or_else(|e| panic!("{name}: {e}"));
        let forward = &parsed.forward;
        let dense = forward.operations.iter().flat_map(Operation::products);
        let biases = dense.filter(|dense| dense.bias.is_some()).count();
        let rotated = |of: &&Operation<_>| matches!(of, Operation::Rotary { .. });
        let rotated = forward.operations.iter().filter(rotated).count();
        let theta = forward.rotation.as_ref().map(|rotation| rotation.theta);
        let found = (
            parsed.family.name,
            parsed.parameters(),
            parsed.head_dim,
            parsed.eos_token_ids.as_slice(),
            parsed.window.map(|window| window.positions),
            biases,
            rotated,
        );
        let expected = (
            facts.family,
            facts.parameters,
            facts.head_dim,
            facts.eos,
            facts.window,
            facts.biases,
            facts.rotated,
        );
        assert_eq!(found, expected, "{name}");
        let rotates = facts.family != "gpt2";
        assert_eq!(theta, rotates.then_some(facts.theta), "{name}");
        let scaled = config.to_string().contains("factor");
        let scaling = forward.rotation.as_ref().map(|rotation| &rotation.scaling);
        let is_scaled = scaling.is_some_and(|scaling| *scaling != Scaling::None);
        assert_eq!(is_scaled, scaled, "{name}");
        // Keys that are known to change nothing are not worth a word.
        let known = |warning: &&Warning| !matches!(warning, Warning::UnknownKey { .. });
        let said: Vec<_> = warnings.iter().filter(known).collect();
        let custom = usize::from(config.get("auto_map").is_some());
        let silent = usize::from(config.get("rope_theta").is_none() && name == "Llama-2-7b");
        assert_eq!(said.len(), custom + silent, "{name}: {said:?}");
    }
}

#[test]
fn published_configurations_that_are_refused() {
    let qwen2 = |more| {
        decoder(
            "qwen2",
            "Qwen2ForCausalLM",
            [896, 4864, 24, 14, 2, 151936],
            more,
        )
    };
    let base = [2048, 8192, 16, 32, 8, 32000];
    let positions = json!({ "max_position_embeddings": 4096 });
    let refusals: [(&str, Value, &[&str]); 14] = [
        (
            "Gemma-2-2b",
            decoder("gemma2", "Gemma2ForCausalLM", base, positions.clone()),
            &["model_type", "gemma2"],
        ),
        (
            "Phi-3-mini",
            decoder("phi3", "Phi3ForCausalLM", base, positions.clone()),
            &["model_type", "phi3"],
        ),
        (
            "Qwen1.5-MoE",
            decoder("qwen2_moe", "Qwen2MoeForCausalLM", base, positions.clone()),
            &["model_type", "qwen2_moe"],
        ),
        (
            "ChatGLM3, custom code",
            json!({
                "model_type": "chatglm", "architectures": ["ChatGLMModel"],
                "auto_map": { "AutoModel": "modeling_chatglm.ChatGLMModel" },
            }),
            &["chatglm", "auto_map"],
        ),
        (
            "Qwen2.5 quantised with AWQ",
            qwen2(json!({
                "max_position_embeddings": 32768, "rope_theta": 1e6,
                "quantization_config": { "bits": 4, "quant_method": "awq" },
            })),
            &["quantization_config"],
        ),
        (
            "Qwen2-VL's language model",
            qwen2(json!({
                "max_position_embeddings": 32768, "rope_theta": 1e6,
                "rope_scaling": { "type": "mrope", "mrope_section": [16, 24, 24] },
            })),
            &["rope_scaling.type", "mrope"],
        ),
        (
            "a Llama with dynamic positions",
            llama(
                base,
                json!({ "max_position_embeddings": 4096, "rope_scaling": { "type": "dynamic", "factor": 2.0 } }),
            ),
            &["rope_scaling.type", "dynamic"],
        ),
        (
            "a Llama with longrope",
            llama(
                base,
                json!({ "max_position_embeddings": 4096, "rope_scaling": { "rope_type": "longrope", "factor": 2.0 } }),
            ),
            &["rope_scaling.rope_type", "longrope"],
        ),
        (
            "a model of Granite's arithmetic under Llama's name",
            llama(
                base,
                json!({ "max_position_embeddings": 4096, "rope_theta": 1e4, "residual_multiplier": 0.22 }),
            ),
            &["residual_multiplier"],
        ),
        (
            "a classifier of Llama's family",
            llama(
                base,
                json!({ "max_position_embeddings": 4096, "architectures": ["LlamaForSequenceClassification"] }),
            ),
            &["architectures", "LlamaForSequenceClassification"],
        ),
        (
            "Cerebras-GPT, whose function is another",
            gpt2(
                [768, 10, 12, 50257],
                json!({ "activation_function": "gelu" }),
            ),
            &["activation_function", "gelu"],
        ),
        (
            "GPT-2 with cross attention",
            gpt2([768, 12, 12, 50257], json!({ "add_cross_attention": true })),
            &["add_cross_attention"],
        ),
        (
            "GPT-2 with rotation",
            gpt2([768, 12, 12, 50257], json!({ "rope_theta": 10000.0 })),
            &["rope_theta", "learned"],
        ),
        (
            "SmolLM3 with a list of another length",
            decoder(
                "smollm3",
                "SmolLM3ForCausalLM",
                base,
                json!({ "max_position_embeddings": 4096, "no_rope_layers": [1, 1, 1, 0] }),
            ),
            &["no_rope_layers"],
        ),
    ];
    for (name, config, mentions) in refusals {
        let error = refused(&config, mentions).to_string();
        assert!(error.len() < 300, "{name}: {error}");
    }
}
