//! What is said of a build of the portable target.

use std::path::Path;

use cairo_decode::escape;
use cairo_decode::portable::PortableDocument;

use super::{output, paths};

/// A build in a few lines.
pub fn print(of: &PortableDocument) {
    output::line(format!(
        "model        {} ({} parameters)",
        escape::quoted(&of.name),
        of.parameters
    ));
    output::line(format!("model root   {}", of.model_root));
    output::line(format!(
        "program      {} ({} words, {} constants)",
        of.program_hash, of.words, of.constants
    ));
    output::line(format!(
        "statements   at most {} steps each",
        of.steps_per_chunk
    ));
    output::line(format!(
        "policy       {}, context {}",
        of.policy, of.context_length
    ));
}

/// What the folder of such a build says.
pub fn inspect(path: &Path, json: bool) -> anyhow::Result<()> {
    let build = paths::portable(path)?;
    let document = &build.model.document;
    if json {
        output::json(&serde_json::json!({ "ok": true, "portable": document }));
        return Ok(());
    }
    print(document);
    output::line(format!("source       {}", escape::quoted(&document.source)));
    Ok(())
}
