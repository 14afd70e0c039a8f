//! Which other ggen packages a package needs.
//!
//! `[dependencies]` means many things in real manifests: crates, npm packages, paths, lists of features. Taken as ggen
//! packages are only: entries of a `[gpack]` manifest, names in a list below `[package]` or in a `required` list, and
//! ids with dots. What else there is gets counted, not guessed at.

use semver::VersionReq;
use toml_edit::{Item, TableLike, Value};

use super::fields::{Field, Reader};
use super::{Dependency, Severity};
use crate::market::{PackageName, PublisherKey};

/// Dependencies of one package, and bytes of the longest requirement.
const MAX_DEPENDENCIES: usize = 64;
const MAX_REQUIREMENT: usize = 128;

/// Reads the dependencies of the package called `own`.
pub(super) fn read(reader: &mut Reader<'_>, own: &PackageName) -> Vec<Dependency> {
    let mut found = Found { own, dependencies: Vec::new(), foreign: 0, line: None };
    for field in [reader.main("dependencies"), reader.root("dependencies")].into_iter().flatten() {
        if let Some(list) = field.item.as_array() {
            found.names(reader, field, list.iter());
        } else if let Some(table) = field.item.as_table_like() {
            found.table(reader, field, table);
        }
    }
    found.finish(reader)
}

struct Found<'n> {
    own: &'n PackageName,
    dependencies: Vec<Dependency>,
    /// Entries that are not taken for ggen packages, and where they begin.
    foreign: usize,
    line: Option<u32>,
}

impl<'n> Found<'n> {
    /// `["name", "name@requirement", …]`
    fn names<'v>(&mut self, reader: &mut Reader<'_>, field: Field<'_>, list: impl Iterator<Item = &'v Value>) {
        for entry in list.filter_map(Value::as_str) {
            let (name, requirement) = entry.split_once('@').unwrap_or((entry, "*"));
            self.add(reader, field.line, name, requirement, None);
        }
    }

    fn table(&mut self, reader: &mut Reader<'_>, field: Field<'_>, table: &dyn TableLike) {
        let is_gpack = reader.dialect == "gpack";
        for (key, item) in table.iter() {
            let line = table.get_key_value(key).and_then(|(key, item)| reader.line(key, item)).or(field.line);
            let here = Field { item, line };
            match item.as_array() {
                Some(list) if key == "required" => self.names(reader, here, list.iter()),
                None if is_gpack || is_ggen_id(key) => self.entry(reader, here, key),
                _ => self.pass_over(here),
            }
        }
    }

    /// `name = "requirement"` or `name = { version = "requirement", publisher = "12D3…" }`
    fn entry(&mut self, reader: &mut Reader<'_>, field: Field<'_>, key: &str) {
        let text = |name: &str| field.item.as_table_like().and_then(|table| table.get(name)).and_then(Item::as_str);
        let requirement = field.item.as_str().or_else(|| text("version")).unwrap_or("*").to_owned();
        self.add(reader, field.line, key, &requirement, text("publisher"));
    }

    fn pass_over(&mut self, field: Field<'_>) {
        self.foreign += 1;
        self.line = self.line.or(field.line);
    }

    fn add(&mut self, reader: &mut Reader<'_>, line: Option<u32>, name: &str, requirement: &str, key: Option<&str>) {
        match dependency(name, requirement, key) {
            Ok(new) if new.name == *self.own => {
                let hint = "remove it from the dependencies";
                reader.note(Severity::Warning, "dependency-self", line, "the package depends on itself", hint);
            }
            Ok(new) if self.dependencies.iter().any(|old| old.name == new.name) => {}
            Ok(new) => self.dependencies.push(new),
            Err(fault) => {
                let message = format!("the dependency '{name}' was passed over: {fault}");
                let hint = "write it as name = \"^1.0\"";
                reader.note(Severity::Warning, "dependency-invalid", line, &message, hint);
            }
        }
    }

    fn finish(self, reader: &mut Reader<'_>) -> Vec<Dependency> {
        if self.foreign > 0 {
            let entries = if self.foreign == 1 { "entry" } else { "entries" };
            let message = format!("{} {entries} of [dependencies] not taken for ggen packages", self.foreign);
            let hint = "ggen packages this one needs go into [package] as dependencies = [\"name@^1.0\"]";
            reader.note(Severity::Info, "dependencies-foreign", self.line, &message, hint);
        }
        if self.dependencies.len() > MAX_DEPENDENCIES {
            let message =
                format!("there are {} dependencies; {MAX_DEPENDENCIES} can be signed", self.dependencies.len());
            let hint = "gather some of them in a package of their own";
            reader.note(Severity::Error, "dependencies-too-many", None, &message, hint);
        }
        self.dependencies
    }
}

/// Ids with dots (`io.ggen.nextjs`) are not used by crates, nor are they paths.
fn is_ggen_id(key: &str) -> bool {
    key.contains('.') && PackageName::new(key).is_ok()
}

fn dependency(name: &str, requirement: &str, key: Option<&str>) -> Result<Dependency, String> {
    let requirement = match requirement.trim() {
        "" | "latest" => "*",
        other => other,
    };
    if requirement.len() > MAX_REQUIREMENT {
        return Err(format!("its requirement is longer than {MAX_REQUIREMENT} characters"));
    }
    Ok(Dependency {
        name: PackageName::new(name.trim()).map_err(|error| error.to_string())?,
        requirement: requirement
            .parse::<VersionReq>()
            .map_err(|error| format!("'{requirement}' is no version requirement ({error})"))?,
        publisher: key.map(str::parse::<PublisherKey>).transpose().map_err(|error| error.to_string())?,
    })
}
