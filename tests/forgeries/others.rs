//! Real proofs that are about another model, other parameters or another layout; and what the constants of a model bind.

use std::sync::{Arc, OnceLock};

use cairo_decode::air::layout::{Source, constants};
use cairo_decode::program;
use cairo_decode::prove::Prover;
use cairo_decode::prove::tensor::Table;
use cairo_decode::tensor::values::compute_steps;
use cairo_decode::tensor::witness::witness;
use cairo_decode::tensor::{Plan, constants as own_constants};
use cairo_decode::verify::ProofError;
use cairo_decode::verify::params::{LARGE, PLAIN, fixed_columns};
use cairo_decode::verify::proof::{TensorProof, encode_tensors};
use cairo_decode::verify::tensors::TensorPins;
use cairo_decode_verdicts::verify_tensors;
use stwo::core::fields::m31::M31;

use crate::parameters::{first_by, sets};
use crate::refuses;
use crate::world::{
    LANES, PROMPT, STEPS, build, build_of, decoded, description, other_description, outline_of,
    pins, proofs, prove, session,
};

/// A proof with what the manifest of its own model pins.
pub struct Other {
    pub proof: TensorProof,
    pub pins: TensorPins,
}

/// The first chunk by the same program over constants in which one weight is another: its output is that of the other weight, under this
/// model's root and program.
pub fn other_model() -> &'static Other {
    static OTHER: OnceLock<Other> = OnceLock::new();
    OTHER.get_or_init(|| {
        let other = outline_of(&other_description()).plan;
        let sets =
            own_constants::constants_in(&other, pins().layouts().clone()).expect("constants");
        let prover = Prover::with_constants(&PLAIN, sets);
        let root = prover.preprocessed_root();
        let proof = first_of(&other, &prover);
        Other {
            proof,
            pins: with_root(root),
        }
    })
}

/// The model's layouts with another root.
pub fn with_root(root: [u8; 32]) -> TensorPins {
    let roots = [(PLAIN.name.to_string(), root)];
    TensorPins::new(pins().layouts().clone(), roots).expect("pins")
}

/// A chunk of the model's program from the start, with the values of a plan and by a prover that has its constants.
fn first_of(plan: &Plan, prover: &Prover) -> TensorProof {
    let build = build();
    let start = session(build, &PROMPT);
    let [first, _] = decoded(&PROMPT);
    let values = compute_steps(plan, &first.values.chunk, STEPS, None).expect("no stream");
    let steps = STEPS as u32;
    let chunk = program::chunk(
        &build.schedule,
        start.pins(),
        *start.frontier(),
        steps,
        &values.rows,
    );
    let chunk = chunk.expect("a chunk");
    let trace = build.program.run(&chunk.input).expect("it runs");
    let mut input = trace.into_prover_input().expect("a trace");
    let sets = prover.constants();
    let of_chunk = own_constants::of_chunk(plan, sets, &values.chunk).expect("its sizes");
    let rows = witness(plan, &of_chunk, &values, &mut input).expect("rows");
    prover.prove_tensors(input, &rows).expect("proves")
}

/// The same model with twice as many lanes.
pub fn more_lanes() -> &'static Other {
    static OTHER: OnceLock<Other> = OnceLock::new();
    OTHER.get_or_init(|| {
        let build = build_of(description(), 2 * LANES, &PLAIN);
        let decoded = session(&build, &PROMPT).decode(STEPS).expect("a chunk");
        Other {
            proof: prove(&build, &decoded).proof,
            pins: build.manifest.tensors.clone(),
        }
    })
}

/// The session's first chunk with the larger parameters.
pub fn larger() -> &'static Other {
    static OTHER: OnceLock<Other> = OnceLock::new();
    OTHER.get_or_init(|| {
        let prover = Prover::with_constants(&LARGE, sets());
        let roots = [(LARGE.name.to_string(), prover.preprocessed_root())];
        Other {
            proof: first_by(&prover),
            pins: TensorPins::new(pins().layouts().clone(), roots).expect("pins"),
        }
    })
}

/// Each is a real proof: the manifest of its own model accepts it. Attack: it is shown as this model's. Stopped by: the root of the constants,
/// and the set of parameters that there is a root for.
#[test]
fn requirement_23_real_proofs_of_other_models() {
    for (other, error) in [
        (other_model(), Some(ProofError::ConstantsRoot)),
        (more_lanes(), Some(ProofError::ConstantsRoot)),
        (larger(), None),
    ] {
        let bytes = encode_tensors(&other.proof);
        let facts = verify_tensors(&bytes, &other.pins).expect("verifies");
        let refused = refuses("another model", &bytes);
        match error {
            Some(error) => assert_eq!(refused, error),
            None => assert!(
                refused.to_string().contains("set of parameters"),
                "{refused}"
            ),
        }
        if other.pins.layouts() == pins().layouts() {
            // The same program, which states this model's root.
            let model = &build().manifest.model;
            assert_eq!(facts.facts.program_hash, model.program_hash.0);
            assert_eq!(facts.facts.output[5], model.model_root.0);
        }
    }
    // The weight matters: keys and values, or what follows from them, are others.
    let output = |proof: &TensorProof| proof.proof.claim.public_data.public_memory.output.clone();
    assert_ne!(
        output(&other_model().proof),
        output(&proofs().session[0].proof)
    );
}

/// The root of the model's constants with another table of a component, in its largest size.
fn root_with(component: usize, change: impl FnOnce(&mut Table)) -> [u8; 32] {
    let mut sets = sets();
    let table = sets.tables[component].last_mut().expect("a size");
    let mut changed = table.to_vec();
    change(&mut changed);
    assert_ne!(changed, **table, "the attack changes something");
    *table = Arc::new(changed);
    Prover::with_constants(&PLAIN, sets).preprocessed_root()
}

/// Where the components of a kind are in the layout.
fn places(name: &str) -> Vec<usize> {
    let components = pins().layouts().components.iter().enumerate();
    let of_kind = components.filter(|(_, sizes)| sizes.component.document_name() == name);
    let places: Vec<usize> = of_kind.map(|(place, _)| place).collect();
    assert!(!places.is_empty(), "no {name}");
    places
}

/// A column and a row that hold a number of the model: the last that is not 0.
fn number(table: &Table) -> (usize, usize) {
    let mut places = (0..table.len()).rev().filter_map(|column| {
        let mut rows = table[column].iter();
        let row = rows.rposition(|number| number.0 != 0);
        row.map(|row| (column, row))
    });
    places.next().expect("a number that is not 0")
}

/// The honest proof is refused where a verifier has another root, and a proof of that root where he has the honest one's.
fn is_another_model(what: &str, root: [u8; 32]) {
    assert_ne!(root, build().prover.preprocessed_root(), "{what}");
    let bytes = &proofs().session[0].bytes;
    let refused = verify_tensors(bytes, &with_root(root)).expect_err(what);
    assert_eq!(refused, ProofError::ConstantsRoot, "{what}");
}

/// Attack: one number of a matrix, one more: of products, of the embedding, which is the head's matrix. Stopped by: the root of the constants,
/// which the manifest has, and which the model root that the program outputs is made of. The columns of all components are in that root.
#[test]
fn requirement_07_weights() {
    for name in ["product", "head"] {
        for component in places(name) {
            let root = root_with(component, |table| {
                let (column, row) = number(table);
                table[column][row] += M31::from(1);
            });
            is_another_model(name, root);
        }
    }
    let columns = constants(&fixed_columns(&PLAIN), pins().layouts());
    for (component, tables) in sets().tables.iter().enumerate() {
        for (size, table) in (pins().layouts().components[component].smallest..).zip(tables) {
            for column in 0..table.len() {
                let own = Source::Component(component, size, column);
                let count = columns.iter().filter(|of| of.source == own).count();
                assert_eq!(count, 1, "{own:?}");
            }
        }
    }
}

/// Attack: one entry of a table, one more: of functions and of angles. Stopped by: the root of the constants.
#[test]
fn requirement_13_tables() {
    for name in ["table", "angle_table"] {
        for component in places(name) {
            let root = root_with(component, |table| {
                let (column, row) = number(table);
                table[column][row] += M31::from(1);
            });
            is_another_model(name, root);
        }
    }
}

/// Attack: the elements of a tensor that exists before a run in another order: a matrix by rows and by columns, the embedding, a table, the
/// angles. Stopped by: the root of the constants. (Of what a run computes: `tests/tensors`.)
#[test]
fn requirement_34_constant_tensors() {
    for name in ["product", "head", "table", "angle_table"] {
        let component = places(name)[0];
        let root = root_with(component, |table| {
            let (column, row) = number(table);
            let own = table[column][row];
            let other = table[column].iter().position(|number| *number != own);
            table[column].swap(row, other.expect("another number"));
        });
        is_another_model(name, root);
    }
    let component = places("product")[0];
    let root = root_with(component, |table| {
        let last = table.len() - 1;
        table.swap(last, last - 1);
    });
    is_another_model("columns of a product", root);
}
