//! Writing another version into a manifest: that one value, and nothing else of the file.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use semver::Version;

use super::Manifest;
use super::fields::Reader;
use super::source::Source;
use crate::market::MarketError;
use crate::market::error::{Action, IoContext};
use crate::market::files::{Existing, write_durably};

impl Manifest {
    /// Puts `version` in the place of the one in the manifest in `dir`; comments, order and everything else stay. Gives the name of the
    /// file, and the line.
    ///
    /// # Errors
    /// As of [`Manifest::read`]; refused: there is no version that is a text.
    pub fn set_version(dir: &Path, version: &Version) -> Result<(&'static str, Option<u32>), MarketError> {
        let source = Source::open(dir)?;
        let reader = Reader::new(&source)?;
        let found = reader.main("version").map(|field| (field.item.is_str(), field.item.span(), field.line));
        let path = dir.join(source.name);
        let Some((true, Some(span), line)) = found else {
            return Err(MarketError::Refused {
                message: format!("{} has no version that could be replaced", path.display()),
                hint: format!("write version = \"{version}\" there"),
            });
        };
        let text = source.document.raw();
        let (before, after) = (text.get(..span.start).unwrap_or_default(), text.get(span.end..).unwrap_or_default());
        let mode = std::fs::metadata(&path).at(Action::Read, &path)?.permissions().mode() & 0o777;
        let changed = format!("{before}\"{version}\"{after}");
        write_durably(&path, changed.as_bytes(), mode, Existing::Replace)?;
        Ok((source.name, line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_version_changes() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("gpack.toml");
        let text = "# mine\n[gpack]\nid = \"a-pack\"\nname='A'\nversion   = '1.2.0' # keep this\n[dependencies]\nversion = \"9\"\n";
        std::fs::write(&file, text).unwrap();
        let changed = Manifest::set_version(dir.path(), &Version::new(1, 3, 0)).unwrap();
        assert_eq!(changed, ("gpack.toml", Some(5)));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text.replace("'1.2.0'", "\"1.3.0\""));
        assert_eq!(Manifest::read(dir.path()).unwrap().0.version, Version::new(1, 3, 0));

        std::fs::write(&file, "[gpack]\nid = \"a-pack\"\nversion = 1\n").unwrap();
        assert!(Manifest::set_version(dir.path(), &Version::new(1, 3, 0)).is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "[gpack]\nid = \"a-pack\"\nversion = 1\n");
    }
}
