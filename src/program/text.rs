//! The steps as a Cairo package: `Scarb.toml` and `src/lib.cairo`, which reads as a list of calls by layers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use starknet_types_core::felt::Felt;

use super::schedule::{Call, Cell, Roots, Schedule, Step, Uses, Views};
use crate::compile::{LIBRARY, uses};
use crate::spec::SPEC_VERSION;

/// A Cairo package: relative path → text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    pub name: String,
    pub files: BTreeMap<String, String>,
    /// What the lines of `src/lib.cairo` (from 1) call: the [label](super::Call::label) of an operation.
    pub calls: BTreeMap<usize, String>,
}

/// The package of a schedule. `root` identifies the model, and the program outputs it.
pub fn package(name: &str, schedule: &Schedule, root: Felt) -> Package {
    let mut source = Source::default();
    for step in &schedule.steps {
        if let Step::Layer { number, steps } = step {
            source.layer(*number, steps);
        }
    }
    source.model(schedule, root);
    let (text, calls) = source.file(name);
    let files = [("Scarb.toml", manifest(name)), ("src/lib.cairo", text)];
    Package {
        name: name.to_string(),
        files: files.map(|(path, text)| (path.to_string(), text)).into(),
        calls,
    }
}

fn manifest(name: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024_07\"\ncairo-version = \"2.16.0\"\n\n\
         [dependencies]\n{LIBRARY} = {{ path = \"../tensors\" }}\n\n[executable]\n"
    )
}

/// Cairo under construction, which operation its lines call, and what it names of the library.
#[derive(Default)]
struct Source {
    text: String,
    imports: BTreeSet<(&'static str, String)>,
    calls: BTreeMap<usize, String>,
}

impl Source {
    fn import(&mut self, file: &'static str, item: &str) -> String {
        self.imports.insert((file, item.to_string()));
        item.to_string()
    }

    fn line(&mut self, line: &str) {
        self.text += line;
        self.text += "\n";
    }

    /// A layer's function.
    fn layer(&mut self, number: u32, steps: &[Step]) {
        let uses = Uses::of(steps);
        let mut parameters: Vec<String> = uses
            .handed()
            .iter()
            .map(|name| format!("{name}: felt252"))
            .collect();
        if uses.group {
            parameters.push("ref group: felt252".to_string());
        }
        let _ = write!(
            self.text,
            "\n/// The operations of layer {number}.\n#[inline(never)]\nfn layer_{number}({}) {{\n",
            parameters.join(", ")
        );
        for step in steps {
            self.step(step, "    ");
        }
        self.line("}");
    }

    fn step(&mut self, step: &Step, indent: &str) {
        match step {
            Step::Call(call) => self.call(call, indent),
            Step::NextHead => self.line(&format!("{indent}group += groups;")),
            Step::Layer { number, steps } => {
                let uses = Uses::of(steps);
                let mut arguments = uses.handed();
                if uses.group {
                    arguments.push("ref group");
                }
                self.line(&format!(
                    "{indent}layer_{number}({});",
                    arguments.join(", ")
                ));
            }
        }
    }

    fn call(&mut self, call: &Call, indent: &str) {
        let cells = call.cells.iter().map(|cell| match cell {
            Cell::Number(number) => number.to_string(),
            Cell::Position => "position".to_string(),
            Cell::Blocks => "blocks".to_string(),
            Cell::LastKeys => "last_keys".to_string(),
            Cell::Group => "group".to_string(),
        });
        let cells: Vec<String> = cells.collect();
        let function = self.import("calls", &format!("call_{}", cells.len()));
        let line = self.text.matches('\n').count() + 1;
        self.calls.insert(line, call.label());
        self.line(&format!(
            "{indent}{function}({}); // {}",
            cells.join(", "),
            call.name.name
        ));
    }

    /// The implementation of the chunk protocol's `Model`, and the entry.
    fn model(&mut self, schedule: &Schedule, root: Felt) {
        let uses = Uses::of(&schedule.steps);
        let model = self.import("chunk", "Model");
        let _ = write!(
            self.text,
            "\nimpl Step of {model} {{\n    const SPEC_VERSION: felt252 = {SPEC_VERSION};\n    \
             const MODEL_ROOT: felt252 = {root:#x};\n    const LANES: u32 = {};\n    \
             const CONTEXT: u32 = {};\n    const TOKENS: felt252 = {};\n\n    \
             #[inline(always)]\n    fn operations(position: felt252, ref input: Span<felt252>) {{\n",
            schedule.lanes, schedule.context, schedule.tokens
        );
        let indent = "        ";
        if !(uses.position || uses.carried()) {
            self.line(&format!(
                "{indent}let _ = position; // no operation depends on it"
            ));
        }
        if uses.carried() {
            let carried = self.import("lanes", "carried");
            let blocks = if uses.blocks || uses.groups {
                "blocks"
            } else {
                "_blocks"
            };
            let keys = if uses.last_keys {
                "last_keys"
            } else {
                "_last_keys"
            };
            self.line(&format!(
                "{indent}let ({blocks}, {keys}) = {carried}(position, Self::LANES, ref input);"
            ));
        }
        if uses.groups {
            self.line(&format!("{indent}let groups = blocks + 1;"));
        }
        if uses.group {
            self.line(&format!("{indent}let mut group = 0;"));
        }
        for step in &schedule.steps {
            self.step(step, indent);
        }
        self.line("    }");
        self.roots(schedule.roots.as_ref());
        let run = self.import("chunk", "run_chunk");
        let _ = write!(
            self.text,
            "}}\n\n/// Proves a chunk of decode steps; see `{LIBRARY}::chunk`.\n#[executable_raw]\n\
             fn main(input: Span<felt252>, ref output: Array<felt252>) {{\n    {run}::<Step>(input, ref output);\n}}\n"
        );
    }

    /// How the roots are read.
    fn roots(&mut self, roots: Option<&Roots>) {
        let of = self.import("chunk", "Roots");
        let (before, after, tokens) = match roots {
            Some(Roots { before, after }) => {
                let (read, digest) = (
                    self.import("chunk", "roots"),
                    self.import("digest", "digest"),
                );
                let views = self.import("chunk", "Views");
                let of = |v: &Views| {
                    let (kv, tokens, chosen) = (v.kv, v.tokens, v.chosen);
                    format!("{views} {{ kv: {kv}, tokens: {tokens}, chosen: {chosen} }}")
                };
                (
                    format!("{read}({}, 0, ref input)", of(before)),
                    format!("{read}({}, lane, ref input)", of(after)),
                    format!("{digest}({}, lane, ref input)", after.tokens),
                )
            }
            None => {
                let (all, one) = (
                    self.import("chunk", "no_roots"),
                    self.import("chunk", "no_root"),
                );
                (
                    format!("{all}(0)"),
                    format!("{all}(lane)"),
                    format!("{one}(lane)"),
                )
            }
        };
        let _ = write!(
            self.text,
            "\n    fn before(ref input: Span<felt252>) -> {of} {{\n        {before}\n    }}\n\n    \
             fn after(lane: felt252, ref input: Span<felt252>) -> {of} {{\n        {after}\n    }}\n\n    \
             fn tokens_after(lane: felt252, ref input: Span<felt252>) -> felt252 {{\n        {tokens}\n    }}\n"
        );
    }

    /// The file, and which operation its lines call.
    fn file(self, name: &str) -> (String, BTreeMap<usize, String>) {
        let mut head = format!(
            "//! The operations of the model `{name}`, in their order. Generated; do not edit.\n\n"
        );
        let imports = self.imports.iter();
        let imports = imports.map(|(file, item)| (*file, item.as_str()));
        head += &uses(LIBRARY, imports);
        let lines = head.matches('\n').count();
        let calls = self
            .calls
            .into_iter()
            .map(|(line, label)| (line + lines, label));
        (head + &self.text, calls.collect())
    }
}
