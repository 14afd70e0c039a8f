//! Executing effects outside the loop; each answers with one event.

use std::panic::AssertUnwindSafe;
use std::path::Path;

use futures::FutureExt;
use tokio::sync::mpsc::UnboundedSender;

use crate::app::event::{DirEntry, Event, Listing, Tag};
use crate::app::settings::Source;
use crate::net::{ErrorKind, NodeCommand, NodeError, NodeHandle};

/// Sub-directories listed at most.
const MAX_ENTRIES: usize = 1_000;
/// Entries of a directory looked at at most.
const MAX_SCANNED: usize = 20_000;

/// Asks the node; the answer, or why there is none, comes back with `tag`.
pub fn request(results: UnboundedSender<Event>, handle: Option<NodeHandle>, tag: Tag, command: NodeCommand) {
    tokio::spawn(async move {
        let result = match handle {
            Some(handle) => AssertUnwindSafe(handle.request(command)).catch_unwind().await.unwrap_or_else(|_| {
                Err(NodeError::new(ErrorKind::Failed, "the node broke down on this request")
                    .hint("the log says more; please report it"))
            }),
            None => Err(NodeError::new(ErrorKind::NoNode, "there is no node to ask")),
        };
        // The loop may have ended meanwhile.
        let _ = results.send(Event::Reply { tag, result });
    });
}

/// Reads the settings, or changes one (`change`: its name and value), on a thread that may block.
pub fn settings(results: UnboundedSender<Event>, source: Option<Source>, change: Option<(String, Option<String>)>) {
    tokio::task::spawn_blocking(move || {
        let result = match (source, &change) {
            (None, _) => Err(NodeError::new(ErrorKind::NotFound, "there are no settings here")),
            (Some(source), None) => source.read(),
            (Some(source), Some((name, value))) => source.write(name, value.as_deref()),
        };
        let _ = results.send(Event::Settings { wrote: change.map(|(name, _)| name), result });
    });
}

/// Lists the sub-directories of `path` on a thread that may block.
pub fn read_dir(results: UnboundedSender<Event>, path: String) {
    tokio::task::spawn_blocking(move || {
        let listing = list(Path::new(&path)).map_err(|error| format!("cannot list {path}: {error}"));
        let _ = results.send(Event::Directory { path, listing });
    });
}

fn list(dir: &Path) -> std::io::Result<Listing> {
    let mut listing = Listing { package: holds_package(dir), ..Listing::default() };
    for entry in std::fs::read_dir(dir)?.take(MAX_SCANNED).flatten() {
        // Only directories, also through a link, with names that can be typed.
        let path = entry.path();
        let (Ok(name), true) = (entry.file_name().into_string(), path.is_dir()) else { continue };
        if name.chars().any(char::is_control) {
            continue;
        }
        if listing.entries.len() == MAX_ENTRIES {
            listing.omitted += 1;
            continue;
        }
        listing.entries.push(DirEntry { package: holds_package(&path), name });
    }
    listing.entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(listing)
}

fn holds_package(dir: &Path) -> bool {
    ["gpack.toml", "package.toml"].iter().any(|name| dir.join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_names_directories_and_marks_packages() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b-package", "a-plain"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        std::fs::write(dir.path().join("b-package/gpack.toml"), "").unwrap();
        std::fs::write(dir.path().join("file"), "").unwrap();
        let listing = list(dir.path()).unwrap();
        let names: Vec<_> = listing.entries.iter().map(|entry| (entry.name.as_str(), entry.package)).collect();
        assert_eq!(names, [("a-plain", false), ("b-package", true)]);
        assert!(!listing.package);
        assert!(list(&dir.path().join("none")).is_err());
    }
}
