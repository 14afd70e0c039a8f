//! What a crash or a full disk at any moment of a publish, install or removal leaves behind: all old or all new.
//!
//! `fault.c` is loaded into the program and kills it, or denies it the disk, at a chosen one of the system calls that change
//! files below the home.

mod full_disk;
mod state;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use crate::harness::command;
use state::State;

/// Runs at the same time.
const THREADS: usize = 4;

/// What is done to a home, and the home it is done to.
struct Scenario {
    what: &'static str,
    /// The home before.
    home: PathBuf,
    args: Vec<String>,
    old: State,
    new: State,
}

/// How a run is disturbed.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    Kill,
    Full,
}

/// The homes that all runs are made from, and the library that disturbs them.
struct Lab {
    dir: TempDir,
    library: PathBuf,
}

impl Lab {
    /// `None` with the reason printed where there is no way to disturb a program.
    fn open() -> Option<Self> {
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            println!("skipped: the faults are made for Linux on x86-64");
            return None;
        }
        let dir = TempDir::with_prefix("ggen-crash-").expect("a folder");
        let library = dir.path().join("fault.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/end_to_end/crash/fault.c");
        let built = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).status();
        if !built.is_ok_and(|status| status.success()) {
            println!("skipped: no C compiler (cc) to build the faults with");
            return None;
        }
        Some(Self { dir, library })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A package `tool` of this version.
    fn package(&self, version: &str) -> String {
        let folder = self.path(&format!("tool-{version}"));
        std::fs::create_dir_all(folder.join("data")).expect("folders");
        let manifest = format!("[package]\nname = \"tool\"\nversion = \"{version}\"\ndescription = \"A tool\"\n");
        std::fs::write(folder.join("gpack.toml"), manifest).expect("a manifest");
        let lines: String = (0..2000).map(|line| format!("{version} {}\n", line * line)).collect();
        std::fs::write(folder.join("data/lines.txt"), lines).expect("a file");
        folder.to_str().expect("UTF-8").to_owned()
    }

    /// A copy of `from` on which the verbs were run.
    fn home(&self, name: &str, from: Option<&Path>, verbs: &[&[&str]]) -> PathBuf {
        let home = self.path(name);
        from.into_iter().for_each(|from| copy(from, &home));
        for verb in verbs {
            let output = run(&home, verb);
            assert!(output.status.success(), "{verb:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        home
    }

    fn scenario(&self, what: &'static str, home: &Path, args: &[&str]) -> Scenario {
        let after = self.home(&format!("{what}-after"), Some(home), &[args]);
        Scenario {
            what,
            home: home.to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            old: State::of(home),
            new: State::of(&after),
        }
    }

    fn scenarios(&self) -> Vec<Scenario> {
        let (old, new) = (self.package("1.0.0"), self.package("1.1.0"));
        let one = self.home("one", None, &[&["publish", &old]]);
        let two = self.home("two", Some(&one), &[&["publish", &new]]);
        let installed = self.home("installed", Some(&two), &[&["install", "tool@=1.0.0"]]);
        vec![
            self.scenario("publish", &one, &["publish", &new]),
            self.scenario("install", &two, &["install", "tool"]),
            self.scenario("replace", &installed, &["install", "tool@=1.1.0"]),
            self.scenario("remove", &installed, &["remove", "tool"]),
        ]
    }

    /// Runs the scenario on a copy of its home with a fault at the call numbered `at`; 0: at none.
    fn disturb(&self, scenario: &Scenario, name: &str, fault: Fault, at: usize) -> (PathBuf, Output, Vec<String>) {
        let (home, log) = (self.path(name), self.path(&format!("{name}.log")));
        copy(&scenario.home, &home);
        let mut disturbed = command(&home);
        disturbed.env("LD_PRELOAD", &self.library).env("FAULT_ROOT", &home).env("FAULT_LOG", &log);
        disturbed.env("FAULT_AT", at.to_string());
        if fault == Fault::Full {
            disturbed.env("FAULT_FULL", "1");
        }
        let output = offline(&mut disturbed).args(&scenario.args).output().expect("the program runs");
        let calls = std::fs::read_to_string(&log).unwrap_or_default().lines().map(str::to_owned).collect();
        (home, output, calls)
    }
}

fn run(home: &Path, verb: &[&str]) -> Output {
    offline(&mut command(home)).args(verb).output().expect("the program runs")
}

/// Nobody is met, so that nothing depends on who is there.
fn offline(command: &mut Command) -> &mut Command {
    command.args(["--no-mdns", "--listen", "/ip4/127.0.0.1/tcp/0"]).stdin(Stdio::null())
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a listing") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else if path.is_file() {
            std::fs::copy(&path, &target).expect("a copy");
        }
    }
}

/// Calls `each` with 1 to `count`, some at the same time.
fn for_each(count: usize, each: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(1);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at > count {
                        break;
                    }
                    each(at);
                }
            });
        }
    });
}

/// Restarts on `home`, looks at what is there, and does the same again, undisturbed.
fn recovers(scenario: &Scenario, home: &Path, which: &str) {
    let restarted = run(home, &["search", "tool", "--local", "--format", "json"]);
    assert!(restarted.status.success(), "{which}: no restart: {}", String::from_utf8_lossy(&restarted.stderr));
    let state = State::of(home);
    state.assert_whole(home, which);
    let (old, new) = (&scenario.old, &scenario.new);
    assert!([&old.files, &new.files].contains(&&state.files), "{which}: the files are neither old nor new");
    assert!([&old.releases, &new.releases].contains(&&state.releases), "{which}: {:?}", state.releases);
    assert!([&old.installed, &new.installed].contains(&&state.installed), "{which}: {:?}", state.installed);
    let notes = if state.files == old.files { &old.installed } else { &new.installed };
    assert!(old.files == new.files || state.installed == *notes, "{which}: the note is not that of the files");
    let again = run(home, &scenario.args.iter().map(String::as_str).collect::<Vec<_>>());
    let gone = scenario.what == "remove" && again.status.code() == Some(3);
    assert!(again.status.success() || gone, "{which}: not again: {}", String::from_utf8_lossy(&again.stderr));
    let done = State::of(home);
    done.assert_whole(home, which);
    assert_eq!(done, *new, "{which}: done again, it is not the same");
    std::fs::remove_dir_all(home).expect("removed");
}

#[test]
fn a_crash_at_any_change_of_a_file_leaves_all_old_or_all_new() {
    let Some(lab) = Lab::open() else { return };
    let mut points = 0;
    for scenario in lab.scenarios() {
        let (home, output, calls) = lab.disturb(&scenario, &format!("{}-whole", scenario.what), Fault::Kill, 0);
        assert!(output.status.success(), "{}: {}", scenario.what, String::from_utf8_lossy(&output.stderr));
        assert_eq!(State::of(&home), scenario.new);
        println!("{}: {} points: {}", scenario.what, calls.len(), kinds(&calls));
        points += calls.len();
        for_each(calls.len(), |at| {
            let name = format!("{}-{at}", scenario.what);
            let (home, output, seen) = lab.disturb(&scenario, &name, Fault::Kill, at);
            // The last calls are those of a node that ends, which may be fewer in another run.
            assert!(output.status.code().is_none() || seen.len() < at, "{name}: was not killed");
            recovers(&scenario, &home, &format!("{name}, killed at a {:?}", seen.last()));
        });
    }
    println!("{points} points");
    assert!(points > 100, "{points}");
}

#[test]
fn a_disk_that_is_full_from_any_write_on_is_told_and_harms_nothing() {
    let Some(lab) = Lab::open() else { return };
    let refused = AtomicUsize::new(0);
    let mut points = 0;
    for scenario in lab.scenarios() {
        let (_, _, calls) = lab.disturb(&scenario, &format!("{}-whole", scenario.what), Fault::Kill, 0);
        let writes: Vec<usize> =
            (1..=calls.len()).filter(|at| matches!(calls[at - 1].as_str(), "write" | "truncate")).collect();
        points += writes.len();
        for_each(writes.len(), |index| {
            let at = writes[index - 1];
            let name = format!("{}-{at}", scenario.what);
            let (home, output, _) = lab.disturb(&scenario, &name, Fault::Full, at);
            let said = String::from_utf8_lossy(&output.stderr);
            match output.status.code() {
                // It was done when the disk was full: what was left was tidying.
                Some(0) => assert_eq!(State::of(&home), scenario.new, "{name}"),
                Some(8) => {
                    refused.fetch_add(1, Ordering::Relaxed);
                    assert!(said.contains("full") || said.contains("space"), "{name}: {said}");
                }
                other => panic!("{name}: {other:?}: {said}"),
            }
            recovers(&scenario, &home, &name);
        });
    }
    println!("{points} writes from which on the disk was full; {} were told with exit code 8", refused.into_inner());
}

fn kinds(calls: &[String]) -> String {
    let count = |kind: &str| format!("{} {kind}", calls.iter().filter(|call| *call == kind).count());
    ["write", "truncate", "fsync", "rename", "unlink"].map(count).join(", ")
}
