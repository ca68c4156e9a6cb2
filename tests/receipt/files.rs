//! Files that are there whole or not at all: several writers at once, what a write leaves, its permissions.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use cairo_decode::receipt::write_atomic;

/// The names in a folder.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    entries
        .map(name)
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

/// Threads of one process that write the same file again and again: every write succeeds, every look sees the
/// whole of one of them, and nothing else stays.
#[test]
fn writers_of_one_file_do_not_disturb_each_other() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("session.json");
    // Far more than one call writes, so that halves can be seen.
    let text = |writer: usize| vec![b'a' + writer as u8; 1 << 20];
    write_atomic(&file, &text(0)).expect("written");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (file, text) = (&file, &text);
            scope.spawn(move || {
                for _ in 0..8 {
                    write_atomic(file, &text(writer)).expect("written");
                    let seen = fs::read(file).expect("a file");
                    let whole = (0..4).any(|other| seen == text(other));
                    assert!(whole, "{} bytes of several writers", seen.len());
                }
            });
        }
    });
    assert_eq!(names(dir.path()), ["session.json"]);
}

/// Nobody can make a write go elsewhere by a link under the name of the temporary file: the name is new.
#[test]
fn a_link_in_the_temporary_files_place_is_not_followed() {
    let dir = tempfile::tempdir().expect("a folder");
    let mine = dir.path().join("mine");
    fs::write(&mine, "mine").expect("written");
    // The name that a writer would have which takes its process's number for one.
    let guess = format!(".session.json.{}.tmp", std::process::id());
    std::os::unix::fs::symlink(&mine, dir.path().join(guess)).expect("a link");
    write_atomic(&dir.path().join("session.json"), b"document").expect("written");
    assert_eq!(fs::read(&mine).expect("a file"), b"mine");
    let written = fs::symlink_metadata(dir.path().join("session.json")).expect("a file");
    assert!(written.is_file(), "a link");
}

/// A write that fails leaves the old file and no other.
#[test]
fn a_failed_write_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let taken = dir.path().join("taken");
    fs::create_dir(&taken).expect("a folder");
    let error = write_atomic(&taken, b"document").expect_err("a folder is in the way");
    assert!(error.to_string().contains("taken"), "{error}");
    assert_eq!(names(dir.path()), ["taken"]);
}

/// A written file has the permissions of any other new file, not those of a secret.
#[test]
fn a_written_file_can_be_read_by_others() {
    let dir = tempfile::tempdir().expect("a folder");
    let (ours, plain) = (dir.path().join("ours"), dir.path().join("plain"));
    write_atomic(&ours, b"document").expect("written");
    fs::write(&plain, b"document").expect("written");
    let mode = |file: &Path| fs::metadata(file).expect("a file").permissions().mode();
    assert_eq!(mode(&ours), mode(&plain));
}
