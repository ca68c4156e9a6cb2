//! The window of attention that a configuration asks for.

use crate::model::ModelError;
use crate::model::json::Object;
use serde_json::Value;
use std::path::Path;

/// The window of attention that `config.json` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// A token attends to itself and the `positions - 1` before it.
    pub positions: usize,
    /// False if the key is absent and this is the family's default.
    pub stated: bool,
}

/// When the class of a family applies `sliding_window`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// Always; where the key is absent, with so many positions.
    Always(usize),
    /// The class does not read it: a file that states it means it, unless it says that no layer has one.
    Stated,
    /// If `use_sliding_window` is true, in layers from `max_window_layers` on (absent, from this one on); where the key is absent, with so many positions.
    Switched {
        from: usize,
        positions: Option<usize>,
    },
}

impl Window {
    /// Refuses a window that some token of a context of that length would not see past.
    pub(in crate::model) fn check(&self, context: usize, path: &Path) -> Result<(), ModelError> {
        if self.positions >= context {
            return Ok(());
        }
        let positions = self.positions;
        Err(ModelError::WindowBinds {
            path: path.into(),
            window: match self.stated {
                true => format!("`sliding_window` = {positions}"),
                false => format!("`sliding_window` (absent, so {positions} to Hugging Face)"),
            },
            limit: positions,
            context,
        })
    }
}

impl Rule {
    /// The window that Hugging Face's class applies, or that the file means and the class leaves out.
    pub(super) fn window(
        self,
        object: &Object,
        layers: usize,
    ) -> Result<Option<Window>, ModelError> {
        let stated = object.optional_size("sliding_window", usize::MAX)?;
        let windowed = windowed_layers(object, layers)?;
        let switch = object.flag("use_sliding_window")?;
        let default = match self {
            Rule::Always(positions) => Some(positions),
            Rule::Stated => None,
            Rule::Switched { positions, .. } => positions,
        };
        let window = match stated {
            Some(positions) => Some(Window {
                positions,
                stated: true,
            }),
            None if object.has("sliding_window") => None,
            None => default.map(|positions| Window {
                positions,
                stated: false,
            }),
        };
        if windowed == Some(true) && window.is_none() {
            let types = object.get("layer_types").unwrap_or(&Value::Null);
            let why = "no `sliding_window` says how far a sliding layer sees";
            return Err(object.unsupported("layer_types", types, why));
        }
        let applies = match (self, windowed) {
            (Rule::Always(_), _) | (_, Some(true)) => true,
            (_, Some(false)) => false,
            (Rule::Stated, None) => switch != Some(false),
            (Rule::Switched { from, .. }, None) => {
                let first = object.get("max_window_layers").and_then(Value::as_u64);
                let first = first.map_or(from as u64, |first| first);
                switch == Some(true) && first < layers as u64
            }
        };
        Ok(window.filter(|_| applies))
    }
}

/// Whether `layer_types` has a sliding layer; `None` if it says nothing.
fn windowed_layers(object: &Object, layers: usize) -> Result<Option<bool>, ModelError> {
    let types = match object.get("layer_types") {
        None => return Ok(None),
        Some(Value::Array(types)) if types.len() == layers => types,
        Some(other) => {
            let expected = "a list with one entry per layer";
            return Err(object.wrong_type("layer_types", other, expected));
        }
    };
    for kind in types {
        if kind != "full_attention" && kind != "sliding_attention" {
            let why = "layers are \"full_attention\" or \"sliding_attention\"";
            return Err(object.unsupported("layer_types", kind, why));
        }
    }
    Ok(Some(types.iter().any(|kind| kind == "sliding_attention")))
}
