//! Taking one package out of an archive of a whole repository, as web hosts make them: a zip or a tar.gz in which all lies
//! below one folder (`repository-branch/`).
//!
//! Nobody has signed such an archive. What is taken follows the rules of packages: regular files and directories only, the
//! same names, counts, sizes and modes. The rest of the repository is passed over without being written anywhere, so it
//! may hold what a package may not, links for example; but no archive may unpack to more than 20 times its size.

mod below;
mod sink;
mod tar_gz;
mod zipped;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod zip_tests;

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use super::Extracted;
use crate::market::MarketError;
use crate::market::error::{Action, IoContext};

/// Bytes of the largest archive of a repository: 256 MiB.
pub const MAX_REPOSITORY: u64 = 256 << 20;

/// Takes what lies below `path` (empty: all) out of `archive` and puts it into the empty directory `into`. On an error
/// `into` is left half filled, for the caller to remove. Blocks.
///
/// # Errors
/// Verification: the archive breaks a rule, or is no zip or tar.gz. Not found: there is nothing below `path`.
pub fn extract(archive: &mut File, name: &Path, path: &str, into: &Path) -> Result<Extracted, MarketError> {
    archive.rewind().at(Action::Read, name)?;
    let size = archive.metadata().at(Action::Read, name)?.len();
    if size > MAX_REPOSITORY {
        return Err(refused(format!("it is larger than {} MiB", MAX_REPOSITORY >> 20)));
    }
    let mut magic = Vec::new();
    archive.by_ref().take(4).read_to_end(&mut magic).at(Action::Read, name)?;
    archive.rewind().at(Action::Read, name)?;
    let mut sink = sink::Sink::new(into, size);
    let mut below = below::Below::new(path);
    match magic.as_slice() {
        [b'P', b'K', 3, 4] | [b'P', b'K', 5, 6] => zipped::extract(archive, &mut below, &mut sink)?,
        [0x1f, 0x8b, ..] => tar_gz::extract(archive, size, &mut below, &mut sink)?,
        _ => return Err(refused("it is neither a zip nor a tar.gz")),
    }
    let extracted = sink.finish()?;
    if extracted.files == 0 {
        return Err(MarketError::NotFound {
            message: format!("there is nothing below '{path}' in the archive that the index names"),
            hint: "tell whoever keeps the index; nothing was installed".into(),
        });
    }
    Ok(extracted)
}

fn refused(reason: impl Into<String>) -> MarketError {
    MarketError::Archive(reason.into())
}

/// An error while reading the archive, whose file itself was readable before.
fn damaged(error: impl std::fmt::Display) -> MarketError {
    refused(crate::market::SafeText::new(&error.to_string()).to_string())
}
