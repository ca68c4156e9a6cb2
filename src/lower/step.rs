//! `carry` and `decide`, the two functions of a step: one line per operation.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::package::Source;
use super::unpacked::Unpacked;
use super::{ANGLES, LowerError, Lowering, rope, variable};
use crate::ir::{Node, Op};

/// `let Constants { … } = constants.unbox();`, or nothing.
fn unbox(reads: &BTreeSet<Unpacked>, out: &mut String) {
    if !reads.is_empty() {
        let fields: Vec<String> = reads.iter().map(Unpacked::pattern).collect();
        let fields = fields.join(", ");
        let _ = writeln!(
            out,
            "        let Constants {{ {fields}, .. }} = constants.unbox();"
        );
    }
}

pub(super) fn carry_function(
    lowering: &Lowering<'_>,
    reads: &BTreeSet<Unpacked>,
    shared: &[&Unpacked],
    out: &mut Source,
) -> Result<(), LowerError> {
    let cache = out.imports.item("kv", "LayerCache");
    let claims = out.imports.item("claims", "Claims");
    let _ = write!(
        out.text,
        "    fn carry(\n        constants: Box<Constants>,\n        token: felt252,\n        position: u32,\n        \
         ref caches: Array<{cache}>,\n        ref row: Array<felt252>,\n        \
         ref claims: {claims},\n    ) -> Carried {{\n"
    );
    unbox(reads, &mut out.text);
    let nodes = &lowering.schedule.carry;
    if nodes.iter().any(|n| matches!(n.op, Op::Rope { .. })) {
        let angles = rope::angles(lowering.graph, &mut out.imports);
        out.call(ANGLES, &format!("        let {ANGLES} = {angles};\n"));
    }
    statements(lowering, nodes, out)?;
    for layer in 0..lowering.graph.shape.layers {
        let _ = writeln!(out.text, "        caches.append(kv{layer});");
    }
    let fields = carried(lowering, shared, Unpacked::variable);
    let _ = writeln!(out.text, "        Carried {{ {fields} }}\n    }}\n");
    Ok(())
}

/// The fields of `Carried`: constants of which both functions take, then values.
fn carried(
    lowering: &Lowering<'_>,
    shared: &[&Unpacked],
    constant: impl Fn(&Unpacked) -> String,
) -> String {
    let constants = shared.iter().map(|shared| constant(shared));
    let values = lowering.schedule.carried.iter().map(|&id| lowering.var(id));
    constants.chain(values).collect::<Vec<_>>().join(", ")
}

pub(super) fn decide_function(
    lowering: &Lowering<'_>,
    reads: &BTreeSet<Unpacked>,
    shared: &[&Unpacked],
    out: &mut Source,
) -> Result<(), LowerError> {
    let cache = out.imports.item("kv", "LayerCache");
    let claims = out.imports.item("claims", "Claims");
    let _ = write!(
        out.text,
        "    fn decide(\n        constants: Box<Constants>,\n        carried: Carried,\n        \
         caches: Span<{cache}>,\n        ref claims: {claims},\n    ) -> felt252 {{\n"
    );
    unbox(reads, &mut out.text);
    let fields = carried(lowering, shared, Unpacked::pattern);
    let _ = writeln!(out.text, "        let Carried {{ {fields} }} = carried;");
    let nodes = &lowering.schedule.decide;
    let last = lowering.graph.shape.layers - 1;
    if reads_cache(nodes, last) {
        let _ = writeln!(out.text, "        let cache{last} = caches.at({last});");
    }
    statements(lowering, nodes, out)?;
    if let Some(last) = lowering.graph.nodes.last() {
        let _ = writeln!(out.text, "        {}", variable(last));
    }
    out.text += "    }\n";
    Ok(())
}

/// Whether one of the nodes reads a layer's cache.
fn reads_cache(nodes: &[&Node], layer: usize) -> bool {
    let reads = |node: &&Node| match node.op {
        Op::Scores { layer: read, .. } | Op::Mix { layer: read, .. } => read == layer,
        _ => false,
    };
    nodes.iter().any(reads)
}

/// One statement per node, with a blank line and a comment where the layer changes.
fn statements(
    lowering: &Lowering<'_>,
    nodes: &[&Node],
    out: &mut Source,
) -> Result<(), LowerError> {
    let mut section = "";
    for node in nodes {
        let name = node.label.split('.').next().unwrap_or("");
        if name != section {
            let _ = writeln!(out.text, "\n        // {name}");
            section = name;
        }
        let call = lowering.call(node, &mut out.imports)?;
        let mut lines = String::new();
        if let Op::KvAppend { layer, .. } = node.op {
            let _ = writeln!(
                lines,
                "        let mut kv{layer} = caches.pop_front().unwrap();"
            );
            let _ = writeln!(lines, "        {call};");
            if reads_cache(nodes, layer) {
                let _ = writeln!(lines, "        let cache{layer} = @kv{layer};");
            }
        } else {
            // The compiler wants to know which values nothing reads.
            let unread = if lowering.schedule.unread(node) {
                "_"
            } else {
                ""
            };
            let variable = variable(node);
            let _ = writeln!(lines, "        let {unread}{variable} = {call};");
        }
        out.call(&node.label, &lines);
    }
    Ok(())
}
