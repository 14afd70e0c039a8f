//! Reading an index as a stream, into what the file says of each entry.

use std::fmt;
use std::io::{BufReader, Read};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::entry::{Builder, Raw};
use super::{Index, MAX_INDEX};
use crate::market::{MarketError, SafeText};

/// Bytes kept of a text; the longest that is used is a URL.
const MAX_TEXT: usize = 2100;
/// Texts kept of a list.
const MAX_LIST: usize = 64;
/// Versions kept of an entry.
const MAX_VERSIONS: usize = 256;

impl Index {
    /// Reads an index of any of the three shapes.
    ///
    /// # Errors
    /// It is larger than [`MAX_INDEX`], no JSON, or JSON of no known shape.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MarketError> {
        if bytes.len() as u64 > MAX_INDEX {
            return Err(too_large());
        }
        read(serde_json::Deserializer::from_slice(bytes))
    }

    /// The same from a stream, of which no more than [`MAX_INDEX`] is taken.
    pub fn from_reader(reader: impl Read) -> Result<Self, MarketError> {
        let mut limited = reader.take(MAX_INDEX + 1);
        let index = read(serde_json::Deserializer::from_reader(BufReader::new(&mut limited)));
        if limited.limit() == 0 { Err(too_large()) } else { index }
    }
}

fn read<'de, R: serde_json::de::Read<'de>>(mut json: serde_json::Deserializer<R>) -> Result<Index, MarketError> {
    let mut builder = Builder::default();
    let result = TopLevel(&mut builder).deserialize(&mut json).and_then(|()| json.end());
    result.map(|()| builder.index).map_err(|error| MarketError::Refused {
        message: format!("no central index: {}", SafeText::new(&error.to_string())),
        hint: "an index is a JSON file with a list \"packages\", a bare list, or a table \"packs\"".into(),
    })
}

fn too_large() -> MarketError {
    MarketError::Refused {
        message: format!("the central index is larger than {} MiB", MAX_INDEX >> 20),
        hint: "ask whoever keeps it, or take it out of registry.central".into(),
    }
}

/// A list of packages, or a table with one inside.
struct TopLevel<'b>(&'b mut Builder);

impl<'de> DeserializeSeed<'de> for TopLevel<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TopLevel<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of packages, or a table with \"packages\" or \"packs\"")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        Entries(self.0).visit_seq(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut found = false;
        while let Some(Text(key)) = map.next_key()? {
            if matches!(key.as_str(), "packages" | "packs") {
                found = true;
                map.next_value_seed(Entries(self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        if found { Ok(()) } else { Err(A::Error::custom("there is no \"packages\" and no \"packs\" in it")) }
    }
}

/// The packages themselves: a list, or a table by id.
struct Entries<'b>(&'b mut Builder);

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or a table of packages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while self.0.has_room() {
            let Some(Entry(raw)) = seq.next_element()? else { return Ok(()) };
            self.0.take(raw, None);
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {
            self.0.take_no_more();
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(id)) = map.next_key()? {
            if self.0.has_room() {
                let Entry(raw) = map.next_value()?;
                self.0.take(raw, Some(&id));
            } else {
                map.next_value::<IgnoredAny>()?;
                self.0.take_no_more();
            }
        }
        Ok(())
    }
}

/// One entry; none where it is no table.
struct Entry(Option<Raw>);

/// A key, or any single value as text, cut at [`MAX_TEXT`] bytes.
#[derive(Default)]
struct Text(String);

/// A text; empty where there is none.
#[derive(Default)]
struct Value(String);

/// Texts of a list, of a text with commas, or of lists in a table.
#[derive(Default)]
struct List(Vec<String>);

/// Names with requirements, from a list or a table.
#[derive(Default)]
struct Needs(Vec<(String, String)>);

/// What a list of dependencies has for one of them.
#[derive(Default)]
struct Need(String, String);

/// The keys of a table of versions.
#[derive(Default)]
struct Versions(Vec<String>);

/// Implements `Deserialize` by a visitor that takes any value at all: what is not of use is passed over, never an error.
macro_rules! lenient {
    ($type:ident, text: $text:expr, seq: $seq:expr, map: $map:expr) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
                struct Lenient;
                impl<'de> Visitor<'de> for Lenient {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("any value")
                    }
                    fn visit_str<E: Error>(self, text: &str) -> Result<$type, E> {
                        Ok($text(cut(text)))
                    }
                    fn visit_bool<E: Error>(self, value: bool) -> Result<$type, E> {
                        Ok($text(value.to_string()))
                    }
                    fn visit_i64<E: Error>(self, number: i64) -> Result<$type, E> {
                        Ok($text(number.to_string()))
                    }
                    fn visit_u64<E: Error>(self, number: u64) -> Result<$type, E> {
                        Ok($text(number.to_string()))
                    }
                    fn visit_f64<E: Error>(self, number: f64) -> Result<$type, E> {
                        Ok($text(format!("{number:?}")))
                    }
                    fn visit_unit<E: Error>(self) -> Result<$type, E> {
                        Ok($text(String::new()))
                    }
                    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<$type, A::Error> {
                        $seq(seq)
                    }
                    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<$type, A::Error> {
                        $map(map)
                    }
                }
                json.deserialize_any(Lenient)
            }
        }
    };
}

lenient!(Text, text: Text, seq: |seq| pass_seq(seq).map(|()| Text::default()), map: |map| pass_map(map).map(|()| Text::default()));
// Authors may be a list, and an author a table.
lenient!(Value, text: Value, seq: |seq| list(seq).map(|texts| Value(cut(&texts.join(", ")))), map: |map| named(map).map(Value));
lenient!(List, text: |text: String| List(text.split(',').map(|one| one.trim().to_owned()).take(MAX_LIST).collect()),
    seq: |seq| list(seq).map(List), map: lists);
lenient!(Need, text: |text: String| Need(text, String::new()), seq: |seq| pass_seq(seq).map(|()| Need::default()), map: need);
lenient!(Needs, text: |text: String| Needs(vec![(text, String::new())]), seq: needs, map: needs_by_name);
lenient!(Versions, text: |_| Versions::default(), seq: |seq| list(seq).map(Versions), map: versions);
lenient!(Entry, text: |_| Entry(None), seq: |seq| pass_seq(seq).map(|()| Entry(None)), map: |map| raw(map).map(|raw| Entry(Some(raw))));

fn cut(text: &str) -> String {
    text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or_default().to_owned()
}

fn pass_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

fn pass_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

fn list<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<Vec<String>, A::Error> {
    let mut texts = Vec::new();
    while texts.len() < MAX_LIST {
        let Some(Value(text)) = seq.next_element()? else { return Ok(texts) };
        if !text.trim().is_empty() {
            texts.push(text);
        }
    }
    pass_seq(seq).map(|()| texts)
}

fn lists<'de, A: MapAccess<'de>>(mut map: A) -> Result<List, A::Error> {
    let mut texts = Vec::new();
    while let Some((IgnoredAny, List(more))) = map.next_entry()? {
        texts.extend(more);
        texts.truncate(MAX_LIST);
    }
    Ok(List(texts))
}

/// The name in a table such as `{"name": "Ann", "email": …}`.
fn named<'de, A: MapAccess<'de>>(mut map: A) -> Result<String, A::Error> {
    let mut name = String::new();
    while let Some((Text(key), Text(value))) = map.next_entry()? {
        if key == "name" {
            name = value;
        }
    }
    Ok(name)
}

fn need<'de, A: MapAccess<'de>>(mut map: A) -> Result<Need, A::Error> {
    let mut need = Need::default();
    while let Some((Text(key), Text(value))) = map.next_entry()? {
        match key.as_str() {
            "name" | "id" | "pack_id" => need.0 = value,
            "version" | "requirement" => need.1 = value,
            _ => {}
        }
    }
    Ok(need)
}

fn needs<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<Needs, A::Error> {
    let mut found = Vec::new();
    while found.len() < MAX_LIST {
        let Some(Need(name, requirement)) = seq.next_element()? else { return Ok(Needs(found)) };
        found.push((name, requirement));
    }
    pass_seq(seq).map(|()| Needs(found))
}

fn needs_by_name<'de, A: MapAccess<'de>>(mut map: A) -> Result<Needs, A::Error> {
    let mut found = Vec::new();
    while let Some((Text(name), Need(text, requirement))) = map.next_entry()? {
        if found.len() < MAX_LIST {
            found.push((name, if requirement.is_empty() { text } else { requirement }));
        }
    }
    Ok(Needs(found))
}

fn versions<'de, A: MapAccess<'de>>(mut map: A) -> Result<Versions, A::Error> {
    let mut found = Vec::new();
    while let Some((Text(version), IgnoredAny)) = map.next_entry()? {
        if found.len() < MAX_VERSIONS {
            found.push(version);
        }
    }
    Ok(Versions(found))
}

fn raw<'de, A: MapAccess<'de>>(mut map: A) -> Result<Raw, A::Error> {
    let mut raw = Raw::default();
    while let Some(Text(key)) = map.next_key()? {
        let text = match key.as_str() {
            "id" => &mut raw.id,
            "name" => &mut raw.name,
            "title" => &mut raw.title,
            "version" => &mut raw.version,
            "latest_version" => &mut raw.latest_version,
            "description" => &mut raw.description,
            "category" => &mut raw.category,
            "author" | "authors" => &mut raw.author,
            "license" | "licence" => &mut raw.licence,
            "repository" => &mut raw.repository,
            "path" => &mut raw.path,
            "download_url" => &mut raw.download_url,
            "checksum" => &mut raw.checksum,
            "tags" => {
                raw.tags = map.next_value::<List>()?.0;
                continue;
            }
            "keywords" => {
                raw.keywords = map.next_value::<List>()?.0;
                continue;
            }
            "dependencies" => {
                raw.dependencies = map.next_value::<Needs>()?.0;
                continue;
            }
            "versions" => {
                raw.versions = map.next_value::<Versions>()?.0;
                continue;
            }
            _ => {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
        };
        *text = map.next_value::<Value>()?.0;
    }
    Ok(raw)
}
