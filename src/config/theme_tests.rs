//! Theme files.

use super::*;

fn read(text: &str) -> Result<Scheme, String> {
    parse(Path::new("/themes/mine.toml"), text).map_err(|error| error.to_string())
}

#[test]
fn what_is_built_in_can_be_read_and_has_every_style() {
    for (name, text) in BUILT_IN {
        let scheme = parse(Path::new(name), text).unwrap();
        assert_eq!(scheme.styles.len(), ROLES.len(), "{name}");
    }
    let mono = Scheme::built_in("mono");
    assert!(mono.styles.values().all(|style| style.colour.is_none() && style.behind.is_none()));
}

/// Text on its background can be read: at least 4.5 to 1 where the theme says both, 3 to 1 on a usual background.
#[test]
fn colours_stand_out_from_what_is_behind_them() {
    let channel = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.03928 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    let light = |[r, g, b]: [u8; 3]| 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    let contrast = |a, b| {
        let (a, b) = (light(a), light(b));
        (f64::max(a, b) + 0.05) / (f64::min(a, b) + 0.05)
    };
    for (name, usual) in
        [("dark", [0x12; 3]), ("light", [0xff; 3]), ("high-contrast", [0; 3]), ("colour-blind", [0x12; 3])]
    {
        let scheme = Scheme::built_in(name);
        for (role, called, _) in ROLES {
            let style = scheme.style(*role);
            let Some(colour) = style.colour.and_then(|colour| colour.rgb) else { continue };
            let behind = style.behind.and_then(|colour| colour.rgb);
            let needed = match (behind, role) {
                (_, Role::Border) => 1.3,
                (Some(_), _) => 4.5,
                (None, _) => 3.0,
            };
            let found = contrast(colour, behind.unwrap_or(usual));
            assert!(found >= needed, "{name}: {called} has {found:.1} to 1");
        }
    }
}

#[test]
fn a_file_says_what_differs() {
    let text = "[colours]\naccent = \"#ff8800\"\ngood = \"green\"\nwarn = [\"#ffff00\", \"yellow\"]\nbad = \"red\"\ndim = \"white\"\n\
                border = \"white\"\nselected = \"blue\"\nsurface = \"black\"\non-accent = \"black\"\n[styles]\nkey = \"underlined bad on surface\"\n";
    let scheme = read(text).unwrap();
    let orange = scheme.style(Role::Accent).colour.unwrap();
    assert_eq!((orange.rgb, NAMED[usize::from(orange.named)].0), (Some([0xff, 0x88, 0]), "yellow"));
    assert_eq!(scheme.style(Role::Good).colour, Some(Colour { rgb: None, named: 2 }));
    let key = scheme.style(Role::Key);
    assert!(key.underlined && !key.bold && key.colour.is_some() && key.behind.is_some());
    assert_eq!(scheme.style(Role::Title).colour, Some(orange), "what is not said is as usual");
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (text, expected) in [
        ("[colours]\naccent = \"#12\"", "mine.toml:2:10: colours.accent: \"#12\" is no colour"),
        ("[colours]\naccent = [\"#ffffff\"]", "mine.toml:2:10: colours.accent: expected a colour"),
        ("[colours]\naccent = [\"#ffffff\", \"pink\"]", "colours.accent: \"pink\" is none of black"),
        ("[colours]\nbold = \"red\"", "mine.toml:2:8: colours.bold: bold means something else"),
        (
            "[styles]\n\ntitel = \"bold\"",
            "mine.toml:3:9: styles.titel: unknown style \"titel\" (did you mean \"title\"?)",
        ),
        (
            "[styles]\nkey = \"bold acent\"\n[colours]\naccent = \"red\"",
            "mine.toml:2:7: styles.key: unknown colour \"acent\" (did you mean \"accent\"?)",
        ),
        ("[styles]\nkey = \"red blue\"", "styles.key: \"blue\" is one colour too many"),
        ("[styles]\nkey = \"red on\"", "styles.key: `on` is followed by"),
        ("[styles]\nkey = 7", "mine.toml:2:7: styles.key: expected a text"),
        ("[colors]\naccent = \"red\"", "mine.toml:1:2: unknown section \"colors\" (did you mean \"colours\"?)"),
        ("colours = 3", "mine.toml:1:1: \"colours\" is no section"),
        ("[colours", "mine.toml:1:"),
        ("", "styles.dim: unknown colour \"dim\""),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains(expected), "{text:?}: {error}");
    }
}

#[test]
fn own_files_come_over_what_is_built_in_and_a_broken_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("mono.toml", BUILT_IN[0].1);
    write("night.toml", BUILT_IN[1].1);
    write("dark.toml", "[colours]\naccent = 5\n");
    write("auto.toml", "");
    write("readme.txt", "no theme");
    let (themes, problems) = load_all(folder.path());
    assert_eq!(themes.len(), BUILT_IN.len() + 1);
    assert_eq!(themes["mono"], Scheme::built_in("dark"));
    assert_eq!(themes["night"], Scheme::built_in("light"));
    assert_eq!(themes["dark"], Scheme::built_in("dark"));
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems.iter().any(|problem| problem.contains("dark.toml:2:10: colours.accent")), "{problems:?}");
    let (themes, problems) = load_all(&folder.path().join("none"));
    assert_eq!((themes.len(), problems.len()), (BUILT_IN.len(), 0));
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(\\[(colours|styles)\\]\n)?([a-z-]{1,8} = (\"[a-z# ]{0,12}\"|\\[\"#[0-9a-f]{6}\", \"red\"\\]|7)\n){0,4}") {
        let _ = read(&text);
    }
}
