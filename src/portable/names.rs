//! What operations and their constants are called in the package: by what they are for, and by layers.

use std::collections::BTreeSet;

use crate::decode::layers;
use crate::integers::{Description, Operation};

/// Names of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// The layer that it belongs to.
    pub(super) layer: Option<u32>,
    /// The variable that it writes.
    pub(super) variable: String,
    /// The functions that give its products, if it has some, within its module.
    pub(super) products: Vec<String>,
}

impl Name {
    /// The module of its constants.
    pub(super) fn module(&self) -> String {
        self.layer
            .map_or("around".to_string(), |layer| format!("layer_{layer}"))
    }
}

/// The names of all operations.
pub(super) fn names(description: &Description) -> Vec<Name> {
    let bases = bases(description);
    let layers = layers(description);
    let mut used = BTreeSet::new();
    let mut unique = |name: String| {
        let mut candidate = name.clone();
        let mut number = 2;
        while !used.insert(candidate.clone()) {
            candidate = format!("{name}_{number}");
            number += 1;
        }
        candidate
    };
    let mut names = vec![];
    for (number, operation) in description.operations.iter().enumerate() {
        let layer = layers[number];
        let base = &bases[number];
        let variable = unique(match layer {
            Some(layer) => format!("{base}_{layer}"),
            None => base.clone(),
        });
        let products: &[String] = &match operation {
            Operation::Gated { .. } => vec!["gate".to_string(), "up".to_string()],
            Operation::Residual { input, .. } => vec![format!("from_{}", bases[*input])],
            Operation::Linear { .. } | Operation::Function { .. } | Operation::Rotary { .. } => {
                vec![base.clone()]
            }
            Operation::Embed
            | Operation::Norm { .. }
            | Operation::HeadNorm { .. }
            | Operation::Attention { .. }
            | Operation::Head { .. } => vec![],
        };
        let module = Name {
            layer,
            variable: String::new(),
            products: vec![],
        }
        .module();
        // Unique within the module.
        let products = products.iter().map(|product| {
            let path = unique(format!("{module}::{product}"));
            path.rsplit("::").next().unwrap_or_default().to_string()
        });
        names.push(Name {
            layer,
            products: products.collect(),
            variable,
        });
    }
    names
}

/// What each operation writes, in a word.
fn bases(description: &Description) -> Vec<String> {
    let operations = &description.operations;
    let mut bases: Vec<String> = operations.iter().map(base).collect();
    for operation in operations {
        let Operation::Attention {
            queries,
            keys,
            values,
            ..
        } = operation
        else {
            continue;
        };
        for (role, of) in [("queries", *queries), ("keys", *keys), ("values", *values)] {
            bases[of] = role.to_string();
            // Heads may be normalised on the way.
            let mut before = operations[of].reads();
            if let Some(&[normed]) = before.get(..)
                && matches!(operations[normed], Operation::HeadNorm { .. })
            {
                bases[normed] = format!("normed_{role}");
                before = operations[normed].reads();
                if let Some(&[projected]) = before.get(..)
                    && matches!(operations[projected], Operation::Linear { .. })
                {
                    bases[projected] = format!("projected_{role}");
                }
            }
        }
    }
    bases
}

fn base(operation: &Operation) -> String {
    let base = match operation {
        Operation::Embed => "embedded",
        Operation::Norm { .. } => "normed",
        Operation::HeadNorm { .. } => "normed_heads",
        Operation::Linear { .. } => "projected",
        Operation::Function { .. } => "activated",
        Operation::Rotary { .. } => "rotated",
        Operation::Attention { .. } => "mixed",
        Operation::Residual { .. } => "stream",
        Operation::Gated { .. } => "gated",
        Operation::Head { .. } => "chosen",
    };
    base.to_string()
}
