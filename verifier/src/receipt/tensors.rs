//! `model.json` of a model with tensor components: a manifest, and what pins the components' constants.
//!
//! Owns: [`TensorManifest`] and its rules, and [`ModelManifest`], which is either kind. Invariants: its layouts have passed every check of [`layout_checks`], so a verifier
//! can compute with it; its statements are of version 3 and its integers of specification 2; its model root is that of the parameters' root, the layouts and the roots of constants.
//!
//! So whoever knows a model root and a program hash from a person whom he trusts can take the manifest from anybody. A manifest whose model
//! root comes with it is worth what its author is.
//!
//! [`layout_checks`]: crate::verify::layout::layout_checks

use std::path::Path;

use serde::{Serialize, Serializer};

use super::document::{Document, DocumentError, MAX_DOCUMENT_BYTES};
use super::files::read_bounded;
use super::manifest::Manifest;
use super::record::Digest;
use super::strict::{Decode, FormatError, Object, Value, decode_struct};
use crate::air::components::Component;
use crate::air::components::form::NAMES;
use crate::air::layout::{Layouts, Sizes};
use crate::spec::TENSOR_SPEC_VERSION;
use crate::verify::layout::{LayoutError, MAX_COMPONENTS};
use crate::verify::policy::Accept;
use crate::verify::statement::{Domain, ModelRoot, v3};
use crate::verify::tensors::{PinsError, TensorPins};

/// The `format` field of `model.json` of a model with tensor components.
pub const TENSOR_MODEL_FORMAT: &str = "cairo-decode-model/2";

/// A model whose proofs have tensor components, as a verifier expects it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TensorManifest {
    /// The fields of a model without tensor components.
    #[serde(flatten)]
    pub model: Manifest,
    /// Root of quantised parameters, configuration and tokenizer; the model root has layouts and constants besides.
    pub parameters_root: ModelRoot,
    pub tensors: TensorPins,
}

impl Document for TensorManifest {
    const FORMAT: &'static str = TENSOR_MODEL_FORMAT;

    fn body(object: &mut Object<'_>) -> Result<Self, FormatError> {
        Ok(TensorManifest {
            model: Manifest::body(object)?,
            parameters_root: object.field("parameters_root")?,
            tensors: object.field("tensors")?,
        })
    }

    fn check_form(&self) -> Result<(), FormatError> {
        self.model.check_form()?;
        let versions = [
            (
                "statement_version",
                self.model.statement_version,
                v3::VERSION,
            ),
            ("spec_version", self.model.spec_version, TENSOR_SPEC_VERSION),
        ];
        if let Some((field, found, expected)) = versions.into_iter().find(|(_, a, b)| a != b) {
            let reason = format!("is {found}, and must be {expected} with tensor components");
            return Err(FormatError::inconsistent(field, reason));
        }
        let root = self.tensors.model_root(self.parameters_root);
        if self.model.model_root != root {
            let reason = format!("parameters_root, layouts and roots of constants give {root}");
            return Err(FormatError::inconsistent("model_root", reason));
        }
        Ok(())
    }
}

/// `model.json` of either kind: two types, each with a reader of its own, told apart by the field `format`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelManifest {
    /// The model's proofs have no tensor components.
    Cairo(Manifest),
    /// They have some.
    Tensors(TensorManifest),
}

impl From<Manifest> for ModelManifest {
    fn from(manifest: Manifest) -> ModelManifest {
        ModelManifest::Cairo(manifest)
    }
}

impl From<TensorManifest> for ModelManifest {
    fn from(manifest: TensorManifest) -> ModelManifest {
        ModelManifest::Tensors(manifest)
    }
}

impl ModelManifest {
    /// Reads a manifest of whichever kind it says it is.
    ///
    /// # Errors
    /// As [`Document::from_json`].
    pub fn from_json(bytes: &[u8]) -> Result<ModelManifest, FormatError> {
        match TensorManifest::from_json(bytes) {
            Err(FormatError::OtherFormat { .. }) => {
                Manifest::from_json(bytes).map(ModelManifest::Cairo)
            }
            read => read.map(ModelManifest::Tensors),
        }
    }

    /// Reads a file of at most [`MAX_DOCUMENT_BYTES`] bytes.
    ///
    /// # Errors
    /// As [`Document::read`].
    pub fn read(file: &Path) -> Result<ModelManifest, DocumentError> {
        let bytes = read_bounded(file, MAX_DOCUMENT_BYTES)?;
        ModelManifest::from_json(&bytes).map_err(|source| DocumentError::Format {
            file: file.to_path_buf(),
            source,
        })
    }

    /// What a verifier that expects this model in `domain` accepts.
    pub fn accept(&self, domain: Domain) -> Accept {
        self.model().accept(domain)
    }

    /// The fields that both kinds have.
    pub fn model(&self) -> &Manifest {
        match self {
            ModelManifest::Cairo(manifest) => manifest,
            ModelManifest::Tensors(manifest) => &manifest.model,
        }
    }
}

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
