//! Cairo source → executable.
//!
//! Owns the call of the Cairo compiler on a generated package, the embedded core library and kernel
//! library, and the program hash. Knows nothing of models: it takes text.
//!
//! Invariants
//! - The same sources give the same program words, hence the same program hash.
//! - The entry point lists all 11 public segments, so that every proof of every program has the same
//!   public memory layout (and can be wrapped by a circuit that sums all of them).

mod guard;
mod instructions;
mod library;
mod objects;
mod program;
mod project;
mod sites;

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
use cairo_lang_sierra::ids::ConcreteTypeId;
use cairo_lang_sierra::program::Function;
use cairo_lang_sierra_generator::replace_ids::{DebugReplacer, SierraIdReplacer};
use cairo_vm::types::builtin_name::BuiltinName;
use thiserror::Error;

pub use instructions::{Instruction, Instructions, LIBRARY, compile_instructions, tensor_sources};
pub use objects::{COMMITMENT, arithmetic, membership};
pub use program::{Program, ProgramError};

use crate::casm::{self, Code, KERNELS, Kernel, Lookups};
use library::{Bodies, Library, Links};

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
    #[error("the code of {kernel} cannot take its function's place: {problem}")]
    Kernel {
        kernel: &'static str,
        problem: String,
    },
}

/// The package's main file, in the folder that is compiled.
const PACKAGE_LIB: &str = "package/src/lib.cairo";

/// `Scarb.toml` of the kernel library.
pub const KERNELS_MANIFEST: &str = include_str!("../../cairo/Scarb.toml");

/// `Scarb.toml` of the library of programs that call tensor operations.
pub const TENSORS_MANIFEST: &str = include_str!("../../cairo/tensors/Scarb.toml");

/// Sources of the kernel library, relative path → text.
pub fn kernel_sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    embedded::KERNELS.iter().copied()
}

/// The contracts' sources: path relative to `contracts/src`, text.
pub fn contract_sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    embedded::CONTRACTS.iter().copied()
}

/// Cairo's core library: path relative to its `src`, text.
pub fn corelib_sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    embedded::CORELIB.iter().copied()
}

/// Compiles the package `name` (files by path relative to the package: `src/lib.cairo`, …), which may
/// use the crate `decode_kernels`. `calls` says which lines of `src/lib.cairo` (from 1) compute what; the program
/// remembers it for the code that the lines become ([`Program::call`]).
///
/// # Errors
/// The compiler's diagnostics or panic, a name that is no identifier, or a folder for its input that cannot be written.
pub fn compile(
    name: &str,
    files: &BTreeMap<String, String>,
    calls: &BTreeMap<usize, String>,
) -> Result<Program, CompileError> {
    let library = Library::kernels(Lookups::Read);
    let compiled = compile_package(name, files, calls, kernel_sources(), library)?;
    Ok(compiled.into_program())
}

/// Compiles a package with the sources of a library.
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

/// What the compiler made, with the kernels linked, and what is known about it; see [`Program`].
struct Compiled {
    code: Code,
    /// Words that are not what the VM runs in their place, by offset.
    instructions: BTreeMap<usize, u128>,
    entrypoints: Vec<ExecutableEntryPoint>,
    operations: BTreeMap<usize, String>,
    calls: BTreeMap<usize, String>,
}

impl Compiled {
    fn into_program(self) -> Program {
        let executable = Executable {
            program: AssembledCairoProgram {
                bytecode: self.code.words,
                hints: self.code.hints,
            },
            entrypoints: self.entrypoints,
            // Annotations hold paths and change nothing that is proven.
            debug_info: None,
        };
        Program::new(executable, self.operations, self.calls, self.code.lookups)
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
            let mut operations = operations(&db, &result, library.name, start);
            let calls = call_sites(&db, &result, &work.join(PACKAGE_LIB), calls);
            let links = match library.bodies {
                Bodies::Kernels(lookups) => {
                    Links::Kernels(lookups, kernel_entries(&db, &result, lookups)?)
                }
                Bodies::Instructions(all) => {
                    Links::Instructions(instructions::entries(&db, &result, library.name, all)?)
                }
            };
            let executable = Executable::new(result.compiled_function);
            let mut code = Code {
                words: executable.program.bytecode,
                hints: executable.program.hints,
                lookups: vec![],
            };
            let mut instructions = BTreeMap::new();
            match links {
                Links::Kernels(lookups, entries) => {
                    for (kernel, entry) in entries {
                        operations.insert(code.words.len(), kernel.file().to_string());
                        code.link(kernel, lookups, start + entry);
                    }
                }
                Links::Instructions(entries) => {
                    for (instruction, entry) in entries {
                        code.put(instruction.stand_in, start + entry);
                        instructions.insert(start + entry, instruction.word);
                    }
                }
            }
            Ok(Compiled {
                code,
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

/// The kernels that the program calls, and where their functions begin among the compiled ones.
fn kernel_entries(
    db: &RootDatabase,
    result: &CompileExecutableResult<'_>,
    lookups: Lookups,
) -> Result<Vec<(&'static Kernel, usize)>, CompileError> {
    let builder = &result.builder;
    let statements = &builder.casm_program().debug_info.sierra_statement_info;
    let names = DebugReplacer { db };
    let functions = builder.sierra_program().funcs.iter();
    let named: Vec<(String, &Function)> = functions
        .map(|f| (names.replace_function_id(&f.id).to_string(), f))
        .collect();
    let mut entries = vec![];
    for kernel in &KERNELS {
        let refuse = |problem: String| CompileError::Kernel {
            kernel: kernel.path,
            problem,
        };
        let path = format!("decode_kernels::{}", kernel.path);
        for (name, function) in &named {
            let Some(rest) = name.strip_prefix(&path) else {
                continue;
            };
            if rest.starts_with(char::is_alphanumeric) {
                continue;
            }
            if !rest.is_empty() {
                return Err(refuse(format!("the compiler made {name} of it")));
            }
            let fixed = &builder.metadata().ap_change_info.function_ap_change;
            if fixed.contains_key(&function.id) {
                return Err(refuse("how far it moves the stack is fixed".to_string()));
            }
            check_signature(kernel, lookups, function, result, &names).map_err(refuse)?;
            entries.push((kernel, statements[function.entry_point.0].start_offset));
        }
    }
    Ok(entries)
}

/// Whether a function takes and returns what a kernel does; if not, the problem.
fn check_signature(
    kernel: &Kernel,
    lookups: Lookups,
    function: &Function,
    result: &CompileExecutableResult<'_>,
    names: &DebugReplacer<'_>,
) -> Result<(), String> {
    let cells = |types: &[ConcreteTypeId]| -> usize {
        let size = |ty| result.builder.type_size(ty) as usize;
        types.iter().map(size).sum()
    };
    let signature = &function.signature;
    let builtins = kernel.builtins(lookups);
    let expected = [casm::RETURNS, kernel.params].map(|cells| builtins.len() + cells);
    let found = [&signature.ret_types, &signature.param_types].map(|types| cells(types));
    let first = signature.param_types.iter().take(builtins.len());
    let first: Vec<String> = first
        .map(|ty| names.replace_type_id(ty).to_string())
        .collect();
    let same = |(builtin, name): (&casm::Builtin, &String)| builtin.name() == name;
    if found != expected || !builtins.iter().zip(&first).all(same) {
        return Err(format!(
            "it returns and takes {found:?} cells, first {first:?}, instead of {expected:?}"
        ));
    }
    Ok(())
}

/// For each offset in the program where another kernel's code begins, that kernel.
///
/// The compiler records, for each statement, the functions it was inlined through; the outermost kernel
/// among them is what the statement works for.
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
        let kernel = stack.iter().rev().filter_map(|f| f.strip_prefix(&library));
        let mut files = kernel.filter_map(|path| path.split("::").next());
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
