//! What is drawn after the trace is committed, and what it weighs.

use cairo_air::relations::CommonLookupElements;
use stwo::core::channel::Channel as _;
use stwo::core::fields::qm31::{QM31, SecureField};

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
}

/// Number of kinds.
const KINDS: usize = 3;

/// Challenges of tensor components, beside the lookup elements.
#[derive(Clone, Debug)]
pub struct Challenges {
    pub elements: CommonLookupElements,
    /// Its powers weigh the outputs of products.
    pub beta: SecureField,
    /// Its powers weigh lanes.
    pub rho: SecureField,
    kappa: [SecureField; KINDS],
    /// Its powers, from the first on, weigh the head's messages. Drawn after the messages.
    pub tau: SecureField,
    /// The head's messages: for each input channel `j` what the prover says that `Σ_t ρ^t x_jt` is.
    pub messages: Vec<SecureField>,
}

impl Challenges {
    /// Draws the lookup elements, and for a proof with tensor components the others. `τ` is 0 until
    /// [`bind`](Self::bind).
    pub fn draw(channel: &mut Channel, tensors: bool) -> Challenges {
        let elements = CommonLookupElements::draw(channel);
        let mut drawn = Challenges {
            elements,
            ..Challenges::without_values(0)
        };
        if tensors {
            drawn.beta = channel.draw_secure_felt();
            drawn.rho = channel.draw_secure_felt();
            drawn.kappa = std::array::from_fn(|_| channel.draw_secure_felt());
        }
        drawn
    }

    /// For what does not depend on values: a component's columns.
    pub fn without_values(messages: usize) -> Challenges {
        Challenges {
            elements: CommonLookupElements::dummy(),
            beta: QM31::default(),
            rho: QM31::default(),
            kappa: [QM31::default(); KINDS],
            tau: QM31::default(),
            messages: vec![QM31::default(); messages],
        }
    }

    /// Mixes the head's messages in, and draws `τ`.
    pub fn bind(&mut self, messages: Vec<SecureField>, channel: &mut Channel) {
        channel.mix_felts(&messages);
        self.messages = messages;
        self.tau = channel.draw_secure_felt();
    }

    /// The factor of a kind of sums.
    pub fn kappa(&self, kind: Kind) -> SecureField {
        self.kappa[kind as usize]
    }

    /// What the messages take from the zero sum: `Σ_j τ^(j+1) X_j`.
    pub fn messages_sum(&self) -> SecureField {
        let horner = |sum, message: &SecureField| (sum + *message) * self.tau;
        self.messages.iter().rev().fold(QM31::default(), horner)
    }

    /// `Σ_t ρ^t v_t`.
    pub fn over_lanes<F, EF>(&self, values: &[F]) -> EF
    where
        F: super::row::Base,
        EF: super::row::Extension<F>,
    {
        weighted(values, self.rho)
    }
}

/// `Σ_i x^i v_i`.
pub fn weighted<F, EF>(values: &[F], x: SecureField) -> EF
where
    F: super::row::Base,
    EF: super::row::Extension<F>,
{
    let mut power = QM31::from(stwo::core::fields::m31::M31::from(1));
    let mut sum = EF::zero();
    for value in values {
        sum = sum + EF::from(value.clone()) * power;
        power *= x;
    }
    sum
}
