//! Everything that stands between a directory and its publication, as one list.

use std::path::Path;

use super::archive::{Allowed, Packed, pack_with};
use super::{Finding, Manifest, MarketError, Severity};

/// What is known of a directory that is to become a package.
#[derive(Debug)]
pub struct Checked {
    /// None where an error keeps it from being read.
    pub manifest: Option<Manifest>,
    /// None where an error keeps the files from being packed.
    pub packed: Option<Packed>,
    /// Of the manifest, then of the files.
    pub findings: Vec<Finding>,
}

impl Checked {
    /// How many findings are of `severity`.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

/// Reads and packs the package in `dir`; the archive is a temporary file in `temp_dir`. What makes it unpublishable is
/// among the findings; `Err` is for a directory that cannot be read, or a `temp_dir` that cannot be written.
pub fn check(dir: &Path, temp_dir: &Path, allowed: &Allowed) -> Result<Checked, MarketError> {
    let (manifest, mut findings) = Manifest::check(dir)?;
    let packed = match pack_with(dir, temp_dir, allowed) {
        Ok(packed) => Some(packed),
        Err(MarketError::Refused { message, hint }) => {
            findings.push(Finding::about(Severity::Error, "package-refused", "", &message, &hint));
            None
        }
        Err(error) => return Err(error),
    };
    findings.extend(packed.iter().flat_map(|packed| packed.findings.iter().cloned()));
    Ok(Checked { manifest, packed, findings })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::testing::write_tree;

    fn checked(files: &[(&str, &str)]) -> Checked {
        let dir = tempfile::tempdir().expect("temp dir");
        write_tree(dir.path(), files);
        check(dir.path(), &std::env::temp_dir(), &Allowed::default()).expect("readable")
    }

    fn errors(checked: &Checked) -> Vec<(&str, &str, Option<u32>)> {
        let errors = checked.findings.iter().filter(|finding| finding.severity == Severity::Error);
        errors.map(|finding| (finding.code.as_str(), finding.file.as_str(), finding.line)).collect()
    }

    #[test]
    fn what_cannot_be_read_is_a_finding_with_its_line_beside_those_of_the_files() {
        let broken = checked(&[("gpack.toml", "[gpack]\nid = \n"), (".env", "x")]);
        assert_eq!(errors(&broken), [("toml-invalid", "gpack.toml", Some(2)), ("secret", ".env", None)]);
        assert!(broken.manifest.is_none() && broken.packed.is_some());
        let unnamed = checked(&[("gpack.toml", "\n[package]\nname = \"Not A Name\"\ntags = 1\n")]);
        assert_eq!(
            errors(&unnamed),
            [("version-missing", "gpack.toml", Some(2)), ("name-invalid", "gpack.toml", Some(3))]
        );
        assert!(unnamed.findings.iter().any(|finding| finding.code == "field-type"), "the rest is read all the same");
        let hint = unnamed.findings.iter().find(|finding| finding.code == "name-invalid").map(|f| f.hint.to_string());
        assert!(hint.is_some_and(|hint| hint.contains("not-a-name")));
        let missing = checked(&[("README.md", "x")]);
        assert_eq!(errors(&missing), [("manifest-missing", "gpack.toml", None)]);
        assert_eq!(
            errors(&checked(&[("package.toml", "name = \"a\"\n")])),
            [("section-missing", "package.toml", Some(1))]
        );
    }

    #[test]
    fn what_cannot_be_packed_is_a_finding() {
        let ignored = checked(&[("gpack.toml", "[gpack]\nid = \"a\"\nversion = \"1.0.0\"\n"), (".gitignore", "*\n")]);
        assert_eq!(errors(&ignored), [("package-refused", "", None)]);
        assert_eq!((ignored.count(Severity::Error), ignored.packed.is_none()), (1, true));
    }
}
