//! Snapshots of every overlay and question.

use super::*;

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
    snapshot("install-impossible", |w, h| {
        let mut state = fixture::searched(w, h);
        fixture::press(&mut state, "down i");
        let hit = state.search.selected().unwrap();
        let what = format!("{} {}", hit.name, hit.version);
        let conflict = "no versions fit together:\nyou asked for graph-knowledge-importer 0.3.1\ngraph-knowledge-importer 0.3.1 needs rdf-core ^2\nno version of rdf-core fits ^2: there is 1.2.0";
        let error = NodeError::new(ErrorKind::Failed, conflict).hint("choose another version");
        update(&mut state, Event::Reply { tag: Tag::Plan { what: what.clone() }, result: Err(error) }, fixture::now());
        fixture::reply(&mut state, Tag::Offer { what }, NodeReply::Why(Default::default()));
        state
    });
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
