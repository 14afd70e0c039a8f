//! Names that lead out, deceive, or are one name somewhere.

use std::path::Path;

use tar::EntryType;

use super::make::{Case, Tar, case, header, patched};

const DOTS: &str = "has an empty, '.' or '..' part";
const CHARACTERS: &str = "which not every file system takes";
const INVISIBLE: &str = "has control or invisible characters";
const RESERVED: &str = "a name that Windows reserves";
const EDGES: &str = "begins with a space, or ends with a space or dot";
const ORDERS: &str = "where other programs take orders from files";
const ONE_NAME: &str = "are one name on file systems that ignore case";
const BOTH: &str = "is both a file and a directory";

/// `outside` is a directory that must not be written to.
pub fn cases(outside: &Path) -> Vec<Case> {
    let mut cases = single();
    let absolute = outside.join("pwned").display().to_string();
    cases.push(case(
        "absolute path to a directory that is there",
        Tar::default().file(&absolute, b"x").archive(),
        "its path is absolute",
    ));
    cases.extend(pairs());
    cases.extend(shapes());
    cases
}

/// One file of that name.
fn single() -> Vec<Case> {
    let names = [
        ("..", DOTS),
        ("../pwned", DOTS),
        ("../../outside/pwned", DOTS),
        ("a/../../pwned", DOTS),
        ("a/b/../../../pwned", DOTS),
        ("./pwned", DOTS),
        ("a//b", DOTS),
        ("a/./b", DOTS),
        ("a/", DOTS),
        ("/etc/pwned", "its path is absolute"),
        ("//server/share", "its path is absolute"),
        ("C:\\Windows\\pwned", CHARACTERS),
        ("C:pwned", CHARACTERS),
        ("..\\pwned", CHARACTERS),
        ("a\\..\\..\\pwned", CHARACTERS),
        ("\\\\server\\share", CHARACTERS),
        ("file.txt:stream", CHARACTERS),
        ("a?b", CHARACTERS),
        ("CON", RESERVED),
        ("nul.txt", RESERVED),
        ("dir/COM1", RESERVED),
        ("lpt9.log", RESERVED),
        ("a.", EDGES),
        ("a ", EDGES),
        (" a", EDGES),
        ("dir./b", EDGES),
        (".git/hooks/post-checkout", ORDERS),
        ("sub/.GIT/config", ORDERS),
        (".ggen/packs.lock", ORDERS),
        ("a\nb", INVISIBLE),
        ("a\u{1b}[2Jb", INVISIBLE),
        ("a\u{7f}b", INVISIBLE),
        ("a\u{85}b", INVISIBLE),
        ("photo\u{202e}gpj.sh", INVISIBLE),
        ("a\u{200b}b", INVISIBLE),
        ("\u{feff}a", INVISIBLE),
        ("a\u{e0041}b", INVISIBLE),
    ];
    let named = |(name, refusal): (&str, _)| {
        case(format!("named {name:?}"), Tar::default().file(name, b"x").archive(), refusal)
    };
    names.into_iter().map(named).collect()
}

/// Two entries that are one somewhere.
fn pairs() -> Vec<Case> {
    let pairs = [
        ("a", "a", "is there twice"),
        ("README", "readme", ONE_NAME),
        ("Docs/a", "docs/b", ONE_NAME),
        ("caf\u{e9}", "cafe\u{301}", ONE_NAME),
        ("stra\u{df}e", "STRASSE", ONE_NAME),
        ("\u{212a}elvin", "kelvin", ONE_NAME),
        ("a", "a/b", BOTH),
        ("a/b", "a", BOTH),
        ("A/b/c", "a", ONE_NAME),
    ];
    let both = |(first, second, refusal): (&str, &str, _)| Case {
        name: format!("{first:?} and {second:?}"),
        archive: Tar::default().file(first, b"1").file(second, b"2").archive(),
        files: 2,
        refusal,
    };
    pairs.into_iter().map(both).collect()
}

fn shapes() -> Vec<Case> {
    let deep = vec!["d"; 33].join("/");
    let long = patched(345, "p/".repeat(77).as_bytes());
    let mut upward = header(b"pwned", EntryType::Regular, 0, 0o644);
    upward.as_ustar_mut().expect("ustar").prefix[..2].copy_from_slice(b"..");
    upward.set_cksum();
    vec![
        case("an empty name", Tar::default().file("", b"x").archive(), "its path is empty"),
        case(
            "a name that is not UTF-8",
            Tar::default().entry(b"a\xff", EntryType::Regular, b"", 0o644).archive(),
            "not UTF-8",
        ),
        case("32 directories deep", Tar::default().file(&deep, b"x").archive(), "more than 31 directories deep"),
        case("a long name of many parts", Tar::default().raw(&long, b"").archive(), "more than 31 directories deep"),
        case("'..' in the prefix of a header", Tar::default().raw(&upward, b"").archive(), DOTS),
        case("a directory above", Tar::default().dir("../pwned/").archive(), DOTS),
        case("an absolute directory", Tar::default().dir("/pwned/").archive(), "its path is absolute"),
        case("a directory in the place of a file", Tar::default().file("a", b"x").dir("a/").archive(), BOTH),
        case(
            "a directory that is a file's other spelling",
            Tar::default().file("a", b"x").dir("A/").archive(),
            ONE_NAME,
        ),
        // What follows the zero is not part of the name, for us as for everybody.
        Case {
            name: "names that differ behind a zero byte".into(),
            archive: Tar::default().file("a\0x", b"1").file("a\0y", b"2").archive(),
            files: 2,
            refusal: "is there twice",
        },
    ]
}
