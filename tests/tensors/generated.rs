//! Generated programs: a plan becomes a Cairo package, which runs, and whose calls fit the plan's rows; and what becomes of a
//! program or an input that is another.

use cairo_decode::air::components::relations::{CHAIN, LANES as VIEWS};
use cairo_decode::air::layout::Layouts;
use cairo_decode::air::verify::verify;
use cairo_decode::program::{self, Cell, Compiled, Name, Pins, Schedule, Step};
use cairo_decode::prove::Prover;
use cairo_decode::prove::tensor::{Constants, Witness};
use cairo_decode::spec::program_hash::program_hash;
use cairo_decode::tensor::values::{Values, compute};
use cairo_decode::tensor::{Chunk, Operation, Plan, constants, witness};
use cairo_decode::verify::params::PLAIN;
use cairo_decode::verify::proof::{CairoProof, TensorProof, encode_tensors};
use cairo_decode::verify::statement::{
    ChosenRoot, Domain, KvRoot, MAX_POSITION, ModelRoot, Policy, ProgramHash, SessionId, TokensRoot,
};
use cairo_decode::verify::statement::{Frontier, OUTPUT_FIELDS, prompt_root};
use cairo_decode_verdicts::verify_tensors;
use starknet_types_core::felt::Felt;
use stwo_cairo_adapter::ProverInput;

use crate::balance::{Honest, Misfit};
use crate::random::plan as random_plan;
use crate::{Numbers, plan};

/// Names of a plan's operations: the embedding and the head, and between them two layers.
pub fn names(plan: &Plan) -> Vec<Name> {
    let count = plan.operations.len();
    let name = |(i, operation): (usize, &Operation)| match i {
        0 => Name::outside("embed"),
        _ if i + 1 == count => Name::outside("head"),
        _ => Name::in_layer((2 * i / count) as u32, operation.name()),
    };
    plan.operations.iter().enumerate().map(name).collect()
}

/// A model: a plan with its program.
pub struct Model {
    pub plan: Plan,
    pub schedule: Schedule,
    pub program: Compiled,
    pub root: Felt,
}

const ROOT: u64 = 0x1234_5678;

impl Model {
    pub fn new(plan: Plan) -> Model {
        let schedule = Schedule::new(&plan, &names(&plan), MAX_POSITION).expect("a schedule");
        Model::of(plan, schedule)
    }

    pub fn of(plan: Plan, schedule: Schedule) -> Model {
        Model::with_root(plan, schedule, Felt::from(ROOT))
    }

    pub fn with_root(plan: Plan, schedule: Schedule, root: Felt) -> Model {
        let package = program::package("model", &schedule, root);
        let program = Compiled::new(&package).expect("compiles");
        Model {
            plan,
            schedule,
            program,
            root,
        }
    }

    pub fn pins(&self, prompt: &[u32]) -> Pins {
        Pins {
            domain: Domain::local(),
            session_id: SessionId(Felt::from(77)),
            model_root: ModelRoot(self.root),
            program_hash: ProgramHash(self.program.hash()),
            policy: Policy::greedy(None),
            prompt: prompt.to_vec(),
            prompt_root: match self.schedule.roots {
                Some(_) => prompt_root(prompt),
                None => TokensRoot(Felt::ZERO),
            },
        }
    }

    /// Decodes from a frontier on: what the memory holds.
    pub fn decode(&self, prompt: &[u32], first: Frontier, steps: usize) -> Values {
        let position = first.position as usize;
        let forced = (prompt.len() - 1).saturating_sub(position).min(steps);
        let next = prompt.iter().skip(position + 1).take(forced);
        let mut tokens: Vec<u32> = [first.last_token].iter().chain(next).copied().collect();
        tokens.truncate(self.plan.lanes);
        let chunk = Chunk {
            tokens,
            position: first.position,
            forced,
            ..Chunk::default()
        };
        compute(&self.plan, &chunk).expect("a stream within its bound")
    }

    /// The chunk of a decoded memory.
    pub fn chunk(
        &self,
        prompt: &[u32],
        first: Frontier,
        steps: usize,
        values: &Values,
    ) -> program::Chunk {
        let pins = self.pins(prompt);
        program::chunk(&self.schedule, &pins, first, steps as u32, &values.rows).expect("a chunk")
    }

    /// The rows of a run with an input, and what it states.
    pub fn rows(&self, values: &Values, input: &[Felt]) -> Result<Run, String> {
        let sets =
            constants::constants(&self.plan, self.schedule.reads()).expect("one writer each");
        let constants = constants::of_chunk(&self.plan, &sets, &values.chunk);
        let constants = constants.expect("allowed sizes");
        let trace = self.program.run(input).map_err(|error| error.to_string())?;
        let output = trace.output().to_vec();
        let mut input = trace
            .into_prover_input()
            .map_err(|error| error.to_string())?;
        let witness = witness::witness(&self.plan, &constants, values, &mut input);
        let witness = witness.map_err(|error| error.to_string())?;
        Ok(Run {
            output,
            constants,
            witness,
            input,
        })
    }
}

/// A run with the plan's rows.
pub struct Run {
    pub output: Vec<Felt>,
    pub constants: Constants,
    witness: Witness,
    input: ProverInput,
}

impl Run {
    /// What does not fit.
    pub fn misfit(&self) -> Option<Misfit> {
        Honest::check(&self.constants, &self.witness, 1).err()
    }

    pub fn prove(self) -> TensorProof {
        let prover = Prover::with_constants(&PLAIN, self.constants);
        prover
            .prove_tensors(self.input, &self.witness)
            .expect("proves")
    }

    /// A proof by a prover that has the constants of every size.
    pub fn prove_by(self, prover: &Prover) -> TensorProof {
        prover
            .prove_tensors(self.input, &self.witness)
            .expect("proves")
    }
}

/// A frontier that carries nothing but its position and token.
pub fn frontier(position: u32, last_token: u32) -> Frontier {
    Frontier {
        position,
        last_token,
        kv_root: KvRoot(Felt::ZERO),
        tokens_root: TokensRoot(Felt::ZERO),
        chosen_root: ChosenRoot(Felt::ZERO),
    }
}

/// Random plans, chunks of any length, at any position, with and without forced tokens: the program states what the integers
/// say, and its calls fit the plan's rows.
#[test]
fn random_programs_run_and_fit() {
    let mut kinds = [0; 3];
    for seed in 0..8 {
        let mut numbers = Numbers(3000 + seed);
        let model = Model::new(random_plan(&mut numbers));
        let vocabulary = model.plan.embedding.outputs() - 1;
        for _ in 0..3 {
            let prompt: Vec<u32> = (0..numbers.between(1, 12))
                .map(|_| numbers.between(0, vocabulary) as u32)
                .collect();
            let position = numbers.between(0, 14);
            let token = match prompt.get(position) {
                Some(token) => *token,
                None => numbers.between(0, vocabulary) as u32,
            };
            let first = frontier(position as u32, token);
            let steps = numbers.between(1, model.plan.lanes);
            let values = model.decode(&prompt, first, steps);
            let chunk = model.chunk(&prompt, first, steps, &values);
            let run = model.rows(&values, &chunk.input).expect("an honest input");
            assert_eq!(run.output, chunk.statement.to_output(), "seed {seed}");
            assert_eq!(run.misfit(), None, "seed {seed}");
            let counts = [
                chunk.statement.forced_count(),
                chunk.statement.emitted_count(),
            ];
            kinds[match counts {
                [0, _] => 0,
                [_, 0] => 1,
                _ => 2,
            }] += 1;
        }
    }
    assert!(kinds.iter().all(|&count| count >= 2), "{kinds:?}");
}

/// The last-but-one prompt token is carried, two tokens are forced, three are chosen.
const PROMPT: [u32; 5] = [3, 7, 31, 39, 5];
const POSITION: u32 = 2;
const STEPS: usize = 5;

fn first() -> Frontier {
    frontier(POSITION, PROMPT[POSITION as usize])
}

/// The model of [`plan`], and the memory of a chunk of it.
fn decoded() -> (Model, Values) {
    let model = Model::new(plan());
    let values = model.decode(&PROMPT, first(), STEPS);
    (model, values)
}

/// Program and output that a proof shows.
pub fn shown(proof: &CairoProof) -> [Vec<Felt>; 2] {
    let memory = &proof.claim.public_data.public_memory;
    [&memory.program, &memory.output].map(|cells| {
        let felt = |(_, words): &(u32, [u32; 8])| {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            Felt::from_bytes_le_slice(&bytes)
        };
        cells.iter().map(felt).collect()
    })
}

/// The proof of a generated program shows the program's words and the statement, and is refused with another output or
/// another word.
#[test]
fn a_generated_program_is_proven() {
    let (model, values) = decoded();
    let chunk = model.chunk(&PROMPT, first(), STEPS, &values);
    let run = model.rows(&values, &chunk.input).expect("an honest input");
    let layout = run.constants.layout.clone();
    let proven = run.prove();
    let accepts = |proof: &CairoProof| {
        verify(
            proof.clone(),
            (&Layouts::from(&layout), &proven.tensors),
            &PLAIN.fixed(),
        )
        .map_err(|e| e.to_string())
    };
    assert_eq!(accepts(&proven.proof), Ok(()));
    let [words, output] = shown(&proven.proof);
    assert_eq!(words, model.program.words());
    assert_eq!(program_hash(&words), model.program.hash());
    chunk
        .statement
        .compare(&output, program_hash(&words))
        .expect("what was stated");
    // The verifier's whole list of checks says the same, with what a manifest pins.
    let root = proven.proof.stark_proof.commitments[0].0;
    let pins = crate::pinned::pins(&Layouts::from(&layout), root);
    let facts = verify_tensors(&encode_tensors(&proven), &pins).expect("verifies");
    let stated = &facts.facts;
    chunk
        .statement
        .compare(&stated.output, stated.program_hash)
        .expect("what was stated");
    // Nothing that needs the table of 2^20 ranges, and not the table.
    let claim = &proven.proof.claim;
    assert!(claim.mul_opcode.is_none() && claim.generic_opcode.is_none());
    assert!(claim.poseidon_builtin.is_none() && claim.range_check_20.is_none());

    assert_eq!(output.len(), OUTPUT_FIELDS.len());
    for (place, field) in OUTPUT_FIELDS.into_iter().enumerate() {
        let mut lie = proven.proof.clone();
        lie.claim.public_data.public_memory.output[place].1[0] ^= 1;
        assert!(accepts(&lie).is_err(), "{field}");
    }
    let mut lie = proven.proof.clone();
    lie.claim.public_data.public_memory.program[words.len() / 2].1[0] ^= 1;
    accepts(&lie).expect_err("another program");
}

/// The steps of a schedule, changed at a call.
fn changed(steps: &mut Vec<Step>, operation: u32, change: &dyn Fn(&mut Vec<Step>, usize)) {
    let is_it = |step: &Step| match step {
        Step::Call(call) => call.cells[0] == Cell::Number(operation),
        _ => false,
    };
    if let Some(place) = steps.iter().position(is_it) {
        change(steps, place);
        return;
    }
    for step in steps {
        if let Step::Layer { steps, .. } = step {
            changed(steps, operation, change);
        }
    }
}

/// A change of the steps at a place.
type Change<'a> = &'a dyn Fn(&mut Vec<Step>, usize);

/// A program that leaves a call out, makes it twice, or hands over another operand has another hash, and rows that do not fit
/// the plan's, whatever it states.
#[test]
fn requirement_11_another_program_does_not_fit() {
    let (model, values) = decoded();
    let hash = model.program.hash();
    let operand = |steps: &mut Vec<Step>, place: usize| match &mut steps[place] {
        Step::Call(call) => match call.cells.last_mut() {
            Some(Cell::Number(number)) => *number += 8,
            other => panic!("{other:?} is no number"),
        },
        step => panic!("{step:?} is no call"),
    };
    let changes: [(&str, Change<'_>); 3] = [
        ("left out", &|steps, place| {
            steps.remove(place);
        }),
        ("made twice", &|steps, place| {
            steps.insert(place, steps[place].clone());
        }),
        ("another operand", &operand),
    ];
    let count = model.plan.operations.len() as u32;
    for (what, change) in changes {
        for operation in [1, count / 2, count] {
            let mut schedule = model.schedule.clone();
            changed(&mut schedule.steps, operation, change);
            let other = Model::of(model.plan.clone(), schedule);
            assert_ne!(other.program.hash(), hash, "{what}");
            let chunk = other.chunk(&PROMPT, first(), STEPS, &values);
            let claimed = model.chunk(&PROMPT, first(), STEPS, &values).statement;
            let run = other.rows(&values, &chunk.input).expect("it runs");
            assert_eq!(run.output, claimed.to_output(), "it states the same");
            let refusal = claimed.compare(&run.output, other.program.hash());
            let refusal = refusal.expect_err("another hash").to_string();
            assert!(refusal.starts_with("statement.program_hash"), "{refusal}");
            let misfit = run.misfit().expect("a chain that is open");
            let chain = misfit.open.iter().all(|relation| *relation == CHAIN.0);
            assert!(
                chain && !misfit.open.is_empty(),
                "{what}, operation {operation}: {misfit:?}"
            );
        }
    }
}

/// A program with a call left out is proven, and the proof refused.
#[test]
fn requirement_11_a_proof_without_a_call_is_refused() {
    let (model, values) = decoded();
    let mut schedule = model.schedule.clone();
    changed(&mut schedule.steps, 3, &|steps, place| {
        steps.remove(place);
    });
    let other = Model::of(model.plan.clone(), schedule);
    let chunk = other.chunk(&PROMPT, first(), STEPS, &values);
    let run = other.rows(&values, &chunk.input).expect("it runs");
    let layout = run.constants.layout.clone();
    let proven = run.prove();
    let refusal = verify(
        proven.proof,
        (&Layouts::from(&layout), &proven.tensors),
        &PLAIN.fixed(),
    );
    let refusal = refusal.expect_err("a call left out").to_string();
    assert!(refusal.contains("sums"), "{refusal}");
}

/// What a chunk's program reads of the memory is what the memory holds: another token in the input is stated by the run, and
/// fits no view.
#[test]
fn requirement_14_other_cells_than_the_memorys_do_not_fit() {
    let (model, values) = decoded();
    let chunk = model.chunk(&PROMPT, first(), STEPS, &values);
    // Behind the header: a view of eight for each lane, the last row first; behind those of two forced lanes the next token.
    let (view, forced) = (
        |lane: usize| 12 + 8 * lane + lane.min(2),
        |lane: usize| 12 + 9 * lane + 8,
    );
    let [given, listed, chosen] = [7, 6, 5];
    let one = Felt::ONE;
    // Another last choice: stated, as nothing consumes it in the chunk.
    let mut other = chunk.input.clone();
    let last = view(STEPS - 1);
    assert_eq!(other[last + listed], other[last + chosen] + one);
    other[last + chosen] += one;
    other[last + listed] += one;
    let run = model.rows(&values, &other).expect("it runs");
    assert_ne!(run.output, chunk.statement.to_output());
    assert_eq!(
        run.misfit().map(|misfit| misfit.open),
        Some(vec![VIEWS.0; 2])
    );
    // Another forced token, given to the lane behind it as well: only the memory's lanes say otherwise.
    let mut other = chunk.input.clone();
    other[forced(0)] += one;
    let refusal = model.rows(&values, &other).err();
    assert!(
        refusal.is_some_and(|refusal| refusal.contains("refuses")),
        "the lane behind has another token"
    );
    other[view(1) + given] += one;
    let run = model.rows(&values, &other).expect("it runs");
    assert_eq!(
        run.misfit().map(|misfit| misfit.open),
        Some(vec![VIEWS.0; 2])
    );
    // Another lane's view.
    let mut other = chunk.input.clone();
    other[view(3)] += one;
    let run = model.rows(&values, &other).expect("it runs");
    assert_eq!(
        run.output,
        chunk.statement.to_output(),
        "a row that the program does not look at"
    );
    assert_eq!(
        run.misfit().map(|misfit| misfit.open),
        Some(vec![VIEWS.0; 2])
    );
}
