//! A first manifest for a directory that has none: what can be told from its files is filled in, the rest is left for its
//! author, in comments.

mod licence;
mod readme;
mod repository;
mod write;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use semver::Version;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, Value, value};

use super::{Manifest, identity};
use crate::market::archive::{self, is_ontology, is_template};
use crate::market::files::open_plain;
use crate::market::{MarketError, PackageName, SafeText};

pub use write::write;

/// Bytes of a file that are looked at.
const LOOKED_AT: u64 = 64 * 1024;

/// Ontology files and tags written down.
const MAX_LISTED: usize = 20;

/// What the first manifest says. Empty is what could not be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    pub id: PackageName,
    pub title: SafeText,
    pub version: Version,
    pub description: SafeText,
    pub licence: SafeText,
    pub repository: SafeText,
    pub category: SafeText,
    pub tags: Vec<SafeText>,
    /// Globs.
    pub templates: Vec<String>,
    /// Files.
    pub ontology: Vec<String>,
}

impl Draft {
    /// Looks at the files in `dir`; `id` is its name where the directory's does not do.
    pub fn of(dir: &Path, id: Option<PackageName>) -> Result<Self, MarketError> {
        let id = id.map_or_else(|| name_of(dir), Ok)?;
        let files = archive::files(dir)?;
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        let (heading, description) = readme::read(dir);
        let title = heading.unwrap_or_else(|| SafeText::new(&in_words(id.as_str())));
        let (templates, ontology) = (templates(&paths), paths.iter().copied().filter(|path| is_ontology(path)));
        let ontology: Vec<String> = ontology.take(MAX_LISTED).map(str::to_owned).collect();
        Ok(Self {
            title,
            version: Version::new(0, 1, 0),
            description: description.unwrap_or_default(),
            licence: licence::detect(dir, &paths),
            repository: repository::origin(dir).unwrap_or_default(),
            category: category(&paths).into(),
            tags: tags(&id, &paths),
            templates,
            ontology,
            id,
        })
    }

    /// The text of `gpack.toml`.
    pub fn to_toml(&self) -> String {
        let quoted = |text: &str| Value::from(text).to_string().trim().to_owned();
        let known = |key: &str, text: &SafeText, example: &str| match text.is_empty() {
            true => format!("# {key} = {}\n", quoted(example)),
            false => format!("{key} = {}\n", quoted(text)),
        };
        let list = |items: &[String]| items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", ");
        let tags: Vec<String> = self.tags.iter().map(SafeText::to_string).collect();
        let mut text = HEAD.to_owned();
        text += &format!("id = {}\n# Its title, for people.\n", quoted(self.id.as_str()));
        text += &format!("name = {}\n{VERSION}version = {}\n", quoted(&self.title), quoted(&self.version.to_string()));
        text += "# What it is for, in one sentence: people search and choose by it.\n";
        text += &known("description", &self.description, "Generates a command-line program from an ontology.");
        text += "# An SPDX expression.\n";
        text += &known("license", &self.licence, "MIT OR Apache-2.0");
        text += "# Where its source lies.\n";
        text += &known("repository", &self.repository, "https://example.org/me/my-package");
        text += "# One word for what kind of package it is.\n";
        text += &known("category", &self.category, "templates");
        text += "# Words that people may look for.\n";
        text += &if tags.is_empty() {
            "# tags = [\"rust\", \"cli\"]\n".into()
        } else {
            format!("tags = [{}]\n", list(&tags))
        };
        text += DEPENDENCIES;
        if !self.templates.is_empty() {
            text += &format!("\n# What ggen fills in.\n[templates]\npatterns = [{}]\n", list(&self.templates));
        }
        if !self.ontology.is_empty() {
            text += &format!("\n# What it is filled in from.\n[ontology]\nfiles = [{}]\n", list(&self.ontology));
        }
        text
    }
}

const HEAD: &str = "\
# What this package is. Look it over; then `ggen-p2p-tui publish --check` says what is missing.

[gpack]
# What it is known by, together with its publisher's key: a-z, 0-9, '.', '_' and '-'. It cannot change later.
";

const VERSION: &str =
    "# A semantic version (https://semver.org). What is published never changes: raise it each time.\n";

const DEPENDENCIES: &str = "
# Packages of ggen that this one needs, such as:  \"other-package\" = \"^1.0\"
[dependencies]
";

fn name_of(dir: &Path) -> Result<PackageName, MarketError> {
    let written = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let as_it_is = PackageName::new(&written).ok();
    as_it_is.or_else(|| identity::suggestion(&written)).ok_or_else(|| MarketError::Refused {
        message: format!("no package name can be made of the directory's name, '{}'", SafeText::capped(&written, 80)),
        hint: "give one: --name my-package".into(),
    })
}

/// `io.ggen.my-pack` → `My Pack`
fn in_words(id: &str) -> String {
    let last = id.rsplit('.').next().unwrap_or(id);
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    };
    last.split(['-', '_']).map(capital).collect::<Vec<_>>().join(" ")
}

/// One glob for each directory at the top and ending that templates have.
fn templates(paths: &[&str]) -> Vec<String> {
    let glob = |path: &&str| {
        let ending = path.rsplit('/').next()?.rsplit_once('.')?.1;
        Some(match path.split_once('/') {
            Some((top, _)) => format!("{top}/**/*.{ending}"),
            None => format!("*.{ending}"),
        })
    };
    let mut globs: Vec<String> = paths.iter().filter(|path| is_template(path)).filter_map(glob).collect();
    globs.sort();
    globs.dedup();
    globs.truncate(MAX_LISTED);
    globs
}

fn is_query(path: &str) -> bool {
    path.ends_with(".rq") || path.ends_with(".sparql")
}

/// What there is most to say of it; nothing where that is not plain.
fn category(paths: &[&str]) -> &'static str {
    let any = |is: fn(&str) -> bool| paths.iter().any(|path| is(path));
    if any(is_template) {
        "templates"
    } else if any(is_ontology) {
        "ontology"
    } else if any(is_query) {
        "queries"
    } else {
        ""
    }
}

/// Languages that templates are for, and kinds of data, by the endings of files.
const ENDINGS: [(&str, &str); 14] = [
    (".rs", "rust"),
    (".ts", "typescript"),
    (".tsx", "typescript"),
    (".js", "javascript"),
    (".py", "python"),
    (".java", "java"),
    (".go", "go"),
    (".ex", "elixir"),
    (".sql", "sql"),
    (".tf", "terraform"),
    (".ttl", "rdf"),
    (".rdf", "rdf"),
    (".rq", "sparql"),
    (".sparql", "sparql"),
];

fn tags(id: &PackageName, paths: &[&str]) -> Vec<SafeText> {
    let bare = |path: &str| path.trim_end_matches(".tera").trim_end_matches(".tmpl").to_owned();
    let has = |ending: &str| paths.iter().any(|path| bare(path).ends_with(ending));
    let mut tags: Vec<&str> = ENDINGS.iter().filter(|(ending, _)| has(ending)).map(|(_, tag)| *tag).collect();
    if id.as_str().split(['-', '.', '_']).any(|word| word == "cli") {
        tags.insert(0, "cli");
    }
    tags.dedup();
    tags.into_iter().map(SafeText::new).collect()
}

/// The beginning of a regular file; links are not followed.
fn beginning(path: &Path) -> Option<String> {
    let file: File = open_plain(path).ok()?;
    let mut bytes = Vec::new();
    file.take(LOOKED_AT).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The text of the `pack.toml` by which ggen's engine knows a package.
pub fn pack_toml(manifest: &Manifest) -> String {
    let mut pack = Table::new();
    let authors = manifest.authors.iter().map(SafeText::as_str).collect::<Vec<_>>().join(", ");
    for (key, text) in [
        ("id", manifest.name.as_str()),
        ("name", &manifest.title),
        ("version", &manifest.version.to_string()),
        ("description", &manifest.description),
        ("category", if manifest.category.is_empty() { "uncategorized" } else { &manifest.category }),
        ("author", &authors),
        ("repository", &manifest.repository),
        ("license", &manifest.licence),
    ] {
        pack.insert(key, value(text));
    }
    pack.insert("packages", value(Array::from_iter([manifest.name.as_str()])));
    let dependency = |dependency: &super::Dependency| {
        let mut table = InlineTable::new();
        table.insert("pack_id", dependency.name.as_str().into());
        table.insert("version", dependency.requirement.to_string().into());
        table.insert("optional", false.into());
        table
    };
    pack.insert("dependencies", value(manifest.dependencies.iter().map(dependency).collect::<Array>()));
    let mut document = DocumentMut::new();
    document.insert("pack", Item::Table(pack));
    format!("# By this ggen's engine knows the package. Keep id and version as the manifest has them.\n{document}")
}
