//! Directories that are no model directory, and files that are not what their name says: each has its own sentence.

use super::*;
use std::fs;
use std::sync::mpsc;
use std::time::Duration;

/// The refusal of a directory without the named files, in which `add` may put others.
fn without(remove: &[&str], add: impl FnOnce(&Path)) -> Result<Model, ModelError> {
    load(Choices::default(), |dir| {
        for name in remove {
            fs::remove_file(dir.join(name)).unwrap();
        }
        add(dir);
    })
}

const POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n";

#[test]
fn pointers_of_git_lfs() {
    for name in ["model.safetensors", "tokenizer.json", "config.json"] {
        let result = load(Choices::default(), |dir| {
            fs::write(dir.join(name), POINTER).unwrap();
        });
        let error = refused(result, &[name, "git-lfs pointer", "git lfs pull"]);
        assert!(matches!(error, ModelError::LfsPointer { .. }));
    }
}

#[test]
fn byte_order_marks() {
    for name in ["config.json", "tokenizer.json"] {
        let marked = |dir: &Path| {
            let text = fs::read_to_string(dir.join(name)).unwrap();
            fs::write(dir.join(name), format!("\u{feff}{text}")).unwrap();
        };
        let error = refused(
            load(Choices::default(), marked),
            &[name, "byte order mark", "UTF-8"],
        );
        assert!(matches!(error, ModelError::ByteOrderMark { .. }));
    }
    let wide = |dir: &Path| fs::write(dir.join("config.json"), b"\xff\xfe{\0}\0").unwrap();
    refused(
        load(Choices::default(), wide),
        &["config.json", "byte order mark", "UTF-16"],
    );
}

#[test]
fn weights_of_other_kinds() {
    let weights = "model.safetensors";
    let pickled = without(&[weights], |dir| {
        fs::write(dir.join("pytorch_model.bin"), "x").unwrap()
    });
    let error = refused(pickled, &["pytorch_model.bin", "safetensors"]);
    assert!(matches!(error, ModelError::Pickled { .. }));
    let unlisted = without(&[weights], |dir| {
        fs::write(dir.join("model-00001-of-00002.safetensors"), "x").unwrap()
    });
    let error = refused(
        unlisted,
        &[
            "model-00001-of-00002.safetensors",
            "model.safetensors.index.json",
        ],
    );
    assert!(matches!(error, ModelError::NoIndex { .. }));
    let gguf = without(&[weights], |dir| {
        fs::write(dir.join("a.gguf"), "x").unwrap()
    });
    let error = refused(gguf, &["a.gguf", "in the place of the folder"]);
    assert!(matches!(error, ModelError::OnlyGguf { .. }));
    // What the weights are is said before the tokenizer is missed.
    let both = without(&[weights, "tokenizer.json"], |dir| {
        fs::write(dir.join("a.gguf"), "x").unwrap()
    });
    assert!(matches!(both, Err(ModelError::OnlyGguf { .. })));
    let original = without(&[weights], |dir| {
        fs::write(dir.join("consolidated.00.pth"), "x").unwrap()
    });
    let error = refused(
        original,
        &["consolidated.00.pth", "convert_llama_weights_to_hf"],
    );
    assert!(matches!(error, ModelError::OriginalFormat { .. }));
    let error = refused(without(&[weights], |_| ()), &["neither"]);
    assert!(matches!(error, ModelError::NoWeights { .. }));
}

#[test]
fn folders_of_other_kinds() {
    let all = ["config.json", "model.safetensors", "tokenizer.json"];
    for (name, mention) in [
        ("b.Q4_K_M.gguf", "b.Q4_K_M.gguf"),
        ("adapter_config.json", "adapter"),
        ("params.json", "convert"),
    ] {
        let result = without(&all, |dir| fs::write(dir.join(name), "{}").unwrap());
        let error = refused(result, &[mention]);
        assert!(
            matches!(
                (name, &error),
                ("b.Q4_K_M.gguf", ModelError::OnlyGguf { .. })
                    | ("adapter_config.json", ModelError::OnlyAdapter { .. })
                    | ("params.json", ModelError::OriginalFormat { .. })
            ),
            "{error:?}"
        );
    }
    let error = refused(without(&all, |_| ()), &["config.json", "cannot read"]);
    assert!(matches!(error, ModelError::Read { .. }));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("model.gguf");
    fs::write(&file, "x").unwrap();
    let error = refused(Model::load(&file), &["model.gguf", "not a GGUF file"]);
    assert!(matches!(error, ModelError::Gguf { .. }));
    let file = dir.path().join("model.bin");
    fs::write(&file, "x").unwrap();
    let error = refused(Model::load(&file), &["model.bin", "a file", "directory"]);
    assert!(matches!(error, ModelError::NotAFolder { .. }));
    let error = refused(
        Model::load(&dir.path().join("none")),
        &["none", "no such directory", "nothing is downloaded"],
    );
    assert!(matches!(error, ModelError::NoDirectory { .. }));
    for elsewhere in ["owner/model-of-the-hub", "https://hub.example/owner/model"] {
        let error = refused(
            Model::load(Path::new(elsewhere)),
            &[elsewhere, "downloaded"],
        );
        assert!(matches!(error, ModelError::NoDirectory { .. }));
    }
}

/// A cache of the hub that was moved without what its links lead to.
#[test]
fn links_to_nothing() {
    for name in [
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "model.safetensors",
        "model-00002-of-00002.safetensors",
    ] {
        let result = load(Choices::default(), |dir| {
            if name.contains("-of-") {
                fs::remove_file(dir.join("model.safetensors")).unwrap();
                write_shards(dir, |_| ());
            }
            let path = dir.join(name);
            if path.exists() {
                fs::remove_file(&path).unwrap();
            }
            std::os::unix::fs::symlink("../../blobs/12fd25", path).unwrap();
        });
        let error = refused(result, &[name, "a link to ../../blobs/12fd25", "download"]);
        assert!(matches!(error, ModelError::DanglingLink { .. }));
    }
}

/// The folder above a model's versions in the hub's cache names the version to give.
#[test]
fn roots_of_the_hubs_cache() {
    let cache = tempfile::tempdir().unwrap();
    let root = cache.path().join("models--me--stories");
    for version in ["aa", "bb"] {
        fs::create_dir_all(root.join("snapshots").join(version)).unwrap();
    }
    let named = |version: &str| {
        let error = refused(Model::load(&root), &["cache of the hub", version]);
        assert!(matches!(error, ModelError::HubCache { .. }));
    };
    named("snapshots/aa");
    fs::create_dir(root.join("refs")).unwrap();
    fs::write(root.join("refs/main"), "bb\n").unwrap();
    named("snapshots/bb");
}

#[test]
fn tokenizers_of_other_kinds() {
    for name in ["tokenizer.model", "vocab.json"] {
        let result = without(&["tokenizer.json"], |dir| {
            fs::write(dir.join(name), "x").unwrap()
        });
        let error = refused(result, &[name, "tokenizer.json", "convert", "transformers"]);
        assert!(matches!(error, ModelError::OtherTokenizer { .. }));
    }
    let error = refused(
        without(&["tokenizer.json"], |_| ()),
        &["tokenizer.json", "cannot read"],
    );
    assert!(matches!(error, ModelError::Read { .. }));
}

#[test]
fn downloads_that_broke_off() {
    for keep in [0, 7, 100, 5000] {
        let result = load(Choices::default(), |dir| {
            let path = dir.join("model.safetensors");
            let bytes = fs::read(&path).unwrap();
            assert!(bytes.len() > keep);
            fs::write(path, &bytes[..keep]).unwrap();
        });
        let bytes = format!("{keep} bytes");
        let error = refused(result, &["model.safetensors", &bytes, "cut off"]);
        assert!(matches!(error, ModelError::CutOff { .. }));
    }
    let result = load(Choices::default(), |dir| {
        fs::remove_file(dir.join("model.safetensors")).unwrap();
        write_shards(dir, |_| ());
        let path = dir.join("model-00002-of-00002.safetensors");
        let bytes = fs::read(&path).unwrap();
        fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
    });
    let error = refused(result, &["model-00002-of-00002.safetensors", "cut off"]);
    assert!(matches!(error, ModelError::CutOff { .. }));
}

/// Whatever stands under a file's name, the reader does not wait for it.
#[test]
fn pipes_and_folders_under_a_files_name() {
    for name in [
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "model.safetensors",
    ] {
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            let result = load(Choices::default(), |dir| {
                let path = dir.join(name);
                if path.exists() {
                    fs::remove_file(&path).unwrap();
                }
                let made = std::process::Command::new("mkfifo").arg(&path).status();
                assert!(made.unwrap().success());
            });
            send.send(result.map(|_| ())).unwrap();
        });
        let result = receive.recv_timeout(Duration::from_secs(20));
        let error = refused(result.expect("an answer"), &[name, "not a regular file"]);
        assert!(matches!(error, ModelError::NotAFile { .. }));

        let result = load(Choices::default(), |dir| {
            let path = dir.join(name);
            if path.exists() {
                fs::remove_file(&path).unwrap();
            }
            fs::create_dir(path).unwrap();
        });
        let error = refused(result, &[name, "not a regular file"]);
        assert!(matches!(error, ModelError::NotAFile { .. }));
    }
}
