//! Imports of the generated package: they follow from what its text names.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The items of the kernel library that generated text names, by file. The compiler refuses an import that nothing
/// uses, so an item is imported exactly when [`Imports::item`] has given its name to the text.
#[derive(Debug, Default)]
pub(super) struct Imports(BTreeMap<&'static str, BTreeSet<Cow<'static, str>>>);

impl Imports {
    /// The name of an item of a file of `cairo/src`, for text that names it.
    pub(super) fn item(
        &mut self,
        file: &'static str,
        item: impl Into<Cow<'static, str>>,
    ) -> Cow<'static, str> {
        let item = item.into();
        self.0.entry(file).or_default().insert(item.clone());
        item
    }

    /// The name of a division into lanes of `bits` bits.
    pub(super) fn lanes(&mut self, bits: u32) -> Cow<'static, str> {
        self.item("linear", format!("Lanes{bits}"))
    }

    /// One `use` line per file.
    pub(super) fn lines(&self) -> String {
        let line = |(file, items): (&&str, &BTreeSet<Cow<'_, str>>)| {
            let items: Vec<&str> = items.iter().map(|item| item.as_ref()).collect();
            match items.as_slice() {
                [item] => format!("use decode_kernels::{file}::{item};\n"),
                items => format!("use decode_kernels::{file}::{{{}}};\n", items.join(", ")),
            }
        };
        self.0.iter().map(line).collect()
    }
}
