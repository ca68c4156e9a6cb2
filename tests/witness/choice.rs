//! A tie of the largest logits: the lowest index is the token, whatever the prover names.

use cairo_decode::chunk::Decoder;
use cairo_decode::ir::Graph;
use cairo_decode::trace;

use crate::liar::{Liar, Lie, MAXIMUM};
use crate::support::{pins, program_as, rebuild};
use crate::{assert_refusal, chunk, claimed, model};

/// Attack: of two tokens with the same, largest logit, the prover names the second. Stopped by: elements before
/// the one that is named have to be smaller.
#[test]
fn requirement_14_another_tie_break() {
    let token = chunk(&[3, 1, 6], 0, 3).0.emitted[0] as usize;
    let mut graph: Graph = (*model().graph).clone();
    let vocab = graph.shape.vocab;
    let matrix = graph.matrices.last_mut().expect("the logits' matrix");
    assert_eq!(
        (matrix.name.as_str(), matrix.rows),
        ("final.lm_head", vocab)
    );
    // The chosen token's row, and next to it the same one again.
    let row = matrix.row(token).to_vec();
    let first = token.min(vocab - 2);
    let both = first * matrix.cols..(first + 2) * matrix.cols;
    matrix.data[both].copy_from_slice(&[&row[..], &row].concat());
    let graph = rebuild(&graph);
    let program = program_as(&graph, claimed());
    let mut decoder = Decoder::new(&graph, pins(&program, &[3, 1, 6])).expect("a session");
    let chunk = decoder.chunk(3).expect("a chunk");
    assert_eq!(chunk.emitted, [first as u32], "the lower of the two");

    let run = |lie: Option<Lie>| {
        let mut liar = Liar::new(&program, &chunk.input, lie, 1 << 22);
        let run = trace::run_with(&program, &mut liar);
        (run.map(|trace| trace.output().to_vec()), liar.sites)
    };
    let (honest, sites) = run(None);
    assert_eq!(honest.expect("an honest run"), chunk.statement.to_output());
    let site = sites.iter().rposition(|site| site.kind == MAXIMUM);
    let site = site.expect("the choice");
    let lies = &sites[site].lies;
    let second = lies.iter().position(|lie| *lie == "index + 1");
    let lie = Lie {
        site,
        lie: second.expect("the second of the two"),
        then: None,
    };
    match run(Some(lie)).0 {
        Ok(_) => panic!("SOUNDNESS: the second of two equal logits is accepted"),
        Err(refused) => assert_refusal("the second of two", &refused.to_string()),
    };
}
