//! Which paths a package may hold. Packing and extraction ask the same rules, so that what can be published can be
//! installed, on any file system.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use unicode_normalization::UnicodeNormalization;

use crate::market::SafeText;
use crate::market::ids::is_reserved_file_name;

/// Directories below each other.
const MAX_DEPTH: usize = 32;

/// Names of a package, directories included; more directories than files only serve to fill memory.
const MAX_NAMES: usize = 2 * super::MAX_FILES as usize;

/// Bytes of a path: what fits a ustar header at best.
const MAX_PATH: usize = 255;

/// Why `path` (relative, `/`-separated) may not be in a package.
pub(crate) fn fault(path: &str) -> Option<&'static str> {
    if path.is_empty() || path.len() > MAX_PATH {
        return Some("its path is empty or longer than 255 bytes");
    }
    if path.starts_with('/') {
        return Some("its path is absolute");
    }
    if SafeText::new(path).as_str() != path {
        return Some("its path has control or invisible characters");
    }
    if path.split('/').count() > MAX_DEPTH {
        return Some("it lies more than 31 directories deep");
    }
    path.split('/').find_map(part_fault)
}

fn part_fault(part: &str) -> Option<&'static str> {
    if matches!(part, "" | "." | "..") {
        Some("its path has an empty, '.' or '..' part")
    } else if part.contains(['\\', ':', '*', '?', '"', '<', '>', '|']) {
        Some(r#"its path has one of \ : * ? " < > |, which not every file system takes"#)
    } else if part.starts_with(' ') || part.ends_with([' ', '.']) {
        Some("a part of its path begins with a space, or ends with a space or dot")
    } else if is_reserved_file_name(part) {
        Some("a part of its path is a name that Windows reserves")
    } else if matches!(folded(part).as_str(), ".git" | ".ggen") {
        Some("it is in a .git or .ggen directory, where other programs take orders from files")
    } else {
        None
    }
}

/// `path` as file systems compare it that ignore case and Unicode composition.
fn folded(path: &str) -> String {
    // Upper case first: it unites letters that lower case keeps apart, such as ß and ss.
    path.nfc().collect::<String>().to_uppercase().to_lowercase().nfc().collect()
}

/// The names given so far, files and the directories above them.
#[derive(Default)]
pub(super) struct Names {
    /// Folded path to its spelling and whether it is a file.
    taken: HashMap<String, (String, bool)>,
}

impl Names {
    /// Takes the name of a file; says why not where it collides with one that is there.
    pub fn add_file(&mut self, path: &str) -> Result<(), String> {
        self.add_above(path)?;
        self.add(path, true)
    }

    /// The same for a directory, which may be there already.
    pub fn add_dir(&mut self, path: &str) -> Result<(), String> {
        self.add_above(path)?;
        self.add(path, false)
    }

    fn add_above(&mut self, path: &str) -> Result<(), String> {
        path.match_indices('/').try_for_each(|(at, _)| self.add(path.get(..at).unwrap_or(path), false))
    }

    fn add(&mut self, path: &str, is_file: bool) -> Result<(), String> {
        if self.taken.len() >= MAX_NAMES {
            return Err(format!("there are more than {MAX_NAMES} files and directories"));
        }
        let (spelling, was_file) = match self.taken.entry(folded(path)) {
            Entry::Vacant(free) => {
                free.insert((path.to_owned(), is_file));
                return Ok(());
            }
            Entry::Occupied(taken) => taken.into_mut(),
        };
        if spelling != path {
            return Err(format!("'{path}' and '{spelling}' are one name on file systems that ignore case"));
        }
        match (*was_file, is_file) {
            (false, false) => Ok(()),
            (true, true) => Err(format!("'{path}' is there twice")),
            _ => Err(format!("'{path}' is both a file and a directory")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_paths_are_fine() {
        for path in ["README.md", "a/b/c.tmpl", ".eslintrc.json", "app/[...slug]/page.tsx", "größe/日本.ttl", "a b/c'd"]
        {
            assert_eq!(fault(path), None, "{path}");
        }
    }

    #[test]
    fn dangerous_paths_are_not() {
        let deep = vec!["d"; 33].join("/");
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "./a",
            "a/",
            "a\\b",
            "C:x",
            "a\nb",
            "a\u{202e}b",
            "nul",
            "a/CON.txt",
            "x.",
            "x /y",
            " x",
            ".git/hooks/pre-commit",
            "sub/.GIT/config",
            ".ggen/x",
            &deep,
            &"p".repeat(256),
        ] {
            assert!(fault(path).is_some(), "{path:?}");
        }
    }

    #[test]
    fn names_that_some_file_system_unites_collide() {
        let collide = |first: &str, second: &str| {
            let mut names = Names::default();
            names.add_file(first).expect(first);
            names.add_file(second).is_err()
        };
        assert!(collide("README", "README"));
        assert!(collide("README", "readme"));
        assert!(collide("caf\u{e9}", "cafe\u{301}"));
        assert!(collide("straße", "STRASSE"));
        assert!(collide("Docs/a", "docs/b"));
        assert!(collide("a", "a/b"));
        assert!(collide("a/b", "a"));
        assert!(!collide("a/b", "a/c"));
    }

    #[test]
    fn the_limits_themselves_are_fine() {
        assert_eq!(fault(&"p".repeat(MAX_PATH)), None);
        assert_eq!(fault(&vec!["d"; MAX_DEPTH].join("/")), None);
        let mut names = Names::default();
        for n in 0..20_000 {
            names.add_file(&n.to_string()).expect("a name");
        }
        names.add_file("more").expect_err("one name more");
    }

    #[test]
    fn directories_collide_with_files_and_not_with_themselves() {
        let mut names = Names::default();
        names.add_dir("a").expect("a");
        names.add_dir("a").expect("again");
        names.add_dir("A").expect_err("another case");
        names.add_file("a").expect_err("a file");
    }
}
