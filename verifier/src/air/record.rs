//! A component's definition as expressions: recorded once, it can be measured, or replayed as the gates of a circuit.

use std::ops::{Add, Mul, Neg, Sub};
use std::rc::Rc;

use num_traits::Zero;
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;

use super::challenges::Challenges;
use super::components::Component;
use super::layout::Layout;
use super::row::{Row, column_name};

/// A number of a row, as what it is computed from.
#[derive(Clone, Debug)]
pub struct Expression {
    node: Rc<Node>,
    degree: usize,
}

/// How a number comes about.
#[derive(Debug)]
pub enum Node {
    Number(M31),
    /// A constant column.
    Constant(usize),
    /// A trace column.
    Value(usize),
    /// A power, in this row or in the previous one.
    Power {
        place: usize,
        previous: bool,
    },
    /// A weight, by its place in the order of [`Weights::map`](super::challenges::Weights::map).
    Weight(usize),
    Sum(Expression, Expression),
    Difference(Expression, Expression),
    Product(Expression, Expression),
}

impl Expression {
    fn of(node: Node) -> Expression {
        let degree = match &node {
            Node::Number(_) | Node::Weight(_) => 0,
            Node::Constant(_) | Node::Value(_) | Node::Power { .. } => 1,
            Node::Sum(a, b) | Node::Difference(a, b) => a.degree.max(b.degree),
            Node::Product(a, b) => a.degree + b.degree,
        };
        let node = Rc::new(node);
        Expression { node, degree }
    }

    /// How the number comes about.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The same for the same expression, whoever holds it.
    pub fn key(&self) -> *const Node {
        Rc::as_ptr(&self.node)
    }

    /// The number that it is in all rows, if it is written as one.
    pub fn number(&self) -> Option<M31> {
        match *self.node {
            Node::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The number in a row for given weights, of an expression without powers, which count as 0.
    pub fn weighed(
        &self,
        constants: &impl Fn(usize) -> M31,
        values: &impl Fn(usize) -> M31,
        weights: &[QM31],
    ) -> QM31 {
        let of = |expression: &Expression| expression.weighed(constants, values, weights);
        match self.node() {
            Node::Number(number) => (*number).into(),
            Node::Constant(i) => constants(*i).into(),
            Node::Value(i) => values(*i).into(),
            Node::Power { .. } => QM31::zero(),
            Node::Weight(i) => weights[*i],
            Node::Sum(a, b) => of(a) + of(b),
            Node::Difference(a, b) => of(a) - of(b),
            Node::Product(a, b) => of(a) * of(b),
        }
    }

    /// The number in a row, of an expression without powers and weights, which count as 0.
    pub fn in_row(&self, constants: &impl Fn(usize) -> M31, values: &impl Fn(usize) -> M31) -> M31 {
        let of = |expression: &Expression| expression.in_row(constants, values);
        match self.node() {
            Node::Number(number) => *number,
            Node::Constant(i) => constants(*i),
            Node::Value(i) => values(*i),
            Node::Weight(_) | Node::Power { .. } => M31::zero(),
            Node::Sum(a, b) => of(a) + of(b),
            Node::Difference(a, b) => of(a) - of(b),
            Node::Product(a, b) => of(a) * of(b),
        }
    }

    /// Whether no value of the prover's is in it but those of some trace columns.
    pub fn is_of_constants_and(&self, values: &[usize]) -> bool {
        match self.node() {
            Node::Number(_) | Node::Weight(_) | Node::Constant(_) => true,
            Node::Value(i) => values.contains(i),
            Node::Power { .. } => false,
            Node::Sum(a, b) | Node::Difference(a, b) | Node::Product(a, b) => {
                a.is_of_constants_and(values) && b.is_of_constants_and(values)
            }
        }
    }

    /// Degree in the columns.
    pub fn degree(&self) -> usize {
        self.degree
    }
}

impl From<M31> for Expression {
    fn from(number: M31) -> Self {
        Expression::of(Node::Number(number))
    }
}

impl Zero for Expression {
    fn zero() -> Self {
        M31::from(0).into()
    }

    fn is_zero(&self) -> bool {
        self.number() == Some(M31::from(0))
    }
}

impl Add for Expression {
    type Output = Expression;

    fn add(self, other: Expression) -> Expression {
        match (self.is_zero(), other.is_zero()) {
            (true, _) => other,
            (_, true) => self,
            _ => Expression::of(Node::Sum(self, other)),
        }
    }
}

impl Sub for Expression {
    type Output = Expression;

    fn sub(self, other: Expression) -> Expression {
        if other.is_zero() {
            self
        } else {
            Expression::of(Node::Difference(self, other))
        }
    }
}

impl Mul for Expression {
    type Output = Expression;

    fn mul(self, other: Expression) -> Expression {
        let one = Some(M31::from(1));
        if self.number() == one {
            other
        } else if other.number() == one {
            self
        } else {
            Expression::of(Node::Product(self, other))
        }
    }
}

impl Mul<M31> for Expression {
    type Output = Expression;

    fn mul(self, other: M31) -> Expression {
        self * Expression::from(other)
    }
}

impl Neg for Expression {
    type Output = Expression;

    fn neg(self) -> Expression {
        Expression::of(Node::Difference(Expression::zero(), self))
    }
}

/// A use of a tuple.
#[derive(Clone, Debug)]
pub struct Lookup {
    pub on: Expression,
    pub tuple: Vec<Expression>,
}

impl Lookup {
    /// The relation, which is the first element of each tuple.
    pub fn relation(&self) -> Option<M31> {
        self.tuple.first().and_then(Expression::number)
    }
}

/// What a definition says about a row.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// Names of the constant columns, in order.
    pub constants: Vec<String>,
    /// Number of trace columns.
    pub values: usize,
    /// Of each power: where it starts, and the factor of the previous row's.
    pub powers: Vec<[Expression; 2]>,
    /// What must be 0, the recurrences of powers included, in order.
    pub constraints: Vec<Expression>,
    pub lookups: Vec<Lookup>,
    /// What the row adds to the zero sum.
    pub term: Option<Expression>,
    component: String,
}

impl Row for Recorded {
    type F = Expression;
    type C = Expression;
    type EF = Expression;

    fn numbered_constant(&mut self, name: &'static str, number: usize) -> Expression {
        self.constants
            .push(column_name(&self.component, name, number));
        Expression::of(Node::Constant(self.constants.len() - 1))
    }

    fn value(&mut self) -> Expression {
        self.values += 1;
        Expression::of(Node::Value(self.values - 1))
    }

    fn power(&mut self, first: Expression, factor: Expression) -> Expression {
        let place = self.powers.len();
        self.powers.push([first.clone(), factor.clone()]);
        let [previous, own] =
            [true, false].map(|previous| Expression::of(Node::Power { place, previous }));
        self.constraints
            .push(own.clone() - (previous * factor + first));
        own
    }

    fn zero(&mut self, number: Expression) {
        self.constraints.push(number);
    }

    fn uses(&mut self, on: Expression, tuple: &[Expression]) {
        self.lookups.push(Lookup {
            on,
            tuple: tuple.to_vec(),
        });
    }

    fn sums(&mut self, term: Expression) {
        self.term = Some(match self.term.take() {
            Some(sum) => sum + term,
            None => term,
        });
    }
}

/// Records a component of a layout.
pub fn record(component: Component, layout: &Layout) -> Recorded {
    let mut placed = layout.components.iter();
    let size = placed.find(|placed| placed.component == component);
    let mut recorded = Recorded {
        component: component.columns_of(size.map_or(0, |placed| placed.log_rows)),
        ..Recorded::default()
    };
    let mut place = 0;
    let weights = Challenges::without_values(layout).weights.map(&mut |_| {
        place += 1;
        Expression::of(Node::Weight(place - 1))
    });
    component.evaluate(layout.lanes, &weights, &mut recorded);
    recorded
}
