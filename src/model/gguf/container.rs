//! The container: metadata by key, and where each tensor lies.
//!
//! Everything that a file says about sizes is compared with the size of the file before memory is taken for it.

use super::blocks::{KINDS, Kind};
use super::error::Problem;
use super::refused;
use crate::model::ModelError;
use crate::model::files;
use serde_json::{Number, Value};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

const MAGIC: &[u8] = b"GGUF";
const MAX_KEYS: u64 = 1 << 16;
const MAX_TENSORS: u64 = 1 << 16;
const MAX_DIMENSIONS: u64 = 4;
/// Most bytes of a text.
const MAX_TEXT: u64 = 1 << 24;
/// Most entries of all lists together. The largest vocabularies have 2^18 tokens, with three lists, and a million merges.
const MAX_ENTRIES: u64 = 1 << 22;
/// The largest alignment: a page of memory, and more than any file has.
const MAX_ALIGNMENT: u64 = 1 << 16;
/// What tensors are aligned to where no key says it.
const ALIGNMENT: u64 = 32;

/// A file's metadata and tensors.
pub(super) struct Container {
    pub(super) path: PathBuf,
    pub(super) metadata: BTreeMap<String, Value>,
    pub(super) tensors: BTreeMap<String, Info>,
    reader: BufReader<File>,
    /// Where the tensors begin, and where the file ends.
    data: u64,
    length: u64,
}

/// A tensor that is not read yet.
pub(super) struct Info {
    /// The inputs last, as in other files; GGUF has them first.
    pub(super) shape: Vec<usize>,
    kind: &'static Kind,
    /// From the beginning of the tensors.
    offset: u64,
}

impl Container {
    /// Reads everything but the tensors.
    pub(super) fn open(path: &Path) -> Result<Container, ModelError> {
        let (file, length) = files::open_regular(path)?;
        let mut reader = Reader {
            inner: BufReader::new(file),
            path,
            at: 0,
            length,
            entries: 0,
        };
        if length < MAGIC.len() as u64 || reader.bytes(MAGIC.len() as u64, "its header")? != MAGIC {
            return Err(refused(path, Problem::NotGguf));
        }
        let version = reader.u32("its header")?;
        if !(2..=3).contains(&version) {
            return Err(refused(path, Problem::Version { found: version }));
        }
        let tensors = reader.count("the file", MAX_TENSORS)?;
        let keys = reader.count("the metadata", MAX_KEYS)?;
        let mut metadata = BTreeMap::new();
        for _ in 0..keys {
            let key = reader.text("its metadata")?;
            let kind = reader.u32(&key)?;
            let value = reader.value(&key, kind)?;
            // A number that is not finite.
            if value.is_null() {
                return Err(refused(
                    path,
                    Problem::value(&key, "not finite", "a number"),
                ));
            }
            add(path, &mut metadata, "", (key, value))?;
        }
        let tensors = (0..tensors).map(|_| reader.tensor());
        let tensors = tensors.collect::<Result<Vec<_>, _>>()?;
        let alignment = alignment(path, metadata.get("general.alignment"))?;
        let (at, inner) = (reader.at, reader.inner);
        let data = at.next_multiple_of(alignment);
        check_places(path, &tensors, alignment, length.saturating_sub(data))?;
        let mut by_name = BTreeMap::new();
        for tensor in tensors {
            add(path, &mut by_name, "tensor ", tensor)?;
        }
        Ok(Container {
            path: path.into(),
            metadata,
            tensors: by_name,
            reader: inner,
            data,
            length,
        })
    }

    /// The numbers of a tensor, row after row.
    pub(super) fn read(&mut self, name: &str) -> Result<Vec<f32>, ModelError> {
        let missing = || ModelError::MissingTensor {
            dir: self.path.clone(),
            tensor: name.to_owned(),
        };
        let info = self.tensors.get(name).ok_or_else(missing)?;
        let (kind, channels) = (info.kind, info.shape.last().copied().unwrap_or(1));
        if !channels.is_multiple_of(kind.block) {
            let (tensor, block) = (name.to_owned(), kind.block);
            let problem = Problem::Row {
                tensor,
                channels,
                block,
            };
            return Err(refused(&self.path, problem));
        }
        let count: u64 = info.shape.iter().map(|&size| size as u64).product();
        let bytes = count / kind.block as u64 * kind.bytes as u64;
        let start = self.data.saturating_add(info.offset);
        if start.saturating_add(bytes) > self.length {
            let what = format!("tensor `{name}`");
            return Err(refused(&self.path, Problem::CutOff { what }));
        }
        let failed = |source| ModelError::Read {
            path: self.path.clone(),
            source,
        };
        self.reader.seek(SeekFrom::Start(start)).map_err(failed)?;
        let mut packed = vec![0; bytes as usize];
        self.reader.read_exact(&mut packed).map_err(failed)?;
        let values = kind.unpack(&packed);
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(values),
            Some(index) => Err(ModelError::NotFinite {
                path: self.path.clone(),
                tensor: name.to_owned(),
                index,
                value: values[index],
            }),
        }
    }
}

/// What the key says of the tensors' alignment.
fn alignment(path: &Path, value: Option<&Value>) -> Result<u64, ModelError> {
    let Some(value) = value else {
        return Ok(ALIGNMENT);
    };
    let size = value.as_u64();
    let size = size.filter(|size| size.is_power_of_two() && *size <= MAX_ALIGNMENT);
    let expected = "a power of two up to 65536";
    let problem = || Problem::value("general.alignment", value, expected);
    size.ok_or_else(|| refused(path, problem()))
}

/// Requires that tensors lie behind one another, in the order of their list, and that nothing else does: one that is lost from the list would shift the others.
fn check_places(
    path: &Path,
    tensors: &[(String, Info)],
    alignment: u64,
    length: u64,
) -> Result<(), ModelError> {
    let mut end = 0;
    for (name, info) in tensors {
        let expected = u64::next_multiple_of(end, alignment);
        let found = info.offset;
        if found != expected {
            let tensor = name.clone();
            let problem = Problem::Offset {
                tensor,
                found,
                expected,
            };
            return Err(refused(path, problem));
        }
        // Where rows are no whole blocks, reading the tensor says so.
        let count: u64 = info.shape.iter().map(|&size| size as u64).product();
        end = expected
            .saturating_add(count.div_ceil(info.kind.block as u64) * info.kind.bytes as u64);
    }
    // Whether the last one is all there, reading it says.
    match length.saturating_sub(end) {
        bytes if bytes > alignment => Err(refused(path, Problem::Rest { bytes })),
        _ => Ok(()),
    }
}

/// Adds what has no equal name yet; `what` stands before the name in the refusal.
fn add<V>(
    path: &Path,
    all: &mut BTreeMap<String, V>,
    what: &str,
    (name, value): (String, V),
) -> Result<(), ModelError> {
    match all.entry(name) {
        Entry::Vacant(entry) => {
            entry.insert(value);
            Ok(())
        }
        Entry::Occupied(entry) => {
            let what = format!("{what}`{}`", entry.key());
            Err(refused(path, Problem::Twice { what }))
        }
    }
}

/// A reader that knows how much there is.
struct Reader<'a> {
    inner: BufReader<File>,
    path: &'a Path,
    at: u64,
    length: u64,
    /// Entries of lists so far.
    entries: u64,
}

impl Reader<'_> {
    fn bytes(&mut self, count: u64, what: &str) -> Result<Vec<u8>, ModelError> {
        if count > self.length.saturating_sub(self.at) {
            let what = what.to_owned();
            return Err(refused(self.path, Problem::CutOff { what }));
        }
        let mut bytes = vec![0; count as usize];
        self.inner
            .read_exact(&mut bytes)
            .map_err(|source| ModelError::Read {
                path: self.path.into(),
                source,
            })?;
        self.at += count;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], ModelError> {
        let bytes = self.bytes(N as u64, what)?;
        // As many bytes as were asked for.
        Ok(bytes.try_into().unwrap_or([0; N]))
    }

    fn u32(&mut self, what: &str) -> Result<u32, ModelError> {
        self.array(what).map(u32::from_le_bytes)
    }

    fn u64(&mut self, what: &str) -> Result<u64, ModelError> {
        self.array(what).map(u64::from_le_bytes)
    }

    fn count(&mut self, what: &str, limit: u64) -> Result<u64, ModelError> {
        let found = self.u64(what)?;
        match found <= limit {
            true => Ok(found),
            false => {
                let what = what.to_owned();
                let problem = Problem::TooMany { what, found, limit };
                Err(refused(self.path, problem))
            }
        }
    }

    fn text(&mut self, what: &str) -> Result<String, ModelError> {
        let length = self.count(what, MAX_TEXT)?;
        let bytes = self.bytes(length, what)?;
        let what = what.to_owned();
        String::from_utf8(bytes).map_err(|_| refused(self.path, Problem::NotText { what }))
    }

    /// A value of a type by its number; lists have values of one type.
    fn value(&mut self, key: &str, kind: u32) -> Result<Value, ModelError> {
        Ok(match kind {
            0 => Value::from(self.array::<1>(key)?[0]),
            1 => Value::from(i8::from_le_bytes(self.array(key)?)),
            2 => Value::from(u16::from_le_bytes(self.array(key)?)),
            3 => Value::from(i16::from_le_bytes(self.array(key)?)),
            4 => Value::from(self.u32(key)?),
            5 => Value::from(i32::from_le_bytes(self.array(key)?)),
            6 => shortest(f32::from_le_bytes(self.array(key)?)),
            7 => Value::from(self.array::<1>(key)?[0] != 0),
            8 => Value::from(self.text(key)?),
            9 => {
                let kind = self.u32(key)?;
                // A list of lists could be as deep as the file is long.
                if kind == 9 {
                    return Err(self.value_type(key, kind));
                }
                let count = self.count(key, MAX_ENTRIES)?;
                self.entries += count;
                if self.entries > MAX_ENTRIES {
                    let what = format!("with `{key}`, the lists of the metadata together");
                    let (found, limit) = (self.entries, MAX_ENTRIES);
                    return Err(refused(self.path, Problem::TooMany { what, found, limit }));
                }
                let values = (0..count).map(|_| self.value(key, kind));
                Value::Array(values.collect::<Result<_, _>>()?)
            }
            10 => Value::from(self.u64(key)?),
            11 => Value::from(i64::from_le_bytes(self.array(key)?)),
            12 => Value::from(f64::from_le_bytes(self.array(key)?)),
            found => return Err(self.value_type(key, found)),
        })
    }

    fn value_type(&self, key: &str, found: u32) -> ModelError {
        let key = key.to_owned();
        refused(self.path, Problem::ValueType { key, found })
    }

    fn tensor(&mut self) -> Result<(String, Info), ModelError> {
        let name = self.text("its list of tensors")?;
        let what = format!("tensor `{name}`");
        let dimensions = u64::from(self.u32(&what)?);
        if dimensions > MAX_DIMENSIONS {
            let (found, limit) = (dimensions, MAX_DIMENSIONS);
            let problem = Problem::TooMany { what, found, limit };
            return Err(refused(self.path, problem));
        }
        let mut shape = vec![];
        for _ in 0..dimensions {
            // The whole must be in the file, so no size is larger than it has bits.
            shape.push(self.count(&what, 8 * self.length)? as usize);
        }
        shape.reverse();
        let elements = shape
            .iter()
            .try_fold(1u64, |count, &size| count.checked_mul(size as u64));
        if elements.is_none_or(|count| count > 8 * self.length) {
            return Err(refused(self.path, Problem::CutOff { what }));
        }
        let found = self.u32(&what)?;
        let kind = KINDS.iter().find(|kind| kind.id == found);
        let kind = kind.ok_or_else(|| {
            let names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
            let problem = Problem::TensorType {
                tensor: name.clone(),
                found,
                known: names.join(", "),
            };
            refused(self.path, problem)
        })?;
        let offset = self.u64(&what)?;
        let info = Info {
            shape,
            kind,
            offset,
        };
        Ok((name, info))
    }
}

/// The shortest decimal number that is this float: what the model's maker wrote, before it was a float of 32 bits.
fn shortest(value: f32) -> Value {
    let decimal = value.to_string().parse::<f64>().ok();
    let number = decimal.and_then(Number::from_f64);
    number.map_or(Value::Null, Value::Number)
}
