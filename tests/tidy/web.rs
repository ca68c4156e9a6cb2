//! The scripts of the verifier for browsers follow the rules of the other sources, and its page names no address.

use crate::{MAX_LINES, files};

#[test]
fn scripts_open_with_a_comment_and_are_short() {
    let scripts = ["web/page", "web/test"].map(|dir| files(dir, &["css", "js", "mjs"]));
    for (path, text) in scripts.concat() {
        assert!(text.starts_with("/*"), "{path}: no comment at its start");
        assert!(text.lines().count() <= MAX_LINES, "{path}: too long");
    }
}

/// What has no address in it fetches nothing, and leads nobody elsewhere.
#[test]
fn the_page_names_no_address() {
    for (path, text) in files("web/page", &["css", "html", "js"]) {
        assert!(!text.contains("://"), "{path}: an address");
    }
}
