//! The two programs that together prove what one does; see [`crate::casm`]'s `objects`.

use std::collections::BTreeMap;

use cairo_lang_executable::executable::{EntryPointKind, ExecutableEntryPoint};
use cairo_vm::Felt252;

use super::{
    CompileError, Compiled, Library, PUBLIC_SEGMENTS, Program, compile_package, kernel_sources,
};
use crate::casm::{Code, KERNELS, Lookups};

/// Name of the code that commits to claims, in [`Program::operation`].
pub const COMMITMENT: &str = "commitment";

/// Functions of the kernel library (in `casm.cairo`) that give a kernel its builtins: the one that all use, and the one
/// for kernels that also claim what they look up.
const MARKS: [&str; 2] = ["range_check", "range_check_and_lookup"];

/// Declares that the array of claims comes first.
const ORDER: &str = "#[implicit_precedence(core::pedersen::Pedersen, core::RangeCheck)]";

/// Compiles a package as [`compile`](super::compile) does, to the program whose range checks and lookups are claims.
/// Its output is the package's, then the lengths of both arrays of claims and their hash.
///
/// # Errors
/// As [`compile`](super::compile).
pub fn arithmetic(
    name: &str,
    files: &BTreeMap<String, String>,
    calls: &BTreeMap<usize, String>,
) -> Result<Program, CompileError> {
    let kernels: Vec<(&str, String)> = kernel_sources()
        .map(|(file, text)| (file, claiming(file, text)))
        .collect();
    let kernels = kernels.iter().map(|(file, text)| (*file, text.as_str()));
    let mut compiled = compile_package(
        name,
        files,
        calls,
        kernels,
        Library::kernels(Lookups::Claimed),
    )?;
    let commitment = compiled.code.into_arithmetic();
    let operations = &mut compiled.operations;
    operations.insert(commitment, COMMITMENT.to_string());
    Ok(compiled.into_program())
}

/// A file of the kernel library, its kernels handed the array of claims if they look up.
fn claiming(file: &str, text: &str) -> String {
    let mut claiming = text.to_string();
    for kernel in KERNELS.iter().filter(|kernel| kernel.looks_up) {
        let Some(name) = kernel.path.strip_prefix(&file.replace(".cairo", "::")) else {
            continue;
        };
        let declared = format!("fn {name}(");
        claiming = claiming
            .replace(MARKS[0], MARKS[1])
            .replace(&declared, &format!("{ORDER}\n{declared}"));
    }
    claiming
}

/// The program that checks claims against tables and the range check builtin. Its input is the lengths of both arrays of
/// claims and the arrays; its output the lengths and the hash. `entries` are those of all tables, in the order of
/// [`Table::ALL`](crate::casm::Table::ALL).
pub fn membership(entries: &[Felt252]) -> Program {
    let entries = entries.iter().map(Felt252::to_bigint).collect();
    let compiled = Compiled {
        code: Code::membership(entries),
        entrypoints: vec![ExecutableEntryPoint {
            builtins: PUBLIC_SEGMENTS.to_vec(),
            offset: 0,
            kind: EntryPointKind::Standalone,
        }],
        instructions: BTreeMap::new(),
        operations: BTreeMap::from([(0, COMMITMENT.to_string())]),
        calls: BTreeMap::new(),
    };
    compiled.into_program()
}
