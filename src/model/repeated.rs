//! Keys that a JSON object has twice.

use super::Warning;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;
use std::path::Path;

/// A warning that names the keys which objects of a file have more than once, if there are any.
pub(super) fn warning(bytes: &[u8], path: &Path) -> Option<Warning> {
    let mut found = Found::default();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    // What is no JSON is refused by whoever reads the file.
    Walk(&mut found).deserialize(&mut json).ok()?;
    found.keys.dedup();
    (!found.keys.is_empty()).then(|| Warning::RepeatedKeys {
        path: path.into(),
        keys: found.keys,
    })
}

/// Repeated keys with their places, such as `rope_parameters.rope_theta`, and the place that is being read.
#[derive(Default)]
struct Found {
    keys: Vec<String>,
    place: Vec<String>,
}

/// Reads one value and keeps its repeated keys.
struct Walk<'f>(&'f mut Found);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Walk(found) = self;
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            found.place.push(key.clone());
            if !seen.insert(key) {
                found.keys.push(found.place.join("."));
            }
            map.next_value_seed(Walk(found))?;
            found.place.pop();
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Walk(found) = self;
        while seq.next_element_seed(Walk(found))?.is_some() {}
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}
