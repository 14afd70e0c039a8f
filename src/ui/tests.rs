//! Snapshots of every tab and overlay, and what holds at every size.

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::fixture::{self, NOW};
use super::{Theme, render};
use crate::app::event::{Event, Tag};
use crate::app::hit::{HitMap, Target};
use crate::app::state::{DashboardOptions, State, Step, Tab, ToastKind};
use crate::app::update::update;
use crate::net::api::{Inspection, LookupAnswer, LookupKind, LookupPeer, PeerInfo, SearchAnswer};
use crate::net::{ErrorKind, NodeError, NodeReply};

const SIZES: [(u16, u16); 4] = [(40, 12), (80, 24), (120, 40), (200, 60)];

fn draw_with(state: &State, theme: &Theme) -> (Buffer, HitMap) {
    let (width, height) = state.size;
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let mut hits = HitMap::default();
    terminal.draw(|frame| hits = render(state, theme, frame)).unwrap();
    (terminal.backend().buffer().clone(), hits)
}

fn draw(state: &State) -> (String, HitMap) {
    let (buffer, hits) = draw_with(state, &Theme::new(&state.options));
    (text(&buffer), hits)
}

/// The characters of a buffer, without blanks at the ends of lines.
fn text(buffer: &Buffer) -> String {
    let mut lines = Vec::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            if skip == 0 {
                line.push_str(symbol);
                skip = super::text::width(symbol).saturating_sub(1);
            } else {
                skip -= 1;
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

fn snapshot(name: &str, make: impl Fn(u16, u16) -> State) {
    for (width, height) in SIZES {
        let (screen, _) = draw(&make(width, height));
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("{name}@{width}x{height}"), screen);
        });
        looks(&format!("{name}@{width}x{height}"), make(width, height));
    }
}

/// The same in its other looks: in ASCII, and where there are which colours and emphasis, with colours and without.
fn looks(name: &str, mut state: State) {
    if state.options.ascii || state.options.no_color {
        return;
    }
    let styles_of = |state: &State| styles(&draw_with(state, &Theme::new(&state.options)).0);
    let colour = styles_of(&state);
    state.options.no_color = true;
    let mono = styles_of(&state);
    state.options.ascii = true;
    let (ascii, _) = draw(&state);
    insta::with_settings!({
        omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "snapshots/looks"
    }, {
        insta::assert_snapshot!(name, format!("ASCII\n{ascii}\n\ncolours\n{colour}\n\nno colours\n{mono}"));
    });
}

/// Row by row: from which column how many cells have which style, where it is not the plain one.
fn styles(buffer: &Buffer) -> String {
    let mut rows = Vec::new();
    for y in 0..buffer.area.height {
        let mut runs: Vec<(u16, u16, String)> = Vec::new();
        for x in 0..buffer.area.width {
            let cell = &buffer[(x, y)];
            let style = style_of(cell);
            match runs.last_mut() {
                Some((start, cells, last)) if *last == style && *start + *cells == x => *cells += 1,
                _ if style.is_empty() => {}
                _ => runs.push((x, 1, style)),
            }
        }
        let runs = runs.into_iter().map(|(x, cells, style)| format!("{x}+{cells} {style}"));
        rows.push(format!("{y}: {}", runs.collect::<Vec<_>>().join(", ")).trim_end().to_owned());
    }
    rows.join("\n")
}

/// `80 on 236 bold`
fn style_of(cell: &ratatui::buffer::Cell) -> String {
    use ratatui::style::Color;
    let colour = |colour| match colour {
        Color::Indexed(index) => index.to_string(),
        other => other.to_string(),
    };
    let mut parts = Vec::new();
    if cell.fg != Color::Reset {
        parts.push(colour(cell.fg));
    }
    if cell.bg != Color::Reset {
        parts.push(format!("on {}", colour(cell.bg)));
    }
    parts.extend(cell.modifier.iter_names().map(|(name, _)| name.to_lowercase()));
    parts.join(" ")
}

#[test]
fn tabs() {
    for tab in Tab::ALL {
        let name = tab.title().to_lowercase();
        match tab {
            Tab::Search => snapshot(&name, fixture::searched),
            Tab::Publish => snapshot(&name, |w, h| fixture::publishing(Step::Path, w, h)),
            _ => snapshot(&name, |w, h| fixture::on(tab, w, h)),
        }
    }
}

#[test]
fn details_that_cover_the_list() {
    for tab in [Tab::Peers, Tab::Feed, Tab::Search, Tab::Transfers, Tab::Logs, Tab::Settings] {
        let name = format!("{}-detail", tab.title().to_lowercase());
        snapshot(&name, |w, h| {
            let mut state = if tab == Tab::Search { fixture::searched(w, h) } else { fixture::on(tab, w, h) };
            fixture::press(&mut state, "up l");
            state
        });
    }
}

#[test]
fn why_a_package_is_trusted_or_not() {
    let why = |w, h| {
        let mut state = fixture::searched(w, h);
        fixture::press(&mut state, "w");
        state
    };
    snapshot("why", why);
    snapshot("ascii-why", |w, h| {
        let mut state = why(w, h);
        state.options.ascii = true;
        state
    });
    for (width, height) in SIZES {
        let mut state = why(width, height);
        state.options.no_color = true;
        let (buffer, _) = draw_with(&state, &Theme::new(&state.options));
        assert!(buffer.content.iter().all(|cell| cell.fg == Default::default() && cell.bg == Default::default()));
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("mono-why@{width}x{height}"), format!("{buffer:?}"));
        });
    }
}

#[test]
fn files_of_a_package_that_is_not_installed() {
    let asked = |w, h| {
        let mut state = fixture::searched(w, h);
        fixture::press(&mut state, "f");
        state
    };
    snapshot("files-asked", asked);
    snapshot("files", |w, h| fixture::inside(asked(w, h)));
    snapshot("ascii-files", |w, h| {
        let mut state = fixture::inside(asked(w, h));
        state.options.ascii = true;
        state
    });
}

/// All of it can be scrolled to, and the key leads back.
#[test]
fn why_scrolls_to_its_end_and_goes_back() {
    let mut state = fixture::searched(40, 12);
    fixture::press(&mut state, "w");
    let (screen, hits) = draw(&state);
    assert!(screen.contains("Why knowledge-graph-cli") && screen.contains("it is not installed like this"), "{screen}");
    update(
        &mut state,
        Event::Viewport { rows: hits.list_rows, detail_end: hits.detail_end, dialog_end: 0 },
        fixture::now(),
    );
    fixture::press(&mut state, "G");
    let (screen, _) = draw(&state);
    assert!(screen.contains("repository"), "{screen}");
    fixture::press(&mut state, "esc");
    let (screen, _) = draw(&state);
    assert!(!screen.contains("Why knowledge-graph-cli") && screen.contains("4 results"), "{screen}");
}

/// What the smallest screen has no room for can be scrolled to.
#[test]
fn a_detail_scrolls_to_its_end() {
    let mut state = fixture::searched(40, 12);
    fixture::press(&mut state, "enter");
    let (screen, hits) = draw(&state);
    assert!(screen.contains("lines 1 to 6 of "), "{screen}");
    let rows = hits.list_rows;
    update(&mut state, Event::Viewport { rows, detail_end: hits.detail_end, dialog_end: 0 }, fixture::now());
    fixture::press(&mut state, "G");
    let (screen, _) = draw(&state);
    assert!(screen.contains("repository"), "{screen}");
}

#[test]
fn what_is_installed_and_how_it_stands() {
    snapshot("installed-compared", fixture::compared);
    for (name, keys) in [("installed-detail", "l"), ("installed-why", "w"), ("installed-remove", "x")] {
        snapshot(name, |w, h| {
            let mut state = fixture::compared(w, h);
            fixture::press(&mut state, keys);
            state
        });
    }
    snapshot("installed-update", |w, h| {
        let mut state = fixture::compared(w, h);
        fixture::press(&mut state, "U");
        fixture::reply(&mut state, Tag::UpdatePlan { name: None }, NodeReply::Plan(fixture::install_plan()));
        state
    });
    snapshot("ascii-installed", |w, h| {
        let mut state = fixture::compared(w, h);
        state.options.ascii = true;
        state
    });
}

#[test]
fn settings_are_changed_in_place() {
    for (name, keys) in [
        ("settings-filter", "0 / p e e r s"),
        ("settings-choice", "0 / u i . a s c i i enter e"),
        ("settings-wrong", "0 / m a x _ p e e r s enter e x"),
        ("settings-reset", "0 / m a x _ p e e r s enter r"),
    ] {
        snapshot(name, |w, h| {
            let mut state = fixture::rich(w, h);
            state.list_rows = 10;
            fixture::press(&mut state, keys);
            state
        });
    }
    snapshot("settings-broken", |w, h| {
        let mut state = fixture::on(Tab::Settings, w, h);
        let message = "/home/ada/.ggen/p2p-config.toml:12:14: performance.max_peers: expected a whole number from 1 to 1000, found the text \"lots\"";
        let result = Err(NodeError::new(ErrorKind::Usage, message).hint("correct that line"));
        update(&mut state, Event::Settings { wrote: None, result }, fixture::now());
        state
    });
    snapshot("ascii-settings", |w, h| {
        let mut state = fixture::on(Tab::Settings, w, h);
        state.options.ascii = true;
        state
    });
}

#[test]
fn wizard_steps() {
    for (name, step) in
        [("findings", Step::Findings), ("review", Step::Review), ("working", Step::Working), ("done", Step::Done)]
    {
        snapshot(&format!("publish-{name}"), |w, h| fixture::publishing(step, w, h));
    }
    snapshot("publish-failed", |w, h| {
        let mut state = fixture::publishing(Step::Working, w, h);
        let job = state.publish.progress.unwrap().job;
        let error = NodeError::new(ErrorKind::Failed, "version 1.2.0 is already published with other content")
            .hint("published versions never change: raise the version in the manifest and publish again");
        update(&mut state, Event::Reply { tag: Tag::Publish { job }, result: Err(error) }, fixture::now());
        state
    });
    snapshot("publish-refused-path", |w, h| {
        let mut state = fixture::publishing(Step::Path, w, h);
        fixture::press(&mut state, "esc enter");
        let seq = state.publish.seq;
        let error = NodeError::new(ErrorKind::NotFound, "/home/ada/packs does not exist")
            .hint("name the directory that holds the package's gpack.toml or package.toml");
        update(&mut state, Event::Reply { tag: Tag::Inspect { seq }, result: Err(error) }, fixture::now());
        state
    });
    snapshot("publish-unreadable", |w, h| {
        let mut state = fixture::publishing(Step::Path, w, h);
        fixture::press(&mut state, "esc enter");
        let seq = state.publish.seq;
        let broken = NodeReply::Inspect(Inspection::Unreadable(fixture::broken()));
        update(&mut state, Event::Reply { tag: Tag::Inspect { seq }, result: Ok(broken) }, fixture::now());
        state
    });
    snapshot("publish-changes", |w, h| {
        let mut state = fixture::publishing(Step::Review, w, h);
        fixture::press(&mut state, "v");
        state
    });
    snapshot("publish-version", |w, h| {
        let mut state = fixture::publishing(Step::Review, w, h);
        fixture::press(&mut state, "u");
        state
    });
    snapshot("publish-confirm", |w, h| {
        let mut state = fixture::publishing(Step::Review, w, h);
        fixture::press(&mut state, "enter");
        state
    });
}

#[test]
fn beginnings_and_ends() {
    snapshot("starting", fixture::starting);
    snapshot("alone", fixture::alone);
    let panes = [
        ("peers", "2"),
        ("dht", "3"),
        ("feed", "4"),
        ("search", "5"),
        ("transfers", "7"),
        ("installed", "8"),
        ("logs", "9"),
        ("settings", "0"),
    ];
    for (name, keys) in panes {
        snapshot(&format!("empty-{name}"), |w, h| {
            let mut state = fixture::alone(w, h);
            fixture::press(&mut state, keys);
            state
        });
    }
    snapshot("failed", |w, h| {
        let mut state = fixture::starting(w, h);
        let error = NodeError::new(
            ErrorKind::Permission,
            "the key file /home/ada/.ggen/p2p/identity.key can be read by others",
        )
        .hint("chmod 600 /home/ada/.ggen/p2p/identity.key");
        update(&mut state, Event::StartFailed(error), fixture::now());
        state
    });
    snapshot("gone", |w, h| {
        let mut state = fixture::rich(w, h);
        update(&mut state, Event::NodeGone, fixture::now());
        state
    });
}

#[test]
fn overlays() {
    for (name, keys) in [
        ("help", "?"),
        ("help-search", "? / p e e r"),
        ("palette", ": s e a r"),
        ("palette-all", ":"),
        ("themes", "T"),
        ("connect", "2 c"),
        ("quit", "q"),
        ("address", "a"),
        ("no-messages", "m"),
    ] {
        snapshot(name, |w, h| {
            let mut state = fixture::rich(w, h);
            state.list_rows = 8;
            fixture::press(&mut state, keys);
            state
        });
    }
    snapshot("connect-failed", |w, h| {
        let mut state = fixture::rich(w, h);
        let error =
            NodeError::new(ErrorKind::Network, "cannot connect to the peer: /ip4/192.0.2.7/tcp/9: Connection refused")
                .hint("check that the other node runs and that its address can be reached from here");
        let tag = Tag::Connect { addr: "/ip4/192.0.2.7/tcp/9".into() };
        update(&mut state, Event::Reply { tag, result: Err(error) }, fixture::now());
        state
    });
    snapshot("lookup", |w, h| {
        let mut state = fixture::on(Tab::Dht, w, h);
        fixture::press(&mut state, "/ r d f enter");
        let found = |n, connected| LookupPeer {
            peer_id: fixture::peer_id(n),
            addrs: vec![format!("/ip4/192.0.2.{n}/tcp/4001")],
            connected,
        };
        let answer =
            LookupAnswer { kind: LookupKind::Name, peers: vec![found(1, true), found(5, false)], elapsed_ms: 420 };
        fixture::reply(&mut state, Tag::Lookup { what: "rdf".into() }, NodeReply::Lookup(answer));
        state
    });
    for (name, keys) in [("look-up", "/"), ("ascii-dht", "")] {
        snapshot(name, |w, h| {
            let mut state = fixture::on(Tab::Dht, w, h);
            state.options.ascii = name.starts_with("ascii");
            fixture::press(&mut state, keys);
            state
        });
    }
    snapshot("narrow", |w, h| {
        let mut state = fixture::searched(w, h);
        state.list_rows = 8;
        fixture::press(&mut state, "n down enter");
        state
    });
    snapshot("ascii-address", |w, h| {
        let mut state = fixture::rich(w, h);
        state.options.ascii = true;
        fixture::press(&mut state, "a");
        state
    });
    snapshot("disconnect", |w, h| {
        let mut state = fixture::on(Tab::Peers, w, h);
        fixture::press(&mut state, "d");
        state
    });
    snapshot("unban", |w, h| {
        let mut state = fixture::on(Tab::Peers, w, h);
        fixture::press(&mut state, "G b");
        state
    });
    snapshot("remove", |w, h| {
        let mut state = fixture::searched(w, h);
        fixture::press(&mut state, "x");
        state
    });
    snapshot("install", |w, h| {
        let mut state = fixture::searched(w, h);
        fixture::press(&mut state, "down i");
        state
    });
    snapshot("install-plan", fixture::planned);
    snapshot("accept-key", fixture::offered);
    snapshot("search-revoked", |w, h| {
        let mut state = fixture::searched(w, h);
        state.search.results[1].revoked = true;
        state
    });
    snapshot("ban", |w, h| {
        let mut state = fixture::on(Tab::Peers, w, h);
        fixture::press(&mut state, "b");
        state
    });
    snapshot("cancel", |w, h| {
        let mut state = fixture::on(Tab::Transfers, w, h);
        fixture::press(&mut state, "c");
        state
    });
    snapshot("toasts", |w, h| {
        let mut state = fixture::on(Tab::Feed, w, h);
        state.toast(ToastKind::Good, "installed knowledge-graph-cli 1.9.0, verified", None);
        state.toast(
            ToastKind::Error,
            "rust-lsp 1.8.0 was not installed: leaf 3 does not match its signed hash",
            Some("the peer that sent it is banned; try again to use another one".into()),
        );
        state
    });
    snapshot("messages", |w, h| {
        let mut state = fixture::rich(w, h);
        state.toast(ToastKind::Good, "installed knowledge-graph-cli 1.9.0, verified", None);
        let hint = "the peer that sent it is banned; try again to use another one";
        for _ in 0..2 {
            state.toast(ToastKind::Error, "leaf 3 of rust-lsp does not match its signed hash", Some(hint.into()));
        }
        state.toasts.clear();
        fixture::press(&mut state, "m");
        state
    });
    snapshot("frozen", |w, h| {
        let mut state = fixture::on(Tab::Feed, w, h);
        fixture::press(&mut state, "z");
        for _ in 0..312 {
            let event = crate::net::NodeEvent::Lagged { dropped: 0 };
            update(&mut state, Event::Node(event), fixture::now().plus(90_000));
        }
        state
    });
    snapshot("remove-typed", |w, h| {
        let mut state = fixture::on(Tab::Installed, w, h);
        fixture::press(&mut state, "down down x r d f");
        state
    });
    snapshot("filter-and-pause", |w, h| {
        let mut state = fixture::on(Tab::Feed, w, h);
        fixture::press(&mut state, "p / p a c k");
        state
    });
}

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
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, format!("{buffer:?}"));
        });
    }
}

/// All that a question says can be read on the smallest screen, and its answers are always in view.
#[test]
fn a_question_scrolls_to_its_end() {
    let mut state = fixture::offered(40, 12);
    let mut seen = String::new();
    for _ in 0..40 {
        let (screen, hits) = draw(&state);
        assert!(screen.contains("cancel"), "{screen}");
        seen.push_str(&screen);
        let (rows, detail_end, dialog_end) = (hits.list_rows, hits.detail_end, hits.dialog_end);
        assert!(dialog_end > 0, "{screen}");
        update(&mut state, Event::Viewport { rows, detail_end, dialog_end }, fixture::now());
        fixture::press(&mut state, "down");
    }
    let (screen, hits) = draw(&state);
    assert_eq!(state.dialog_scroll, usize::from(hits.dialog_end));
    seen.push_str(&screen);
    let Some(crate::app::state::Overlay::Confirm(confirm)) = &state.overlay else { panic!("no question") };
    for word in confirm.warnings.iter().flat_map(|warning| warning.split_whitespace()).filter(|word| word.len() < 20) {
        assert!(seen.contains(word), "{word}");
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
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("theme-{name}"), format!("{buffer:?}"));
        });
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

#[test]
fn what_is_clicked_is_what_is_seen() {
    let state = fixture::on(Tab::Peers, 80, 24);
    let (screen, hits) = draw(&state);
    assert_eq!(hits.at(1, 1), Some(Target::Tab(Tab::Overview)));
    let line = screen.lines().position(|line| line.contains("relayed")).unwrap();
    let Some(Target::Row(row)) = hits.at(10, line as u16) else { panic!("no row there") };
    assert!(state.peers.visible()[row].info.agent.starts_with("js-libp2p"));
}

#[test]
fn hostile_text_stays_text() {
    let mut state = fixture::rich(80, 24);
    let evil = "\u{1b}]52;c;AAAA\u{7}\u{202e}evil\u{200b}";
    state.toast(ToastKind::Info, evil, Some(evil.into()));
    update(&mut state, Event::Paste(evil.into()), fixture::now());
    if let Some(status) = &mut state.status {
        status.home = evil.into();
        status.notices = vec![evil.into()];
        status.network = evil.into();
    }
    let (screen, _) = draw(&state);
    assert!(!screen.contains(|c: char| (c.is_control() && c != '\n') || "\u{202e}\u{200b}".contains(c)), "{screen:?}");
    assert!(screen.contains("evil"));
}

/// What a node in another process could hand over unchecked.
#[test]
fn hostile_peers_and_answers_stay_text() {
    let evil = "\u{1b}]52;c;AAAA\u{7}\u{202e}evil\u{200b}";
    for (width, height) in SIZES {
        let mut state = fixture::rich(width, height);
        let peer = PeerInfo {
            peer_id: evil.into(),
            addrs: vec![evil.into()],
            transport: evil.into(),
            source: evil.into(),
            connected: true,
            ..PeerInfo::default()
        };
        fixture::reply(&mut state, Tag::Peers, NodeReply::Peers(vec![peer]));
        if let Some(status) = &mut state.status {
            (status.listen_addrs, status.peer_id) = (vec![evil.into()], evil.into());
            (status.reachability.state, status.reachability.reason) = ("unreachable".into(), evil.into());
        }
        for keys in ["1", "a", "esc 2", "b", "esc enter", "3 / x enter"] {
            fixture::press(&mut state, keys);
            let found = LookupPeer { peer_id: evil.into(), addrs: vec![evil.into()], connected: false };
            let answer = LookupAnswer { kind: LookupKind::Peer, peers: vec![found], elapsed_ms: 1 };
            fixture::reply(&mut state, Tag::Lookup { what: "x".into() }, NodeReply::Lookup(answer));
            let (screen, _) = draw(&state);
            let harmful = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{200b}".contains(c);
            assert!(!screen.contains(harmful), "{keys}: {screen:?}");
        }
    }
}

#[test]
fn unknown_is_not_zero() {
    let state = fixture::ready(80, 24);
    let (screen, _) = draw(&state);
    assert!(screen.contains("peers     —") || screen.contains("peers    —"), "{screen}");
    let body: Vec<_> = screen.lines().skip(2).collect();
    assert!(!body.join("\n").contains(" 0 "), "{screen}");
    assert_eq!(state.now.secs(), NOW);
}

#[test]
fn an_empty_search_is_a_list_of_what_is_known() {
    snapshot("search-browse", |w, h| {
        let mut state = fixture::rich(w, h);
        fixture::press(&mut state, "5");
        let seq = state.search.seq;
        fixture::reply_search(&mut state, seq);
        state
    });
}

#[test]
fn nothing_found_says_who_was_asked() {
    snapshot("search-nothing", |w, h| {
        let mut state = fixture::rich(w, h);
        fixture::press(&mut state, "5 z z z");
        let seq = state.search.seq;
        for (remote, asked, answered) in [(false, 0, 0), (true, 5, 3)] {
            let answer = SearchAnswer { peers_asked: asked, peers_answered: answered, ..SearchAnswer::default() };
            fixture::reply(&mut state, Tag::Search { seq, remote }, NodeReply::Search(answer));
        }
        state
    });
}

fn states() -> impl Strategy<Value = (usize, bool, bool)> {
    (0usize..30, any::<bool>(), any::<bool>())
}

fn state_of(which: usize, width: u16, height: u16) -> State {
    match which {
        0..10 => fixture::on(Tab::ALL[which], width, height),
        10 => fixture::searched(width, height),
        11 => fixture::publishing(Step::Findings, width, height),
        12 => fixture::publishing(Step::Review, width, height),
        13 => fixture::publishing(Step::Done, width, height),
        14 => fixture::alone(width, height),
        15 => fixture::starting(width, height),
        16 => fixture::compared(width, height),
        n => {
            let mut state = fixture::rich(width, height);
            let keys =
                ["?", ": a", "2 c", "q", "0 e x", "m", "T", "z", "8 down down x", "a", "2 b", "3 / x enter", "7 c"];
            fixture::press(&mut state, keys[(n - 17) % keys.len()]);
            state
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn every_size_renders(width in 0u16..=300, height in 0u16..=100, (which, ascii, open) in states()) {
        let mut state = state_of(which, width, height);
        state.options.ascii = ascii;
        state.detail_open = open;
        let theme = Theme::new(&DashboardOptions { ascii, ..DashboardOptions::default() });
        let (_, hits) = draw_with(&state, &theme);
        for (area, _) in &hits.regions {
            prop_assert!(area.x + area.width <= width && area.y + area.height <= height, "{area:?} outside {width}x{height}");
        }
        if let Some((x, y)) = hits.cursor {
            prop_assert!(x < width && y < height);
        }
    }
}
