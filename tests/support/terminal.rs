//! A terminal: what a command shows a person, stdout and stderr together.

use std::fs::File;
use std::io::Read;
use std::os::fd::FromRawFd;
use std::ptr::null_mut;

use super::command::command;

/// Runs a command on a terminal of its own. Returns its exit code and all that the terminal got.
pub fn on_a_terminal(args: &[&str]) -> (i32, String) {
    let (mut ours, theirs) = open();
    let mut command = command(args);
    let twin = theirs.try_clone().expect("the same terminal");
    command.stdout(theirs).stderr(twin);
    let mut child = command.spawn().expect("the binary runs");
    // The command keeps its ends of the terminal open.
    drop(command);
    let (mut said, mut buffer) = (vec![], [0; 4096]);
    // Once the other end is closed, reading is an error.
    while let Ok(read @ 1..) = ours.read(&mut buffer) {
        said.extend_from_slice(&buffer[..read]);
    }
    let status = child.wait().expect("a status");
    let said = String::from_utf8(said).expect("UTF-8");
    (
        status.code().expect("an exit code"),
        said.replace("\r\n", "\n"),
    )
}

/// The two ends of a new terminal.
#[allow(unsafe_code, reason = "the standard library opens no terminals")]
fn open() -> (File, File) {
    let (mut ours, mut theirs) = (-1, -1);
    // SAFETY: both numbers are ours to write; the other arguments may be null.
    let opened =
        unsafe { libc::openpty(&mut ours, &mut theirs, null_mut(), null_mut(), null_mut()) };
    assert_eq!(
        opened,
        0,
        "no terminal: {}",
        std::io::Error::last_os_error()
    );
    // SAFETY: both are open, and nobody else has them.
    unsafe { (File::from_raw_fd(ours), File::from_raw_fd(theirs)) }
}
