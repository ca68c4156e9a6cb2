//! The components of the circuit AIR, recorded.

use std::collections::HashMap;

use cairo_decode::wrap::shape::AGGREGATE;
use circuit_prover::circuit_air::circuit_components::CircuitComponents;
use circuit_verifier::circuit_claim::{CircuitInteractionClaim, CircuitInteractionElements};
use circuit_verifier::circuit_components::N_COMPONENTS;
use circuit_verifier::relations::CommonLookupElements;
use circuit_verifier::statement::all_circuit_components;
use circuits::ivalue::NoValue;
use num_traits::One;
use stwo::core::fields::qm31::SecureField;
use stwo_constraint_framework::FrameworkEval;

use crate::record::{self, Mask, Node, Op, Recorder};

/// One component.
pub struct Component {
    pub name: &'static str,
    pub log_size: u32,
    /// Columns of its trace.
    pub trace: usize,
    /// Columns of its running sums; the last four are sampled at the previous row too.
    pub interaction: usize,
    pub constraints: Vec<Node>,
}

/// The AIR of circuits of shape [`AGGREGATE`].
pub struct Air {
    /// Names and log sizes of the fixed columns, in commitment order.
    pub fixed: Vec<(String, u32)>,
    pub components: Vec<Component>,
    pub ops: Vec<Op>,
}

/// Columns of the composition polynomial.
pub const COMPOSITION: usize = 8;

impl Air {
    pub fn trace(&self) -> usize {
        self.components.iter().map(|c| c.trace).sum()
    }

    pub fn interaction(&self) -> usize {
        self.components.iter().map(|c| c.interaction).sum()
    }

    /// Sampled values: one per column, and a second one for four columns of every component.
    pub fn samples(&self) -> usize {
        let columns = self.fixed.len() + self.trace() + self.interaction() + COMPOSITION;
        columns + 4 * self.components.len()
    }
}

/// Records all components, in the prover's order.
pub fn record() -> Air {
    let fixed = AGGREGATE.columns();
    let places: HashMap<String, usize> = fixed
        .iter()
        .enumerate()
        .map(|(i, (id, _))| (id.clone(), i))
        .collect();
    // Numbers that stand for the challenges: `dummy` elements have these.
    let elements = CircuitInteractionElements {
        common_lookup_elements: CommonLookupElements::dummy(),
    };
    record::stands_for(SecureField::from_u32_unchecked(1, 2, 3, 4), Op::Z);
    let alpha = SecureField::from_u32_unchecked(4, 3, 2, 1);
    let mut power = alpha;
    for k in 1..128 {
        record::stands_for(power, Op::Alpha(k));
        power *= alpha;
    }
    let claim = CircuitInteractionClaim {
        claimed_sums: [SecureField::one(); N_COMPONENTS],
    };
    let sizes = AGGREGATE.column_log_sizes();
    let shapes = all_circuit_components::<NoValue>();
    let mut log_sizes = [0; N_COMPONENTS];
    for (log_size, shape) in log_sizes.iter_mut().zip(shapes.values()) {
        *log_size = shape.log_size(&sizes).expect("a size that the shape fixes");
    }
    let ids: Vec<_> = sizes.keys().cloned().collect();
    let all = CircuitComponents::new(&elements, &claim, &log_sizes, &ids);
    let trace_columns: usize = shapes.values().map(|s| s.trace_columns()).sum();
    let mut next = [fixed.len(), fixed.len() + trace_columns];
    let mut components: Vec<Component> = vec![];
    macro_rules! record {
        ($($field:ident),* $(,)?) => {$(
            let place = components.len();
            let mask = Mask { fixed: &places, next };
            let recorder = (*all.$field).evaluate(Recorder::new(mask, place));
            assert!(recorder.is_finished());
            let (name, shape) = shapes.get_index(place).expect("as many shapes");
            assert_eq!(recorder.mask.next[0] - next[0], shape.trace_columns());
            assert_eq!(recorder.mask.next[1] - next[1], shape.interaction_columns() + 4);
            next = recorder.mask.next;
            components.push(Component {
                name,
                log_size: log_sizes[place],
                trace: shape.trace_columns(),
                interaction: shape.interaction_columns(),
                constraints: recorder.constraints,
            });
        )*};
    }
    record!(
        eq,
        qm31_ops,
        triple_xor,
        m_31_to_u_32,
        blake_g_gate,
        verify_bitwise_xor_8,
        verify_bitwise_xor_12,
        verify_bitwise_xor_4,
        verify_bitwise_xor_7,
        verify_bitwise_xor_9,
        range_check_16,
    );
    assert_eq!(next[0], fixed.len() + trace_columns);
    let air = Air {
        fixed,
        components,
        ops: record::take(),
    };
    assert_eq!(next[1] + COMPOSITION, air.samples());
    air
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    use cairo_decode::receipt::{Document, Receipt, Wrapped};
    use cairo_decode::wrap::circuit::{OUTPUTS, pcs_config};
    use cairo_decode::wrap::span::Span;
    use cairo_decode::wrap::{calldata, felt_digest, fold};
    use stwo::core::channel::{Blake2sM31Channel, Channel, MerkleChannel};
    use stwo::core::circle::CirclePoint;
    use stwo::core::constraints::coset_vanishing;
    use stwo::core::fields::FieldExpOps;
    use stwo::core::fields::m31::{BaseField, P};
    use stwo::core::poly::circle::CanonicCoset;
    use stwo::core::vcs_lifted::blake2_merkle::Blake2sM31MerkleChannel;
    use stwo_constraint_framework::Relation;

    use crate::native::Assignment;

    /// The composition polynomial's value that the recorded graph gives.
    fn evaluate(air: &Air, given: &Assignment) -> SecureField {
        let lookups = &given.elements.common_lookup_elements;
        let combine = |values: &[u32]| -> SecureField {
            let values: Vec<BaseField> = values.iter().map(|&x| x.into()).collect();
            lookups.combine(&values)
        };
        let z = -combine(&[0]);
        let alpha = combine(&[0, 1]) + z;
        let mut values: Vec<SecureField> = vec![];
        for op in &air.ops {
            values.push(match *op {
                Op::Constant(w) => SecureField::from_u32_unchecked(w[0], w[1], w[2], w[3]),
                Op::Sample(i) => given.samples[i],
                Op::Alpha(k) => alpha.pow(k as u128),
                Op::Z => z,
                Op::Shift(i) => {
                    let rows = BaseField::from(1u32 << air.components[i].log_size);
                    given.claimed_sums[i] * SecureField::from(rows.inverse())
                }
                Op::Combine(first, step) => {
                    SecureField::from_partial_evals(std::array::from_fn(|i| {
                        given.samples[first + i * step]
                    }))
                }
                Op::Add(a, b) => values[a] + values[b],
                Op::Sub(a, b) => values[a] - values[b],
                Op::Mul(a, b) => values[a] * values[b],
            });
        }
        let constraints = air.components.iter().flat_map(|c| &c.constraints);
        let sum = constraints.fold(SecureField::default(), |sum, node| {
            sum * given.gamma + values[node.0]
        });
        let domain = CanonicCoset::new(AGGREGATE.trace_log_size());
        sum / coset_vanishing(domain.coset, given.point)
    }

    /// The recorded graph and the prover's own components give the same value for random samples and
    /// challenges.
    #[test]
    fn the_graph_computes_what_the_components_do() {
        let air = record();
        for seed in 1..=20 {
            let given = Assignment::draw(&air, seed);
            assert_eq!(evaluate(&air, &given), given.composition(&air), "{seed}");
        }
    }

    /// No column is left out: another value in any sample or claimed sum is another composition.
    #[test]
    fn every_sample_counts() {
        let air = record();
        let mut given = Assignment::draw(&air, 1);
        let before = evaluate(&air, &given);
        let columns = air.samples() - COMPOSITION;
        for i in 0..columns {
            given.samples[i] += SecureField::one();
            assert_ne!(evaluate(&air, &given), before, "sample {i}");
            given.samples[i] -= SecureField::one();
        }
        for i in 0..N_COMPONENTS {
            given.claimed_sums[i] += SecureField::one();
            assert_ne!(evaluate(&air, &given), before, "claimed sum {i}");
            given.claimed_sums[i] -= SecureField::one();
        }
        assert_eq!(evaluate(&air, &given), before);
    }

    /// A real proof's samples and challenges: the graph gives what its composition columns say.
    #[test]
    fn a_real_proof_satisfies_the_graph() {
        let air = record();
        let dir =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/wrapped-session");
        let wrapped = Wrapped::read(&dir.join("wrapped-0000.json")).unwrap();
        let span = |chunk: u32| {
            let file = dir.join(format!("chunk-{chunk:04}.receipt.json"));
            let receipt = Receipt::read(&file).unwrap();
            Span::of(&receipt.statement.to_output())
        };
        let leaf = felt_digest(&wrapped.leaf_root.0).unwrap();
        let all = span(0).until(&span(wrapped.chunks - 1));
        let outputs = fold::public_value(fold::Kind::Fold, &all, leaf);
        let felts: Vec<_> = wrapped.proof.iter().map(|f| f.0).collect();
        let proof = calldata::unpack(fold::ROOT, &felts).unwrap();

        // The transcript up to the point.
        let channel = &mut Blake2sM31Channel::default();
        let commitments = &proof.stark.commitments;
        channel.mix_felts(&[SecureField::default()]);
        pcs_config(&AGGREGATE).mix_into(channel);
        Blake2sM31MerkleChannel::mix_root(channel, commitments[0]);
        channel.mix_felts(&outputs);
        Blake2sM31MerkleChannel::mix_root(channel, commitments[1]);
        channel.mix_u64(proof.interaction_pow_nonce);
        let elements = CircuitInteractionElements::draw(channel);
        channel.mix_felts(&proof.claimed_sums);
        Blake2sM31MerkleChannel::mix_root(channel, commitments[2]);
        let gamma = channel.draw_secure_felt();
        Blake2sM31MerkleChannel::mix_root(channel, commitments[3]);
        let samples = proof.stark.sampled_values.iter().flatten().flatten();
        let given = Assignment {
            samples: samples.copied().collect(),
            claimed_sums: proof.claimed_sums,
            elements,
            gamma,
            point: CirclePoint::get_random_point(channel),
        };
        assert_eq!(given.samples.len(), air.samples());
        assert_eq!(evaluate(&air, &given), given.committed());
        assert_eq!(given.lookup_sum(&outputs), SecureField::default());
    }

    /// No relation is used as often as the field has elements, whatever the witness: the bound that the
    /// circuits' own verifier checks for sizes that it does not know, here for the fixed ones. All relations
    /// together stay below it, so their names do not matter: the library has two for the one between gates.
    #[test]
    fn no_relation_is_used_too_often() {
        let shapes = all_circuit_components::<NoValue>();
        let air = record();
        let pairs = air.components.iter().zip(shapes.values());
        let uses: u64 = pairs
            .flat_map(|(component, shape)| {
                let uses = shape.relation_uses_per_row().iter();
                uses.map(|relation| relation.uses << component.log_size)
            })
            .sum();
        // The outputs and u, used by the verifier.
        let uses = uses + OUTPUTS as u64 + 1;
        assert!(uses > 1 << AGGREGATE.trace_log_size());
        assert!(uses < u64::from(P), "{uses}");
    }
}
