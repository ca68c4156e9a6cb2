//! How text from outside is shown: names of files, labels, documents, a node's answers, what a model wrote.
//!
//! Owns which characters are hidden, and what is written in their place. Everybody who prints or keeps such a text for
//! people asks here; what is printed where is not known here.

use std::borrow::Cow;

/// Whether a character could change how the text around it is shown: control characters (C0, DEL, C1), marks of
/// writing direction, separators of lines and paragraphs, and characters that nobody sees.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The text with every hidden character that `shown` does not let through written as `write` has it.
fn replaced<'t>(text: &'t str, shown: &[char], write: fn(char) -> String) -> Cow<'t, str> {
    let replace = |c: char| is_hidden(c) && !shown.contains(&c);
    if !text.contains(replace) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match replace(c) {
            true => out.push_str(&write(c)),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// A hidden character as Rust writes it: `\n`, or `\u{1b}`.
fn written(c: char) -> String {
    c.escape_default().to_string()
}

/// A text on one line, without hidden characters.
pub fn line(text: &str) -> Cow<'_, str> {
    replaced(text, &[], written)
}

/// A text on one line in quotation marks, so that its end is seen; a quotation mark or backslash in it is escaped.
pub fn quoted(text: &str) -> String {
    line(&format!("{text:?}")).into_owned()
}

/// A text of several lines: line breaks and tabs stay.
pub fn lines(text: &str) -> Cow<'_, str> {
    replaced(text, &['\n', '\t'], written)
}

/// JSON text that means the same: JSON has hidden characters only inside its strings, where `\u001b` stands for one.
pub fn json(text: &str) -> Cow<'_, str> {
    replaced(text, &['\n'], |c| {
        let units = c.encode_utf16(&mut [0; 2]).to_vec();
        units.iter().map(|unit| format!("\\u{unit:04x}")).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_shown() {
        let said = "a\u{1b}[32mb\rc\nd\u{9b}e\u{202e}f\u{2028}g\u{7f}h\ti";
        let shown = r"a\u{1b}[32mb\rc\nd\u{9b}e\u{202e}f\u{2028}g\u{7f}h\ti";
        assert_eq!(line(said), shown);
        let several = shown.replace(r"\n", "\n").replace(r"\t", "\t");
        assert_eq!(lines(said), several);
    }

    #[test]
    fn what_nobody_sees_is_shown() {
        let unseen = [
            0xad, 0x34f, 0x115f, 0x1160, 0x3164, 0xffa0, 0x180e, 0x2800, 0xfe00, 0xfe0f, 0xe0100,
            0xe01ef,
        ];
        for c in unseen.into_iter().filter_map(char::from_u32) {
            let said = format!("a{c}b");
            assert_eq!(line(&said), format!("a{}b", c.escape_unicode()));
            assert!(!quoted(&said).contains(c));
        }
    }

    #[test]
    fn what_people_write_stays() {
        let said = "Ünïcødé, 中文, עברית, 👩\u{200d}🚀 and \\u{1b}";
        assert!(matches!(line(said), Cow::Borrowed(text) if text == said));
    }

    #[test]
    fn a_quoted_text_has_an_end() {
        assert_eq!(
            quoted("a\" (9 parameters)\n\\n"),
            r#""a\" (9 parameters)\n\\n""#
        );
    }

    #[test]
    fn json_means_the_same() {
        let said = "\u{1b}\u{9b}\u{202e}\u{e0041}\n";
        let text = serde_json::to_string(said).expect("a string");
        let shown = json(&text);
        assert_eq!(shown, r#""\u001b\u009b\u202e\udb40\udc41\n""#);
        assert_eq!(serde_json::from_str::<String>(&shown).expect("JSON"), said);
    }
}
