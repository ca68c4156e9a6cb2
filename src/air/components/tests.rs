//! What the library takes on trust of a component's definition: degrees, powers without values, tuples that cannot be
//! confused. The library checks none of it: a constraint of a higher degree would be one that no prover can meet.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Add, Mul, Neg, Sub};

use num_traits::{One, Zero};
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;

use super::relations::{ADDRESS, CHAIN, EMBEDDING, LANES, OPCODES, RANGE, TENSOR, VALUE};
use super::{Component, head};
use crate::air::challenges::Challenges;
use crate::air::row::Row;

/// What is known of a number without its value.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Known {
    /// In columns.
    degree: usize,
    /// Whether a value of the prover's choice is in it.
    chosen: bool,
    /// The number, if it is the same in all rows.
    fixed: Option<M31>,
}

impl Known {
    fn column(chosen: bool) -> Known {
        Known {
            degree: 1,
            chosen,
            fixed: None,
        }
    }

    fn with(self, other: Known, degree: usize) -> Known {
        Known {
            degree,
            chosen: self.chosen || other.chosen,
            fixed: None,
        }
    }
}

impl From<M31> for Known {
    fn from(value: M31) -> Known {
        Known {
            degree: 0,
            chosen: false,
            fixed: Some(value),
        }
    }
}

impl Add for Known {
    type Output = Known;
    fn add(self, other: Known) -> Known {
        self.with(other, self.degree.max(other.degree))
    }
}

impl Sub for Known {
    type Output = Known;
    #[expect(clippy::suspicious_arithmetic_impl, reason = "as a sum")]
    fn sub(self, other: Known) -> Known {
        self + other
    }
}

impl Mul for Known {
    type Output = Known;
    #[expect(clippy::suspicious_arithmetic_impl, reason = "degrees add up")]
    fn mul(self, other: Known) -> Known {
        self.with(other, self.degree + other.degree)
    }
}

impl Mul<M31> for Known {
    type Output = Known;
    fn mul(self, _: M31) -> Known {
        self.with(self, self.degree)
    }
}

impl Neg for Known {
    type Output = Known;
    fn neg(self) -> Known {
        self.with(self, self.degree)
    }
}

/// The same of a number in the field of the challenges.
#[derive(Clone, Copy, Debug)]
struct Wide(Known);

impl From<Known> for Wide {
    fn from(known: Known) -> Wide {
        Wide(known)
    }
}

impl From<QM31> for Wide {
    fn from(_: QM31) -> Wide {
        Wide::zero()
    }
}

impl Zero for Wide {
    fn zero() -> Wide {
        Wide(Known::from(M31::from(0)))
    }
    fn is_zero(&self) -> bool {
        false
    }
}

impl One for Wide {
    fn one() -> Wide {
        Wide::zero()
    }
}

impl Add for Wide {
    type Output = Wide;
    fn add(self, other: Wide) -> Wide {
        Wide(self.0 + other.0)
    }
}

impl Sub for Wide {
    type Output = Wide;
    fn sub(self, other: Wide) -> Wide {
        Wide(self.0 - other.0)
    }
}

impl Mul for Wide {
    type Output = Wide;
    fn mul(self, other: Wide) -> Wide {
        Wide(self.0 * other.0)
    }
}

impl Add<Known> for Wide {
    type Output = Wide;
    fn add(self, other: Known) -> Wide {
        Wide(self.0 + other)
    }
}

impl Mul<Known> for Wide {
    type Output = Wide;
    fn mul(self, other: Known) -> Wide {
        Wide(self.0 * other)
    }
}

impl Mul<QM31> for Wide {
    type Output = Wide;
    fn mul(self, _: QM31) -> Wide {
        Wide(-self.0)
    }
}

impl Neg for Wide {
    type Output = Wide;
    fn neg(self) -> Wide {
        Wide(-self.0)
    }
}

/// Asserts what [`Row`] asks of a definition, and keeps its tuples.
struct Rules {
    component: Component,
    tuples: Vec<Vec<Known>>,
    /// Highest degree of a constraint.
    highest: usize,
}

impl Rules {
    fn constraint(&mut self, degree: usize) {
        assert!(degree <= 3, "{:?}: degree {degree}", self.component);
        self.highest = self.highest.max(degree);
    }
}

impl Row for Rules {
    type F = Known;
    type EF = Wide;

    fn numbered_constant(&mut self, _: &'static str, _: usize) -> Known {
        Known::column(false)
    }

    fn value(&mut self) -> Known {
        Known::column(true)
    }

    fn value_with_previous(&mut self) -> [Known; 2] {
        [Known::column(true); 2]
    }

    fn power(&mut self, first: Known, factor: Wide) -> Wide {
        let Wide(factor) = factor;
        assert!(!first.chosen && !factor.chosen, "{:?}", self.component);
        self.constraint(first.degree.max(1 + factor.degree));
        Wide(Known::column(false))
    }

    fn zero(&mut self, number: Known) {
        self.constraint(number.degree);
    }

    fn uses(&mut self, on: Known, tuple: &[Known]) {
        // Two lookups share a column: numerators meet the other's denominator, the column both denominators.
        let of_tuple = tuple.iter().map(|element| element.degree).max();
        self.constraint(on.degree + 1);
        self.constraint(1 + 2 * of_tuple.expect("a tuple has elements"));
        self.tuples.push(tuple.to_vec());
    }

    fn sums(&mut self, term: Wide) {
        self.constraint(term.0.degree);
    }
}

/// Components as plans place them, with embeddings of one part and of three.
fn components() -> Vec<Component> {
    let mut all = vec![
        Component::Tensor,
        Component::Range,
        Component::Lanes,
        Component::Cells,
        Component::Product { block: 12 },
        Component::Round,
        Component::HeadInput,
        Component::Answer,
    ];
    all.extend([2, 3, 4, 9].map(|operands| Component::Call { operands }));
    for width in [16, 2 * head::PART + 8] {
        all.extend([Component::Embed { width }, Component::Head { width }]);
    }
    all
}

fn rules(component: Component, lanes: usize) -> Rules {
    let width = match component {
        Component::Head { width } => width,
        _ => 0,
    };
    let mut rules = Rules {
        component,
        tuples: vec![],
        highest: 0,
    };
    component.evaluate(lanes, &Challenges::without_values(width), &mut rules);
    rules
}

/// No constraint has a degree above 3, tuples are of degree 1, and powers are made of constants and challenges. The
/// sides have been counted right: several components have a constraint of exactly 3.
#[test]
fn degrees_and_powers() {
    for lanes in [8, 64] {
        let highest = components().into_iter().map(|c| rules(c, lanes).highest);
        assert!(highest.filter(|degree| *degree == 3).count() > 8);
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
        for tuple in rules(component, lanes).tuples {
            let relation = tuple[0].fixed.expect("the relation");
            lengths.entry(relation.0).or_default().insert(tuple.len());
            if relation == EMBEDDING {
                let part = tuple[1].fixed.expect("the part").0;
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
    let known = [
        TENSOR, RANGE, LANES, OPCODES, ADDRESS, VALUE, CHAIN, EMBEDDING,
    ];
    let known = BTreeSet::from(known.map(|relation| relation.0));
    assert_eq!(lengths.into_keys().collect::<BTreeSet<_>>(), known);
}
