//! The local transition with values that are valid, only not this step's: another token's row, values in
//! another order, the second-best token, the other of two equal logits, permuted tensors.

use cairo_decode::chunk::Decoder;
use cairo_decode::compile::Program;
use cairo_decode::ir::{Graph, KvCache, VerifiedGraph, run_step};
use cairo_decode::spec::kv::pack_kv;
use cairo_decode::spec::roots::{EMPTY_ROOT, fold_tokens, fold_tokens_onto, kv_append};
use cairo_decode::trace;
use cairo_decode::verify::statement::{KvRoot, ProgramHash, Statement, StatementError, TokensRoot};
use starknet_types_core::felt::Felt;

use crate::support::{pins, program, random_graph, rebuild, tiny};
use crate::{accepts, chunk, model, refuses};

/// Felts of the input before the carried words.
const HEADER: usize = 11;
const KV_ROOT: usize = 9;

/// What the program says is the statement, whatever someone writes on it.
fn field_that_differs(claimed: &Statement, output: &[Felt]) -> &'static str {
    match claimed.compare(output, claimed.program_hash.0) {
        Err(StatementError::Differs { field, .. }) => field,
        other => panic!("refused for another reason: {other:?}"),
    }
}

/// Attack: a frontier after the step that skips a position, repeats one, or has the keys and values of
/// another token appended. Stopped by: the program computes position and KV root; its output is the
/// statement.
#[test]
fn requirement_04_one_position_and_this_steps_row() {
    let prompt = [3, 1, 6, 2];
    let (own, before) = chunk(&prompt, 2, 1);
    let output = accepts(&own.input);
    let statement = &own.statement;
    assert_eq!(output, statement.to_output());
    // One position further, one row more.
    let after = chunk(&prompt, 3, 1).1;
    assert_eq!(after.position, before.position + 1);
    assert_eq!(after.kv[..2], before.kv);
    let fold = |rows: &[Vec<i8>]| {
        let words = rows.iter().map(|row| pack_kv(row));
        words.fold(EMPTY_ROOT, |root, words| kv_append(root, &words))
    };
    let root = fold(&after.kv);
    assert_eq!(statement.frontier_out.kv_root, KvRoot(root));

    type Change<'a> = &'a dyn Fn(&mut Statement);
    // A row that another prompt's third token really has.
    let other_row = chunk(&[3, 1, 5, 2], 3, 1).1.kv[2].clone();
    assert_ne!(other_row, after.kv[2]);
    let other = fold(&[after.kv[0].clone(), after.kv[1].clone(), other_row]);
    let skipped = chunk(&prompt, 4, 1).1;
    let attacks: [(&str, Change<'_>, &str); 5] = [
        (
            "a position skipped",
            &|s| s.frontier_out.position += 1,
            "statement.frontier_out.position",
        ),
        (
            "a position repeated",
            &|s| s.frontier_out.position -= 1,
            "statement.frontier_out.position",
        ),
        (
            "another token's row",
            &|s| s.frontier_out.kv_root = KvRoot(other),
            "statement.frontier_out.kv_root",
        ),
        (
            "no row",
            &|s| s.frontier_out.kv_root = s.frontier_in.kv_root,
            "statement.frontier_out.kv_root",
        ),
        (
            "the next step's row too",
            &|s| s.frontier_out.kv_root = KvRoot(fold(&skipped.kv)),
            "statement.frontier_out.kv_root",
        ),
    ];
    for (attack, change, field) in attacks {
        let mut claimed = statement.clone();
        change(&mut claimed);
        assert_ne!(claimed, *statement, "{attack}");
        assert_eq!(field_that_differs(&claimed, &output), field, "{attack}");
    }
    // The same by the input: the position with another number of rows, and a foreign row.
    let (own, _) = chunk(&prompt, 3, 1);
    for position in [2u64, 4] {
        let mut forged = own.input.clone();
        forged[7] = position.into();
        refuses(&format!("position {position}"), &forged);
    }
    let mut forged = own.input.clone();
    forged[HEADER + 2] = pack_kv(&chunk(&[3, 1, 5, 2], 3, 1).1.kv[2])[0];
    assert_ne!(forged, own.input);
    refuses("another token's row among the carried ones", &forged);
}

/// Attack: the value rows of two carried positions swapped, their keys in place. Stopped by: the fold of
/// the carried words; with the KV root that belongs to the swapped rows, the statement says so.
#[test]
fn requirement_10_value_rows() {
    let (own, state) = chunk(&[3, 1, 6, 2], 3, 1);
    let honest = accepts(&own.input);
    // A position's record: key row, then value row, of the one layer.
    let half = state.kv[0].len() / 2;
    let mut rows = state.kv.clone();
    let (first, second) = (rows[0][half..].to_vec(), rows[1][half..].to_vec());
    assert_ne!(first, second);
    rows[0][half..].copy_from_slice(&second);
    rows[1][half..].copy_from_slice(&first);
    let words: Vec<Felt> = rows.iter().flat_map(|row| pack_kv(row)).collect();
    let mut forged = own.input.clone();
    forged[HEADER..HEADER + words.len()].copy_from_slice(&words);
    assert_ne!(forged, own.input);
    refuses("two value rows swapped", &forged);
    let root = words.iter();
    forged[KV_ROOT] = root.fold(EMPTY_ROOT, |root, word| kv_append(root, &[*word]));
    let output = accepts(&forged);
    assert_ne!(output[14], honest[14], "another frontier in");
}

/// A graph whose choice after the prompt is a tie between two tokens: the row of the best one, twice.
fn tied(prompt: &[u32]) -> (VerifiedGraph, u32, u32) {
    let base = random_graph("tied", 9, tiny());
    let best = choice(&base, prompt).0;
    let other = (best + 3) % base.shape.vocab as u32;
    let mut graph: Graph = (*base).clone();
    let head = graph
        .matrices
        .iter_mut()
        .find(|m| m.name == "final.lm_head");
    let head = head.expect("the last matrix");
    let row = |token: u32| token as usize * head.cols..(token as usize + 1) * head.cols;
    let (from, to) = (row(best), row(other));
    let best_row = head.data[from].to_vec();
    head.data[to].copy_from_slice(&best_row);
    (rebuild(&graph), best.min(other), best.max(other))
}

/// The token that follows the prompt, and the second-best one.
fn choice(graph: &VerifiedGraph, prompt: &[u32]) -> (u32, u32) {
    let mut cache = KvCache::new(graph.shape.layers);
    let mut logits = vec![];
    for &token in prompt {
        let values = run_step(graph, &mut cache, token);
        let last = graph.nodes.len() as u32 - 2;
        logits = values.get(cairo_decode::ir::ValueId(last)).to_vec();
    }
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by_key(|&token| (std::cmp::Reverse(logits[token]), token));
    (order[0] as u32, order[1] as u32)
}

/// The statement of the step that chooses, as the program says it, and one that names another token, with
/// every root made to fit.
fn chosen(graph: &VerifiedGraph, program: &Program, prompt: &[u32], claim: u32) -> (u32, String) {
    let mut decoder = Decoder::new(graph, pins(program, prompt)).expect("a session");
    if prompt.len() > 1 {
        decoder.chunk(prompt.len() - 1).expect("the prompt");
    }
    let chunk = decoder.chunk(1).expect("a step");
    let trace = trace::run(program, &chunk.input).expect("an honest chunk");
    let mut claimed = chunk.statement.clone();
    claimed.program_hash = ProgramHash(program.hash());
    claimed.frontier_out.last_token = claim;
    let before = claimed.frontier_in.tokens_root.0;
    claimed.frontier_out.tokens_root = TokensRoot(fold_tokens_onto(before, [claim]));
    claimed.emitted_root = TokensRoot(fold_tokens([claim]));
    let field = field_that_differs(&claimed, trace.output());
    (chunk.emitted[0], field.to_string())
}

/// Attack: the second-best token; the other one of two equal logits; another policy. Stopped by: the
/// program's choice is the largest logit, and of equal ones the smallest token; its output says greedy.
#[test]
fn requirement_14_second_best_and_other_tie_break() {
    let prompt = [3, 1, 6];
    let graph = &model().graph;
    let (best, second) = choice(graph, &prompt);
    let (token, field) = chosen(graph, &model().program, &prompt, second);
    assert_eq!(token, best);
    assert_eq!(field, "statement.frontier_out.last_token");

    let (graph, low, high) = tied(&prompt);
    assert_eq!(
        choice(&graph, &prompt),
        (low, high),
        "they are equal and the best"
    );
    let program = program(&graph);
    let (token, field) = chosen(&graph, &program, &prompt, high);
    assert_eq!(token, low, "the smallest of equal ones");
    assert_eq!(field, "statement.frontier_out.last_token");

    // Sampling, whatever its seed, is another kind of policy: no statement of this program has it.
    let (own, _) = chunk(&prompt, 2, 1);
    let mut output = accepts(&own.input);
    output[6] = Felt::ONE;
    let error = Statement::from_output(&output, own.statement.program_hash);
    assert!(matches!(error, Err(StatementError::PolicyKind { .. })));
    let other = own.statement.compare(&output, own.statement.program_hash.0);
    assert!(
        matches!(other, Err(StatementError::Differs { field, .. }) if field == "statement.policy.kind")
    );
}

/// Attack: the elements of a tensor in another order, for every tensor that exists before a run: each
/// matrix, by rows or by columns, the embedding, every table. Stopped by: they are constants of the
/// program, so it is another program. The carried keys and values: `requirement_34_carried_elements`.
#[test]
fn requirement_34_constant_tensors() {
    let graph = &*model().graph;
    let hash = model().program.hash();
    let mut count = 0;
    let mut permuted = |name: &str, change: &dyn Fn(&mut Graph)| {
        let mut changed = graph.clone();
        change(&mut changed);
        assert_ne!(&changed, graph, "{name}: the permutation changes something");
        let other = crate::support::program_as(&rebuild(&changed), crate::claimed());
        assert_ne!(other.hash(), hash, "{name}: the same program");
        count += 1;
    };
    for (i, matrix) in graph.matrices.iter().enumerate() {
        let cols = matrix.cols;
        // Rows of one, columns of the next.
        if i % 2 == 0 {
            permuted(&format!("rows of {}", matrix.name), &|g| {
                g.matrices[i].data.rotate_right(cols);
            });
        } else {
            permuted(&format!("columns of {}", matrix.name), &|g| {
                let rows = g.matrices[i].data.chunks_mut(cols);
                rows.for_each(|row| row.rotate_right(1));
            });
        }
    }
    let width = graph.tables.embedding.cols;
    permuted("rows of the embedding", &|g| {
        g.tables.embedding.data.rotate_right(width)
    });
    permuted("cosines", &|g| g.tables.rope_cos.swap(2, 4));
    permuted("sines", &|g| g.tables.rope_sin.swap(2, 4));
    permuted("exponentials", &|g| g.tables.exp2[1..].rotate_right(1));
    permuted("sigmoids", &|g| g.tables.sigmoid.rotate_right(1));
    eprintln!("{count} permuted tensors, as many other programs");
}

/// Attack: the elements of a carried row in another order, any two of them. Stopped by: the KV root.
#[test]
fn requirement_34_carried_elements() {
    let (own, state) = chunk(&[3, 1, 6, 2], 3, 1);
    let mut count = 0;
    for (position, row) in state.kv.iter().enumerate() {
        for a in 0..row.len() {
            for b in a + 1..row.len() {
                if row[a] == row[b] {
                    continue;
                }
                let mut swapped = row.clone();
                swapped.swap(a, b);
                let mut forged = own.input.clone();
                forged[HEADER + position] = pack_kv(&swapped)[0];
                refuses(&format!("{a} and {b} of position {position}"), &forged);
                count += 1;
            }
        }
    }
    assert!(count > 30, "{count} pairs");
}

/// Attack: two felts of the statement exchanged. Stopped by: each is compared at its place.
#[test]
fn requirement_34_felts_of_the_statement() {
    let (own, _) = chunk(&[3, 1, 6, 2], 2, 3);
    let output = accepts(&own.input);
    let mut count = 0;
    for a in 0..output.len() {
        for b in a + 1..output.len() {
            if output[a] == output[b] {
                continue;
            }
            let mut swapped = output.clone();
            swapped.swap(a, b);
            let compared = own
                .statement
                .compare(&swapped, own.statement.program_hash.0);
            assert!(compared.is_err(), "{a} and {b}");
            count += 1;
        }
    }
    assert!(count > 150, "{count} pairs");
}
