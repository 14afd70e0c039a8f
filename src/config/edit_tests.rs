use super::*;
use crate::config::Settings;
use crate::config::keys::KEYS;

struct Home(tempfile::TempDir);

impl Home {
    fn with(text: &str) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        std::fs::write(home.file(), text).unwrap();
        home
    }
    fn file(&self) -> PathBuf {
        self.0.path().join("p2p-config.toml")
    }
    fn text(&self) -> String {
        std::fs::read_to_string(self.file()).unwrap()
    }
    fn settings(&self) -> Settings {
        load_from(&self.file(), Some(&self.text()), [], &[]).unwrap().settings
    }
}

/// The file of defaults with its settings switched on.
fn uncommented() -> String {
    let on = |line: &str| match line.strip_prefix('#') {
        Some(setting) if setting.starts_with(|c: char| c.is_ascii_lowercase()) => format!("{setting}\n"),
        _ => format!("{line}\n"),
    };
    DEFAULT_FILE.lines().map(on).collect()
}

#[test]
fn the_file_of_defaults_holds_every_setting_at_its_default() {
    let text = uncommented();
    let loaded = load_from(Path::new("default"), Some(&text), [], &[]).unwrap();
    assert_eq!(loaded.settings, Settings::default());
    for (key, _, origin) in loaded.entries() {
        assert!(matches!(origin, crate::config::Origin::File { .. }), "{} is not in the file", key.name);
    }
    assert!(toml::from_str::<toml::Table>(DEFAULT_FILE).unwrap().values().all(|v| v.as_table().unwrap().is_empty()));
}

#[test]
fn the_first_edit_makes_the_file_with_its_explanations() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("home").join("p2p-config.toml");
    set(&file, "network.mdns", "false").unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text, DEFAULT_FILE.replace("#mdns = true", "mdns = false"));
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(file.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(reset(&file, "network.mdns").unwrap());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), DEFAULT_FILE);
    assert!(!reset(&file, "network.mdns").unwrap());
}

#[test]
fn every_setting_can_be_set_and_taken_back() {
    let home = Home::with(DEFAULT_FILE);
    let defaults = toml::Value::try_from(Settings::default()).unwrap();
    for key in KEYS {
        let value = &defaults[key.section()][key.leaf()];
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        set(&home.file(), key.name, &text).unwrap();
        assert!(home.text().contains(&format!("\n{} = ", key.leaf())), "{}", key.name);
    }
    assert_eq!(home.settings(), Settings::default());
    for key in KEYS {
        assert!(reset(&home.file(), key.name).unwrap(), "{}", key.name);
    }
    assert_eq!(home.text(), DEFAULT_FILE);
}

#[test]
fn comments_order_and_spaces_are_kept() {
    let home =
        Home::with("# mine\n[network] # net\nmdns   =  true # why\n# about the name\nname = \"a\"\n\n[log]\n# tail\n");
    set(&home.file(), "network.mdns", "false").unwrap();
    set(&home.file(), "network.name", "b").unwrap();
    set(&home.file(), "log.level", "warn").unwrap();
    set(&home.file(), "ui.ascii", "true").unwrap();
    let text = home.text();
    let head = "# mine\n[network] # net\nmdns   =  false # why\n# about the name\nname = \"b\"\n\n[log]\n";
    assert!(text.starts_with(head), "{text}");
    assert!(
        text.contains("# tail") && text.contains("level = \"warn\"") && text.contains("[ui]\nascii = true"),
        "{text}"
    );
}

#[test]
fn keys_of_the_keymap_are_edited_one_by_one() {
    let home = Home::with("");
    set(&home.file(), "ui.keymap.quit", "x").unwrap();
    set(&home.file(), "ui.keymap.help", "F1").unwrap();
    assert_eq!(home.settings().ui.keymap.len(), 2);
    assert!(reset(&home.file(), "ui.keymap.quit").unwrap());
    assert_eq!(home.settings().ui.keymap.keys().collect::<Vec<_>>(), ["help"]);
}

#[test]
fn a_wrong_edit_leaves_the_file_alone() {
    let text = "[network]\nname = \"a\"\n";
    let home = Home::with(text);
    for (name, value, said) in [
        ("network.nmae", "x", "did you mean \"network.name\""),
        ("network.mdns", "perhaps", "expected true or false"),
        ("performance.max_peers", "0", "from 1 to 1000"),
        ("performance.min_peers", "900", "must not be above max_peers"),
        ("network", "x", "unknown key"),
        ("network.name.x", "x", "unknown key"),
    ] {
        let error = set(&home.file(), name, value).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        assert_eq!(home.text(), text);
    }
    assert!(reset(&home.file(), "network.nmae").is_err());
}

#[test]
fn a_key_that_is_none_can_be_taken_out_and_the_rest_stays() {
    let text = "# mine\nodd = 1\n[network]\n# quiet\nmdsn = false\nname = \"x\" # ours\n[netwrk]\nmdns = true\n";
    let home = Home::with(text);
    assert!(reset(&home.file(), "network.name").is_err(), "the others are still wrong");
    for name in ["network.mdsn", "netwrk", "odd"] {
        assert!(reset(&home.file(), name).unwrap(), "{name}");
        assert!(reset(&home.file(), name).is_err(), "{name} is gone");
    }
    assert!(home.text().contains("name = \"x\" # ours") && !home.text().contains("mdsn"), "{}", home.text());
    assert_eq!(home.settings().network.name, "x");
}

#[test]
fn a_wrong_edit_makes_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("home").join("p2p-config.toml");
    assert!(set(&file, "network.mdns", "perhaps").is_err());
    assert!(!file.parent().unwrap().exists());
}

#[test]
fn a_half_written_file_is_not_edited_and_a_wrong_value_can_be_mended() {
    let home = Home::with("[network\n");
    let error = set(&home.file(), "network.mdns", "false").unwrap_err().to_string();
    assert!(error.contains("p2p-config.toml:1:"), "{error}");
    let home = Home::with("[network]\nmdns = \"yes\"\n");
    set(&home.file(), "network.mdns", "false").unwrap();
    assert_eq!(home.text(), "[network]\nmdns = false\n");
}

#[test]
fn a_linked_file_stays_a_link() {
    let home = Home::with("[log]\nlevel = \"warn\"\n");
    let link = home.0.path().join("link.toml");
    std::os::unix::fs::symlink(home.file(), &link).unwrap();
    set(&link, "log.level", "debug").unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(home.settings().log.level, "debug");
}

#[test]
fn a_failed_write_names_the_file_and_not_the_temporary_one() {
    // No file can be made there, by the superuser neither.
    let file = Path::new("/proc/self/fdinfo/p2p-config.toml");
    let said = set(file, "network.name", "x").unwrap_err().to_string();
    assert!(said.starts_with("cannot write /proc/self/fdinfo/p2p-config.toml: ") && !said.contains(".tmp"), "{said}");
}
