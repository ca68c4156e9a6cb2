//! Bounded file reads, and typed access to a JSON object whose errors name the file and the key.

use super::ModelError;
use serde_json::{Map, Value};
use std::io::Read;
use std::path::Path;

/// Largest `config.json` that is read, in bytes.
pub(super) const CONFIG_LIMIT: u64 = 1 << 20;
/// Largest `tokenizer.json` that is read, in bytes.
pub(super) const TOKENIZER_LIMIT: u64 = 1 << 28;
/// Largest `model.safetensors.index.json` that is read, in bytes.
pub(super) const INDEX_LIMIT: u64 = 1 << 26;
/// Largest weight file that is read, in bytes.
pub(super) const WEIGHTS_LIMIT: u64 = 1 << 36;

/// The whole of `path`, unless it is longer than `limit`.
pub(super) fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, ModelError> {
    let failed = |source| ModelError::Read {
        path: path.into(),
        source,
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    if bytes > limit {
        return Err(ModelError::TooLarge {
            path: path.into(),
            bytes,
            limit,
        });
    }
    let mut content = Vec::new();
    // One byte more than allowed, so that a file that grows or has no length (a pipe) is refused too.
    file.take(limit + 1)
        .read_to_end(&mut content)
        .map_err(failed)?;
    if content.len() as u64 > limit {
        return Err(ModelError::TooLarge {
            path: path.into(),
            bytes: content.len() as u64,
            limit,
        });
    }
    Ok(content)
}

/// One JSON object of a file; `prefix` is its place in the file, such as `rope_parameters.`.
pub(super) struct Object<'a> {
    path: &'a Path,
    prefix: String,
    map: Map<String, Value>,
}

impl<'a> Object<'a> {
    pub(super) fn parse(bytes: &[u8], path: &'a Path) -> Result<Self, ModelError> {
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(map)) => Ok(Self {
                path,
                prefix: String::new(),
                map,
            }),
            Ok(_) => Err(ModelError::NotAnObject { path: path.into() }),
            Err(source) => Err(ModelError::Json {
                path: path.into(),
                source,
            }),
        }
    }

    /// The object under `key`; `None` when it is absent or null.
    pub(super) fn object(&self, key: &str) -> Result<Option<Object<'a>>, ModelError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Object {
                path: self.path,
                prefix: format!("{}{key}.", self.prefix),
                map: map.clone(),
            })),
            Some(other) => Err(self.wrong_type(key, other, "an object or null")),
        }
    }

    /// The value under `key`; an explicit null counts as absent.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.map.iter()
    }

    pub(super) fn missing(&self, key: &str) -> ModelError {
        ModelError::MissingKey {
            path: self.path.into(),
            key: self.name(key),
        }
    }

    pub(super) fn wrong_type(
        &self,
        key: &str,
        value: &Value,
        expected: &'static str,
    ) -> ModelError {
        ModelError::WrongType {
            path: self.path.into(),
            key: self.name(key),
            value: value.to_string(),
            expected,
        }
    }

    pub(super) fn unsupported(&self, key: &str, value: &Value, why: &'static str) -> ModelError {
        ModelError::Unsupported {
            path: self.path.into(),
            key: self.name(key),
            value: value.to_string(),
            why,
        }
    }

    /// An integer in `1..=max`.
    pub(super) fn size(&self, key: &str, max: usize) -> Result<usize, ModelError> {
        self.optional_size(key, max)?
            .ok_or_else(|| self.missing(key))
    }

    pub(super) fn optional_size(&self, key: &str, max: usize) -> Result<Option<usize>, ModelError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        self.integer(key, value, 1, max).map(Some)
    }

    /// `value`, found under `key`, as an integer in `min..=max`.
    pub(super) fn integer(
        &self,
        key: &str,
        value: &Value,
        min: usize,
        max: usize,
    ) -> Result<usize, ModelError> {
        if value.is_i64() && value.as_i64().is_some_and(|v| v < 0) {
            return Err(self.out_of_bounds(key, value, min, max));
        }
        let number = value
            .as_u64()
            .ok_or_else(|| self.wrong_type(key, value, "an integer"))?;
        match usize::try_from(number) {
            Ok(number) if (min..=max).contains(&number) => Ok(number),
            _ => Err(self.out_of_bounds(key, value, min, max)),
        }
    }

    /// A number in `min..=max`.
    pub(super) fn float(&self, key: &str, min: f64, max: f64) -> Result<Option<f64>, ModelError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let number = value
            .as_f64()
            .ok_or_else(|| self.wrong_type(key, value, "a number"))?;
        if !(min..=max).contains(&number) {
            return Err(self.out_of_bounds(key, value, min, max));
        }
        Ok(Some(number))
    }

    pub(super) fn flag(&self, key: &str) -> Result<bool, ModelError> {
        match self.get(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(self.wrong_type(key, other, "true or false")),
        }
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&str>, ModelError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong_type(key, other, "a string")),
        }
    }

    fn name(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    fn out_of_bounds(
        &self,
        key: &str,
        value: &Value,
        min: impl ToString,
        max: impl ToString,
    ) -> ModelError {
        ModelError::OutOfBounds {
            path: self.path.into(),
            key: self.name(key),
            value: value.to_string(),
            min: min.to_string(),
            max: max.to_string(),
        }
    }
}
