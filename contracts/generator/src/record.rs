//! Records constraints as a graph: an evaluator of the constraint framework whose values are nodes.
//!
//! The components are the prover's own; what they compute with is here. Equal nodes are one node, and
//! constants are folded, so the graph is small and the same on every run.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub};

use num_traits::{One, Zero};
use stwo::core::Fraction;
use stwo::core::fields::FieldExpOps;
use stwo::core::fields::m31::BaseField;
use stwo::core::fields::qm31::{SECURE_EXTENSION_DEGREE, SecureField};
use stwo_constraint_framework::preprocessed_columns::PreProcessedColumnId;
use stwo_constraint_framework::{EvalAtRow, INTERACTION_TRACE_IDX};

/// One operation of the graph. Operands are places of earlier operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    Constant([u32; 4]),
    /// A sampled value, by its place among all of them.
    Sample(usize),
    /// The k-th power of the lookups' α.
    Alpha(usize),
    /// The lookups' z.
    Z,
    /// A component's claimed sum divided by its number of rows.
    Shift(usize),
    /// The secure value of four coordinate columns, from the place of the first sample and the distance
    /// between the samples.
    Combine(usize, usize),
    Add(usize, usize),
    Sub(usize, usize),
    Mul(usize, usize),
}

#[derive(Default)]
struct Graph {
    ops: Vec<Op>,
    places: HashMap<Op, usize>,
}

thread_local! {
    static GRAPH: RefCell<Graph> = RefCell::default();
}

fn op(op: Op) -> Node {
    GRAPH.with_borrow_mut(|graph| {
        let next = graph.ops.len();
        let place = *graph.places.entry(op).or_insert(next);
        if place == next {
            graph.ops.push(op);
        }
        Node(place)
    })
}

fn get(node: Node) -> Op {
    GRAPH.with_borrow(|graph| graph.ops[node.0])
}

/// Takes the recorded operations.
pub fn take() -> Vec<Op> {
    GRAPH.with_borrow_mut(|graph| std::mem::take(graph).ops)
}

/// A value: the place of the operation that makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node(pub usize);

thread_local! {
    /// The numbers that stand for the lookups' z and powers of α while components are recorded.
    static SYMBOLS: RefCell<HashMap<[u32; 4], Op>> = RefCell::default();
}

fn words(x: SecureField) -> [u32; 4] {
    x.to_m31_array().map(|x| x.0)
}

/// Lets a number stand for a challenge.
pub fn stands_for(x: SecureField, symbol: Op) {
    SYMBOLS.with_borrow_mut(|symbols| symbols.insert(words(x), symbol));
}

fn constant(x: SecureField) -> Node {
    let symbol = SYMBOLS.with_borrow(|symbols| symbols.get(&words(x)).copied());
    op(symbol.unwrap_or(Op::Constant(words(x))))
}

fn value(node: Node) -> Option<SecureField> {
    match get(node) {
        Op::Constant(w) => Some(SecureField::from_u32_unchecked(w[0], w[1], w[2], w[3])),
        _ => None,
    }
}

impl Add for Node {
    type Output = Node;
    fn add(self, other: Node) -> Node {
        match (value(self), value(other)) {
            (Some(x), Some(y)) => constant(x + y),
            (Some(x), None) if x.is_zero() => other,
            (None, Some(y)) if y.is_zero() => self,
            _ => op(Op::Add(self.0.min(other.0), self.0.max(other.0))),
        }
    }
}

impl Sub for Node {
    type Output = Node;
    fn sub(self, other: Node) -> Node {
        match (value(self), value(other)) {
            (Some(x), Some(y)) => constant(x - y),
            (None, Some(y)) if y.is_zero() => self,
            _ => op(Op::Sub(self.0, other.0)),
        }
    }
}

impl Mul for Node {
    type Output = Node;
    fn mul(self, other: Node) -> Node {
        let zero = || constant(SecureField::zero());
        match (value(self), value(other)) {
            (Some(x), Some(y)) => constant(x * y),
            (Some(x), None) if x.is_zero() => zero(),
            (None, Some(y)) if y.is_zero() => zero(),
            (Some(x), None) if x.is_one() => other,
            (None, Some(y)) if y.is_one() => self,
            _ => op(Op::Mul(self.0.min(other.0), self.0.max(other.0))),
        }
    }
}

impl Neg for Node {
    type Output = Node;
    fn neg(self) -> Node {
        constant(SecureField::zero()) - self
    }
}

impl AddAssign for Node {
    fn add_assign(&mut self, other: Node) {
        *self = *self + other;
    }
}

impl MulAssign for Node {
    fn mul_assign(&mut self, other: Node) {
        *self = *self * other;
    }
}

impl From<BaseField> for Node {
    fn from(x: BaseField) -> Node {
        constant(x.into())
    }
}

impl From<SecureField> for Node {
    fn from(x: SecureField) -> Node {
        constant(x)
    }
}

macro_rules! with_constants {
    ($($field:ty),*) => {$(
        impl Add<$field> for Node {
            type Output = Node;
            fn add(self, x: $field) -> Node {
                self + Node::from(x)
            }
        }
        impl Sub<$field> for Node {
            type Output = Node;
            fn sub(self, x: $field) -> Node {
                self - Node::from(x)
            }
        }
        impl Mul<$field> for Node {
            type Output = Node;
            fn mul(self, x: $field) -> Node {
                self * Node::from(x)
            }
        }
        impl AddAssign<$field> for Node {
            fn add_assign(&mut self, x: $field) {
                *self = *self + Node::from(x);
            }
        }
    )*};
}
with_constants!(BaseField, SecureField);

impl Zero for Node {
    fn zero() -> Node {
        constant(SecureField::zero())
    }
    fn is_zero(&self) -> bool {
        value(*self).is_some_and(|x| x.is_zero())
    }
}

impl One for Node {
    fn one() -> Node {
        constant(SecureField::one())
    }
}

impl FieldExpOps for Node {
    fn inverse(&self) -> Node {
        panic!("constraints are polynomials")
    }
}

/// Where a component's values are among all sampled values.
pub struct Mask<'a> {
    /// Place of a fixed column by its name.
    pub fixed: &'a HashMap<String, usize>,
    /// Places of the next trace and interaction samples.
    pub next: [usize; 2],
}

/// Evaluates one component.
pub struct Recorder<'a> {
    pub mask: Mask<'a>,
    pub component: usize,
    pub constraints: Vec<Node>,
    fractions: Vec<Fraction<Node, Node>>,
}

impl<'a> Recorder<'a> {
    pub fn new(mask: Mask<'a>, component: usize) -> Recorder<'a> {
        Recorder {
            mask,
            component,
            constraints: vec![],
            fractions: vec![],
        }
    }

    /// Whether every fraction is in a running sum.
    pub fn is_finished(&self) -> bool {
        self.fractions.is_empty()
    }

    fn take<const N: usize>(&mut self, tree: usize) -> [usize; N] {
        let next = &mut self.mask.next[tree - 1];
        let first = *next;
        *next += N;
        std::array::from_fn(|i| first + i)
    }

    /// The secure values of four columns: one for each of `N` rows.
    fn next_secure<const N: usize>(&mut self) -> [Node; N] {
        let first: [[usize; N]; SECURE_EXTENSION_DEGREE] =
            std::array::from_fn(|_| self.take(INTERACTION_TRACE_IDX));
        std::array::from_fn(|row| op(Op::Combine(first[0][row], N)))
    }
}

impl EvalAtRow for Recorder<'_> {
    type F = Node;
    type EF = Node;

    fn get_preprocessed_column(&mut self, column: PreProcessedColumnId) -> Node {
        op(Op::Sample(self.mask.fixed[&column.id]))
    }

    fn next_interaction_mask<const N: usize>(
        &mut self,
        interaction: usize,
        offsets: [isize; N],
    ) -> [Node; N] {
        assert_eq!(offsets, [0; N], "only running sums look at other rows");
        self.take::<N>(interaction).map(|i| op(Op::Sample(i)))
    }

    fn add_constraint<G>(&mut self, constraint: G)
    where
        Node: Mul<G, Output = Node> + From<G>,
    {
        self.constraints.push(Node::from(constraint));
    }

    fn combine_ef(_values: [Node; SECURE_EXTENSION_DEGREE]) -> Node {
        panic!("only running sums are secure columns")
    }

    fn write_logup_frac(&mut self, fraction: Fraction<Node, Node>) {
        self.fractions.push(fraction);
    }

    fn finalize_logup(&mut self) {
        self.finish(1);
    }

    fn finalize_logup_in_pairs(&mut self) {
        self.finish(2);
    }
}

impl Recorder<'_> {
    /// The constraints of the running sums, `batch` fractions to a column, as the framework's evaluators
    /// make them: every column adds its fractions to the column before it; the last one adds up over the
    /// rows, shifted so that all rows together give zero.
    fn finish(&mut self, batch: usize) {
        let fractions = std::mem::take(&mut self.fractions);
        let sums: Vec<Fraction<Node, Node>> = fractions
            .chunks(batch)
            .map(|batch| {
                let mut sum = Fraction::new(batch[0].numerator, batch[0].denominator);
                for next in &batch[1..] {
                    sum = Fraction::new(
                        sum.numerator * next.denominator + next.numerator * sum.denominator,
                        sum.denominator * next.denominator,
                    );
                }
                sum
            })
            .collect();
        let mut before = Node::zero();
        for (i, sum) in sums.iter().enumerate() {
            let difference = if i + 1 < sums.len() {
                let [current] = self.next_secure::<1>();
                let difference = current - before;
                before = current;
                difference
            } else {
                let [previous, current] = self.next_secure::<2>();
                current - previous - before + op(Op::Shift(self.component))
            };
            self.constraints
                .push(difference * sum.denominator - sum.numerator);
        }
    }
}
