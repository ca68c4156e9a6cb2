//! Runs the contract's verifier of circuit proofs as a program.

use std::path::Path;

use cairo_decode::compile::{contract_sources, corelib_sources, write_all};
use cairo_lang_compiler::db::RootDatabase;
use cairo_lang_compiler::diagnostics::DiagnosticsReporter;
use cairo_lang_compiler::project::setup_project;
use cairo_lang_compiler::{CompilerConfig, compile_prepared_db_program};
use cairo_lang_filesystem::db::init_dev_corelib;
use cairo_lang_filesystem::ids::CrateInput;
use cairo_lang_runner::{Arg, RunResultValue, SierraCasmRunner, StarknetState};
use cairo_lang_starknet::starknet_plugin_suite;
use starknet_types_core::felt::Felt;
use stwo::core::fields::qm31::QM31;

/// Gas that a run may use: the network's limit of a transaction.
const GAS: usize = 1_110_000_000;

/// An entry point that takes words, so that any pin can be changed.
const ENTRY: &str = "
use crate::circuit;
use crate::fields::m31;
use crate::fields::qm31::QM31;

fn word(words: @Array<felt252>, place: u32) -> u32 {
    (*words[place]).try_into().unwrap()
}

fn element(words: @Array<felt252>, place: u32) -> QM31 {
    QM31 {
        a: m31::canonical(word(words, place)),
        b: m31::canonical(word(words, place + 1)),
        c: m31::canonical(word(words, place + 2)),
        d: m31::canonical(word(words, place + 3)),
    }
}

pub fn differential_entry(root: Array<felt252>, output: Array<felt252>, proof: Array<felt252>) {
    let root = @root;
    let digest = [
        word(root, 0), word(root, 1), word(root, 2), word(root, 3), word(root, 4), word(root, 5),
        word(root, 6), word(root, 7),
    ];
    let outputs = [element(@output, 0), element(@output, 4)];
    circuit::verify(digest, outputs, proof.span());
}
";

/// The contract's verdict.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Accepted, with this much gas.
    Accepted { gas: usize },
    /// Refused, for this reason.
    Refused(String),
}

/// The compiled verifier.
pub struct Verifier(SierraCasmRunner);

impl Verifier {
    pub fn new() -> anyhow::Result<Verifier> {
        let work = tempfile::tempdir()?;
        let package = work.path().join("contracts/src");
        write_all(&package, contract_sources())?;
        write_all(&work.path().join("corelib/src"), corelib_sources())?;
        let lib = std::fs::read_to_string(package.join("lib.cairo"))?;
        let project = "[crate_roots]\ncairo_decode_contracts = \"contracts/src\"\n\n[config.global]\nedition = \"2024_07\"\n";
        std::fs::write(package.join("lib.cairo"), lib + "\npub mod entry;\n")?;
        std::fs::write(package.join("entry.cairo"), ENTRY)?;
        std::fs::write(work.path().join("cairo_project.toml"), project)?;
        Verifier::compile(work.path())
    }

    fn compile(folder: &Path) -> anyhow::Result<Verifier> {
        let mut db = RootDatabase::builder()
            .with_default_plugin_suite(starknet_plugin_suite())
            .build()?;
        init_dev_corelib(&mut db, folder.join("corelib/src"));
        let inputs = setup_project(&mut db, folder)?;
        let config = CompilerConfig {
            diagnostics_reporter: DiagnosticsReporter::stderr().with_crates(&inputs),
            replace_ids: true,
            ..CompilerConfig::default()
        };
        let crates = CrateInput::into_crate_ids(&db, inputs);
        let program = compile_prepared_db_program(&db, crates, config)?;
        let runner =
            SierraCasmRunner::new(program, Some(Default::default()), Default::default(), None)?;
        Ok(Verifier(runner))
    }

    pub fn verdict(&self, root: [u8; 32], output: [QM31; 2], proof: &[Felt]) -> Verdict {
        let array = |felts: Vec<Felt>| Arg::Array(felts.into_iter().map(Arg::Value).collect());
        let word = |c: &[u8]| Felt::from(u32::from_le_bytes([c[0], c[1], c[2], c[3]]));
        let root = root.chunks_exact(4).map(word).collect();
        let output = output.iter().flat_map(|x| x.to_m31_array());
        let arguments = vec![
            array(root),
            array(output.map(|x| Felt::from(x.0)).collect()),
            array(proof.to_vec()),
        ];
        let entry = self
            .0
            .find_function("differential_entry")
            .expect("the entry point");
        let run = self
            .0
            .run_function_with_starknet_context(
                entry,
                arguments,
                Some(GAS),
                StarknetState::default(),
            )
            .expect("the program runs");
        match run.value {
            RunResultValue::Success(_) => {
                let left = run.gas_counter.and_then(|left| usize::try_from(left).ok());
                Verdict::Accepted {
                    gas: GAS - left.unwrap_or_default(),
                }
            }
            RunResultValue::Panic(reason) => {
                let text = reason.iter().map(|felt| {
                    let bytes = felt.to_bytes_be();
                    let text = bytes.iter().skip_while(|&&b| b == 0);
                    text.map(|&b| char::from(b)).collect::<String>()
                });
                Verdict::Refused(text.collect())
            }
        }
    }
}
