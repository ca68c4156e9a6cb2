//! The folder that is compiled, as the compiler sees it: crates by name, and where they are.

use std::fs;
use std::path::Path;

use cairo_lang_compiler::project::ProjectConfig;

use super::CompileError;

/// What the crate's name begins with for the compiler: no crate, keyword or item of the core library does, so that any
/// package name will do.
const CRATE: &str = "model_";

/// The crate's name for the compiler.
pub(super) fn crate_name(package: &str) -> Result<String, CompileError> {
    let starts = package.starts_with(|c: char| c.is_ascii_lowercase());
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !starts || !package.chars().all(plain) {
        return Err(CompileError::Name(package.to_string()));
    }
    Ok(format!("{CRATE}{package}"))
}

/// The compiler's view of the folder: the package and the library it depends on.
pub(super) fn project(
    name: &str,
    library: &str,
    work: &Path,
) -> Result<ProjectConfig, Box<dyn std::error::Error>> {
    let file = work.join("cairo_project.toml");
    let text = format!(
        "[crate_roots]\n{name} = \"package/src\"\n{library} = \"library/src\"\n\n\
         [config.global]\nedition = \"2024_07\"\n\n\
         [config.override.{name}]\nedition = \"2024_07\"\n\n\
         [config.override.{name}.dependencies]\n\
         {library} = {{ discriminator = \"{library}\" }}\n"
    );
    fs::write(&file, text)?;
    Ok(ProjectConfig::from_file(&file)?)
}
