//! The names and shapes of the tensors that a configuration calls for.

use super::Config;
use std::collections::BTreeMap;

/// The output matrix, in every family.
pub(super) const LM_HEAD: &str = "lm_head.weight";

/// Every tensor of the model with its shape.
///
/// The output matrix is listed for tied models too: a file may repeat the embedding, see [`is_optional`].
pub(super) fn expected(config: &Config) -> BTreeMap<String, Vec<usize>> {
    let sources = config.forward.sources();
    let mut shapes: BTreeMap<_, _> = sources
        .map(|source| (source.name.clone(), source.shape.clone()))
        .collect();
    shapes.insert(LM_HEAD.to_owned(), config.forward.tokens.shape.clone());
    shapes
}

/// The names under which files may have the tensors of a model.
pub(super) struct Names {
    /// What begins every name but that of the output matrix; a model that was saved without its head has names without it.
    prefix: &'static str,
    /// Ends of names of what is no weight.
    ignored: &'static [&'static str],
}

impl Names {
    pub(super) fn of(config: &Config) -> Names {
        Names {
            prefix: config.family.prefix,
            ignored: config.family.ignored,
        }
    }

    /// The name under which the forward pass knows a stored tensor.
    pub(super) fn known<T>(&self, stored: &str, expected: &BTreeMap<String, T>) -> Option<String> {
        let full = format!("{}{stored}", self.prefix);
        if expected.contains_key(stored) {
            Some(stored.to_owned())
        } else {
            expected.contains_key(&full).then_some(full)
        }
    }

    /// The prefix without which `stored` would be known, and the name it would have then.
    pub(super) fn prefixed<T>(
        &self,
        stored: &str,
        expected: &BTreeMap<String, T>,
    ) -> Option<(String, String)> {
        let mut dots = stored.match_indices('.').map(|(at, _)| at + 1);
        dots.find_map(|at| {
            let (prefix, rest) = stored.split_at(at);
            Some((prefix.to_owned(), self.known(rest, expected)?))
        })
    }

    /// True for tensors that old exporters write and the forward pass does not need.
    pub(super) fn is_ignored(&self, name: &str) -> bool {
        let mut ends = self.ignored.iter();
        ends.any(|end| name.ends_with(end))
    }
}

/// The weight that a bias would belong to.
pub(super) fn weight_of_bias(stored: &str) -> Option<String> {
    Some(format!("{}.weight", stored.strip_suffix(".bias")?))
}

/// True for a tensor that a file may leave out.
pub(super) fn is_optional(name: &str, config: &Config) -> bool {
    config.tie_word_embeddings && name == LM_HEAD
}
