use std::fs;

use super::*;
use crate::market::testing::{identity, name};
use crate::market::{PackageId, PublisherKey};

fn key() -> PublisherKey {
    identity(1).public()
}

fn entry(version: &str, dependencies: &[&str]) -> Entry {
    Entry {
        version: version.parse().unwrap(),
        source: Source::Publisher(key()),
        integrity: Some(PackageId([0xab; 32])),
        installed_at: 1_769_860_800,
        dependencies: dependencies.iter().map(|it| name(it)).collect(),
    }
}

/// A project with `text` as its lock file.
fn project(text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(".ggen")).unwrap();
    fs::write(Lock::path(dir.path()), text).unwrap();
    dir
}

fn text(dir: &Path) -> String {
    fs::read_to_string(Lock::path(dir)).unwrap()
}

fn refusal(text: &str) -> String {
    let dir = project(text);
    let error = Lock::read(dir.path()).expect_err(text);
    assert!(error.hint().is_some_and(|hint| hint.contains("version control")));
    let message = error.to_string();
    message.strip_prefix(&format!("{}: ", Lock::path(dir.path()).display())).expect(&message).to_owned()
}

#[test]
fn a_new_lock_file_is_as_ggen_writes_it() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Lock::read(dir.path()).unwrap(), None);
    let mut lock = Lock::default();
    lock.put(&name("top"), &entry("2.0.0", &["base", "base", "top"]));
    lock.put(
        &name("base"),
        &Entry { integrity: None, source: Source::Registry("https://x.example".into()), ..entry("1.0.0", &[]) },
    );
    lock.write(dir.path()).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    insta::assert_snapshot!(text(dir.path()).replace(version, "VERSION").replace(&key().to_string(), "KEY"), @r#"
    {
      "packs": {
        "base": {
          "version": "1.0.0",
          "source": {
            "type": "Registry",
            "url": "https://x.example"
          },
          "installed_at": "2026-01-31T12:00:00Z",
          "dependencies": []
        },
        "top": {
          "version": "2.0.0",
          "source": {
            "type": "Registry",
            "url": "ggen-p2p:KEY"
          },
          "integrity": "sha256-abababababababababababababababababababababababababababababababab",
          "installed_at": "2026-01-31T12:00:00Z",
          "dependencies": [
            "base"
          ]
        }
      },
      "updated_at": "2026-01-31T12:00:00Z",
      "ggen_version": "ggen-p2p-tui/VERSION"
    }
    "#);
    let read = Lock::read(dir.path()).unwrap().unwrap();
    assert_eq!(read.get(&name("top")), Some(Entry { dependencies: vec![name("base")], ..entry("2.0.0", &[]) }));
    assert_eq!(read.get(&name("top")).unwrap().publisher(), Some(key()));
    assert_eq!(read.get(&name("base")).unwrap().publisher(), None);
    assert_eq!(read.get(&name("gone")), None);
    assert_eq!(read.entries().map(|(name, _)| name.to_string()).collect::<Vec<_>>(), ["base", "top"]);
}

#[test]
fn what_others_wrote_stays() {
    let sample = include_str!("sample.lock");
    let dir = project(sample);
    let mut lock = Lock::read(dir.path()).unwrap().unwrap();
    lock.write(dir.path()).unwrap();
    assert_eq!(text(dir.path()), sample, "nothing changed, nothing written");
    lock.put(&name("io.ggen.cli"), &entry("0.3.0", &["base-pack"]));
    lock.put(&name("new"), &entry("1.0.0", &[]));
    lock.write(dir.path()).unwrap();
    let lines = |text: &str| text.lines().map(|line| line.trim_end_matches(',').to_owned()).collect::<Vec<_>>();
    let (before, after) = (lines(sample), lines(&text(dir.path())));
    let gone: Vec<_> = before.iter().filter(|line| !after.contains(line)).map(|line| line.trim()).collect();
    let replaced = [
        r#""version": "0.2.0""#,
        r#""branch": "main""#,
        r#""org": "example""#,
        r#""repo": "packs""#,
        r#""type": "GitHub""#,
        r#""installed_at": "2025-11-21T10:00:00.123456789Z""#,
        r#""Other Pack""#,
    ];
    assert_eq!(gone, replaced, "{}", text(dir.path()));
    let ids: Vec<_> = lock.raw.packs.keys().cloned().collect();
    assert_eq!(ids, ["Other Pack", "base-pack", "io.ggen.cli", "new"]);
}

#[test]
fn entries_of_others_are_read_as_far_as_they_can_be() {
    let lock = Lock::from_bytes(include_bytes!("sample.lock"), Path::new("x")).unwrap();
    let names: Vec<_> = lock.entries().map(|(name, _)| name.to_string()).collect();
    assert_eq!(names, ["base-pack", "io.ggen.cli"], "'latest' is no version");
    let cli = lock.get(&name("io.ggen.cli")).unwrap();
    assert_eq!(cli.installed_at, 1_763_719_200);
    assert_eq!(cli.dependencies, [name("base-pack")]);
    assert!(matches!(&cli.source, Source::Other(value) if value["org"] == "example"));
    assert_eq!(cli.publisher(), None);
    assert!(lock.get(&name("base-pack")).unwrap().publisher().is_some());
}

#[test]
fn the_same_content_gives_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let put = |names: &[&str], at: u64| {
        Lock::edit(dir.path(), |lock| {
            for it in names {
                lock.put(&name(it), &Entry { installed_at: at, ..entry("1.0.0", &["z"]) });
            }
        })
        .unwrap();
        text(dir.path())
    };
    let first = put(&["z", "a", "b"], 1_769_860_800);
    assert_eq!(put(&["b", "a"], 1_800_000_000), first, "installed again, later");
    fs::remove_file(Lock::path(dir.path())).unwrap();
    assert_eq!(put(&["a", "b", "z"], 1_769_860_800), first, "in another order");
    let later = put(&["c"], 1_769_860_801);
    assert!(later.contains(r#""updated_at": "2026-01-31T12:00:01Z""#), "{later}");
    assert_eq!(fs::read_dir(dir.path().join(".ggen")).unwrap().count(), 1, "no temporary file");
}

#[test]
fn any_difference_is_a_change() {
    let mut lock = Lock::default();
    lock.put(&name("a"), &entry("1.0.0", &[]));
    lock.changed = false;
    let old = entry("1.0.0", &[]);
    lock.put(&name("a"), &Entry { installed_at: 5, ..old.clone() });
    assert!(!lock.changed);
    for new in [
        entry("1.0.1", &[]),
        entry("1.0.0", &["b"]),
        Entry { source: Source::Publisher(identity(2).public()), ..old.clone() },
        Entry { integrity: None, ..old.clone() },
    ] {
        let mut lock = lock.clone();
        lock.put(&name("a"), &new);
        assert!(lock.changed, "{new:?}");
        assert_eq!(lock.get(&name("a")), Some(new));
    }
}

#[test]
fn removing_says_what_is_missing_then() {
    let mut lock = Lock::default();
    for (it, needs) in [("base", &[][..]), ("a", &["base"]), ("b", &["base", "a"])] {
        lock.put(&name(it), &entry("1.0.0", needs));
    }
    assert_eq!(lock.missing_dependencies(), []);
    lock.changed = false;
    assert!(!lock.remove(&name("gone"), 7) && !lock.changed);
    assert!(lock.remove(&name("base"), 86_400) && lock.changed);
    assert_eq!(lock.raw.updated_at, "1970-01-02T00:00:00Z");
    let missing = |pack: &str| MissingDependency { pack: pack.into(), dependency: "base".into() };
    assert_eq!(lock.missing_dependencies(), [missing("a"), missing("b")]);
}

#[test]
fn a_circle_is_not_written() {
    let mut lock = Lock::default();
    lock.put(&name("a"), &entry("1.0.0", &["b"]));
    lock.put(&name("b"), &entry("1.0.0", &["c", "x"]));
    lock.put(&name("c"), &entry("1.0.0", &["a", "x"]));
    let needs = |lock: &Lock, of: &str| lock.get(&name(of)).unwrap().dependencies;
    assert_eq!(needs(&lock, "a"), [name("b")]);
    assert_eq!(needs(&lock, "b"), [name("c"), name("x")]);
    assert_eq!(needs(&lock, "c"), [name("x")]);
    let before = lock.clone();
    for (it, all) in [("a", &["b"][..]), ("b", &["c", "x"]), ("c", &["a", "x"])] {
        lock.put(&name(it), &entry("1.0.0", all));
    }
    assert_eq!(lock, before, "the same again");
    // A circle that another tool wrote does not hang this one.
    let packs = ["a", "b"].map(|it| {
        let other = if it == "a" { "b" } else { "a" };
        format!(r#""{it}":{{"version":"1.0.0","source":{{}},"installed_at":"","dependencies":["{other}"]}}"#)
    });
    let file = format!(r#"{{"packs":{{{}}},"updated_at":"","ggen_version":""}}"#, packs.join(","));
    let mut foreign = Lock::from_bytes(file.as_bytes(), Path::new("x")).unwrap();
    foreign.put(&name("c"), &entry("1.0.0", &["a"]));
    assert_eq!(needs(&foreign, "c"), [name("a")]);
}

#[test]
fn what_is_no_lock_file_is_refused_with_its_place() {
    assert_eq!(refusal("{"), "not a lock file: EOF while parsing an object at line 1 column 1");
    assert!(refusal("[]").starts_with("not a lock file: invalid type"));
    assert!(refusal(r#"{"packs":{},"ggen_version":"1"}"#).contains("missing field `updated_at`"));
    assert!(refusal(r#"{"packs":{},"updated_at":"","ggen_version":"1"} x"#).contains("trailing characters"));
    let twice = r#""a":{"version":"1.0.0","source":{},"installed_at":""}"#;
    let twice = refusal(&format!(r#"{{"packs":{{{twice},{twice}}},"updated_at":"","ggen_version":""}}"#));
    assert!(twice.contains("pack 'a' stands there twice"), "{twice}");
    assert!(!refusal("{\"packs\":\"\u{1b}[2J\u{202e}\"}").contains(['\u{1b}', '\u{202e}']));
    assert_eq!(refusal(&" ".repeat(MAX_LOCK as usize + 1)), "it is larger than 1 MiB");
    assert!(refusal(&" ".repeat(MAX_LOCK as usize)).starts_with("not a lock file: EOF"));
}

#[test]
fn a_damaged_entry_of_ours_is_refused_one_of_others_is_not() {
    let file = |id: &str, from: &str, to: &str| {
        let source = format!(r#"{{"type":"Registry","url":"ggen-p2p:{}"}}"#, key());
        let entry = format!(
            r#""{id}":{{"version":"1.0.0","source":{source},"integrity":"sha256-{}","installed_at":"2026-01-31T12:00:00Z","dependencies":["b"]}}"#,
            "ab".repeat(32)
        );
        assert!(entry.contains(from), "{from}");
        format!(r#"{{"packs":{{{}}},"updated_at":"","ggen_version":""}}"#, entry.replacen(from, to, 1))
    };
    assert!(Lock::from_bytes(file("a", "a", "a").as_bytes(), Path::new("x")).is_ok());
    let cases = [
        (r#""a""#, r#""A b""#, "pack 'A b': 'A b' is no package name: it has capital letters"),
        ("1.0.0", "1.0", "pack 'a': '1.0' is no version"),
        ("sha256-", "sha512-", "pack 'a': integrity 'sha512-"),
        ("sha256-ab", "sha256-AB", "pack 'a': integrity 'sha256-AB"),
        ("T12:00", " at 12:00", "pack 'a': installed_at '2026-01-31 at 12:00:00Z' is no time"),
        (r#"["b"]"#, r#"["../b"]"#, "pack 'a': dependencies: '../b' is no package name"),
        ("p2p:1", "p2p:2", "pack 'a': source: '22D3KooW"),
    ];
    for (from, to, message) in cases {
        let refused = refusal(&file("a", from, to));
        assert!(refused.starts_with(message), "{refused}");
        let foreign = file("a", from, to).replace("ggen-p2p:", "https://x.example/");
        assert!(Lock::from_bytes(foreign.as_bytes(), Path::new("x")).is_ok(), "{foreign}");
    }
    let long = format!("1.0.0-{}", "x".repeat(60));
    assert!(refusal(&file("a", "1.0.0", &long)).contains("is no version"));
}

#[test]
fn only_a_regular_file_is_read() {
    let dir = project("{}");
    let path = Lock::path(dir.path());
    fs::rename(&path, dir.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(dir.path().join("elsewhere"), &path).unwrap();
    let error = Lock::read(dir.path()).unwrap_err();
    assert!(error.to_string().ends_with("it is not a regular file"), "{error}");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(Lock::read(dir.path()).unwrap_err().to_string().ends_with("it is not a regular file"));
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut lock = Lock::default();
    lock.put(&name("a"), &Entry { source: Source::Registry("x".repeat(MAX_LOCK as usize)), ..entry("1.0.0", &[]) });
    assert!(lock.write(dir.path()).unwrap_err().to_string().contains("larger than 1 MiB"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn edits_take_turns() {
    let dir = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for at in 0..8 {
            let dir = dir.path();
            scope.spawn(move || {
                Lock::edit(dir, |lock| lock.put(&name(&format!("p{at}")), &entry("1.0.0", &[]))).unwrap()
            });
        }
    });
    assert_eq!(Lock::read(dir.path()).unwrap().unwrap().entries().count(), 8);
    assert!(Lock::edit(dir.path(), |lock| lock.remove(&name("p3"), 1)).unwrap());
    assert_eq!(Lock::read(dir.path()).unwrap().unwrap().entries().count(), 7);
}
