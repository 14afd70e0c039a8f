//! What is written there: text from others, and what is not known.

use super::*;

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
