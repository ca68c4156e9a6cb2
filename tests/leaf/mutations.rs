//! Changed proofs: whatever the native verifier refuses, the circuit's gates do not hold for, and the other way round.

use cairo_decode::prove::TensorWitness;
use cairo_decode::verify::tensors::TensorPins;
use cairo_decode::wrap::WrapError;
use cairo_decode::wrap::leaf::circuit;
use cairo_decode::wrap::leaf::inner::Inner;
use cairo_decode::wrap::leaf::values::Values;
use starknet_types_core::felt::Felt;
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;

use super::{DEMO, Demo};

/// A change of a proof, by name.
struct Mutation {
    name: String,
    change: Box<dyn Fn(&mut TensorWitness) + Sync>,
}

fn named(
    name: impl Into<String>,
    change: impl Fn(&mut TensorWitness) + Sync + 'static,
) -> Mutation {
    Mutation {
        name: name.into(),
        change: Box::new(change),
    }
}

fn one() -> QM31 {
    QM31::from(M31::from(1u32))
}

/// Sizes of all components of the Cairo AIR that a run decides, and those of its tables.
macro_rules! sizes {
    ($all:ident: $($component:ident)*) => {
        $(for by in [-1i32, 1, 3, 9] {
            $all.push(named(
                format!("2^{by} times the rows of {}", stringify!($component)),
                move |w| {
                    let claim = w.proof.claim.$component.as_mut().expect("it is there");
                    claim.log_size = claim.log_size.wrapping_add_signed(by);
                },
            ));
        })*
    };
}

/// Numbers below a bound, from a seed (Lehmer's generator).
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0 * 48271 % 0x7fff_ffff;
        self.0 as usize % bound
    }
}

fn claims() -> Vec<Mutation> {
    let mut all = vec![];
    sizes!(all: add_opcode add_opcode_small add_ap_opcode assert_eq_opcode assert_eq_opcode_imm
        assert_eq_opcode_double_deref call_opcode_rel_imm jnz_opcode_non_taken jnz_opcode_taken
        jump_opcode_rel_imm ret_opcode verify_instruction range_check_builtin memory_address_to_id
        memory_id_to_small);
    for (limb, of) in [0, 5, 11, 12, 16, 17, 21].into_iter().enumerate() {
        all.push(named(format!("felt {of} of the output"), move |w| {
            let output = &mut w.proof.claim.public_data.public_memory.output;
            output[of].1[limb % 8] ^= 1;
        }));
        all.push(named(format!("identifier {of} of the output"), move |w| {
            let output = &mut w.proof.claim.public_data.public_memory.output;
            output[of].0 ^= 1;
        }));
    }
    for of in [0, 3, 700] {
        all.push(named(format!("identifier {of} of the program"), move |w| {
            w.proof.claim.public_data.public_memory.program[of].0 ^= 1;
        }));
        all.push(named(format!("word {of} of the program"), move |w| {
            w.proof.claim.public_data.public_memory.program[of].1[0] ^= 1;
        }));
    }
    let public = |name: &str, change: fn(&mut cairo_air::air::PublicData)| {
        named(name, move |w| change(&mut w.proof.claim.public_data))
    };
    all.extend([
        public("first instruction", |p| p.initial_state.pc += M31::from(1)),
        public("last instruction", |p| p.final_state.pc += M31::from(2)),
        public("first ap", |p| p.initial_state.ap += M31::from(1)),
        public("last ap", |p| p.final_state.ap += M31::from(1)),
        public("first fp", |p| p.initial_state.fp += M31::from(1)),
        public("last fp", |p| p.final_state.fp -= M31::from(1)),
        public("safe call", |p| p.public_memory.safe_call_ids[0] ^= 1),
        public("safe call, second cell", |p| {
            p.public_memory.safe_call_ids[1] ^= 1;
        }),
        public("start of the output", |p| {
            p.public_memory.public_segments.output.start_ptr.value += 1;
        }),
        public("end of the output", |p| {
            p.public_memory.public_segments.output.stop_ptr.value -= 1;
        }),
        public("identifier of the output's start", |p| {
            p.public_memory.public_segments.output.start_ptr.id ^= 1;
        }),
        public("end of the range checks", |p| {
            let segment = &mut p.public_memory.public_segments.range_check_128;
            segment.as_mut().expect("a segment").stop_ptr.value += 1;
        }),
        public("start of another builtin", |p| {
            let segment = &mut p.public_memory.public_segments.bitwise;
            segment.as_mut().expect("a segment").start_ptr.value += 1;
        }),
        public("a builtin that is used and has no component", |p| {
            let segment = &mut p.public_memory.public_segments.poseidon;
            segment.as_mut().expect("a segment").stop_ptr.value += 6;
        }),
    ]);
    all
}

fn sums() -> Vec<Mutation> {
    let mut all = vec![];
    let own = DEMO.inner.layout.components.len();
    for i in 0..own {
        all.push(named(format!("sum {i} of ours"), move |w| {
            w.tensors.sums[i] += one();
        }));
    }
    for i in [0, 5, own - 2] {
        all.push(named(
            format!("sums {i} and {} exchanged", i + 1),
            move |w| {
                w.tensors.sums.swap(i, i + 1);
            },
        ));
        all.push(named(
            format!("sums {i} and {} of one total", i + 1),
            move |w| {
                w.tensors.sums[i] += one();
                w.tensors.sums[i + 1] -= one();
            },
        ));
    }
    macro_rules! cairos {
        ($($component:ident)*) => {
            $(all.push(named(format!("sum of {}", stringify!($component)), |w| {
                let sum = w.proof.interaction_claim.$component.as_mut().expect("it is there");
                sum.claimed_sum += one();
            }));)*
        };
    }
    cairos!(add_opcode add_opcode_small add_ap_opcode assert_eq_opcode assert_eq_opcode_imm
        assert_eq_opcode_double_deref call_opcode_rel_imm jnz_opcode_non_taken jnz_opcode_taken
        jump_opcode_rel_imm ret_opcode verify_instruction range_check_builtin memory_address_to_id
        memory_id_to_small range_check_9_9 range_check_7_2_5 range_check_4_3 range_check_18 range_check_11);
    all.push(named(
        "a sum of Cairo's and one of ours, of one total",
        |w| {
            let sum = w.proof.interaction_claim.ret_opcode.as_mut();
            sum.expect("it is there").claimed_sum += one();
            w.tensors.sums[0] -= one();
        },
    ));
    let messages = DEMO.inner.layout.messages;
    for i in [0, 1, messages / 2, messages - 1] {
        all.push(named(format!("message {i}"), move |w| {
            w.tensors.messages[i] += one();
        }));
    }
    all.push(named("two messages exchanged", |w| {
        w.tensors.messages.swap(0, 1);
    }));
    all.push(named("salt", |w| w.proof.channel_salt = 1));
    all.push(named("work before the lookups", |w| {
        w.proof.interaction_pow += 1;
    }));
    all
}

/// Changes of what is committed to and opened. Paths and folding are in the proof's file in another form than in what the circuit takes; of
/// these the roots are changed, which both have.
fn openings() -> Vec<Mutation> {
    let mut all = vec![];
    let random = &mut Seeded(7);
    let proof = &DEMO.proofs[1].proof.extended_stark_proof.proof;
    for tree in 0..4 {
        let columns = proof.sampled_values[tree].len();
        for _ in 0..12 {
            let column = random.below(columns);
            all.push(named(
                format!("sample of column {column} of tree {tree}"),
                move |w| {
                    let samples = &mut w.proof.extended_stark_proof.proof.0.sampled_values;
                    samples[tree][column][0] += one();
                },
            ));
        }
        for _ in 0..12 {
            let (column, query) = (random.below(columns), random.below(10));
            all.push(named(
                format!("value of column {column} of tree {tree} at query {query}"),
                move |w| {
                    let values = &mut w.proof.extended_stark_proof.proof.0.queried_values;
                    values[tree][column][query] += M31::from(1);
                },
            ));
        }
    }
    // Columns that have a value in the row before.
    let twice: Vec<usize> = (0..proof.sampled_values[2].len())
        .filter(|column| proof.sampled_values[2][*column].len() == 2)
        .collect();
    for _ in 0..12 {
        let column = twice[random.below(twice.len())];
        for place in 0..2 {
            all.push(named(
                format!("sample {place} of column {column} with a row before"),
                move |w| {
                    let samples = &mut w.proof.extended_stark_proof.proof.0.sampled_values;
                    samples[2][column][place] += one();
                },
            ));
        }
    }
    // The root of tree 0 is built into the circuit, which is told none.
    for tree in 1..4 {
        all.push(named(format!("root of tree {tree}"), move |w| {
            w.proof.extended_stark_proof.proof.0.commitments[tree].0[0] ^= 1;
        }));
    }
    all.push(named("roots of two trees exchanged", |w| {
        w.proof
            .extended_stark_proof
            .proof
            .0
            .commitments
            .0
            .swap(1, 2);
    }));
    all.push(named("root of the first layer", |w| {
        let fri = &mut w.proof.extended_stark_proof.proof.0.fri_proof;
        fri.first_layer.commitment.0[0] ^= 1;
    }));
    for layer in 0..2 {
        all.push(named(format!("root of layer {layer}"), move |w| {
            let fri = &mut w.proof.extended_stark_proof.proof.0.fri_proof;
            fri.inner_layers[layer].commitment.0[0] ^= 1;
        }));
    }
    all.push(named("last layer", |w| {
        let fri = &mut w.proof.extended_stark_proof.proof.0.fri_proof;
        fri.last_layer_poly[0] += one();
    }));
    all.push(named("work before the queries", |w| {
        w.proof.extended_stark_proof.proof.0.proof_of_work += 1;
    }));
    all
}

/// What only the circuit is given: paths in full, and the values of layers.
fn paths() -> Vec<Mutation> {
    let mut all = vec![];
    for tree in 0..4 {
        for level in [0, 9, 20] {
            all.push(named(
                format!("nodes at level {level} of tree {tree}"),
                move |w| {
                    let aux = &mut w.proof.extended_stark_proof.aux;
                    for hash in aux.trace_decommitment[tree].all_node_values[level].values_mut() {
                        hash.0[0] ^= 1;
                    }
                },
            ));
        }
    }
    all.push(named("values of the first layer", |w| {
        let layer = &mut w.proof.extended_stark_proof.aux.fri.first_layer;
        for value in layer.all_values[0].values_mut() {
            *value += one();
        }
    }));
    for layer in 0..2 {
        all.push(named(format!("values of layer {layer}"), move |w| {
            let layer = &mut w.proof.extended_stark_proof.aux.fri.inner_layers[layer];
            for value in layer.all_values[0].values_mut() {
                *value += one();
            }
        }));
    }
    all.push(named("places of the queries", |w| {
        let queries = &mut w.proof.extended_stark_proof.aux.unsorted_query_locations;
        queries.swap(0, 1);
    }));
    all
}

/// The names of mutations that one of the two verifiers takes.
fn differing(demo: &Demo, mutations: &[Mutation]) -> Vec<String> {
    let mut found = vec![];
    for mutation in mutations {
        let mut proof = demo.proofs[1].clone();
        (mutation.change)(&mut proof);
        if demo.native(&proof).is_ok() {
            found.push(format!("native: {}", mutation.name));
        }
        if demo.is_valid(&proof) {
            found.push(format!("circuit: {}", mutation.name));
        }
    }
    found
}

/// Asserts that both verifiers refuse each of these mutations, of which there are at least `least`.
fn are_refused_by_both(all: &[Mutation], least: usize) {
    assert!(all.len() >= least, "{}", all.len());
    assert_eq!(differing(&DEMO, all), [""; 0]);
}

#[test]
fn requirement_36_a_changed_claim_is_refused_by_both() {
    are_refused_by_both(&claims(), 80);
}

#[test]
fn requirement_36_changed_sums_and_messages_are_refused_by_both() {
    are_refused_by_both(&sums(), 60);
}

#[test]
fn requirement_36_changed_openings_are_refused_by_both() {
    are_refused_by_both(&openings(), 120);
}

#[test]
fn requirement_36_changed_paths_are_refused_by_the_circuit() {
    for mutation in paths() {
        let mut proof = DEMO.proofs[1].clone();
        (mutation.change)(&mut proof);
        assert!(!DEMO.is_valid(&proof), "{}", mutation.name);
    }
}

/// A circuit that has another root of constants built in, for an honest proof.
#[test]
fn requirement_36_the_root_of_the_constants_is_the_circuits() {
    let pins = &DEMO.build.manifest.tensors;
    let (set, mut root) = pins.roots()[0];
    root[0] ^= 1;
    let other = TensorPins::new(pins.layouts().clone(), [(set.name.to_string(), root)]);
    let words = DEMO.build.program.words();
    let inner = Inner::new(&other.expect("pins"), &words).expect("foldable");
    let proof = &DEMO.proofs[1];
    let values = Values::of(&inner, proof).expect("of this program");
    assert!(!circuit::build(&inner, &values).gates.is_circuit_valid());
    // Another word of the program is another circuit, too.
    let mut words = words;
    words[700] += Felt::ONE;
    let inner = Inner::new(pins, &words).expect("foldable");
    let refused = Values::of(&inner, proof).err();
    assert!(matches!(refused, Some(WrapError::OtherProgram)));
}

/// Two honest proofs, the trace of one and the interaction of the other.
#[test]
fn requirement_36_two_proofs_mixed_are_refused_by_both() {
    let [first, second] = &DEMO.proofs[..] else {
        panic!("two proofs");
    };
    let mut mixed = first.clone();
    mixed.tensors = second.tensors.clone();
    mixed.proof.interaction_claim = second.proof.interaction_claim.clone();
    let mut stark = first.proof.extended_stark_proof.clone();
    let other = &second.proof.extended_stark_proof;
    stark.proof.0.commitments.0[2] = other.proof.commitments[2];
    stark.proof.0.sampled_values.0[2] = other.proof.sampled_values[2].clone();
    stark.proof.0.queried_values.0[2] = other.proof.queried_values[2].clone();
    mixed.proof.extended_stark_proof = stark;
    assert!(DEMO.native(&mixed).is_err());
    assert!(!DEMO.is_valid(&mixed));
}
