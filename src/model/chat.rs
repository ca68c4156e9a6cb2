//! The chat template of a model: how messages become the text that the model reads.
//!
//! Templates are programs of the models' makers in the language Jinja, read as Hugging Face's library reads them, and run by the crate minijinja: they
//! see the messages and the special tokens, and nothing else, and what they do is bounded, in steps and in bytes of texts together.
//!
//! Deliberately absent: tools and documents, and the date of today, which would make a prompt another one tomorrow.

use super::files::{TOKENS_LIMIT, read_bounded, read_if_there};
use super::json::Object;
use super::{MAX_TEXT_BYTES, ModelError, Warning};
use crate::guard;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, context};
use minijinja_contrib::pycompat::unknown_method_callback;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The file of a build that has the template, and of a model directory that may have it.
pub const CHAT_FILE: &str = "tokenizer_config.json";
/// The file of a model directory that has the template alone, and is preferred.
const TEMPLATE_FILE: &str = "chat_template.jinja";
/// The key of the template.
const TEMPLATE: &str = "chat_template";
/// The special tokens that templates name.
const TOKENS: [&str; 4] = ["bos_token", "eos_token", "unk_token", "pad_token"];
/// Of several templates, the one for plain messages.
const DEFAULT: &str = "default";
/// Steps that a template may take and bytes that it may make, together: a prompt of the largest size several times. Templates of large models take some
/// hundreds of steps for two messages.
const FUEL: u64 = 1 << 24;

/// Who says something to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    User,
}

/// What somebody says to a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    pub role: Role,
    pub content: String,
}

/// A template, and the special tokens that it may name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatTemplate {
    #[serde(rename = "chat_template")]
    source: String,
    #[serde(flatten)]
    tokens: BTreeMap<String, String>,
    /// The file, for messages.
    #[serde(skip)]
    path: PathBuf,
}

impl ChatTemplate {
    /// What the file at `path` says; tokens under other names than those of `tokenizer_config.json` are left out.
    pub(super) fn new(
        source: String,
        tokens: impl IntoIterator<Item = (&'static str, String)>,
        path: &Path,
    ) -> ChatTemplate {
        let tokens = tokens.into_iter();
        ChatTemplate {
            source,
            tokens: tokens
                .map(|(name, token)| (name.to_owned(), token))
                .collect(),
            path: path.to_path_buf(),
        }
    }

    /// The template of a model directory or a build folder, if it has one.
    ///
    /// # Errors
    /// A file that is no JSON, or whose template is neither a text nor a list of named texts.
    pub(super) fn load(dir: &Path) -> Result<Option<ChatTemplate>, ModelError> {
        let (own, config) = (dir.join(TEMPLATE_FILE), dir.join(CHAT_FILE));
        let bytes = read_if_there(&config, TOKENS_LIMIT)?;
        let bytes = bytes.unwrap_or_else(|| b"{}".to_vec());
        let object = Object::parse(&bytes, &config)?;
        let (source, path) = match own.is_file() {
            true => {
                let text = read_bounded(&own, MAX_TEXT_BYTES as u64)?;
                let text = String::from_utf8(text);
                let text = text.map_err(|_| failed(&own, "it is not UTF-8 text".to_owned()))?;
                (Some(text), &own)
            }
            false => (template(&object)?, &config),
        };
        let Some(source) = source else {
            return Ok(None);
        };
        let mut tokens = vec![];
        for name in TOKENS {
            let token = object.get(name);
            let text = token.and_then(|token| token.get("content").unwrap_or(token).as_str());
            tokens.extend(text.map(|text| (name, text.to_owned())));
        }
        Ok(Some(Self::new(source, tokens, path)))
    }

    /// Says so if the template cannot be used.
    pub(super) fn warning(&self) -> Option<Warning> {
        let messages = [Message {
            role: Role::User,
            content: "x".to_owned(),
        }];
        let error = self.render(&messages).err()?;
        Some(Warning::ChatTemplate {
            reason: error.to_string(),
        })
    }

    /// The text for an answer to these messages. It has its special tokens in it; the tokenizer adds none.
    ///
    /// # Errors
    /// [`ModelError::ChatTemplate`]: a template that is not Jinja, fails, asks for what is not given, or does too much.
    pub fn render(&self, messages: &[Message]) -> Result<String, ModelError> {
        let rendered = guard::guarded(|| self.run(messages).map_err(said));
        let text = rendered.unwrap_or_else(Err);
        text.map_err(|reason| failed(&self.path, reason))
    }

    fn run(&self, messages: &[Message]) -> Result<String, Error> {
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        // The settings of Hugging Face's library.
        let mut syntax = SyntaxConfig::builder();
        syntax.trim_blocks(true).lstrip_blocks(true);
        environment.set_syntax(syntax.build()?);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_unknown_method_callback(|state, value, method, arguments| match method {
            // A width in it is memory that no fuel counts.
            "format" => Err(Error::new(
                ErrorKind::UnknownMethod,
                "`format` of a text is not supported",
            )),
            _ => unknown_method_callback(state, value, method, arguments),
        });
        environment.add_function(
            "raise_exception",
            |reason: String| -> Result<String, Error> {
                Err(Error::new(ErrorKind::InvalidOperation, reason))
            },
        );
        let template = environment.template_from_str(&self.source)?;
        template.render(context! {
            messages => Serde(messages), add_generation_prompt => true, tools => (), documents => (),
            ..Serde(&self.tokens)
        })
    }
}

/// The template of a `tokenizer_config.json`.
fn template(object: &Object) -> Result<Option<String>, ModelError> {
    let Some(value) = object.get(TEMPLATE) else {
        return Ok(None);
    };
    let wrong = || object.wrong_type(TEMPLATE, value, "a text or a list of named texts");
    let named = match value {
        Value::String(text) => return Ok(Some(text.clone())),
        Value::Array(named) => named,
        _ => return Err(wrong()),
    };
    let field = |entry: &Value, key: &str| entry.get(key)?.as_str().map(str::to_owned);
    for entry in named {
        let name = field(entry, "name").ok_or_else(wrong)?;
        let text = field(entry, "template").ok_or_else(wrong)?;
        if name == DEFAULT {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

/// An error of the library in one line, with what caused it.
fn said(error: Error) -> String {
    let at = error.line().map(|line| format!(" (line {line})"));
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
    let detail = error.detail().map(|detail| format!(": {detail}"));
    let kind = error.kind();
    format!(
        "{kind}{}{}{}",
        detail.unwrap_or_default(),
        cause.unwrap_or_default(),
        at.unwrap_or_default()
    )
}

fn failed(path: &Path, reason: String) -> ModelError {
    ModelError::ChatTemplate {
        path: path.into(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(content: &str) -> Message {
        Message {
            role: Role::User,
            content: content.to_owned(),
        }
    }

    fn of(source: &str) -> ChatTemplate {
        let tokens = [
            ("bos_token", "<s>".to_owned()),
            ("eos_token", "</s>".to_owned()),
        ];
        ChatTemplate::new(source.to_owned(), tokens, Path::new(CHAT_FILE))
    }

    /// Blocks, loops, methods of Python's texts, and special tokens, with line breaks as Hugging Face's settings of Jinja leave them.
    #[test]
    fn templates_are_read_as_pythons_library_reads_them() {
        let template = of(
            "{{ bos_token }}{% for message in messages %}\n    {% if message['role'] == 'system' %}\nS {{ message.content.strip() }}\n    {% continue %}{% endif %}\n[{{ message['role'].upper() }}] {{ message['content'] | trim }}{{ eos_token }}\n{% endfor %}\n{%- if add_generation_prompt and not tools %}> {% endif %}",
        );
        let system = Message {
            role: Role::System,
            content: " Be kind. ".to_owned(),
        };
        let text = template.render(&[system, user(" a < b ")]).expect("a text");
        assert_eq!(text, "<s>S Be kind.\n[USER] a < b</s>\n> ");
    }

    #[test]
    fn templates_that_cannot_be_used_say_why() {
        let long =
            "{% set x = 'xxxxxxxxxxxxxxxx' %}".to_owned() + &"{% set x = x ~ x %}".repeat(40);
        let cases = [
            ("{% if %}", "syntax error"),
            (
                "{{ raise_exception('no system message') }}",
                "no system message",
            ),
            ("{{ strftime_now('%d') }}", "unknown function"),
            (
                "{% for i in range(9999) %}{% for i in range(9999) %}{% endfor %}{% endfor %}",
                "out of fuel",
            ),
            (&long, "out of fuel"),
            ("{% generation %}x{% endgeneration %}", "generation"),
        ];
        for (source, expected) in cases {
            let said = of(source).render(&[user("x")]).expect_err(expected);
            let said = said.to_string();
            assert!(said.contains(expected), "{said}");
            assert!(said.starts_with(CHAT_FILE), "{said}");
            assert!(of(source).warning().is_some());
        }
        assert!(of("{{ messages[0].content }}").warning().is_none());
    }

    /// A template alone in a file, in a list, in none.
    #[test]
    fn templates_are_found_where_directories_have_them() {
        let dir = tempfile::tempdir().expect("a folder");
        let load = || ChatTemplate::load(dir.path()).expect("files");
        let write = |name: &str, text: &str| {
            std::fs::write(dir.path().join(name), text).expect("written");
        };
        assert_eq!(load(), None);
        write(CHAT_FILE, r#"{"bos_token": {"content": "<s>"}}"#);
        assert_eq!(load(), None);
        write(
            CHAT_FILE,
            r#"{"bos_token": {"content": "<s>"}, "eos_token": null, "chat_template": [
                {"name": "tool_use", "template": "t"}, {"name": "default", "template": "{{ bos_token }}d{{ eos_token }}"}]}"#,
        );
        let text = |of: Option<ChatTemplate>| of.expect("one").render(&[]).expect("a text");
        assert_eq!(text(load()), "<s>d");
        // What a build's folder has.
        let written = serde_json::to_string(&load()).expect("JSON");
        write(TEMPLATE_FILE, "{{ bos_token }}own");
        assert_eq!(text(load()), "<s>own");
        std::fs::remove_file(dir.path().join(TEMPLATE_FILE)).expect("removed");
        write(CHAT_FILE, &written);
        assert_eq!(text(load()), "<s>d");
        write(CHAT_FILE, r#"{"chat_template": 5}"#);
        let said = ChatTemplate::load(dir.path())
            .expect_err("no text")
            .to_string();
        assert!(said.contains("`chat_template` is 5"), "{said}");
    }
}
