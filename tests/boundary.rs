//! One proof or two (`docs/proof-boundary.md`): the program that is shipped proves arithmetic and membership as one
//! object; two programs that do the same apart are one claim only together.
//!
//! Slow: makes seven proofs.

#[path = "support/command.rs"]
mod command;
#[path = "support/liar.rs"]
mod liar;
mod support;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use cairo_decode::bench::boundary::{Objects, PairError, measure, verify_pair};
use cairo_decode::chunk::{Chunk, Decoder};
use cairo_decode::compile::{COMMITMENT, Program};
use cairo_decode::lower::LowerOptions;
use cairo_decode::prove::Prover;
use cairo_decode::spec::SPEC_VERSION;
use cairo_decode::trace::{self, Trace, TraceError};
use cairo_decode::verify::params::PLAIN;
use cairo_decode::verify::policy::{Accept, AcceptedModel, PolicyError};
use cairo_decode::verify::statement::{
    Domain, OUTPUT_LEN, ProgramHash, STATEMENT_VERSION, Statement, StatementError,
};
use cairo_decode_verdicts::verify_proof;
use command::{accept, reject};
use liar::{LOOKUP, Liar, Lie, Site};
use starknet_types_core::felt::Felt;
use support::{MODEL_ROOT, pins, program, random_graph, tiny};

/// Steps of the chunk; the last one chooses its token.
const STEPS: usize = 3;
const PROMPT: [u32; STEPS] = [3, 1, 6];
/// Of as many tokens, so that there are as many claims.
const OTHER_PROMPT: [u32; STEPS] = [4, 7, 2];
/// Of the lies about other hints than lookups, one in so many is told.
const EVERY: usize = 40;

struct World {
    objects: Objects,
    chunk: Chunk,
    other: Chunk,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let graph = random_graph("tiny", 5, tiny());
        let one = program(&graph);
        let root = Felt::from(MODEL_ROOT);
        let [chunk, other] = [PROMPT, OTHER_PROMPT].map(|prompt| {
            let mut decoder = Decoder::new(&graph, pins(&one, &prompt)).expect("a session");
            decoder.chunk(STEPS).expect("a chunk")
        });
        let objects = Objects::new(one, &graph, root, LowerOptions::default());
        World {
            objects: objects.expect("compiles"),
            chunk,
            other,
        }
    })
}

fn run(program: &Program, input: &[Felt]) -> Trace {
    trace::run(program, input).expect("an honest run")
}

/// The claims of the arithmetic's honest run.
fn claims(input: &[Felt]) -> Vec<Felt> {
    let trace = run(&world().objects.arithmetic, input);
    trace.claims().expect("claims")
}

fn prove(prover: &Prover, trace: Trace) -> Vec<u8> {
    let input = trace.into_prover_input().expect("a trace");
    prover.prove(input).expect("proves")
}

/// VM steps by the file that the code belongs to.
fn steps(program: &Program, trace: &Trace) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for registers in trace.registers() {
        let file = program.operation(registers.pc).to_string();
        *found.entry(file).or_default() += 1;
    }
    found
}

/// As many values are range-checked, and as many entries looked up, in one object as are claimed and checked in two. The
/// arithmetic has the same rows as the one program, file by file, but where lookups are claimed and where their array
/// is handed on.
#[test]
fn requirement_31_lookups_and_rows() {
    let World {
        objects,
        chunk,
        other,
    } = world();
    for input in [&chunk.input, &other.input] {
        let count = |name, program, input| {
            measure(name, program, run(program, input))
                .expect("known components")
                .0
        };
        let one = count("one", &objects.one, input);
        let arithmetic = count("arithmetic", &objects.arithmetic, input);
        let membership = count("membership", &objects.membership, &claims(input));
        assert!(one.range_checks > 1000);
        assert_eq!(
            (one.range_checks, one.range_claims),
            (membership.range_checks, 0)
        );
        assert_eq!(arithmetic.range_claims, one.range_checks);
        assert_eq!(membership.range_claims, one.range_checks);
        assert_eq!(arithmetic.range_checks, 0);
        // The last step chooses its token: 8 elements of SiLU; 2 heads × 3 positions, two tables each.
        assert_eq!(one.lookups, 8 + 2 * STEPS as u64 * 2);
        assert_eq!(arithmetic.lookups, one.lookups);
        assert_eq!(membership.lookups, one.lookups);
        assert_eq!(one.commitment_steps, 0);
        assert_eq!(membership.commitment_steps, membership.vm_steps);

        let of = |program: &Program| steps(program, &run(program, input));
        let (mut one, mut two) = (of(&objects.one), of(&objects.arithmetic));
        let committing = two.remove(COMMITMENT).expect("it commits");
        assert_eq!(committing, arithmetic.commitment_steps);
        // Where claims are made, and where their array goes through.
        for file in ["silu", "softmax", "chunk", "step", "entry"] {
            let without = one.remove(file).expect("steps of it");
            let with = two.remove(file).expect("steps of it");
            assert!((without..without + 60).contains(&with), "{file}: {with}");
        }
        assert_eq!(one, two);
        for file in ["linear", "requantize", "rmsnorm", "rope", "scores", "mix"] {
            assert!(one.contains_key(file), "{file}");
        }
    }
}

/// A run in which the prover lies once, and what it could have lied about.
fn lying(program: &Program, input: &[Felt], lie: Option<Lie>) -> (Option<Trace>, Vec<Site>) {
    let mut liar = Liar::new(program, input, lie, 1 << 20);
    let run = liar::quietly(|| trace::run_with(program, &mut liar));
    (run.and_then(Result::ok), liar.sites)
}

/// All lies about lookups, and some about other hints.
fn lies(sites: &[Site]) -> Vec<Lie> {
    let mut found = vec![];
    for (site, at) in sites.iter().enumerate() {
        let told = at.kind == LOOKUP || site % EVERY == 0;
        let lies = if told { at.lies.len() } else { 0 };
        // A loop that never ends only takes time.
        let ends = |lie: &usize| !at.lies[*lie].starts_with(liar::ENDLESS);
        found.extend((0..lies).filter(ends).map(|lie| Lie {
            site,
            lie,
            then: None,
        }));
    }
    found
}

/// The one program refuses every lie that would change what it states. The arithmetic alone accepts lies about ranges
/// and entries, and proves them; the membership program refuses their claims. So both proofs are needed, with the same
/// commitment. What receipts are about is the one program's proof: the arithmetic's is refused by name.
#[test]
fn requirement_29_one_accepted_object() {
    let World {
        objects,
        chunk,
        other,
    } = world();
    let input = &chunk.input;
    let honest = claims(input);
    let statement = chunk.statement.to_output();

    // One object: a lie is refused, or changes nothing.
    let (_, sites) = lying(&objects.one, input, None);
    assert!(sites.iter().all(|site| site.kind != LOOKUP));
    let told = lies(&sites);
    for lie in &told {
        if let (Some(trace), _) = lying(&objects.one, input, Some(*lie)) {
            assert_eq!(trace.output(), statement, "{lie:?}");
        }
    }
    // Arithmetic alone: lies are accepted, and change what is stated.
    let (_, sites) = lying(&objects.arithmetic, input, None);
    let (mut accepted, mut changed) = (BTreeMap::new(), vec![]);
    for lie in lies(&sites) {
        let (Some(trace), _) = lying(&objects.arithmetic, input, Some(lie)) else {
            continue;
        };
        let claims = trace.claims().expect("claims");
        if claims == honest {
            assert_eq!(trace.output()[..OUTPUT_LEN], statement, "{lie:?}");
            continue;
        }
        match trace::run(&objects.membership, &claims) {
            Err(TraceError::Refused(_)) => {}
            Err(error) => panic!("{lie:?}: {error}"),
            // Another true list of claims, which states the same.
            Ok(_) => {
                assert_eq!(trace.output()[..OUTPUT_LEN], statement, "{lie:?}");
                continue;
            }
        }
        let kind = sites[lie.site].kind;
        *accepted.entry(kind).or_insert(0) += 1;
        if trace.output()[..OUTPUT_LEN] != statement {
            changed.push((kind, lie));
        }
    }
    eprintln!(
        "{} lies to one program; accepted by the arithmetic alone, refused by the membership program: {accepted:?}, {} with another statement",
        told.len(),
        changed.len()
    );
    assert!(accepted.len() > 1 && accepted.contains_key(LOOKUP));
    let (_, lie) = *changed.first().expect("a lie that changes the statement");

    // Proofs.
    let prover = Prover::new(&PLAIN);
    let arithmetic = prove(&prover, run(&objects.arithmetic, input));
    let membership = prove(&prover, run(&objects.membership, &honest));
    let pins = objects.pins();
    assert_eq!(
        verify_pair(&pins, &arithmetic, &membership).expect("both"),
        statement
    );
    // The lie has a proof that verifies, of another statement; and no membership proof goes with it.
    let (trace, _) = lying(&objects.arithmetic, input, Some(lie));
    let lied = prove(&prover, trace.expect("accepted"));
    let facts = verify_proof(&lied).expect("the lie's proof verifies");
    assert_eq!(facts.program_hash, pins.arithmetic);
    assert_ne!(facts.output[..OUTPUT_LEN], statement);
    let differs = |result: Result<_, PairError>| match result {
        Err(PairError::Commitment { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    let refused = differs(verify_pair(&pins, &lied, &membership));
    assert_eq!(refused, "hash of the claims");
    // Valid but different: the claims of another prompt, as many.
    let elsewhere = prove(&prover, run(&objects.membership, &claims(&other.input)));
    let refused = verify_pair(&pins, &arithmetic, &elsewhere);
    let message = refused.clone().expect_err("other claims").to_string();
    assert!(message.starts_with("hash of the claims: "), "{message}");
    assert_eq!(differs(refused), "hash of the claims");
    // One proof in the place of the other.
    for (first, second, named) in [
        (&membership, &membership, "arithmetic"),
        (&arithmetic, &arithmetic, "membership"),
    ] {
        match verify_pair(&pins, first, second) {
            Err(PairError::Program { object, .. }) => assert_eq!(object, named),
            other => panic!("{other:?}"),
        }
    }
    match verify_pair(&pins, &arithmetic[1..], &membership) {
        Err(PairError::Proof { object, .. }) => assert_eq!(object, "arithmetic"),
        other => panic!("{other:?}"),
    }

    // What a receipt is about: the one program. The arithmetic's proof is of another, whatever the receipt says.
    let facts = verify_proof(&arithmetic).expect("it verifies");
    let model = |program: &Program| AcceptedModel {
        model_root: chunk.statement.model_root,
        program_hash: ProgramHash(program.hash()),
        policy: chunk.statement.policy,
        spec_version: SPEC_VERSION,
        statement_version: STATEMENT_VERSION,
    };
    let accepts = |program: &Program, statement: &Statement| {
        Accept::new(model(program), Domain::local()).check_statement(statement)
    };
    let compared = |statement: &Statement| statement.compare(&facts.output, facts.program_hash);
    assert_eq!(accepts(&objects.one, &chunk.statement), Ok(()));
    match compared(&chunk.statement) {
        Err(StatementError::Differs { field, .. }) => assert_eq!(field, "statement.program_hash"),
        other => panic!("{other:?}"),
    }
    let hash = ProgramHash(facts.program_hash);
    let relabelled =
        Statement::from_output(&facts.output[..OUTPUT_LEN], hash).expect("a statement");
    assert!(matches!(
        accepts(&objects.one, &relabelled),
        Err(PolicyError::ProgramHash { .. })
    ));
    // Not even where the arithmetic is taken for the model: its output is no statement.
    assert_eq!(accepts(&objects.arithmetic, &relabelled), Ok(()));
    assert!(matches!(
        compared(&relabelled),
        Err(StatementError::OutputLength { .. })
    ));
}

/// The comparison is a command. Its three proofs have the same parameters, of 96 bits, and it says what each costs.
#[test]
fn requirement_30_two_objects_are_measured() {
    let said = accept(&["bench", "--boundary", "tiny", "--contexts", "1", "--json"]);
    let answer: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let comparison = &answer["sizes"][0]["comparisons"][0];
    assert_eq!(comparison["unproven"], serde_json::Value::Null);
    let objects = comparison["objects"].as_array().expect("objects");
    let names: Vec<_> = objects.iter().map(|object| &object["object"]).collect();
    assert_eq!(names, ["one", "arithmetic", "membership"]);
    let params = serde_json::to_value(PLAIN.params).expect("JSON");
    for object in objects {
        let proof = &object["proof"];
        assert_eq!(proof["params"], params);
        assert_eq!(proof["security_bits"], 96);
        for measured in ["bytes", "prove_seconds", "verify_seconds"] {
            assert!(proof[measured].as_f64() > Some(0.0), "{measured}");
        }
    }
    let of = |field: &str| -> Vec<u64> {
        let number = |object: &serde_json::Value| object[field].as_u64().expect("a number");
        objects.iter().map(number).collect()
    };
    let (checks, claimed) = (of("range_checks"), of("range_claims"));
    assert_eq!(checks, [checks[0], 0, checks[0]]);
    assert_eq!(claimed, [0, checks[0], checks[0]]);
    assert_eq!(of("lookups"), [of("lookups")[0]; 3]);
    // Two proofs are more to carry than one, and their commitment is more to prove.
    let bytes: Vec<u64> = objects
        .iter()
        .map(|object| object["proof"]["bytes"].as_u64().expect("bytes"))
        .collect();
    assert!(bytes[1] + bytes[2] > bytes[0] * 3 / 2, "{bytes:?}");
    let cells = of("used_cells");
    assert!(cells[1] > cells[0] && cells[2] > cells[0], "{cells:?}");
}

#[test]
fn sizes_and_contexts_that_there_are_not() {
    reject(&["bench", "--boundary", "Z"], 2, "\"Z\"");
    reject(&["bench", "--boundary", "Z"], 2, "tiny, A, C");
    reject(&["bench", "A", "--contexts", "1"], 2, "--boundary");
    reject(&["bench", "--boundary", "--contexts", "0"], 2, "--contexts");
}
