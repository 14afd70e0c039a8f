//! Symbolic links in a package: followed to files inside it, refused otherwise.

use std::fs::FileType;
use std::io;
use std::path::Path;

use super::beneath;
use super::list::Listing;
use crate::market::{MarketError, Severity};

/// Where a link leads.
enum Leads {
    To { path: String, kind: FileType },
    Out,
    Circle,
    Nowhere(io::Error),
}

impl Listing<'_> {
    /// Takes the link at `path` for the file it leads to.
    pub fn link(&mut self, path: &str) -> Result<(), MarketError> {
        let refused = match self.follow(path) {
            Leads::To { path: target, .. } if is_private(&target) => {
                ("symlink-outside", "it is a symbolic link into a directory of other programs (.git, .ggen)".to_owned())
            }
            Leads::To { path: target, kind } if kind.is_file() => return self.linked_file(path, &target),
            Leads::To { path: target, kind } if kind.is_dir() => (
                "symlink-directory",
                format!("it is a symbolic link to the directory '{target}'; links to directories are not followed"),
            ),
            Leads::To { .. } => {
                self.special(path);
                return Ok(());
            }
            Leads::Out => (
                "symlink-outside",
                "it is a symbolic link to something outside the package (or an absolute one)".into(),
            ),
            Leads::Circle => ("symlink-broken", "it is a symbolic link that leads in a circle".into()),
            Leads::Nowhere(error) => ("symlink-broken", format!("it is a symbolic link that leads nowhere: {error}")),
        };
        let hint = "put the files themselves there, remove the link, or ignore it in .gitignore";
        self.note(Severity::Error, refused.0, path, &refused.1, hint);
        Ok(())
    }

    fn linked_file(&mut self, path: &str, target: &str) -> Result<(), MarketError> {
        let message = format!("it is a symbolic link; what '{target}' holds is published under this name too");
        self.note(Severity::Info, "symlink-followed", path, &message, "nothing needs to be done");
        self.file(path, target)
    }

    fn follow(&self, path: &str) -> Leads {
        match self.root.open(Path::new(path)).and_then(|file| file.metadata()) {
            Ok(about) => Leads::To { path: self.target(path), kind: about.file_type() },
            Err(error) if beneath::leads_out(&error) => Leads::Out,
            Err(error) if beneath::is_circle(&error) => Leads::Circle,
            Err(error) => Leads::Nowhere(error),
        }
    }

    /// What the target is called in the package, for its rules and for people. Nothing is opened by this name.
    fn target(&self, path: &str) -> String {
        let real = |path: &Path| path.canonicalize().ok();
        let target = real(&self.dir.join(path)).zip(real(self.dir));
        let inside =
            target.and_then(|(target, dir)| Some(target.strip_prefix(dir).ok()?.to_string_lossy().into_owned()));
        inside.unwrap_or_else(|| path.to_owned())
    }
}

/// What is never listed is not published through a link either.
fn is_private(target: &str) -> bool {
    target.split('/').any(|part| matches!(part, ".git" | ".ggen"))
}

#[cfg(test)]
mod tests;
