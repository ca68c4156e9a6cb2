//! The part of `model.json` that pins the components: layouts, and the roots of their constants.
//!
//! Owns: how [`TensorPins`] are written and read; what they must be is `verify`'s.

use serde::{Serialize, Serializer};

use super::record::Digest;
use super::strict::{Decode, FormatError, Value, decode_struct};
use crate::air::components::Component;
use crate::air::components::form::NAMES;
use crate::air::layout::{Layouts, Sizes};
use crate::verify::layout::{LayoutError, MAX_COMPONENTS};
use crate::verify::tensors::{PinsError, TensorPins};

/// How documents write [`TensorPins`].
#[derive(Serialize)]
struct Section {
    lanes: u32,
    /// Input channels of the head, for each of which a proof has a message.
    messages: u32,
    /// In the order of the columns.
    components: Vec<Entry>,
    /// Of tree 0, for each set of parameters.
    roots: Vec<RootEntry>,
}

/// A component with its parameters and the logarithms of its fewest and its most rows.
#[derive(Serialize)]
struct Entry {
    name: String,
    parameters: Vec<u64>,
    smallest: u32,
    largest: u32,
}

#[derive(Serialize)]
struct RootEntry {
    /// Name of the set of parameters.
    parameters: String,
    root: Digest,
}

decode_struct!(Section {
    lanes,
    messages,
    components,
    roots
});
decode_struct!(Entry {
    name,
    parameters,
    smallest,
    largest
});
decode_struct!(RootEntry { parameters, root });

impl Serialize for TensorPins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let layouts = self.layouts();
        let entry = |placed: &Sizes| Entry {
            name: placed.component.document_name().to_string(),
            parameters: placed
                .component
                .parameters()
                .iter()
                .map(|parameter| parameter.value)
                .collect(),
            smallest: placed.smallest,
            largest: placed.largest,
        };
        let section = Section {
            // Both are small numbers: the layouts were checked.
            lanes: layouts.lanes as u32,
            messages: layouts.messages as u32,
            components: layouts.components.iter().map(entry).collect(),
            roots: self
                .roots()
                .iter()
                .map(|(set, root)| RootEntry {
                    parameters: set.name.to_string(),
                    root: Digest(*root),
                })
                .collect(),
        };
        section.serialize(serializer)
    }
}

impl Decode for TensorPins {
    fn decode(value: Value<'_>) -> Result<Self, FormatError> {
        let path = value.path().to_string();
        let refused = |error: PinsError| FormatError::inconsistent(&path, error.to_string());
        let section = Section::decode(value)?;
        let found = section.components.len();
        if found > MAX_COMPONENTS {
            return Err(refused(LayoutError::Components { found }.into()));
        }
        let components = section.components.iter().enumerate();
        let components = components
            .map(|(i, entry)| placed(entry, &format!("{path}.components[{i}]")))
            .collect::<Result<_, _>>()?;
        let layouts = Layouts {
            lanes: section.lanes as usize,
            components,
            messages: section.messages as usize,
        };
        let roots = section.roots.into_iter();
        // A name that is none goes into a message.
        let root = |entry: RootEntry| (super::strict::shorten(&entry.parameters), entry.root.0);
        TensorPins::new(layouts, roots.map(root)).map_err(refused)
    }
}

fn placed(entry: &Entry, path: &str) -> Result<Sizes, FormatError> {
    let count = NAMES.iter().find(|(name, _)| *name == entry.name);
    let Some((_, count)) = count else {
        return Err(FormatError::inconsistent(
            &format!("{path}.name"),
            format!(
                "{:?} is no component of this program",
                super::strict::shorten(&entry.name)
            ),
        ));
    };
    let wrong = |reason: String| {
        FormatError::inconsistent(
            &format!("{path}.parameters"),
            format!("{}: {reason}", entry.name),
        )
    };
    let numbers = entry.parameters.iter().map(|&number| u32::try_from(number));
    let numbers: Vec<u32> = numbers
        .collect::<Result<_, _>>()
        .map_err(|_| wrong("a number of more than 32 bits".to_string()))?;
    let component = Component::of_document(&entry.name, &numbers);
    let component = component.ok_or_else(|| {
        wrong(format!(
            "there are {}, the component has {count}",
            numbers.len()
        ))
    })?;
    Ok(Sizes {
        component,
        smallest: entry.smallest,
        largest: entry.largest,
    })
}
