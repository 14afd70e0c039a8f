//! One line to type: an address to connect to, why a peer is banned.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::window;
use crate::app::state::{Prompt, Purpose};
use crate::ui::widgets::{Facts, input};
use crate::ui::{Ui, text};

/// What stands around the line.
struct Look<'a> {
    title: &'static str,
    label: &'static str,
    hint: &'static str,
    facts: Vec<(&'static str, &'a str)>,
    below: &'static str,
}

fn look(purpose: &Purpose) -> Look<'_> {
    match purpose {
        Purpose::Connect => Look {
            title: "Connect to a peer",
            label: "address",
            hint: "/ip4/192.0.2.7/tcp/4001/p2p/PEER-ID",
            facts: Vec::new(),
            below: "the other node shows it with a on its Overview",
        },
        Purpose::Lookup => Look {
            title: "Look up in the DHT",
            label: "what",
            hint: "a package name, a package id or a peer id",
            facts: Vec::new(),
            below: "who carries a name, who has a package's bytes, or who is closest to a peer",
        },
        Purpose::Ban { peer, agent, evidence } => Look {
            title: "Ban this peer?",
            label: "reason",
            hint: "banned by hand",
            facts: vec![("peer", peer), ("agent", agent), ("evidence", evidence)],
            below: "it is disconnected and refused until you lift the ban",
        },
    }
}

pub fn draw(ui: &mut Ui<'_, '_>, area: Rect, prompt: &Prompt) {
    let theme = ui.theme;
    let look = look(&prompt.purpose);
    let width = area.width.min(90);
    let cells = usize::from(width.saturating_sub(4));
    let mut facts = Facts::new(theme, width.saturating_sub(4), 8);
    for (label, value) in look.facts.iter().filter(|(_, value)| !value.is_empty()) {
        facts.put(label, value, theme.text);
    }
    let above = u16::try_from(facts.len()).unwrap_or(u16::MAX);
    let below: Vec<Line<'static>> = match &prompt.error {
        Some(error) => text::wrap(&format!("{} {}", theme.symbols.bad, text::clean(error)), cells)
            .into_iter()
            .map(|line| Line::styled(line, theme.bad))
            .collect(),
        None => text::wrap(look.below, cells).into_iter().map(|line| Line::styled(line, theme.dim)).collect(),
    };
    let height = u16::try_from(below.len()).unwrap_or(u16::MAX).saturating_add(above).saturating_add(3);
    let inner = window(ui, area, width, height, look.title, "");
    let above = above.min(inner.height.saturating_sub(1));
    ui.lines(Rect { height: above, ..inner }, facts.take(above));
    let line = Rect { y: inner.y + above, height: 1.min(inner.height - above), ..inner };
    input(ui, line, look.label, &prompt.input, true, look.hint);
    let rest = Rect { y: line.y + line.height, height: inner.height - above - line.height, ..inner };
    ui.lines(rest, below);
}
