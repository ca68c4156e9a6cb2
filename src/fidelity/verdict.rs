//! Whether a quantised model is of use: how far it may fall behind the float model.

use super::FidelityReport;

/// Largest perplexity of the integer model, as a multiple of the float model's.
pub const MAX_PERPLEXITY_RATIO: f64 = 1.25;
/// From this mean KL divergence on, in nats, the two models must agree about the first token.
pub const MAX_DIVERGENCE: f64 = 0.1;
/// Least share of positions at which models of a larger divergence put the same token first. Alone it says little: where
/// a model finds many tokens about as likely, the slightest rounding changes which is first.
pub const MIN_AGREEMENT: f64 = 0.8;
/// With fewer compared tokens than these, chance decides too much.
pub const MIN_TOKENS: usize = 100;

/// What a report says of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The integers follow the floats.
    Useful,
    /// Fewer than [`MIN_TOKENS`] were compared: nobody can say.
    TooFewTokens,
    /// The integers do not follow the floats.
    Useless,
    /// The float model's own perplexity is not finite: there is nothing to follow.
    NothingToFollow,
}

impl FidelityReport {
    /// [`Verdict::Useless`] if the integer model stops anywhere; [`Verdict::NothingToFollow`] if the float model's perplexity
    /// is not finite; [`Verdict::Useless`] if another number is not, or, of [`MIN_TOKENS`] or more, if the perplexity is more than [`MAX_PERPLEXITY_RATIO`] times the float
    /// model's, or fewer than [`MIN_AGREEMENT`] agree at a divergence of [`MAX_DIVERGENCE`] or more.
    pub fn verdict(&self) -> Verdict {
        if !self.stops.is_empty() {
            return Verdict::Useless;
        }
        if !self.perplexity_float.is_finite() {
            return Verdict::NothingToFollow;
        }
        let numbers = [
            self.kl_divergence,
            self.perplexity_int,
            self.perplexity_ratio,
            self.logit_rmse,
        ];
        if numbers.iter().any(|number| !number.is_finite()) {
            return Verdict::Useless;
        }
        let agrees = self.top1_agreement >= MIN_AGREEMENT || self.kl_divergence < MAX_DIVERGENCE;
        let follows = agrees && self.perplexity_ratio <= MAX_PERPLEXITY_RATIO;
        match (self.tokens < MIN_TOKENS, follows) {
            (true, _) => Verdict::TooFewTokens,
            (false, true) => Verdict::Useful,
            (false, false) => Verdict::Useless,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Stop;
    use super::*;

    #[test]
    fn each_bound_counts() {
        let good = FidelityReport {
            documents: 4,
            tokens: MIN_TOKENS,
            top1_agreement: MIN_AGREEMENT,
            kl_divergence: MAX_DIVERGENCE,
            perplexity_float: 4.0,
            perplexity_int: 5.0,
            perplexity_ratio: MAX_PERPLEXITY_RATIO,
            logit_rmse: 0.1,
            stops: vec![],
        };
        assert_eq!(good.verdict(), Verdict::Useful);
        let with = |change: &dyn Fn(&mut FidelityReport)| {
            let mut report = good.clone();
            change(&mut report);
            report.verdict()
        };
        assert_eq!(with(&|r| r.top1_agreement = 0.79), Verdict::Useless);
        // Where many tokens are about as likely, which is first says nothing; nor does a divergence alone.
        let flat = with(&|r| (r.top1_agreement, r.kl_divergence) = (0.5, 0.099));
        assert_eq!(flat, Verdict::Useful);
        assert_eq!(with(&|r| r.kl_divergence = 0.5), Verdict::Useful);
        assert_eq!(with(&|r| r.perplexity_ratio = 1.26), Verdict::Useless);
        assert_eq!(
            with(&|r| r.perplexity_int = f64::INFINITY),
            Verdict::Useless
        );
        assert_eq!(with(&|r| r.kl_divergence = f64::NAN), Verdict::Useless);
        assert_eq!(with(&|r| r.tokens -= 1), Verdict::TooFewTokens);
        let stop = Stop {
            document: 1,
            token: 1,
            problem: String::new(),
        };
        let stops = with(&|r| (r.tokens, r.stops) = (0, vec![stop.clone()]));
        assert_eq!(stops, Verdict::Useless);
        let few_and_bad = with(&|r| (r.tokens, r.top1_agreement) = (9, 0.0));
        assert_eq!(few_and_bad, Verdict::TooFewTokens);
        let few_and_endless = with(&|r| (r.tokens, r.perplexity_int) = (9, f64::INFINITY));
        assert_eq!(few_and_endless, Verdict::Useless);
        let endless = f64::INFINITY;
        let both = with(&|r| (r.perplexity_float, r.perplexity_int) = (endless, endless));
        assert_eq!(both, Verdict::NothingToFollow);
    }
}
