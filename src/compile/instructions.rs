//! Programs with instructions of this project's own.
//!
//! A function of the library [`LIBRARY`] whose body is one such instruction is compiled with a body that does nothing, of
//! two words or more. After compilation its first words become the instruction's stand-in, which the VM can run, and a
//! return. The stand-in does not move the stack, and neither does the body that the compiler has seen.
//!
//! Invariant: a [`Program`](super::Program) is what the VM runs; [`Instructions`] says which of its words are others in
//! the proof. Its hash is that of the words in the proof.

use std::collections::BTreeMap;

use cairo_lang_casm::assembler::AssembledCairoProgram;
use cairo_lang_compiler::db::RootDatabase;
use cairo_lang_executable::compile::CompileExecutableResult;
use cairo_lang_sierra::program::Function;
use cairo_lang_sierra_generator::replace_ids::{DebugReplacer, SierraIdReplacer};
use cairo_vm::Felt252;
use serde::{Deserialize, Serialize};

use super::{CompileError, Library, Program, compile_package, embedded};

/// Crate of the library that generated programs use.
pub const LIBRARY: &str = "decode_tensors";

/// A function of the library whose body is one instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Path of the function in the library.
    pub path: &'static str,
    /// Cells that it takes.
    pub cells: usize,
    /// The instruction.
    pub word: u128,
    /// What runs in the VM in its place.
    pub stand_in: u128,
}

/// `ret`.
const RETURN: u64 = 0x208b_7fff_7fff_7ffe;

impl Instruction {
    /// Makes the function at `entry` the stand-in and a return. Its code has two words or more.
    pub(super) fn put(&self, program: &mut AssembledCairoProgram, entry: usize) {
        program.bytecode[entry] = self.stand_in.into();
        program.bytecode[entry + 1] = RETURN.into();
        program.hints.retain(|(at, _)| *at != entry);
    }
}

/// Words of a program that are not what the VM runs in their place, by offset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instructions(pub BTreeMap<usize, u128>);

impl Instructions {
    /// The words of a program as they are in a proof.
    pub fn words(&self, program: &Program) -> Vec<Felt252> {
        let mut words = program.words();
        for (&offset, &word) in &self.0 {
            if let Some(place) = words.get_mut(offset) {
                *place = Felt252::from(word);
            }
        }
        words
    }

    /// The program's identity: the hash of the words in its proofs.
    pub fn program_hash(&self, program: &Program) -> Felt252 {
        crate::spec::program_hash::program_hash(&self.words(program))
    }
}

/// Sources of the library, relative path → text.
pub fn tensor_sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    embedded::TENSORS.iter().copied()
}

/// Compiles the package `name` (files by path relative to the package: `src/lib.cairo`, …), which may use [`LIBRARY`], whose functions have these
/// instructions. `calls` says which lines of `src/lib.cairo` (from 1) compute what; the program remembers it for the code that the lines
/// become ([`Program::call`]).
///
/// # Errors
/// The compiler's diagnostics or panic, a name that is no identifier, or a folder for its input that cannot be written.
pub fn compile_instructions(
    name: &str,
    files: &BTreeMap<String, String>,
    calls: &BTreeMap<usize, String>,
    instructions: &[Instruction],
) -> Result<(Program, Instructions), CompileError> {
    let library = Library {
        name: LIBRARY,
        instructions,
    };
    let mut compiled = compile_package(name, files, calls, tensor_sources(), library)?;
    let words = Instructions(std::mem::take(&mut compiled.instructions));
    Ok((compiled.into_program(), words))
}

/// The functions that the program calls of those that become instructions, and where they begin among the compiled ones.
pub(super) fn entries<'a>(
    db: &RootDatabase,
    result: &CompileExecutableResult<'_>,
    Library { name, instructions }: Library<'a>,
) -> Result<Vec<(&'a Instruction, usize)>, CompileError> {
    let names = DebugReplacer { db };
    let functions = &result.builder.sierra_program().funcs;
    let mut entries = vec![];
    for function in functions {
        let compiled = names.replace_function_id(&function.id).to_string();
        let Some(path) = compiled
            .strip_prefix(name)
            .and_then(|p| p.strip_prefix("::"))
        else {
            continue;
        };
        let of = |i: &&Instruction| {
            let rest = path.strip_prefix(i.path);
            rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        };
        let Some(instruction) = instructions.iter().find(of) else {
            continue;
        };
        let refuse = |problem: String| CompileError::Instruction {
            function: instruction.path,
            problem,
        };
        if path != instruction.path {
            return Err(refuse(format!("the compiler made {compiled} of it")));
        }
        let entry = entry(function, instruction.cells, result).map_err(refuse)?;
        entries.push((instruction, entry));
    }
    Ok(entries)
}

/// Where a function begins that takes so many cells, returns none, leaves the stack where it is, and has room for two
/// words; if it is none, the problem.
fn entry(
    function: &Function,
    cells: usize,
    result: &CompileExecutableResult<'_>,
) -> Result<usize, String> {
    let builder = &result.builder;
    let size = |ty| builder.type_size(ty) as usize;
    let signature = &function.signature;
    let [takes, returns] = [&signature.param_types, &signature.ret_types]
        .map(|types| types.iter().map(size).sum::<usize>());
    if (takes, returns) != (cells, 0) {
        return Err(format!(
            "it takes {takes} cells and returns {returns}, instead of {cells} and none"
        ));
    }
    let moves = &builder.metadata().ap_change_info.function_ap_change;
    if moves.get(&function.id) != Some(&0) {
        return Err("the compiler expects that it moves the stack".to_string());
    }
    let statements = &builder.casm_program().debug_info.sierra_statement_info;
    let start = |f: &Function| statements[f.entry_point.0].start_offset;
    let begin = start(function);
    let starts = builder.sierra_program().funcs.iter().map(start);
    let end = starts.filter(|&start| start > begin).min();
    let end = end.or(statements.last().map(|last| last.end_offset));
    match end {
        Some(end) if end >= begin + 2 => Ok(begin),
        _ => Err("the compiler made fewer than two words of it".to_string()),
    }
}
