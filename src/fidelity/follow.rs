//! How well the integer model follows the float model, teacher-forced over held-out text.

use serde::Serialize;

use super::FidelityError;
use super::documents::{Documents, TextError};
use super::readable::in_json;

/// Anything that gives real logits, token by token.
pub trait Follower {
    /// Forgets all carried positions.
    fn restart(&mut self);
    /// Takes in `token` at the next position and returns the logits of what follows.
    ///
    /// # Errors
    /// A value that no proof can have; the document has no further logits then.
    fn logits(&mut self, token: u32) -> Result<Vec<f64>, NoProof>;

    /// Takes in tokens at the next positions and returns the logits behind each, up to the first that no proof can have.
    fn block(&mut self, tokens: &[u32]) -> (Vec<Vec<f64>>, Option<NoProof>) {
        let mut all = vec![];
        for &token in tokens {
            match self.logits(token) {
                Ok(logits) => all.push(logits),
                Err(stop) => return (all, Some(stop)),
            }
        }
        (all, None)
    }
}

/// A value of an integer model that no proof can have, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoProof(pub String);

/// The comparison. Every count and mean is over predicted tokens: each token of a document but its first. In JSON a
/// number that is not finite is a word.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FidelityReport {
    pub documents: usize,
    pub tokens: usize,
    /// Share of positions where both models put the same token first.
    pub top1_agreement: f64,
    /// Mean KL divergence of the integer model's distribution from the float model's, in nats.
    #[serde(serialize_with = "in_json")]
    pub kl_divergence: f64,
    #[serde(serialize_with = "in_json")]
    pub perplexity_float: f64,
    #[serde(serialize_with = "in_json")]
    pub perplexity_int: f64,
    /// `perplexity_int / perplexity_float`.
    #[serde(serialize_with = "in_json")]
    pub perplexity_ratio: f64,
    /// Root of the mean square difference of the logits, each model's mean logit removed.
    #[serde(serialize_with = "in_json")]
    pub logit_rmse: f64,
    /// Documents in which the integer model stops before the end. The tokens before that are counted.
    pub stops: Vec<Stop>,
}

/// Where the integer model has a value that no proof can have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stop {
    /// Number of the document, from 1.
    pub document: usize,
    /// Number of the token in it, from 1.
    pub token: usize,
    pub problem: String,
}

/// Runs a float model and what follows it over `documents` up to a context.
///
/// # Errors
/// Documents in which nothing is predicted, float logits that are not finite, or a follower of another model.
pub fn follow(
    float: &mut dyn Follower,
    context: usize,
    follower: &mut dyn Follower,
    documents: &Documents,
) -> Result<FidelityReport, FidelityError> {
    let mut sums = Sums::default();
    for (document, tokens) in (1..).zip(documents.iter()) {
        float.restart();
        follower.restart();
        sums.documents += 1;
        // The last token has no successor that could be predicted.
        let given = tokens.len().saturating_sub(1).min(context);
        let mut start = 0;
        while start < given {
            let end = given.min(start + BLOCK);
            let tokens = (&tokens[start..end], &tokens[start + 1..=end]);
            let stopped = sums.block(float, follower, tokens, (document, start + 1))?;
            start = if stopped { given } else { end };
        }
    }
    match sums.tokens == 0 && sums.stops.is_empty() {
        true => Err(TextError::TooShort.into()),
        false => Ok(sums.report()),
    }
}

/// Positions that are compared together.
const BLOCK: usize = 64;

#[derive(Default)]
struct Sums {
    documents: usize,
    tokens: usize,
    agreed: usize,
    divergence: f64,
    loss_float: f64,
    loss_int: f64,
    square_error: f64,
    stops: Vec<Stop>,
}

impl Sums {
    /// Compares both models over tokens and their successors, the first of which has this place. True if the follower stopped.
    fn block(
        &mut self,
        float: &mut dyn Follower,
        follower: &mut dyn Follower,
        (given, next): (&[u32], &[u32]),
        (document, first): (usize, usize),
    ) -> Result<bool, FidelityError> {
        let (expected, _) = float.block(given);
        let (found, stop) = follower.block(given);
        for (place, token) in (first..).zip(0..given.len()) {
            let expected = expected.get(token).filter(|logits| is_finite(logits));
            let Some(expected) = expected else {
                let token = place;
                return Err(FidelityError::LogitsNotFinite { document, token });
            };
            let Some(found) = found.get(token) else {
                self.stops.push(Stop {
                    document,
                    token: place,
                    problem: stop.map_or_else(String::new, |NoProof(problem)| problem),
                });
                return Ok(true);
            };
            if found.len() != expected.len() {
                return Err(FidelityError::Logits {
                    found: found.len(),
                    expected: expected.len(),
                });
            }
            self.add(expected, found, next[token] as usize);
        }
        Ok(false)
    }

    fn add(&mut self, float: &[f64], int: &[f64], target: usize) {
        let (p, q) = (log_softmax(float), log_softmax(int));
        self.tokens += 1;
        self.agreed += usize::from(first_largest(float) == first_largest(int));
        self.divergence += apart(&p, &q);
        self.loss_float -= p[target];
        self.loss_int -= q[target];
        let shift = mean(int) - mean(float);
        let squares = float.iter().zip(int).map(|(f, i)| (i - f - shift).powi(2));
        self.square_error += squares.sum::<f64>() / float.len() as f64;
    }

    fn report(self) -> FidelityReport {
        let count = self.tokens.max(1) as f64;
        FidelityReport {
            documents: self.documents,
            tokens: self.tokens,
            top1_agreement: self.agreed as f64 / count,
            kl_divergence: self.divergence / count,
            perplexity_float: (self.loss_float / count).exp(),
            perplexity_int: (self.loss_int / count).exp(),
            perplexity_ratio: ((self.loss_int - self.loss_float) / count).exp(),
            logit_rmse: (self.square_error / count).sqrt(),
            stops: self.stops,
        }
    }
}

fn is_finite(logits: &[f64]) -> bool {
    logits.iter().all(|logit| logit.is_finite())
}

/// KL divergence of the distribution of some logits from that of a float model's, in nats.
pub fn divergence(float: &[f64], logits: &[f64]) -> f64 {
    apart(&log_softmax(float), &log_softmax(logits))
}

/// The same of logarithms of probabilities.
fn apart(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| p.exp() * (p - q)).sum()
}

fn log_softmax(logits: &[f64]) -> Vec<f64> {
    let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total = logits
        .iter()
        .map(|logit| (logit - max).exp())
        .sum::<f64>()
        .ln()
        + max;
    logits.iter().map(|logit| logit - total).collect()
}

/// Index of the largest element, the lowest index on a tie, as the head's choice.
fn first_largest(values: &[f64]) -> usize {
    let mut best = 0;
    for (i, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = i;
        }
    }
    best
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
