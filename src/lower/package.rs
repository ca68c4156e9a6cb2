//! The generated package: `Scarb.toml`, `src/lib.cairo`, `weights`, `tables`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use starknet_types_core::felt::Felt;

use super::{Lanes, Layout, LowerError, Lowering, constants, embed, linear, rope, scores};
use crate::ir::{Len, Node, Op, ValueId, VerifiedGraph};
use crate::spec::SPEC_VERSION;

/// A Cairo package: relative path → text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Name of the package and of its crate.
    pub name: String,
    /// Files.
    pub files: BTreeMap<String, String>,
}

/// Lowers a graph to its package. `model_root` identifies the quantised model; the program outputs it.
///
/// # Errors
/// A value too wide for the kernels.
pub fn lower(
    graph: &VerifiedGraph,
    model_root: Felt,
    layout: Layout,
) -> Result<Package, LowerError> {
    check_names(graph)?;
    let lowering = Lowering {
        graph,
        layout,
        key_lanes: scores::key_lanes(graph)?,
    };
    let lib = library(&lowering, model_root)?;
    let mut files = BTreeMap::new();
    files.insert("Scarb.toml".to_string(), manifest(&graph.name));
    files.insert("src/lib.cairo".to_string(), lib);
    files.insert("src/weights.cairo".to_string(), weights(graph, layout)?);
    files.insert("src/tables.cairo".to_string(), tables(graph));
    Ok(Package {
        name: graph.name.clone(),
        files,
    })
}

/// Labels become variables and matrix names constants, with `_` for `.`: no two may become the same, and
/// none may be a name that the generated functions use themselves.
fn check_names(graph: &VerifiedGraph) -> Result<(), LowerError> {
    let taken = |name: &str| {
        let numbered = |prefix: &str| {
            let rest = name.strip_prefix(prefix).unwrap_or("");
            !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit())
        };
        ["position", "angles", "caches", "row", "carried", "matrices"].contains(&name)
            || numbered("kv")
            || numbered("cache")
    };
    let mut seen = BTreeSet::new();
    for node in &graph.nodes {
        let variable = node.label.replace('.', "_");
        if taken(&variable)
            || !variable.starts_with(|c: char| c.is_ascii_lowercase())
            || !seen.insert(variable)
        {
            return Err(LowerError::Name {
                name: node.label.clone(),
            });
        }
    }
    let mut seen = BTreeSet::new();
    for matrix in &graph.matrices {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
        let starts = matrix.name.starts_with(|c: char| c.is_ascii_lowercase());
        if !starts || !matrix.name.chars().all(plain) || !seen.insert(linear::constant(matrix)) {
            return Err(LowerError::Name {
                name: matrix.name.clone(),
            });
        }
    }
    Ok(())
}

fn manifest(name: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024_07\"\ncairo-version = \"2.16.0\"\n\n\
         [dependencies]\ndecode_kernels = {{ path = \"../kernels\" }}\n\n[executable]\n"
    )
}

/// Words of a matrix, in the lanes that its (only) input range allows.
fn weights(graph: &VerifiedGraph, layout: Layout) -> Result<String, LowerError> {
    let per_word = match layout {
        Layout::Fast => "block",
        Layout::Compact => "pair of blocks",
    };
    let mut out = format!("//! Packed weights: one word per column and {per_word} of rows.\n");
    for (matrix, range) in linear::uses(graph) {
        let matrix = graph.matrix(matrix);
        let lanes = Lanes::choose(matrix, range)?;
        let words = match layout {
            Layout::Fast => lanes.pack(matrix),
            Layout::Compact => lanes.pack_pairs(matrix),
        };
        let doc = format!(
            "`{}`: {} × {} int8, {} rows per block in lanes of {} bits.",
            matrix.name,
            matrix.rows,
            matrix.cols,
            lanes.rows(),
            lanes.bits
        );
        out += &constants::array(&linear::constant(matrix), &doc, &words);
    }
    Ok(out)
}

fn tables(graph: &VerifiedGraph) -> String {
    let felts = |xs: &[i64]| xs.iter().map(|&x| Felt::from(x)).collect::<Vec<_>>();
    let t = &graph.tables;
    [
        "//! Tables: embedding, rotary angles, 2^−x, sigmoid.\n".to_string(),
        constants::array(
            "EMBEDDING",
            "int8 rows, 30 values per word.",
            &embed::table(graph),
        ),
        constants::array(
            "ROPE",
            "Per position: cosines, then sines, 15 bits each, 16 per word.",
            &rope::table(graph),
        ),
        constants::array("EXP2", "`round(2^15 · 2^(−i/128))`.", &felts(&t.exp2)),
        constants::array(
            "SIGMOID",
            "`round(2^15 · σ((i − 128)/16))`.",
            &felts(&t.sigmoid),
        ),
    ]
    .concat()
}

/// `lib.cairo`: the model's constants, `carry` and `decide`.
fn library(lowering: &Lowering<'_>, model_root: Felt) -> Result<String, LowerError> {
    let graph = lowering.graph;
    let shape = &graph.shape;
    // Everything up to the last append is carried to later steps; the rest only decides the token.
    let cut = graph
        .nodes
        .iter()
        .rposition(|n| matches!(n.op, Op::KvAppend { .. }))
        .unwrap_or(0)
        + 1;
    let (carry, decide) = graph.nodes.split_at(cut);
    let carried = live_values(decide, cut);

    let mut out = format!(
        "//! Decode step of the model `{}`. Generated; do not edit.\n\n",
        graph.name
    );
    out += IMPORTS;
    if lowering.layout == Layout::Compact {
        out += "use decode_kernels::compact::expand;\n";
    }
    out += "\nmod tables;\nmod weights;\n";
    out += "\n/// What `carry` hands to `decide`.\n#[derive(Drop)]\npub struct Carried {\n";
    for &id in &carried {
        let ty = match graph.node(id).len {
            Len::Fixed(_) => "Span<felt252>",
            Len::PerPosition => "Array<Span<felt252>>",
        };
        let _ = writeln!(out, "    {}: {ty},", lowering.var(id));
    }
    let _ = write!(
        out,
        "}}\n\nimpl Step of Model {{\n    const SPEC_VERSION: felt252 = {SPEC_VERSION};\n    \
         const MODEL_ROOT: felt252 = {model_root:#x};\n    const LAYERS: felt252 = {};\n    \
         const KV_HEADS: u32 = {};\n    const HEAD_DIM: u32 = {};\n    const KV_WORDS: u32 = {};\n    \
         impl KeyLanes = Lanes{};\n    type Carried = Carried;\n\n",
        shape.layers,
        shape.kv_heads,
        shape.head_dim,
        shape.kv_words(),
        lowering.key_lanes.bits,
    );

    out += &matrices(lowering)?;
    out += "    fn carry(\n        matrices: Span<Span<felt252>>,\n        token: felt252,\n        position: u32,\n        \
            ref caches: Array<LayerCache>,\n        ref row: Array<felt252>,\n    ) -> Carried {\n";
    let _ = writeln!(out, "        let angles = {};", rope::angles(graph));
    statements(lowering, 0, carry, &mut out)?;
    for layer in 0..shape.layers {
        let _ = writeln!(out, "        caches.append(kv{layer});");
    }
    let fields: Vec<String> = carried.iter().map(|&id| lowering.var(id)).collect();
    let _ = writeln!(out, "        Carried {{ {} }}\n    }}\n", fields.join(", "));

    out += "    fn decide(\n        matrices: Span<Span<felt252>>, carried: Carried, caches: Span<LayerCache>,\n    ) -> felt252 {\n";
    let _ = writeln!(
        out,
        "        let Carried {{ {} }} = carried;",
        fields.join(", ")
    );
    let _ = writeln!(
        out,
        "        let cache{0} = caches.at({0});",
        shape.layers - 1
    );
    statements(lowering, cut, decide, &mut out)?;
    if let Some(last) = graph.nodes.last() {
        let _ = writeln!(out, "        {}", last.label.replace('.', "_"));
    }
    out += "    }\n}\n\n/// Proves a chunk of decode steps; see `decode_kernels::chunk`.\n#[executable_raw]\n\
            fn main(input: Span<felt252>, ref output: Array<felt252>) {\n    run_chunk::<Step>(input, ref output);\n}\n";
    Ok(out)
}

/// The function that takes the compact matrices apart.
fn matrices(lowering: &Lowering<'_>) -> Result<String, LowerError> {
    if lowering.layout == Layout::Fast {
        return Ok(
            "    fn matrices() -> Array<Span<felt252>> {\n        array![]\n    }\n\n".to_string(),
        );
    }
    let mut out = String::from("    fn matrices() -> Array<Span<felt252>> {\n        array![\n");
    for (matrix, range) in linear::uses(lowering.graph) {
        let matrix = lowering.graph.matrix(matrix);
        let lanes = Lanes::choose(matrix, range)?;
        let _ = writeln!(
            out,
            "            expand::<Lanes{}>(weights::{}.span(), {}, {}),",
            lanes.bits,
            linear::constant(matrix),
            matrix.cols,
            matrix.rows.div_ceil(lanes.rows()),
        );
    }
    Ok(out + "        ]\n    }\n\n")
}

/// One statement per node, with a blank line and a comment where the layer changes. `first` is the
/// first node's id.
fn statements(
    lowering: &Lowering<'_>,
    first: usize,
    nodes: &[Node],
    out: &mut String,
) -> Result<(), LowerError> {
    let mut section = "";
    for node in schedule(first, nodes) {
        let name = node.label.split('.').next().unwrap_or("");
        if name != section {
            let _ = writeln!(out, "\n        // {name}");
            section = name;
        }
        let call = lowering.call(node)?;
        if let Op::KvAppend { layer, .. } = node.op {
            let _ = writeln!(
                out,
                "        let mut kv{layer} = caches.pop_front().unwrap();"
            );
            let _ = writeln!(out, "        {call};");
            if nodes
                .iter()
                .any(|n| matches!(n.op, Op::Scores { layer: read, .. } if read == layer))
            {
                let _ = writeln!(out, "        let cache{layer} = @kv{layer};");
            }
        } else {
            let _ = writeln!(
                out,
                "        let {} = {call};",
                node.label.replace('.', "_")
            );
        }
    }
    Ok(())
}

/// The nodes in order, except that a linear layer waits for its first reader: a value that is read at
/// once costs the program no words to keep.
fn schedule(first: usize, nodes: &[Node]) -> Vec<&Node> {
    let mut order = Vec::new();
    let mut waiting: Vec<(usize, &Node)> = Vec::new();
    for (id, node) in (first..).zip(nodes) {
        let read = node.op.operands();
        let due = |(id, _): &(usize, &Node)| read.iter().any(|r| r.0 as usize == *id);
        order.extend(
            waiting
                .extract_if(.., |linear| due(linear))
                .map(|(_, linear)| linear),
        );
        if matches!(node.op, Op::Linear { .. }) {
            waiting.push((id, node));
        } else {
            order.push(node);
        }
    }
    order.extend(waiting.into_iter().map(|(_, linear)| linear));
    order
}

/// Values made before node `cut` that the nodes after it read, in order.
fn live_values(after: &[Node], cut: usize) -> BTreeSet<ValueId> {
    after
        .iter()
        .flat_map(|n| n.op.operands())
        .filter(|id| (id.0 as usize) < cut)
        .collect()
}

const IMPORTS: &str = "\
use decode_kernels::argmax::argmax;
use decode_kernels::chunk::{Model, run_chunk};
use decode_kernels::elementwise::{add, mul};
use decode_kernels::embed::embed;
use decode_kernels::kv::{LayerCache, kv_append};
use decode_kernels::linear::{Lanes20, Lanes24, Lanes30, Lanes40, Lanes60, linear};
use decode_kernels::mix::mix;
use decode_kernels::requantize::{Rounding, Saturation, requantize, requantize_saturated};
use decode_kernels::rmsnorm::{RmsNorm, rmsnorm};
use decode_kernels::rope::{angles, rope};
use decode_kernels::scores::scores;
use decode_kernels::silu::silu;
use decode_kernels::softmax::softmax;
";
