//! What a fold requires of two proofs that verify, as equalities by name.
//!
//! Owns: what the circuit is told ([`Witness`]), the two nodes' joined span, and each [`Rule`]: without it some lie passes, of which
//! `tests/wrap_fold` has at least one for each.
//!
//! Absent on purpose: the proofs; a way to leave a rule out. `fold` imposes all of them.

use circuits::blake::{HashValue, blake};
use circuits::context::{Context, Var};
use circuits::eval;
use circuits::ivalue::IValue;
use circuits::ops::Guess;
use num_traits::{One, Zero};
use stwo::core::fields::qm31::QM31;

use super::super::span::Span;

/// Which circuit a proof is of, and its public value. `T` is a value or a wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proven<T> {
    pub root: HashValue<T>,
    pub value: HashValue<T>,
}

/// What a node's proof is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Leaf,
    Fold,
}

/// What a fold is told of a child, besides its proof.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Child {
    pub proven: Proven<QM31>,
    /// 0 for a leaf, 1 for a fold.
    pub kind: QM31,
    pub span: Span<QM31>,
}

impl Child {
    /// A node that says `span`, under these roots of fold circuit and leaf.
    pub fn new(
        kind: Kind,
        span: Span<QM31>,
        fold: HashValue<QM31>,
        leaf: HashValue<QM31>,
    ) -> Child {
        let (root, value, kind) = match kind {
            Kind::Leaf => (leaf, span.leaf_value(), QM31::zero()),
            Kind::Fold => (fold, span.fold_value(fold, leaf), QM31::one()),
        };
        Child {
            proven: Proven { root, value },
            kind,
            span,
        }
    }
}

/// What a fold is told, besides proofs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Witness {
    /// Root of the fold circuit.
    pub fold: HashValue<QM31>,
    /// Root of the model's leaf.
    pub leaf: HashValue<QM31>,
    /// 1 where the right child is not looked at, 0 otherwise.
    pub single: QM31,
    pub children: [Child; 2],
}

/// Two wires that have to be equal, and what for.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub name: &'static str,
    pub left: Var,
    pub right: Var,
}

/// What [`join`] adds to a circuit.
pub struct Joined {
    /// The fold's public value.
    pub value: HashValue<Var>,
    /// What has to hold for that.
    pub rules: Vec<Rule>,
}

/// Names of a child's rules.
const CHILD_RULES: [[&str; 3]; 2] = [
    ["left kind", "left root", "left value"],
    ["right kind", "right root", "right value"],
];

/// Joins what two proofs are of. The caller imposes the rules.
pub fn join<Value: IValue>(
    context: &mut Context<Value>,
    witness: &Witness,
    proven: [Proven<Var>; 2],
) -> Joined {
    let mut rules = Rules::default();
    let fold = wires(context, witness.fold);
    let leaf = wires(context, witness.leaf);
    let single = rules.bit(context, "single", witness.single);
    let spans: [Span<Var>; 2] = std::array::from_fn(|i| {
        let Child { kind, span, .. } = witness.children[i];
        let [kind_rule, root_rule, value_rule] = CHILD_RULES[i];
        let span = Span {
            common: wires(context, span.common),
            first: wires(context, span.first),
            last: wires(context, span.last),
        };
        let kind = rules.bit(context, kind_rule, kind);
        // root = L + kind (A − L)
        let root = select(context, kind, leaf, fold);
        rules.equal(root_rule, proven[i].root, root);
        // value = H(C, F, G) + kind (H(A, L, C, F, G) − H(C, F, G))
        let of_leaf = hash(context, &span.of_leaf());
        let of_fold = hash(context, &span.of_fold(fold, leaf));
        let value = select(context, kind, of_leaf, of_fold);
        rules.equal(value_rule, proven[i].value, value);
        span
    });
    let [left, right] = spans;
    // With `single`, left is compared with itself: C = C and G = G.
    let common = select(context, single, right.common, left.common);
    rules.equal("common part", left.common, common);
    let next = select(context, single, right.first, left.last);
    rules.equal("frontiers meet", left.last, next);
    let joined = Span {
        last: select(context, single, right.last, left.last),
        ..left
    };
    Joined {
        value: hash(context, &joined.of_fold(fold, leaf)),
        rules: rules.0,
    }
}

#[derive(Default)]
struct Rules(Vec<Rule>);

impl Rules {
    fn equal(&mut self, name: &'static str, left: HashValue<Var>, right: HashValue<Var>) {
        for (left, right) in [(left.0, right.0), (left.1, right.1)] {
            self.0.push(Rule { name, left, right });
        }
    }

    /// A wire that is 0 or 1: a field has no other elements that are their own squares.
    fn bit<Value: IValue>(
        &mut self,
        context: &mut Context<Value>,
        name: &'static str,
        value: QM31,
    ) -> Var {
        let bit = Value::from_qm31(value).guess(context);
        let right = eval!(context, (bit) * (bit));
        self.0.push(Rule {
            name,
            left: bit,
            right,
        });
        bit
    }
}

fn wires<Value: IValue>(context: &mut Context<Value>, hash: HashValue<QM31>) -> HashValue<Var> {
    HashValue(Value::from_qm31(hash.0), Value::from_qm31(hash.1)).guess(context)
}

fn hash<Value: IValue>(context: &mut Context<Value>, preimage: &[Var]) -> HashValue<Var> {
    blake(context, preimage, 16 * preimage.len())
}

/// `zero` where the bit is 0, and `one` where it is 1.
fn select(
    context: &mut Context<impl IValue>,
    bit: Var,
    zero: HashValue<Var>,
    one: HashValue<Var>,
) -> HashValue<Var> {
    let mut part = |zero, one| eval!(context, (zero) + ((bit) * ((one) - (zero))));
    HashValue(part(zero.0, one.0), part(zero.1, one.1))
}
