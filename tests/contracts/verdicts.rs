//! The Cairo verifier against the Rust verifier on the same proofs: both take the fixture, and both refuse each change of it.

use cairo_decode::receipt::{Document, Receipt, Wrapped};
use cairo_decode::verify::statement::OUTPUT_LEN;
use cairo_decode::wrap::span::{COMMON, FIRST, LAST, Span};
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
use starknet_types_core::felt::Felt;
use stwo::core::fields::qm31::QM31;

use crate::refusals::{FORM, flip, reason_of};
use crate::{ENTRY, fixture, package};

/// Most L2 gas that verifying the fixture may take, the statement included. Lower it when it sinks.
const MAX_GAS: u64 = 177_000_000;

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
        let Case {
            leaf_root,
            statement,
            proof,
        } = case;
        let arguments = vec![Arg::Value(*leaf_root), array(statement), array(proof)];
        Ok(self.run("entry::verify_session", arguments)?.1)
    }

    /// The public value that has to be proven, and the gas used; or the reason of the refusal.
    fn value(&self, case: &Case) -> Result<(Vec<Felt>, u64), String> {
        let arguments = vec![Arg::Value(case.leaf_root), array(&case.statement)];
        self.run("entry::public_value", arguments)
    }
}

fn array(felts: &[Felt]) -> Arg {
    Arg::Array(felts.iter().map(|&f| Arg::Value(f)).collect())
}

/// What a verifier is given.
#[derive(Clone)]
struct Case {
    leaf_root: Felt,
    statement: Vec<Felt>,
    proof: Vec<Felt>,
}

impl Case {
    /// The fixture's session, from its first frontier to its last one.
    fn honest() -> Case {
        let wrapped = Wrapped::read(&fixture("wrapped-0000.json")).expect("wrapped-0000.json");
        let output = |chunk: u32| {
            let receipt = fixture(&format!("chunk-{chunk:04}.receipt.json"));
            let receipt = Receipt::read(&receipt).expect("a receipt");
            receipt.statement.to_output()
        };
        let (first, last) = (output(0), output(wrapped.chunks - 1));
        Case {
            leaf_root: wrapped.leaf_root.0,
            statement: [&first[COMMON], &first[FIRST], &last[LAST]].concat(),
            proof: wrapped.proof.iter().map(|felt| felt.0).collect(),
        }
    }

    /// The circuit's root and the public value that are to be proven, if there is such a statement.
    fn expected(&self) -> Option<[QM31; 2]> {
        let leaf = felt_digest(&self.leaf_root)?;
        if self.statement.len() != STATEMENT {
            return None;
        }
        // No digest has the steps.
        let steps = FIRST.start - 1;
        let output = std::array::from_fn(|i| match i < steps {
            true => self.statement[i],
            false => self.statement[i.max(FIRST.start) - 1],
        });
        Some(fold::public_value(
            fold::Kind::Fold,
            &Span::of(&output),
            leaf,
        ))
    }

    /// Whether the Rust verifier accepts.
    fn native(&self) -> bool {
        let value = self.expected();
        value.is_some_and(|value| verify_packed(fold::ROOT, value, &self.proof).is_ok())
    }

    /// With another felt in the statement.
    fn with(&self, at: usize, felt: Felt) -> Case {
        let mut case = self.clone();
        case.statement[at] = felt;
        case
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
    fn of_the_statement(&mut self) {
        for at in 0..STATEMENT {
            for change in [Felt::ONE, -Felt::ONE, Felt::TWO.pow(128u32)] {
                self.add(format!("statement felt {at} and {change:#x}"), |case| {
                    case.statement[at] += change;
                });
            }
        }
        let (first, last) = (FIRST.start - 1, LAST.start - 1);
        self.add("frontiers swapped", |case| {
            case.statement[first..].rotate_left(last - first);
        });
        self.add("no steps: the first frontier", |case| {
            case.statement.copy_within(first..last, last);
        });
        self.add("no steps: the last frontier", |case| {
            case.statement.copy_within(last.., first);
        });
        self.add("no statement", |case| case.statement.clear());
        self.add("a felt less", |case| {
            case.statement.pop();
        });
        self.add("a felt more", |case| case.statement.push(Felt::ZERO));
        self.add("the steps too", |case| {
            case.statement.insert(first, Felt::from(8u32));
        });
        self.add("the statement twice", |case| {
            case.statement = case.statement.repeat(2);
        });
        self.add("another leaf circuit", |case| case.leaf_root += Felt::ONE);
        self.add("no leaf circuit", |case| case.leaf_root = Felt::ZERO);
        self.add("a fold as a leaf", |case| {
            case.leaf_root = digest_felt(&fold::ROOT);
        });
        self.add("a pair as a leaf", |case| {
            case.leaf_root = digest_felt(&fold::PAIR_ROOT);
        });
        self.add("a leaf circuit that is no digest", |case| {
            case.leaf_root = -Felt::ONE;
        });
        self.add("a leaf circuit with a limb that is P", |case| {
            case.leaf_root = Felt::from(0x7fff_ffffu32);
        });
    }
}

#[test]
fn both_verifiers_accept_the_fixture() {
    let honest = Case::honest();
    assert!(honest.native(), "the Rust verifier accepts");
    let gas = Cairo::new()
        .verify(&honest)
        .expect("the Cairo verifier accepts");
    eprintln!("{gas} gas for {} felts", honest.proof.len());
    assert!(gas <= MAX_GAS, "{gas} gas, at most {MAX_GAS} before");
    assert!(gas >= MAX_GAS / 100 * 98, "{gas} gas: lower MAX_GAS");
}

/// Cairo has the public value of a statement as `wrap::span` has it.
#[test]
fn both_have_one_public_value() {
    let cairo = Cairo::new();
    let check = |case: &Case| {
        let [a, b] = case.expected().expect("a statement");
        let words = [a, b].map(|part| part.to_m31_array().map(|word| Felt::from(word.0)));
        let (found, gas) = cairo.value(case).expect("a value");
        assert_eq!(found, words.concat());
        gas
    };
    let honest = Case::honest();
    eprintln!("{} gas for the value", check(&honest));
    for root in [Felt::ZERO, digest_felt(&fold::ROOT)] {
        let leaf_root = root;
        check(&Case {
            leaf_root,
            ..honest.clone()
        });
    }
    let two = Felt::TWO;
    // Ends of limbs, of the two halves of a felt, and of the field.
    let ends = [
        Felt::ZERO,
        two.pow(9u32) - Felt::ONE,
        two.pow(9u32),
        two.pow(128u32) - Felt::ONE,
        two.pow(128u32),
        two.pow(251u32),
        -Felt::ONE,
    ];
    for at in 0..STATEMENT {
        for felt in ends {
            check(&honest.with(at, felt));
        }
    }
}

/// What no fold can have as a public value is refused before any proof is read.
#[test]
fn a_statement_has_a_form() {
    let cairo = Cairo::new();
    let honest = Case::honest();
    let refused = |change: &dyn Fn(&mut Case), reason: &str| {
        let mut case = honest.clone();
        change(&mut case);
        assert_eq!(cairo.value(&case), Err(reason.to_string()));
    };
    let wrong = "statement: wrong length";
    refused(&|case| case.statement.clear(), wrong);
    refused(&|case| case.statement.truncate(STATEMENT - 1), wrong);
    refused(&|case| case.statement.push(Felt::ZERO), wrong);
    let limb = Felt::from(0x7fff_ffffu32);
    for place in [0u32, 1, 4, 7] {
        let root = limb * Felt::TWO.pow(31 * place);
        refused(&|case| case.leaf_root = root, "proof: limb not canonical");
    }
    for root in [Felt::TWO.pow(248u32), -Felt::ONE] {
        refused(&|case| case.leaf_root = root, "proof: felt too large");
    }
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
    attacks.of_the_statement();
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
