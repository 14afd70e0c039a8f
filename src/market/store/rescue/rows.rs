//! Rows of a table from its pages, without SQLite, which gives a damaged table up.
//!
//! Section 1.6 and 2 of <https://www.sqlite.org/fileformat.html>. Nothing is believed: a page, cell or value that cannot be
//! is skipped and counted.

use std::collections::HashSet;

use rusqlite::types::Value;

use super::pages::Pages;

/// A row as it was stored: its row id and its columns, those added to the table later missing at the end.
pub struct Row {
    pub rowid: i64,
    pub values: Vec<Value>,
}

/// The first page begins with the header of the file.
const FILE_HEADER: usize = 100;
const LEAF: u8 = 0x0d;
const INTERIOR: u8 = 0x05;
/// Of tables without row ids, whose rows are in the interior pages too.
const KEY_LEAF: u8 = 0x0a;
const KEY_INTERIOR: u8 = 0x02;
/// Bytes of the largest row taken.
const MAX_ROW: usize = 64 << 20;

/// Gives every row that can be read of the table with this root page. Returns how many pages and cells could not be.
pub fn of_table(pages: &Pages, root: u32, each: &mut dyn FnMut(Row)) -> u64 {
    let (mut damaged, mut seen, mut waiting) = (0, HashSet::new(), vec![root]);
    while let Some(number) = waiting.pop() {
        if !seen.insert(number) {
            damaged += 1;
            continue;
        }
        damaged += match pages.page(number) {
            Some(page) => one_page(pages, &page, number, each, &mut waiting),
            None => 1,
        };
    }
    damaged
}

/// Gives every row in any leaf page of the file: also of pages that no table leads to any more.
pub fn of_all_leaves(pages: &Pages, each: &mut dyn FnMut(Row)) {
    for number in 1..=pages.count() {
        if let Some(page) = pages.page(number) {
            one_page(pages, &page, number, each, &mut Vec::new());
        }
    }
}

fn one_page(pages: &Pages, page: &[u8], number: u32, each: &mut dyn FnMut(Row), children: &mut Vec<u32>) -> u64 {
    let start = if number == 1 { FILE_HEADER } else { 0 };
    let Some(kind @ (LEAF | INTERIOR | KEY_LEAF | KEY_INTERIOR)) = page.get(start).copied() else { return 1 };
    let is_leaf = matches!(kind, LEAF | KEY_LEAF);
    let cells = be(page, start + 3, 2).unwrap_or(0) as usize;
    let pointers = start + if is_leaf { 8 } else { 12 };
    let mut damaged = 0;
    for cell in 0..cells {
        let Some(at) = be(page, pointers + 2 * cell, 2) else { return damaged + 1 };
        let mut at = at as usize;
        if !is_leaf {
            let child = be(page, at, 4);
            damaged += u64::from(child.is_none());
            children.extend(child);
            at += 4;
        }
        if kind != INTERIOR {
            let row = row(pages, page, at, kind == LEAF);
            damaged += u64::from(row.is_none());
            row.into_iter().for_each(&mut *each);
        }
    }
    if !is_leaf {
        children.extend(be(page, start + 8, 4));
    }
    damaged
}

fn row(pages: &Pages, page: &[u8], at: usize, has_rowid: bool) -> Option<Row> {
    let (length, mut at) = varint(page, at)?;
    let mut rowid = 0;
    if has_rowid {
        (rowid, at) = varint(page, at)?;
    }
    let length = usize::try_from(length).ok().filter(|length| *length <= MAX_ROW)?;
    let most = if has_rowid { page.len() - 35 } else { (page.len() - 12) * 64 / 255 - 23 };
    let payload = payload(pages, page, at, length, most)?;
    Some(Row { rowid: rowid as i64, values: record(&payload)? })
}

/// What did not fit into the page (`most` bytes) is in a chain of others.
fn payload(pages: &Pages, page: &[u8], at: usize, length: usize, most: usize) -> Option<Vec<u8>> {
    let usable = page.len();
    let here = if length <= most {
        length
    } else {
        let least = (usable - 12) * 32 / 255 - 23;
        let fitting = least + (length - least) % (usable - 4);
        if fitting <= most { fitting } else { least }
    };
    let mut bytes = page.get(at..at + here)?.to_vec();
    let mut next = if here < length { be(page, at + here, 4)? } else { 0 };
    while bytes.len() < length {
        let more = pages.page(next)?;
        next = be(&more, 0, 4)?;
        bytes.extend_from_slice(more.get(4..more.len().min(4 + length - bytes.len()))?);
    }
    Some(bytes)
}

/// The columns of a record: their types in its header, then their values.
fn record(bytes: &[u8]) -> Option<Vec<Value>> {
    let (header, mut at) = varint(bytes, 0)?;
    let header = usize::try_from(header).ok().filter(|header| *header <= bytes.len())?;
    let (mut body, mut values) = (header, Vec::new());
    while at < header {
        let (kind, next) = varint(bytes, at)?;
        at = next;
        let (value, length) = column(bytes, body, kind)?;
        values.push(value);
        body += length;
    }
    Some(values)
}

fn column(bytes: &[u8], at: usize, kind: u64) -> Option<(Value, usize)> {
    let integer = |length: usize| Some((Value::Integer(signed(bytes.get(at..at + length)?)), length));
    match kind {
        0 => Some((Value::Null, 0)),
        1..=4 => integer(kind as usize),
        5 => integer(6),
        6 => integer(8),
        7 => {
            let eight = bytes.get(at..at + 8)?.try_into().ok()?;
            Some((Value::Real(f64::from_be_bytes(eight)), 8))
        }
        8 => Some((Value::Integer(0), 0)),
        9 => Some((Value::Integer(1), 0)),
        10 | 11 => None,
        _ => {
            let length = usize::try_from((kind - 12) / 2).ok()?;
            let content = bytes.get(at..at.checked_add(length)?)?.to_vec();
            let value = if kind.is_multiple_of(2) {
                Value::Blob(content)
            } else {
                Value::Text(String::from_utf8(content).ok()?)
            };
            Some((value, length))
        }
    }
}

fn signed(bytes: &[u8]) -> i64 {
    let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    bytes.iter().fold(if negative { -1 } else { 0 }, |number, byte| (number << 8) | i64::from(*byte))
}

fn be(bytes: &[u8], at: usize, length: usize) -> Option<u32> {
    Some(bytes.get(at..at + length)?.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte)))
}

/// A variable-length integer and where the next thing begins: 7 bits a byte, the ninth byte whole.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut number = 0;
    for (index, byte) in bytes.get(at..)?.iter().take(9).enumerate() {
        if index == 8 {
            return Some(((number << 8) | u64::from(*byte), at + 9));
        }
        number = (number << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, at + index + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_length_are_read() {
        assert_eq!(varint(&[0x7f], 0), Some((0x7f, 1)));
        assert_eq!(varint(&[0, 0x81, 0x00], 1), Some((0x80, 3)));
        assert_eq!(varint(&[0xff; 9], 0), Some((u64::MAX, 9)));
        assert_eq!(varint(&[0xff; 8], 0), None);
        assert_eq!(signed(&[0xff]), -1);
        assert_eq!(signed(&[0x01, 0x00]), 256);
    }

    proptest::proptest! {
        #[test]
        fn no_record_is_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = record(&bytes);
            let _ = varint(&bytes, 0);
        }
    }
}
