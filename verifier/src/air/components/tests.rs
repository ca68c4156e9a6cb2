//! What the library takes on trust of a component's definition: degrees, powers without values, tuples that cannot be
//! confused. The library checks none of it: a constraint of a higher degree would be one that no prover can meet.

use std::collections::{BTreeMap, BTreeSet};

use stwo::core::fields::m31::M31;

use super::relations::{
    ADDRESS, ANGLES, CHAIN, COMPRESS, EMBEDDING, FLAGS, FUNCTION, GROUPS, LANES, OPCODES,
    POSITIONS, RANGE, RECORDS, SCORES, TENSOR, VALUE,
};
use super::{Component, attend, groups, head, qk};
use crate::air::layout::{Layout, Placed};
use crate::air::record::{Expression, Recorded, record};
use crate::spec::record::Packing;

/// Channels of embeddings: of one part, and of three.
const WIDTHS: [usize; 2] = [16, 3 * 104];

/// Components as plans place them.
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
        Component::Rotary {
            start: 48,
            half: 24,
        },
        Component::Positions,
        Component::AngleTable,
        Component::Angles,
        Component::HeadInput,
        Component::Answer,
        Component::Compress,
        Component::Roots { blocks: 5 },
        Component::Tokens,
        Component::Masks,
        Component::Softmax { head_dim: 8 },
        Component::Qk { head_dim: 8 },
        Component::CarriedLanes { base: 96 },
        Component::Attend {
            head_dim: 8,
            far: false,
        },
        Component::Attend {
            head_dim: 16,
            far: true,
        },
        Component::Mixed,
    ];
    for centred in [false, true] {
        all.extend([Component::Norm { centred }, Component::NormRoot { centred }]);
    }
    all.extend([Packing::Two, Packing::Three].map(|packing| Component::Record { packing }));
    all.extend([2, 3, 4, 9].map(|operands| Component::Call { operands }));
    for width in WIDTHS {
        let (part, shift) = (head::part(width), 3);
        all.extend([
            Component::Embed { part, shift },
            Component::EmbedPositions { part, shift },
            Component::PositionTable { part },
            Component::EmbeddingTable { part },
            Component::Head { width, tied: true },
            Component::Head { width, tied: false },
        ]);
    }
    all
}

fn recorded(component: Component, lanes: usize) -> Recorded {
    let messages = match component {
        Component::Head { width, .. } => width,
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
            // The chain of groups determines `new`, and the trace is committed to before the challenges.
            let values: &[usize] = match component {
                Component::Attend { .. } => &[groups::NEW],
                _ => &[],
            };
            for part in recorded.powers.iter().flatten() {
                let known = part.is_of_constants_and(values);
                assert!(known, "{component}: a power of values");
            }
        }
        assert!(highest.into_iter().filter(|degree| *degree == 3).count() > 8);
    }
}

/// Zeros at the end of a tuple make no difference to it. So the tuples of a relation must not be longer or shorter than
/// each other where the elements that both have can be equal: only chains differ in length, whose operations each have one number of
/// operands. And Cairo's cells, where a shorter tuple means just the zeros.
#[test]
fn tuples_of_a_relation_have_one_length() {
    let lanes = 8;
    let mut lengths: BTreeMap<u32, BTreeSet<usize>> = BTreeMap::new();
    let [_, width] = WIDTHS;
    let part = head::part(width);
    let wide = |component: &Component| match *component {
        Component::Embed { part: own, .. }
        | Component::EmbedPositions { part: own, .. }
        | Component::PositionTable { part: own }
        | Component::EmbeddingTable { part: own } => own == part,
        Component::Head { width: own, .. } => own == width,
        _ => true,
    };
    let mut parts = BTreeSet::new();
    for component in components().into_iter().filter(wide) {
        for tuple in recorded(component, lanes)
            .lookups
            .into_iter()
            .map(|l| l.tuple)
        {
            let relation = tuple[0].number().expect("the relation");
            lengths.entry(relation.0).or_default().insert(tuple.len());
            if relation == EMBEDDING {
                parts.extend(tuple[1].number().map(|part| part.0));
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
    assert_eq!(of(EMBEDDING), [3 + part]);
    assert_eq!(of(POSITIONS), [3 + part]);
    assert_eq!(of(ANGLES), [3 + 16]);
    // The head says the number of a part, an embedding has it as a constant.
    assert_eq!(parts, BTreeSet::from([0, 1, 2]));
    assert_eq!(of(FLAGS), [2 + lanes]);
    assert_eq!(of(FUNCTION), [4]);
    assert_eq!(of(COMPRESS), [1 + 8 + 16 + 8]);
    assert_eq!(of(RECORDS), [2 + 8]);
    assert_eq!(of(SCORES), [7 + qk::SHARED]);
    assert_eq!(of(GROUPS), [7 + attend::SHARED]);
    let known = [
        TENSOR, RANGE, LANES, OPCODES, ADDRESS, VALUE, CHAIN, EMBEDDING, FLAGS, FUNCTION, ANGLES,
        POSITIONS, COMPRESS, RECORDS, SCORES, GROUPS,
    ];
    let known = BTreeSet::from(known.map(|relation| relation.0));
    assert_eq!(lengths.into_keys().collect::<BTreeSet<_>>(), known);
}

/// Parts are eights of a tuple's length that divide all channels evenly.
#[test]
fn parts_are_even() {
    for (width, part) in [
        (8, 8),
        (16, 16),
        (120, 120),
        (128, 64),
        (136, 8),
        (576, 96),
        (768, 96),
    ] {
        assert_eq!(head::part(width), part, "{width}");
    }
}
