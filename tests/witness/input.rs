//! Lies in the program's input: the header, the carried keys and values, the forced tokens.
//!
//! A header field that a run does not check is stated: changing it changes exactly that field of the
//! output, and then the statement is about something else, which the receipts' chain notices.

use cairo_decode::chunk::State;
use cairo_decode::spec::kv::pack_kv;
use cairo_decode::spec::roots::{EMPTY_ROOT, fold_token, kv_append};
use cairo_decode::verify::statement::OUTPUT_FIELDS;
use starknet_types_core::felt::Felt;

use crate::header::*;
use crate::{accepts, chunk, model, refuses};

/// The chunk under attack: positions 2, 3 and 4 of a session with a prompt of four tokens, so that
/// two positions are carried in, one token is forced and two are chosen.
fn honest() -> (Vec<Felt>, State) {
    let (chunk, state) = chunk(&PROMPT, 2, 3);
    assert_eq!((chunk.forced.len(), chunk.emitted.len()), (1, 2));
    assert_eq!(
        chunk.input.len(),
        HEADER + 2 + 1,
        "a word per position, one forced token"
    );
    assert_eq!(accepts(&chunk.input), chunk.statement.to_output());
    (chunk.input, state)
}

fn with(input: &[Felt], index: usize, value: impl Into<Felt>) -> Vec<Felt> {
    let mut changed = input.to_vec();
    changed[index] = value.into();
    assert_ne!(changed, input, "the attack changes something");
    changed
}

fn kv_root(words: &[Felt]) -> Felt {
    words
        .iter()
        .fold(EMPTY_ROOT, |root, word| kv_append(root, &[*word]))
}

/// Accepts, with an output that differs from the honest one in exactly these fields.
fn restates(attack: &str, honest: &[Felt], input: &[Felt], fields: &[&str]) {
    let output = accepts(input);
    let differs = |&i: &usize| output[i] != honest[i];
    let found: Vec<&str> = (0..output.len())
        .filter(differs)
        .map(|i| OUTPUT_FIELDS[i])
        .collect();
    assert_eq!(found, fields, "{attack}");
}

/// Attack (requirement 8): drop, duplicate, reorder or exchange a carried key or value row, look at a
/// later one, or append one. Stopped by: the fold of the carried words against the frontier's KV root.
#[test]
fn requirement_08_carried_rows() {
    let (input, _) = honest();
    let [first, second] = [input[HEADER], input[HEADER + 1]];
    assert_ne!(first, second);
    let later = pack_kv(&chunk(&PROMPT, 3, 1).1.kv[2])[0];
    let foreign = pack_kv(&chunk(&[4, 1, 6, 2], 2, 1).1.kv[0])[0];
    assert!(later != first && later != second && foreign != first);

    let rows = |words: &[Felt]| [&input[..HEADER], words, &input[HEADER + 2..]].concat();
    refuses("two positions swapped", &rows(&[second, first]));
    refuses("one row twice", &rows(&[first, first]));
    refuses("the other row twice", &rows(&[second, second]));
    refuses("a row dropped", &rows(&[first]));
    refuses("the other row dropped", &rows(&[second]));
    refuses("a row appended", &rows(&[first, second, later]));
    refuses("a row before", &rows(&[later, first, second]));
    refuses("a later row", &rows(&[first, later]));
    refuses("a row of another session", &rows(&[foreign, second]));
    for byte in 0..30 {
        let bit = byte / 15 * 128 + byte % 15 * 8;
        for (index, word) in [first, second].into_iter().enumerate() {
            let changed = word + Felt::TWO.pow(bit as u128);
            let mut words = [first, second];
            words[index] = changed;
            refuses(&format!("byte {byte} of row {index}"), &rows(&words));
        }
    }
}

/// Attack: a word whose halves have bits above their 15 bytes, with the KV root that belongs to it, so
/// that two different words would unpack to the same row. Stopped by: `unpack_int8`'s check of the rest.
#[test]
fn requirement_12_a_word_has_one_reading() {
    let (input, _) = honest();
    for bit in [120, 127, 248, 250] {
        let word = input[HEADER] + Felt::TWO.pow(bit as u128);
        let mut forged = with(&input, HEADER, word);
        forged[KV_ROOT] = kv_root(&forged[HEADER..HEADER + 2]);
        refuses(&format!("bit {bit}"), &forged);
    }
}

/// Attack: other carried rows with the KV root that belongs to them. The program cannot know better;
/// it states that root, and the chain of frontiers refuses it (tests/receipt, tests/proof).
#[test]
fn consistent_rows_are_stated() {
    let (input, _) = honest();
    let mut forged = input.clone();
    forged.swap(HEADER, HEADER + 1);
    forged[KV_ROOT] = kv_root(&forged[HEADER..HEADER + 2]);
    let output = accepts(&forged);
    assert_eq!(output[14], forged[KV_ROOT], "{}", OUTPUT_FIELDS[14]);
    assert_ne!(output[14], accepts(&input)[14]);
}

/// Attack (requirement 2): one field of the incoming frontier changed alone. Stopped by: the KV fold,
/// the number of carried rows, the embedding's length; a changed tokens root cannot lead to the prompt.
#[test]
fn requirement_02_each_field_of_the_frontier() {
    let (input, _) = honest();
    refuses(
        "kv root",
        &with(&input, KV_ROOT, input[KV_ROOT] + Felt::ONE),
    );
    refuses("no kv root", &with(&input, KV_ROOT, Felt::ZERO));
    refuses(
        "tokens root",
        &with(&input, TOKENS_ROOT, input[TOKENS_ROOT] + Felt::ONE),
    );
    for position in [0u64, 1, 3, 4, 7, 8, 1 << 31, 1 << 32] {
        refuses(
            &format!("position {position}"),
            &with(&input, POSITION, position),
        );
    }
    refuses("negative position", &with(&input, POSITION, -Felt::ONE));
    for token in [8u64, 9, 255, 1 << 31, (1 << 32) + 6, 1 << 60] {
        refuses(&format!("last token {token}"), &with(&input, TOKEN, token));
    }
    refuses("negative last token", &with(&input, TOKEN, -Felt::ONE));
}

/// Attack: another last token of the vocabulary. The program runs from it and states it; only the
/// tokens root and the chain tie the token to what came before.
#[test]
fn another_last_token_is_stated() {
    let (input, _) = honest();
    let output = accepts(&with(&input, TOKEN, 5u64));
    let honest = accepts(&input);
    assert_ne!(output[13], honest[13], "{}", OUTPUT_FIELDS[13]);
    assert_ne!(output[18], honest[18], "its keys and values are other ones");
}

/// Attack (requirement 21): a session that does not start at its prompt's first token, or with keys and
/// values from nowhere. Stopped by: the checks at position 0.
#[test]
fn requirement_21_first_frontier() {
    let (chunk, _) = chunk(&PROMPT, 0, 2);
    let input = chunk.input;
    assert_eq!(accepts(&input), chunk.statement.to_output());
    refuses(
        "another tokens root",
        &with(&input, TOKENS_ROOT, fold_token(EMPTY_ROOT, 5)),
    );
    refuses("no tokens root", &with(&input, TOKENS_ROOT, Felt::ZERO));
    refuses("a kv root", &with(&input, KV_ROOT, Felt::ONE));
    refuses("another first token", &with(&input, TOKEN, 5u64));
    // Token and tokens root agree: this is another session; its prompt root is checked where the
    // prompt ends, which is in the next chunk.
    let mut other = with(&input, TOKEN, 5u64);
    other[TOKENS_ROOT] = fold_token(EMPTY_ROOT, 5);
    assert_ne!(
        accepts(&other)[19],
        chunk.statement.to_output()[19],
        "{}",
        OUTPUT_FIELDS[19]
    );
}

/// As `first_frontier`, where the prompt's first token is also its last.
#[test]
fn requirement_21_prompt_of_one_token() {
    let (chunk, _) = chunk(&[3], 0, 1);
    let input = chunk.input;
    assert_eq!(accepts(&input), chunk.statement.to_output());
    refuses(
        "another prompt root",
        &with(&input, PROMPT_ROOT, fold_token(EMPTY_ROOT, 5)),
    );
    let mut other = with(&input, TOKEN, 5u64);
    other[TOKENS_ROOT] = fold_token(EMPTY_ROOT, 5);
    refuses("another first token with its own root", &other);
}

/// Attack (requirement 21): another prompt, or another length of it. Stopped by: the tokens root where
/// the prompt ends has to be the prompt root, and the input has one token per forced step.
#[test]
fn requirement_21_prompt() {
    let (input, _) = honest();
    let last = input.len() - 1;
    for token in [0u64, 1, 3, 7, 8, 1 << 32] {
        refuses(&format!("forced token {token}"), &with(&input, last, token));
    }
    refuses("forced token dropped", &input[..last]);
    refuses(
        "forced token appended",
        &[&input[..], &[Felt::ONE]].concat(),
    );
    refuses(
        "prompt root",
        &with(&input, PROMPT_ROOT, input[PROMPT_ROOT] + Felt::ONE),
    );
    refuses("shorter prompt", &with(&input, PROMPT_LENGTH, 3u64));
    refuses("longer prompt", &with(&input, PROMPT_LENGTH, 5u64));
    refuses("much longer prompt", &with(&input, PROMPT_LENGTH, 6u64));
    for length in [0u64, 1, 2, 1 << 32] {
        refuses(
            &format!("prompt of {length}"),
            &with(&input, PROMPT_LENGTH, length),
        );
    }
    refuses("negative length", &with(&input, PROMPT_LENGTH, -Felt::ONE));
    // The model's own choices, passed off as a longer prompt.
    let emitted = chunk(&PROMPT, 2, 3).0.emitted;
    let longer: Vec<u32> = PROMPT.iter().chain(&emitted[..1]).copied().collect();
    let mut forged = with(&input, PROMPT_LENGTH, 5u64);
    forged.push(Felt::from(emitted[0]));
    refuses(
        "a chosen token as forced, under the shorter prompt's root",
        &forged,
    );
    forged[PROMPT_ROOT] = chunk(&longer, 2, 3).0.input[PROMPT_ROOT];
    let output = accepts(&forged);
    assert_eq!(
        output,
        chunk(&longer, 2, 3).0.statement.to_output(),
        "an honest statement of that prompt"
    );
}

/// Attack (requirement 22): another number of steps. While tokens are forced the input has to match; a
/// chunk that ends with chosen tokens is, one step shorter or longer, the honest other chunk.
#[test]
fn requirement_22_steps() {
    let (input, _) = honest();
    for steps in [0u64, 7, 1 << 32] {
        refuses(&format!("{steps} steps"), &with(&input, STEPS, steps));
    }
    refuses("negative steps", &with(&input, STEPS, -Felt::ONE));
    for steps in [1usize, 2, 4, 5] {
        let output = accepts(&with(&input, STEPS, steps as u64));
        assert_eq!(
            output,
            chunk(&PROMPT, 2, steps).0.statement.to_output(),
            "{steps} steps"
        );
    }
    let (forced, _) = chunk(&PROMPT, 0, 2);
    refuses(
        "a step less than forced tokens",
        &with(&forced.input, STEPS, 1u64),
    );
    refuses(
        "a step more than forced tokens",
        &with(&forced.input, STEPS, 3u64),
    );
}

/// Attack: a step after the policy's end of sequence. Stopped by: the check before every step whose
/// token the model chose.
#[test]
fn requirement_14_end_of_sequence() {
    // A prompt whose last token the model does not choose, nor one token twice.
    let prompts = (0..8).map(|last| [3, 1, 6, last]);
    let (prompt, whole) = prompts
        .map(|prompt| (prompt, chunk(&prompt, 2, 3).0))
        .find(|(prompt, c)| c.emitted[0] != c.emitted[1] && !c.emitted.contains(&prompt[3]))
        .expect("such a prompt");
    let honest = accepts(&whole.input);
    let [first, last] = whole.emitted[..] else {
        panic!("two chosen tokens")
    };
    let eos = |token: u32| with(&whole.input, EOS, u64::from(token) + 1);
    refuses("a step after eos", &eos(first));
    restates(
        "eos as the last token",
        &honest,
        &eos(last),
        &["statement.policy.eos"],
    );
    // The prompt may contain the token: it was not chosen.
    restates(
        "eos in the prompt",
        &honest,
        &eos(prompt[3]),
        &["statement.policy.eos"],
    );
    // A chunk that starts with a chosen end of sequence.
    let (after, _) = chunk(&prompt, 4, 1);
    refuses(
        "a chunk after eos",
        &with(&after.input, EOS, u64::from(first) + 1),
    );
}

/// Attack: a position outside the context, with everything else as it would be. Stopped by: the end of
/// the table of angles.
#[test]
fn requirement_13_a_position_outside_the_table() {
    let context = model().graph.shape.context;
    let mut words = vec![];
    for row in &chunk(&PROMPT, context - 1, 1).1.kv {
        words.extend(pack_kv(row));
    }
    let (last, _) = chunk(&PROMPT, context - 1, 1);
    let output = accepts(&last.input);
    words.push(words[0]);
    let mut forged = last.input[..HEADER].to_vec();
    forged[POSITION] = Felt::from(context);
    forged[TOKEN] = output[17];
    forged[TOKENS_ROOT] = output[19];
    forged[KV_ROOT] = kv_root(&words);
    refuses("a step outside the context", &[forged, words].concat());
    refuses(
        "a chunk across the context's end",
        &with(&last.input, STEPS, 2u64),
    );
}

/// Header fields that the program only states: exactly that field of the output changes.
#[test]
fn stated_fields() {
    let (input, _) = honest();
    let honest = accepts(&input);
    let states = |index: usize, field: &str| {
        let changed = with(&input, index, input[index] + Felt::ONE);
        restates(field, &honest, &changed, &[field]);
    };
    states(CHAIN, "statement.domain.chain");
    states(VERIFIER, "statement.domain.verifier");
    states(SESSION, "statement.session_id");
    let unused = with(&input, EOS, 100u64);
    restates(
        "an eos that does not occur",
        &honest,
        &unused,
        &["statement.policy.eos"],
    );
    // After the prompt, its root and the tokens root are the chain's matter.
    let (after, _) = chunk(&PROMPT, 4, 1);
    let honest = accepts(&after.input);
    let roots = [
        "statement.frontier_in.tokens_root",
        "statement.frontier_out.tokens_root",
    ];
    restates(
        "tokens root",
        &honest,
        &with(&after.input, TOKENS_ROOT, Felt::ONE),
        &roots,
    );
    let prompt_root = ["statement.prompt_root"];
    restates(
        "prompt root",
        &honest,
        &with(&after.input, PROMPT_ROOT, Felt::ONE),
        &prompt_root,
    );
}

/// Inputs that are no input at all.
#[test]
fn malformed() {
    let (input, _) = honest();
    for length in 0..input.len() {
        refuses(&format!("{length} felts"), &input[..length]);
    }
    refuses("zeros", &vec![Felt::ZERO; input.len()]);
    refuses("minus ones", &vec![-Felt::ONE; input.len()]);
}
