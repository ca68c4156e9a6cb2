//! Typed access to a JSON object whose errors name the file and the key.

use super::{ModelError, Warning, repeated};
use serde_json::{Map, Value};
use std::path::Path;

/// One JSON object of a file; `prefix` is its place in the file, such as `rope_parameters.`.
pub(super) struct Object<'a> {
    path: &'a Path,
    prefix: String,
    map: Map<String, Value>,
    repeated: Option<Warning>,
}

impl<'a> Object<'a> {
    pub(super) fn parse(bytes: &[u8], path: &'a Path) -> Result<Self, ModelError> {
        refuse_byte_order_mark(bytes, path)?;
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(map)) => Ok(Self {
                path,
                prefix: String::new(),
                map,
                repeated: repeated::warning(bytes, path),
            }),
            Ok(_) => Err(ModelError::NotAnObject { path: path.into() }),
            Err(source) => Err(ModelError::Json {
                path: path.into(),
                source,
            }),
        }
    }

    /// A warning that names the keys which the file repeats.
    pub(super) fn repeated(&self) -> Option<Warning> {
        self.repeated.clone()
    }

    /// The object under `key`; `None` when it is absent or null.
    pub(super) fn object(&self, key: &str) -> Result<Option<Object<'a>>, ModelError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Object {
                path: self.path,
                prefix: format!("{}{key}.", self.prefix),
                map: map.clone(),
                repeated: None,
            })),
            Some(other) => Err(self.wrong_type(key, other, "an object or null")),
        }
    }

    /// The value under `key`; an explicit null counts as absent.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// True if the file has `key`, be it null.
    pub(super) fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    pub(super) fn path(&self) -> &'a Path {
        self.path
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

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, ModelError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
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

    /// The place of `key` in the file, such as `rope_parameters.rope_theta`.
    pub(super) fn name(&self, key: &str) -> String {
        format!("{}{}", self.prefix, key.escape_debug())
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

/// JSON is UTF-8 without a mark; Hugging Face's reader refuses one too.
pub(super) fn refuse_byte_order_mark(bytes: &[u8], path: &Path) -> Result<(), ModelError> {
    let marks: [(&[u8], &str); 3] = [
        (b"\xef\xbb\xbf", "UTF-8"),
        (b"\xff\xfe", "UTF-16"),
        (b"\xfe\xff", "UTF-16"),
    ];
    match marks.iter().find(|(mark, _)| bytes.starts_with(mark)) {
        None => Ok(()),
        Some((_, encoding)) => Err(ModelError::ByteOrderMark {
            path: path.into(),
            encoding,
        }),
    }
}
