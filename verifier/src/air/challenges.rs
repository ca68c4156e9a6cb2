//! What is drawn after the trace is committed, and what it weighs.

use cairo_air::relations::CommonLookupElements;
use stwo::core::channel::Channel as _;
use stwo::core::fields::FieldExpOps;
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::{QM31, SecureField};

use super::layout::Layout;
use super::transcript::Channel;

/// The kinds of sums that must each be zero alone: each has a factor `κ` of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Products of matrices against their roundings.
    Matrix,
    /// Logits against the distances to their maximum.
    Logits,
    /// The chosen token.
    Token,
    /// Squares of a norm's channels.
    NormSquares,
    /// The tops of these squares.
    NormTops,
    /// What the squares have more in the unit of half the size.
    NormSteps,
    /// A norm's channels in its unit.
    NormValues,
    /// What the unit leaves of them.
    NormRests,
    /// Queries times keys against the distances to their maximum.
    Scores,
    /// Weights times values against their roundings.
    Mixing,
    /// Weights of all keys of a head against their sum.
    Sums,
    /// Keys at which a head's maximum is attained.
    Maxima,
}

/// Number of kinds.
const KINDS: usize = 12;

/// What components weigh with: numbers, or in a circuit wires.
#[derive(Clone, Debug)]
pub struct Weights<C> {
    /// `β^0 … β^k`, with `k` the outputs of a block: they weigh the outputs of products.
    pub beta: Vec<C>,
    /// `β^start` of each component that takes outputs from a number `start` on.
    starts: Vec<(u32, C)>,
    /// `ρ^0 … ρ^(L−1)`: they weigh lanes.
    pub rho: Vec<C>,
    /// `θ^0 … θ^L`: they weigh the lanes of norms, and the last one steps from norm to norm.
    pub theta: Vec<C>,
    /// `σ^0 … σ^L`: they weigh keys.
    pub sigma: Vec<C>,
    /// `δ^0 … δ^head_dim`: they weigh the channels of heads of attention.
    pub delta: Vec<C>,
    /// By [`Kind`]: what keeps the kinds apart.
    pub kappa: [C; KINDS],
    /// Its powers, from the first on, weigh the head's messages. Drawn after them.
    pub tau: C,
    /// The head's messages: for each input channel `j` what the prover says that `Σ_t ρ^t x_jt` is.
    pub messages: Vec<C>,
}

impl<C> Weights<C> {
    /// The same with other numbers.
    pub fn map<D>(&self, of: &mut impl FnMut(&C) -> D) -> Weights<D> {
        Weights {
            beta: self.beta.iter().map(&mut *of).collect(),
            starts: self
                .starts
                .iter()
                .map(|(start, power)| (*start, of(power)))
                .collect(),
            rho: self.rho.iter().map(&mut *of).collect(),
            theta: self.theta.iter().map(&mut *of).collect(),
            sigma: self.sigma.iter().map(&mut *of).collect(),
            delta: self.delta.iter().map(&mut *of).collect(),
            kappa: std::array::from_fn(|i| of(&self.kappa[i])),
            tau: of(&self.tau),
            messages: self.messages.iter().map(of).collect(),
        }
    }

    /// `β^start`.
    ///
    /// # Panics
    /// No component of the layout has that start.
    #[allow(
        clippy::expect_used,
        reason = "weights and components are of one layout"
    )]
    pub fn start(&self, start: u32) -> &C {
        let found = self.starts.iter().find(|(of, _)| *of == start);
        &found.expect("a start of the layout").1
    }

    /// The factor of a kind of sums.
    pub fn kappa(&self, kind: Kind) -> &C {
        &self.kappa[kind as usize]
    }
}

impl Weights<SecureField> {
    /// All zero: for what does not depend on values.
    fn without_values(layout: &Layout) -> Self {
        let zero = QM31::default();
        Weights {
            beta: vec![zero; layout.betas()],
            starts: layout.starts().map(|start| (start, zero)).collect(),
            rho: vec![zero; layout.lanes],
            theta: vec![zero; layout.lanes + 1],
            sigma: vec![zero; layout.lanes + 1],
            delta: vec![zero; layout.deltas()],
            kappa: [zero; KINDS],
            tau: zero,
            messages: vec![zero; layout.messages],
        }
    }
}

/// Challenges of a proof.
#[derive(Clone, Debug)]
pub struct Challenges {
    pub elements: CommonLookupElements,
    pub weights: Weights<SecureField>,
}

impl Challenges {
    /// Draws the lookup elements, and then the others. `τ` is 0 until [`bind`](Self::bind).
    pub fn draw(channel: &mut Channel, layout: &Layout) -> Challenges {
        let elements = CommonLookupElements::draw(channel);
        let [beta, rho, theta, sigma, delta] = [0; 5].map(|_| channel.draw_secure_felt());
        let weights = Weights {
            beta: powers(beta, layout.betas()),
            starts: layout
                .starts()
                .map(|start| (start, beta.pow(start.into())))
                .collect(),
            rho: powers(rho, layout.lanes),
            theta: powers(theta, layout.lanes + 1),
            sigma: powers(sigma, layout.lanes + 1),
            delta: powers(delta, layout.deltas()),
            kappa: std::array::from_fn(|_| channel.draw_secure_felt()),
            tau: QM31::default(),
            messages: vec![],
        };
        Challenges { elements, weights }
    }

    /// For what does not depend on values: a component's columns.
    pub fn without_values(layout: &Layout) -> Challenges {
        Challenges {
            elements: CommonLookupElements::dummy(),
            weights: Weights::without_values(layout),
        }
    }

    /// Mixes the head's messages in, and draws `τ`.
    pub fn bind(&mut self, messages: Vec<SecureField>, channel: &mut Channel) {
        channel.mix_felts(&messages);
        self.weights.messages = messages;
        self.weights.tau = channel.draw_secure_felt();
    }

    /// What the messages take from the zero sum: `Σ_j τ^(j+1) X_j`.
    pub fn messages_sum(&self) -> SecureField {
        let messages = self.weights.messages.iter().rev();
        messages.fold(QM31::default(), |sum, message| {
            (sum + *message) * self.weights.tau
        })
    }
}

/// `x^0 … x^(count−1)`.
fn powers(x: SecureField, count: usize) -> Vec<SecureField> {
    let one = QM31::from(M31::from(1));
    std::iter::successors(Some(one), |power| Some(*power * x))
        .take(count)
        .collect()
}
