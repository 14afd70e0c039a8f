//! Putting a drafted file into a package's directory.

use std::path::{Path, PathBuf};

use crate::market::MarketError;
use crate::market::files::{self, Existing};
use crate::market::manifest::MANIFEST_NAMES;

/// Writes `text` to the file `name` in `dir`, all at once. What is there is replaced only with `replace`.
///
/// # Errors
/// `Refused` where there is such a file, or another manifest that this one would hide.
pub fn write(dir: &Path, name: &str, text: &str, replace: bool) -> Result<PathBuf, MarketError> {
    let file = dir.join(name);
    let is_manifest = MANIFEST_NAMES.contains(&name);
    let mut others = MANIFEST_NAMES.into_iter().filter(|other| is_manifest && *other != name);
    if let Some(other) = others.find(|other| !replace && dir.join(other).symlink_metadata().is_ok()) {
        let other = dir.join(other);
        return Err(refused(format!("{} is the manifest there; {name} would be read in its place", other.display())));
    }
    let existing = if replace { Existing::Replace } else { Existing::Keep };
    if files::write_durably(&file, text.as_bytes(), 0o644, existing)? {
        return Ok(file);
    }
    Err(refused(format!("{} is there already", file.display())))
}

fn refused(message: String) -> MarketError {
    MarketError::Refused {
        message,
        hint: "edit it by hand, or give --force to replace it; --print shows the new text".into(),
    }
}
