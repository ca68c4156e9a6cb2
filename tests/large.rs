//! Proofs of chunks with more rows: on the larger domain, with large memory values in several tables.

mod support;

use std::sync::OnceLock;

use cairo_decode::air::cairo::Component;
use cairo_decode::chunk::Decoder;
use cairo_decode::lower::{LowerOptions, Products, WeightLayout};
use cairo_decode::prove::{ProveError, Prover};
use cairo_decode::trace;
use cairo_decode::verify::ProofError;
use cairo_decode::verify::params::{LARGE, PLAIN, ParamSet};
use cairo_decode::verify::proof::{CairoProof, decode, encode};
use cairo_decode_verdicts::verify_proof;
use starknet_types_core::felt::Felt;
use support::{pins, program_as, random_graph, sizes, tiny};

struct Proven {
    proof: Vec<u8>,
    output: Vec<Felt>,
}

/// A proof of `steps` steps of a model whose products are computed, with the parameters `set`.
fn prove(
    sizes: support::Sizes,
    steps: usize,
    set: &'static ParamSet,
) -> Result<Proven, ProveError> {
    let graph = random_graph("large", 7, sizes);
    let options = LowerOptions {
        products: Products::Computed,
        weights: WeightLayout::Ready,
    };
    let program = program_as(&graph, options);
    let mut decoder = Decoder::new(&graph, pins(&program, &[3])).expect("a session");
    let chunk = decoder.chunk(steps).expect("a chunk");
    let trace = trace::run(&program, &chunk.input).expect("an honest witness");
    let input = trace.into_prover_input().expect("a prover input");
    let proof = Prover::new(set).prove(input)?;
    let output = chunk.statement.to_output().to_vec();
    Ok(Proven { proof, output })
}

fn changed(proof: &[u8], change: impl FnOnce(&mut CairoProof)) -> ProofError {
    let mut proof = decode(proof).expect("a proof");
    change(&mut proof);
    verify_proof(&encode(&proof)).expect_err("a changed proof")
}

/// A small proof with the larger parameters is a proof; it is none with the smaller ones' lifting size, nor the
/// other way round: each set has its own root of the fixed tables.
#[test]
fn each_set_has_its_root() {
    for (set, other) in [(&LARGE, &PLAIN), (&PLAIN, &LARGE)] {
        let proven = prove(tiny(), 1, set).expect("proves");
        let facts = verify_proof(&proven.proof).expect("verifies");
        assert_eq!(facts.params, set.params);
        assert_eq!(facts.output, proven.output);
        assert_eq!(facts.security_bits, 96);
        let lifting = other.params.lifting_log_size;
        let error = changed(&proven.proof, |p| {
            p.stark_proof.0.config.lifting_log_size = lifting;
        });
        assert_eq!(error, ProofError::PreprocessedRoot);
        let error = changed(&proven.proof, |p| {
            p.stark_proof.0.config.lifting_log_size = Some(23);
        });
        assert!(matches!(error, ProofError::Parameter { .. }), "{error}");
        let rows = ProofError::Claim("a component has more rows than the parameters allow");
        let error = changed(&proven.proof, |p| {
            let opcode = p.claim.assert_eq_opcode.as_mut();
            opcode.expect("the component").log_size = set.max_log_rows + 1;
        });
        assert_eq!(error, rows);
        // A component that reads a counter cannot have more rows than the longest one.
        let error = changed(&proven.proof, |p| {
            let builtin = p.claim.range_check_builtin.as_mut();
            builtin.expect("the component").log_size = 21;
        });
        match set.max_log_rows {
            20 => assert_eq!(error, rows),
            _ => assert!(matches!(error, ProofError::Invalid(_)), "{error}"),
        }
    }
}

/// A chunk with more than 2^20 large values, and opcodes with more than 2^20 rows.
fn large() -> &'static Proven {
    static LARGE_PROOF: OnceLock<Proven> = OnceLock::new();
    LARGE_PROOF.get_or_init(|| {
        let wide = || sizes(64, 1, 2, 1, 8, 16, 6_300);
        // With the smaller parameters it is refused before anything is computed.
        let refused = prove(wide(), 15, &PLAIN).err();
        assert!(
            matches!(&refused, Some(ProveError::TooManyRows { component, .. }) if *component == Component::AssertEqOpcodeDoubleDeref),
            "{refused:?}"
        );
        prove(wide(), 15, &LARGE).expect("proves")
    })
}

#[test]
fn several_tables_of_values() {
    let proven = large();
    let facts = verify_proof(&proven.proof).expect("verifies");
    assert_eq!(facts.params, LARGE.params);
    assert_eq!(facts.output, proven.output);
    let claim = decode(&proven.proof).expect("a proof").claim;
    let tables = claim.memory_id_to_big.expect("the component").big_log_sizes;
    assert!(tables.len() > 1 && tables[0] == 20, "{tables:?}");
    let opcode = claim.assert_eq_opcode_double_deref.expect("the opcode");
    assert_eq!(opcode.log_size, 21);
}

/// Attack: the tables are other ones than the proof's. Stopped by: the bounds on their rows and number, one sum for each, and
/// the claim's place in the transcript.
#[test]
fn other_tables() {
    let proof = &large().proof;
    let with = |change: fn(&mut Vec<u32>)| {
        changed(proof, |p| {
            let big = p.claim.memory_id_to_big.as_mut().expect("the component");
            change(&mut big.big_log_sizes);
        })
    };
    let table = ProofError::Claim("a memory table has more than 2^20 rows");
    assert_eq!(with(|tables| tables[0] = 21), table);
    assert_eq!(with(|tables| *tables = vec![21]), table);
    let many = ProofError::Claim("too many memory tables");
    assert_eq!(with(|tables| tables.resize(17, 4)), many);
    let error = with(|tables| tables.reverse());
    assert!(matches!(error, ProofError::Invalid(_)), "{error}");
    let sums = ProofError::Claim("there is not one sum for each table of large values");
    let changes: [fn(&mut Vec<u32>); 4] = [
        |tables| tables.push(4),
        |tables| tables.resize(16, 20),
        |tables| tables.truncate(1),
        |tables| tables.clear(),
    ];
    for (i, change) in changes.into_iter().enumerate() {
        assert_eq!(with(change), sums, "{i}");
    }
    // A table whose sum is left out, or another's.
    let error = changed(proof, |p| {
        let big = p.interaction_claim.memory_id_to_big.as_mut();
        big.expect("the component").big_claimed_sums.pop();
    });
    assert_eq!(error, sums);
    let error = changed(proof, |p| {
        let big = p.interaction_claim.memory_id_to_big.as_mut();
        big.expect("the component").big_claimed_sums.reverse();
    });
    assert!(matches!(error, ProofError::Invalid(_)), "{error}");
}
