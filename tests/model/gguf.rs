//! GGUF files: each family's tensors and configuration as its converter stores them, tokenizers, and files that are damaged.

use super::*;
use crate::families::{VOCAB, decoder, gpt2, random, with};
use crate::gguf_files::{Stored, file, tensors};
use cairo_decode::model::GgufProblem;

/// The characters that bytes are written as, then two merges and two tokens that are no text: a tokenizer of bytes.
fn bytes_tokenizer(pre: &str) -> Vec<(&'static str, Value)> {
    let mut tokens: Vec<String> = ('a'..='z').map(String::from).collect();
    tokens.extend(["\u{120}", "0", "1", "!", "he", "\u{120}he"].map(String::from));
    tokens.extend((tokens.len()..VOCAB).map(|id| format!("<|{id}|>")));
    let kinds: Vec<i64> = (0..VOCAB).map(|id| if id < 32 { 1 } else { 3 }).collect();
    vec![
        ("tokenizer.ggml.model", json!("gpt2")),
        ("tokenizer.ggml.pre", json!(pre)),
        ("tokenizer.ggml.tokens", json!(tokens)),
        ("tokenizer.ggml.token_type", json!(kinds)),
        ("tokenizer.ggml.merges", json!(["h e", "\u{120} he"])),
        ("tokenizer.ggml.bos_token_id", json!(32)),
        ("tokenizer.ggml.eos_token_id", json!(33)),
    ]
}

/// The metadata of the small configurations of Llama and its relatives.
fn decoder_metadata(name: &'static str) -> Vec<(String, Value)> {
    let mut all = vec![("general.architecture".to_owned(), json!(name))];
    for (key, value) in [
        ("block_count", json!(2)),
        ("context_length", json!(64)),
        ("embedding_length", json!(32)),
        ("feed_forward_length", json!(48)),
        ("attention.head_count", json!(4)),
        ("attention.head_count_kv", json!(2)),
        ("attention.layer_norm_rms_epsilon", json!(1e-5)),
        ("rope.freq_base", json!(500.0)),
        ("rope.dimension_count", json!(8)),
    ] {
        all.push((format!("{name}.{key}"), value));
    }
    all
}

fn gpt2_metadata() -> Vec<(String, Value)> {
    [
        ("general.architecture", json!("gpt2")),
        ("gpt2.block_count", json!(2)),
        ("gpt2.context_length", json!(64)),
        ("gpt2.embedding_length", json!(32)),
        ("gpt2.feed_forward_length", json!(128)),
        ("gpt2.attention.head_count", json!(4)),
        ("gpt2.attention.layer_norm_epsilon", json!(1e-5)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .to_vec()
}

/// Loads a file of such metadata, with a tokenizer of bytes.
fn load(
    metadata: &[(String, Value)],
    tokenizer: &[(&str, Value)],
    tensors: &[Stored],
) -> Result<Model, ModelError> {
    let metadata = metadata
        .iter()
        .map(|(key, value)| (key.as_str(), value.clone()));
    let metadata: Vec<_> = metadata.chain(tokenizer.iter().cloned()).collect();
    load_bytes(&file(&metadata, tensors))
}

fn load_bytes(bytes: &[u8]) -> Result<Model, ModelError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("small.gguf");
    std::fs::write(&path, bytes).unwrap();
    Model::load(&path)
}

/// What comes out of a file is what its converter began with.
#[test]
fn files_say_what_directories_say() {
    let llama = with(
        decoder("llama", "LlamaForCausalLM"),
        json!({ "attention_bias": false }),
    );
    let tied = json!({ "tie_word_embeddings": true });
    for (config, metadata, paired) in [
        (llama.clone(), decoder_metadata("llama"), true),
        (with(llama, tied), decoder_metadata("llama"), true),
        (
            decoder("qwen2", "Qwen2ForCausalLM"),
            decoder_metadata("qwen2"),
            false,
        ),
        (
            with(
                decoder("qwen3", "Qwen3ForCausalLM"),
                json!({ "head_dim": 8 }),
            ),
            decoder_metadata("qwen3"),
            false,
        ),
        (
            decoder("smollm3", "SmolLM3ForCausalLM"),
            decoder_metadata("smollm3"),
            true,
        ),
        (gpt2(), gpt2_metadata(), false),
    ] {
        let expected = random(&config, 7);
        let stored = tensors(&expected, paired);
        let mut metadata = metadata;
        if config["model_type"] == "qwen3" {
            metadata.push(("qwen3.attention.key_length".to_owned(), json!(8)));
            metadata.push(("qwen3.attention.value_length".to_owned(), json!(8)));
        }
        let found = load(&metadata, &bytes_tokenizer("smollm"), &stored).unwrap();
        assert_eq!(found.config.family, expected.config.family, "{config}");
        assert_eq!(found.config.forward, expected.config.forward, "{config}");
        assert_eq!(found.weights, expected.weights, "{config}");
        assert_eq!(
            (found.eos, &found.warnings[..]),
            (Some(33), &[][..]),
            "{config}"
        );
        assert_eq!(found.tokenizer.encode("he he").unwrap(), [30, 31]);
        assert_eq!(found.tokenizer.decode(&[30, 31, 34]).unwrap(), "he he");
        // The texts that a build has alone say the same.
        let build = tempfile::tempdir().unwrap();
        std::fs::write(build.path().join("config.json"), &found.config_file).unwrap();
        std::fs::write(build.path().join("tokenizer.json"), &found.tokenizer_file).unwrap();
        let text = cairo_decode::model::Text::load(build.path()).unwrap();
        assert_eq!(text.config, found.config);
        assert_eq!(text.tokenizer.encode("he <|34|>").unwrap(), [30, 26, 34]);
    }
}

fn llama_file() -> (Vec<(String, Value)>, Vec<Stored>) {
    let model = random(&decoder("llama", "LlamaForCausalLM"), 7);
    (decoder_metadata("llama"), tensors(&model, true))
}

/// Ways to split a text, and what is put before it.
#[test]
fn tokenizers_of_bytes() {
    let (metadata, tensors) = llama_file();
    let encoded = |tokenizer: &[(&str, Value)]| {
        let model = load(&metadata, tokenizer, &tensors).unwrap();
        model.tokenizer.encode("a01 he!").unwrap()
    };
    let digits = [0, 27, 28, 31, 29];
    for pre in ["gpt-2", "smollm", "qwen2"] {
        assert_eq!(encoded(&bytes_tokenizer(pre)), digits, "{pre}");
    }
    // Llama 3's texts begin with the first token where no key says otherwise, others where one does.
    assert_eq!(encoded(&bytes_tokenizer("llama-bpe"))[..2], [32, 0]);
    let mut silent = bytes_tokenizer("llama-bpe");
    silent.push(("tokenizer.ggml.add_bos_token", json!(false)));
    assert_eq!(encoded(&silent), digits);
    let mut stated = bytes_tokenizer("gpt-2");
    stated.push(("tokenizer.ggml.add_bos_token", json!(true)));
    stated.push(("tokenizer.ggml.add_eos_token", json!(true)));
    assert_eq!(encoded(&stated), [&[32][..], &digits, &[33]].concat());
}

/// The pieces of a model of somebody else: their scores give the merges that its own file lists.
#[test]
fn tokenizers_of_pieces() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/models/stories260K");
    if !shared.is_dir() {
        println!("{} is not there: it is not tested", shared.display());
        return;
    }
    let own = Model::load(&shared).unwrap();
    let json: Value = serde_json::from_slice(&own.tokenizer_file).unwrap();
    let mut tokens = vec![String::new(); 512];
    for (token, id) in json["model"]["vocab"].as_object().unwrap() {
        tokens[id.as_u64().unwrap() as usize] = token.clone();
    }
    // Sentencepiece gives the pieces behind the bytes scores by their place.
    let scores: Vec<f64> = (0..512)
        .map(|id| -f64::from((id - 259).max(0)) - 0.5)
        .collect();
    let kinds: Vec<i64> = (0..512)
        .map(|id| match id {
            0 => 2,
            1 | 2 => 3,
            3..259 => 6,
            _ => 1,
        })
        .collect();
    let tokenizer = [
        ("tokenizer.ggml.model", json!("llama")),
        ("tokenizer.ggml.tokens", json!(tokens)),
        ("tokenizer.ggml.scores", json!(scores)),
        ("tokenizer.ggml.token_type", json!(kinds)),
        ("tokenizer.ggml.bos_token_id", json!(1)),
        ("tokenizer.ggml.eos_token_id", json!(2)),
        ("tokenizer.ggml.unknown_token_id", json!(0)),
    ];
    let metadata = [
        ("general.architecture", json!("llama")),
        ("llama.block_count", json!(5)),
        ("llama.context_length", json!(512)),
        ("llama.embedding_length", json!(64)),
        ("llama.feed_forward_length", json!(172)),
        ("llama.attention.head_count", json!(8)),
        ("llama.attention.head_count_kv", json!(4)),
        ("llama.attention.layer_norm_rms_epsilon", json!(1e-5)),
        ("llama.rope.freq_base", json!(10000.0)),
    ]
    .map(|(key, value)| (key.to_owned(), value));
    let found = load(&metadata, &tokenizer, &tensors(&own, true)).unwrap();
    assert_eq!(found.weights, own.weights);
    assert_eq!(found.config.forward, own.config.forward);
    for text in [
        "Once upon a time, there was a little girl named Lily.",
        "  two spaces, an umlaut: \u{fc}, a snowman: \u{2603}\n",
        "",
    ] {
        let ids = own.tokenizer.encode(text).unwrap();
        assert_eq!(found.tokenizer.encode(text).unwrap(), ids, "{text}");
        let decoded = own.tokenizer.decode(&ids).unwrap();
        assert_eq!(found.tokenizer.decode(&ids).unwrap(), decoded);
    }
}

/// Llama 3's stretched rotation is in a tensor; another stretch is refused.
#[test]
fn factors_of_the_rotation() {
    let (mut metadata, mut tensors) = llama_file();
    metadata.retain(|(key, _)| key != "llama.rope.freq_base");
    metadata.push(("llama.rope.freq_base".to_owned(), json!(500000.0)));
    let config = with(
        decoder("llama", "LlamaForCausalLM"),
        json!({ "rope_theta": 500000.0, "rope_scaling": {
            "rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        }}),
    );
    let expected = random(&config, 7).config.forward.rotation.unwrap();
    let plain = (0..4).map(|pair| 500000f64.powf(-f64::from(pair) / 4.0));
    let factors = plain
        .zip(expected.frequencies())
        .map(|(f, s)| (f / s) as f32);
    let factors: Vec<f32> = factors.collect();
    assert_eq!(factors[3], 32.0);
    tensors.push(("rope_freqs.weight".to_owned(), vec![4], factors));
    let found = load(&metadata, &bytes_tokenizer("smollm"), &tensors).unwrap();
    assert_eq!(found.config.forward.rotation.unwrap(), expected);
    tensors.last_mut().unwrap().2[1] = 7.0;
    let error = load(&metadata, &bytes_tokenizer("smollm"), &tensors);
    refused(error, &["small.gguf", "rope_freqs.weight"]);
}

/// What is missing, of another kind, or of another model is named.
#[test]
fn refusals() {
    let (metadata, tensors) = llama_file();
    let tokenizer = bytes_tokenizer("smollm");
    let with_key = |key: &str, value: Value| {
        let mut metadata = metadata.clone();
        metadata.retain(|(known, _)| known != key);
        metadata.push((key.to_owned(), value));
        load(&metadata, &tokenizer, &tensors)
    };
    for (key, value, mentions) in [
        ("general.architecture", json!("falcon"), "falcon"),
        ("general.architecture", json!(3), "general.architecture"),
        ("llama.expert_count", json!(8), "num_local_experts"),
        (
            "llama.rope.dimension_count",
            json!(4),
            "rope.dimension_count",
        ),
        ("llama.attention.value_length", json!(16), "value_length"),
        ("llama.rope.scaling.type", json!("longrope"), "longrope"),
        ("llama.block_count", json!(3), "blk.2."),
        ("llama.block_count", json!(1), "blk.1."),
        (
            "llama.feed_forward_length",
            json!(40),
            "blk.0.ffn_down.weight",
        ),
        ("llama.logit_scale", json!(0.5), "logit_scale"),
    ] {
        refused(with_key(key, value), &["small.gguf", mentions]);
    }
    // A key that nobody knows is a warning, as in a directory.
    let model = with_key("llama.some_future_key", json!(1)).unwrap();
    assert_eq!(model.warnings.len(), 1);
    assert!(warnings(&model).contains("some_future_key"));
    let with_token = |key: &str, value: Value| {
        let mut tokenizer = tokenizer.clone();
        tokenizer.retain(|(known, _)| *known != key);
        tokenizer.push((key.to_owned().leak(), value));
        load(&metadata, &tokenizer, &tensors)
    };
    for (key, value, mentions) in [
        ("tokenizer.ggml.model", json!("bert"), "bert"),
        ("tokenizer.ggml.pre", json!("viking"), "viking"),
        ("tokenizer.ggml.merges", json!(["he"]), "merges"),
        ("tokenizer.ggml.tokens", json!(vec!["a"; 40]), "twice"),
        ("tokenizer.ggml.tokens", json!(["a", "b"]), "token_type"),
        (
            "tokenizer.ggml.tokens",
            json!([1, 2]),
            "tokenizer.ggml.tokens",
        ),
        ("tokenizer.ggml.eos_token_id", json!(40), "eos_token_id"),
    ] {
        refused(with_token(key, value), &["small.gguf", mentions]);
    }
    for gone in [
        "tokenizer.ggml.tokens",
        "tokenizer.ggml.model",
        "tokenizer.ggml.merges",
    ] {
        let mut tokenizer = tokenizer.clone();
        tokenizer.retain(|(known, _)| *known != gone);
        let error = load(&metadata, &tokenizer, &tensors);
        refused(error, &["small.gguf", gone, "missing"]);
    }
}

/// A file that ends anywhere, or of which a byte is another, is refused or another model; nothing panics, and no size is believed.
#[test]
fn damaged_files() {
    let (metadata, tensors) = llama_file();
    let metadata: Vec<_> = metadata
        .iter()
        .map(|(key, value)| (key.as_str(), value.clone()))
        .collect();
    let all: Vec<_> = metadata
        .into_iter()
        .chain(bytes_tokenizer("smollm"))
        .collect();
    let bytes = file(&all, &tensors);
    load_bytes(&bytes).unwrap();
    for length in (0..bytes.len() - 128).step_by(997).chain(0..64) {
        let error = load_bytes(&bytes[..length]).unwrap_err();
        assert!(
            matches!(error, ModelError::Gguf { .. }),
            "{length}: {error}"
        );
    }
    for place in (0..3600).step_by(7) {
        for byte in [0, 0xff] {
            let mut changed = bytes.clone();
            changed[place] = byte;
            if let Err(error) = load_bytes(&changed) {
                assert!(error.to_string().contains("small.gguf"), "{place}: {error}");
            }
        }
    }
    let problem = |bytes: &[u8]| match load_bytes(bytes) {
        Err(ModelError::Gguf { problem, .. }) => problem,
        other => panic!("{other:?}"),
    };
    assert!(matches!(problem(b"x"), GgufProblem::NotGguf));
    let mut changed = bytes.clone();
    changed[4] = 1;
    assert!(matches!(
        problem(&changed),
        GgufProblem::Version { found: 1 }
    ));
    changed[4] = 3;
    changed[15] = 1;
    assert!(matches!(problem(&changed), GgufProblem::TooMany { .. }));
}

/// What a stranger found: settings that would have been left out in silence, and containers that say something twice.
#[test]
fn nothing_is_left_out_in_silence() {
    let (metadata, tensors) = llama_file();
    let tokenizer = bytes_tokenizer("smollm");
    let with_keys = |keys: &[(&str, Value)], tensors: &[Stored]| {
        let mut metadata = metadata.clone();
        metadata.retain(|(known, _)| keys.iter().all(|(key, _)| known != key));
        metadata.extend(
            keys.iter()
                .map(|(key, value)| (key.to_string(), value.clone())),
        );
        load(&metadata, &tokenizer, tensors)
    };
    let with_key = |key: &str, value: Value| with_keys(&[(key, value)], &tensors);
    for (key, value) in [
        ("llama.rope.freq_base", Value::Null),
        ("llama.attention.layer_norm_rms_epsilon", Value::Null),
        ("llama.attention.scale", json!(0.5)),
        ("llama.attention.causal", json!(false)),
        ("llama.rope.freq_base_swa", json!(1e4)),
        ("llama.rope.dimension_sections", json!([2, 2])),
        ("llama.block_count", json!("2".repeat(100_000))),
        ("llama.rope.scaling.type", json!("l".repeat(100_000))),
        ("general.alignment", json!(0)),
        ("general.alignment", json!(48)),
        ("general.alignment", json!("32")),
    ] {
        let error = with_key(key, value).unwrap_err().to_string();
        assert!(error.contains(key) && error.len() < 1000, "{error}");
    }
    with_key("llama.attention.causal", json!(true)).unwrap();

    // A factor of the rotation needs no type, under both of its names.
    let rope = json!({ "rope_scaling": { "rope_type": "linear", "factor": 4.0 } });
    let config = with(decoder("llama", "LlamaForCausalLM"), rope);
    let expected = random(&config, 7).config.forward.rotation.unwrap();
    for key in ["llama.rope.scaling.factor", "llama.rope.scale_linear"] {
        let found = with_key(key, json!(4.0)).unwrap();
        assert_eq!(found.config.forward.rotation.unwrap(), expected, "{key}");
    }
    let with_factors = |count: usize| {
        let factors = (
            "rope_freqs.weight".to_owned(),
            vec![count],
            vec![1.0; count],
        );
        [&tensors[..], &[factors]].concat()
    };
    let linear = [
        ("llama.rope.scaling.type", json!("linear")),
        ("llama.rope.scaling.factor", json!(4.0)),
    ];
    refused(with_keys(&linear, &with_factors(4)), &["rope.scaling.type"]);
    with_keys(&[], &with_factors(4)).unwrap();
    for count in [1, 3, 8] {
        refused(with_keys(&[], &with_factors(count)), &["rope_freqs"]);
    }

    // A key that nobody knows has its whole name in the warning, and what it says is not kept if it is long.
    let model = with_key("llama.hidden_act", json!("relu".repeat(1000))).unwrap();
    assert!(warnings(&model).contains("llama.hidden_act"));
    assert!(model.config_file.len() < 2000);

    let twice = [&tensors[..], &tensors[..1]].concat();
    refused(with_keys(&[], &twice), &["twice", &tensors[0].0]);
    let mut metadata = metadata.clone();
    metadata.push(metadata[1].clone());
    let error = load(&metadata, &tokenizer, &tensors);
    refused(error, &["twice", &metadata[1].0]);

    let template = json!("{{ '{:900000000000}'.format(1) }}");
    let model = with_key("tokenizer.chat_template", template).unwrap();
    assert!(warnings(&model).contains("format"), "{}", warnings(&model));
}

/// A tensor that is lost from the list, or lies elsewhere than behind the one before it.
#[test]
fn tensors_lie_behind_one_another() {
    let (metadata, tensors) = llama_file();
    let metadata = metadata
        .iter()
        .map(|(key, value)| (key.as_str(), value.clone()));
    let all: Vec<_> = metadata.chain(bytes_tokenizer("smollm")).collect();
    let bytes = file(&all, &tensors);
    load_bytes(&bytes).unwrap();
    let mut fewer = bytes.clone();
    fewer[8] -= 1;
    let error = load_bytes(&fewer).unwrap_err().to_string();
    assert!(error.contains("belong to none"), "{error}");
    let name = tensors[1].0.as_bytes();
    let at = bytes
        .windows(name.len())
        .position(|part| part == name)
        .unwrap();
    let at = at + name.len() + 4 + 8 * tensors[1].1.len() + 4;
    let mut moved = bytes.clone();
    moved[at..at + 8].fill(0);
    let error = load_bytes(&moved).unwrap_err().to_string();
    assert!(
        error.contains(&tensors[1].0) && error.contains("begins at byte 0"),
        "{error}"
    );
}
