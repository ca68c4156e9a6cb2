//! A report as a page: one HTML file with its data, styles and drawing inside, which needs nothing else.

use super::Report;

/// The page; the data stands where the mark is.
const TEMPLATE: &str = include_str!("page.html");
const MARK: &str = "__REPORT__";

/// The page of a report.
///
/// # Errors
/// A report that is no JSON.
pub fn page(report: &Report) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(report)?;
    // In a script element the text ends at `</`, and `<!--` means something, so no `<` stands in it. The names in the
    // data reach the page as text, never as markup.
    Ok(TEMPLATE.replacen(MARK, &json.replace('<', "\\u003c"), 1))
}
