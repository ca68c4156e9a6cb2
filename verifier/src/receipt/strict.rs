//! Strict JSON: a document has exactly the fields of its type, each once, in one spelling.
//!
//! Owns: [`Value`] and [`Object`] (a piece of the document that knows its path), [`Decode`] and
//! its implementations for plain types, [`FormatError`].
//!
//! Invariants: unknown, missing and repeated fields, other types, other format names, numbers
//! that are no integers of the right size and bytes after the document are errors, each its own
//! variant; the version is looked at before anything else.
//!
//! Why not derived `Deserialize`: it takes arrays for structs and absent fields for `None`, and
//! its errors know neither path nor kind. `serde_json` still does the parsing.

mod error;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

pub use error::FormatError;

/// One JSON value of a document and the path to it.
#[derive(Clone, Debug)]
pub struct Value<'a> {
    path: String,
    raw: &'a str,
}

/// What can be read from a [`Value`].
pub trait Decode: Sized {
    /// # Errors
    /// [`FormatError`] with the path of the offending field.
    fn decode(value: Value<'_>) -> Result<Self, FormatError>;
}

impl<'a> Value<'a> {
    /// The path, for messages.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Opens an object. Repeated members are refused here.
    pub fn object(self) -> Result<Object<'a>, FormatError> {
        if !self.raw.starts_with('{') {
            return Err(self.wrong_type("an object"));
        }
        let Members(members) = self.parse()?;
        let mut object = Object {
            path: self.path,
            fields: BTreeMap::new(),
        };
        for (name, raw) in members {
            let path = object.path_of(&name);
            let value = Value {
                path: path.clone(),
                raw: raw.get(),
            };
            if object.fields.insert(name, value).is_some() {
                return Err(FormatError::Duplicate { path });
            }
        }
        Ok(object)
    }

    /// Reads a value that is written as one string with one spelling per value.
    pub fn canonical<T: FromStr<Err: fmt::Display>>(self) -> Result<T, FormatError> {
        let text = String::decode(self.clone())?;
        text.parse().map_err(|error| FormatError::NotCanonical {
            path: self.path,
            reason: format!("{:?} {error}", shorten(&text)),
        })
    }

    /// Reads one of a few names.
    pub fn name<T: Copy>(self, all: &[T], name: fn(T) -> &'static str) -> Result<T, FormatError> {
        let found = String::decode(self.clone())?;
        all.iter()
            .copied()
            .find(|&one| name(one) == found)
            .ok_or_else(|| {
                let allowed: Vec<&str> = all.iter().map(|&one| name(one)).collect();
                let (found, allowed) = (shorten(&found), allowed.join(", "));
                FormatError::UnknownName {
                    path: self.path,
                    found,
                    allowed,
                }
            })
    }

    fn wrong_type(&self, expected: &'static str) -> FormatError {
        FormatError::WrongType {
            path: self.shown_path(),
            expected,
            found: self.describe(),
        }
    }

    fn shown_path(&self) -> String {
        if self.path.is_empty() {
            "document".to_owned()
        } else {
            self.path.clone()
        }
    }

    /// The value's kind, and for short ones the value itself.
    fn describe(&self) -> String {
        let kind = match self.raw.as_bytes().first() {
            Some(b'{') => return "an object".to_owned(),
            Some(b'[') => return "an array".to_owned(),
            Some(b'"') => "the string",
            Some(b't' | b'f') => "the boolean",
            Some(b'n') => return "null".to_owned(),
            _ => "the number",
        };
        format!("{kind} {}", shorten(self.raw))
    }

    fn parse<T: Deserialize<'a>>(&self) -> Result<T, FormatError> {
        serde_json::from_str(self.raw).map_err(|error| FormatError::Syntax {
            path: self.shown_path(),
            reason: error.to_string(),
        })
    }
}

/// An object whose fields are taken one by one.
#[derive(Debug)]
pub struct Object<'a> {
    path: String,
    fields: BTreeMap<String, Value<'a>>,
}

impl Object<'_> {
    /// Takes and reads a field.
    pub fn field<T: Decode>(&mut self, name: &str) -> Result<T, FormatError> {
        match self.fields.remove(name) {
            Some(value) => T::decode(value),
            None => Err(FormatError::Missing {
                path: self.path_of(name),
            }),
        }
    }

    /// Refuses fields that nobody took.
    pub fn finish(self) -> Result<(), FormatError> {
        match self.fields.into_values().next() {
            Some(value) => Err(FormatError::Unknown { path: value.path }),
            None => Ok(()),
        }
    }

    /// Path of a field of this object; names that could confuse a reader are quoted.
    pub fn path_of(&self, name: &str) -> String {
        let plain = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let quoted = !plain || name.is_empty();
        let name = if quoted {
            format!("{:?}", shorten(name))
        } else {
            shorten(name)
        };
        if self.path.is_empty() {
            name
        } else {
            format!("{}.{name}", self.path)
        }
    }
}

/// Reads a whole document: an object with the field `format` and what `body` takes from it.
///
/// # Errors
/// [`FormatError`]; another `format` is reported before anything else in the object.
pub fn document<T>(
    bytes: &[u8],
    format: &'static str,
    body: impl FnOnce(&mut Object<'_>) -> Result<T, FormatError>,
) -> Result<T, FormatError> {
    let text = std::str::from_utf8(bytes).map_err(|error| FormatError::Utf8 {
        at: error.valid_up_to(),
    })?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let raw = <&RawValue>::deserialize(&mut reader).map_err(|error| FormatError::Syntax {
        path: "document".to_owned(),
        reason: error.to_string(),
    })?;
    reader.end().map_err(|error| FormatError::TrailingBytes {
        line: error.line(),
        column: error.column(),
    })?;
    let mut object = Value {
        path: String::new(),
        raw: raw.get(),
    }
    .object()?;
    let found: String = object.field("format")?;
    if found != format {
        return Err(FormatError::OtherFormat {
            found: shorten(&found),
            expected: format,
        });
    }
    let value = body(&mut object)?;
    object.finish()?;
    Ok(value)
}

/// Writes a document: `format` first, then the fields of `body`, indented, one final newline.
///
/// # Errors
/// [`FormatError::Encode`], which no type of this crate gives rise to.
pub fn to_text<T: Serialize>(format: &'static str, body: &T) -> Result<String, FormatError> {
    ended(serde_json::to_string_pretty(&Whole { format, body }))
}

/// Writes a document as one line.
///
/// # Errors
/// As [`to_text`].
pub(super) fn to_line<T: Serialize>(format: &'static str, body: &T) -> Result<String, FormatError> {
    ended(serde_json::to_string(&Whole { format, body }))
}

/// A document with its format.
#[derive(Serialize)]
struct Whole<'a, T> {
    format: &'static str,
    #[serde(flatten)]
    body: &'a T,
}

fn ended(written: serde_json::Result<String>) -> Result<String, FormatError> {
    let mut text = written.map_err(|error| FormatError::Encode {
        reason: error.to_string(),
    })?;
    text.push('\n');
    Ok(text)
}

/// Reads the listed fields of an object into a struct with fields of the same names.
macro_rules! decode_fields {
    ($object:expr, $name:ident { $($field:ident),* $(,)? }) => {{
        let object = $object;
        $name { $($field: object.field(stringify!($field))?),* }
    }};
}

/// Implements `Decode` for a struct that is an object with fields of the same names.
macro_rules! decode_struct {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::receipt::strict::Decode for $name {
            fn decode(
                value: $crate::receipt::strict::Value<'_>,
            ) -> Result<Self, $crate::receipt::strict::FormatError> {
                let mut object = value.object()?;
                let decoded = $crate::receipt::strict::decode_fields!(
                    &mut object, $name { $($field),* }
                );
                object.finish()?;
                Ok(decoded)
            }
        }
    };
}

/// Implements `Decode` for types that are written as one canonical string.
macro_rules! decode_canonical {
    ($($name:ident),* $(,)?) => {$(
        impl $crate::receipt::strict::Decode for $name {
            fn decode(
                value: $crate::receipt::strict::Value<'_>,
            ) -> Result<Self, $crate::receipt::strict::FormatError> {
                value.canonical()
            }
        }
    )*};
}

pub(super) use {decode_canonical, decode_fields, decode_struct};

/// Enough of a text to recognise it in a message.
pub(super) fn shorten(text: &str) -> String {
    const ENOUGH: usize = 80;
    match text.chars().nth(ENOUGH) {
        Some(_) => text.chars().take(ENOUGH).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

/// Members of an object in order, repetitions kept.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

macro_rules! decode_plain {
    ($($type:ty: $expected:literal;)*) => {$(
        impl Decode for $type {
            fn decode(value: Value<'_>) -> Result<Self, FormatError> {
                serde_json::from_str(value.raw).map_err(|_| value.wrong_type($expected))
            }
        }
    )*};
}

decode_plain! {
    u32: "an integer from 0 to 4294967295";
    u64: "an integer from 0 to 18446744073709551615";
    String: "a string";
}

impl<T: Decode> Decode for Option<T> {
    fn decode(value: Value<'_>) -> Result<Self, FormatError> {
        if value.raw == "null" {
            Ok(None)
        } else {
            T::decode(value).map(Some)
        }
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(value: Value<'_>) -> Result<Self, FormatError> {
        if !value.raw.starts_with('[') {
            return Err(value.wrong_type("an array"));
        }
        let items: Vec<&RawValue> = value.parse()?;
        fn at<T: Decode>(path: String, item: &RawValue) -> Result<T, FormatError> {
            let raw = item.get();
            T::decode(Value { path, raw })
        }
        // A path is for messages: an item that is refused is read again with its own.
        let decode = |(index, item): (usize, &&RawValue)| {
            at(String::new(), item).or_else(|_| at(format!("{}[{index}]", value.path), item))
        };
        items.iter().enumerate().map(decode).collect()
    }
}
