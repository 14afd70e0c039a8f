use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::market::error::MarketErrorKind;
use crate::market::testing::write_tree;

fn package(file: &str, text: &str) -> TempDir {
    let dir = tempfile::tempdir().expect("temp dir");
    write_tree(dir.path(), &[(file, text)]);
    dir
}

fn read(file: &str, text: &str) -> (Manifest, Vec<Finding>) {
    Manifest::read(package(file, text).path()).expect("readable")
}

fn refused(file: &str, text: &str) -> MarketError {
    Manifest::read(package(file, text).path()).expect_err("refused")
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code.as_str()).collect()
}

fn finding<'f>(findings: &'f [Finding], code: &str) -> &'f Finding {
    findings.iter().find(|finding| finding.code == code).unwrap_or_else(|| panic!("no {code} in {findings:?}"))
}

fn names(dependencies: &[Dependency]) -> Vec<String> {
    dependencies.iter().map(|d| format!("{}@{}", d.name, d.requirement)).collect()
}

const WHOLE: &str = r#"
[package]
name = "hello"
version = "1.2.3"
description = "Greets."
category = "demo"
license = "MIT"
repository = "https://example.org"
author = "A <a@example.org>"
tags = ["one", "two", "one"]
keywords = ["three"]
"#;

#[test]
fn a_regular_manifest_has_no_findings() {
    let (manifest, findings) = read("package.toml", WHOLE);
    assert_eq!(findings, []);
    assert_eq!(manifest.name.as_str(), "hello");
    assert_eq!(manifest.title.as_str(), "hello");
    assert_eq!(manifest.version.to_string(), "1.2.3");
    assert_eq!(manifest.tags, ["one".into(), "two".into()]);
    assert_eq!(manifest.authors, ["A <a@example.org>".into()]);
}

#[test]
fn both_dialects_of_gpack_are_read() {
    let text = "[gpack]\nid = \"test.cli\"\nname = \"CLI Tool Pack\"\nversion = \"2.0.0\"\n[dependencies]\n\"test.web\" = \"^1.0\"\n\
                plain = { version = \">=2\" }\nbroken = \"x y\"\n";
    let (manifest, findings) = read("gpack.toml", text);
    assert_eq!((manifest.name.as_str(), manifest.title.as_str()), ("test.cli", "CLI Tool Pack"));
    assert_eq!(names(&manifest.dependencies), ["test.web@^1.0", "plain@>=2"]);
    assert_eq!(finding(&findings, "dependency-invalid").line, Some(8));
    let (manifest, _) = read("gpack.toml", WHOLE);
    assert_eq!(manifest.name.as_str(), "hello");
}

#[test]
fn the_id_is_the_name_when_the_name_is_a_title() {
    let text = "[package]\nid = \"io.ggen.crud\"\nname = \"Next.js CRUD\"\nversion = \"1.0.0\"\n";
    let (manifest, findings) = read("package.toml", text);
    assert_eq!((manifest.name.as_str(), manifest.title.as_str()), ("io.ggen.crud", "Next.js CRUD"));
    assert_eq!(finding(&findings, "name-from-id").line, Some(3));
}

#[test]
fn without_a_usable_name_the_error_says_what_to_write() {
    let error = refused("package.toml", "[package]\nname = \"My Great Pack!\"\nversion = \"1.0.0\"\n");
    assert_eq!(error.kind(), MarketErrorKind::Invalid);
    assert!(error.hint().is_some_and(|hint| hint.contains("id = \"my-great-pack\"")), "{error:?}");
    let error = refused("package.toml", "[package]\nversion = \"1.0.0\"\n");
    assert!(error.hint().is_some_and(|hint| hint.contains("name = ")));
    let error = refused("package.toml", "name = \"x\"\n");
    assert!(error.hint().is_some_and(|hint| hint.contains("[package]")));
}

#[test]
fn incomplete_versions_are_completed_with_a_warning() {
    for (written, taken) in [("\"1.0\"", "1.0.0"), ("\"v2.1.0\"", "2.1.0"), ("3", "3.0.0"), ("1.0", "1.0.0")] {
        let (manifest, findings) = read("package.toml", &format!("[package]\nname = \"a\"\nversion = {written}\n"));
        assert_eq!(manifest.version.to_string(), taken);
        let finding = finding(&findings, "version-incomplete");
        assert_eq!((finding.severity, finding.line), (Severity::Warning, Some(3)));
    }
}

#[test]
fn a_package_without_a_version_is_not_publishable() {
    for text in ["[package]\nname = \"a\"\n", "[package]\nname = \"a\"\nversion = \"soon\"\n"] {
        let (_, findings) = read("package.toml", text);
        assert!(
            findings.iter().any(|f| f.severity == Severity::Error && f.code.starts_with("version-")),
            "{findings:?}"
        );
    }
}

#[test]
fn lists_inside_tables_are_found() {
    let text = format!(
        "{}\n[package.tags]\ntags = [\"x\", \"y\"]\n[package.keywords]\nkeywords = [\"z\"]\n",
        "[package]\nname = \"a\"\nversion = \"1.0.0\""
    );
    let (manifest, findings) = read("package.toml", &text);
    assert_eq!(manifest.tags, ["x".into(), "y".into()]);
    assert_eq!(manifest.keywords, ["z".into()]);
    assert_eq!(finding(&findings, "list-in-table").line, Some(4));
    let (manifest, _) =
        read("gpack.toml", "[package]\nname = \"a\"\nversion = \"1.0.0\"\n[tags]\nstable = true\nold = false\n");
    assert_eq!(manifest.tags, ["stable".into()]);
}

#[test]
fn a_missing_category_is_looked_for_elsewhere() {
    let base = "[package]\nname = \"a\"\nversion = \"1.0.0\"\ncategories = [\"first\", \"second\"]\n";
    let (manifest, findings) = read("package.toml", base);
    assert_eq!(manifest.category.as_str(), "first");
    assert_eq!(finding(&findings, "category-guessed").line, Some(4));
    let (manifest, _) = read("package.toml", &format!("{base}[marketplace]\ncategory = \"market\"\n"));
    assert_eq!(manifest.category.as_str(), "market");
    let (manifest, findings) = read("package.toml", "[package]\nname = \"a\"\nversion = \"1.0.0\"\n");
    assert_eq!(manifest.category.as_str(), "");
    assert!(codes(&findings).contains(&"category-missing"));
}

#[test]
fn only_clear_ggen_dependencies_are_taken() {
    let text = "[package]\nname = \"a\"\nversion = \"1.0.0\"\ndependencies = [\"agent-forge\", \"other@^2\", \"a\", \"Bad Name\"]\n\
                [dependencies]\nserde = { version = \"1.0\" }\nontology = \"ontology/x.ttl\"\n\"io.ggen.base\" = \"1.0\"\n\
                required = [\"java26-core\"]\noptional = [\"b\"]\nfeatures = [\"c\"]\n";
    let (manifest, findings) = read("package.toml", text);
    assert_eq!(names(&manifest.dependencies), ["agent-forge@*", "other@^2", "io.ggen.base@^1.0", "java26-core@*"]);
    for (code, line, named) in [
        ("dependencies-crates", 6, "serde"),
        ("dependencies-paths", 7, "ontology"),
        ("dependencies-optional", 10, "b"),
        ("dependencies-other", 11, "c"),
    ] {
        let finding = finding(&findings, code);
        assert_eq!((finding.severity, finding.line), (Severity::Info, Some(line)), "{code}");
        assert!(finding.message.ends_with(&format!(": {named}")), "{}", &*finding.message);
    }
    assert!(codes(&findings).contains(&"dependency-self") && codes(&findings).contains(&"dependency-invalid"));
}

/// The shapes that real manifests have.
#[test]
fn crates_npm_packages_paths_and_ggen_itself_are_told_apart() {
    let base = "[package]\nname = \"a\"\nversion = \"1.0.0\"\n";
    let found = |text: &str| {
        let (manifest, findings) = read("package.toml", &format!("{base}{text}"));
        let code = |f: &Finding| f.code.starts_with("dependenc").then(|| (f.code.clone(), f.line.expect("line")));
        (names(&manifest.dependencies), findings.iter().filter_map(code).collect::<Vec<_>>())
    };
    let one = |code: &str, line: u32| vec![(code.to_owned(), line)];
    let beside_a_crate =
        "[dependencies]\nclap-noun-verb = \"3.4.0\"\nserde = { version = \"1\", features = [\"derive\"] }\n";
    assert_eq!(found(beside_a_crate), (vec![], one("dependencies-crates", 5)));
    assert_eq!(
        found("[dependencies]\nfoo = \"1\"\n[dev-dependencies]\nbar = \"1\"\n").1,
        one("dependencies-crates", 5)
    );
    let languages = "[dependencies.rust]\ntokio = \"1\"\n[dependencies.typescript]\n\"@apollo/server\" = \"^4\"\n\
                     [dependencies.python]\nasyncpg = \"^0.29\"\n";
    let expected = [("dependencies-crates", 4), ("dependencies-npm", 6), ("dependencies-foreign", 8)];
    assert_eq!(found(languages).1, expected.map(|(code, line)| (code.to_owned(), line)));
    assert_eq!(found("[dependencies]\n\"@a/b\" = \"1\"\nreact = \"18\"\n").1, one("dependencies-npm", 5));
    assert_eq!(found("[dependencies]\nggen = \">=2.6.0\"\n").1, one("dependencies-ggen", 5));
    assert_eq!(found("[dependencies]\nimpl = \"src/rust/\"\nquery = \"a/*.rq\"\n").1, one("dependencies-paths", 5));
    assert_eq!(found("[dependencies]\nhealthcare-core = \"1.0.0\"\n"), (vec![], one("dependencies-unclear", 5)));
    let published = format!(
        "[dependencies]\nx = {{ version = \"1\", publisher = \"{}\" }}\n",
        crate::market::testing::identity(1).public()
    );
    assert_eq!(found(&published), (vec!["x@^1".to_owned()], vec![]));
    let twice = "[dependencies]\n\"a.b\" = \"1\"\nrequired = [\"a.b@2\"]\n";
    assert_eq!(found(twice), (vec!["a.b@^1".to_owned()], one("dependency-twice", 6)));
}

#[test]
fn what_is_unclear_is_a_warning_that_says_what_to_write() {
    let (_, findings) =
        read("package.toml", "[package]\nname = \"a\"\nversion = \"1.0.0\"\n[dependencies]\nb = \"1\"\n");
    let unclear = finding(&findings, "dependencies-unclear");
    assert_eq!(unclear.severity, Severity::Warning);
    assert!(unclear.hint.contains("dependencies = [\"b@^1.0\"]"), "{unclear:?}");
}

#[test]
fn a_listed_file_that_is_spelled_otherwise_is_named_and_each_has_its_line() {
    let text = format!(
        "{WHOLE}[documentation]\nguides = [\n  \"docs/a.md\",\n  \"docs/b.md\",\n]\n[templates]\n\"x/main.tmpl\" = {{ n = 1 }}\n"
    );
    let dir = package("package.toml", &text);
    write_tree(dir.path(), &[("docs/A.md", "x")]);
    let (_, findings) = Manifest::read(dir.path()).expect("readable");
    let lines: Vec<_> = findings.iter().map(|f| (f.code.as_str(), f.line)).collect();
    assert_eq!(lines, [("file-missing", Some(18)), ("file-missing", Some(14)), ("file-missing", Some(15))]);
    assert!(findings[1].hint.contains("docs/A.md"), "{findings:?}");
}

#[test]
fn too_many_dependencies_cannot_be_published() {
    let list: Vec<String> = (0..65).map(|i| format!("\"d{i}\"")).collect();
    let (_, findings) =
        read("package.toml", &WHOLE.replace("keywords", &format!("dependencies = [{}]\nkeywords", list.join(","))));
    assert_eq!(finding(&findings, "dependencies-too-many").severity, Severity::Error);
}

#[test]
fn listed_files_that_are_missing_are_named() {
    let text = format!(
        "{WHOLE}[files]\n\"README.md\" = \"README.md\"\n\"gone.ttl\" = \"gone.ttl\"\n[ontology]\nfile = \"../out.ttl\"\n\
                        [templates.rust]\nfiles = [\"a.rs\", \"src/*.rs\"]\n"
    );
    let dir = package("package.toml", &text);
    fs::write(dir.path().join("README.md"), "x").expect("write");
    let (_, findings) = Manifest::read(dir.path()).expect("readable");
    assert_eq!(codes(&findings), ["file-missing", "file-outside", "file-missing"]);
    assert_eq!(findings[0].line, Some(14));
    assert!(findings[0].message.contains("gone.ttl") && findings[2].message.contains("a.rs"));
}

#[test]
fn fields_of_a_wrong_type_are_passed_over() {
    let text = "[package]\nname = \"a\"\nversion = \"1.0.0\"\ndescription = 7\ntags = 3\nauthors = [{ name = \"N\", email = \"e\" }]\n";
    let (manifest, findings) = read("package.toml", text);
    assert_eq!(manifest.description.as_str(), "");
    assert_eq!(manifest.authors, ["N <e>".into()]);
    assert_eq!(finding(&findings, "field-type").line, Some(4));
}

#[test]
fn toml_errors_name_file_line_and_column() {
    let error = refused("package.toml", "[package]\nname = \"ä\" x\n");
    let MarketError::Toml { file, line, column, .. } = &error else { panic!("{error:?}") };
    assert!(file.ends_with("package.toml"));
    assert_eq!((*line, *column), (2, 12));
    assert!(error.to_string().contains("package.toml:2:12"), "{error}");
}

#[test]
fn the_two_manifests_of_a_directory_are_named() {
    let dir = package("package.toml", WHOLE);
    fs::write(dir.path().join("gpack.toml"), WHOLE.replace("hello", "preferred")).expect("write");
    let (manifest, findings) = Manifest::read(dir.path()).expect("readable");
    assert_eq!(manifest.name.as_str(), "preferred");
    assert_eq!(findings[0].code, "manifest-choice");
}

#[test]
fn what_is_no_package_is_refused() {
    let dir = tempfile::tempdir().expect("temp dir");
    assert_eq!(Manifest::read(dir.path()).expect_err("empty").kind(), MarketErrorKind::Invalid);
    assert_eq!(Manifest::read(&dir.path().join("none")).expect_err("none").kind(), MarketErrorKind::NotFound);
    fs::write(dir.path().join("file"), "").expect("write");
    assert_eq!(Manifest::read(&dir.path().join("file")).expect_err("file").kind(), MarketErrorKind::Invalid);
    std::os::unix::fs::symlink("/etc/passwd", dir.path().join("package.toml")).expect("link");
    assert!(Manifest::read(dir.path()).expect_err("link").to_string().contains("regular file"));
}

#[test]
fn oversized_and_non_text_manifests_are_refused() {
    let dir = package("package.toml", &format!("{WHOLE}# {}", "x".repeat(256 * 1024)));
    assert!(Manifest::read(dir.path()).expect_err("too large").to_string().contains("256 KiB"));
    fs::write(dir.path().join("package.toml"), b"[package]\nname = \"\xff\"").expect("write");
    assert!(Manifest::read(dir.path()).expect_err("no text").to_string().contains("line 2"));
}

#[test]
fn what_is_not_all_signed_is_said() {
    let manifest = |field: &str| format!("[package]\nname = \"a\"\nversion = \"1.0.0\"\ncategory = \"c\"\n{field}\n");
    let found = |field: &str| {
        let (read, findings) = read("package.toml", &manifest(field));
        let told = |code: &&str| ["text-cut", "text-cleaned", "repository-unclear"].contains(code);
        let codes: Vec<_> = codes(&findings).into_iter().filter(told).map(str::to_owned).collect();
        assert!(codes.is_empty() || findings.iter().any(|finding| finding.line == Some(5)), "{findings:?}");
        (codes.join(" "), read)
    };
    let long = "word ".repeat(300);
    for (field, code) in [
        (format!("description = \"{long}\""), "text-cut"),
        (format!("license = \"{}\"", "MIT OR ".repeat(40)), "text-cut"),
        (format!("repository = \"https://example.org/{}\"", "r".repeat(300)), "text-cut"),
        (format!("tags = [\"{}\"]", "t".repeat(65)), "text-cut"),
        ("description = \"left\\u202Eright\"".into(), "text-cleaned"),
        ("tags = [\"zero\\u200Bwidth\"]".into(), "text-cleaned"),
        ("repository = \"javascript:alert(1)\"".into(), "repository-unclear"),
        ("description = \"two\\nlines\"".into(), ""),
        ("description = \"Fine, and ends with …\"".into(), ""),
        ("repository = \"git@example.org:a/b.git\"".into(), ""),
        (format!("tags = [\"{}\"]", "t".repeat(64)), ""),
    ] {
        assert_eq!(found(&field).0, code, "{field}");
    }
    assert!(found(&format!("description = \"{long}\"")).1.description.ends_with('…'));
}

#[test]
fn findings_are_bounded_and_safe_to_show() {
    let files: String = (0..500).map(|i| format!("\"gone-{i}\\u001b[2J\" = \"x\"\n")).collect();
    let (_, findings) = read("package.toml", &format!("{WHOLE}[files]\n{files}"));
    assert_eq!(findings.len(), 101);
    assert!(findings[100].message.starts_with("400 more"));
    assert!(findings.iter().all(|f| !f.message.contains('\u{1b}')));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn reading_never_panics(text in "\\PC{0,60}|(\\[package\\]\n)?((name|version|tags|dependencies|files) = (\"a\"|1|true|\\[\"b\"\\]|\\{c=1\\})\n){0,5}") {
        let dir = package("package.toml", &text);
        let _ = Manifest::read(dir.path());
    }
}
