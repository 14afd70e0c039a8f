//! A disk of a few MiB that fills up under a running node, and is freed again.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Home, Node};

/// A file system in memory, unmounted when dropped.
struct SmallDisk {
    dir: tempfile::TempDir,
}

impl SmallDisk {
    /// `None` with the reason printed where mounting is not permitted.
    fn mount(size: &str) -> Option<Self> {
        let dir = tempfile::TempDir::with_prefix("ggen-disk-").expect("a folder");
        let options = format!("size={size}");
        let output = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(dir.path()).output();
        match output {
            Ok(output) if output.status.success() => Some(Self { dir }),
            Ok(output) => {
                println!("skipped: no small disk: {}", String::from_utf8_lossy(&output.stderr).trim());
                None
            }
            Err(error) => {
                println!("skipped: no small disk: {error}");
                None
            }
        }
    }

    /// Takes all the space that is left; returns the file that has it.
    fn fill(&self) -> PathBuf {
        let path = self.dir.path().join("filler");
        let mut file = File::create(&path).expect("a filler");
        let piece = [7; 4096];
        while file.write_all(&piece).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.dir.path()).status();
    }
}

fn package(folder: &Path, name: &str) -> String {
    let path = folder.join(name);
    std::fs::create_dir_all(&path).expect("a folder");
    let manifest = format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\ndescription = \"About {name}\"\n");
    std::fs::write(path.join("gpack.toml"), manifest).expect("a manifest");
    let noise: Vec<u8> =
        (0..200_000u64).flat_map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40).to_le_bytes()).collect();
    std::fs::write(path.join("noise.bin"), &noise[..400_000]).expect("a file");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_node_goes_on_when_a_full_disk_is_freed() {
    let Some(disk) = SmallDisk::mount("12m") else { return };
    let packages = tempfile::tempdir().expect("a folder");
    let node = Node::start_on(Home::below(disk.dir.path()), &[]);
    node.json(&["publish", &package(packages.path(), "first")]);
    for round in ["second", "third"] {
        let filler = disk.fill();
        for verb in [["publish", &package(packages.path(), round)], ["install", "first"]] {
            let (code, error) = node.home.failure(&verb);
            assert_eq!(code, 8, "{verb:?}: {error}");
            assert!(error["error"]["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{error}");
        }
        // It serves and searches meanwhile.
        assert!(!node.local_search("first").is_empty());
        assert!(node.json(&["list"])["installed"].as_array().is_some_and(Vec::is_empty));
        std::fs::remove_file(filler).expect("freed");
        node.json(&["publish", &package(packages.path(), round)]);
        node.json(&["install", "first"]);
        assert!(node.home.packs().join("first/noise.bin").exists());
        node.json(&["remove", "first"]);
    }
    let pid = node.json(&["status"])["pid"].clone();
    let node = node.restart(&[]);
    assert_ne!(node.json(&["status"])["pid"], pid);
    assert_eq!(node.local_search("").len(), 3);
}
