//! The documents say what the program does.

use ggen_p2p_tui::app::command::{COMMANDS, Command};

use crate::harness::{Home, repository};

fn read(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

const KEYS: &str = "| key | what it does |\n| --- | --- |\n";

/// `UPDATE_DOCS=1 cargo test --test end_to_end docs` writes the table anew.
#[test]
fn the_readme_shows_the_keys_as_they_are() {
    let row = |command: &Command| format!("| `{}` | {} |\n", command.keys.join("` `"), command.title);
    let wanted: String = COMMANDS.iter().map(row).collect();
    let page = read("README.md");
    let (head, rest) = page.split_once(KEYS).expect("a table of keys");
    let (found, tail) = rest.split_once("\n\n").expect("an end of the table");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let page = format!("{head}{KEYS}{wanted}\n{tail}");
        std::fs::write(repository("README.md"), page).expect("the page is written");
    } else {
        assert_eq!(format!("{found}\n"), wanted, "regenerate it: UPDATE_DOCS=1 cargo test --test end_to_end docs");
    }
}

/// What the page says to type, with a value and not with a word for one.
#[test]
fn the_edits_that_the_settings_page_shows_are_accepted() {
    let page = read("docs/CONFIG.md");
    let shown = page.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("config edit "));
    let edits: Vec<Vec<&str>> = shown.map(|edit| edit.split(' ').collect()).collect();
    let edits: Vec<_> = edits.iter().filter(|edit| edit.len() == 2 && !edit.contains(&"KEY")).collect();
    assert!(!edits.is_empty(), "no example in docs/CONFIG.md");
    for edit in edits {
        let home = Home::new();
        let output = home.run(&[&["config", "edit"], edit.as_slice()].concat());
        assert!(output.status.success(), "{edit:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_settings_page_names_the_commands_that_keys_can_be_given_to() {
    let row = |command: &Command| {
        format!("| `{}` | `{}` | {} |\n", command.id.name(), command.keys.join("` `"), command.title)
    };
    let table: String = COMMANDS.iter().map(row).collect();
    assert!(read("docs/CONFIG.md").contains(&table), "docs/CONFIG.md lacks this table:\n{table}");
}
