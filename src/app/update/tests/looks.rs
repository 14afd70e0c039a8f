//! Themes, keys, the palette, a screen that stands still, messages, and dialogs that take more than a key.

use super::*;
use crate::app::command::Id;
use crate::app::looks::{Background, Looks};
use crate::app::settings::Source;
use crate::config::theme::Scheme;

fn shown(desk: &Desk) -> &Scheme {
    &desk.state.options.scheme
}

/// Types words into the palette.
fn find(desk: &mut Desk, text: &str) {
    desk.keys(":");
    for c in text.chars() {
        desk.event(Event::Key(Key::char(c)));
    }
}

#[test]
fn a_theme_is_shown_while_it_is_selected_and_stays_when_it_is_chosen() {
    let mut desk = Desk::ready();
    let dark = Scheme::built_in("dark");
    find(&mut desk, "theme light");
    assert_eq!(shown(&desk), &Scheme::built_in("light"));
    desk.keys("esc");
    assert_eq!(shown(&desk), &dark, "it was only looked at");
    desk.state.options.source = Some(Source { file: "/p2p-config.toml".into(), flags: Vec::new(), stored: true });
    find(&mut desk, "theme mono");
    let effects = desk.keys("enter");
    assert_eq!(effects, [Effect::WriteSetting { name: "ui.theme".into(), value: Some("mono".into()) }]);
    assert_eq!(shown(&desk), &Scheme::built_in("mono"));
}

#[test]
fn the_themes_have_a_key_and_begin_with_the_one_that_is_shown() {
    let mut desk = Desk::ready();
    desk.keys("T");
    let Some(Overlay::Palette(picker)) = &desk.state.overlay else { panic!("no palette") };
    let entries = desk.state.entries(picker.input.value());
    assert_eq!(entries[picker.view.selected], Entry::Theme("auto".into()));
    assert_eq!(shown(&desk), &Scheme::built_in("dark"));
}

#[test]
fn auto_follows_the_terminal() {
    let mut desk = Desk::ready();
    desk.event(Event::Background(Background::Light));
    assert_eq!(shown(&desk), &Scheme::built_in("light"));
    desk.event(Event::Background(Background::Dark));
    assert_eq!(shown(&desk), &Scheme::built_in("dark"));
    desk.state.options.theme = "mono".into();
    desk.event(Event::Background(Background::Light));
    assert_eq!(shown(&desk), &Scheme::built_in("mono"), "another theme was asked for");
}

#[test]
fn a_theme_that_is_not_there_is_told_and_replaced() {
    let options = DashboardOptions { theme: "banana".into(), ..DashboardOptions::default() };
    let desk = Desk { state: State::new(options, START), now: START };
    assert!(desk.state.says("there is no theme banana"));
    assert_eq!(shown(&desk), &Scheme::built_in("dark"));
}

#[test]
fn changed_files_are_taken_over_and_what_is_wrong_with_them_is_told() {
    let mut desk = Desk::ready();
    let mut looks = Looks { problems: vec!["/themes/x.toml:2:1: unknown style".into()], ..Looks::default() };
    looks.themes.insert("dark".into(), Scheme::built_in("light"));
    looks.keys = [("quit", "f10"), ("help", "2")].map(|(command, key)| (command.to_owned(), key.to_owned())).into();
    desk.event(Event::Looks(looks));
    assert_eq!(shown(&desk), &Scheme::built_in("light"));
    assert_eq!(desk.keys("q"), []);
    assert_eq!(desk.keys("f10"), [Effect::Quit]);
    assert!(desk.state.says("/themes/x.toml:2:1") && desk.state.says("`2` for `help` is already `tab-peers`"));
    desk.event(Event::Looks(Looks::default()));
    assert_eq!(desk.keys("q"), [Effect::Quit]);
}

#[test]
fn what_concerns_the_dashboard_holds_as_soon_as_the_file_says_so() {
    let mut desk = Desk::ready();
    let text = "[ui]\ntheme = \"light\"\nascii = true\nmouse = false\nframe_rate = 10\npanes = [\"logs\", \"peers\"]\n\
                keymap = { quit = \"f9\" }\n";
    let effects = desk.event(Event::Settings { wrote: None, result: Ok(shelf::sheet(text)) });
    assert!(effects.contains(&Effect::Mouse(false)), "{effects:?}");
    let options = &desk.state.options;
    assert_eq!((options.ascii, options.frame_rate, options.panes.len()), (true, 10, 2));
    assert_eq!(shown(&desk), &Scheme::built_in("light"));
    assert_eq!(desk.state.tab, Tab::Logs, "the overview is not shown any more");
    assert_eq!(desk.keys("f9"), [Effect::Quit]);
    desk.keys("2");
    assert_eq!(desk.state.tab, Tab::Peers);
}

#[test]
fn what_was_chosen_here_stays_until_the_file_says_something_new() {
    let mut desk = Desk::ready();
    desk.keys("M");
    assert!(!desk.state.mouse);
    desk.event(Event::Settings { wrote: None, result: Ok(shelf::sheet("[performance]\nmax_peers = 80\n")) });
    assert!(!desk.state.mouse);
}

#[test]
fn the_palette_leads_to_settings_and_tabs() {
    let mut desk = Desk::ready();
    desk.event(Event::Settings { wrote: None, result: Ok(shelf::sheet("")) });
    find(&mut desk, "upload_limit");
    desk.keys("enter");
    assert_eq!(desk.state.tab, Tab::Settings);
    assert_eq!(desk.state.settings.selected().unwrap().name, "performance.upload_limit");
    find(&mut desk, "instld");
    desk.keys("enter");
    assert_eq!(desk.state.tab, Tab::Installed);
    find(&mut desk, "feed");
    let clicked = Event::Mouse { action: MouseAction::Click, target: Some(Target::Row(0)) };
    desk.event(clicked);
    assert_eq!(desk.state.tab, Tab::Feed);
}

#[test]
fn a_frozen_screen_stands_still_and_counts() {
    let mut desk = Desk::ready();
    desk.node(NodeEvent::Feed(item(1)));
    desk.keys("z");
    for n in 2..40 {
        assert_eq!(desk.node(NodeEvent::Feed(item(n))), []);
    }
    desk.node(NodeEvent::Lagged { dropped: 7 });
    assert_eq!(desk.state.feed.items().len(), 1);
    assert_eq!((desk.state.frozen.unwrap().events, desk.state.lost), (39, 7));
    desk.keys("4 down");
    assert_eq!(desk.state.tab, Tab::Feed, "one can look around");
    desk.node(NodeEvent::Notice { level: NoticeLevel::Error, text: SafeText::new("the disk is full") });
    assert!(desk.state.says("the disk is full"), "what is told is told");
    let effects = desk.keys("z");
    assert!(desk.state.frozen.is_none());
    assert!(commands(&effects).iter().any(|command| matches!(command, NodeCommand::Feed { .. })), "{effects:?}");
    desk.node(NodeEvent::Feed(item(50)));
    assert_eq!(desk.state.feed.items().len(), 2);
}

#[test]
fn what_toasts_said_can_be_read_later() {
    let mut desk = Desk::ready();
    for n in 0..10 {
        desk.state.toast(ToastKind::Info, format!("message {n}"), None);
    }
    desk.later(60_000);
    assert!(desk.state.toasts.is_empty());
    desk.keys("m");
    assert!(matches!(desk.state.overlay, Some(Overlay::Messages)));
    assert_eq!(desk.state.messages.iter().next().unwrap().text, "message 9");
    desk.event(Event::Viewport { rows: 5, detail_end: 0, dialog_end: 6 });
    desk.keys("j j G k");
    assert_eq!(desk.state.dialog_scroll, 5);
    desk.keys("m");
    assert!(desk.state.overlay.is_none() && desk.state.dialog_scroll == 0);
}

/// On the installed pane, with a package that another needs.
fn needed() -> Desk {
    let mut desk = Desk::ready();
    let one = InstalledInfo { needed_by: vec![name("pack-2")], ..InstalledInfo::sample(1) };
    desk.reply(Tag::Installed, NodeReply::Installed(vec![one]));
    desk.keys("8 x");
    desk
}

#[test]
fn what_breaks_others_is_removed_only_when_its_name_is_typed() {
    let mut desk = needed();
    assert_eq!(desk.keys("enter y enter"), [], "a key is not enough");
    let mut desk = needed();
    let yes = Event::Mouse { action: MouseAction::Click, target: Some(Target::Answer(true)) };
    assert_eq!(desk.event(yes), [], "nor is a click");
    let effects = desk.keys("p a c k - 1 enter");
    assert!(matches!(commands(&effects)[..], [NodeCommand::Remove(removal)] if removal.force), "{effects:?}");
    let mut desk = needed();
    assert_eq!(desk.keys("p a c k - 1 esc"), []);
    assert!(desk.state.overlay.is_none());
}

#[test]
fn a_dialog_that_does_not_fit_is_scrolled() {
    let mut desk = needed();
    desk.event(Event::Viewport { rows: 5, detail_end: 0, dialog_end: 3 });
    desk.keys("down down down down up");
    assert_eq!(desk.state.dialog_scroll, 2);
    desk.keys("esc");
    assert_eq!(desk.state.dialog_scroll, 0, "the next one begins at its top");
}

#[test]
fn the_help_begins_with_what_is_here() {
    let mut desk = Desk::ready();
    desk.keys("3");
    let lines = help_lines(&desk.state, "");
    assert!(matches!(&lines[0], HelpLine::Heading(text) if text.starts_with("DHT")), "{lines:?}");
    assert!(lines.iter().take(8).any(|line| *line == HelpLine::Command(Id::Bootstrap)));
}
