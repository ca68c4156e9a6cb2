//! What `generate` and `prove` are asked: a prompt and a number of tokens.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use cairo_decode::model::{MAX_TEXT_BYTES, Message, Role, Text};

use super::output;

/// Largest prompt that is read from a file or from stdin, in bytes.
const MAX_PROMPT_BYTES: u64 = MAX_TEXT_BYTES as u64;
/// Tokens to generate if the command line does not say it and the context has room.
const DEFAULT_TOKENS: usize = 64;

/// The prompt, from one of two places, and how much to generate.
#[derive(Debug, clap::Args)]
pub struct Asked {
    #[command(flatten)]
    source: Source,
    /// Put the prompt into the model's chat template, as what a user says; the model answers. What is proven is about the tokens of the
    /// whole text, which the session has
    #[arg(long)]
    chat: bool,
    /// What the model is told before the user says anything
    #[arg(
        long,
        value_name = "TEXT",
        requires = "chat",
        allow_hyphen_values = true
    )]
    system: Option<String>,
    /// Tokens to generate, unless the end of sequence comes first [default: 64, or as many as the model's context has
    /// room for]
    #[arg(short = 'n', long, allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..))]
    tokens: Option<u32>,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// Prompt: raw text, as the model reads it, unless --chat is given
    #[arg(short, long, allow_hyphen_values = true)]
    prompt: Option<String>,
    /// File with the prompt, without the line break at its end; - is stdin
    #[arg(long, value_name = "FILE")]
    prompt_file: Option<PathBuf>,
}

/// A prompt that fits the model, and how much to generate.
pub struct Prompt {
    /// What the model reads.
    pub text: String,
    pub tokens: Vec<u32>,
    pub new_tokens: u32,
    /// Characters of the text that the model does not read as they are.
    pub lost: Vec<char>,
    /// Whether the model answers what is said to it, rather than goes on with a text.
    pub chat: bool,
}

impl Asked {
    /// Reads the prompt for a model with this tokenizer and so many positions, and checks that the model has room for it and for what is to
    /// be generated. Names characters that the model will not see on stderr.
    ///
    /// # Errors
    /// A file that cannot be read, a prompt that the tokenizer refuses, a model without a chat template that is asked to chat, more tokens than
    /// positions.
    pub fn read_for(&self, model: &Text, context: u32) -> anyhow::Result<Prompt> {
        let text = match (&self.source.prompt, &self.source.prompt_file) {
            (Some(text), _) => text.clone(),
            (None, Some(file)) => read(file)?,
            (None, None) => bail!("the prompt is missing: give --prompt or --prompt-file"),
        };
        // What people said, in which special tokens are a surprise: a template puts its own around it.
        let said = [text.as_str(), self.system.as_deref().unwrap_or_default()].concat();
        let (text, tokens) = match self.chat {
            true => {
                let text = self.in_template(model, text)?;
                let tokens = model.tokenizer.encode_alone(&text)?;
                (text, tokens)
            }
            false => {
                let tokens = model.tokenizer.encode(&text)?;
                (text, tokens)
            }
        };
        ensure!(!tokens.is_empty(), "the prompt has no tokens");
        let context = context as usize;
        // The last token needs no position: nothing reads it.
        let room = (context + 1).saturating_sub(tokens.len());
        ensure!(
            room > 0,
            "the prompt has {} tokens, the model's context {context}",
            tokens.len()
        );
        let new_tokens = match self.tokens {
            None => DEFAULT_TOKENS.min(room) as u32,
            Some(asked) => {
                ensure!(
                    asked as usize <= room,
                    "-n: {asked} tokens after a prompt of {} do not fit the model's context of {context}; at most {room} do",
                    tokens.len()
                );
                asked
            }
        };
        let read = model.tokenizer.decode(&tokens)?;
        let mut rest = text.clone();
        for (token, id) in model.tokenizer.special_in(&text) {
            if !tokens.contains(&id) {
                continue;
            }
            if said.contains(&token) {
                output::note(format!(
                    "note: {token:?} in the prompt is read as the special token {id}"
                ));
            }
            rest = rest.replace(&token, "");
        }
        let lost = lost(&rest, &read);
        if !lost.is_empty() {
            let list: Vec<String> = lost
                .iter()
                .map(|c| format!("{c:?} (U+{:04X})", u32::from(*c)))
                .collect();
            output::note(format!(
                "note: the tokenizer drops or changes {} of the prompt; the model reads {read:?}",
                list.join(", ")
            ));
        }
        Ok(Prompt {
            text,
            tokens,
            new_tokens,
            lost,
            chat: self.chat,
        })
    }

    /// What the model reads where a user says `text`.
    fn in_template(&self, model: &Text, text: String) -> anyhow::Result<String> {
        let template = model.chat.as_ref().context(
            "--chat: the model has no chat template; give its prompt as the model reads it, without --chat",
        )?;
        let system = self.system.clone().map(|content| (Role::System, content));
        let messages = system.into_iter().chain([(Role::User, text)]);
        let messages: Vec<_> = messages
            .map(|(role, content)| Message { role, content })
            .collect();
        Ok(template.render(&messages)?)
    }
}

/// Reads a prompt from a file, a pipe or stdin. A line break at the end is the file's, not the prompt's.
fn read(file: &Path) -> anyhow::Result<String> {
    let name = file.display();
    let mut bytes = vec![];
    let read = match file == Path::new("-") {
        true => io::stdin()
            .take(MAX_PROMPT_BYTES + 1)
            .read_to_end(&mut bytes),
        false => File::open(file)
            .and_then(|opened| opened.take(MAX_PROMPT_BYTES + 1).read_to_end(&mut bytes)),
    };
    read.with_context(|| format!("--prompt-file: cannot read {name}"))?;
    ensure!(
        bytes.len() as u64 <= MAX_PROMPT_BYTES,
        "--prompt-file: {name} is larger than {MAX_PROMPT_BYTES} bytes"
    );
    let mut text = String::from_utf8(bytes)
        .with_context(|| format!("--prompt-file: {name} is not UTF-8 text"))?;
    if text.ends_with('\n') {
        text.truncate(text.len() - 1);
        if text.ends_with('\r') {
            text.truncate(text.len() - 1);
        }
    }
    Ok(text)
}

/// Characters that are in the text more often than in what its tokens decode to. Spaces do not count: tokenizers put
/// one in front, or leave it to the decoder.
fn lost(text: &str, read: &str) -> Vec<char> {
    let characters: BTreeSet<char> = text.chars().filter(|c| *c != ' ').collect();
    let count = |text: &str, c: char| text.chars().filter(|other| *other == c).count();
    let lost = |c: &char| count(read, *c) < count(text, *c);
    characters.into_iter().filter(lost).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_characters_are_named() {
        assert!(lost("Once upon", " Once upon").is_empty());
        assert_eq!(lost("a\u{e9}b", "ab"), ['\u{e9}']);
        assert_eq!(lost("x y\nx", "x y x"), ['\n']);
        assert_eq!(lost("aa", "a"), ['a']);
        // What stands for an unknown character is not one of the text's.
        assert_eq!(lost("a#", "a<unk>"), ['#']);
    }
}
