//! What the circuits of a fold require of two proofs that verify, as equalities by name.
//!
//! Owns: what the circuit is told ([`Witness`]), the two nodes' joined span, and each [`Rule`]: without it some lie passes, of which
//! `tests/wrap_fold` has at least one for each.
//!
//! Absent on purpose: the proofs and their shapes; a way to leave a rule out. `fold` imposes all of them.

use circuits::blake::{HashValue, blake};
use circuits::context::{Context, Var};
use circuits::eval;
use circuits::ivalue::IValue;
use circuits::ops::Guess;
use num_traits::{One, Zero};
use stwo::core::fields::qm31::QM31;

use super::super::span::Span;
use super::{PAIR_ROOT, in_circuit};

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
    /// A fold of two leaves that are too large for the fold circuit.
    Pair,
    Fold,
}

impl Kind {
    /// The public value of a node that says `span`, under these roots of fold circuit and leaf.
    pub fn value(
        self,
        span: &Span<QM31>,
        fold: HashValue<QM31>,
        leaf: HashValue<QM31>,
    ) -> HashValue<QM31> {
        match self {
            Kind::Leaf => span.leaf_value(),
            Kind::Pair | Kind::Fold => span.fold_value(fold, leaf),
        }
    }
}

/// What a fold is told of a child, besides its proof.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Child {
    pub proven: Proven<QM31>,
    /// 0 for a leaf, 1 for a pair or a fold.
    pub folded: QM31,
    /// 1 for a pair, 0 for a fold; of no effect for a leaf.
    pub pair: QM31,
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
        let (zero, one) = (QM31::zero(), QM31::one());
        let (root, folded, pair) = match kind {
            Kind::Leaf => (leaf, zero, zero),
            Kind::Pair => (in_circuit(PAIR_ROOT), one, one),
            Kind::Fold => (fold, one, zero),
        };
        let value = kind.value(&span, fold, leaf);
        Child {
            proven: Proven { root, value },
            folded,
            pair,
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

/// Joins what two proofs are of in the fold circuit: of leaves, pairs and folds. The caller imposes the rules.
pub fn join<Value: IValue>(
    context: &mut Context<Value>,
    witness: &Witness,
    proven: [Proven<Var>; 2],
) -> Joined {
    const NAMES: [[&str; 4]; 2] = [
        [
            "left is folded",
            "left is a pair",
            "left root",
            "left value",
        ],
        [
            "right is folded",
            "right is a pair",
            "right root",
            "right value",
        ],
    ];
    let mut nodes = Nodes::new(context, witness);
    let HashValue(a, b) = in_circuit(PAIR_ROOT);
    let of_pairs = HashValue(context.constant(a), context.constant(b));
    let spans = std::array::from_fn(|i| {
        let (child, [is_folded, is_pair, root, value]) = (witness.children[i], NAMES[i]);
        let span = child.span.map(|part| wires(context, part));
        let folded = nodes.rules.bit(context, is_folded, child.folded);
        let pair = nodes.rules.bit(context, is_pair, child.pair);
        // A + pair (B − A), and L + folded (that − L): each of the four cases is one of the three roots.
        let of_fold = select(context, pair, nodes.fold, of_pairs);
        let expected = select(context, folded, nodes.leaf, of_fold);
        nodes.rules.equal(root, proven[i].root, expected);
        // H(C, F, G) + folded (H(A, L, C, F, G) − H(C, F, G))
        let of_leaf = hash(context, &span.of_leaf());
        let of_fold = hash(context, &span.of_fold(nodes.fold, nodes.leaf));
        let expected = select(context, folded, of_leaf, of_fold);
        nodes.rules.equal(value, proven[i].value, expected);
        span
    });
    nodes.joined(context, spans)
}

/// The same in the circuit of pairs: of leaves. The root of the fold circuit is passed on, and compared by whoever takes the pair.
pub fn join_leaves<Value: IValue>(
    context: &mut Context<Value>,
    witness: &Witness,
    proven: [Proven<Var>; 2],
) -> Joined {
    const NAMES: [[&str; 2]; 2] = [["left root", "left value"], ["right root", "right value"]];
    let mut nodes = Nodes::new(context, witness);
    let spans = std::array::from_fn(|i| {
        let (child, [root, value]) = (witness.children[i], NAMES[i]);
        let span = child.span.map(|part| wires(context, part));
        nodes.rules.equal(root, proven[i].root, nodes.leaf);
        let expected = hash(context, &span.of_leaf());
        nodes.rules.equal(value, proven[i].value, expected);
        span
    });
    nodes.joined(context, spans)
}

/// What both circuits have in common.
struct Nodes {
    fold: HashValue<Var>,
    leaf: HashValue<Var>,
    single: Var,
    rules: Rules,
}

impl Nodes {
    fn new<Value: IValue>(context: &mut Context<Value>, witness: &Witness) -> Nodes {
        let mut rules = Rules::default();
        Nodes {
            fold: wires(context, witness.fold),
            leaf: wires(context, witness.leaf),
            single: rules.bit(context, "single", witness.single),
            rules,
        }
    }

    /// One span for two that follow each other, or the left one. With `single` the left one is compared with itself.
    fn joined(
        mut self,
        context: &mut Context<impl IValue>,
        [left, right]: [Span<Var>; 2],
    ) -> Joined {
        let common = select(context, self.single, right.common, left.common);
        self.rules.equal("common part", left.common, common);
        let next = select(context, self.single, right.first, left.last);
        self.rules.equal("frontiers meet", left.last, next);
        let span = Span {
            last: select(context, self.single, right.last, left.last),
            ..left
        };
        Joined {
            value: hash(context, &span.of_fold(self.fold, self.leaf)),
            rules: self.rules.0,
        }
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
