//! Holds the table of docs/CONFIG.md to the list of settings.

use super::edit::DEFAULT_FILE;
use super::keys::{KEYS, Key};

const BEGIN: &str = "<!-- begin: settings -->\n";
const END: &str = "<!-- end: settings -->";

fn default_of(key: &Key) -> String {
    let section = DEFAULT_FILE.split_once(&format!("[{}]\n", key.section())).unwrap().1;
    let marker = format!("#{} = ", key.leaf());
    section.lines().find_map(|line| line.strip_prefix(&marker)).unwrap().to_owned()
}

fn table() -> String {
    let mut out = String::from("| setting | default | allowed | what it is for |\n| --- | --- | --- | --- |\n");
    for key in KEYS {
        let note = if key.effective() { "" } else { " **No effect in this version.**" };
        out += &format!("| `{}` | `{}` | {} | {}{note} |\n", key.name, default_of(key), key.kind.allowed(), key.about);
    }
    out
}

/// `UPDATE_DOCS=1 cargo test config::docs_tests` writes the table anew.
#[test]
fn the_table_in_the_docs_is_the_list_of_settings() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/CONFIG.md");
    let text = std::fs::read_to_string(file).unwrap();
    let (head, rest) = text.split_once(BEGIN).unwrap();
    let (found, tail) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(file, format!("{head}{BEGIN}{}{END}{tail}", table())).unwrap();
    } else {
        assert_eq!(found, table(), "regenerate it: UPDATE_DOCS=1 cargo test config::docs_tests");
    }
}

#[test]
fn the_default_file_explains_each_setting_as_the_list_does() {
    for key in KEYS {
        let note = if key.effective() { "" } else { " (No effect in this version.)" };
        let expected = format!("# {}{note}\n#{} = ", key.about, key.leaf());
        assert!(DEFAULT_FILE.contains(&expected), "{expected}");
    }
}
