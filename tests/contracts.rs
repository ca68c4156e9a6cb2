//! The contracts, without a chain: Cairo's unit tests, class limits, gas, and the Cairo verifier against the
//! Rust verifier on the same proofs.
//!
//! `tests/fixtures/wrapped-session` is a session of two chunks of the demo model, proven with
//! `prove --chunk 4 --domain` and wrapped with `wrap`; `tests/wrap.rs` makes another one from nothing.

#[path = "support/refusals.rs"]
mod refusals;

use std::fs;
use std::path::{Path, PathBuf};

use cairo_decode::chain::claim;
use cairo_decode::compile::{contract_sources, corelib_sources, write_all};
use cairo_decode::contract::{Contract, class, limits};
use cairo_decode::receipt::{Document, Manifest, Receipt, Session, Wrapped};
use cairo_decode::wrap::verify::verify_packed;
use cairo_decode::wrap::{calldata, felt_digest, session, tree};
use cairo_lang_compiler::db::RootDatabase;
use cairo_lang_compiler::diagnostics::DiagnosticsReporter;
use cairo_lang_compiler::project::setup_project;
use cairo_lang_compiler::{CompilerConfig, compile_prepared_db_program};
use cairo_lang_filesystem::cfg::{Cfg, CfgSet};
use cairo_lang_filesystem::db::init_dev_corelib;
use cairo_lang_filesystem::ids::CrateInput;
use cairo_lang_runner::{Arg, RunResultValue, SierraCasmRunner, StarknetState};
use cairo_lang_starknet::starknet_plugin_suite;
use cairo_lang_starknet_classes::contract_class::ContractClass;
use cairo_lang_test_plugin::{TestsCompilationConfig, compile_test_prepared_db, test_plugin_suite};
use cairo_lang_test_runner::{CompiledTestRunner, TestRunConfig};
use refusals::{FORM, flip, reason_of};
use starknet::core::utils::get_selector_from_name;
use starknet_types_core::felt::Felt;

/// Most L2 gas that verifying the fixture may take, statements included. Lower it when it sinks.
const MAX_GAS: u64 = 190_000_000;

/// Entry point for the tests: what the class `SessionVerifier` does.
const ENTRY: &str = "
pub fn verify_session(leaf_root: felt252, statements: Array<felt252>, proof: Array<felt252>) {
    let (root, [a, b, c, d, e, f, g, h]) = crate::tree::top(leaf_root, statements.span());
    crate::circuit::verify(
        root,
        [
            crate::fields::qm31::from_words([a, b, c, d]),
            crate::fields::qm31::from_words([e, f, g, h]),
        ],
        proof.span(),
    );
}
";

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wrapped-session")
}

/// The contracts' package in a temporary folder, with the entry point beside the sources.
fn package() -> tempfile::TempDir {
    let work = tempfile::tempdir().expect("a temporary folder");
    let src = work.path().join("contracts/src");
    write_all(&src, contract_sources()).expect("written");
    write_all(&work.path().join("corelib/src"), corelib_sources()).expect("written");
    fs::write(src.join("entry.cairo"), ENTRY).expect("written");
    let lib = fs::read_to_string(src.join("lib.cairo")).expect("lib.cairo");
    fs::write(src.join("lib.cairo"), lib + "\npub mod entry;\n").expect("written");
    let project = "[crate_roots]\ncairo_decode_contracts = \"contracts/src\"\n\n[config.global]\nedition = \"2024_07\"\n";
    fs::write(work.path().join("cairo_project.toml"), project).expect("written");
    work
}

/// The Cairo test that submits the fixture as the client does.
fn submission_test() -> String {
    let dir = fixture();
    let manifest = Manifest::read(&dir.join("model.json")).expect("model.json");
    let wrapped = Wrapped::read(&dir.join("wrapped-0000.json")).expect("wrapped-0000.json");
    let receipts: Vec<Receipt> = (0..2)
        .map(|i| dir.join(format!("chunk-{i:04}.receipt.json")))
        .map(|file| Receipt::read(&file).expect("a receipt"))
        .collect();
    let model_id = claim::model_id(&manifest, wrapped.leaf_root);
    let calldata = claim::submission(model_id, &receipts, &wrapped).expect("receipts");
    let hashes: Vec<Felt> = receipts.iter().map(claim::statement_hash).collect();
    let function = |name: &str, felts: &[Felt]| {
        let felts: Vec<String> = felts.iter().map(|felt| format!("{felt:#x}")).collect();
        let felts = felts.join(", ");
        format!("\nfn {name}() -> Span<felt252> {{\n    [{felts}].span()\n}}\n")
    };
    let test = include_str!("contracts/submission_test.cairo");
    test.to_string() + &function("calldata", &calldata) + &function("hashes", &hashes)
}

#[test]
fn cairo_unit_tests_pass() {
    let work = package();
    let src = work.path().join("contracts/src");
    fs::write(src.join("submission_test.cairo"), submission_test()).expect("written");
    let lib = fs::read_to_string(src.join("lib.cairo")).expect("lib.cairo");
    let lib = lib + "\n#[cfg(test)]\nmod submission_test;\n";
    fs::write(src.join("lib.cairo"), lib).expect("written");
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
    let reporter = DiagnosticsReporter::stderr().with_crates(&inputs);
    let compiled =
        compile_test_prepared_db(&db, config, inputs.clone(), reporter).expect("compiles");
    assert!(
        compiled.metadata.named_tests.len() >= 20,
        "tests are missing"
    );
    let config = TestRunConfig {
        filter: String::new(),
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

#[test]
fn classes_are_within_the_networks_limits() {
    for (contract, most) in [
        (Contract::Verifier, 70_000),
        (Contract::Registry, 7_500),
        (Contract::Account, 2_500),
    ] {
        let class = class(contract).expect("a class within the limits");
        let found = class.bytecode;
        eprintln!("{}: {found} felts of bytecode", contract.name());
        assert!(found <= most, "{}: {found} felts", contract.name());
        assert!(most <= limits::BYTECODE_FELTS_OURS);
    }
}

/// The Cairo verifier, compiled.
struct Cairo {
    runner: SierraCasmRunner,
}

/// Gas that a run may use, far above what any takes.
const GAS: usize = 1_000_000_000;

impl Cairo {
    fn new() -> Cairo {
        let work = package();
        let mut db = RootDatabase::builder()
            .with_default_plugin_suite(starknet_plugin_suite())
            .build()
            .expect("a database");
        init_dev_corelib(&mut db, work.path().join("corelib/src"));
        let inputs = setup_project(&mut db, work.path()).expect("a project");
        let crates = CrateInput::into_crate_ids(&db, inputs.clone());
        let config = CompilerConfig {
            diagnostics_reporter: DiagnosticsReporter::stderr().with_crates(&inputs),
            replace_ids: true,
            ..CompilerConfig::default()
        };
        let program = compile_prepared_db_program(&db, crates, config).expect("compiles");
        let runner =
            SierraCasmRunner::new(program, Some(Default::default()), Default::default(), None);
        Cairo {
            runner: runner.expect("a runner"),
        }
    }

    /// The gas used, or the reason of the refusal.
    fn verify(&self, case: &Case) -> Result<u64, String> {
        let array = |felts: &[Felt]| Arg::Array(felts.iter().map(|&f| Arg::Value(f)).collect());
        let function = self.runner.find_function("entry::verify_session");
        let result = self
            .runner
            .run_function_with_starknet_context(
                function.expect("the entry point"),
                vec![
                    Arg::Value(case.leaf_root),
                    array(&case.statements),
                    array(&case.proof),
                ],
                Some(GAS),
                StarknetState::default(),
            )
            .expect("runs");
        match result.value {
            RunResultValue::Success(_) => {
                let left = u64::try_from(result.gas_counter.unwrap_or_default()).expect("a number");
                Ok(GAS as u64 - left)
            }
            RunResultValue::Panic(data) => {
                let bytes = data.first().map(|f| f.to_bytes_be()).unwrap_or_default();
                let text: Vec<u8> = bytes.into_iter().filter(|&b| b != 0).collect();
                Err(String::from_utf8_lossy(&text).into_owned())
            }
        }
    }
}

/// What a verifier is given.
#[derive(Clone)]
struct Case {
    leaf_root: Felt,
    statements: Vec<Felt>,
    proof: Vec<Felt>,
}

impl Case {
    fn honest() -> Case {
        let dir = fixture();
        let wrapped = Wrapped::read(&dir.join("wrapped-0000.json")).expect("wrapped-0000.json");
        let statements = (0..wrapped.chunks as usize)
            .flat_map(|i| {
                let file = dir.join(format!("chunk-{i:04}.receipt.json"));
                Receipt::read(&file)
                    .expect("a receipt")
                    .statement
                    .to_output()
            })
            .collect();
        Case {
            leaf_root: wrapped.leaf_root.0,
            statements,
            proof: wrapped.proof.iter().map(|f| f.0).collect(),
        }
    }

    /// Whether the Rust verifier accepts.
    fn native(&self) -> bool {
        let Some(root) = felt_digest(&self.leaf_root) else {
            return false;
        };
        let n = self.statements.len();
        if n == 0 || !n.is_multiple_of(21) || n / 21 > 16 {
            return false;
        }
        let outputs: Vec<Vec<Felt>> = self.statements.chunks(21).map(<[Felt]>::to_vec).collect();
        let (circuit, value) = tree::top(root, &outputs);
        verify_packed(circuit, value, &self.proof).is_ok()
    }
}

/// A generator of numbers, the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

/// Changes of a proof and of every pinned value, with their names.
fn attacks(honest: &Case) -> Vec<(String, Case)> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut attacks = vec![];
    let mut add = |name: String, change: &mut dyn FnMut(&mut Case)| {
        let mut case = honest.clone();
        change(&mut case);
        attacks.push((name, case));
    };
    let sections = calldata::sections(&honest.proof).expect("a packed proof");
    assert_eq!(sections.last().expect("sections").1.end, honest.proof.len());
    for (name, range) in &sections {
        if range.is_empty() {
            continue;
        }
        // One flipped bit, wherever in a felt, in up to five felts of every section.
        for _ in 0..range.len().min(5) {
            let (at, bit) = (range.start + random.below(range.len()), random.below(248));
            add(format!("{name}: felt {at} bit {bit}"), &mut |case| {
                flip(&mut case.proof[at], bit);
            });
        }
        let first = range.start;
        add(format!("{name}: a felt less"), &mut |case| {
            case.proof.remove(first);
        });
        add(format!("{name}: a felt more"), &mut |case| {
            case.proof.insert(first, Felt::ZERO);
        });
        add(format!("{name}: a limb that is P"), &mut |case| {
            case.proof[first] = Felt::from(0x7fff_ffffu32);
        });
        if range.len() > 1 {
            let last = range.end - 1;
            add(format!("{name}: two felts swapped"), &mut |case| {
                case.proof.swap(first, last);
            });
        }
    }
    // A digest too many in a witness, with its length.
    let (_, witness) = &sections[sections
        .iter()
        .position(|(n, _)| n == "witness_0")
        .expect("it")];
    let at = witness.end;
    add("witness_0: an unused digest".into(), &mut |case| {
        case.proof.insert(at, Felt::ONE);
        case.proof[0] += Felt::from(1u32 << 16);
    });
    for i in 0..honest.statements.len() {
        add(format!("statement felt {i}"), &mut |case| {
            case.statements[i] += Felt::ONE;
        });
    }
    add("statements swapped".into(), &mut |case| {
        case.statements.rotate_left(21);
    });
    add("a statement less".into(), &mut |case| {
        case.statements.truncate(21);
    });
    add("a statement twice".into(), &mut |case| {
        let first = case.statements[..21].to_vec();
        case.statements.extend(first);
    });
    add("no statement".into(), &mut |case| case.statements.clear());
    add("part of a statement".into(), &mut |case| {
        case.statements.pop();
    });
    add("felts behind the statements".into(), &mut |case| {
        case.statements.push(Felt::ZERO);
    });
    add("17 statements".into(), &mut |case| {
        let first = case.statements[..21].to_vec();
        case.statements = first.repeat(17);
    });
    add("another leaf circuit".into(), &mut |case| {
        case.leaf_root += Felt::ONE;
    });
    add("a leaf circuit that is no digest".into(), &mut |case| {
        case.leaf_root = -Felt::ONE;
    });
    add("nothing".into(), &mut |case| case.proof.clear());
    add("a felt behind the end".into(), &mut |case| {
        case.proof.push(Felt::ZERO);
    });
    add("garbage".into(), &mut |case| {
        case.proof = (1..4_000u32).map(Felt::from).collect();
    });
    attacks
}

#[test]
fn both_verifiers_accept_the_fixture() {
    let dir = fixture();
    let manifest = Manifest::read(&dir.join("model.json")).expect("model.json");
    let document = Session::read(&dir.join("session.json")).expect("session.json");
    let honest = Case::honest();
    let root = felt_digest(&honest.leaf_root).expect("a digest");
    session::verify(&dir, &manifest, &manifest.accept(document.domain), root)
        .expect("the Rust verifier accepts");
    let gas = Cairo::new()
        .verify(&honest)
        .expect("the Cairo verifier accepts");
    eprintln!("{gas} gas for {} felts", honest.proof.len());
    assert!(gas <= MAX_GAS, "{gas} gas, at most {MAX_GAS} before");
    assert!(gas >= MAX_GAS / 100 * 90, "{gas} gas: lower MAX_GAS");
}

#[test]
fn requirement_36_both_verifiers_refuse_the_same_proofs() {
    let cairo = Cairo::new();
    let honest = Case::honest();
    let attacks = attacks(&honest);
    assert!(attacks.len() >= 200, "{} attacks", attacks.len());
    let mut problems = vec![];
    for (name, case) in &attacks {
        let answer = cairo.verify(case);
        match (case.native(), &answer) {
            // A reason of ours, not an accident such as an index out of bounds or a lack of gas.
            (false, Err(reason)) if reason.contains(": ") => {
                // The check that a section is there for has to be the one that speaks: without it, a
                // later one might refuse the proof too.
                let section = name.split_once(": felt ").map(|(section, _)| section);
                if let Some(expected) = section.and_then(reason_of)
                    && reason != expected
                    && !FORM.contains(&reason.as_str())
                {
                    problems.push(format!("{name}: {reason:?}, expected {expected:?}"));
                }
            }
            (native, _) => problems.push(format!("{name}: Rust {native}, Cairo {answer:?}")),
        }
    }
    eprintln!("{} attacks", attacks.len());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
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
        "statements",
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
    assert_eq!(sources.matches("self.accepted.write").count(), 1);
}
