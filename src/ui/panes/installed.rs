//! What is installed: whether it is the newest, still as it was put in place, and why it is there.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{file_list, filter_line, list_and_detail, why};
use crate::app::bytes;
use crate::app::state::{Check, Extras, Installed, Standing};
use crate::market::install::{Basis, Verification};
use crate::market::store::Reason;
use crate::market::trust::Fingerprint;
use crate::market::{PackageName, when};
use crate::net::api::{FileList, InstalledInfo};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Column, Facts, Table, empty, panel, table};
use crate::ui::{Ui, text};

const COLUMNS: [Column; 7] = [
    Column::new("package", 22, 38, 0),
    Column::new("version", 14, 22, 0),
    Column::new("state", 12, 12, 1),
    Column::new("why", 9, 24, 3),
    Column::new("publisher", 11, 18, 2),
    Column::new("pin", 3, 3, 4),
    Column::new("size", 8, 8, 5).right(),
];

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect) {
    list_and_detail(ui, area, 44, draw_list, draw_detail);
}

fn draw_list(ui: &mut Ui<'_, '_>, area: Rect) {
    let installed = &ui.state.installed;
    let inner = panel(ui, area, "Installed", &note(ui.theme, installed));
    let inner = filter_line(ui, inner, &installed.filter);
    let rows = installed.visible();
    if rows.is_empty() {
        match (&installed.list, installed.filter.is_active()) {
            (None, _) => empty(ui, inner, "What is installed is not known yet", &["The node is starting."]),
            (Some(list), true) if !list.is_empty() => empty(ui, inner, "No package matches", &["Esc shows all again."]),
            _ => {
                empty(ui, inner, "Nothing is installed yet", &["Find a package in the search (5), and press i on it."])
            }
        }
        return;
    }
    let spec = Table { columns: &COLUMNS, len: rows.len(), view: installed.view, sorted: None, marked: true };
    let theme = ui.theme;
    table(ui, inner, &spec, |row, column, cells| match rows.get(row) {
        Some(one) => cell(theme, installed, one, column, cells),
        None => Line::default(),
    });
}

/// How many, and what is to be looked at.
fn note(theme: &Theme, installed: &Installed) -> String {
    let Some(list) = &installed.list else { return String::new() };
    if installed.round.is_running() {
        let round = &installed.round;
        return format!("{} comparing {} of {}", theme.symbols.waiting, round.done + 1, round.total());
    }
    let mut parts = vec![text::count(list.len() as u64, "package")];
    for standing in [Standing::Revoked, Standing::Yanked, Standing::Changed, Standing::Outdated, Standing::Unused] {
        match installed.count(standing) {
            0 => {}
            n => parts.push(format!("{n} {}", standing.word())),
        }
    }
    parts.join(", ")
}

fn cell(theme: &Theme, installed: &Installed, one: &InstalledInfo, column: usize, cells: usize) -> Line<'static> {
    let symbols = &theme.symbols;
    let fit = |text: &str| text::fit(text, cells, symbols.ellipsis);
    match column {
        0 => {
            let (sign, _, style) = standing(theme, installed.standing(one));
            let name = text::fit(one.name.as_str(), cells.saturating_sub(2), symbols.ellipsis);
            Line::from(vec![Span::styled(format!("{sign} "), style), Span::styled(name, theme.strong)])
        }
        1 => version(theme, installed, one, cells),
        2 if installed.round.running.as_ref() == Some(&one.name) => Line::styled("comparing", theme.accent),
        2 => {
            let (_, word, style) = standing(theme, installed.standing(one));
            Line::styled(word, style)
        }
        3 => Line::styled(fit(&reason(one)), theme.dim),
        4 => match one.publisher {
            Some(key) => Line::styled(format!("{}{}", symbols.ellipsis, text::tail(&key.to_string(), 8)), theme.dim),
            None => Line::styled("unsigned", theme.warn),
        },
        5 => match installed.is_pinned(one) {
            Some(true) => Line::styled(symbols.good, theme.good),
            Some(false) => Line::styled("no", theme.warn),
            None => Line::styled(symbols.unknown, theme.dim),
        },
        _ => Line::styled(bytes::size(one.bytes), theme.text),
    }
}

/// `1.0.0 → 1.2.0` where there is a newer one.
fn version(theme: &Theme, installed: &Installed, one: &InstalledInfo, cells: usize) -> Line<'static> {
    let own = Span::styled(one.version.to_string(), theme.text);
    let Some(newer) = installed.update_of(one) else { return Line::from(own) };
    let next = if newer.wanted == one.version { &newer.latest } else { &newer.wanted };
    let style = if newer.wanted == one.version { theme.dim } else { theme.warn };
    let line = Line::from(vec![own, Span::styled(format!(" {} {next}", theme.symbols.arrow), style)]);
    text::fit_line(line, cells, theme.symbols.ellipsis)
}

fn standing(theme: &Theme, standing: Standing) -> (&'static str, &'static str, Style) {
    let symbols = &theme.symbols;
    let (sign, style) = match standing {
        Standing::Revoked | Standing::Yanked | Standing::Changed => (symbols.bad, theme.bad),
        Standing::Unverified => (symbols.warn, theme.warn),
        Standing::Outdated => (symbols.up, theme.warn),
        Standing::Unused => (symbols.info, theme.dim),
        Standing::Verified => (symbols.good, theme.good),
        Standing::Plain => (symbols.info, theme.dim),
    };
    (sign, standing.word(), style)
}

/// Why it is there, short.
fn reason(one: &InstalledInfo) -> String {
    match (one.reason, one.needed_by.as_slice()) {
        (Reason::Asked, _) => "asked for".into(),
        (Reason::Needed, []) => "unused".into(),
        (Reason::Needed, [first]) => format!("for {first}"),
        (Reason::Needed, [first, rest @ ..]) => format!("for {first} +{}", rest.len()),
    }
}

fn draw_detail(ui: &mut Ui<'_, '_>, area: Rect) {
    let (theme, installed) = (ui.theme, &ui.state.installed);
    let Some(one) = installed.selected() else { return };
    let extras = installed.selected_extras();
    if ui.state.shows_detail() && installed.why_only {
        let inner = panel(ui, area, &format!("Why {} {}", one.name, one.version), "");
        let mut facts = Facts::new(theme, inner.width, 10);
        trust(theme, &mut facts, one, extras);
        return ui.detail(inner, facts);
    }
    let inner = panel(ui, area, "Package", "");
    let mut facts = Facts::new(theme, inner.width, 10);
    about(theme, &mut facts, installed, one);
    check(theme, &mut facts, installed.check(one));
    needs(theme, &mut facts, installed, one);
    origin(theme, &mut facts, installed, one, &ui.state.source_of(one));
    files(theme, &mut facts, extras.and_then(|extras| extras.files.as_ref()), one);
    facts.gap();
    facts.text("Why it is trusted, or not", theme.title);
    trust(theme, &mut facts, one, extras);
    ui.detail(inner, facts);
}

fn about(theme: &Theme, facts: &mut Facts<'_>, installed: &Installed, one: &InstalledInfo) {
    let version = Span::styled(format!(" {}", one.version), theme.accent);
    facts.line("package", vec![Span::styled(one.name.to_string(), theme.strong), version]);
    let (sign, word, style) = standing(theme, installed.standing(one));
    facts.put("state", &format!("{sign} {word}"), style);
    if let Some(reason) = &one.revoked {
        facts.put("", &format!("its publisher's key was revoked: {}", &**reason), theme.bad);
    }
    if let Some(reason) = &one.yanked {
        facts.put("", &format!("its publisher withdrew it: {}", &**reason), theme.bad);
    }
    match installed.update_of(one) {
        None if installed.newer.is_none() => facts.maybe("newer", None),
        None => facts.put("newer", "none is known", theme.dim),
        Some(newer) if newer.wanted == one.version => {
            let why = match &newer.requirement {
                Some(requirement) => format!("it was asked for with {requirement}"),
                None => "another package needs an older one".to_owned(),
            };
            facts.put("newer", &format!("{}, not taken: {why}", newer.latest), theme.dim);
        }
        Some(newer) => {
            let more =
                if newer.wanted == newer.latest { String::new() } else { format!("; newest is {}", newer.latest) };
            facts.put("newer", &format!("{} {}{more}: u updates", theme.symbols.up, newer.wanted), theme.warn);
        }
    }
}

/// What comparing the files came to, problem by problem.
fn check(theme: &Theme, facts: &mut Facts<'_>, check: Option<&Check>) {
    match check.map(|check| &check.result) {
        None => facts.put("compared", "not since this was opened: v compares", theme.dim),
        Some(Err(error)) => facts.put("compared", &format!("{} {}", theme.symbols.warn, error.message), theme.warn),
        Some(Ok(found)) => {
            let (sign, style) =
                if found.is_sound() { (theme.symbols.good, theme.good) } else { (theme.symbols.bad, theme.bad) };
            facts.put("compared", &format!("{sign} {}", verdict(found)), style);
            for problem in &found.problems {
                let style = if problem.is_harmless() { theme.dim } else { theme.bad };
                facts.put("", &format!("{} {}", problem.kind.name(), &*problem.path), style);
            }
            if found.unlisted > 0 {
                facts.put("", &format!("and {} more", found.unlisted), theme.bad);
            }
        }
    }
}

fn verdict(found: &Verification) -> String {
    let files = text::count(found.files_checked, "file");
    let faults = found.problems.iter().filter(|problem| !problem.is_harmless()).count() as u64 + found.unlisted;
    match (found.basis, faults) {
        (Basis::Unknown, _) => "cannot be compared: what was put in place is not known any more".into(),
        (Basis::Archive, 0) => format!("{files}, all as in the signed archive"),
        (Basis::Inventory, 0) => format!("{files}, all as installed"),
        (_, faults) => format!("{faults} of {files} differ: i puts them in place anew"),
    }
}

fn needs(theme: &Theme, facts: &mut Facts<'_>, installed: &Installed, one: &InstalledInfo) {
    let names = |names: &[PackageName]| names.iter().map(PackageName::as_str).collect::<Vec<_>>().join(", ");
    let asked = match &one.requirement {
        Some(requirement) => format!("asked for, with {requirement}"),
        None => "asked for, in any version".to_owned(),
    };
    match (one.reason, one.needed_by.as_slice()) {
        (Reason::Asked, []) => facts.put("why here", &asked, theme.text),
        (Reason::Asked, by) => facts.put("why here", &format!("{asked}; needed by {}", names(by)), theme.text),
        (Reason::Needed, []) => facts.put("why here", "came as a dependency; nothing needs it any more", theme.warn),
        (Reason::Needed, by) => facts.put("why here", &format!("needed by {}", names(by)), theme.text),
    }
    for (index, need) in one.dependencies.iter().enumerate() {
        let here = installed.get(&need.name);
        let (state, style) = match here {
            Some(found) => (format!("{} {}", theme.symbols.good, found.version), theme.text),
            None => (format!("{} missing", theme.symbols.warn), theme.warn),
        };
        facts.put(if index == 0 { "needs" } else { "" }, &format!("{} {} {state}", need.name, need.requirement), style);
    }
    if one.dependencies.is_empty() {
        facts.put("needs", "nothing", theme.dim);
    }
}

fn origin(theme: &Theme, facts: &mut Facts<'_>, installed: &Installed, one: &InstalledInfo, source: &str) {
    match &one.publisher {
        Some(key) => {
            facts.id("publisher", &key.to_string());
            facts.put("", &Fingerprint::of(key).to_string(), theme.dim);
            match installed.is_pinned(one) {
                Some(true) => facts.put("pinned", &format!("{} to this key", theme.symbols.good), theme.good),
                Some(false) => facts.put("pinned", &format!("{} not to this key", theme.symbols.warn), theme.warn),
                None => facts.maybe("pinned", None),
            }
        }
        None => facts.put("publisher", &format!("{} unsigned: nobody vouches for it", theme.symbols.warn), theme.warn),
    }
    facts.put("from", source, theme.text);
    facts.put("installed", &when::day(one.installed_at), theme.text);
    facts.put("folder", &one.path, theme.text);
    facts.id("package id", &one.package_id.to_string());
}

fn files(
    theme: &Theme,
    facts: &mut Facts<'_>,
    files: Option<&Result<FileList, crate::net::NodeError>>,
    one: &InstalledInfo,
) {
    let count = format!("{}, {}", text::count(one.files, "file"), bytes::size(one.bytes));
    facts.put("files", &count, theme.text);
    match files {
        None => facts.put("", theme.symbols.waiting, theme.dim),
        Some(Err(error)) => facts.put("", &error.message, theme.warn),
        Some(Ok(list)) if list.unknown => facts.put("", "which ones is not known any more", theme.dim),
        Some(Ok(list)) => file_list::put(theme, facts, list),
    }
}

fn trust(theme: &Theme, facts: &mut Facts<'_>, one: &InstalledInfo, extras: Option<&Extras>) {
    if one.publisher.is_some() {
        return why::steps(theme, facts, extras.and_then(|extras| extras.why.as_ref()));
    }
    let text = "nobody signed it: all that was compared is the checksum that the index gave";
    facts.item(theme.symbols.warn, theme.warn, text, theme.warn);
}
