//! What an entry of `[dependencies]` names: a ggen package, or what else real manifests write there.

use toml_edit::{Item, TableLike};

use super::Severity;
use super::fields::Reader;
use crate::market::PackageName;

/// What an entry stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    Ggen,
    /// A ggen package that is not needed for sure.
    Optional,
    /// ggen itself, or a part of it.
    Tool,
    Crate,
    Npm,
    /// A package of another language.
    Foreign,
    Path,
    /// Neither a name nor a path: a list of features, say.
    Other,
    /// A name and a version, which may be anybody's.
    Unclear,
}

/// Crates that many packages need, to know the others beside them.
const CRATES: [&str; 14] = [
    "anyhow",
    "chrono",
    "clap",
    "futures",
    "oxigraph",
    "regex",
    "reqwest",
    "serde",
    "serde_json",
    "sqlx",
    "thiserror",
    "tokio",
    "tracing",
    "uuid",
];

/// Keys that only entries for cargo have.
const CARGO_KEYS: [&str; 9] =
    ["features", "optional", "default-features", "git", "branch", "rev", "tag", "registry", "workspace"];

/// Sections that only manifests for cargo have.
const CARGO_SECTIONS: [&str; 6] = ["lib", "bin", "bench", "dev-dependencies", "build-dependencies", "profile"];

/// Parts of ggen itself.
const TOOL: [&str; 8] =
    ["ggen", "ggen-core", "ggen-cli", "ggen-ai", "ggen-utils", "ggen-domain", "ggen-engine", "ggen-marketplace"];

/// Endings of files that packages list.
const FILES: [&str; 12] =
    [".ttl", ".rdf", ".rq", ".sparql", ".rs", ".ts", ".py", ".tera", ".tmpl", ".json", ".toml", ".md"];

/// What stands around an entry and says what it means.
pub(super) struct Surroundings {
    is_gpack: bool,
    has_crates: bool,
    has_npm: bool,
}

impl Surroundings {
    pub fn of(reader: &Reader<'_>, table: &dyn TableLike) -> Self {
        let is_crate = |(key, item): (&str, &Item)| CRATES.contains(&key) || is_cargo_entry(item);
        let for_cargo = CARGO_SECTIONS.iter().any(|section| reader.root(section).is_some());
        Self {
            is_gpack: reader.dialect == "gpack",
            has_crates: table.iter().any(is_crate) || for_cargo,
            has_npm: table.iter().any(|(key, _)| key.starts_with('@')),
        }
    }

    pub fn need(&self, key: &str, item: &Item) -> Need {
        let field = |name: &str| item.as_table_like().is_some_and(|table| table.contains_key(name));
        match key {
            "required" if item.is_array() => return Need::Ggen,
            "optional" if item.is_array() => return Need::Optional,
            _ if item.is_array() => return Need::Other,
            _ if item.as_str().is_some_and(is_path) || field("path") => return Need::Path,
            _ if self.is_gpack || field("publisher") => return Need::Ggen,
            _ => {}
        }
        if let Some(language) = self.group(key, item) {
            language
        } else if key.starts_with('@') {
            Need::Npm
        } else if TOOL.contains(&key) {
            Need::Tool
        } else if is_ggen_id(key) {
            Need::Ggen
        } else if self.has_crates {
            Need::Crate
        } else if self.has_npm {
            Need::Npm
        } else if item.is_str() || field("version") {
            Need::Unclear
        } else {
            Need::Other
        }
    }

    /// Whether `key` names a language whose packages follow: `[dependencies.rust]`.
    pub fn is_group(&self, key: &str) -> bool {
        !self.is_gpack && language(key).is_some()
    }

    fn group(&self, key: &str, item: &Item) -> Option<Need> {
        let is_table = item.as_table_like().is_some_and(|table| !table.contains_key("version"));
        language(key).filter(|_| is_table)
    }
}

fn language(key: &str) -> Option<Need> {
    match key {
        "rust" | "cargo" | "crates" => Some(Need::Crate),
        "typescript" | "javascript" | "npm" | "node" => Some(Need::Npm),
        "python" | "pip" | "java" | "maven" | "go" | "ruby" | "elixir" | "system" => Some(Need::Foreign),
        _ => None,
    }
}

fn is_cargo_entry(item: &Item) -> bool {
    item.as_table_like().is_some_and(|table| CARGO_KEYS.iter().any(|key| table.contains_key(key)))
}

fn is_path(text: &str) -> bool {
    text.contains('/') || text.starts_with("file:") || FILES.iter().any(|ending| text.ends_with(ending))
}

/// Ids with dots (`io.ggen.nextjs`) are not used by crates, nor are they paths.
fn is_ggen_id(key: &str) -> bool {
    key.contains('.') && PackageName::new(key).is_ok()
}

impl Need {
    /// Severity, code, message and hint for the entries `listed`.
    pub fn finding(self, listed: &str, names: &[String]) -> (Severity, &'static str, String, String) {
        let info = |code, what: &str| (Severity::Info, code, format!("{what}: {listed}"), NOT_OURS.to_owned());
        match self {
            Self::Crate => info("dependencies-crates", "crates are not dependencies on packages"),
            Self::Npm => info("dependencies-npm", "npm packages are not dependencies on packages"),
            Self::Foreign => {
                info("dependencies-foreign", "packages of other languages are not dependencies on packages")
            }
            Self::Path => info("dependencies-paths", "file paths are not dependencies on packages"),
            Self::Tool => info("dependencies-ggen", "ggen itself is not a package to depend on"),
            Self::Other => info("dependencies-other", "neither packages nor versions"),
            Self::Optional => (
                Severity::Info,
                "dependencies-optional",
                format!("optional packages are not installed along: {listed}"),
                "move to 'required' what the package does not work without".to_owned(),
            ),
            Self::Ggen | Self::Unclear => (
                Severity::Warning,
                "dependencies-unclear",
                format!("ggen packages, or crates? They were passed over: {listed}"),
                match names {
                    [only] => {
                        format!("if it is a ggen package, write below [package]: dependencies = [\"{only}@^1.0\"]")
                    }
                    _ => {
                        "write the ggen packages among them below [package]: dependencies = [\"name@^1.0\"]".to_owned()
                    }
                },
            ),
        }
    }
}

const NOT_OURS: &str = "nothing needs to be done; ggen packages go below [package] as dependencies = [\"name@^1.0\"]";
