//! Search as you type.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{list_and_detail, result};
use crate::app::bytes;
use crate::app::state::{Phase, Remote};
use crate::market::search::{Query, Sort};
use crate::net::api::{SearchHit, Source};
use crate::ui::overlays::narrow;
use crate::ui::theme::Theme;
use crate::ui::widgets::{Column, Table, empty, input, panel, table};
use crate::ui::{Ui, text};

const COLUMNS: [Column; 6] = [
    Column::new("package", 20, 36, 0),
    Column::new("version", 8, 14, 0),
    Column::new("from", 7, 12, 2),
    Column::new("size", 8, 8, 3).right(),
    Column::new("has it", 6, 6, 4).right(),
    Column::new("description", 16, 120, 1),
];

/// Columns from which there is room for what the results can be narrowed to, beside them.
const BESIDE_FROM: u16 = 150;

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect) {
    let beside = area.width >= BESIDE_FROM && !ui.state.shows_detail() && !ui.state.search.narrowings().is_empty();
    if beside {
        let [facets, rest] = Layout::horizontal([Constraint::Length(34), Constraint::Fill(1)]).areas(area);
        draw_facets(ui, facets);
        return list_and_detail(ui, rest, 40, draw_list, result::draw);
    }
    list_and_detail(ui, area, 40, draw_list, result::draw);
}

/// How the results spread, by kind; `n` narrows by them.
fn draw_facets(ui: &mut Ui<'_, '_>, area: Rect) {
    let inner = panel(ui, area, "Narrow", "n");
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut kind = "";
    for one in ui.state.search.narrowings() {
        if one.key != kind {
            if !lines.is_empty() {
                lines.push(Line::default());
            }
            kind = one.key;
        }
        lines.push(narrow::line(ui.theme, &one, inner.width.into()));
    }
    ui.lines(inner, lines);
}

/// The most frequent values on one line, where they have no room beside the results.
fn facet_line(ui: &mut Ui<'_, '_>, area: Rect) -> Rect {
    let (theme, search) = (ui.theme, &ui.state.search);
    let all = search.narrowings();
    if all.is_empty() || area.height < 8 || area.width < 40 || ui.state.size.0 >= BESIDE_FROM {
        return area;
    }
    // While keys go into the field, `n` is a letter.
    let key = if search.focused { "" } else { "n " };
    let mut spans = vec![Span::styled(key, theme.key), Span::styled("narrow to ", theme.dim)];
    for (index, one) in all.iter().enumerate().filter(|(_, one)| one.key != "publisher") {
        // A category is often a tag, too.
        if all.iter().take(index).any(|before| before.value == one.value) {
            continue;
        }
        let style = if one.on { theme.good } else { theme.dim };
        spans.push(Span::styled(format!("{} {}  ", one.value, one.count), style));
    }
    let line = text::fit_line(Line::from(spans), area.width.into(), theme.symbols.ellipsis);
    ui.lines(Rect { height: 1, ..area }, vec![line]);
    Rect { y: area.y + 1, height: area.height - 1, ..area }
}

fn draw_list(ui: &mut Ui<'_, '_>, area: Rect) {
    let search = &ui.state.search;
    let inner = panel(ui, area, "Search", &note(ui));
    let [line, rest] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(inner);
    let label = if ui.theme.symbols.ascii { ">" } else { "❯" };
    input(ui, line, label, &search.input, search.focused, "type a name, a word, a tag");
    if search.results.is_empty() {
        draw_empty(ui, rest);
        return;
    }
    let rest = facet_line(ui, rest);
    let marked = !search.focused || search.touched;
    let spec = Table { columns: &COLUMNS, len: search.results.len(), view: search.view, sorted: None, marked };
    let (theme, app) = (ui.theme, ui.state);
    let words: Vec<String> = search.query.split_whitespace().map(str::to_lowercase).collect();
    table(ui, rest, &spec, |row, column, cells| match search.results.get(row) {
        Some(hit) if column == 1 && app.is_installing(&hit.name, &hit.version) => {
            let version = text::fit(&hit.version.to_string(), cells.saturating_sub(2), theme.symbols.ellipsis);
            let sign = Span::styled(format!(" {}", theme.symbols.waiting), theme.accent);
            Line::from(vec![Span::styled(version, theme.text), sign])
        }
        Some(hit) => cell(theme, hit, column, cells, &words),
        None => Line::default(),
    });
}

/// How far the answer is.
fn note(ui: &Ui<'_, '_>) -> String {
    let search = &ui.state.search;
    if search.query.is_empty() {
        return match (search.answered, search.sort) {
            (false, _) => String::new(),
            (true, Sort::Relevance) => "installed and newest".into(),
            (true, sort) => format!("by {sort}"),
        };
    }
    let mut parts = Vec::new();
    if search.sort != Sort::Relevance {
        parts.push(format!("by {}", search.sort));
    }
    if let Some(fault) = search.faults.first() {
        parts.push(text::clean(fault).into_owned());
    }
    if search.answered {
        parts.push(match search.results.len() {
            1 => "1 result".to_owned(),
            n => format!("{n} results"),
        });
    }
    if let Some(ms) = search.local_ms {
        parts.push(if ms < 1.0 { "here <1 ms".into() } else { format!("here {ms:.0} ms") });
    }
    match &search.remote {
        Remote::Idle => {}
        Remote::Asking => parts.push(format!("asking peers{}", ui.theme.symbols.ellipsis)),
        Remote::Answered { asked: 0, .. } if !Query::parse(&search.query).concerns_others() => {}
        Remote::Answered { asked: 0, .. } => parts.push("no peers to ask".into()),
        Remote::Answered { asked, answered, .. } => parts.push(format!("{answered}/{asked} peers answered")),
        Remote::Failed(_) => parts.push("peers could not be asked".into()),
    }
    match search.central.iter().filter(|index| index.error.is_some()).count() {
        0 => {}
        _ if search.central.iter().any(|index| index.fetched_at.is_some()) => parts.push("central: an old copy".into()),
        _ => parts.push("central: unreachable".into()),
    }
    parts.join(&format!(" {} ", ui.theme.symbols.dot))
}

fn draw_empty(ui: &mut Ui<'_, '_>, area: Rect) {
    let search = &ui.state.search;
    if let Some(error) = &search.error {
        let message = text::clean(&error.message).into_owned();
        let hint = error.hint.as_deref().map(|hint| text::clean(hint).into_owned()).unwrap_or_default();
        empty(ui, area, &message, &[&hint]);
    } else if search.query.is_empty() && search.answered {
        let advice = ["Join a peer (1, then c) and what it knows arrives, or press 6 to publish the first one."];
        empty(ui, area, "No package is known here yet", &advice);
    } else if search.query.is_empty() {
        let advice = ["What this node knows answers at once; its peers add what they know."];
        empty(ui, area, "Search as you type", &advice);
    } else if ui.state.phase == (Phase::Gone { remote: false }) {
        empty(ui, area, "The node has stopped", &["Press q to leave, and start again."]);
    } else if !ui.state.is_ready() {
        empty(ui, area, "The node is not up", &["The search runs as soon as it is."]);
    } else if search.answered && matches!(search.remote, Remote::Asking) {
        empty(ui, area, "Nothing here yet", &["The peers are being asked."]);
    } else if search.answered {
        empty(
            ui,
            area,
            "Nothing like that was found",
            &[&who_was_asked(&search.query, &search.remote), "Try fewer or other words."],
        );
    }
}

/// How far "nothing" goes: only who answered can be said to know nothing.
fn who_was_asked(query: &str, remote: &Remote) -> String {
    match remote {
        Remote::Answered { asked: 0, .. } if !Query::parse(query).concerns_others() => {
            "Peers were not asked: there is no word and no filter in it that they could answer.".into()
        }
        Remote::Idle | Remote::Asking => "Only this node's catalogue was searched.".into(),
        Remote::Failed(error) => format!("The peers could not be asked: {}.", text::clean(&error.message)),
        Remote::Answered { asked: 0, .. } => "No peer is connected: only this node's catalogue was searched.".into(),
        Remote::Answered { asked, answered, .. } if answered < asked => {
            format!("{} of {} did not answer in time.", asked - answered, text::count(*asked, "peer"))
        }
        Remote::Answered { asked, .. } => format!("This node and {} know nothing of it.", text::count(*asked, "peer")),
    }
}

fn cell(theme: &Theme, hit: &SearchHit, column: usize, cells: usize, words: &[String]) -> Line<'static> {
    let symbols = &theme.symbols;
    match column {
        0 if hit.revoked => {
            let name = text::fit(hit.name.as_str(), cells.saturating_sub(2), symbols.ellipsis);
            let mut line = highlight(theme, &name, words, theme.strong);
            line.push_span(Span::styled(format!(" {}", symbols.bad), theme.bad));
            line
        }
        0 => highlight(theme, &text::fit(hit.name.as_str(), cells, symbols.ellipsis), words, theme.strong),
        1 => {
            let version = text::fit(&hit.version.to_string(), cells.saturating_sub(2), symbols.ellipsis);
            let mut spans = vec![Span::styled(version, theme.text)];
            if let Some(installed) = &hit.installed {
                let same = *installed == hit.version;
                let (sign, style) = if same { (symbols.good, theme.good) } else { (symbols.up, theme.warn) };
                spans.push(Span::styled(format!(" {sign}"), style));
            }
            Line::from(spans)
        }
        2 => Line::styled(text::fit(&sources(hit), cells, symbols.ellipsis), theme.dim),
        3 => match hit.size {
            Some(size) => Line::styled(bytes::size(size), theme.text),
            None => Line::styled(symbols.unknown, theme.dim),
        },
        4 => match hit.providers {
            // Whom nobody has asked may have it all the same.
            0 => Line::styled(symbols.unknown, theme.dim),
            n => Line::styled(n.to_string(), theme.text),
        },
        _ => highlight(theme, &text::fit(&hit.description, cells, symbols.ellipsis), words, theme.dim),
    }
}

/// Marks where words of the query are.
fn highlight(theme: &Theme, shown: &str, words: &[String], style: Style) -> Line<'static> {
    let lower = shown.to_lowercase();
    // Only where lower case keeps every byte in its place can places be carried over.
    if lower.len() != shown.len() {
        return Line::styled(shown.to_owned(), style);
    }
    let mut marks: Vec<(usize, usize)> = words
        .iter()
        .filter(|word| word.len() > 1)
        .filter_map(|word| lower.find(word.as_str()).map(|at| (at, at + word.len())))
        .collect();
    marks.sort_unstable();
    let mut spans = Vec::new();
    let mut done = 0;
    for (start, end) in marks {
        if start < done {
            continue;
        }
        let (Some(before), Some(word)) = (shown.get(done..start), shown.get(start..end)) else { break };
        spans.push(Span::styled(before.to_owned(), style));
        spans.push(Span::styled(word.to_owned(), style.patch(theme.matched)));
        done = end;
    }
    spans.push(Span::styled(shown.get(done..).unwrap_or_default().to_owned(), style));
    Line::from(spans)
}

/// All that have this version.
fn sources(hit: &SearchHit) -> String {
    let names = hit.sources.iter().map(|source| match source {
        Source::Local => "here",
        Source::Peer => "peer",
        Source::Central => "central",
    });
    names.collect::<Vec<_>>().join("+")
}
