//! Which texts a model is calibrated and measured on: the ones given, the model folder's, or those that come with the
//! program.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::Serialize;

use super::BundleError;
use crate::escape;
use crate::fidelity::{Documents, TextError, texts};
use crate::model::{MAX_TEXT_BYTES, Model};
use crate::receipt::{FileError, open_regular};

/// Largest calibration or held-out text that is read, in bytes.
const MAX_BYTES: u64 = MAX_TEXT_BYTES as u64;

/// What a text is for, and all that follows from it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Purpose {
    /// Its name in a model folder.
    file: &'static str,
    /// The option that names another.
    option: &'static str,
    /// The text that comes with the program.
    own: &'static str,
    /// What it is called.
    own_name: &'static str,
    /// Seed of a text of random tokens.
    seed: u64,
}

/// Scales are calibrated on it.
pub(super) const CALIBRATION: Purpose = Purpose {
    file: "calibration.txt",
    option: "--calibration",
    own: texts::CALIBRATION,
    own_name: "the calibration text that comes with cairo-decode",
    seed: 1,
};

/// Fidelity is measured on it.
pub(super) const HELDOUT: Purpose = Purpose {
    file: "heldout.txt",
    option: "--heldout",
    own: texts::HELDOUT,
    own_name: "the held-out text that comes with cairo-decode",
    seed: 2,
};

/// Where a text is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A file that was asked for.
    Given,
    /// A file of the model folder.
    ModelFolder,
    /// The program: plain English.
    Program,
    /// Random tokens, as the tokenizer does not know the program's English.
    RandomTokens,
}

/// Which text was used, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextUse {
    /// File, or what the program calls its own.
    pub name: String,
    pub origin: Origin,
    pub documents: usize,
    /// Tokens within the context: those that were used.
    pub tokens: usize,
    /// Tokens of the whole text.
    pub all_tokens: usize,
    /// Tokens of all that stand for what the tokenizer does not know.
    pub unknown_tokens: usize,
    /// Whether the tokenizer knows less than half of the text, or leaves most of it out.
    pub mostly_unknown: bool,
}

impl fmt::Display for TextUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            tokens,
            all_tokens,
            name,
            ..
        } = self;
        match tokens == all_tokens {
            true => write!(f, "{tokens} tokens of {name}")?,
            false => write!(
                f,
                "{tokens} of the {all_tokens} tokens of {name}, whose paragraphs are cut at the context"
            )?,
        }
        if self.mostly_unknown {
            let unknown = self.unknown_tokens;
            write!(f, " ({unknown} of them unknown to the tokenizer)")?;
        }
        Ok(())
    }
}

impl TextUse {
    /// Where a person finds it; `dir` is the model folder.
    pub(super) fn place(&self, dir: &Path) -> String {
        place(&self.name, self.origin, dir)
    }
}

fn place(name: &str, origin: Origin, dir: &Path) -> String {
    match origin {
        Origin::ModelFolder => escape::line(&dir.join(name).to_string_lossy()).into_owned(),
        Origin::Given | Origin::Program | Origin::RandomTokens => name.to_string(),
    }
}

/// Chooses, reads and encodes a text. `given` names one; else it is the model folder's, if there is one.
///
/// # Errors
/// A file that cannot be read, is too large, is not UTF-8 or has nothing in it.
pub(super) fn documents(
    purpose: Purpose,
    given: Option<&Path>,
    dir: &Path,
    model: &Model,
    context: usize,
) -> Result<(Documents, TextUse), BundleError> {
    let (name, origin, text) = match given {
        Some(path) => {
            let file = File::open(path).map_err(failed(path))?;
            let name = escape::line(&path.to_string_lossy()).into_owned();
            (name, Origin::Given, read(file, path)?)
        }
        // A model that is one file has no texts beside it.
        None if !dir.is_dir() => (
            purpose.own_name.to_string(),
            Origin::Program,
            purpose.own.to_string(),
        ),
        None => {
            let path = dir.join(purpose.file);
            match open_regular(&path) {
                Ok(file) => (
                    purpose.file.to_string(),
                    Origin::ModelFolder,
                    read(file, &path)?,
                ),
                Err(FileError::NotFound { .. }) if path.symlink_metadata().is_err() => (
                    purpose.own_name.to_string(),
                    Origin::Program,
                    purpose.own.to_string(),
                ),
                Err(error) => return Err(error.into()),
            }
        }
    };
    let found = encode(&name, origin, &text, dir, model, context);
    let useless = match &found {
        Ok((_, used)) => used.mostly_unknown,
        Err(BundleError::Text {
            source: TextError::Empty,
            ..
        }) => true,
        Err(_) => false,
    };
    if origin == Origin::Program && useless {
        return drawn(purpose, dir, model, context);
    }
    found
}

/// A text of random tokens, where the tokenizer does not know English.
fn drawn(
    purpose: Purpose,
    dir: &Path,
    model: &Model,
    context: usize,
) -> Result<(Documents, TextUse), BundleError> {
    let text = texts::drawn(&model.tokenizer, purpose.seed)?;
    let name = format!(
        "a text of random tokens, as the tokenizer does not know {}",
        purpose.own_name
    );
    let found = encode(&name, Origin::RandomTokens, &text, dir, model, context)?;
    match found.1.mostly_unknown {
        false => Ok(found),
        true => Err(BundleError::NoText {
            file: purpose.file,
            option: purpose.option,
        }),
    }
}

fn encode(
    name: &str,
    origin: Origin,
    text: &str,
    dir: &Path,
    model: &Model,
    context: usize,
) -> Result<(Documents, TextUse), BundleError> {
    let unknown = model.tokenizer.unknown();
    let documents =
        Documents::encode(text, &model.tokenizer).map_err(|source| BundleError::Text {
            name: place(name, origin, dir),
            source,
        })?;
    let used = TextUse {
        name: name.to_string(),
        origin,
        documents: documents.count(),
        tokens: documents.tokens(context),
        all_tokens: documents.tokens(usize::MAX),
        unknown_tokens: documents.unknown(unknown),
        mostly_unknown: documents.are_mostly_unknown(unknown),
    };
    Ok((documents, used))
}

/// What to do with the system's error for a text's file.
fn failed(path: &Path) -> impl Fn(io::Error) -> BundleError {
    let path = path.to_path_buf();
    move |source| BundleError::TextFile {
        path: path.clone(),
        source,
    }
}

/// Reads a UTF-8 text from what was opened, up to a bound: a regular file, or what an option names, be it a pipe.
fn read(opened: File, path: &Path) -> Result<String, BundleError> {
    let mut bytes = Vec::new();
    opened
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed(path))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(BundleError::TextTooLarge {
            path: path.to_path_buf(),
            limit: MAX_BYTES,
        });
    }
    String::from_utf8(bytes).map_err(|error| BundleError::TextEncoding {
        path: path.to_path_buf(),
        valid: error.utf8_error().valid_up_to(),
    })
}
