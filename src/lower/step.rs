//! `carry` and `decide`, the two functions of a step: one line per operation.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::package::Source;
use super::{ANGLES, LowerError, Lowering, rope, variable};
use crate::ir::{Node, Op};

/// `let Constants { … } = constants.unbox();`, or nothing.
fn unbox(reads: &BTreeSet<String>, out: &mut String) {
    let field = |name: &String| match name.starts_with("lanes") {
        true => format!("mut {name}"),
        false => name.clone(),
    };
    let fields: Vec<String> = reads.iter().map(field).collect();
    if !fields.is_empty() {
        let fields = fields.join(", ");
        let _ = writeln!(
            out,
            "        let Constants {{ {fields}, .. }} = constants.unbox();"
        );
    }
}

pub(super) fn carry_function(
    lowering: &Lowering<'_>,
    reads: &BTreeSet<String>,
    carried: &[String],
    out: &mut Source,
) -> Result<(), LowerError> {
    out.text += "    fn carry(\n        constants: Box<Constants>,\n        token: felt252,\n        position: u32,\n        \
             ref caches: Array<LayerCache>,\n        ref row: Array<felt252>,\n        \
             ref claims: Claims,\n    ) -> Carried {\n";
    unbox(reads, &mut out.text);
    let angles = rope::angles(lowering.graph);
    out.call(ANGLES, &format!("        let angles = {angles};\n"));
    statements(lowering, &lowering.schedule.carry, out)?;
    for layer in 0..lowering.graph.shape.layers {
        let _ = writeln!(out.text, "        caches.append(kv{layer});");
    }
    let _ = writeln!(
        out.text,
        "        Carried {{ {} }}\n    }}\n",
        carried.join(", ")
    );
    Ok(())
}

pub(super) fn decide_function(
    lowering: &Lowering<'_>,
    reads: &BTreeSet<String>,
    carried: &[String],
    out: &mut Source,
) -> Result<(), LowerError> {
    out.text += "    fn decide(\n        constants: Box<Constants>,\n        carried: Carried,\n        \
             caches: Span<LayerCache>,\n        ref claims: Claims,\n    ) -> felt252 {\n";
    unbox(reads, &mut out.text);
    let mutable = |name: &String| match name.starts_with("lanes") {
        true => format!("mut {name}"),
        false => name.clone(),
    };
    let carried: Vec<String> = carried.iter().map(mutable).collect();
    let _ = writeln!(
        out.text,
        "        let Carried {{ {} }} = carried;",
        carried.join(", ")
    );
    let last = lowering.graph.shape.layers - 1;
    let _ = writeln!(out.text, "        let cache{last} = caches.at({last});");
    statements(lowering, &lowering.schedule.decide, out)?;
    if let Some(last) = lowering.graph.nodes.last() {
        let _ = writeln!(out.text, "        {}", variable(last));
    }
    out.text += "    }\n";
    Ok(())
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
        let call = lowering.call(node)?;
        let mut lines = String::new();
        if let Op::KvAppend { layer, .. } = node.op {
            let _ = writeln!(
                lines,
                "        let mut kv{layer} = caches.pop_front().unwrap();"
            );
            let _ = writeln!(lines, "        {call};");
            if nodes
                .iter()
                .any(|n| matches!(n.op, Op::Scores { layer: read, .. } if read == layer))
            {
                let _ = writeln!(lines, "        let cache{layer} = @kv{layer};");
            }
        } else {
            let variable = variable(node);
            let _ = writeln!(lines, "        let {variable} = {call};");
        }
        out.call(&node.label, &lines);
    }
    Ok(())
}
