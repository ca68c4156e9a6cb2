//! Whether a quantised model is of use: how far it may fall behind the float model.

use super::fidelity::FidelityReport;

/// Least share of positions at which both models put the same token first.
pub const MIN_AGREEMENT: f64 = 0.8;
/// Largest perplexity of the integer model, as a multiple of the float model's.
pub const MAX_PERPLEXITY_RATIO: f64 = 1.25;
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
}

impl FidelityReport {
    /// [`Verdict::Useless`] if a number is not finite, or, of [`MIN_TOKENS`] or more, if fewer than [`MIN_AGREEMENT`]
    /// agree or the perplexity is more than [`MAX_PERPLEXITY_RATIO`] times the float model's.
    pub fn verdict(&self) -> Verdict {
        let numbers = [
            self.kl_divergence,
            self.perplexity_float,
            self.perplexity_int,
            self.perplexity_ratio,
            self.logit_rmse,
        ];
        if numbers.iter().any(|number| !number.is_finite()) {
            return Verdict::Useless;
        }
        let follows =
            self.top1_agreement >= MIN_AGREEMENT && self.perplexity_ratio <= MAX_PERPLEXITY_RATIO;
        match (self.tokens < MIN_TOKENS, follows) {
            (true, _) => Verdict::TooFewTokens,
            (false, true) => Verdict::Useful,
            (false, false) => Verdict::Useless,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bound_counts() {
        let good = FidelityReport {
            documents: 4,
            tokens: MIN_TOKENS,
            top1_agreement: MIN_AGREEMENT,
            kl_divergence: 0.1,
            perplexity_float: 4.0,
            perplexity_int: 5.0,
            perplexity_ratio: MAX_PERPLEXITY_RATIO,
            logit_rmse: 0.1,
        };
        assert_eq!(good.verdict(), Verdict::Useful);
        let with = |change: &dyn Fn(&mut FidelityReport)| {
            let mut report = good.clone();
            change(&mut report);
            report.verdict()
        };
        assert_eq!(with(&|r| r.top1_agreement = 0.79), Verdict::Useless);
        assert_eq!(with(&|r| r.perplexity_ratio = 1.26), Verdict::Useless);
        assert_eq!(
            with(&|r| r.perplexity_int = f64::INFINITY),
            Verdict::Useless
        );
        assert_eq!(with(&|r| r.kl_divergence = f64::NAN), Verdict::Useless);
        assert_eq!(with(&|r| r.tokens -= 1), Verdict::TooFewTokens);
        let few_and_bad = with(&|r| (r.tokens, r.top1_agreement) = (9, 0.0));
        assert_eq!(few_and_bad, Verdict::TooFewTokens);
        let few_and_endless = with(&|r| (r.tokens, r.perplexity_int) = (9, f64::INFINITY));
        assert_eq!(few_and_endless, Verdict::Useless);
    }
}
