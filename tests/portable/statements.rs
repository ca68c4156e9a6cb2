//! What the program states is what the program of tensor operations states, felt for felt: every family of models, chunks that begin and end
//! anywhere in prompt and text, and sessions that end.

use std::sync::LazyLock;
use std::time::Instant;

use cairo_decode::decode;
use cairo_decode::portable::{self, run};
use cairo_decode::verify::statement::Domain;
use serde_json::{Value, json};

use crate::families::{decoder, gpt2, with};
use crate::twins::{CONTEXT, ID, Twins};

/// Runs a session in chunks of these lengths with both programs. Returns the tokens that were emitted.
fn same_statements(twins: &Twins, prompt: &[u32], lengths: &[u32]) -> Vec<u32> {
    let domain = Domain::local();
    let mut tensors =
        decode::Session::new(&twins.decoder, domain, ID, prompt.to_vec()).expect("a prompt");
    let mut session =
        portable::Session::new(&twins.portable, domain, ID, prompt.to_vec()).expect("a prompt");
    let mut emitted = vec![];
    for &length in lengths {
        let start = Instant::now();
        let chunk = tensors.decode(length as usize).expect("a chunk");
        let expected = twins
            .decoder
            .program
            .run(&chunk.chunk.input)
            .expect("it runs");
        let decoded = session.decode(length).expect("a chunk");
        let found = run(&twins.program, &decoded).expect("it states the statement");
        assert_eq!(found.output, expected.output(), "a chunk of {length} steps");
        assert_eq!(found.output.len(), 22);
        println!(
            "{} steps at {}: {} VM steps, {:.1} s",
            decoded.statement.steps,
            decoded.statement.frontier_in.position,
            found.steps,
            start.elapsed().as_secs_f64()
        );
        assert_eq!(
            (&decoded.forced, &decoded.emitted),
            (&chunk.forced, &chunk.emitted)
        );
        emitted.extend(&decoded.emitted);
        tensors.advance(&chunk);
        session = decoded.next;
    }
    assert_eq!(tensors.ended(), session.ended());
    emitted
}

/// A prompt that is cut in two, and text in chunks of one step and of several.
fn family(config: &Value) {
    let twins = Twins::new(config, 3, None);
    let prompt = [3, 17, 5, 29];
    let emitted = same_statements(&twins, &prompt, &[2, 3, 1]);
    let expected = twins.portable.generate(&prompt, 3).expect("in range");
    assert_eq!(emitted, expected);
}

#[test]
fn llama_with_biases() {
    family(&with(
        decoder("llama", "LlamaForCausalLM"),
        json!({ "attention_bias": true, "mlp_bias": true }),
    ));
}

#[test]
fn qwen2_with_its_embedding_as_output() {
    family(&with(
        decoder("qwen2", "Qwen2ForCausalLM"),
        json!({ "tie_word_embeddings": true, "num_hidden_layers": 1 }),
    ));
}

#[test]
fn qwen3_with_norms_of_heads() {
    family(&with(
        decoder("qwen3", "Qwen3ForCausalLM"),
        json!({ "head_dim": 8, "num_hidden_layers": 1 }),
    ));
}

#[test]
fn smollm3_with_a_layer_that_does_not_rotate() {
    family(&with(
        decoder("smollm3", "SmolLM3ForCausalLM"),
        json!({ "no_rope_layers": [1, 0] }),
    ));
}

#[test]
fn gpt2_with_learned_positions() {
    family(&gpt2());
}

#[test]
fn gpt2_with_an_output_of_its_own() {
    family(&with(
        gpt2(),
        json!({ "tie_word_embeddings": false, "activation_function": "relu", "n_inner": 40, "n_layer": 1 }),
    ));
}

/// The smallest model: a session that the model ends, one that the context ends, and a prompt of one token.
#[test]
fn sessions_end() {
    let config = smallest();
    let prompt = [5, 2, 7];
    let twins = Twins::new(&config, 4, Some((&prompt, 2)));
    let eos = twins.portable.document.policy.eos;
    let emitted = same_statements(&twins, &prompt, &[8]);
    assert_eq!(emitted.last().copied(), eos);
    let twins = &*SMALLEST;
    let lengths = [1, 8, 8, 8, 8];
    let emitted = same_statements(twins, &[6], &lengths);
    assert_eq!(emitted.len(), CONTEXT);
    // A whole chunk of the prompt, which ends with the next one's first step.
    let prompt: Vec<u32> = (0..9).map(|i| i * 3 % 8).collect();
    same_statements(twins, &prompt, &[8, 1]);
}

/// The smallest model, whose sessions end with the context.
pub static SMALLEST: LazyLock<Twins> = LazyLock::new(|| Twins::new(&smallest(), 4, None));

/// One layer, one head, few numbers.
pub fn smallest() -> Value {
    with(
        decoder("llama", "LlamaForCausalLM"),
        json!({
            "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1,
            "num_key_value_heads": 1, "head_dim": 8, "tie_word_embeddings": true,
        }),
    )
}
