//! x
mod support;
use cairo_decode::chunk::Decoder;
use cairo_decode::compile::{arithmetic, membership};
use cairo_decode::lower::{LowerOptions, lower};
use cairo_decode::trace;
use cairo_decode::profile::components;
use starknet_types_core::felt::Felt;
use support::{MODEL_ROOT, pins, program, random_graph, tiny};
use std::collections::BTreeMap;

#[test]
fn experiment() {
    let graph = random_graph("tiny", 5, tiny());
    let fused = program(&graph);
    let package = lower(&graph, Felt::from(MODEL_ROOT), LowerOptions::default()).unwrap();
    let arith = arithmetic(&package.name, &package.files, &package.calls).unwrap();
    let t = &graph.tables;
    let entries: Vec<Felt> = t.sigmoid.iter().chain(&t.exp2).map(|&x| Felt::from(x)).chain((0..16).map(|i| Felt::from(1u64 << (15 - i)))).collect();
    let member = membership(&entries);
    println!("{} {} {}", fused.words().len(), arith.words().len(), member.words().len());
    let mut decoder = Decoder::new(&graph, pins(&fused, &[3, 1, 6])).unwrap();
    let input = decoder.chunk(3).unwrap().input;
    let f = trace::run(&fused, &input).unwrap();
    let a = trace::run(&arith, &input).unwrap();
    println!("{:?}", &a.output()[19..]);
    assert_eq!(&a.output()[..21], f.output());
    let claims = a.claims().unwrap();
    let m = trace::run(&member, &claims).unwrap();
    println!("{:?}", m.output());
    for (p, t) in [(&fused, f), (&arith, a), (&member, m)] {
        let n = t.registers().filter(|r| p.looks_up(r.pc)).count();
        let mut by: BTreeMap<String, usize> = BTreeMap::new();
        for r in t.registers() { *by.entry(p.operation(r.pc).to_string()).or_default() += 1; }
        println!("steps {} lookups {n} {by:?}", t.steps());
        for c in components(&t.into_prover_input().unwrap()).unwrap() { if !c.fixed { print!("{}={} ", c.name, c.rows); } }
        println!();
    }
}
