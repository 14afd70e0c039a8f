//! The publish wizard's steps after the path.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use crate::app::bytes;
use crate::market::archive::{Bump, Change, FileChange, SECRET};
use crate::market::{Finding, Severity};
use crate::net::api::{PublishPlan, PublishStage};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Column, Facts, Table, empty, table};
use crate::ui::{Ui, text};

const FINDINGS: [Column; 4] = [
    Column::new("level", 7, 7, 0),
    Column::new("where", 15, 26, 1),
    Column::new("what", 26, 140, 0),
    Column::new("code", 24, 24, 3),
];

const CHANGES: [Column; 3] =
    [Column::new("change", 9, 9, 0), Column::new("file", 16, 120, 0), Column::new("size", 8, 8, 1).right()];

const FILES: [Column; 2] = [Column::new("file", 16, 120, 0), Column::new("size", 8, 8, 0).right()];

/// What reading the package brought up, the gravest first, with the selected one in full.
pub fn findings(ui: &mut Ui<'_, '_>, area: Rect) {
    let (theme, publish) = (ui.theme, &ui.state.publish);
    let tall = if area.height >= 10 { 4 } else { 0 };
    let rows = [Constraint::Length(1), Constraint::Fill(1), Constraint::Length(tall)];
    let [verdict, list, detail] = Layout::vertical(rows).areas(area);
    let line = if publish.publishable() {
        Line::styled(format!("{} it can be published; look at these first", theme.symbols.good), theme.good)
    } else {
        Line::styled(
            format!("{} it cannot be published: mend the errors, then Enter checks again", theme.symbols.bad),
            theme.bad,
        )
    };
    ui.lines(verdict, vec![text::fit_line(line, area.width.into(), theme.symbols.ellipsis)]);
    let spec =
        Table { columns: &FINDINGS, len: publish.findings.len(), view: publish.view, sorted: None, marked: true };
    table(ui, list, &spec, |row, column, cells| match publish.findings.get(row) {
        Some(finding) => finding_cell(theme, finding, column, cells),
        None => Line::default(),
    });
    if let Some(finding) = publish.findings.get(publish.view.selected) {
        let mut facts = Facts::new(theme, detail.width, 5);
        facts.gap();
        facts.put("what", &finding.message, theme.text);
        facts.maybe("do", Some(&hint(finding)));
        ui.lines(detail, facts.take(detail.height));
    }
}

/// What to do about it, here: the command line's flag is a key of the wizard.
fn hint(finding: &Finding) -> String {
    if finding.severity == Severity::Error && finding.code == SECRET {
        return "remove it, ignore it in .gitignore, or press a where it is no secret".into();
    }
    finding.hint.to_string()
}

fn finding_cell(theme: &Theme, finding: &Finding, column: usize, cells: usize) -> Line<'static> {
    let symbols = &theme.symbols;
    match column {
        0 => match finding.severity {
            Severity::Error => Line::styled(format!("{} error", symbols.bad), theme.bad),
            Severity::Warning => Line::styled(format!("{} warn", symbols.warn), theme.warn),
            Severity::Info => Line::styled(format!("{} info", symbols.info), theme.dim),
        },
        1 => {
            let place = match finding.line {
                Some(line) => format!("{}:{line}", finding.file),
                None => finding.file.to_string(),
            };
            Line::styled(text::middle(&place, cells, symbols.ellipsis), theme.text)
        }
        2 => Line::styled(text::fit(&finding.message, cells, symbols.ellipsis), theme.text),
        _ => Line::styled(text::fit(&text::clean(&finding.code), cells, symbols.ellipsis), theme.dim),
    }
}

/// Exactly what would be published.
pub fn review(ui: &mut Ui<'_, '_>, area: Rect) {
    let (theme, publish) = (ui.theme, &ui.state.publish);
    let Some(plan) = &publish.plan else { return };
    let len = publish.lines();
    let columns: &[Column] = if publish.only_changes { &CHANGES } else { &FILES };
    let spec = Table { columns, len, view: publish.view, sorted: None, marked: true };
    let (facts_area, list) = if area.width >= 100 {
        let [left, _, right] =
            Layout::horizontal([Constraint::Percentage(50), Constraint::Length(2), Constraint::Fill(1)]).areas(area);
        (left, right)
    } else {
        let rows = if area.height >= 16 { 9 } else { 3 };
        let [top, bottom] = Layout::vertical([Constraint::Length(rows), Constraint::Fill(1)]).areas(area);
        (top, bottom)
    };
    ui.lines(facts_area, plan_facts(theme, plan, facts_area));
    if publish.only_changes {
        let changes = plan.changes.as_deref().unwrap_or_default();
        if changes.is_empty() {
            let text = "Its files are those of the version before.";
            return empty(ui, list, text, &["Press v for all of them."]);
        }
        return table(ui, list, &spec, |row, column, cells| match changes.get(row) {
            Some(one) => change_cell(theme, one, column, cells),
            None => Line::default(),
        });
    }
    table(ui, list, &spec, |row, column, cells| match (plan.files.get(row), column) {
        (Some(file), 0) => Line::styled(text::middle(&file.path, cells, theme.symbols.ellipsis), theme.text),
        (Some(file), _) => Line::styled(bytes::size(file.size), theme.dim),
        (None, _) => Line::default(),
    });
}

fn change_cell(theme: &Theme, one: &FileChange, column: usize, cells: usize) -> Line<'static> {
    let (sign, word, style) = match one.change {
        Change::Added => ("+", "added", theme.good),
        Change::Removed => ("-", "removed", theme.bad),
        Change::Changed => ("~", "changed", theme.warn),
    };
    match column {
        0 => Line::styled(format!("{sign} {word}"), style),
        1 => Line::styled(text::middle(&one.path, cells, theme.symbols.ellipsis), theme.text),
        _ => Line::styled(bytes::size(if one.change == Change::Removed { one.before } else { one.now }), theme.dim),
    }
}

/// `1 removed, 2 added, 5 changed`.
fn counts(theme: &Theme, changes: &[FileChange]) -> Vec<Span<'static>> {
    let kinds = [
        (Change::Removed, "removed", theme.bad),
        (Change::Added, "added", theme.good),
        (Change::Changed, "changed", theme.warn),
    ];
    let mut spans: Vec<Span<'static>> = Vec::new();
    for (kind, word, style) in kinds {
        let count = changes.iter().filter(|one| one.change == kind).count();
        if count > 0 {
            let comma = if spans.is_empty() { "" } else { ", " };
            spans.push(Span::styled(format!("{comma}{count} {word}"), style));
        }
    }
    if spans.is_empty() {
        spans.push(Span::styled("none", theme.dim));
    }
    spans
}

/// The versions that could follow, the one that the changes ask for marked.
fn proposals(theme: &Theme, plan: &PublishPlan) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    for (bump, version, asked) in plan.proposals() {
        let name = match bump {
            Bump::Patch => "patch",
            Bump::Minor => "minor",
            Bump::Major => "major",
        };
        let chosen = version == plan.version;
        let (sign, style) = match (asked, chosen) {
            (true, true) => (theme.symbols.good, theme.good),
            (true, false) => (theme.symbols.arrow, theme.warn),
            (false, _) => ("", theme.dim),
        };
        spans.push(Span::styled(format!("{sign}{name} {version}  "), style));
    }
    spans
}

fn plan_facts(theme: &Theme, plan: &PublishPlan, area: Rect) -> Vec<Line<'static>> {
    let mut facts = Facts::new(theme, area.width, 10);
    let mut title = vec![
        Span::styled(plan.name.to_string(), theme.strong),
        Span::styled(format!(" {}", plan.version), theme.accent),
    ];
    title.push(match &plan.previous {
        Some(previous) if *previous == plan.version => Span::styled(
            format!("  {} it is out already: other content needs a higher version", theme.symbols.warn),
            theme.warn,
        ),
        Some(previous) if *previous > plan.version => {
            Span::styled(format!("  {} older than {previous}, which is out", theme.symbols.warn), theme.warn)
        }
        Some(previous) => Span::styled(format!("  after {previous}"), theme.dim),
        None => Span::styled("  first release", theme.dim),
    });
    facts.line("package", title);
    let files = plan.files.iter().fold(0u64, |sum, file| sum.saturating_add(file.size));
    let count = text::count(plan.files.len(), "file");
    let size = format!("{} packed, {} in {count}", bytes::size(plan.size), bytes::size(files));
    facts.short("size", &size, theme.text);
    facts.id("signed by", &plan.key());
    if area.height > 3 {
        if let Some(changes) = &plan.changes {
            facts.line("changes", counts(theme, changes));
        }
        if plan.previous.is_some() {
            facts.line("versions", proposals(theme, plan));
        }
        facts.id("id", &plan.package_id.to_string());
        facts.short("category", &plan.category, theme.text);
        facts.maybe("licence", Some(&plan.licence));
        facts.short("about", &plan.description, theme.text);
    }
    facts.take(area.height)
}

const STAGES: [(PublishStage, &str); 6] = [
    (PublishStage::Reading, "read the manifest"),
    (PublishStage::Packing, "pack the files"),
    (PublishStage::Signing, "sign the release"),
    (PublishStage::Storing, "store it here"),
    (PublishStage::Announcing, "announce it"),
    (PublishStage::Confirming, "wait for peers"),
];

pub fn working(ui: &mut Ui<'_, '_>, area: Rect) {
    let (theme, publish) = (ui.theme, &ui.state.publish);
    let Some(progress) = publish.progress else { return };
    let symbols = &theme.symbols;
    let lines = STAGES.into_iter().map(|(stage, what)| match stage.cmp(&progress.stage) {
        std::cmp::Ordering::Less => Line::styled(format!("{} {what}", symbols.good), theme.good),
        std::cmp::Ordering::Equal if stage == PublishStage::Confirming => {
            Line::styled(format!("{} {what}: {} so far", symbols.on, progress.seen_by), theme.key)
        }
        std::cmp::Ordering::Equal => Line::styled(format!("{} {what}", symbols.on), theme.key),
        std::cmp::Ordering::Greater => Line::styled(format!("{} {what}", symbols.off), theme.dim),
    });
    let lines = lines.map(|line| text::fit_line(line, area.width.into(), symbols.ellipsis)).collect();
    ui.lines(area, lines);
}

/// Lines below which not all that is said of a published package has its place.
const LOW: u16 = 9;

pub fn done(ui: &mut Ui<'_, '_>, area: Rect) {
    let theme = ui.theme;
    let Some(answer) = &ui.state.publish.answer else { return };
    let mut facts = Facts::new(theme, area.width, 10);
    let text = format!("{} {} {} is out", theme.symbols.good, answer.name, answer.version);
    facts.text(&text, theme.good);
    // On a low screen what is known of others comes before a share string that takes all of it, and is copied with a key.
    let low = area.height < LOW;
    if !low {
        facts.put("share", &answer.share, theme.key);
    }
    let seen = match answer.seen_by {
        0 => "no peer has confirmed it yet".to_owned(),
        1 => "1 peer has confirmed it".to_owned(),
        n => format!("{n} peers have confirmed it"),
    };
    facts.put("seen by", &seen, if answer.seen_by == 0 { theme.warn } else { theme.text });
    if !low && !answer.seen_by_peers.is_empty() {
        let ids = answer
            .seen_by_peers
            .iter()
            .map(|id| format!("{}{}", theme.symbols.ellipsis, text::tail(&text::clean(id), 8)));
        facts.put("", &ids.collect::<Vec<_>>().join(" "), theme.dim);
    }
    let held = match answer.held_by.max(ui.state.transfers.given_whole(&answer.package_id)) {
        0 if low => "this node alone, as yet".to_owned(),
        0 => "only this node has the bytes: leave it running until others do".to_owned(),
        1 => "1 other peer has the bytes".to_owned(),
        n => format!("{n} other peers have the bytes"),
    };
    facts.put("kept by", &held, theme.text);
    if low {
        facts.put("share", &answer.share, theme.key);
    }
    facts.put("size", &format!("{}, {}", bytes::size(answer.size), text::count(answer.files, "file")), theme.text);
    facts.id("package id", &answer.package_id.to_string());
    facts.id("release id", &answer.release_id.to_string());
    ui.lines(area, facts.take(area.height));
}

pub fn failed(ui: &mut Ui<'_, '_>, area: Rect) {
    let theme = ui.theme;
    let Some(error) = &ui.state.publish.error else { return };
    let mut facts = Facts::new(theme, area.width, 10);
    facts.text(&format!("{} {}", theme.symbols.bad, error.message), theme.bad);
    if let Some(hint) = &error.hint {
        facts.text(hint, theme.text);
    }
    facts.gap();
    if !ui.state.publish.proposals().is_empty() {
        facts.text("u writes a higher version into the manifest and checks it", theme.dim);
    }
    facts.text("n begins again, Esc goes back to the path", theme.dim);
    ui.lines(area, facts.take(area.height));
}
