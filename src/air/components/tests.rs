//! What the library takes on trust of a component's definition: degrees, powers without values, tuples that cannot be
//! confused. The library checks none of it: a constraint of a higher degree would be one that no prover can meet.

use std::collections::{BTreeMap, BTreeSet};

use stwo::core::fields::m31::M31;

use super::relations::{
    ADDRESS, CHAIN, EMBEDDING, FLAGS, FUNCTION, LANES, OPCODES, RANGE, TENSOR, VALUE,
};
use super::{Component, head};
use crate::air::layout::{Layout, Placed};
use crate::air::record::{Expression, Recorded, record};

/// Components as plans place them, with embeddings of one part and of three.
fn components() -> Vec<Component> {
    let mut all = vec![
        Component::Tensor,
        Component::Range,
        Component::Lanes,
        Component::Cells,
        Component::Product { block: 12 },
        Component::Round,
        Component::Table,
        Component::Function { start: 12 },
        Component::Residual { start: 24 },
        Component::Gated { start: 36 },
        Component::HeadInput,
        Component::Answer,
    ];
    for centred in [false, true] {
        all.extend([Component::Norm { centred }, Component::NormRoot { centred }]);
    }
    all.extend([2, 3, 4, 9].map(|operands| Component::Call { operands }));
    for width in [16, 2 * head::PART + 8] {
        all.extend([Component::Embed { width }, Component::Head { width }]);
    }
    all
}

fn recorded(component: Component, lanes: usize) -> Recorded {
    let messages = match component {
        Component::Head { width } => width,
        _ => 0,
    };
    let components = vec![Placed {
        component,
        log_rows: 4,
    }];
    let layout = Layout {
        lanes,
        components,
        messages,
    };
    record(component, &layout)
}

/// Degrees of all constraints of a component. Two lookups share a column: numerators meet the other's denominator, the
/// column both denominators.
fn degrees(recorded: &Recorded) -> Vec<usize> {
    let constraints = recorded.constraints.iter().chain(&recorded.term);
    let lookups = recorded.lookups.iter().flat_map(|lookup| {
        let tuple = lookup.tuple.iter().map(Expression::degree).max();
        let tuple = tuple.expect("a tuple has elements");
        [lookup.on.degree() + tuple, 1 + 2 * tuple]
    });
    constraints.map(Expression::degree).chain(lookups).collect()
}

/// No constraint has a degree above 3, and powers are made of constants and challenges. The sides have been counted right:
/// several components have a constraint of exactly 3.
#[test]
fn degrees_and_powers() {
    for lanes in [8, 64] {
        let mut highest = vec![];
        for component in components() {
            let recorded = recorded(component, lanes);
            let degree = degrees(&recorded).into_iter().max().expect("constraints");
            assert!(degree <= 3, "{component}: degree {degree}");
            highest.push(degree);
            for part in recorded.powers.iter().flatten() {
                assert!(part.is_of_constants(), "{component}: a power of values");
            }
        }
        assert!(highest.into_iter().filter(|degree| *degree == 3).count() > 8);
    }
}

/// Zeros at the end of a tuple make no difference to it. So the tuples of a relation must not be longer or shorter than
/// each other where the elements that both have can be equal: only parts of an embedding differ in length, which their
/// number tells apart, and chains, whose operations each have one number of operands. And Cairo's cells, where a shorter
/// tuple means just the zeros.
#[test]
fn tuples_of_a_relation_have_one_length() {
    let lanes = 8;
    let mut lengths: BTreeMap<u32, BTreeSet<usize>> = BTreeMap::new();
    let mut parts: BTreeMap<u32, BTreeSet<usize>> = BTreeMap::new();
    let wide = |c: &Component| {
        !matches!(
            c,
            Component::Embed { width: 16 } | Component::Head { width: 16 }
        )
    };
    for component in components().into_iter().filter(wide) {
        for tuple in recorded(component, lanes)
            .lookups
            .into_iter()
            .map(|l| l.tuple)
        {
            let relation = tuple[0].number().expect("the relation");
            lengths.entry(relation.0).or_default().insert(tuple.len());
            if relation == EMBEDDING {
                let part = tuple[1].number().expect("the part").0;
                parts.entry(part).or_default().insert(tuple.len());
            }
        }
    }
    let of = |relation: M31| lengths[&relation.0].iter().copied().collect::<Vec<_>>();
    assert_eq!(of(TENSOR), [2 + lanes]);
    assert_eq!(of(RANGE), [3]);
    assert_eq!(of(LANES), [3 + 8]);
    assert_eq!(of(OPCODES), [4]);
    assert_eq!(of(ADDRESS), [3]);
    // The word, four limbs, three limbs.
    assert_eq!(of(VALUE), [5, 6, 10]);
    // Calls of 1, 2, 3 and 8 operands.
    assert_eq!(of(CHAIN), [4, 5, 6, 11]);
    assert!(
        parts.values().all(|lengths| lengths.len() == 1),
        "{parts:?}"
    );
    assert_eq!(parts.len(), 3);
    assert_eq!(of(FLAGS), [2 + lanes]);
    assert_eq!(of(FUNCTION), [4]);
    let known = [
        TENSOR, RANGE, LANES, OPCODES, ADDRESS, VALUE, CHAIN, EMBEDDING, FLAGS, FUNCTION,
    ];
    let known = BTreeSet::from(known.map(|relation| relation.0));
    assert_eq!(lengths.into_keys().collect::<BTreeSet<_>>(), known);
}
