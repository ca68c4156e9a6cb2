//! Cairo source → executable.
//!
//! Owns the call of the Cairo compiler on a generated package, the embedded core library and the library of programs of tensor operations,
//! and the program hash. Knows nothing of models: it takes text.
//!
//! Invariants
//! - The same sources give the same program words, hence the same program hash.
//! - The entry point lists all 11 public segments, so that every proof of every program has the same
//!   public memory layout (and can be wrapped by a circuit that sums all of them).

mod guard;
mod instructions;
mod plain;
mod program;
mod project;
mod uses;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use cairo_lang_casm::assembler::AssembledCairoProgram;
use cairo_lang_compiler::db::RootDatabase;
use cairo_lang_compiler::diagnostics::DiagnosticsReporter;
use cairo_lang_compiler::project::{
    get_main_crate_ids_from_project, update_crate_roots_from_project_config,
};
use cairo_lang_executable::compile::{
    CompileExecutableResult, ExecutableConfig, compile_executable_in_prepared_db,
};
use cairo_lang_executable::executable::{
    Executable, ExecutableEntryPoint, NOT_RETURNING_HEADER_SIZE,
};
use cairo_lang_executable_plugin::executable_plugin_suite;
use cairo_lang_filesystem::cfg::{Cfg, CfgSet};
use cairo_lang_filesystem::db::init_dev_corelib;
use cairo_vm::types::builtin_name::BuiltinName;
use thiserror::Error;

pub use instructions::{Instruction, Instructions, LIBRARY, compile_instructions, tensor_sources};
pub use plain::{PORTABLE, PORTABLE_MANIFEST, compile_plain, compile_plain_with, portable_sources};
pub use program::{Program, ProgramError};
pub use uses::uses;

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

/// The public segments of a proof, in the order of the VM's layout.
pub const PUBLIC_SEGMENTS: [BuiltinName; 11] = [
    BuiltinName::output,
    BuiltinName::pedersen,
    BuiltinName::range_check,
    BuiltinName::ecdsa,
    BuiltinName::bitwise,
    BuiltinName::ec_op,
    BuiltinName::keccak,
    BuiltinName::poseidon,
    BuiltinName::range_check96,
    BuiltinName::add_mod,
    BuiltinName::mul_mod,
];

/// Why a package does not compile.
#[derive(Debug, Error)]
pub enum CompileError {
    #[error("cannot write the sources to {path}: {source}")]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the Cairo compiler could not be set up: {0}")]
    Setup(String),
    #[error("the generated Cairo does not compile:\n{0}")]
    Diagnostics(String),
    #[error(
        "the Cairo compiler failed on the generated program: {0}; this is a bug of cairo-decode, please report it"
    )]
    Panic(String),
    #[error("package name {0:?}: expected a lower-case letter, then letters, digits or '_'")]
    Name(String),
    #[error("the instruction of {function} cannot take its place: {problem}")]
    Instruction {
        function: &'static str,
        problem: String,
    },
}

/// The package's main file, in the folder that is compiled.
const PACKAGE_LIB: &str = "package/src/lib.cairo";

/// `Scarb.toml` of the library of programs that call tensor operations.
pub const TENSORS_MANIFEST: &str = include_str!("../../cairo/tensors/Scarb.toml");

/// The contracts' sources: path relative to `contracts/src`, text.
pub fn contract_sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    embedded::CONTRACTS.iter().copied()
}

/// Cairo's core library: path relative to its `src`, text.
pub fn corelib_sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    embedded::CORELIB.iter().copied()
}

/// Compiles the package `name` (files by path relative to the package: `src/lib.cairo`, …), which may
/// use the `library`. `calls` says which lines of `src/lib.cairo` (from 1) compute what; the program
/// remembers it for the code that the lines become ([`Program::call`]).
fn compile_package<'a>(
    name: &str,
    files: &BTreeMap<String, String>,
    calls: &BTreeMap<usize, String>,
    sources: impl Iterator<Item = (&'a str, &'a str)>,
    library: Library<'_>,
) -> Result<Compiled, CompileError> {
    let crate_name = project::crate_name(name)?;
    let work = tempfile::tempdir().map_err(|source| CompileError::Write {
        path: std::env::temp_dir(),
        source,
    })?;
    let package = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()));
    write_all(&work.path().join("package"), package)?;
    write_all(&work.path().join("library/src"), sources)?;
    write_all(&work.path().join("corelib/src"), corelib_sources())?;
    guard::guarded(|| compile_folder(&crate_name, work.path(), calls, library))
}

/// The library that a package uses, as the compiler knows it.
#[derive(Clone, Copy)]
struct Library<'a> {
    /// Name of its crate.
    name: &'static str,
    /// What takes the place of its functions that have no code.
    instructions: &'a [Instruction],
}

/// What the compiler made, with the instructions in their places, and what is known about it; see [`Program`].
struct Compiled {
    program: AssembledCairoProgram,
    /// Words that are not what the VM runs in their place, by offset.
    instructions: BTreeMap<usize, u128>,
    entrypoints: Vec<ExecutableEntryPoint>,
    operations: BTreeMap<usize, String>,
    calls: BTreeMap<usize, String>,
}

impl Compiled {
    fn into_program(self) -> Program {
        let executable = Executable {
            program: self.program,
            entrypoints: self.entrypoints,
            // Annotations hold paths and change nothing that is proven.
            debug_info: None,
        };
        Program::new(executable, self.operations, self.calls)
    }
}

/// Writes files below `dir`, making folders as needed.
///
/// # Errors
/// [`CompileError::Write`].
pub fn write_all<'a>(
    dir: &Path,
    files: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(), CompileError> {
    for (relative, text) in files {
        let path = dir.join(relative);
        let parent = path.parent().unwrap_or(dir);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .map_err(|source| CompileError::Write {
                path: path.clone(),
                source,
            })?;
    }
    Ok(())
}

fn compile_folder(
    name: &str,
    work: &Path,
    calls: &BTreeMap<usize, String>,
    library: Library<'_>,
) -> Result<Compiled, CompileError> {
    let setup = |e: &dyn std::fmt::Display| CompileError::Setup(e.to_string());
    let config = ExecutableConfig {
        allow_syscalls: false,
        // A failed check becomes an instruction that no proof can contain: no panic data, fewer words.
        unsafe_panic: true,
        builtin_list: Some(PUBLIC_SEGMENTS.to_vec()),
    };
    let project = project::project(name, library.name, work).map_err(|e| setup(&e))?;
    let mut db = RootDatabase::builder()
        .skip_auto_withdraw_gas()
        .with_cfg(CfgSet::from_iter([Cfg::kv("gas", "disabled")]))
        .with_default_plugin_suite(executable_plugin_suite())
        .with_unsafe_panic()
        .build()
        .map_err(|e| setup(&e))?;
    init_dev_corelib(&mut db, work.join("corelib/src"));
    update_crate_roots_from_project_config(&mut db, &project);
    let main = get_main_crate_ids_from_project(&db, &project)
        .into_iter()
        .filter(|id| id.long(&db).name().long(&db).as_str() == name)
        .collect();
    let mut diagnostics = String::new();
    let reporter = DiagnosticsReporter::write_to_string(&mut diagnostics);
    let compiled = compile_executable_in_prepared_db(&db, None, main, reporter, config);
    match compiled {
        Ok(result) => {
            let start = first_statement(&result);
            let operations = operations(&db, &result, library.name, start);
            let calls = call_sites(&db, &result, &work.join(PACKAGE_LIB), calls);
            let entries = instructions::entries(&db, &result, library)?;
            let executable = Executable::new(result.compiled_function);
            let mut program = executable.program;
            let mut instructions = BTreeMap::new();
            for (instruction, entry) in entries {
                instruction.put(&mut program, start + entry);
                instructions.insert(start + entry, instruction.word);
            }
            Ok(Compiled {
                program,
                instructions,
                entrypoints: executable.entrypoints,
                operations,
                calls,
            })
        }
        Err(error) => {
            let error = error.to_string();
            Err(CompileError::Diagnostics(format!("{diagnostics}{error}")))
        }
    }
}

/// For each offset in the program where the code of another file of the library begins, that file.
///
/// The compiler records, for each statement, the functions it was inlined through; the outermost one of the library
/// is what the statement works for.
fn operations(
    db: &RootDatabase,
    result: &CompileExecutableResult<'_>,
    library: &str,
    start: usize,
) -> BTreeMap<usize, String> {
    let library = format!("{library}::");
    let functions = result
        .debug_info
        .statements_locations
        .extract_statements_functions(db);
    let statements = &result
        .builder
        .casm_program()
        .debug_info
        .sierra_statement_info;
    let mut operations = BTreeMap::new();
    let mut current = String::new();
    let mut stacks: Vec<_> = functions.statements_to_functions_map.into_iter().collect();
    stacks.sort_by_key(|(idx, _)| idx.0);
    for (idx, stack) in &stacks {
        let Some(statement) = statements.get(idx.0) else {
            continue;
        };
        let inlined = stack.iter().rev().filter_map(|f| f.strip_prefix(&library));
        let mut files = inlined.filter_map(|path| path.split("::").next());
        let operation = match files.clone().find(|file| *file != "chunk") {
            Some(file) => file,
            None => files.next().unwrap_or("step"),
        };
        if operation != current {
            current = operation.to_string();
            operations.insert(start + statement.start_offset, current.clone());
        }
    }
    operations
}

/// For each offset in the program where the code of another labelled line of the package begins, its label; an empty
/// one where code begins that belongs to none.
///
/// The compiler records, for each statement, where it was written and where that was inlined; the one place among
/// them that has a label is what the statement works for.
fn call_sites(
    db: &RootDatabase,
    result: &CompileExecutableResult<'_>,
    lib: &Path,
    labels: &BTreeMap<usize, String>,
) -> BTreeMap<usize, String> {
    let places = result
        .debug_info
        .statements_locations
        .extract_statements_source_code_locations(db)
        .statements_to_code_location_map;
    let lib = lib.to_string_lossy();
    let labelled = places.iter().filter_map(|(idx, stack)| {
        let mut own = stack.iter().filter(|(file, ..)| file.0 == lib);
        let label = own.find_map(|(_, span, _)| labels.get(&(span.start.line + 1)))?;
        Some((idx.0, label.as_str()))
    });
    let labelled: HashMap<usize, &str> = labelled.collect();
    let start = first_statement(result);
    let info = &result.builder.casm_program().debug_info;
    let (mut found, mut current) = (BTreeMap::new(), "");
    for (idx, statement) in info.sierra_statement_info.iter().enumerate() {
        // A statement without code begins where the next one does.
        if statement.start_offset == statement.end_offset {
            continue;
        }
        let label = labelled.get(&idx).copied().unwrap_or("");
        if label != current {
            current = label;
            found.insert(start + statement.start_offset, label.to_string());
        }
    }
    if let Some(last) = info.sierra_statement_info.last() {
        found.insert(start + last.end_offset, String::new());
    }
    found
}

/// Offset in the program of the first statement's code.
fn first_statement(result: &CompileExecutableResult<'_>) -> usize {
    let header = &result.compiled_function.wrapper.header;
    NOT_RETURNING_HEADER_SIZE + header.iter().map(|i| i.body.op_size()).sum::<usize>()
}
