//! The key map file: `command = "key"`, one on a line.

use std::collections::BTreeMap;
use std::path::Path;

use toml_edit::Document;

use super::error::ConfigError;
use super::source::{self, Locate};

/// Keys that a file may give.
const MAX_KEYS: usize = 512;

/// Reads the file; empty where there is none. Which commands and keys there are is not known here.
///
/// # Errors
/// It cannot be read, or the first thing that is wrong, with its line.
pub fn load(file: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    parse(file, source::read(file)?.as_deref().unwrap_or_default())
}

fn parse(file: &Path, text: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    let at = Locate { file, text };
    let document = Document::parse(text).map_err(|error| at.fault(error.span(), source::one_line(error.message())))?;
    let mut keys = BTreeMap::new();
    for (command, item) in document.iter() {
        let span = item.span().or_else(|| document.as_table().key(command).and_then(|key| key.span()));
        let command: String = command.chars().filter(|c| !c.is_control()).take(40).collect();
        if keys.len() == MAX_KEYS {
            return Err(at.fault(span, format!("over {MAX_KEYS} keys")));
        }
        let Some(key) = item.as_str() else {
            return Err(at.fault(span, format!("{command}: expected a key such as \"ctrl-x\"")));
        };
        keys.insert(command, key.to_owned());
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BTreeMap<String, String>, String> {
        parse(Path::new("/keymap.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn commands_have_keys() {
        let keys = read("# mine\nquit = \"f10\"\nhelp = \"ctrl-h\"\n").unwrap();
        assert_eq!((keys.len(), keys["quit"].as_str()), (2, "f10"));
        assert!(read("").unwrap().is_empty());
        assert!(load(Path::new("/there/is/no/such/file")).unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, expected) in [
            ("quit = \"x\"\nhelp = 7\n", "/keymap.toml:2:8: help: expected a key"),
            ("[quit]\n", "quit: expected a key"),
            ("quit", "/keymap.toml:1:"),
            ("quit = \"x\"\nquit = \"y\"\n", "/keymap.toml:2:1: "),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }
}
