//! Which other ggen packages a package needs.
//!
//! `[dependencies]` means many things in real manifests: crates, npm packages, paths, lists of features. Taken as ggen
//! packages are only: entries of a `[gpack]` manifest, names in a list below `[package]` or in a `required` list, ids
//! with dots, and entries that name a publisher. What else there is gets sorted and named, not guessed at.

use std::collections::BTreeMap;

use semver::VersionReq;
use toml_edit::{Item, TableLike, Value};

use super::fields::{Field, Reader};
use super::needs::{Need, Surroundings};
use super::{Dependency, Severity};
use crate::market::{PackageName, PublisherKey};

/// Dependencies of one package, and bytes of the longest requirement.
const MAX_DEPENDENCIES: usize = 64;
const MAX_REQUIREMENT: usize = 128;

/// Names that a finding lists.
const MAX_NAMED: usize = 4;

/// Reads the dependencies of the package called `own`.
pub(super) fn read(reader: &mut Reader<'_>, own: Option<&PackageName>) -> Vec<Dependency> {
    let mut found = Found { own, dependencies: Vec::new(), others: BTreeMap::new() };
    for field in [reader.main("dependencies"), reader.root("dependencies")].into_iter().flatten() {
        if let Some(list) = field.item.as_array() {
            found.names(reader, field, list.iter());
        } else if let Some(table) = field.item.as_table_like() {
            let around = Surroundings::of(reader, table);
            found.table(reader, field, table, &around);
        } else {
            let hint = "write dependencies = [\"name@^1.0\"]";
            reader.note(Severity::Warning, "field-type", field.line, "'dependencies' is no list or table", hint);
        }
    }
    found.finish(reader)
}

struct Found<'n> {
    own: Option<&'n PackageName>,
    dependencies: Vec<Dependency>,
    /// What is not taken for ggen packages, as it is written, and where it begins.
    others: BTreeMap<Need, (Vec<String>, Option<u32>)>,
}

impl<'n> Found<'n> {
    /// `["name", "name@requirement", …]`
    fn names<'v>(&mut self, reader: &mut Reader<'_>, field: Field<'_>, list: impl Iterator<Item = &'v Value>) {
        for entry in list.filter_map(Value::as_str) {
            let (name, requirement) = entry.split_once('@').unwrap_or((entry, "*"));
            self.add(reader, field.line, name, requirement, None);
        }
    }

    fn table(&mut self, reader: &mut Reader<'_>, field: Field<'_>, table: &dyn TableLike, around: &Surroundings) {
        for (key, item) in table.iter() {
            let line = table.get_key_value(key).and_then(|(key, item)| reader.line(key, item)).or(field.line);
            let here = Field { item, line };
            match (around.need(key, item), item.as_array(), item.as_table_like()) {
                (Need::Ggen, Some(list), _) => self.names(reader, here, list.iter()),
                (Need::Ggen, ..) => self.entry(reader, here, key),
                (need, Some(list), _) => {
                    let names = list.iter().filter_map(Value::as_str);
                    names.for_each(|name| self.pass_over(need, name, line));
                }
                (need, _, Some(inner)) if around.is_group(key) => {
                    inner.iter().for_each(|(name, _)| self.pass_over(need, name, line));
                }
                (need, ..) => self.pass_over(need, key, line),
            }
        }
    }

    /// `name = "requirement"` or `name = { version = "requirement", publisher = "12D3…" }`
    fn entry(&mut self, reader: &mut Reader<'_>, field: Field<'_>, key: &str) {
        let text = |name: &str| field.item.as_table_like().and_then(|table| table.get(name)).and_then(Item::as_str);
        let requirement = field.item.as_str().or_else(|| text("version")).unwrap_or("*").to_owned();
        self.add(reader, field.line, key, &requirement, text("publisher"));
    }

    fn pass_over(&mut self, need: Need, name: &str, line: Option<u32>) {
        let (names, first) = self.others.entry(need).or_insert((Vec::new(), line));
        *first = (*first).min(line);
        names.push(name.to_owned());
    }

    fn add(&mut self, reader: &mut Reader<'_>, line: Option<u32>, name: &str, requirement: &str, key: Option<&str>) {
        match dependency(name, requirement, key) {
            Ok(new) if Some(&new.name) == self.own => {
                let hint = "remove it from the dependencies";
                reader.note(Severity::Warning, "dependency-self", line, "the package depends on itself", hint);
            }
            Ok(new) => match self.dependencies.iter().find(|old| old.name == new.name) {
                None => self.dependencies.push(new),
                Some(old) if old.requirement == new.requirement => {}
                Some(old) => {
                    let message = format!(
                        "'{}' is needed twice, as {} and {}; the first was taken",
                        new.name, old.requirement, new.requirement
                    );
                    reader.note(Severity::Warning, "dependency-twice", line, &message, "keep one of them");
                }
            },
            Err(fault) => {
                let message = format!("the dependency '{name}' was passed over: {fault}");
                let hint = "write it as name = \"^1.0\"";
                reader.note(Severity::Warning, "dependency-invalid", line, &message, hint);
            }
        }
    }

    fn finish(self, reader: &mut Reader<'_>) -> Vec<Dependency> {
        for (need, (names, line)) in &self.others {
            let listed = names.iter().take(MAX_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
            let more = names.len().saturating_sub(MAX_NAMED);
            let listed = if more > 0 { format!("{listed} and {more} more") } else { listed };
            let (severity, code, message, hint) = need.finding(&listed, names);
            reader.note(severity, code, *line, &message, &hint);
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
