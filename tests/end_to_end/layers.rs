//! Layers, lowest first: config, market ← net ← app ← ui. Nothing reaches upward.

use std::path::{Path, PathBuf};

use crate::harness::repository;

/// Folder, and what no line of code in it may name.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("src/config", &["crate::net", "crate::app", "crate::ui", "libp2p::", "rusqlite::", "ratatui::"]),
    ("src/market", &["crate::net", "crate::app", "crate::ui", "ratatui::", "libp2p::swarm", "libp2p::kad"]),
    ("src/net", &["crate::app", "crate::ui", "ratatui::", "crossterm::"]),
    ("src/app", &["libp2p::", "rusqlite::", "crate::net::swarm", "crate::net::protocol", "crate::net::service"]),
    ("src/ui", &["libp2p::", "tokio::", "rusqlite::", "std::fs", "std::net", "SystemTime::now", "Instant::now"]),
    (
        "src/app/update",
        &["std::fs", "std::net", "std::env", "tokio::", "SystemTime::now", "Instant::now", "crossterm::execute"],
    ),
    ("src/app/state", &["std::fs", "std::net", "std::env", "tokio::", "SystemTime::now", "Instant::now"]),
];

/// Nothing of `app` may name `crate::ui` but this test, which compares what the event loop drew with what its recording draws.
const APP_FILES_THAT_DRAW: &[&str] = &["runtime/record_tests.rs"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn code_lines(path: &Path) -> Vec<(usize, String)> {
    let text = std::fs::read_to_string(path).expect("a source file");
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim().to_owned()));
    lines.take_while(|(_, line)| line != "#[cfg(test)]").filter(|(_, line)| !line.starts_with("//")).collect()
}

#[test]
fn nothing_reaches_upward() {
    let mut broken = Vec::new();
    for (folder, forbidden) in FORBIDDEN {
        let files = sources(&repository(folder));
        assert!(!files.is_empty(), "{folder} has no sources: is the check still looking at the right place?");
        for file in files {
            for (number, line) in code_lines(&file) {
                for name in forbidden.iter().filter(|name| line.contains(**name)) {
                    broken.push(format!("{}:{number}: {name} is not for {folder}", file.display()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn only_the_event_loop_of_app_names_ui() {
    let app = repository("src/app");
    let mut broken = Vec::new();
    for file in sources(&app) {
        let relative = file.strip_prefix(&app).expect("below src/app");
        if APP_FILES_THAT_DRAW.iter().any(|file| relative == Path::new(file)) {
            continue;
        }
        broken.extend(
            code_lines(&file)
                .into_iter()
                .filter(|(_, line)| line.contains("crate::ui"))
                .map(|(number, _)| format!("{}:{number}", file.display())),
        );
    }
    assert!(broken.is_empty(), "these name crate::ui:\n{}", broken.join("\n"));
}
