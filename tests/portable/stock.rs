//! Compiler, prover and verifier that know nothing of this project take the package and its program: the compiler with its own settings, and
//! the published prover and verifier of the Cairo AIR.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use cairo_air::verifier::verify_cairo;
use cairo_decode::compile::{Program, portable_sources, write_all};
use cairo_decode::portable::{Session, package, run};
use cairo_decode::trace;
use cairo_decode::verify::statement::Domain;
use cairo_lang_compiler::db::RootDatabase;
use cairo_lang_compiler::diagnostics::DiagnosticsReporter;
use cairo_lang_compiler::project::{
    ProjectConfig, get_main_crate_ids_from_project, update_crate_roots_from_project_config,
};
use cairo_lang_executable::compile::{ExecutableConfig, compile_executable_in_prepared_db};
use cairo_lang_executable::executable::Executable;
use cairo_lang_executable_plugin::executable_plugin_suite;
use cairo_lang_filesystem::cfg::{Cfg, CfgSet};
use cairo_lang_filesystem::db::init_dev_corelib;
use starknet_types_core::felt::Felt;
use stwo::core::fri::FriConfig;
use stwo::core::pcs::PcsConfig;
use stwo::core::vcs_lifted::blake2_merkle::Blake2sMerkleChannel;
use stwo_cairo_common::preprocessed_columns::preprocessed_trace::PreProcessedTraceVariant;
use stwo_cairo_prover::prover::{ChannelHash, ProverParameters, prove_cairo};

use crate::statements::SMALLEST;
use crate::twins::{ID, LANES};

/// Rows that a component has at most, as a power of two: as many as the longest of the fixed tables.
const LOG_ROWS: u32 = 20;

/// The smallest model's first chunk, of one step that chooses.
#[test]
fn the_published_prover_proves_a_run() {
    let twins = &*SMALLEST;
    let session = Session::new(&twins.portable, Domain::local(), ID, vec![5]).expect("a prompt");
    let decoded = session.decode(1).expect("a chunk");
    let run = run(&twins.program, &decoded).expect("an honest run");
    let steps = run.steps;
    let input = run.trace.into_prover_input().expect("a prover input");
    let parameters = ProverParameters {
        channel_hash: ChannelHash::Blake2s,
        channel_salt: 0,
        // Few queries: what is shown is that all constraints hold, and not how sure one can be of it.
        pcs_config: PcsConfig {
            pow_bits: 10,
            fri_config: FriConfig::new(0, 1, 10, 1),
            lifting_log_size: Some(LOG_ROWS + 1),
        },
        preprocessed_trace: PreProcessedTraceVariant::CanonicalSmall,
        store_polynomials_coefficients: true,
        include_all_preprocessed_columns: false,
    };
    let start = Instant::now();
    let proof = prove_cairo::<Blake2sMerkleChannel>(input, parameters).expect("a proof");
    println!(
        "{steps} VM steps proven in {:.1} s",
        start.elapsed().as_secs_f64()
    );
    let shown = proof.claim.public_data.public_memory.output.iter();
    let shown: Vec<Felt> = shown.map(|(_, value)| felt(value)).collect();
    assert_eq!(shown, decoded.statement.to_output());
    verify_cairo::<Blake2sMerkleChannel>(proof.into()).expect("it verifies");
}

/// A felt in words of 32 bits, the lowest first.
fn felt(words: &[u32; 8]) -> Felt {
    let words = words.iter().rev();
    words.fold(Felt::ZERO, |sum, &word| {
        sum * Felt::from(1u64 << 32) + Felt::from(word)
    })
}

/// The package as the compiler makes a program of it when nobody sets anything: failed checks have their messages, and the entry takes the
/// builtins that are used.
fn with_defaults(files: &BTreeMap<String, String>) -> Program {
    let work = tempfile::tempdir().expect("a folder");
    let texts = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()));
    write_all(&work.path().join("package"), texts).expect("written");
    write_all(&work.path().join("library/src"), portable_sources()).expect("written");
    let project = work.path().join("cairo_project.toml");
    let text = "[crate_roots]\nmodel = \"package/src\"\ncairo_decode = \"library/src\"\n\n\
                [config.global]\nedition = \"2024_07\"\n\n\
                [config.override.model]\nedition = \"2024_07\"\n\n\
                [config.override.model.dependencies]\ncairo_decode = { discriminator = \"cairo_decode\" }\n";
    std::fs::write(&project, text).expect("written");
    let project = ProjectConfig::from_file(&project).expect("a project");
    let mut db = RootDatabase::builder()
        .skip_auto_withdraw_gas()
        .with_cfg(CfgSet::from_iter([Cfg::kv("gas", "disabled")]))
        .with_default_plugin_suite(executable_plugin_suite())
        .build()
        .expect("a compiler");
    let corelib = Path::new(env!("CARGO_MANIFEST_DIR")).join(".deps/corelib/src");
    init_dev_corelib(&mut db, corelib);
    update_crate_roots_from_project_config(&mut db, &project);
    let crates = get_main_crate_ids_from_project(&db, &project).into_iter();
    let main = crates.filter(|id| id.long(&db).name().long(&db).as_str() == "model");
    let mut said = String::new();
    let reporter = DiagnosticsReporter::write_to_string(&mut said);
    let config = ExecutableConfig::default();
    let compiled = compile_executable_in_prepared_db(&db, None, main.collect(), reporter, config);
    let compiled = compiled.unwrap_or_else(|error| panic!("{error}"));
    let executable = Executable::new(compiled.compiled_function);
    assert_eq!(said, "", "the compiler has nothing to say about the text");
    let json = serde_json::to_vec(&executable).expect("JSON");
    Program::from_executable_json(&json, Path::new("program.json")).expect("a program")
}

/// The compiler's own settings make another program of the package, which states the same and refuses the same.
#[test]
fn the_compilers_own_settings_make_no_difference() {
    let twins = &*SMALLEST;
    let root = twins.portable.document.model_root.0;
    let package = package(&twins.portable.description, root, LANES as u32).expect("a package");
    let program = with_defaults(&package.files);
    assert_ne!(program.words(), twins.program.words());
    let session = Session::new(&twins.portable, Domain::local(), ID, vec![5, 2]).expect("a prompt");
    let first = session.decode(3).expect("a chunk");
    for decoded in [&first, &first.next.decode(1).expect("a chunk")] {
        run(&program, decoded).expect("it states the statement");
    }
    let mut input = first.next.decode(1).expect("a chunk").input;
    *input.last_mut().expect("a carried number") += Felt::ONE;
    assert!(trace::run(&program, &input, None).is_err());
}
