//! What the prover's own components and lookups make of given samples and challenges.

use circuit_prover::circuit_air::circuit_components::CircuitComponents;
use circuit_verifier::circuit_claim::{
    CircuitClaim, CircuitInteractionClaim, CircuitInteractionElements, lookup_sum,
};
use circuit_verifier::circuit_components::N_COMPONENTS;
use stwo::core::air::accumulation::PointEvaluationAccumulator;
use stwo::core::channel::{Blake2sM31Channel, Channel};
use stwo::core::circle::CirclePoint;
use stwo::core::fields::qm31::SecureField;
use stwo::core::pcs::TreeVec;

use cairo_decode::wrap::shape::AGGREGATE;

use crate::air::{Air, COMPOSITION};

/// Values for all that the evaluation takes.
pub struct Assignment {
    /// All sampled values, in commitment order.
    pub samples: Vec<SecureField>,
    pub claimed_sums: [SecureField; N_COMPONENTS],
    /// The lookups' z and α.
    pub elements: CircuitInteractionElements,
    /// Factor of the constraints' combination.
    pub gamma: SecureField,
    /// The point out of the domain.
    pub point: CirclePoint<SecureField>,
}

impl Assignment {
    /// Draws everything from a channel into which only `seed` was mixed, in the order of the fields.
    pub fn draw(air: &Air, seed: u64) -> Assignment {
        let channel = &mut Blake2sM31Channel::default();
        channel.mix_u64(seed);
        let samples = channel.draw_secure_felts(air.samples());
        let sums = channel.draw_secure_felts(N_COMPONENTS);
        Assignment {
            samples,
            claimed_sums: std::array::from_fn(|i| sums[i]),
            elements: CircuitInteractionElements::draw(channel),
            gamma: channel.draw_secure_felt(),
            point: CirclePoint::get_random_point(channel),
        }
    }

    /// The composition polynomial at the point, from the columns' samples.
    pub fn composition(&self, air: &Air) -> SecureField {
        let mut rest = self.samples.iter().copied();
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
        let claim = CircuitInteractionClaim {
            claimed_sums: self.claimed_sums,
        };
        let mut log_sizes = [0; N_COMPONENTS];
        for (log_size, component) in log_sizes.iter_mut().zip(&air.components) {
            *log_size = component.log_size;
        }
        let ids: Vec<_> = AGGREGATE.column_log_sizes().keys().cloned().collect();
        let all = CircuitComponents::new(&self.elements, &claim, &log_sizes, &ids);
        let mut accumulator = PointEvaluationAccumulator::new(self.gamma);
        for component in all.components() {
            component.evaluate_constraint_quotients_at_point(
                self.point,
                &mask,
                &mut accumulator,
                AGGREGATE.trace_log_size(),
            );
        }
        accumulator.finalize()
    }

    /// The composition polynomial at the point, from its own columns' samples: two halves.
    pub fn committed(&self) -> SecureField {
        let columns = &self.samples[self.samples.len() - COMPOSITION..];
        let half =
            |first| SecureField::from_partial_evals(std::array::from_fn(|i| columns[first + i]));
        let doublings = AGGREGATE.trace_log_size() - 1;
        half(0) + self.point.repeated_double(doublings).x * half(4)
    }

    /// The lookups' sum with these public values.
    pub fn lookup_sum(&self, outputs: &[SecureField]) -> SecureField {
        let claim = CircuitClaim {
            output_values: outputs.to_vec(),
        };
        let interaction_claim = CircuitInteractionClaim {
            claimed_sums: self.claimed_sums,
        };
        lookup_sum(&claim, &interaction_claim, &self.elements)
    }
}
