//! The documents say what the program does.

use ggen_p2p_tui::app::command::{COMMANDS, Command};

use crate::harness::repository;

fn read(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_readme_shows_the_keys_as_they_are() {
    let row = |keys: &[&str], title: &str| format!("| `{}` | {title} |", keys.join("` `"));
    let rows: Vec<String> = COMMANDS.iter().map(|command| row(command.keys, command.title)).collect();
    let page = read("README.md");
    let missing: Vec<&String> = rows.iter().filter(|row| !page.contains(row.as_str())).collect();
    let wanted = rows.join("\n");
    assert!(
        missing.is_empty(),
        "README.md lacks {missing:#?}; its key table should be:\n| key | what it does |\n| --- | --- |\n{wanted}"
    );
}

#[test]
fn the_settings_page_names_the_commands_that_keys_can_be_given_to() {
    let row = |command: &Command| {
        format!("| `{}` | `{}` | {} |\n", command.id.name(), command.keys.join("` `"), command.title)
    };
    let table: String = COMMANDS.iter().map(row).collect();
    assert!(read("docs/CONFIG.md").contains(&table), "docs/CONFIG.md lacks this table:\n{table}");
}
