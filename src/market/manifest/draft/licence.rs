//! Which licence a package is under, by its licence files.

use std::path::Path;

use super::beginning;
use crate::market::SafeText;

/// SPDX ids and what their texts have in them, the more particular ones first.
const TEXTS: [(&str, &[&str]); 14] = [
    ("Apache-2.0", &["apache license", "version 2.0"]),
    ("AGPL-3.0-only", &["gnu affero general public license", "version 3"]),
    ("LGPL-3.0-only", &["gnu lesser general public license", "version 3"]),
    ("LGPL-2.1-only", &["gnu lesser general public license", "version 2.1"]),
    ("GPL-3.0-only", &["gnu general public license", "version 3"]),
    ("GPL-2.0-only", &["gnu general public license", "version 2"]),
    ("MPL-2.0", &["mozilla public license", "version 2.0"]),
    ("BSD-3-Clause", &["redistribution and use in source and binary forms", "neither the name"]),
    ("BSD-2-Clause", &["redistribution and use in source and binary forms"]),
    ("ISC", &["permission to use, copy, modify, and/or distribute this software"]),
    ("MIT", &["permission is hereby granted, free of charge", "the software is provided \"as is\""]),
    ("Unlicense", &["this is free and unencumbered software"]),
    ("CC0-1.0", &["cc0 1.0 universal"]),
    ("CC-BY-4.0", &["attribution 4.0 international"]),
];

/// The licences of the files at the top, either of which may be chosen; empty where none is known.
pub(super) fn detect(dir: &Path, paths: &[&str]) -> SafeText {
    let is_licence = |path: &&&str| {
        let name = path.to_lowercase();
        ["license", "licence", "copying", "unlicense"].iter().any(|start| name.starts_with(start))
            && !name.contains('/')
    };
    let mut ids: Vec<String> =
        paths.iter().filter(is_licence).filter_map(|path| of_text(&beginning(&dir.join(path))?)).collect();
    // As Rust's packages write it: MIT OR Apache-2.0.
    ids.sort_by_key(|id| std::cmp::Reverse(id == "MIT"));
    ids.dedup();
    SafeText::new(&ids.join(" OR "))
}

fn of_text(text: &str) -> Option<String> {
    if let Some(line) = text.lines().find_map(|line| line.split_once("SPDX-License-Identifier:")) {
        return Some(line.1.trim().trim_end_matches("-->").trim().to_owned());
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let found = TEXTS.iter().find(|(_, marks)| marks.iter().all(|mark| text.contains(mark)));
    found.map(|(id, _)| (*id).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_texts_are_known() {
        let mit = include_str!("../../../../LICENSE-MIT");
        let apache = include_str!("../../../../LICENSE-APACHE");
        assert_eq!(of_text(mit).as_deref(), Some("MIT"));
        assert_eq!(of_text(apache).as_deref(), Some("Apache-2.0"));
        assert_eq!(of_text("SPDX-License-Identifier: EUPL-1.2\n").as_deref(), Some("EUPL-1.2"));
        assert_eq!(of_text("GNU GENERAL PUBLIC LICENSE\n   Version 3, 29 June 2007").as_deref(), Some("GPL-3.0-only"));
        assert_eq!(of_text("All rights reserved."), None);
    }
}
