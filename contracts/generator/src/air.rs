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
    use stwo::core::air::accumulation::PointEvaluationAccumulator;
    use stwo::core::channel::{Blake2sM31Channel, Channel};
    use stwo::core::circle::CirclePoint;
    use stwo::core::constraints::coset_vanishing;
    use stwo::core::fields::FieldExpOps;
    use stwo::core::fields::m31::BaseField;
    use stwo::core::pcs::TreeVec;
    use stwo::core::poly::circle::CanonicCoset;

    /// The recorded graph and the prover's own components give the same value for random samples and
    /// challenges.
    #[test]
    fn the_graph_computes_what_the_components_do() {
        let air = record();
        let mut channel = Blake2sM31Channel::default();
        channel.mix_u64(3);
        let samples = channel.draw_secure_felts(air.samples());
        let elements = CircuitInteractionElements {
            common_lookup_elements: CommonLookupElements::draw(&mut channel.clone()),
        };
        let challenges = channel.draw_secure_felts(2);
        let (z, alpha) = (challenges[0], challenges[1]);
        let sums: [SecureField; N_COMPONENTS] =
            channel.draw_secure_felts(N_COMPONENTS).try_into().unwrap();
        let random = channel.draw_secure_felt();
        let point = CirclePoint::get_random_point(&mut channel);

        // The graph.
        let mut values: Vec<SecureField> = vec![];
        for op in &air.ops {
            values.push(match *op {
                Op::Constant(w) => SecureField::from_u32_unchecked(w[0], w[1], w[2], w[3]),
                Op::Sample(i) => samples[i],
                Op::Alpha(k) => alpha.pow(k as u128),
                Op::Z => z,
                Op::Shift(i) => {
                    let rows = BaseField::from(1u32 << air.components[i].log_size);
                    sums[i] * SecureField::from(rows.inverse())
                }
                Op::Combine(first, step) => {
                    SecureField::from_partial_evals(std::array::from_fn(|i| {
                        samples[first + i * step]
                    }))
                }
                Op::Add(a, b) => values[a] + values[b],
                Op::Sub(a, b) => values[a] - values[b],
                Op::Mul(a, b) => values[a] * values[b],
            });
        }
        let constraints = air.components.iter().flat_map(|c| &c.constraints);
        let sum = constraints.fold(SecureField::default(), |sum, node| {
            sum * random + values[node.0]
        });
        let log_size = AGGREGATE.trace_log_size();
        let found = sum / coset_vanishing(CanonicCoset::new(log_size).coset, point);

        // The components.
        let mut rest = samples.iter().copied();
        let mut take = |n: usize| rest.by_ref().take(n).collect::<Vec<_>>();
        let singles = |values: Vec<SecureField>| values.into_iter().map(|x| vec![x]).collect();
        let fixed: Vec<Vec<SecureField>> = singles(take(air.fixed.len()));
        let trace: Vec<Vec<SecureField>> = singles(take(air.trace()));
        let interaction: Vec<Vec<SecureField>> = air
            .components
            .iter()
            .flat_map(|c| (0..c.interaction).map(|i| if i + 4 < c.interaction { 1 } else { 2 }))
            .map(&mut take)
            .collect();
        let mask = TreeVec::new(vec![fixed, trace, interaction]);
        let claim = CircuitInteractionClaim { claimed_sums: sums };
        let log_sizes: Vec<u32> = air.components.iter().map(|c| c.log_size).collect();
        let ids: Vec<_> = AGGREGATE.column_log_sizes().keys().cloned().collect();
        let all = CircuitComponents::new(&elements, &claim, &log_sizes.try_into().unwrap(), &ids);
        let mut accumulator = PointEvaluationAccumulator::new(random);
        for component in all.components() {
            component.evaluate_constraint_quotients_at_point(
                point,
                &mask,
                &mut accumulator,
                log_size,
            );
        }
        assert_eq!(found, accumulator.finalize());
    }

    /// No relation is used as often as the field has elements, whatever the witness: the bound that the
    /// circuits' own verifier checks for sizes that it does not know, here for the fixed ones.
    #[test]
    fn no_relation_is_used_too_often() {
        let mut uses: HashMap<&str, u64> = HashMap::new();
        let shapes = all_circuit_components::<NoValue>();
        for (component, shape) in record().components.iter().zip(shapes.values()) {
            for relation in shape.relation_uses_per_row() {
                *uses.entry(relation.relation_id).or_default() +=
                    relation.uses << component.log_size;
            }
        }
        assert!(!uses.is_empty());
        assert!(uses.values().all(|&n| n < (1 << 31) - 1), "{uses:?}");
    }
}
