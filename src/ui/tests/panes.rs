//! Snapshots of every pane, and that all of what it says can be reached.

use super::*;

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
        kept(&format!("mono-why@{width}x{height}"), &format!("{buffer:?}"));
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
fn a_wider_screen_has_no_fewer_columns() {
    use crate::ui::export::{Format, snapshot};
    for (tab, columns) in [
        (Tab::Settings, &["section", "setting", "value", "from", "note"][..]),
        (Tab::Installed, &["package", "version", "state", "why", "publisher"]),
        (Tab::Feed, &["age", "package", "version", "marks", "heard from", "via", "size"]),
        (Tab::Search, &["package", "version", "from", "size", "has it", "description"]),
    ] {
        for width in [80, 100, 119, 120, 140, 160, 200] {
            let state = if tab == Tab::Search { fixture::searched(width, 40) } else { fixture::on(tab, width, 40) };
            let screen = snapshot(state, Format::Text);
            let header = |line: &&str| columns.iter().all(|column| line.contains(column));
            assert!(screen.lines().any(|line| header(&line)), "{tab:?} at {width}:\n{screen}");
        }
    }
}
