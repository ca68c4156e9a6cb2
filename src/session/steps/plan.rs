//! How many steps the next chunk gets.
//!
//! A component's rows are padded to a power of two, so a chunk of one step more can cost a third more, and a
//! shorter one as much as a longer one. The plan measures the next step on its trace, takes the rest of a chunk
//! to grow as the chunk before did, and chooses the number of steps with the fewest cells per step. It decides
//! what is cheaper, nothing else.

use std::collections::BTreeMap;

use crate::air::cairo;
use crate::profile::Component;
use crate::prove::memory::max_cells;
use crate::verify::params::ParamSet;

/// Steps of the longer of the two chunks that are traced before the first proof.
const PROBE: usize = 8;
/// Growth of a step's rows from one chunk to the next that the plan allows for, in percent.
const GROWTH: u64 = 2;

/// What a proof takes besides its cells, in cells: proof of work, queries, verification.
const PROOF: u64 = 25_000_000;

/// Rows in use by component.
type Rows = BTreeMap<cairo::Component, u64>;

/// The rows of a trace's components.
fn rows(components: &[Component]) -> Rows {
    let own = components.iter().filter(|c| !c.fixed);
    own.map(|c| (c.component, c.rows)).collect()
}

/// What is known of a session's chunks.
pub(super) struct Plan {
    /// The parameters of its proofs.
    pub(super) set: &'static ParamSet,
    /// Rows of the next chunk's first step alone.
    one: Rows,
    /// Components of the latest chunk, for their columns.
    components: Vec<Component>,
    /// Rows that a step adds to a chunk.
    per_step: Rows,
}

impl Plan {
    /// Nothing is known yet.
    pub(super) fn new(set: &'static ParamSet) -> Plan {
        Plan {
            set,
            one: Rows::new(),
            components: vec![],
            per_step: Rows::new(),
        }
    }

    /// Steps of the next chunk, at most `most`, if `left` steps are left. `probe` gives the components of the chunk of
    /// so many steps that could come next.
    ///
    /// # Errors
    /// Those of `probe`.
    pub(super) fn choose<E>(
        &mut self,
        most: usize,
        left: usize,
        mut probe: impl FnMut(usize) -> Result<Vec<Component>, E>,
    ) -> Result<usize, E> {
        self.one = rows(&probe(1)?);
        if self.components.is_empty() {
            let steps = PROBE.min(most);
            self.learn(&probe(steps)?, steps);
        }
        Ok(self.steps(most, left))
    }

    /// Takes what the chunk of `steps` steps had that came next.
    pub(super) fn learn(&mut self, chunk: &[Component], steps: usize) {
        if steps < 2 {
            return;
        }
        let more = rows(chunk).into_iter().map(|(component, rows)| {
            let first = self.one.get(&component).copied().unwrap_or(0);
            (
                component,
                rows.saturating_sub(first).div_ceil(steps as u64 - 1),
            )
        });
        self.per_step = more.collect();
        self.components = chunk.to_vec();
    }

    fn steps(&self, most: usize, left: usize) -> usize {
        let memory = max_cells(self.set);
        let rows = |component, steps: usize| {
            let first = self.one.get(&component).copied().unwrap_or(0);
            let more = self.per_step.get(&component).copied().unwrap_or(0);
            first + more * (steps as u64 - 1) * (100 + GROWTH) / 100
        };
        let cells = |steps: usize| -> Option<u64> {
            let permutations = rows(cairo::Component::PoseidonAggregator, steps);
            let mut cells = 0;
            for c in &self.components {
                if c.fixed {
                    cells += c.cells;
                    continue;
                }
                let all = c.component.padded(rows(c.component, steps), permutations);
                if all > self.set.max_rows(c.component) {
                    return None;
                }
                cells += all * c.cells_per_row;
            }
            (cells <= memory).then_some(cells)
        };
        let cost = |steps: usize| Some((steps, cells(steps)? + PROOF));
        let possible: Vec<(usize, u64)> = (1..=most.min(left).max(1)).map_while(cost).collect();
        // The cheapest per step, compared without division; of equals the longest.
        let cheapest = possible.iter().min_by(|(a, x), (b, y)| {
            let by_cost = (x * *b as u64).cmp(&(y * *a as u64));
            by_cost.then(b.cmp(a))
        });
        let Some(&(usual, usual_cost)) = cheapest else {
            return 1;
        };
        // With chunks of the usual length after it, the whole rest must be cheap: a little longer may save a chunk.
        let total = |(steps, cost): &(usize, u64)| {
            let after = left.saturating_sub(*steps).div_ceil(usual) as u64;
            cost + after * usual_cost
        };
        let longer = possible.iter().filter(|(steps, _)| *steps >= usual);
        let best = longer.min_by(|a, b| {
            let by_cost = total(a).cmp(&total(b));
            by_cost.then(b.0.cmp(&a.0))
        });
        best.map_or(usual, |(steps, _)| *steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::verify::params::{LARGE, PLAIN};

    /// A chunk with a single component.
    fn chunk(rows: u64, cells_per_row: u64) -> Vec<Component> {
        let component = cairo::Component::AddOpcode;
        let padded = component.padded(rows, 0);
        vec![Component {
            cells_per_row,
            cells: padded * cells_per_row,
            ..Component::new(component, rows, padded)
        }]
    }

    fn choose(most: usize, left: usize, chunk: impl Fn(u64) -> Vec<Component>) -> usize {
        let probe = |steps: usize| Ok::<_, ()>(chunk(steps as u64));
        Plan::new(&PLAIN)
            .choose(most, left, probe)
            .expect("no probe fails")
    }

    /// 1000 rows for a chunk and 1000 for each step, with two percent more allowed for.
    #[test]
    fn fills_powers_of_two() {
        let rows = |steps: u64| chunk(1000 + 1000 * steps, 10_000);
        // 2000 + 1020·(s − 1) ≤ 2^14, and one step more would double the rows.
        assert_eq!(choose(20, 1000, rows), 15);
        assert_eq!(choose(1, 1000, rows), 1);
        // One step more is dearer, but not as dear as a proof for it.
        assert_eq!(choose(20, 16, rows), 16);
    }

    #[test]
    fn stays_below_the_row_limit() {
        assert_eq!(choose(50, 50, |steps| chunk(300_000 * steps, 10)), 3);
        let mut plan = Plan::new(&LARGE);
        let steps = plan.choose(50, 50, |steps| {
            Ok::<_, ()>(chunk(300_000 * steps as u64, 10))
        });
        assert_eq!(steps, Ok(6));
    }
}
