//! Faults: a process that is killed, a disk that is full, a folder that cannot be written, two processes at
//! once. Nothing is lost, nothing is half written, and what goes on afterwards ends where it would have.
//!
//! `KILLS=50 cargo test --release --test faults` kills more often; `scripts/test-faults` does that.

#[path = "support/command.rs"]
mod command;
#[path = "support/model_dir.rs"]
mod model_dir;
#[path = "support/second_model.rs"]
mod second_model;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use command::{accept, code, command, compiling, path, reject, run, text};
use model_dir::Random;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

const PROMPT: &str = "ab";
/// The session's identity, the same in every run.
const ID: &str = "0x5e55";
/// Chunks of the session, of one step each.
const CHUNKS: usize = 3;

struct World {
    // Keeps the folder alive.
    _temp: tempfile::TempDir,
    root: PathBuf,
    /// How long a build and a session take when nothing happens.
    compile: Duration,
    prove: Duration,
    /// The session's receipts, without the proofs' sizes and digests.
    receipts: Vec<serde_json::Value>,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let temp = tempfile::tempdir().expect("a folder");
        let root = temp.path().to_path_buf();
        second_model::write_second_model(&root.join("model"), 7).expect("written");
        let start = Instant::now();
        accept(&compile(&root, &root.join("build")));
        let compile = start.elapsed();
        let start = Instant::now();
        accept(&prove(&root, &root.join("session")));
        let prove = start.elapsed();
        let receipts = receipts(&root.join("session"));
        assert_eq!(receipts.len(), CHUNKS);
        World {
            _temp: temp,
            root,
            compile,
            prove,
            receipts,
        }
    })
}

fn compile<'a>(root: &'a Path, out: &'a Path) -> [&'a str; 6] {
    compiling(Box::leak(root.join("model").into_boxed_path()), out)
}

fn prove<'a>(root: &'a Path, out: &'a Path) -> [&'a str; 12] {
    let build = Box::leak(root.join("build").into_boxed_path());
    [
        "prove",
        path(build),
        "-p",
        PROMPT,
        "-n",
        "1",
        "--chunk",
        "1",
        "--session-id",
        ID,
        "-o",
        path(out),
    ]
}

/// The receipts of a session, but for what names the proof's bytes.
fn receipts(session: &Path) -> Vec<serde_json::Value> {
    let read = |index: usize| {
        let file = session.join(format!("chunk-{index:04}.receipt.json"));
        let bytes = fs::read(file).ok()?;
        let mut value: serde_json::Value =
            serde_json::from_slice(&bytes).expect("a receipt is whole");
        let proof = value["proof"].as_object_mut().expect("an object");
        proof.remove("bytes");
        proof.remove("blake2s");
        Some(value)
    };
    (0..).map_while(read).collect()
}

fn start(args: &[&str]) -> Child {
    let mut command = command(args);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the binary runs")
}

/// Kills with SIGKILL after a while; whether the process was still there.
fn kill_after(mut child: Child, after: Duration) -> bool {
    std::thread::sleep(after);
    let running = child.try_wait().expect("a status").is_none();
    child.kill().expect("killed");
    child.wait().expect("a status");
    running
}

fn kills(few: usize) -> usize {
    let asked = std::env::var("KILLS").ok();
    asked.map_or(few, |n| n.parse().expect("KILLS is a number"))
}

fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else {
        return vec![];
    };
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned()
    };
    entries.map(name).collect()
}

/// How often at most a run is started for each kill that is asked for: on a machine that is faster than it was when a whole run was
/// timed, a kill may come after the end.
const MOST_TRIES: usize = 4;

/// A build that is killed at any time is there whole or not at all, and can be made again at once. An
/// earlier build stays until the new one takes its place.
#[test]
fn compile_is_killed() {
    let world = world();
    let out = world.root.join("killed-build");
    let mut random = Random(11);
    let kills = kills(3);
    let mut hit = 0;
    for n in 0..MOST_TRIES * kills {
        if n >= kills && hit * 2 >= kills {
            break;
        }
        let after = world
            .compile
            .mul_f64((random.next() % 1000) as f64 / 1000.0);
        hit += usize::from(kill_after(start(&compile(&world.root, &out)), after));
        if out.exists() {
            accept(&["inspect", path(&out)]);
            accept(&["generate", path(&out), "-p", "a", "-n", "1"]);
        }
        // Half of the kills meet an earlier build.
        if n == kills / 2 {
            accept(&compile(&world.root, &out));
        }
    }
    eprintln!(
        "{hit} kills hit a running build; beside it: {:?}",
        names(&world.root)
    );
    assert!(hit * 2 >= kills, "{hit} of {kills}");
    accept(&compile(&world.root, &out));
    let manifest = |build: &str| fs::read(world.root.join(build).join("model.json"));
    assert_eq!(
        manifest("killed-build").expect("a manifest"),
        manifest("build").expect("a manifest")
    );
}

/// What happens to the names in a folder, as the kernel tells it: moved away (`false`) or moved here (`true`).
struct Moves {
    events: OwnedFd,
}

impl Moves {
    fn watch(dir: &Path) -> Moves {
        let events = inotify::init(CreateFlags::NONBLOCK).expect("inotify");
        let moves = WatchFlags::MOVED_FROM | WatchFlags::MOVED_TO;
        inotify::add_watch(&events, dir, moves).expect("a folder to watch");
        Moves { events }
    }

    /// The moves of one name so far, in order.
    fn of(self, name: &str) -> Vec<bool> {
        let (mut bytes, mut found) = (vec![MaybeUninit::uninit(); 1 << 20], vec![]);
        let mut events = inotify::Reader::new(self.events, &mut bytes);
        // Ends with the error that no more events are there.
        while let Ok(event) = events.next() {
            if event
                .file_name()
                .is_some_and(|moved| moved.to_bytes() == name.as_bytes())
            {
                found.push(event.events().contains(ReadFlags::MOVED_TO));
            }
        }
        found
    }
}

/// A build takes the place of an earlier one in one step. In two, the earlier one first moved away, a kill
/// between them would leave neither.
#[test]
fn a_build_is_replaced_in_one_step() {
    let world = world();
    let out = world.root.join("replaced-build");
    accept(&compile(&world.root, &out));
    let moves = Moves::watch(&world.root);
    accept(&compile(&world.root, &out));
    accept(&["inspect", path(&out)]);
    let moves = moves.of("replaced-build");
    assert_eq!(moves.first(), Some(&true), "first moved away: {moves:?}");
    let left = names(&world.root);
    let left = left.iter().filter(|name| name.ends_with(".old"));
    assert_eq!(left.count(), 0);
}

/// A session that is killed at any time keeps every receipt, none of them half written, goes on at the next
/// chunk and ends with the receipts of a session that was never killed.
#[test]
fn prove_is_killed() {
    let world = world();
    let manifest = world.root.join("build/model.json");
    let mut random = Random(12);
    let kills = kills(4);
    let (mut hit, mut sessions) = (0, 0);
    let mut out = world.root.join("killed-session-0");
    for n in 0..MOST_TRIES * kills {
        if n >= kills && hit * 2 >= kills {
            break;
        }
        let before = receipts(&out);
        let proofs: Vec<Vec<u8>> = (0..before.len())
            .map(|i| fs::read(out.join(format!("chunk-{i:04}.proof"))).expect("a proof"))
            .collect();
        // Within the time of a whole session, so that a kill falls into any part of any chunk.
        let after = world.prove.mul_f64((random.next() % 700) as f64 / 1000.0);
        hit += usize::from(kill_after(start(&prove(&world.root, &out)), after));
        let now = receipts(&out);
        assert!(now.len() >= before.len(), "a receipt was lost");
        assert_eq!(now, world.receipts[..now.len()]);
        for (i, proof) in proofs.iter().enumerate() {
            let file = out.join(format!("chunk-{i:04}.proof"));
            assert!(
                fs::read(file).expect("a proof") == *proof,
                "a proof changed"
            );
        }
        for i in 0..now.len() {
            let receipt = out.join(format!("chunk-{i:04}.receipt.json"));
            accept(&["verify", path(&receipt), "--model", path(&manifest)]);
        }
        if !out.join("session.json").exists() {
            continue;
        }
        let verify = ["verify", path(&out), "--model", path(&manifest)];
        let complete = text(&fs::read(out.join("session.json")).expect("a document"));
        if complete.contains("\"complete\"") {
            accept(&verify);
            sessions += 1;
            out = world.root.join(format!("killed-session-{sessions}"));
        } else {
            reject(&verify, 1, "status: is `running`");
        }
    }
    eprintln!("{hit} kills hit a running prover; {sessions} sessions came to their end");
    assert!(hit * 2 >= kills, "{hit} of {kills}");
    accept(&prove(&world.root, &out));
    assert_eq!(receipts(&out), world.receipts);
    accept(&["verify", path(&out), "--model", path(&manifest)]);
    let left: Vec<String> = names(&out)
        .into_iter()
        .filter(|n| n.ends_with(".tmp"))
        .collect();
    assert_eq!(left, [""; 0], "a half-written file stayed");
}

/// Ctrl-C: the exit code of an interrupted program, and how to go on; what was done stays.
#[test]
fn prove_is_interrupted() {
    let world = world();
    let out = world.root.join("interrupted-session");
    let mut command = command(&prove(&world.root, &out));
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let child = command.spawn().expect("the binary runs");
    let deadline = Instant::now() + Duration::from_secs(120);
    while !out.join("chunk-0000.receipt.json").exists() {
        assert!(Instant::now() < deadline, "no receipt after two minutes");
        std::thread::sleep(Duration::from_millis(5));
    }
    let interrupt = ["-INT".to_string(), child.id().to_string()];
    let sent = Command::new("kill").args(interrupt).status();
    assert!(sent.expect("kill runs").success());
    let output = child.wait_with_output().expect("a status");
    let said = text(&output.stderr);
    assert_eq!(code(&output), 130, "{said}");
    assert!(
        said.contains("run the same command again to go on"),
        "{said}"
    );
    assert!(said.contains("interrupted-session"), "{said}");
    let kept = fs::read(out.join("chunk-0000.proof")).expect("a proof");
    accept(&prove(&world.root, &out));
    assert_eq!(receipts(&out), world.receipts);
    assert!(fs::read(out.join("chunk-0000.proof")).expect("a proof") == kept);
}

/// Runs with a limit on the size of a file, in kilobytes; a write beyond it fails as on a full disk.
fn limited(kilobytes: usize, args: &[&str]) -> Output {
    let script = format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$@\"");
    Command::new("bash")
        .args(["-c", &script, "bash", env!("CARGO_BIN_EXE_cairo-decode")])
        .args(args)
        .output()
        .expect("bash runs")
}

/// A disk that is full while the proof is written: an error that names the file, no part of it, and the
/// session goes on once there is room.
#[test]
fn the_disk_is_full_while_proving() {
    let world = world();
    let out = world.root.join("full-session");
    let output = limited(500, &prove(&world.root, &out));
    let said = text(&output.stderr);
    assert_eq!(code(&output), 2, "{said}");
    assert!(
        said.contains("chunk-0000.proof") && said.contains("too large"),
        "{said}"
    );
    assert!(!said.contains("panicked"), "{said}");
    let mut found = names(&out);
    found.sort();
    assert_eq!(found, ["session.json", "session.lock"]);
    accept(&prove(&world.root, &out));
    assert_eq!(receipts(&out), world.receipts);
}

/// The same for a build: nothing is left behind.
#[test]
fn the_disk_is_full_while_compiling() {
    let world = world();
    let folder = world.root.join("full");
    fs::create_dir(&folder).expect("a folder");
    let out = folder.join("build");
    let output = limited(200, &compile(&world.root, &out));
    let said = text(&output.stderr);
    assert_eq!(code(&output), 2, "{said}");
    assert!(said.contains("too large"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(names(&folder), [""; 0]);
    accept(&compile(&world.root, &out));
    assert_eq!(names(&folder), ["build"]);
}

/// What became of a command on a small disk, and of the same once there is room.
struct OnDisk {
    full: Output,
    /// What was on the disk then, files and folders.
    left: Vec<String>,
    /// What was on it in the end.
    end: PathBuf,
}

/// Runs a command twice whose output goes to `disk`, a disk of its own: a file system of so many kilobytes in a
/// namespace of this run, which gets room after the first time. Where the machine permits no such disk, says so
/// (past the capture of a test's output) and returns `None`.
fn on_a_small_disk(test: &str, kilobytes: usize, disk: &Path, args: &[&str]) -> Option<OnDisk> {
    let end = disk.with_extension("end");
    for folder in [disk, &end] {
        fs::create_dir_all(folder).expect("a folder");
    }
    let namespace = |options: &str, script: &str| {
        let mut command = Command::new("unshare");
        command.args([options, "bash", "-euc", script, "bash"]);
        command.arg(disk).arg(&end).arg(kilobytes.to_string());
        command.arg(env!("CARGO_BIN_EXE_cairo-decode")).args(args);
        command.output()
    };
    let mount = "mount -t tmpfs -o size=${3}k none \"$1\"";
    let may = |options: &&str| namespace(options, mount).is_ok_and(|o| o.status.success());
    let Some(options) = ["-Urm", "-m"].into_iter().find(may) else {
        let said = "NOT TESTED: this machine permits no file system of its own (unshare, mount)";
        writeln!(std::io::stderr(), "{test}: {said}").expect("stderr");
        return None;
    };
    let script = format!(
        "{mount}; disk=$1 end=$2; shift 3; code=0; \"$@\" || code=$?; \
         (cd \"$disk\"; find . -mindepth 1 -printf '%P\\n') > \"$end/left\"; \
         mount -o remount,size=64m \"$disk\"; \"$@\" > /dev/null; cp -r \"$disk/.\" \"$end\"; exit $code"
    );
    let full = namespace(options, &script).expect("unshare runs");
    let left = fs::read_to_string(end.join("left")).expect("what was left");
    let mut left: Vec<String> = left.lines().map(String::from).collect();
    left.sort();
    Some(OnDisk { full, left, end })
}

/// A real disk without room: an error that names the file, nothing half written, and the same command does it all once
/// there is room.
#[test]
fn a_real_disk_is_full() {
    let world = world();
    let refused = |run: &OnDisk, named: &str| {
        let said = text(&run.full.stderr);
        assert_eq!(code(&run.full), 2, "{said}");
        assert!(said.contains("No space left on device"), "{said}");
        assert!(said.contains(named), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    };
    let (test, disk) = ("a_real_disk_is_full", world.root.join("disk"));
    let args = prove(&world.root, Box::leak(disk.join("session").into()));
    if let Some(run) = on_a_small_disk(test, 600, &disk, &args) {
        refused(&run, "chunk-0000.proof");
        let session = ["session", "session/session.json", "session/session.lock"];
        assert_eq!(run.left, session);
        assert_eq!(receipts(&run.end.join("session")), world.receipts);
    }
    let disk = world.root.join("build-disk");
    let args = compile(&world.root, Box::leak(disk.join("build").into()));
    if let Some(run) = on_a_small_disk(test, 200, &disk, &args) {
        refused(&run, path(&disk));
        assert_eq!(run.left, [""; 0]);
        let build = run.end.join("build");
        accept(&["inspect", path(&build)]);
        let program = |build: &Path| fs::read(build.join("program.json")).expect("a program");
        assert!(program(&build) == program(&world.root.join("build")));
    }
}

/// A folder that nothing can be written to is named.
#[test]
fn the_output_cannot_be_written() {
    let world = world();
    // No process may make files there, not even root's.
    let nowhere = Path::new("/proc/cairo-decode-test");
    reject(&compile(&world.root, nowhere), 2, "/proc/");
    reject(&prove(&world.root, nowhere), 2, "/proc/cairo-decode-test");
    // A file where the folder should be.
    let file = world.root.join("a-file");
    fs::write(&file, b"mine").expect("written");
    reject(&prove(&world.root, &file), 2, "a-file");
    reject(&compile(&world.root, &file), 2, "a-file");
    assert_eq!(fs::read(&file).expect("a file"), b"mine");
}

/// Two processes on one session: the second one is told, the first one is not disturbed.
#[test]
fn two_processes_on_one_session() {
    let world = world();
    let out = world.root.join("shared-session");
    let mut first = start(&prove(&world.root, &out));
    let deadline = Instant::now() + Duration::from_secs(60);
    while !out.join("session.json").exists() {
        assert!(Instant::now() < deadline, "no session after a minute");
        std::thread::sleep(Duration::from_millis(5));
    }
    reject(
        &prove(&world.root, &out),
        2,
        "another process is working on this session",
    );
    assert!(first.wait().expect("a status").success());
    assert_eq!(receipts(&out), world.receipts);
    // Readers need no lock.
    let manifest = world.root.join("build/model.json");
    assert_eq!(
        code(&run(&["verify", path(&out), "--model", path(&manifest)])),
        0
    );
}

/// Runs a command where the system says that so many kilobytes of memory are free, in a namespace of this run. Where the
/// machine permits none, says so (past the capture of a test's output) and returns `None`.
fn with_memory(test: &str, kilobytes: usize, root: &Path, args: &[&str]) -> Option<Output> {
    let file = root.join("meminfo");
    fs::write(&file, format!("MemAvailable: {kilobytes} kB\n")).expect("written");
    let namespace = |options: &str, command: &[&str]| {
        let script = "mount --bind \"$0\" /proc/meminfo; exec \"$@\"";
        let mut unshare = Command::new("unshare");
        unshare.args([options, "bash", "-euc", script]).arg(&file);
        unshare.args(command).output()
    };
    let may = |options: &&str| namespace(options, &["true"]).is_ok_and(|o| o.status.success());
    let Some(options) = ["-Urm", "-m"].into_iter().find(may) else {
        let said = "NOT TESTED: this machine permits no mount of its own (unshare, mount)";
        writeln!(std::io::stderr(), "{test}: {said}").expect("stderr");
        return None;
    };
    let command = [&[env!("CARGO_BIN_EXE_cairo-decode")], args].concat();
    Some(namespace(options, &command).expect("unshare runs"))
}

/// The arguments that prove six steps in three chunks of two.
fn prove_pairs(world: &World, out: &Path) -> Vec<String> {
    let mut args = prove(&world.root, out).map(String::from);
    (args[5], args[7]) = ("4".to_string(), "2".to_string());
    args.to_vec()
}

/// The files of a folder with their bytes.
fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let read = |name: String| (name.clone(), fs::read(dir.join(name)).expect("a file"));
    names(dir).into_iter().map(read).collect()
}

/// A chunk that holds is never removed: a faulty one is proven with exactly its steps, so that what follows it still does, or the run
/// fails and leaves all chunks as they were.
#[test]
fn what_holds_is_not_removed() {
    const LITTLE: usize = 50_000;
    let test = "what_holds_is_not_removed";
    let world = world();
    let (out, manifest) = (
        world.root.join("pairs"),
        world.root.join("build/model.json"),
    );
    let args = prove_pairs(world, &out);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let verify = ["verify", path(&out), "--model", path(&manifest)];
    accept(&args);
    let whole = contents(&out);
    // 1. Too much for the machine: chunks before and after the lost proof hold.
    for lost in ["chunk-0000.proof", "chunk-0002.proof"] {
        fs::remove_file(out.join(lost)).expect("removed");
        if let Some(output) = with_memory(test, LITTLE, &world.root, &args) {
            let said = text(&output.stderr);
            assert_eq!(code(&output), 2, "{said}");
            // The process's own memory counts as free.
            assert!(said.contains("the proof needs about"), "{said}");
            assert!(said.contains(" MB are free"), "{said}");
            let mut left = contents(&out);
            for name in [lost, "session.json"] {
                left.insert(name.to_string(), whole[name].clone());
            }
            assert!(left == whole, "{:?}", left.keys());
        }
        fs::write(out.join(lost), &whole[lost]).expect("written");
    }
    // 2. The first proof with its receipt and the next one lost: the third one still follows.
    for lost in [
        "chunk-0000.proof",
        "chunk-0000.receipt.json",
        "chunk-0001.receipt.json",
    ] {
        fs::remove_file(out.join(lost)).expect("removed");
    }
    accept(&args);
    accept(&verify);
    let mended = contents(&out);
    for file in ["chunk-0002.proof", "chunk-0002.receipt.json"] {
        assert!(mended[file] == whole[file], "{file} was proven again");
    }
}

/// Files of a build folder that are none, or larger than such a file may be: refused by name, at once.
#[test]
fn a_builds_files_are_bounded() {
    let world = world();
    let out = world.root.join("bounded-build");
    accept(&compile(&world.root, &out));
    let [program, integers] = ["program.json", "integers.bin"].map(|name| out.join(name));
    let refused = |names: &[&str]| {
        let start = Instant::now();
        for name in names {
            reject(&["inspect", path(&out), "--graph"], 2, name);
        }
        assert!(start.elapsed() < Duration::from_secs(30));
    };
    let sparse = |file: &Path, bytes: u64| {
        let file = fs::File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(file);
        file.expect("a file").set_len(bytes).expect("sparse");
    };
    // 1. A sparse file, which costs nobody anything but the reader.
    let whole = fs::read(&integers).expect("integers");
    sparse(&integers, (2 << 30) + 1);
    refused(&["integers.bin", "is larger than"]);
    reject(
        &["generate", path(&out), "-p", "a", "-n", "1"],
        2,
        "integers.bin",
    );
    fs::write(&integers, whole).expect("written");
    // 2. A program without an end, and one that nobody writes.
    fs::remove_file(&program).expect("removed");
    std::os::unix::fs::symlink("/dev/zero", &program).expect("a link");
    refused(&["program.json", "not a regular file"]);
    fs::remove_file(&program).expect("removed");
    let made = Command::new("mkfifo").arg(&program).status();
    assert!(made.expect("mkfifo").success());
    refused(&["program.json", "not a regular file"]);
    fs::remove_file(&program).expect("removed");
    sparse(&program, 1 << 34);
    refused(&["program.json", "is larger than"]);
}
