//! How often the tuples of each relation can be used in a proof.
//!
//! A lookup says that uses and yields of a tuple are equal in the field. They are equal as numbers if there are fewer
//! uses than the field has elements.

use std::collections::HashMap;

use cairo_air::claims::CairoClaim;
use stwo::core::fields::m31::P;

use super::components::relations::{ADDRESS, OPCODES, VALUE};
use super::layout::Layout;
use super::record::record;

/// The library's names of Cairo's relations that components of this project use.
const CAIROS: [(u32, &str); 3] = [
    (ADDRESS.0, "MemoryAddressToId"),
    (VALUE.0, "MemoryIdToBig"),
    (OPCODES.0, "Opcodes"),
];

/// The most uses of each relation by its first element, by the components of a layout.
fn of_layout(layout: &Layout) -> HashMap<u32, u64> {
    let mut uses = HashMap::new();
    for placed in &layout.components {
        for lookup in record(placed.component, layout).lookups {
            if let Some(relation) = lookup.relation() {
                *uses.entry(relation.0).or_default() += 1 << placed.log_rows;
            }
        }
    }
    uses
}

/// The most uses of Cairo's relations, by the library's names of them, by the components of a layout.
pub fn of_cairos_relations(layout: &Layout) -> Vec<(&'static str, u64)> {
    let own = of_layout(layout);
    let cairos = CAIROS.iter();
    cairos
        .map(|(relation, name)| (*name, own.get(relation).copied().unwrap_or(0)))
        .collect()
}

/// Whether every relation has fewer uses by the components of a layout than the field has elements.
pub fn of_own_are_few(layout: &Layout) -> bool {
    of_layout(layout).values().all(|uses| *uses < u64::from(P))
}

/// Whether every relation has fewer uses than the field has elements, in a proof with a claim of few enough rows.
pub fn are_few(claim: &CairoClaim, layout: &Layout) -> bool {
    let mut cairo = HashMap::new();
    claim.accumulate_relation_uses(&mut cairo);
    of_layout(layout).into_iter().all(|(relation, uses)| {
        let name = CAIROS.iter().find(|(cairos, _)| *cairos == relation);
        let theirs = name.and_then(|(_, name)| cairo.get(name)).copied();
        uses + theirs.unwrap_or(0) < u64::from(P)
    })
}

#[cfg(test)]
mod tests {
    use cairo_air::components::call_opcode_rel_imm::RELATION_USES_PER_ROW;

    use super::*;
    use crate::air::components::{Component, range};
    use crate::air::layout::Placed;

    fn layout(component: Component, log_rows: u32) -> Layout {
        Layout {
            lanes: 64,
            components: vec![Placed {
                component,
                log_rows,
            }],
            messages: 0,
        }
    }

    #[test]
    fn uses_are_rows_times_lookups() {
        let uses = of_layout(&layout(Component::Round, 10));
        // Two ranges in each lane; a row of the memory; the chain's two.
        let mut counts: Vec<u64> = uses.into_values().collect();
        counts.sort();
        assert_eq!(counts, [1 << 10, 2 << 10, 128 << 10]);
        assert_eq!(
            of_layout(&layout(Component::Range, range::LOG_ROWS)).len(),
            1
        );
    }

    /// The library calls its relations by the names that are compared here.
    #[test]
    fn names_are_the_librarys() {
        let names: Vec<&str> = RELATION_USES_PER_ROW
            .iter()
            .map(|uses| uses.relation_id)
            .collect();
        for (_, name) in CAIROS {
            assert!(names.contains(&name), "{name}: {names:?}");
        }
    }
}
