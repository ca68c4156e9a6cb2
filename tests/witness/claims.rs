//! Claimed products: what stops a wrong one.

use cairo_decode::chunk::Decoder;
use cairo_decode::compile::{Program, compile};
use cairo_decode::lower::lower;
use cairo_decode::trace;
use starknet_types_core::felt::Felt;

use crate::liar::{Liar, Lie, SUMS, Site};
use crate::support::{MODEL_ROOT, pins};
use crate::{claimed, model};

/// The attacked model's program, whose check looks at none of the claims.
fn without_the_check() -> Program {
    let graph = &model().graph;
    let mut package = lower(graph, Felt::from(MODEL_ROOT), claimed()).expect("lowers");
    let lib = package.files.get_mut("src/lib.cairo").expect("a library");
    for part in ["CARRY", "DECIDE"] {
        let name = format!("const {part}_CLAIMS: u32 = ");
        let start = lib.find(&name).expect("the number of claims") + name.len();
        let end = start + lib[start..].find(';').expect("a constant's end");
        assert_ne!(&lib[start..end], "0", "the attacked program claims");
        lib.replace_range(start..end, "0");
    }
    compile(&package.name, &package.files, &package.calls).expect("compiles")
}

/// Attack: the prover claims another sum of a product. Stopped by: the check of all claims at the chunk's end.
/// Without it the run goes through, and states other keys and values or another token.
#[test]
fn requirement_24_the_check_of_claims() {
    let open = without_the_check();
    let stated = |program: &Program, lie: Option<Lie>| {
        let mut decoder =
            Decoder::new(&model().graph, pins(program, &[3, 1, 6])).expect("a session");
        let input = decoder.chunk(3).expect("a chunk").input;
        let mut liar = Liar::new(program, &input, lie, 1 << 22);
        let run = trace::run_with(program, &mut liar);
        (run.map(|trace| trace.output().to_vec()), liar.sites)
    };
    let (honest, sites) = stated(&open, None);
    let honest = honest.expect("an honest run");
    let told = |program: &Program, sites: &[Site]| {
        let claims = sites.iter().enumerate().filter(|(_, s)| s.kind == SUMS);
        let lies = claims.flat_map(|(site, s)| {
            (0..s.lies.len()).map(move |lie| Lie {
                site,
                lie,
                then: None,
            })
        });
        lies.map(|lie| stated(program, Some(lie)).0.ok())
            .collect::<Vec<_>>()
    };
    let open = told(&open, &sites);
    let accepted = open.iter().flatten().count();
    let changed = open.iter().flatten().filter(|output| **output != honest);
    let changed = changed.count();
    eprintln!(
        "without the check {accepted} of {} wrong claims are accepted, {changed} with another statement",
        open.len()
    );
    assert!(changed > 0, "no claim matters");
    // With it, at the same places.
    let (honest, sites) = stated(&model().program, None);
    honest.expect("an honest run");
    let checked = told(&model().program, &sites);
    assert_eq!(checked.len(), open.len());
    assert!(checked.iter().all(Option::is_none));
}
