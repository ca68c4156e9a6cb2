//! Pipes in the place of files: whoever reads must not wait for somebody who writes.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use cairo_decode::receipt::{FileError, read_bounded};

/// Another name for `from`, put in the place of `to` at once.
fn put(from: &Path, to: &Path) {
    let beside = from.with_extension("next");
    fs::hard_link(from, &beside).expect("another name");
    fs::rename(&beside, to).expect("in its place");
}

/// Attack: while a file is read again and again, it changes into a pipe and back, so that sooner or later it is
/// a file when it is looked at and a pipe when it is opened. Stopped by: opening without waiting.
#[test]
fn a_pipe_in_a_files_place_makes_nobody_wait() {
    let dir = tempfile::tempdir().expect("a folder");
    let [file, pipe, target] = ["file", "pipe", "target"].map(|name| dir.path().join(name));
    fs::write(&file, b"content").expect("written");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo").success());
    put(&file, &target);

    let stop = Arc::new(AtomicBool::new(false));
    let swapping = {
        let (stop, target) = (Arc::clone(&stop), target.clone());
        thread::spawn(move || {
            while !stop.load(Relaxed) {
                put(&pipe, &target);
                put(&file, &target);
            }
        })
    };
    let (done, finished) = channel();
    thread::spawn(move || {
        let start = Instant::now();
        let (mut read, mut refused) = (0, 0);
        while start.elapsed() < Duration::from_secs(3) {
            match read_bounded(&target, 100) {
                Ok(bytes) => {
                    assert_eq!(bytes, b"content");
                    read += 1;
                }
                Err(FileError::NotAFile { .. }) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        done.send((read, refused)).expect("somebody waits");
    });
    let counts = finished.recv_timeout(Duration::from_secs(30));
    stop.store(true, Relaxed);
    swapping.join().expect("the swapping ends");
    let (read, refused) = counts.expect("the reader waits for a writer");
    eprintln!("{read} times a file, {refused} times a pipe");
    assert!(read > 0 && refused > 0);
}
