//! The generated package: `Scarb.toml`, `src/lib.cairo`, `weights`, `tables`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use starknet_types_core::felt::Felt;

use super::constants::TABLE;
use super::imports::Imports;
use super::step::{carry_function, decide_function};
use super::unpacked::{Unpacked, reads};
use super::{
    LowerError, LowerOptions, Lowering, WeightLayout, constants, embed, rope, silu, softmax,
    variable, weights,
};
use crate::ir::{Len, Node, VerifiedGraph};
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

/// Cairo under construction, what its lines compute, and what it names of the kernel library.
#[derive(Default)]
pub(super) struct Source {
    pub(super) text: String,
    pub(super) imports: Imports,
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

    /// The text behind a head of whole lines.
    fn behind(self, head: &str) -> Source {
        let lines = head.matches('\n').count();
        let calls = self.calls.into_iter();
        Source {
            text: [head, &self.text].concat(),
            imports: self.imports,
            calls: calls.map(|(line, label)| (line + lines, label)).collect(),
        }
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
    let weights = weights::source(&lowering)?;
    let lib = library(&lowering, root, weights.is_some())?;
    let mut files = BTreeMap::new();
    files.insert("Scarb.toml".to_string(), manifest(&graph.name));
    files.insert("src/lib.cairo".to_string(), lib.text);
    if let Some(weights) = weights {
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
            softmax::EXP2,
            silu::SIGMOID,
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
fn library(lowering: &Lowering<'_>, root: Felt, with_weights: bool) -> Result<Source, LowerError> {
    let schedule = &lowering.schedule;
    let carry_reads = reads(lowering, &schedule.carry)?;
    let decide_reads = reads(lowering, &schedule.decide)?;
    let all: BTreeSet<&Unpacked> = carry_reads.union(&decide_reads).collect();
    let shared: Vec<&Unpacked> = carry_reads
        .intersection(&decide_reads)
        .filter(|constant| constant.is_consumed())
        .collect();

    let mut out = Source::default();
    out.text += "\nmod tables;\n";
    if with_weights {
        out.text += "mod weights;\n";
    }
    out.text += &structs(lowering, &all, &shared);
    sizes(lowering, &mut out)?;
    constants_function(lowering, root, &all, &mut out)?;
    carry_function(lowering, &carry_reads, &shared, &mut out)?;
    let rest = decide_reads.iter().filter(|c| !shared.contains(c));
    decide_function(lowering, &rest.cloned().collect(), &shared, &mut out)?;
    let run = out.imports.item("chunk", "run_chunk");
    let _ = write!(
        out.text,
        "}}\n\n/// Proves a chunk of decode steps; see `decode_kernels::chunk`.\n#[executable_raw]\n\
         fn main(input: Span<felt252>, ref output: Array<felt252>) {{\n    {run}::<Step>(input, ref output);\n}}\n"
    );
    let head = format!(
        "//! Decode step of the model `{}`. Generated; do not edit.\n\n{}",
        lowering.graph.name,
        out.imports.lines()
    );
    Ok(out.behind(&head))
}

/// The head of the implementation of `Model`: versions and sizes.
fn sizes(lowering: &Lowering<'_>, out: &mut Source) -> Result<(), LowerError> {
    let (shape, layout) = (&lowering.graph.shape, lowering.options.weights);
    let claims = |nodes: &[&Node]| -> Result<usize, LowerError> {
        let products = lowering.products(nodes.iter().copied())?;
        products.iter().map(|p| p.claims(layout)).sum()
    };
    let (carry, decide) = (&lowering.schedule.carry, &lowering.schedule.decide);
    let (carry_claims, decide_claims) = (claims(carry)?, claims(decide)?);
    let model = out.imports.item("chunk", "Model");
    let key_lanes = out.imports.lanes(lowering.key_lanes.bits);
    let _ = write!(
        out.text,
        "\nimpl Step of {model} {{\n    const SPEC_VERSION: felt252 = {SPEC_VERSION};\n    \
         const STATEMENT_VERSION: felt252 = {};\n    const CARRY_CLAIMS: u32 = {carry_claims};\n    \
         const DECIDE_CLAIMS: u32 = {decide_claims};\n    const LAYERS: felt252 = {};\n    \
         const KV_HEADS: u32 = {};\n    const HEAD_DIM: u32 = {};\n    const KV_WORDS: u32 = {};\n    \
         impl KeyLanes = {key_lanes};\n    type Constants = Box<Constants>;\n    type Carried = Carried;\n\n",
        layout.statement_version(),
        shape.layers,
        shape.kv_heads,
        shape.head_dim,
        shape.kv_words(),
    );
    Ok(())
}

/// `constants`, which takes what is not in the program from the input, and `model_root`.
fn constants_function(
    lowering: &Lowering<'_>,
    root: Felt,
    all: &BTreeSet<&Unpacked>,
    out: &mut Source,
) -> Result<(), LowerError> {
    let committed = lowering.options.weights == WeightLayout::Committed;
    out.text +=
        "    #[inline(always)]\n    fn constants(ref input: Span<felt252>) -> Box<Constants> {\n";
    if committed {
        let words = weights::committed_count(lowering)?;
        let take = out.imports.item("kv", "take");
        let committed_root = out.imports.item("roots", "committed_root");
        let lines = format!(
            "        let mut words = {take}(ref input, {words});\n        \
             let model_root = {committed_root}({root:#x}, words);\n"
        );
        out.call(CONSTANTS, &lines);
    }
    out.text += "        BoxTrait::new(\n            Constants {\n";
    for constant in all {
        let (name, value) = (
            constant.variable(),
            constant.expression(lowering, &mut out.imports),
        );
        out.call(CONSTANTS, &format!("                {name}: {value},\n"));
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
fn structs(lowering: &Lowering<'_>, all: &BTreeSet<&Unpacked>, shared: &[&Unpacked]) -> String {
    let mut out = String::from(
        "\n/// Weights and tables, ready to compute with.\n#[derive(Drop, Copy)]\npub struct Constants {\n",
    );
    for constant in all {
        let _ = writeln!(out, "    {}: Span<felt252>,", constant.variable());
    }
    if lowering.options.weights == WeightLayout::Committed {
        out += "    model_root: felt252,\n";
    }
    out += "}\n\n/// What `carry` hands to `decide`.\n#[derive(Drop)]\npub struct Carried {\n";
    for constant in shared {
        let _ = writeln!(out, "    {}: Span<felt252>,", constant.variable());
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
