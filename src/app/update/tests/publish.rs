//! The wizard.

use super::*;
use crate::market::Finding;
use crate::market::archive::{Change, FileChange, SECRET, SECRET_ALLOWED};
use crate::net::api::Inspection;

pub fn plan(publishable: bool, findings: usize) -> PublishPlan {
    let finding = crate::market::Finding {
        severity: crate::market::Severity::Warning,
        code: "x".into(),
        file: SafeText::default(),
        line: None,
        message: SafeText::default(),
        hint: SafeText::default(),
    };
    PublishPlan {
        already: None,
        path: "/home/ada/pack".into(),
        name: name("pack"),
        version: semver::Version::new(1, 0, 0),
        description: SafeText::default(),
        category: SafeText::default(),
        tags: Vec::new(),
        licence: SafeText::default(),
        publisher: Some(PublisherKey::default()),
        package_id: PackageId::default(),
        size: 1,
        files: Vec::new(),
        findings: vec![finding; findings],
        previous: None,
        changes: None,
        publishable,
    }
}

#[test]
fn a_tab_before_the_directory_is_read_completes_once_it_is() {
    let mut desk = Desk::ready();
    desk.keys("6 p tab");
    assert_eq!(desk.state.publish.input.value(), "/home/ada/p");
    let listing = Listing { entries: vec![DirEntry { name: "pack".into(), package: true }], ..Listing::default() };
    let effects = desk.event(Event::Directory { path: "/home/ada/".into(), listing: Ok(listing) });
    assert_eq!(desk.state.publish.input.value(), "/home/ada/pack/");
    assert_eq!(effects, [Effect::ReadDir { path: "/home/ada/pack/".into() }]);
}

#[test]
fn a_path_from_the_root_or_from_home_takes_the_place_of_what_is_in_the_field() {
    let mut desk = Desk::ready();
    let field = |desk: &Desk| desk.state.publish.input.value().to_owned();
    desk.keys("6 / s r v");
    assert_eq!(field(&desk), "/srv");
    desk.keys("/ ~ /");
    assert_eq!(field(&desk), "~/");
    desk.event(Event::Paste("/opt//pack".into()));
    assert_eq!(field(&desk), "/opt//pack", "what is pasted is not read into");
    desk.keys("2 x");
    assert_eq!(field(&desk), "/opt//pack2x");
}

#[test]
fn the_wizard_goes_from_path_to_share_string() {
    let mut desk = Desk::ready();
    assert_eq!(desk.keys("6"), [Effect::ReadDir { path: "/home/ada/".into() }]);
    let entries = ["pack-a", "pack-b"].map(|name| DirEntry { name: name.into(), package: true }).to_vec();
    let listing = Ok(Listing { entries, ..Listing::default() });
    desk.event(Event::Directory { path: "/home/ada/".into(), listing });
    desk.keys("p tab");
    assert_eq!(desk.state.publish.input.value(), "/home/ada/pack-", "what all have in common");
    assert_eq!(desk.keys("tab tab"), [Effect::ReadDir { path: "/home/ada/pack-a/".into() }]);
    assert_eq!(
        commands(&desk.keys("enter")),
        [&NodeCommand::Inspect { path: "/home/ada/pack-a".into(), allow: Vec::new() }]
    );
    let seq = desk.state.publish.seq;
    desk.reply(Tag::Inspect { seq }, NodeReply::Inspect(plan(true, 2).into()));
    assert_eq!(desk.state.publish.step, Step::Findings);
    desk.keys("enter");
    assert_eq!(desk.state.publish.step, Step::Review);
    assert_eq!(desk.keys("enter"), [], "it asks before it publishes");
    let effects = desk.keys("y");
    let [NodeCommand::Publish(request)] = commands(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(request.path, "/home/ada/pack");
    let job = request.job;
    desk.node(NodeEvent::Publish { job, stage: PublishStage::Announcing, seen_by: 0 });
    desk.node(NodeEvent::Publish { job, stage: PublishStage::Packing, seen_by: 0 });
    assert_eq!(desk.state.publish.progress.unwrap().stage, PublishStage::Announcing, "stages only go on");
    let answer = PublishAnswer {
        again: false,
        name: name("pack"),
        version: semver::Version::new(1, 0, 0),
        publisher: PublisherKey::default(),
        package_id: PackageId::default(),
        release_id: ReleaseId::default(),
        size: 1,
        files: 1,
        seen_by: 0,
        seen_by_peers: Vec::new(),
        held_by: 0,
        findings: Vec::new(),
        share: "ggen:pack@1.0.0".into(),
    };
    desk.reply(Tag::Publish { job }, NodeReply::Publish(answer));
    assert_eq!(desk.state.publish.step, Step::Done);
    desk.node(NodeEvent::Publish { job, stage: PublishStage::Confirming, seen_by: 3 });
    assert_eq!(desk.state.publish.answer.as_ref().unwrap().seen_by, 3, "peers go on confirming");
    assert_eq!(desk.keys("y"), [Effect::Copy("ggen:pack@1.0.0".into())]);
    desk.keys("n");
    assert_eq!(desk.state.publish.step, Step::Path);
}

#[test]
fn what_cannot_be_published_goes_no_further() {
    let mut desk = Desk::ready();
    desk.keys("6 enter");
    let seq = desk.state.publish.seq;
    desk.reply(Tag::Inspect { seq }, NodeReply::Inspect(plan(false, 1).into()));
    assert!(matches!(commands(&desk.keys("enter"))[..], [NodeCommand::Inspect { .. }]), "enter checks again");
    let seq = desk.state.publish.seq;
    desk.reply(Tag::Inspect { seq }, NodeReply::Inspect(plan(false, 1).into()));
    assert_eq!(desk.state.publish.step, Step::Findings);
    desk.keys("esc");
    assert_eq!(desk.state.publish.step, Step::Path);
}

fn finding(severity: Severity, code: &str, file: &str) -> Finding {
    let [message, hint] = [SafeText::new("message"), SafeText::new("hint")];
    Finding { severity, code: code.into(), file: SafeText::new(file), line: None, message, hint }
}

#[test]
fn what_cannot_even_be_read_is_shown_as_findings_and_checked_again() {
    let mut desk = Desk::ready();
    desk.keys("6 enter");
    let seq = desk.state.publish.seq;
    let broken = Inspection::Unreadable(vec![finding(Severity::Error, "toml-invalid", "gpack.toml")]);
    desk.reply(Tag::Inspect { seq }, NodeReply::Inspect(broken));
    assert_eq!((desk.state.publish.step, desk.state.publish.lines()), (Step::Findings, 1));
    assert_eq!(desk.keys("a"), [], "there is nothing to allow");
    assert!(matches!(commands(&desk.keys("enter"))[..], [NodeCommand::Inspect { .. }]));
    let seq = desk.state.publish.seq;
    desk.reply(Tag::Inspect { seq }, NodeReply::Inspect(plan(true, 0).into()));
    assert_eq!((desk.state.publish.step, desk.state.publish.findings.len()), (Step::Review, 0));
}

#[test]
fn a_file_that_is_no_secret_is_allowed_and_named_before_it_is_published() {
    let mut desk = Desk::ready();
    desk.keys("6 enter");
    let seq = desk.state.publish.seq;
    let mut refused = plan(false, 0);
    refused.findings = vec![finding(Severity::Error, SECRET, "keys/test[1].pem")];
    desk.reply(Tag::Inspect { seq }, NodeReply::Inspect(refused.into()));
    let effects = desk.keys("a");
    let [NodeCommand::Inspect { allow, .. }] = commands(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(allow[..], ["/keys/test\\[1\\].pem"]);
    let seq = desk.state.publish.seq;
    let mut allowed = plan(true, 0);
    allowed.findings = vec![finding(Severity::Warning, SECRET_ALLOWED, "keys/test[1].pem")];
    desk.reply(Tag::Inspect { seq }, NodeReply::Inspect(allowed.into()));
    assert_eq!(desk.keys("a"), [], "it is allowed already");
    desk.keys("enter enter");
    let Some(Overlay::Confirm(confirm)) = &desk.state.overlay else { panic!("no question") };
    assert!(confirm.warnings.iter().any(|warning| warning.contains("keys/test[1].pem")), "{:?}", confirm.warnings);
    let effects = desk.keys("y");
    let [NodeCommand::Publish(request)] = commands(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(request.allow.len(), 1);

    // What was allowed for one directory is not for another.
    let mut desk = Desk::ready();
    desk.state.publish.allow = vec!["/.env".into()];
    desk.keys("6 x");
    assert!(desk.state.publish.allow.is_empty());
}

#[test]
fn what_stops_a_publish_comes_first() {
    let mut desk = Desk::ready();
    desk.keys("6 enter");
    let seq = desk.state.publish.seq;
    let mut mixed = plan(false, 3);
    mixed.findings[2].severity = Severity::Error;
    desk.reply(Tag::Inspect { seq }, NodeReply::Inspect(mixed.into()));
    let severities: Vec<_> = desk.state.publish.findings.iter().map(|one| one.severity).collect();
    assert_eq!(severities, [Severity::Error, Severity::Warning, Severity::Warning]);
}

#[test]
fn the_path_can_be_edited_again_after_it_was_left() {
    let mut desk = Desk::ready();
    desk.keys("6 esc");
    assert!(!desk.state.is_typing());
    desk.keys("/ s r v / x");
    assert_eq!(desk.state.publish.input.value(), "/srv/x", "a path from the root loses nothing");
    desk.keys("esc / y");
    assert_eq!(desk.state.publish.input.value(), "/srv/x/y", "after a name it goes on, as in the field");
}

#[test]
fn the_field_is_no_trap_until_it_is_used() {
    let mut desk = Desk::ready();
    desk.keys("6 2");
    assert_eq!(desk.state.tab, Tab::Peers);
    desk.keys("6 tab");
    assert_eq!(desk.state.tab, Tab::Transfers);
    desk.keys("6 ?");
    assert!(matches!(desk.state.overlay, Some(Overlay::Help(_))));
    desk.keys("esc v 2 ?");
    assert_eq!(desk.state.publish.input.value(), "/home/ada/v2?");
}

#[test]
fn enter_checks_the_directory_that_is_a_package() {
    let mut desk = Desk::ready();
    desk.keys("6");
    let list = |desk: &mut Desk, path: &str, package| {
        let entries = vec![DirEntry { name: "src".into(), package: false }];
        desk.event(Event::Directory { path: path.into(), listing: Ok(Listing { entries, omitted: 0, package }) });
    };
    list(&mut desk, "/home/ada/", false);
    desk.keys("down right");
    list(&mut desk, "/home/ada/src/", true);
    assert_eq!(desk.state.publish.candidate, None);
    assert!(matches!(commands(&desk.keys("enter"))[..], [NodeCommand::Inspect { .. }]));
}

#[test]
fn leaving_a_check_leaves_its_answer_unheard() {
    let mut desk = Desk::ready();
    desk.keys("6 enter");
    let seq = desk.state.publish.seq;
    desk.keys("esc");
    desk.reply(Tag::Inspect { seq }, NodeReply::Inspect(plan(true, 0).into()));
    assert_eq!(desk.state.publish.step, Step::Path);
}

#[test]
fn the_wizard_survives_a_visit_elsewhere() {
    let mut desk = Desk::ready();
    desk.keys("6 enter");
    let seq = desk.state.publish.seq;
    desk.reply(Tag::Inspect { seq }, NodeReply::Inspect(plan(true, 0).into()));
    desk.keys("2 6");
    assert_eq!(desk.state.publish.step, Step::Review);
}

#[test]
fn a_version_that_is_out_with_other_content_is_an_error_before_it_is_published() {
    let mut desk = Desk::ready();
    desk.keys("6 enter");
    let seq = desk.state.publish.seq;
    let changed = FileChange { path: "a".into(), change: Change::Changed, before: 1, now: 2 };
    let version = plan(true, 0).version;
    let out = |changes| PublishPlan { previous: Some(version.clone()), changes, ..plan(true, 0) };
    desk.reply(Tag::Inspect { seq }, NodeReply::Inspect(out(Some(vec![changed.clone()])).into()));
    let publish = &desk.state.publish;
    assert_eq!((publish.step, publish.publishable(), publish.findings.len()), (Step::Findings, false, 1));
    assert!(publish.findings[0].message.contains("already published with other content"));
    assert!(matches!(commands(&desk.keys("u enter"))[..], [NodeCommand::SetVersion { .. }]));

    // The same content again is no error.
    desk.keys("enter");
    let seq = desk.state.publish.seq;
    desk.reply(Tag::Inspect { seq }, NodeReply::Inspect(out(Some(Vec::new())).into()));
    assert_eq!(desk.state.publish.step, Step::Review);
}

#[test]
fn a_failed_publish_leads_to_another_version_too() {
    let mut desk = Desk::ready();
    desk.keys("6 enter");
    let seq = desk.state.publish.seq;
    let plan = PublishPlan { previous: Some(semver::Version::new(0, 9, 0)), ..plan(true, 0) };
    desk.reply(Tag::Inspect { seq }, NodeReply::Inspect(plan.into()));
    desk.keys("enter y");
    let job = desk.state.publish.progress.unwrap().job;
    let result = Err(NodeError::new(ErrorKind::Failed, "version 1.0.0 is already published with other content"));
    desk.event(Event::Reply { tag: Tag::Publish { job }, result });
    assert_eq!(desk.state.publish.step, Step::Failed);
    assert!(matches!(commands(&desk.keys("u enter"))[..], [NodeCommand::SetVersion { .. }]));
    let effects = desk.reply(Tag::SetVersion, NodeReply::Done);
    assert!(matches!(commands(&effects)[..], [NodeCommand::Inspect { .. }]), "{effects:?}");
}

#[test]
fn the_arrows_browse_directories() {
    let mut desk = Desk::ready();
    desk.keys("6");
    let list = |desk: &mut Desk, path: &str, names: &[&str]| {
        let entries = names.iter().map(|name| DirEntry { name: (*name).into(), package: false }).collect();
        let listing = Ok(Listing { entries, ..Listing::default() });
        desk.event(Event::Directory { path: path.into(), listing });
    };
    list(&mut desk, "/home/ada/", &["one", "two"]);
    assert_eq!(desk.keys("down down right"), [Effect::ReadDir { path: "/home/ada/two/".into() }]);
    list(&mut desk, "/home/ada/two/", &["deep"]);
    assert_eq!(desk.state.publish.candidate, Some(0), "on with the arrows");
    assert_eq!(desk.keys("left"), [Effect::ReadDir { path: "/home/ada/".into() }]);
    list(&mut desk, "/home/ada/", &["one", "two"]);
    assert_eq!((desk.state.publish.input.value(), desk.state.publish.candidate), ("/home/ada/", Some(0)));
}

#[test]
fn a_version_that_is_chosen_is_written_and_read_again() {
    let mut desk = Desk::ready();
    desk.keys("6 enter");
    let seq = desk.state.publish.seq;
    let gone = FileChange { path: "a".into(), change: Change::Removed, before: 1, now: 0 };
    let plan =
        PublishPlan { previous: Some(semver::Version::new(1, 2, 3)), changes: Some(vec![gone]), ..plan(true, 0) };
    let path = plan.path.clone();
    desk.reply(Tag::Inspect { seq }, NodeReply::Inspect(plan.into()));
    let effects = desk.keys("u enter");
    let version = semver::Version::new(2, 0, 0);
    assert_eq!(commands(&effects), [&NodeCommand::SetVersion { path, version }], "what the changes ask for");
    let effects = desk.reply(Tag::SetVersion, NodeReply::Done);
    assert!(matches!(commands(&effects)[..], [NodeCommand::Inspect { .. }]));
    assert_eq!(desk.state.publish.step, Step::Checking);
}
