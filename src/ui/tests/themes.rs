//! The other looks: colours, none, ASCII.

use super::*;

#[test]
fn other_looks() {
    let ascii = |state: &mut State| state.options.ascii = true;
    let panes = [
        ("ascii-overview", Tab::Overview),
        ("ascii-peers", Tab::Peers),
        ("ascii-transfers", Tab::Transfers),
        ("ascii-feed", Tab::Feed),
        ("ascii-search", Tab::Search),
        ("ascii-publish-review", Tab::Publish),
    ];
    for (name, tab) in panes {
        snapshot(name, |w, h| {
            let mut state = match tab {
                Tab::Search => fixture::searched(w, h),
                Tab::Publish => fixture::publishing(Step::Review, w, h),
                _ => fixture::on(tab, w, h),
            };
            ascii(&mut state);
            state.options.demo = true;
            state
        });
    }
    for tab in [Tab::Overview, Tab::Peers, Tab::Search, Tab::Dht, Tab::Feed, Tab::Transfers] {
        let mut state = if tab == Tab::Search { fixture::searched(80, 24) } else { fixture::on(tab, 80, 24) };
        state.options.no_color = true;
        let (buffer, _) = draw_with(&state, &Theme::new(&state.options));
        assert!(buffer.content.iter().all(|cell| cell.fg == Default::default() && cell.bg == Default::default()));
        let name = format!("mono-{}", tab.title().to_lowercase());
        kept(&name, &format!("{buffer:?}"));
    }
}

#[test]
fn themes_colour_everything_and_fill_their_background() {
    for name in ["light", "high-contrast", "colour-blind", "mono"] {
        let mut state = fixture::on(Tab::Peers, 80, 24);
        state.options.theme = name.into();
        state.apply_theme();
        let theme = Theme::new(&state.options);
        let (buffer, _) = draw_with(&state, &theme);
        let behind = theme.text.bg.unwrap_or_default();
        let cell = &buffer[(79, 12)];
        assert_eq!(cell.bg, behind, "{name}");
        kept(&format!("theme-{name}"), &format!("{buffer:?}"));
    }
}

/// ASCII mode writes ASCII, but for text that is not ours.
#[test]
fn ascii_is_ascii() {
    for tab in Tab::ALL {
        for (width, height) in SIZES {
            let mut state = fixture::alone(width, height);
            state.options.ascii = true;
            fixture::press(&mut state, &fixture::key_of(tab));
            let (screen, _) = draw(&state);
            assert!(screen.is_ascii(), "{tab:?} {width}x{height}:\n{screen}");
        }
    }
}
