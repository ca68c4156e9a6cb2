//! The generated package: `Scarb.toml`, `src/lib.cairo`, `weights`, `tables`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use starknet_types_core::felt::Felt;

use super::constants::TABLE;
use super::linear::Product;
use super::schedule::Schedule;
use super::step::{carry_function, decide_function};
use super::{
    LowerError, LowerOptions, Lowering, WeightLayout, constants, embed, rope, variable, weights,
};
use crate::ir::{Len, Node, Op, VerifiedGraph};
use crate::spec::SPEC_VERSION;

/// A Cairo package: relative path → text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Name of the package and of its crate.
    pub name: String,
    /// Files.
    pub files: BTreeMap<String, String>,
    /// What the lines of `src/lib.cairo` (from 1) compute: the label of an operation, [`CONSTANTS`] or [`ANGLES`].
    pub calls: BTreeMap<usize, String>,
}

/// Label of the lines that unpack weights and tables.
pub const CONSTANTS: &str = "constants";
/// Label of the line that reads the step's rotary angles.
pub const ANGLES: &str = "angles";

/// Cairo under construction, and what its lines compute.
pub(super) struct Source {
    pub(super) text: String,
    calls: BTreeMap<usize, String>,
}

impl Source {
    /// Appends whole lines that compute `label`.
    pub(super) fn call(&mut self, label: &str, lines: &str) {
        let first = self.text.matches('\n').count() + 1;
        let count = lines.matches('\n').count();
        let labelled = (first..first + count).map(|line| (line, label.to_string()));
        self.calls.extend(labelled);
        self.text += lines;
    }
}

/// Lowers a graph to its package. `root` identifies the quantised model, and the program outputs it; where it reads the
/// weights, `root` identifies all that it is made from, and the output has the root of both.
///
/// # Errors
/// A value too wide for the kernels, or weights or positions too many for a layout.
pub fn lower(
    graph: &VerifiedGraph,
    root: Felt,
    options: LowerOptions,
) -> Result<Package, LowerError> {
    check_names(graph)?;
    rope::check_context(graph.shape.context, graph.shape.head_dim)?;
    embed::check_width(graph, options.weights)?;
    let graph = &*weights::graph_for(graph, options.weights)?;
    let lowering = Lowering::new(graph, options)?;
    let lib = library(&lowering, root)?;
    let mut files = BTreeMap::new();
    files.insert("Scarb.toml".to_string(), manifest(&graph.name));
    files.insert("src/lib.cairo".to_string(), lib.text);
    if let Some(weights) = weights::source(&lowering)? {
        files.insert("src/weights.cairo".to_string(), weights);
    }
    files.insert("src/tables.cairo".to_string(), tables(&lowering));
    Ok(Package {
        name: graph.name.clone(),
        files,
        calls: lib.calls,
    })
}

/// Labels become variables, with `_` for `.`: no two may become the same, and none may be a name that the
/// generated functions use themselves. Matrix names have to be plain too.
fn check_names(graph: &VerifiedGraph) -> Result<(), LowerError> {
    let taken = |name: &str| {
        let numbered = |prefix: &str| {
            let rest = name.strip_prefix(prefix).unwrap_or("");
            !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit())
        };
        [
            "position",
            ANGLES,
            "caches",
            "claims",
            "row",
            "carried",
            CONSTANTS,
            "exp2",
            "sigmoid",
            embed::VARIABLE,
        ]
        .contains(&name)
            || numbered("lanes")
            || numbered("kv")
            || numbered("cache")
    };
    let mut seen = BTreeSet::new();
    for node in &graph.nodes {
        let variable = variable(node);
        if taken(&variable)
            || !variable.starts_with(|c: char| c.is_ascii_lowercase())
            || !seen.insert(variable)
        {
            return Err(LowerError::Name {
                name: node.label.clone(),
            });
        }
    }
    // They stand in comments.
    for matrix in &graph.matrices {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
        let starts = matrix.name.starts_with(|c: char| c.is_ascii_lowercase());
        if !starts || !matrix.name.chars().all(plain) {
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

fn tables(lowering: &Lowering<'_>) -> String {
    let graph = lowering.graph;
    let t = &graph.tables;
    let (about, embedding) = match lowering.options.weights {
        WeightLayout::Committed => ("", String::new()),
        WeightLayout::Pairs | WeightLayout::Ready => {
            let array = constants::arrays(
                "EMBEDDING",
                "int8 rows, 30 values per word.",
                "felt252",
                &embed::table(graph),
                embed::rows_per_part(graph) * embed::words(graph),
            );
            ("embedding, ", array)
        }
    };
    [
        format!("//! Tables: {about}rotary angles, 2^−x, sigmoid.\n"),
        embedding,
        constants::array(
            "ROPE",
            "Per position: cosines, then sines, 15 bits each, 16 per word.",
            "felt252",
            &rope::table(graph),
        ),
        constants::array(
            "EXP2",
            "`round(2^15 · 2^(−i/128))`, 16 bits each, 14 per word.",
            "felt252",
            &TABLE.pack(&t.exp2),
        ),
        constants::array(
            "SIGMOID",
            "`round(2^15 · σ((i − 128)/16))`, 16 bits each, 14 per word.",
            "felt252",
            &TABLE.pack(&t.sigmoid),
        ),
    ]
    .concat()
}

/// `lib.cairo`: the model's constants, `carry` and `decide`.
fn library(lowering: &Lowering<'_>, root: Felt) -> Result<Source, LowerError> {
    let graph = lowering.graph;
    let shape = &graph.shape;
    let Schedule { carry, decide, .. } = &lowering.schedule;
    let (carry_reads, decide_reads) = (reads(lowering, carry)?, reads(lowering, decide)?);
    // Weights are read in order, so `decide` goes on where `carry` stopped.
    let shared = |name: &&String| name.starts_with("lanes");
    let shared: Vec<&String> = carry_reads
        .intersection(&decide_reads)
        .filter(shared)
        .collect();

    let all: BTreeSet<&String> = carry_reads.union(&decide_reads).collect();

    let mut out = format!(
        "//! Decode step of the model `{}`. Generated; do not edit.\n\n",
        graph.name
    );
    out += IMPORTS;
    out += &rounding_imports(lowering)?;
    match lowering.options.weights {
        WeightLayout::Pairs => out += "use decode_kernels::weights::separate;\n",
        WeightLayout::Ready => {}
        WeightLayout::Committed => {
            out += "use decode_kernels::kv::take;\nuse decode_kernels::roots::committed_root;\n";
            let parts = weights::parts(lowering)?;
            let used = parts.values().map(|parts| weights::separating(parts.lanes));
            for function in used.collect::<BTreeSet<_>>() {
                let _ = writeln!(out, "use decode_kernels::weights::{function};");
            }
        }
    }
    let products = [
        lowering.products(carry.iter().copied())?,
        lowering.products(decide.iter().copied())?,
    ];
    let layout = lowering.options.weights;
    let all_products = || products.iter().flatten();
    for (file, claimed) in [("claims", true), ("linear", false)] {
        if let Some(product) = all_products().find(|p| p.claimed == claimed) {
            let _ = writeln!(
                out,
                "use decode_kernels::{file}::{};",
                product.kernel(layout)
            );
        }
    }
    let claims = |products: &[Product<'_>]| -> Result<usize, LowerError> {
        products.iter().map(|p| p.claims(layout)).sum()
    };
    let (carry_claims, decide_claims) = (claims(&products[0])?, claims(&products[1])?);
    out += "\nmod tables;\n";
    if layout != WeightLayout::Committed {
        out += "mod weights;\n";
    }
    out += &structs(lowering, &all, &shared);
    let _ = write!(
        out,
        "\nimpl Step of Model {{\n    const SPEC_VERSION: felt252 = {SPEC_VERSION};\n    \
         const STATEMENT_VERSION: felt252 = {};\n    const CARRY_CLAIMS: u32 = {carry_claims};\n    \
         const DECIDE_CLAIMS: u32 = {decide_claims};\n    const LAYERS: felt252 = {};\n    \
         const KV_HEADS: u32 = {};\n    const HEAD_DIM: u32 = {};\n    const KV_WORDS: u32 = {};\n    \
         impl KeyLanes = Lanes{};\n    type Constants = Box<Constants>;\n    type Carried = Carried;\n\n",
        layout.statement_version(),
        shape.layers,
        shape.kv_heads,
        shape.head_dim,
        shape.kv_words(),
        lowering.key_lanes.bits,
    );

    let mut out = Source {
        text: out,
        calls: BTreeMap::new(),
    };
    constants_function(lowering, root, &all, &mut out)?;

    let fields: Vec<String> = shared
        .iter()
        .map(|name| name.to_string())
        .chain(lowering.schedule.carried.iter().map(|&id| lowering.var(id)))
        .collect();
    carry_function(lowering, &carry_reads, &fields, &mut out)?;
    let rest = |name: &&String| !shared.contains(name);
    let decide_reads = decide_reads.iter().filter(rest).cloned().collect();
    decide_function(lowering, &decide_reads, &fields, &mut out)?;
    out.text += "}\n\n/// Proves a chunk of decode steps; see `decode_kernels::chunk`.\n#[executable_raw]\n\
            fn main(input: Span<felt252>, ref output: Array<felt252>) {\n    run_chunk::<Step>(input, ref output);\n}\n";
    Ok(out)
}

/// `constants`, which takes what is not in the program from the input, and `model_root`.
fn constants_function(
    lowering: &Lowering<'_>,
    root: Felt,
    all: &BTreeSet<&String>,
    out: &mut Source,
) -> Result<(), LowerError> {
    let committed = lowering.options.weights == WeightLayout::Committed;
    out.text +=
        "    #[inline(always)]\n    fn constants(ref input: Span<felt252>) -> Box<Constants> {\n";
    if committed {
        let words = weights::committed_count(lowering)?;
        let lines = format!(
            "        let mut words = take(ref input, {words});\n        \
             let model_root = committed_root({root:#x}, words);\n"
        );
        out.call(CONSTANTS, &lines);
    }
    out.text += "        BoxTrait::new(\n            Constants {\n";
    for name in all {
        let field = format!("                {name}: {},\n", unpacked(lowering, name)?);
        out.call(CONSTANTS, &field);
    }
    if committed {
        out.text += "                model_root,\n";
    }
    out.text += "            },\n        )\n    }\n\n    #[inline(always)]\n    \
                 fn model_root(constants: Box<Constants>) -> felt252 {\n";
    match committed {
        true => out.text += "        constants.unbox().model_root\n",
        false => {
            let _ = writeln!(out.text, "        {root:#x}");
        }
    }
    out.text += "    }\n\n";
    Ok(())
}

/// The unpacked constants, and what `carry` hands to `decide`.
fn structs(lowering: &Lowering<'_>, all: &BTreeSet<&String>, shared: &[&String]) -> String {
    let mut out = String::from(
        "\n/// Weights and tables, ready to compute with.\n#[derive(Drop, Copy)]\npub struct Constants {\n",
    );
    for name in all {
        let _ = writeln!(out, "    {name}: Span<felt252>,");
    }
    if lowering.options.weights == WeightLayout::Committed {
        out += "    model_root: felt252,\n";
    }
    out += "}\n\n/// What `carry` hands to `decide`.\n#[derive(Drop)]\npub struct Carried {\n";
    for name in shared {
        let _ = writeln!(out, "    {name}: Span<felt252>,");
    }
    for &id in &lowering.schedule.carried {
        let ty = match lowering.node(id).len {
            Len::Fixed(_) => "Span<felt252>",
            Len::PerPosition => "Array<Span<felt252>>",
        };
        let _ = writeln!(out, "    {}: {ty},", lowering.var(id));
    }
    out + "}\n"
}

/// Names of the constants that are unpacked for `nodes`.
fn reads(lowering: &Lowering<'_>, nodes: &[&Node]) -> Result<BTreeSet<String>, LowerError> {
    let products = lowering.products(nodes.iter().copied())?;
    let mut names = BTreeSet::new();
    if lowering.options.weights.is_separated() {
        names.extend(products.iter().map(|p| weights::variable(p.lanes)));
    }
    let committed = lowering.options.weights == WeightLayout::Committed;
    names.extend(nodes.iter().filter_map(|node| match node.op {
        Op::Embed { .. } if committed => Some(embed::VARIABLE.to_string()),
        Op::Softmax { .. } => Some("exp2".to_string()),
        Op::Silu { .. } => Some("sigmoid".to_string()),
        _ => None,
    }));
    Ok(names)
}

/// The expression that unpacks a constant.
fn unpacked(lowering: &Lowering<'_>, name: &str) -> Result<String, LowerError> {
    let tables = &lowering.graph.tables;
    let table = |len: usize| {
        format!(
            "unpack_table(tables::{}.span(), {len})",
            name.to_uppercase()
        )
    };
    Ok(match name {
        "exp2" => table(tables.exp2.len()),
        "sigmoid" => table(tables.sigmoid.len()),
        embed::VARIABLE => {
            let words = embed::table_words(lowering.graph);
            format!("take(ref words, {words})")
        }
        lanes => weights::separated(lowering, lanes)?,
    })
}

/// Imports what of `requantize` the operations use: the compiler takes no other.
fn rounding_imports(lowering: &Lowering<'_>) -> Result<String, LowerError> {
    let calls = lowering.schedule.all().map(|node| lowering.call(node));
    let calls = calls.collect::<Result<Vec<String>, LowerError>>()?;
    let used = [
        "Rounding",
        "Saturation",
        "requantize",
        "requantize_saturated",
    ];
    let used = used.into_iter().filter(|name| {
        let ends = [format!("{name}("), format!("{name} {{")];
        calls
            .iter()
            .any(|call| ends.iter().any(|end| call.contains(end)))
    });
    let used: Vec<&str> = used.collect();
    Ok(format!(
        "use decode_kernels::requantize::{{{}}};\n",
        used.join(", ")
    ))
}

const IMPORTS: &str = "\
use decode_kernels::argmax::argmax;
use decode_kernels::bytes::unpack_table;
use decode_kernels::chunk::{Model, run_chunk};
use decode_kernels::claims::Claims;
use decode_kernels::elementwise::{add, mul};
use decode_kernels::embed::embed;
use decode_kernels::kv::{LayerCache, kv_append};
use decode_kernels::linear::{Lanes20, Lanes24, Lanes30, Lanes40, Lanes60};
use decode_kernels::mix::mix;
use decode_kernels::rmsnorm::{RmsNorm, rmsnorm};
use decode_kernels::rope::{angles, rope};
use decode_kernels::scores::scores;
use decode_kernels::silu::silu;
use decode_kernels::softmax::softmax;
";
