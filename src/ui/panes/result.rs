//! The detail of a search result: what it is, who signed it, what is in it, and why it is trusted.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::feed::ago;
use super::{file_list, why};
use crate::app::bytes;
use crate::app::state::{Detail, Shown, State};
use crate::market::trust::Fingerprint;
use crate::net::api::{CentralOffer, HolderInfo, ReleaseInfo, SearchHit};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Facts, panel};
use crate::ui::{Ui, text};

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect) {
    let (theme, state) = (ui.theme, ui.state);
    let Some(hit) = state.search.selected() else {
        let inner = panel(ui, area, "Detail", "");
        if !state.search.query.is_empty() || area.width >= 50 {
            ui.lines(inner, vec![Line::styled("Select a result to see what it is and who signed it.", theme.dim)]);
        }
        return;
    };
    match state.search.shown {
        Shown::Why if state.shows_detail() => return draw_why(ui, area, hit),
        Shown::Files if state.shows_detail() => return draw_files(ui, area, hit),
        _ => {}
    }
    let inner = panel(ui, area, "Detail", "");
    let now = state.now;
    // A low panel has two columns under what the package is.
    let wide = !state.shows_detail() && inner.width >= 66 && inner.height < 16;
    let left = if wide { inner.width / 2 - 2 } else { inner.width };
    let mut head = Facts::new(theme, inner.width, 10);
    head.line(
        "package",
        vec![Span::styled(hit.name.to_string(), theme.strong), Span::styled(format!(" {}", hit.version), theme.accent)],
    );
    // Two lines of it in a low panel; Enter shows all.
    let about = if wide { usize::from(inner.width - 16) * 2 } else { usize::MAX };
    head.put("", &text::fit(&hit.description, about, theme.symbols.ellipsis), theme.text);
    let mut facts = Facts::new(theme, left, 10);
    match &hit.installed {
        Some(version) => facts.put("installed", &format!("{} {version}", theme.symbols.good), theme.good),
        None => facts.put("installed", "no", theme.dim),
    }
    match &hit.publisher {
        Some(key) => {
            facts.id("publisher", &key.to_string());
            if hit.revoked {
                facts.put("", &format!("{} its key was revoked: w says why", theme.symbols.bad), theme.bad);
            }
            let fingerprint = Fingerprint::of(key).to_string();
            // Where it would be broken it is no help; the steps have it too.
            if usize::from(left) > fingerprint.len() + 11 {
                facts.put("", &fingerprint, theme.dim);
            }
        }
        None => facts.put("publisher", &format!("{} unsigned: nobody vouches for it", theme.symbols.warn), theme.warn),
    }
    let providers = match hit.providers {
        0 => "no holder known yet".to_owned(),
        1 => "1 node has it".to_owned(),
        n => format!("{n} nodes have it"),
    };
    if let Some(size) = hit.size {
        facts.put("size", &format!("{}, {providers}", bytes::size(size)), theme.text);
    }
    if let Some(at) = hit.published_at {
        facts.put("published", &ago(now.since(at)), theme.text);
    }
    facts.maybe("category", Some(&hit.category));
    facts.maybe("licence", Some(&hit.licence));
    let tags: Vec<_> = hit.tags.iter().map(|tag| tag.as_str()).collect();
    facts.maybe("tags", Some(&tags.join(", ")));
    let mut more = Facts::new(theme, if wide { inner.width - left - 3 } else { inner.width }, 10);
    if hit.publisher.is_some() {
        why::summary(theme, &mut more, "trust", state.search.selected_why());
        why::path(theme, &mut more, state.search.selected_why(), state.shows_detail());
    }
    match state.search.selected_detail() {
        Some(detail) => releases(theme, &mut more, detail, hit),
        None if hit.publisher.is_none() => {}
        None => more.put("versions", theme.symbols.waiting, theme.dim),
    }
    if let Some(id) = &hit.package_id {
        more.id("package id", &id.to_string());
    }
    if let Some(offer) = &hit.central {
        central(theme, &mut more, offer, hit.publisher.is_none());
    }
    if wide {
        let rows = u16::try_from(head.len()).unwrap_or(u16::MAX).min(3);
        let [top, below] = Layout::vertical([Constraint::Length(rows), Constraint::Fill(1)]).areas(inner);
        ui.lines(top, head.take(top.height));
        ui.lines(Rect { width: left, ..below }, facts.take(below.height));
        let right = Rect { x: below.x + left + 3, width: below.width - left - 3, ..below };
        ui.lines(right, more.take(below.height));
    } else {
        head.append(facts);
        head.append(more);
        head.gap();
        head.text("Why it is trusted, or not", theme.title);
        steps(theme, &mut head, state, hit);
        ui.detail(inner, head);
    }
}

/// Why it is trusted, or not; where nobody signed it, there is nothing to ask.
fn steps(theme: &Theme, facts: &mut Facts<'_>, state: &State, hit: &SearchHit) {
    if hit.publisher.is_some() {
        return why::steps(theme, facts, state.search.selected_why());
    }
    let text = "nobody signed it: all there is to compare with is the checksum that the index gives";
    facts.item(theme.symbols.warn, theme.warn, text, theme.warn);
}

fn draw_why(ui: &mut Ui<'_, '_>, area: Rect, hit: &SearchHit) {
    let inner = panel(ui, area, &format!("Why {} {}", hit.name, hit.version), "");
    let mut facts = Facts::new(ui.theme, inner.width, 10);
    steps(ui.theme, &mut facts, ui.state, hit);
    ui.detail(inner, facts);
}

/// What is in it, whether it is installed or not.
fn draw_files(ui: &mut Ui<'_, '_>, area: Rect, hit: &SearchHit) {
    let theme = ui.theme;
    let inner = panel(ui, area, &format!("Files of {} {}", hit.name, hit.version), "");
    let mut facts = Facts::new(theme, inner.width, 0);
    match ui.state.search.selected_inside().map(|inside| &inside.files) {
        Some(Some(Ok(list))) => file_list::put(theme, &mut facts, list),
        Some(Some(Err(error))) => {
            facts.text(&error.message, theme.bad);
            if let Some(hint) = &error.hint {
                facts.text(hint, theme.dim);
            }
        }
        _ => {
            let size = hit.size.map_or_else(|| theme.symbols.unknown.to_owned(), bytes::size);
            let text =
                format!("{} fetching {size} where it is not here, to verify and list them", theme.symbols.waiting);
            facts.text(&text, theme.dim);
        }
    }
    ui.detail(inner, facts);
}

/// What a central index says of it; all of it where nobody signed the package.
fn central(theme: &Theme, facts: &mut Facts<'_>, offer: &CentralOffer, all: bool) {
    facts.put("central", &format!("{} in {}", offer.version, offer.index), theme.text);
    if !all {
        return;
    }
    facts.maybe("author", Some(&offer.author));
    match (&offer.download_url, &offer.unavailable) {
        (Some(url), _) => facts.put("archive", &format!("{url}, there in {}", offer.path), theme.text),
        (None, why) => facts.put("archive", why.as_deref().unwrap_or(theme.symbols.unknown), theme.warn),
    }
    match &offer.checksum {
        Some(checksum) => facts.id("checksum", checksum),
        None => facts.put("checksum", "the index gives none", theme.warn),
    }
}

fn releases(theme: &Theme, facts: &mut Facts<'_>, detail: &Detail, hit: &SearchHit) {
    if let Err(error) = &detail.releases {
        return facts.put("versions", &error.message, theme.warn);
    }
    if let Some(release) = detail.own().find(|release| release.version == hit.version) {
        trust(theme, facts, release);
    }
    let versions: Vec<_> = detail
        .own()
        .take(12)
        .map(|release| match &release.yank_reason {
            Some(_) => format!("{} (withdrawn)", release.version),
            None => release.version.to_string(),
        })
        .collect();
    facts.maybe("versions", Some(&versions.join(", ")));
    for (index, other) in detail.others().iter().take(4).enumerate() {
        let who = format!("{} (newest {})", other.publisher, other.version);
        facts.put(if index == 0 { "also by" } else { "" }, &who, theme.warn);
    }
}

fn trust(theme: &Theme, facts: &mut Facts<'_>, release: &ReleaseInfo) {
    if let Some(reason) = &release.yank_reason {
        facts.put("withdrawn", reason, theme.bad);
    }
    let needs: Vec<_> = release.dependencies.iter().map(|one| format!("{} {}", one.name, one.requirement)).collect();
    if needs.is_empty() {
        facts.put("needs", "nothing", theme.dim);
    }
    for (index, need) in needs.iter().take(8).enumerate() {
        facts.put(if index == 0 { "needs" } else { "" }, need, theme.text);
    }
    facts.put("files", &release.file_count.to_string(), theme.text);
    for (index, holder) in release.holders.iter().take(4).enumerate() {
        facts.line(if index == 0 { "held by" } else { "" }, held_by(theme, holder));
    }
    facts.maybe("repository", Some(&release.repository));
}

/// `● …q7Xe2Ab1 reputation 0.93`
fn held_by(theme: &Theme, holder: &HolderInfo) -> Vec<Span<'static>> {
    let symbols = &theme.symbols;
    let (sign, style) = if holder.connected { (symbols.on, theme.good) } else { (symbols.off, theme.dim) };
    let repute =
        holder.reputation.map_or_else(|| "not dealt with yet".to_owned(), |rate| format!("reputation {rate:.2}"));
    vec![
        Span::styled(format!("{sign} "), style),
        Span::styled(format!("{}{} ", symbols.ellipsis, text::tail(&text::clean(&holder.peer_id), 8)), theme.text),
        Span::styled(repute, theme.dim),
    ]
}
