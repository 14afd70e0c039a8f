//! Name and version: what a package is known by.

use semver::Version;

use super::Severity;
use super::fields::{Field, Reader, kind};
use crate::market::{MarketError, PackageName, SafeText};

/// Bytes of the longest version.
const MAX_VERSION: usize = 64;

/// Why a manifest names no package.
pub(super) struct Unnamed {
    code: &'static str,
    line: Option<u32>,
    message: String,
    hint: String,
}

impl Unnamed {
    pub fn error(self, file: &str) -> MarketError {
        let place = self.line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"));
        MarketError::Refused { message: format!("{place}: {}", self.message), hint: self.hint }
    }

    pub fn note(self, reader: &mut Reader<'_>) {
        reader.note(Severity::Error, self.code, self.line, &self.message, &self.hint);
    }
}

/// The name and the title. `id` is the name where there is one, and `name` then the title.
pub(super) fn name(reader: &mut Reader<'_>) -> Result<(PackageName, SafeText), Unnamed> {
    let (id, written) = (text(reader.main("id")), text(reader.main("name")));
    let title = text(reader.main("title")).or_else(|| text(reader.main("full_name")));
    if let Some(name) = id.and_then(|id| PackageName::new(id).ok()) {
        note_name_from_id(reader, &name, written);
        let title = SafeText::new(title.or(written).unwrap_or(name.as_str()));
        return Ok((name, title));
    }
    let usable = written.and_then(|name| PackageName::new(name).ok());
    let name = usable.ok_or_else(|| no_name(reader, id.or(written)))?;
    if let (Some(id), Some(field)) = (id, reader.main("id")) {
        let message = format!("the id '{id}' cannot be a package name; '{name}' was taken");
        reader.note(Severity::Warning, "id-unusable", field.line, &message, &format!("write id = \"{name}\""));
    }
    let title = SafeText::new(title.unwrap_or(name.as_str()));
    Ok((name, title))
}

fn text<'a>(field: Option<Field<'a>>) -> Option<&'a str> {
    field.and_then(|field| field.item.as_str()).map(str::trim)
}

fn note_name_from_id(reader: &mut Reader<'_>, id: &PackageName, written: Option<&str>) {
    // In the [gpack] dialect that is how it is meant to be.
    let differs = written.filter(|written| reader.dialect == "package" && *written != id.as_str());
    let Some(written) = differs else { return };
    let line = reader.main("name").and_then(|field| field.line);
    let message = format!("the package is known as '{id}' (its id); '{written}' is its title");
    reader.note(Severity::Info, "name-from-id", line, &message, "nothing needs to be done");
}

fn no_name(reader: &Reader<'_>, written: Option<&str>) -> Unnamed {
    let section = reader.dialect;
    let Some(written) = written else {
        let key = if section == "gpack" { "id" } else { "name" };
        return Unnamed {
            code: "name-missing",
            line: reader.section_line(),
            message: format!("the [{section}] section has no name"),
            hint: format!("write {key} = \"my-package\" below [{section}]"),
        };
    };
    let field = reader.main("id").or_else(|| reader.main("name"));
    let hint = match suggestion(written) {
        Some(name) => format!("write id = \"{name}\" below [{section}]; the name then stays as title"),
        None => format!("write id = \"my-package\" below [{section}]"),
    };
    let message = PackageName::new(written).err().map_or_else(String::new, |error| error.to_string());
    Unnamed { code: "name-invalid", line: field.and_then(|field| field.line), message, hint }
}

/// A usable name that resembles `written`.
pub(super) fn suggestion(written: &str) -> Option<PackageName> {
    let dashed = written.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let words: Vec<&str> = dashed.split('-').filter(|word| !word.is_empty()).collect();
    PackageName::new(&words.join("-")).ok()
}

/// The version; an incomplete one is completed. Without one that can be read the package is not publishable.
pub(super) fn version(reader: &mut Reader<'_>) -> Version {
    let Some(field) = reader.main("version") else {
        let message = "there is no version";
        reader.note(Severity::Error, "version-missing", reader.section_line(), message, "add version = \"1.0.0\"");
        return Version::new(0, 0, 0);
    };
    let written = match (field.item.as_str(), field.item.as_integer(), field.item.as_float()) {
        (Some(text), ..) => text.trim().to_owned(),
        (_, Some(number), _) => number.to_string(),
        (.., Some(number)) => format!("{number:?}"),
        _ => kind(field.item).to_owned(),
    };
    read_version(reader, field, &written)
}

fn read_version(reader: &mut Reader<'_>, field: Field<'_>, written: &str) -> Version {
    let complete = |text: &str| text.parse::<Version>().ok().filter(|_| text.len() <= MAX_VERSION);
    if let Some(version) = complete(written).filter(|_| field.item.is_str()) {
        return version;
    }
    let bare = written.strip_prefix('v').unwrap_or(written);
    let completed =
        [bare.to_owned(), format!("{bare}.0"), format!("{bare}.0.0")].iter().find_map(|text| complete(text));
    let Some(version) = completed else {
        let message = format!("the version '{written}' is no semantic version of at most {MAX_VERSION} characters");
        reader.note(Severity::Error, "version-invalid", field.line, &message, "write version = \"1.0.0\"");
        return Version::new(0, 0, 0);
    };
    let message = format!("the version '{written}' is not complete; {version} was taken");
    let hint = format!("write version = \"{version}\"");
    reader.note(Severity::Warning, "version-incomplete", field.line, &message, &hint);
    version
}
