//! The vector files: one per operation, each case with parameters, inputs and the expected output.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The operations of `docs/spec.md`, in its order; each is the name of a file.
pub const OPERATIONS: [&str; 13] = [
    "embed",
    "rmsnorm",
    "linear",
    "requantize",
    "rope",
    "kv_append",
    "scores",
    "softmax",
    "mix",
    "silu",
    "mul",
    "add",
    "argmax",
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub operation: String,
    pub cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    parameters: Fields,
    inputs: Fields,
    pub output: Value,
    /// Values on the way, for the document.
    #[serde(default)]
    pub between: Fields,
}

pub type Fields = BTreeMap<String, Value>;

impl Case {
    pub fn parameters(&self) -> &Fields {
        &self.parameters
    }

    pub fn inputs(&self) -> &Fields {
        &self.inputs
    }

    /// Parameters and inputs together; every one has to be a field of `T`, which refuses others.
    pub fn read<T: DeserializeOwned>(&self) -> T {
        let both = self.parameters.iter().chain(&self.inputs);
        let object = both.map(|(k, v)| (k.clone(), v.clone())).collect();
        let read = serde_json::from_value(Value::Object(object));
        read.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// The output's numbers, flattened.
    pub fn numbers(&self) -> Vec<i64> {
        fn flatten(value: &Value, out: &mut Vec<i64>) {
            match value {
                Value::Array(list) => list.iter().for_each(|value| flatten(value, out)),
                other => out.push(other.as_i64().expect("an integer")),
            }
        }
        let mut out = vec![];
        flatten(&self.output, &mut out);
        out
    }
}

/// The folder of the files.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

/// The file of an operation.
pub fn file(operation: &str) -> File {
    let path = folder().join(format!("{operation}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file: File =
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert_eq!(file.operation, operation, "{}", path.display());
    assert!(file.cases.len() >= 3, "{}: few cases", path.display());
    file
}
