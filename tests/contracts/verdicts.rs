//! The Cairo verifier against the Rust verifier on the same proofs: both take the fixture, and both refuse each change of it.

use std::fs;
use std::path::Path;

use cairo_decode::verify::statement::v3::OUTPUT_LEN;
use cairo_decode::wrap::span::{FIRST, Span};
use cairo_decode::wrap::verify::verify_packed;
use cairo_decode::wrap::{calldata, digest_felt, felt_digest, fold};
use cairo_lang_compiler::db::RootDatabase;
use cairo_lang_compiler::diagnostics::DiagnosticsReporter;
use cairo_lang_compiler::project::setup_project;
use cairo_lang_compiler::{CompilerConfig, compile_prepared_db_program};
use cairo_lang_filesystem::db::init_dev_corelib;
use cairo_lang_filesystem::ids::CrateInput;
use cairo_lang_runner::{Arg, RunResultValue, SierraCasmRunner, StarknetState};
use cairo_lang_starknet::starknet_plugin_suite;
use circuits::blake::HashValue;
use serde_json::Value;
use starknet_types_core::felt::Felt;
use stwo::core::vcs::blake2_hash::Blake2sHash;

use crate::refusals::{FORM, flip, reason_of};
use crate::{ENTRY, package};

/// Most L2 gas that verifying the fixture may take, the statement included. Lower it when it sinks.
const MAX_GAS: u64 = 172_500_000;

/// Circuit and public value of the fixture's proof: of two chunks of statement 1 and the circuit that verified two
/// leaves. A folded session takes its place; the proof's form, shape and parameters are the same.
const ROOT: &str = "0x6a2c83a19e6f86314d2967804f2cb44eb69406d7b96481103710dadd81acc6";
const VALUE: &str = "0x1e1906c8b4bfdc0eb6332188e3b64917037e5badc822c636db9a917f40f1a2";

/// Felts of a span's statement: those of a chunk without the steps.
const STATEMENT: usize = OUTPUT_LEN - 1;

/// The Cairo verifier, compiled.
struct Cairo {
    runner: SierraCasmRunner,
}

/// Gas that a run may use, far above what any takes.
const GAS: usize = 1_000_000_000;

impl Cairo {
    fn new() -> Cairo {
        let work = package(&[("pub mod entry", ENTRY)]);
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

    /// What an entry point returns and the gas that it uses, or the reason of the refusal.
    fn run(&self, entry: &str, arguments: Vec<Arg>) -> Result<(Vec<Felt>, u64), String> {
        let function = self.runner.find_function(entry);
        let result = self
            .runner
            .run_function_with_starknet_context(
                function.expect("the entry point"),
                arguments,
                Some(GAS),
                StarknetState::default(),
            )
            .expect("runs");
        match result.value {
            RunResultValue::Success(values) => {
                let left = u64::try_from(result.gas_counter.unwrap_or_default()).expect("a number");
                Ok((values, GAS as u64 - left))
            }
            RunResultValue::Panic(data) => {
                let bytes = data.first().map(|f| f.to_bytes_be()).unwrap_or_default();
                let text: Vec<u8> = bytes.into_iter().filter(|&b| b != 0).collect();
                Err(String::from_utf8_lossy(&text).into_owned())
            }
        }
    }

    /// The gas used, or the reason of the refusal.
    fn verify(&self, case: &Case) -> Result<u64, String> {
        let arguments = vec![
            Arg::Value(case.root),
            Arg::Value(case.value),
            array(&case.proof),
        ];
        Ok(self.run("entry::verify", arguments)?.1)
    }

    /// The public value that has to be proven, and the gas used; or the reason of the refusal.
    fn value(&self, leaf_root: Felt, statement: &[Felt]) -> Result<(Vec<Felt>, u64), String> {
        let arguments = vec![Arg::Value(leaf_root), array(statement)];
        self.run("entry::public_value", arguments)
    }
}

fn array(felts: &[Felt]) -> Arg {
    Arg::Array(felts.iter().map(|&f| Arg::Value(f)).collect())
}

/// What a verifier is given: circuit and public value, as packed digests, and a packed proof.
#[derive(Clone)]
struct Case {
    root: Felt,
    value: Felt,
    proof: Vec<Felt>,
}

impl Case {
    /// The fixture.
    fn honest() -> Case {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wrapped-session");
        let text = fs::read_to_string(dir.join("wrapped-0000.json")).expect("wrapped-0000.json");
        let document: Value = serde_json::from_str(&text).expect("JSON");
        let felt = |felt: &Value| Felt::from_hex(felt.as_str().expect("a felt")).expect("a felt");
        let proof = document["proof"].as_array().expect("a proof");
        Case {
            root: Felt::from_hex_unchecked(ROOT),
            value: Felt::from_hex_unchecked(VALUE),
            proof: proof.iter().map(felt).collect(),
        }
    }

    /// Whether the Rust verifier accepts.
    fn native(&self) -> bool {
        let (Some(root), Some(value)) = (felt_digest(&self.root), felt_digest(&self.value)) else {
            return false;
        };
        let HashValue(a, b) = HashValue::from(Blake2sHash(value));
        verify_packed(root, [a, b], &self.proof).is_ok()
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

/// Changes of the fixture, with their names.
struct Attacks<'a> {
    honest: &'a Case,
    list: Vec<(String, Case)>,
}

impl Attacks<'_> {
    fn add(&mut self, name: impl Into<String>, change: impl FnOnce(&mut Case)) {
        let mut case = self.honest.clone();
        change(&mut case);
        self.list.push((name.into(), case));
    }

    /// Of a packed proof.
    fn of_the_proof(&mut self) {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let sections = calldata::sections(&self.honest.proof).expect("a packed proof");
        let end = sections.last().expect("sections").1.end;
        assert_eq!(end, self.honest.proof.len());
        for (name, range) in &sections {
            if range.is_empty() {
                continue;
            }
            // One flipped bit, wherever in a felt, in up to five felts of every section.
            for _ in 0..range.len().min(5) {
                let (at, bit) = (range.start + random.below(range.len()), random.below(248));
                self.add(format!("{name}: felt {at} bit {bit}"), |case| {
                    flip(&mut case.proof[at], bit);
                });
            }
            let (first, last) = (range.start, range.end - 1);
            self.add(format!("{name}: a felt less"), |case| {
                case.proof.remove(first);
            });
            self.add(format!("{name}: a felt more"), |case| {
                case.proof.insert(first, Felt::ZERO);
            });
            self.add(format!("{name}: a limb that is P"), |case| {
                case.proof[first] = Felt::from(0x7fff_ffffu32);
            });
            if first != last {
                self.add(format!("{name}: two felts swapped"), |case| {
                    case.proof.swap(first, last);
                });
            }
        }
        // A digest too many in a witness, with its length.
        let witness = sections.iter().find(|(name, _)| name == "witness_0");
        let at = witness.expect("it").1.end;
        self.add("witness_0: an unused digest", |case| {
            case.proof.insert(at, Felt::ONE);
            case.proof[0] += Felt::from(1u32 << 16);
        });
        self.add("nothing", |case| case.proof.clear());
        self.add("a felt behind the end", |case| case.proof.push(Felt::ZERO));
        self.add("garbage", |case| {
            case.proof = (1..4_000u32).map(Felt::from).collect();
        });
    }

    /// Of what is said of the proof.
    fn of_circuit_and_value(&mut self) {
        self.add("another circuit", |case| case.root += Felt::ONE);
        self.add("another value", |case| case.value += Felt::ONE);
        self.add("the value as the circuit", |case| case.root = case.value);
        self.add("the circuit as the value", |case| case.value = case.root);
        self.add("the fold circuit", |case| {
            case.root = digest_felt(&fold::ROOT)
        });
        for bit in [31, 62, 93, 124, 155, 186, 217, 247] {
            self.add(format!("a circuit with another bit {bit}"), |case| {
                flip(&mut case.root, bit);
            });
            self.add(format!("a value with another bit {bit}"), |case| {
                flip(&mut case.value, bit);
            });
        }
    }
}

/// The statement of some session, leaf circuit and all.
fn statement() -> (Felt, Vec<Felt>) {
    let felt = |i: usize| Felt::from(i as u64 + 1) * Felt::from_hex_unchecked(VALUE);
    (
        Felt::from_hex_unchecked(ROOT),
        (0..STATEMENT).map(felt).collect(),
    )
}

#[test]
fn both_verifiers_accept_the_fixture() {
    let honest = Case::honest();
    assert!(honest.native(), "the Rust verifier accepts");
    let cairo = Cairo::new();
    let gas = cairo.verify(&honest).expect("the Cairo verifier accepts");
    let (leaf_root, statement) = statement();
    let (_, value) = cairo.value(leaf_root, &statement).expect("a value");
    let felts = honest.proof.len();
    eprintln!("{gas} gas for {felts} felts, {value} for a statement");
    let gas = gas + value;
    assert!(gas <= MAX_GAS, "{gas} gas, at most {MAX_GAS} before");
    assert!(gas >= MAX_GAS / 100 * 98, "{gas} gas: lower MAX_GAS");
}

/// Cairo has the public value of a statement as `wrap::span` has it.
#[test]
fn both_have_one_public_value() {
    let cairo = Cairo::new();
    let check = |leaf_root: Felt, statement: &[Felt]| {
        let steps = FIRST.start - 1;
        // No digest has the steps.
        let output: [Felt; OUTPUT_LEN] = std::array::from_fn(|i| match i < steps {
            true => statement[i],
            false => statement[i.max(FIRST.start) - 1],
        });
        let leaf = felt_digest(&leaf_root).expect("a digest");
        let [fold, leaf] = [fold::ROOT, leaf].map(|root| HashValue::from(Blake2sHash(root)));
        let HashValue(a, b) = Span::of(&output).fold_value(fold, leaf);
        let words = [a, b].map(|part| part.to_m31_array().map(|word| Felt::from(word.0)));
        let found = cairo.value(leaf_root, statement).expect("a value");
        assert_eq!(found.0, words.concat());
    };
    let (leaf_root, honest) = statement();
    check(leaf_root, &honest);
    check(Felt::ZERO, &honest);
    check(digest_felt(&fold::ROOT), &honest);
    let two = Felt::TWO;
    for i in 0..STATEMENT {
        // Ends of limbs, of the two halves of a felt, and of the field.
        for felt in [
            Felt::ZERO,
            two.pow(9u32) - Felt::ONE,
            two.pow(9u32),
            two.pow(128u32) - Felt::ONE,
            two.pow(128u32),
            two.pow(251u32),
            -Felt::ONE,
        ] {
            let mut other = honest.clone();
            other[i] = felt;
            check(leaf_root, &other);
        }
    }
}

/// What no fold can have as a public value is refused before any proof is read.
#[test]
fn a_statement_has_a_form() {
    let cairo = Cairo::new();
    let (leaf_root, honest) = statement();
    let refused = |leaf_root: Felt, statement: &[Felt], reason: &str| {
        let found = cairo.value(leaf_root, statement);
        assert_eq!(found.map(|_| ()), Err(reason.to_string()));
    };
    let wrong = "statement: wrong length";
    refused(leaf_root, &[], wrong);
    refused(leaf_root, &honest[..STATEMENT - 1], wrong);
    refused(leaf_root, &[&honest[..], &[Felt::ZERO]].concat(), wrong);
    refused(leaf_root, &honest.repeat(2), wrong);
    let limb = Felt::from(0x7fff_ffffu32);
    refused(limb, &honest, "proof: limb not canonical");
    let large = limb * Felt::TWO.pow(217u32);
    refused(large, &honest, "proof: limb not canonical");
    let large = Felt::TWO.pow(248u32);
    refused(large, &honest, "proof: felt too large");
    refused(-Felt::ONE, &honest, "proof: felt too large");
}

#[test]
fn requirement_36_both_verifiers_refuse_the_same_proofs() {
    let cairo = Cairo::new();
    let honest = Case::honest();
    let mut attacks = Attacks {
        honest: &honest,
        list: vec![],
    };
    attacks.of_the_proof();
    attacks.of_circuit_and_value();
    let attacks = attacks.list;
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
