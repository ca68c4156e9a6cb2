//! The contracts, without a chain: Cairo's unit tests, what each check of the registry is for, class limits, gas, and the
//! Cairo verifier against the Rust verifier on the same proofs.
//!
//! `tests/fixtures/wrapped-session` is a session of three chunks of the demo model, proven with `prove --domain` and wrapped with
//! `wrap`.

#[path = "support/refusals.rs"]
mod refusals;
#[path = "contracts/verdicts.rs"]
mod verdicts;

use std::fs;
use std::path::{Path, PathBuf};

use cairo_decode::chain::claim;
use cairo_decode::compile::{contract_sources, corelib_sources, write_all};
use cairo_decode::contract::{Contract, class, limits};
use cairo_decode::receipt::{Document, Manifest, Receipt, Wrapped};
use cairo_lang_compiler::db::RootDatabase;
use cairo_lang_compiler::diagnostics::DiagnosticsReporter;
use cairo_lang_compiler::project::setup_project;
use cairo_lang_filesystem::cfg::{Cfg, CfgSet};
use cairo_lang_filesystem::db::init_dev_corelib;
use cairo_lang_starknet::starknet_plugin_suite;
use cairo_lang_starknet_classes::contract_class::ContractClass;
use cairo_lang_test_plugin::{TestsCompilationConfig, compile_test_prepared_db, test_plugin_suite};
use cairo_lang_test_runner::{CompiledTestRunner, TestRunConfig};
use starknet::core::utils::get_selector_from_name;
use starknet_types_core::felt::Felt;

/// Entry points for the tests: what the class `SessionVerifier` does, and the value that it computes.
const ENTRY: &str = "
use crate::fields::qm31::from_words;
use crate::layout::FOLD_ROOT;
use crate::{circuit, span};

pub fn public_value(leaf_root: felt252, statement: Array<felt252>) -> [u32; 8] {
    span::public_value(leaf_root, statement.span())
}

pub fn verify_session(leaf_root: felt252, statement: Array<felt252>, proof: Array<felt252>) {
    let [a, b, c, d, e, f, g, h] = span::public_value(leaf_root, statement.span());
    let outputs = [from_words([a, b, c, d]), from_words([e, f, g, h])];
    circuit::verify(span::unpack(FOLD_ROOT), outputs, proof.span());
}
";

/// A file of the fixture.
fn fixture(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/fixtures/wrapped-session").join(name)
}

/// The contracts' package in a temporary folder, with modules beside the sources: declarations and texts.
fn package(modules: &[(&str, &str)]) -> tempfile::TempDir {
    let work = tempfile::tempdir().expect("a temporary folder");
    let src = work.path().join("contracts/src");
    write_all(&src, contract_sources()).expect("written");
    write_all(&work.path().join("corelib/src"), corelib_sources()).expect("written");
    let mut lib = fs::read_to_string(src.join("lib.cairo")).expect("lib.cairo");
    for (declaration, text) in modules {
        let name = declaration.rsplit(' ').next().expect("a name");
        fs::write(src.join(format!("{name}.cairo")), text).expect("written");
        lib += &format!("\n{declaration};\n");
    }
    fs::write(src.join("lib.cairo"), lib).expect("written");
    let project = "[crate_roots]\ncairo_decode_contracts = \"contracts/src\"\n\n[config.global]\nedition = \"2024_07\"\n";
    fs::write(work.path().join("cairo_project.toml"), project).expect("written");
    work
}

/// The source without the check that has a reason.
fn without(source: &str, reason: &str) -> String {
    let check = source.find(&format!("errors::{reason}"));
    let check = check.expect("a check with this reason");
    let start = source[..check].rfind("assert(").expect("its start");
    let end = check + source[check..].find(';').expect("its end") + 1;
    source[..start].to_string() + &source[end..]
}

/// The source with another line.
fn with(source: &str, line: &str, other: &str) -> String {
    assert_eq!(source.matches(line).count(), 1, "{line}");
    source.replace(line, other)
}

/// A module of the contracts.
fn source(name: &str) -> &'static str {
    let mut sources = contract_sources();
    let found = sources.find(|(file, _)| *file == name);
    found.expect("a module").1
}

/// Registry and statement without each of their checks, as modules, and the Cairo tests that attack them.
fn weakened() -> Vec<(String, String)> {
    let registry = source("registry.cairo");
    let tests = include_str!("contracts/necessity_test.cairo");
    let mut modules = vec![];
    for (text, checks) in [(registry, 12), (source("span.cairo"), 1)] {
        let constants = text.split("pub const ").skip(1);
        let reasons = constants.filter_map(|text| text.split_once(": felt252 = '"));
        let before = modules.len();
        modules.extend(reasons.map(|(reason, _)| {
            let name = format!("without_{}", reason.to_lowercase());
            (name, without(text, reason))
        }));
        assert_eq!(modules.len() - before, checks);
    }
    let both = without(&without(registry, "REPLAY"), "FORK");
    modules.push(("without_replay_and_fork".into(), both));
    let behind = "position >= prompt_length\n";
    let earlier = with(registry, behind, "position >= prompt_length - 1\n");
    modules.push(("a_position_earlier".into(), earlier));
    let any = with(registry, " && end.position > furthest", "");
    modules.push(("any_end_is_the_head".into(), any));
    for (name, _) in &modules {
        let used = tests.contains(&format!("crate::{name}::"));
        assert!(used, "no test attacks {name}");
    }
    modules.push(("necessity_test".into(), tests.into()));
    modules
}

/// Runs the Cairo tests whose name contains `filter`.
fn run_cairo_tests(modules: &[(String, String)], filter: &str) {
    let modules: Vec<(String, &str)> = modules
        .iter()
        .map(|(name, text)| (format!("#[cfg(test)]\nmod {name}"), text.as_str()))
        .collect();
    let modules: Vec<(&str, &str)> = modules
        .iter()
        .map(|(name, text)| (&**name, *text))
        .collect();
    let work = package(&modules);
    let mut db = RootDatabase::builder()
        .with_cfg(CfgSet::from_iter([
            Cfg::name("test"),
            Cfg::kv("target", "test"),
        ]))
        .with_default_plugin_suite(test_plugin_suite())
        .with_default_plugin_suite(starknet_plugin_suite())
        .build()
        .expect("a database");
    init_dev_corelib(&mut db, work.path().join("corelib/src"));
    let inputs = setup_project(&mut db, work.path()).expect("a project");
    let config = TestsCompilationConfig {
        starknet: true,
        add_statements_functions: false,
        add_statements_code_locations: false,
        contract_declarations: None,
        contract_crate_ids: None,
        executable_crate_ids: None,
        add_functions_debug_info: false,
        replace_ids: false,
    };
    // A check that is left out can leave a name unused.
    let reporter = DiagnosticsReporter::stderr()
        .with_crates(&inputs)
        .allow_warnings();
    let compiled =
        compile_test_prepared_db(&db, config, inputs.clone(), reporter).expect("compiles");
    let tests = compiled.metadata.named_tests.iter();
    let found = tests.filter(|(name, _)| name.contains(filter)).count();
    assert!(found >= 10, "tests are missing");
    let config = TestRunConfig {
        filter: filter.to_string(),
        include_ignored: true,
        ignored: false,
        profiler_config: None,
        gas_enabled: true,
        print_resource_usage: false,
    };
    CompiledTestRunner::new(compiled, config)
        .run(None)
        .expect("all Cairo tests pass");
}

/// The Cairo test that submits the fixture as the client does.
fn submission_test() -> (String, String) {
    let manifest = Manifest::read(&fixture("model.json")).expect("model.json");
    let wrapped = Wrapped::read(&fixture("wrapped-0000.json")).expect("wrapped-0000.json");
    let receipts: Vec<Receipt> = (0..wrapped.chunks)
        .map(|i| fixture(&format!("chunk-{i:04}.receipt.json")))
        .map(|file| Receipt::read(&file).expect("a receipt"))
        .collect();
    let model_id = claim::model_id(&manifest, wrapped.leaf_root);
    let registration = claim::model(&manifest, wrapped.leaf_root);
    let calldata = claim::submission(model_id, &receipts, &wrapped).expect("receipts");
    let function = |name: &str, felts: &[Felt]| {
        let felts: Vec<String> = felts.iter().map(|felt| format!("{felt:#x}")).collect();
        let felts = felts.join(", ");
        format!("\nfn {name}() -> Span<felt252> {{\n    [{felts}].span()\n}}\n")
    };
    let test = include_str!("contracts/submission_test.cairo").to_string();
    let functions = function("registration", &registration) + &function("calldata", &calldata);
    ("submission_test".into(), test + &functions)
}

#[test]
fn cairo_unit_tests_pass() {
    run_cairo_tests(&[submission_test()], "");
}

/// Without each of its checks the registry takes an attack that it refuses, and the verifier a statement.
#[test]
fn every_check_of_the_registry_is_needed() {
    run_cairo_tests(&weakened(), "necessity_test::");
}

#[test]
fn classes_are_within_the_networks_limits() {
    for (contract, most) in [
        (Contract::Verifier, 70_000),
        (Contract::Registry, 6_600),
        (Contract::Account, 2_500),
    ] {
        let class = class(contract).expect("a class within the limits");
        let found = class.bytecode;
        eprintln!("{}: {found} felts of bytecode", contract.name());
        assert!(found <= most, "{}: {found} felts", contract.name());
        assert!(most <= limits::BYTECODE_FELTS_OURS);
    }
}

/// Requirement 36: the registry's entry points are these, and no class can replace itself.
#[test]
fn requirement_36_no_call_marks_a_statement_as_verified() {
    let registry = [
        // These two write; the others are views.
        "register_model",
        "submit",
        "verifier_class",
        "model",
        "is_registered",
        "session",
        "frontier_at",
        "is_accepted",
        "statement",
    ];
    for (contract, names) in [
        (Contract::Registry, &registry[..]),
        (Contract::Verifier, &["verify_session"]),
    ] {
        let sierra = class(contract).expect("a class").sierra;
        let class: ContractClass = serde_json::from_str(&sierra).expect("a class file");
        let points = class.entry_points_by_type.external.iter();
        let mut found: Vec<Felt> = points.map(|p| Felt::from(p.selector.clone())).collect();
        let selector = |name: &&str| get_selector_from_name(name).expect("a name");
        let mut expected: Vec<Felt> = names.iter().map(selector).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{}", contract.name());

        let program = class.extract_sierra_program(false).expect("a program");
        let declarations = program.program.libfunc_declarations.iter();
        let used: Vec<&str> = declarations
            .map(|declaration| declaration.long_id.generic_id.0.as_str())
            .collect();
        assert!(used.contains(&"felt252_add"));
        assert!(!used.iter().any(|name| name.contains("replace_class")));
    }
    let sources = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("contracts/src/registry.cairo"),
    )
    .expect("registry.cairo");
    for written in ["frontiers", "heads"] {
        let writes = format!("self.{written}.write(");
        assert_eq!(sources.matches(&writes).count(), 1, "{written}");
    }
}
