//! A recorded screen, and below it where in the recording it is.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::export::draw;
use super::text;
use super::theme::Theme;
use crate::app::record::Player;

/// Draws what fits of the recorded screen, as it looked; the last line is the player's own.
pub fn render(player: &Player, frame: &mut Frame<'_>) {
    let theme = &Theme::new(&player.state().options);
    let area = frame.area();
    let (recorded, _) = draw(player.state());
    let buffer = frame.buffer_mut();
    for y in 0..area.height.min(recorded.area.height) {
        for x in 0..area.width.min(recorded.area.width) {
            if let (Some(to), Some(from)) = (buffer.cell_mut((x, y)), recorded.cell(Position { x, y })) {
                to.clone_from(from);
            }
        }
    }
    let Some(last) = area.height.checked_sub(1) else { return };
    let bar = Rect { y: area.y + last, height: 1, ..area };
    frame.render_widget(ratatui::widgets::Clear, bar);
    frame.render_widget(Paragraph::new(line(player, theme, area)), bar);
}

/// `REPLAY runs 0:12 / 1:03 1x · frame 37 of 400 · not live  q quit  space pause …`: the most wanted first.
fn line(player: &Player, theme: &Theme, area: Rect) -> Line<'static> {
    let recording = player.recording();
    let dot = theme.symbols.dot;
    let (width, height) = player.state().size;
    let mut facts = vec![
        format!("{} / {} {}", clock(player.at()), clock(recording.length()), player.speed),
        format!("frame {} of {}", player.frame(), recording.frames().len()),
    ];
    if recording.lost() > 0 {
        facts.push(format!("{} events were not recorded", recording.lost()));
    }
    if width > area.width || height > area.height {
        facts.push(format!("recorded at {width}x{height}, shown in part"));
    }
    facts.push("not live".to_owned());
    let mut line = vec![Span::styled(" REPLAY ", theme.banner), Span::raw(" ")];
    line.push(Span::styled(mark(player), theme.accent));
    let mut room = usize::from(area.width).saturating_sub(line.iter().map(Span::width).sum());
    for (index, fact) in facts.into_iter().enumerate() {
        let fact = if index == 0 { format!(" {fact}") } else { format!(" {dot} {fact}") };
        if text::width(&fact) > room {
            break;
        }
        room -= text::width(&fact);
        line.push(Span::styled(fact, if index == 0 { theme.strong } else { theme.dim }));
    }
    let go = if player.paused { "play" } else { "pause" };
    let arrows = if theme.symbols.ascii { "left/right" } else { "← →" };
    let keys = [("q", "quit"), ("space", go), (arrows, "frame"), ("+ -", "speed"), ("pgup/pgdn", "10 s")];
    for (key, does) in keys {
        let cells = text::width(key) + text::width(does) + 3;
        if cells > room {
            break;
        }
        room -= cells;
        line.extend([Span::styled(format!("  {key} "), theme.key), Span::styled(does, theme.dim)]);
    }
    Line::from(line)
}

/// Whether it runs, in a word: symbols for this differ too much between fonts.
fn mark(player: &Player) -> &'static str {
    if player.is_at_end() {
        "end"
    } else if player.paused {
        "paused"
    } else {
        "runs"
    }
}

/// `1:03`, `1:02:03`
fn clock(ms: u64) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::clock;

    #[test]
    fn times_are_those_of_a_clock() {
        assert_eq!([clock(0), clock(63_999), clock(3_723_000)], ["0:00", "1:03", "1:02:03"]);
    }
}
