//! What the verifier's side expects of a session beside its model and domain.
//!
//! Owns: [`Expected`], and [`TokenIds`], how a person writes a prompt's tokens. The proofs bind both, but whoever proved chose them.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use super::folder::SESSION_FILE;
use super::session::Session;
use super::verify_session::Rejected;
use crate::verify::statement::SessionId;

/// Token ids with commas, and perhaps with spaces or in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenIds(pub Vec<u32>);

impl FromStr for TokenIds {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<TokenIds, &'static str> {
        let text = text.trim();
        let inner = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let ids = inner.unwrap_or(text).split(',');
        let ids: Result<Vec<u32>, _> = ids.map(|id| id.trim().parse()).collect();
        ids.map(TokenIds)
            .map_err(|_| "token ids with commas, like 0,190,246; `generate --json` prints them")
    }
}

impl fmt::Display for TokenIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&ids.join(","))
    }
}

/// What a session must be about; `None` where anything will do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    pub prompt_tokens: Option<TokenIds>,
    pub session_id: Option<SessionId>,
}

impl Expected {
    /// Compares with the document of a verified session in `place`.
    ///
    /// # Errors
    /// [`Rejected::Expected`].
    pub fn check(&self, place: &Path, session: &Session) -> Result<(), Rejected> {
        let differs = |field, found: String, expected: String| Rejected::Expected {
            file: place.join(SESSION_FILE).display().to_string(),
            field,
            found,
            expected,
        };
        if let Some(tokens) = &self.prompt_tokens
            && tokens.0 != session.prompt_tokens
        {
            let found = TokenIds(session.prompt_tokens.clone());
            return Err(differs(
                "prompt_tokens",
                found.to_string(),
                tokens.to_string(),
            ));
        }
        match self.session_id {
            Some(id) if id != session.session_id => {
                let found = session.session_id.to_string();
                Err(differs("session_id", found, id.to_string()))
            }
            _ => Ok(()),
        }
    }
}
