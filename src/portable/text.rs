//! The package: `Scarb.toml`, a step that reads from top to bottom, and constants in files by layers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use starknet_types_core::felt::Felt;

use super::constants::{Constants, MAX_CONSTANTS, constants, values};
use super::error::PortableError;
use super::names::{Name, names};
use super::record::Record;
use crate::compile::{PORTABLE, uses};
use crate::integers::{Attention, Description, Norm, Operation, Product};
use crate::spec::SPEC_VERSION;

/// Name of every generated package: what a model is called changes no program.
const NAME: &str = "model";

/// A Cairo package: relative path → text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    pub name: String,
    pub files: BTreeMap<String, String>,
}

/// The package of an integer model whose ranges hold. `root` identifies the model, and the program outputs it; a chunk has at most `steps`
/// steps.
///
/// # Errors
/// More constants than [`MAX_CONSTANTS`], a row or a record that is too large.
pub fn package(
    description: &Description,
    root: Felt,
    steps: u32,
) -> Result<Package, PortableError> {
    let found = constants(description);
    if found > MAX_CONSTANTS {
        let limit = MAX_CONSTANTS;
        return Err(PortableError::Constants { found, limit });
    }
    let record = Record::of(description)?;
    let names = names(description);
    let modules = modules(description, &names)?;
    let mut source = Source {
        description,
        record: &record,
        names: &names,
        imports: BTreeSet::new(),
        text: String::new(),
    };
    source.model(root, steps);
    let lib = source.file(modules.keys());
    let mut files: BTreeMap<String, String> = modules
        .into_iter()
        .map(|(module, text)| (format!("src/{module}.cairo"), text))
        .collect();
    files.insert("Scarb.toml".to_string(), manifest());
    files.insert("src/lib.cairo".to_string(), lib);
    Ok(Package {
        name: NAME.to_string(),
        files,
    })
}

fn manifest() -> String {
    format!(
        "[package]\nname = \"{NAME}\"\nversion = \"0.1.0\"\nedition = \"2024_07\"\ncairo-version = \">=2.16.0\"\n\n\
         [executable]\n\n[cairo]\nenable-gas = false\n\n\
         [dependencies]\ncairo_execute = \">=2.16.0\"\n{PORTABLE} = {{ path = \"../{PORTABLE}\" }}\n"
    )
}

/// The files of constants, by module.
fn modules(
    description: &Description,
    names: &[Name],
) -> Result<BTreeMap<String, String>, PortableError> {
    let mut files = BTreeMap::new();
    let embedding = &description.embedding;
    let mut of = Constants::default();
    let tokens = &embedding.tokens;
    let doc = "The vectors of the tokens, by token.";
    of.matrix(doc, "tokens", tokens.inputs, &tokens.rows)?;
    if let Some(positions) = &embedding.positions {
        let doc = "What positions add to the vectors of tokens, by position.";
        of.matrix(doc, "positions", positions.inputs, &positions.rows)?;
    }
    if let Some(output) = &description.output {
        let doc = "The matrix of the logits, by token.";
        of.matrix(doc, "output", output.inputs, &output.rows)?;
    }
    files.insert("embedding".to_string(), of.file("Vectors of tokens."));
    let angles = &description.angles;
    if let [Some(first), ..] = [angles.cos.first()] {
        let mut of = Constants::default();
        for (name, rows) in [("cos", &angles.cos), ("sin", &angles.sin)] {
            let doc = format!("{name} of the angles, with 14 fractional bits, by position.");
            of.matrix(&doc, name, first.len(), rows)?;
        }
        files.insert("angles".to_string(), of.file("Angles of rotations."));
    }
    if !description.tables.is_empty() {
        let mut of = Constants::default();
        for (number, table) in description.tables.iter().enumerate() {
            let doc = "Values of a function.";
            let name = format!("table_{number}");
            of.table(doc, &name, table.first, values(description, number))?;
        }
        files.insert("tables".to_string(), of.file("Tables of functions."));
    }
    let mut layers: BTreeMap<String, Constants> = BTreeMap::new();
    for (name, operation) in names.iter().zip(&description.operations) {
        for (function, of) in name.products.iter().zip(products(operation)) {
            let doc = format!(
                "{} results of {} numbers.",
                of.weights.rows.len(),
                of.weights.inputs
            );
            let file = layers.entry(name.module()).or_default();
            file.product(&doc, function, of)?;
        }
    }
    for (module, of) in layers {
        let about = match module.strip_prefix("layer_") {
            Some(layer) => format!("Matrices of layer {layer}."),
            None => "Matrices around the layers.".to_string(),
        };
        files.insert(module, of.file(&about));
    }
    Ok(files)
}

/// The products of an operation, in the order of their names.
fn products(operation: &Operation) -> Vec<&Product> {
    match operation {
        Operation::Linear { of, .. }
        | Operation::Function { of, .. }
        | Operation::Rotary { of, .. }
        | Operation::Residual { of, .. } => vec![of],
        Operation::Gated { of, .. } => vec![&of.gate, &of.up],
        Operation::Embed
        | Operation::Norm { .. }
        | Operation::HeadNorm { .. }
        | Operation::Attention { .. }
        | Operation::Head { .. } => vec![],
    }
}

/// `src/lib.cairo` under construction, and what it names of the library.
struct Source<'a> {
    description: &'a Description,
    record: &'a Record,
    names: &'a [Name],
    imports: BTreeSet<(&'static str, &'static str)>,
    text: String,
}

impl Source<'_> {
    fn import(&mut self, file: &'static str, item: &'static str) -> &'static str {
        self.imports.insert((file, item));
        item
    }

    /// The implementation of the chunk protocol's `Model`, and the entry.
    fn model(&mut self, root: Felt, steps: u32) {
        let model = self.import("chunk", "Model");
        let _ = write!(
            self.text,
            "\nimpl Integers of {model} {{\n    const SPEC_VERSION: felt252 = {SPEC_VERSION};\n    \
             const MODEL_ROOT: felt252 = {root:#x};\n    const STEPS: u32 = {steps};\n    \
             const CONTEXT: u32 = {};\n    const PACKED: u32 = {};\n",
            self.description.context,
            self.record.packing.values()
        );
        self.parts();
        self.step();
        self.choose();
        let [run, chunk, statement] =
            ["run_chunk", "Chunk", "Statement"].map(|item| self.import("chunk", item));
        let _ = write!(
            self.text,
            "}}\n\n/// Runs a chunk of decode steps; see `{PORTABLE}::chunk`.\n#[executable]\n\
             fn main(chunk: {chunk}) -> {statement} {{\n    {run}::<Integers>(chunk)\n}}\n"
        );
    }

    /// What a record is made of.
    fn parts(&mut self) {
        let part = self.import("chunk", "Part");
        let _ = write!(
            self.text,
            "\n    fn record() -> Span<{part}> {{\n        [\n"
        );
        for of in &self.record.parts {
            let (channels, bits) = (of.channels, of.bits);
            let _ = writeln!(
                self.text,
                "            {part} {{ channels: {channels}, bits: {bits} }}, // {}",
                self.names[of.operation].variable
            );
        }
        self.text += "        ]\n            .span()\n    }\n";
    }

    /// The operations but for the choice.
    fn step(&mut self) {
        self.text += "\n    fn step(\n        token: u32, position: u32, carried: Span<Span<i64>>,\n    \
                      ) -> (Span<i64>, Span<i64>) {\n";
        let (description, names) = (self.description, self.names);
        let mut layer = None;
        let mut chosen_from = String::new();
        for (name, operation) in names.iter().zip(&description.operations) {
            if name.layer != layer {
                layer = name.layer;
                match layer {
                    Some(layer) => {
                        let _ = writeln!(self.text, "\n        // Layer {layer}.");
                    }
                    None => self.text += "\n        // Behind the layers.\n",
                }
            }
            if let Operation::Head { input } = operation {
                chosen_from.clone_from(&names[*input].variable);
                continue;
            }
            let call = self.call(name, operation);
            let _ = writeln!(self.text, "        let {} = {call};", name.variable);
        }
        self.text += "\n        // What later steps read.\n        let mut record = array![];\n";
        for part in &self.record.parts {
            let variable = &names[part.operation].variable;
            let _ = writeln!(self.text, "        record.append_span({variable});");
        }
        let _ = write!(
            self.text,
            "        ({chosen_from}, record.span())\n    }}\n"
        );
    }

    fn choose(&mut self) {
        let head = self.import("head", "head");
        let matrix = match &self.description.output {
            Some(_) => "output",
            None => "tokens",
        };
        let _ = write!(
            self.text,
            "\n    fn choose(x: Span<i64>) -> u32 {{\n        {head}(x, embedding::{matrix}())\n    }}\n"
        );
    }

    /// The call of an operation.
    fn call(&mut self, name: &Name, operation: &Operation) -> String {
        let names = self.names;
        let variable = |input: &usize| &names[*input].variable;
        let products: Vec<String> = name
            .products
            .iter()
            .map(|product| format!("{}::{product}()", name.module()))
            .collect();
        let products = products.join(", ");
        match operation {
            Operation::Embed => self.embed(),
            Operation::Norm { input, norm } => {
                let (function, norm) = (self.import("norm", "norm"), self.norm(norm));
                format!("{function}({}, {norm})", variable(input))
            }
            Operation::HeadNorm { input, norm, heads } => {
                let (function, norm) = (self.import("norm", "head_norm"), self.norm(norm));
                format!("{function}({}, {norm}, {heads})", variable(input))
            }
            Operation::Linear { input, bits, .. } => {
                let function = self.import("linear", "linear");
                format!("{function}({}, {products}, {bits})", variable(input))
            }
            Operation::Function { input, table, .. } => {
                let function = self.import("function", "function");
                format!(
                    "{function}({}, {products}, tables::table_{table}())",
                    variable(input)
                )
            }
            Operation::Rotary { input, half, .. } => {
                let function = self.import("rotary", "rotary");
                format!(
                    "{function}({}, {products}, {half}, position, angles::cos(), angles::sin())",
                    variable(input)
                )
            }
            Operation::Attention {
                queries,
                keys,
                values,
                of,
            } => {
                let [function, own] =
                    ["attention", "with_own"].map(|item| self.import("attention", item));
                let with_own = |of: &usize| {
                    let offset = self.record.offset(*of);
                    format!("{own}(carried, {offset}, {})", variable(of))
                };
                let [keys, values] = [keys, values].map(with_own);
                let of = self.attention(of);
                format!(
                    "{function}(\n            {},\n            {keys},\n            {values},\n            {of},\n        )",
                    variable(queries)
                )
            }
            Operation::Residual {
                stream,
                input,
                bits,
                ..
            } => {
                let function = self.import("residual", "residual");
                format!(
                    "{function}({}, {}, {products}, {bits})",
                    variable(stream),
                    variable(input)
                )
            }
            Operation::Gated { input, of } => {
                let function = self.import("gated", "gated");
                format!(
                    "{function}({}, {products}, tables::table_{}(), {}, {})",
                    variable(input),
                    of.table,
                    of.shift,
                    of.bits
                )
            }
            // The step ends before it.
            Operation::Head { .. } => String::new(),
        }
    }

    fn embed(&mut self) -> String {
        let shift = self.description.embedding.shift;
        match self.description.embedding.positions {
            None => {
                let embed = self.import("embed", "embed");
                format!("{embed}(token, embedding::tokens(), {shift})")
            }
            Some(_) => {
                let embed = self.import("embed", "embed_positions");
                format!(
                    "{embed}(token, embedding::tokens(), {shift}, position, embedding::positions())"
                )
            }
        }
    }

    fn norm(&mut self, of: &Norm) -> String {
        let norm = self.import("norm", "Norm");
        let Norm {
            centred,
            grain,
            floor,
            shift,
        } = of;
        format!("{norm} {{ centred: {centred}, grain: {grain}, floor: {floor}, shift: {shift} }}")
    }

    fn attention(&mut self, of: &Attention) -> String {
        let attention = self.import("attention", "Attention");
        format!(
            "{attention} {{\n                heads: {}, kv_heads: {}, head_dim: {}, score_shift: {},\n                \
             weights: tables::table_{}(), mix_shift: {}, mix_bits: {},\n            }}",
            of.heads,
            of.kv_heads,
            of.head_dim,
            of.score_shift,
            of.weights,
            of.mix_shift,
            of.mix_bits
        )
    }

    /// The file.
    fn file<'m>(self, modules: impl Iterator<Item = &'m String>) -> String {
        let mut head = "//! A decode step of a model in integers, and the program that runs a chunk of them. Generated; do not edit.\n\n"
            .to_string();
        head += &uses(PORTABLE, self.imports.iter().copied());
        head += "\n";
        for module in modules {
            let _ = writeln!(head, "mod {module};");
        }
        head + &self.text
    }
}
