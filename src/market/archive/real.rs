//! The real packages of ggen, as its repository has them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Allowed, extract};
use crate::market::Severity;
use crate::market::check::{Checked, check};

fn package_dirs(dir: &Path, out: &mut Vec<PathBuf>) {
    if dir.join("package.toml").is_file() || dir.join("gpack.toml").is_file() {
        out.push(dir.to_path_buf());
    }
    for entry in fs::read_dir(dir).expect("list") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            package_dirs(&path, out);
        }
    }
}

/// The data's directory and its packages, sorted. None where the data is not there.
fn packages() -> Option<(PathBuf, Vec<PathBuf>)> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/ggen-data");
    if !data.is_dir() {
        eprintln!("skipped: ../shared/ggen-data is not there");
        return None;
    }
    let mut dirs = Vec::new();
    package_dirs(&data, &mut dirs);
    dirs.sort();
    assert!(dirs.len() >= 44, "{}", dirs.len());
    Some((data, dirs))
}

fn checked(dir: &Path, temp: &Path) -> Checked {
    check(dir, temp, &Allowed::default()).unwrap_or_else(|error| panic!("{}: {error}", dir.display()))
}

/// Every real package is read and publishable. Prints package and findings by severity:
/// `cargo test --lib findings_of_the_real_packages -- --nocapture`
#[test]
fn findings_of_the_real_packages() {
    let Some((data, dirs)) = packages() else { return };
    let temp = tempfile::tempdir().expect("temp dir");
    println!("| package | errors | warnings | infos | codes |\n| --- | --- | --- | --- | --- |");
    for dir in dirs {
        let checked = checked(&dir, temp.path());
        let [errors, warnings, infos] = [Severity::Error, Severity::Warning, Severity::Info].map(|s| checked.count(s));
        let shown = dir.strip_prefix(&data).unwrap_or(&dir).display().to_string();
        println!("| {shown} | {errors} | {warnings} | {infos} | {} |", codes(&checked));
        assert_eq!(errors, 0, "{shown}: {:?}", checked.findings);
        assert!(checked.manifest.is_some() && checked.packed.is_some(), "{shown}");
        for finding in &checked.findings {
            assert!(!finding.message.is_empty() && !finding.hint.is_empty(), "{shown}: {finding:?}");
            assert_points_at_something(&dir, finding.file.as_str(), finding.line);
        }
    }
}

/// `file-missing ×3, category-guessed`
fn codes(checked: &Checked) -> String {
    let mut codes: Vec<(&str, usize)> = Vec::new();
    for finding in &checked.findings {
        match codes.iter_mut().find(|(code, _)| *code == finding.code) {
            Some((_, count)) => *count += 1,
            None => codes.push((&finding.code, 1)),
        }
    }
    let one = |(code, count): &(&str, usize)| if *count > 1 { format!("{code} ×{count}") } else { (*code).to_owned() };
    codes.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn assert_points_at_something(dir: &Path, file: &str, line: Option<u32>) {
    let Some(line) = line else { return };
    let text = fs::read_to_string(dir.join(file)).expect("the file of the finding");
    let written = text.lines().nth(line as usize - 1).unwrap_or_else(|| panic!("{file} has no line {line}"));
    let content = written.trim();
    assert!(!content.is_empty() && !content.starts_with('#'), "{file}:{line} points at '{written}'");
}

/// Each gives the same id again, also from a copy that was made in another order, at another time and under another umask,
/// and unpacks to the files it was made from.
#[test]
fn packing_real_packages_twice_gives_the_same_id() {
    let Some((_, dirs)) = packages() else { return };
    let temp = tempfile::tempdir().expect("temp dir");
    for (at, dir) in dirs.iter().enumerate() {
        let id = |dir: &Path| checked(dir, temp.path()).packed.expect("packed").package_id;
        let copy = temp.path().join(format!("copy-{at}"));
        copy_in_disorder(dir, &copy);
        let first = id(dir);
        assert_eq!(first, id(dir), "{}", dir.display());
        assert_eq!(first, id(&copy), "a copy of {}", dir.display());
        let packed = checked(dir, temp.path()).packed.expect("packed");
        let into = temp.path().join(format!("out-{at}"));
        fs::create_dir(&into).expect("directory");
        let mut archive = packed.archive.reopen().expect("reopen");
        let count = u32::try_from(packed.files.len()).expect("count");
        extract(&mut archive, packed.archive.path(), count, &into).expect("extract");
        for file in &packed.files {
            let read = |root: &Path| fs::read(root.join(file.path.as_str())).expect("read");
            assert_eq!(read(&into), read(dir), "{}", file.path);
        }
    }
}

/// Copies the tree last name first, with old times and only the owner's permissions.
fn copy_in_disorder(from: &Path, to: &Path) {
    fs::create_dir(to).expect("directory");
    let mut entries: Vec<PathBuf> =
        fs::read_dir(from).expect("list").map(|entry| entry.expect("entry").path()).collect();
    entries.sort_by(|a, b| b.cmp(a));
    for entry in entries {
        let target = to.join(entry.file_name().expect("name"));
        if entry.is_dir() {
            copy_in_disorder(&entry, &target);
            continue;
        }
        let executable = fs::metadata(&entry).expect("stat").permissions().mode() & 0o100;
        fs::write(&target, fs::read(&entry).expect("read")).expect("write");
        fs::set_permissions(&target, Permissions::from_mode(0o600 | executable)).expect("chmod");
        let file = fs::File::options().write(true).open(&target).expect("open");
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000)).expect("touch");
    }
}
