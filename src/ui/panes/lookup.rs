//! What was looked up in the DHT by hand, and what came of it.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::state::Lookup;
use crate::net::api::{LookupAnswer, LookupKind, LookupPeer};
use crate::ui::theme::Theme;
use crate::ui::widgets::panel;
use crate::ui::{Ui, text};

/// Rows that it wants at this width.
pub fn height(ui: &Ui<'_, '_>, width: u16) -> u16 {
    let lines =
        ui.state.dht.lookup.as_ref().map(|lookup| lines(ui.theme, lookup, width.saturating_sub(4).into()).len());
    u16::try_from(lines.unwrap_or(0)).unwrap_or(u16::MAX).saturating_add(2)
}

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect) {
    let Some(lookup) = &ui.state.dht.lookup else { return };
    let inner = panel(ui, area, "Looked up", "Esc closes");
    let mut lines = lines(ui.theme, lookup, inner.width.into());
    let rows = usize::from(inner.height);
    if lines.len() > rows && rows > 0 {
        let more = lines.len() - rows + 1;
        lines.truncate(rows - 1);
        lines.push(Line::styled(format!("{more} more"), ui.theme.dim));
    }
    ui.lines(inner, lines);
}

fn lines(theme: &Theme, lookup: &Lookup, cells: usize) -> Vec<Line<'static>> {
    let symbols = &theme.symbols;
    let what = text::middle(&text::clean(&lookup.what), cells, symbols.ellipsis);
    let mut lines = vec![Line::styled(what, theme.strong)];
    match &lookup.answer {
        None => lines.push(Line::styled(format!("{} asking", symbols.waiting), theme.accent)),
        Some(Err(error)) => {
            let error = format!("{} {}", symbols.bad, text::clean(&error.message));
            lines.extend(text::wrap(&error, cells).into_iter().map(|line| Line::styled(line, theme.bad)));
        }
        Some(Ok(answer)) => {
            lines.push(Line::styled(text::fit(&found(answer), cells, symbols.ellipsis), theme.text));
            lines.extend(answer.peers.iter().map(|peer| line(theme, peer, cells)));
        }
    }
    lines
}

fn found(answer: &LookupAnswer) -> String {
    let peers = text::count(answer.peers.len(), "peer");
    let who = match (answer.kind, answer.peers.len()) {
        (LookupKind::Name, 0) => "nobody is known to carry a package of this name".to_owned(),
        (LookupKind::Bytes, 0) => "nobody is known to have the bytes of this package".to_owned(),
        (LookupKind::Peer, 0) => "nobody answered".to_owned(),
        (LookupKind::Name, 1) => format!("{peers} carries a package of this name"),
        (LookupKind::Name, _) => format!("{peers} carry a package of this name"),
        (LookupKind::Bytes, 1) => format!("{peers} has the bytes of this package"),
        (LookupKind::Bytes, _) => format!("{peers} have the bytes of this package"),
        (LookupKind::Peer, _) => format!("{peers} closest to it"),
    };
    format!("{who} ({} ms)", answer.elapsed_ms)
}

fn line(theme: &Theme, peer: &LookupPeer, cells: usize) -> Line<'static> {
    let symbols = &theme.symbols;
    let (sign, style) = if peer.connected { (symbols.on, theme.good) } else { (symbols.off, theme.dim) };
    let id = text::clean(&peer.peer_id);
    let id = if cells < 76 { format!("{}{}", symbols.ellipsis, text::tail(&id, 8)) } else { id.into_owned() };
    let addr = peer.addrs.first().map(|addr| text::clean(addr.split("/p2p/").next().unwrap_or(addr)).into_owned());
    let spans = vec![
        Span::styled(format!("{sign} "), style),
        Span::styled(id, theme.text),
        Span::styled(format!("  {}", addr.unwrap_or_else(|| symbols.unknown.into())), theme.dim),
    ];
    text::fit_line(Line::from(spans), cells, symbols.ellipsis)
}
