//! The way of a package between whole nodes: published here, found, installed and served on there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::config::schema::Mirror;
use crate::market::PackageName;
use crate::market::install::Removal;
use crate::market::trust::Fingerprint;
use crate::net::api::*;
use crate::net::error::{ErrorKind, NodeError};
use crate::net::testing::{TestNode, eventually};

/// A package directory with a few files, one of them large enough for several leaves.
pub(super) fn package(name: &str, version: &str, more: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    let manifest =
        format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\ndescription = \"A package of a test\"\n{more}");
    fs::write(dir.path().join("package.toml"), manifest).unwrap();
    fs::create_dir(dir.path().join("data")).unwrap();
    fs::write(dir.path().join("data/large.bin"), super::content(600_000, name.len() as u64)).unwrap();
    fs::write(dir.path().join("README.md"), format!("# {name} {version}\n")).unwrap();
    dir
}

pub(super) async fn publish(node: &TestNode, dir: &Path) -> Result<PublishAnswer, NodeError> {
    let request = PublishRequest { path: dir.display().to_string(), job: 1, ..PublishRequest::default() };
    match node.handle.request(NodeCommand::Publish(request)).await? {
        NodeReply::Publish(answer) => Ok(answer),
        other => panic!("{other:?}"),
    }
}

pub(super) async fn install(node: &TestNode, name: &str) -> Result<InstallAnswer, NodeError> {
    install_as(node, name, None, None).await
}

pub(super) async fn install_as(
    node: &TestNode,
    name: &str,
    requirement: Option<&str>,
    publisher: Option<crate::market::PublisherKey>,
) -> Result<InstallAnswer, NodeError> {
    let requirement = requirement.map(|text| text.parse().unwrap());
    let name = PackageName::new(name).unwrap();
    send(node, InstallRequest::of(name, requirement, publisher)).await
}

pub(super) async fn send(node: &TestNode, request: InstallRequest) -> Result<InstallAnswer, NodeError> {
    match node.handle.request(NodeCommand::Install(request)).await? {
        NodeReply::Install(answer) => Ok(answer),
        other => panic!("{other:?}"),
    }
}

/// Relative paths and contents of all files below `dir`.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let name = entry.path().strip_prefix(dir).unwrap().display().to_string();
                found.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    found
}

fn packs(node: &TestNode) -> std::path::PathBuf {
    node.home.path().join("packs")
}

async fn connected(one: &TestNode, two: &TestNode) {
    eventually("connected", || async { one.sees(two) && two.sees(one) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_package_is_published_found_installed_and_served_on() {
    let publisher = TestNode::alone().await;
    let second = TestNode::knowing(&publisher).await;
    let third = TestNode::knowing(&publisher).await;
    connected(&publisher, &second).await;
    connected(&publisher, &third).await;
    let mut feed = second.handle.subscribe().await.unwrap();
    let dir = package("light-tool", "1.0.0", "");
    let answer = publish(&publisher, dir.path()).await.unwrap();
    assert_eq!((answer.seen_by, answer.held_by, answer.files), (2, 0, 3));
    assert!(answer.share.starts_with("ggen:light-tool@1.0.0?publisher=12D3KooW"), "{}", answer.share);
    // Gossip, not sync: it says so itself.
    loop {
        if let NodeEvent::Feed(item) = feed.next().await.unwrap() {
            assert_eq!((item.release_id, item.via), (answer.release_id, Via::Gossip));
            break;
        }
    }
    let installed = install(&second, "light-tool").await.unwrap();
    let [one] = installed.installed.as_slice() else { panic!("{installed:?}") };
    assert_eq!((one.bytes, one.providers.as_slice()), (answer.size, [publisher.id()].as_slice()));
    assert_eq!(files(Path::new(&one.path)), files(dir.path()));
    let again = install(&second, "light-tool").await.unwrap();
    assert_eq!((again.installed[0].bytes, again.installed[0].providers.len()), (0, 0));
    // The publisher goes; the second node serves the third.
    third.handle.request(NodeCommand::Connect { addr: second.address().await }).await.unwrap();
    publisher.handle.shutdown().await.unwrap();
    let installed = install(&third, "light-tool").await.unwrap();
    assert_eq!(installed.installed[0].providers, [second.id()]);
    assert_eq!(files(Path::new(&installed.installed[0].path)), files(dir.path()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_latecomer_learns_of_it_by_sync() {
    let publisher = TestNode::alone().await;
    let answer = publish(&publisher, package("early-bird", "1.0.0", "").path()).await.unwrap();
    assert_eq!(answer.seen_by, 0);
    let late = TestNode::knowing(&publisher).await;
    let feed = || async { late.context().bus.recent_feed(5) };
    eventually("the release arrives", || async { !feed().await.is_empty() }).await;
    let item = feed().await.remove(0);
    assert_eq!((item.release_id, item.via, item.from), (answer.release_id, Via::Sync, Some(publisher.id())));
    assert_eq!(install(&late, "early-bird").await.unwrap().installed.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_byte_at_the_only_provider_fails_the_install_and_leaves_nothing() {
    let publisher = TestNode::alone().await;
    let answer = publish(&publisher, package("bent", "1.0.0", "").path()).await.unwrap();
    let hex = answer.package_id.to_string();
    let blob = publisher.home.path().join("p2p-cache/blobs").join(&hex[..2]).join(&hex);
    let mut bytes = fs::read(&blob).unwrap();
    bytes[300_000] ^= 0x10;
    fs::write(&blob, bytes).unwrap();
    let asker = TestNode::knowing(&publisher).await;
    connected(&publisher, &asker).await;
    let error = install(&asker, "bent").await.unwrap_err();
    assert_eq!(error.kind.exit_code(), 4, "{error}");
    for part in ["bent 1.0.0", &publisher.id(), "expected ", " got "] {
        assert!(error.message.contains(part), "{part:?} is not in {error}");
    }
    assert!(!packs(&asker).exists() || files(&packs(&asker)).keys().all(|name| name.starts_with('.')));
    let opinion = asker.opinion_of(&publisher);
    assert!(opinion.banned && opinion.reputation < 0.75, "{opinion:?}");
    assert!(opinion.history.iter().any(|line| line.text.contains("leaf 1")), "{opinion:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_again_is_idempotent_and_never_changes_a_version() {
    let node = TestNode::alone().await;
    let dir = package("steady", "1.0.0", "");
    let first = publish(&node, dir.path()).await.unwrap();
    let again = publish(&node, dir.path()).await.unwrap();
    assert!(!first.again && again.again);
    assert_eq!((first.release_id, &first.share), (again.release_id, &again.share));
    fs::write(dir.path().join("README.md"), "changed").unwrap();
    let error = publish(&node, dir.path()).await.unwrap_err();
    assert!(error.message.contains("version 1.0.0 is already published with other content"), "{error}");
    let next = package("steady", "1.1.0", "");
    let both = tokio::join!(publish(&node, next.path()), publish(&node, next.path()));
    assert_eq!(both.0.unwrap().release_id, both.1.unwrap().release_id);
    let detail = NodeCommand::Detail { name: PackageName::new("steady").unwrap(), publisher: None };
    let NodeReply::Detail(releases) = node.handle.request(detail).await.unwrap() else { panic!() };
    let known: Vec<_> = releases.iter().map(|info| (info.version.to_string(), info.sequence, info.have_blob)).collect();
    assert_eq!(known, [("1.1.0".into(), 2, true), ("1.0.0".into(), 1, true)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_published_is_refused_and_leaves_no_trace() {
    let node = TestNode::alone().await;
    let empty = TempDir::new().unwrap();
    for path in [Path::new("/nonexistent"), empty.path()] {
        let error = publish(&node, path).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::NotFound | ErrorKind::Failed) && error.hint.is_some(), "{error:?}");
    }
    let status = node.handle.status().await.unwrap();
    assert_eq!((status.catalog.releases, status.storage.blobs), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inspecting_says_what_publishing_would_do_and_does_not_do_it() {
    let node = TestNode::alone().await;
    let dir = package("seen-through", "2.0.0", "");
    let inspect = NodeCommand::Inspect { path: dir.path().display().to_string(), allow: Vec::new() };
    let NodeReply::Inspect(Inspection::Package(plan)) = node.handle.request(inspect.clone()).await.unwrap() else {
        panic!()
    };
    assert!(plan.publishable && plan.previous.is_none());
    assert_eq!((plan.name.as_str(), plan.files.len()), ("seen-through", 3));
    assert_eq!(node.handle.status().await.unwrap().catalog.releases, 0);
    let answer = publish(&node, dir.path()).await.unwrap();
    assert_eq!((answer.package_id, answer.size), (plan.package_id, plan.size));

    let NodeReply::Inspect(Inspection::Package(plan)) = node.handle.request(inspect.clone()).await.unwrap() else {
        panic!()
    };
    assert_eq!(plan.previous, Some(answer.version));
    fs::write(dir.path().join("package.toml"), "[package]\nname = \n").unwrap();
    fs::write(dir.path().join(".env"), "x").unwrap();
    let NodeReply::Inspect(Inspection::Unreadable(findings)) = node.handle.request(inspect).await.unwrap() else {
        panic!()
    };
    let found: Vec<_> = findings.iter().map(|finding| (finding.code.as_str(), finding.line)).collect();
    assert_eq!(found, [("toml-invalid", Some(2)), ("secret", None)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dependencies_come_first_and_missing_ones_are_warnings() {
    let node = TestNode::alone().await;
    publish(&node, package("base", "1.2.0", "").path()).await.unwrap();
    // A circle, and one that nobody has.
    let middle = "dependencies = [\"base@1\", \"top@1\", \"nowhere-to-be-found@1\"]\n";
    publish(&node, package("middle", "1.0.0", middle).path()).await.unwrap();
    publish(&node, package("top", "1.0.0", "dependencies = [\"middle@1\"]\n").path()).await.unwrap();
    let answer = install(&node, "top").await.unwrap();
    let names: Vec<_> = answer.installed.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["base", "middle", "top"]);
    assert_eq!(answer.warnings.len(), 1, "{:?}", answer.warnings);
    assert!(answer.warnings[0].contains("nowhere-to-be-found"));
    let NodeReply::Installed(list) = node.handle.request(NodeCommand::Installed).await.unwrap() else { panic!() };
    assert_eq!(list.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_key_is_refused_until_the_user_accepts_it() {
    let one = TestNode::alone().await;
    let two = TestNode::knowing(&one).await;
    connected(&one, &two).await;
    let third = TestNode::knowing(&one).await;
    let first = publish(&one, package("claimed", "1.0.0", "").path()).await.unwrap();
    eventually("the release is known", || async { third.handle.status().await.unwrap().catalog.releases == 1 }).await;
    install(&third, "claimed").await.unwrap();
    let other = publish(&two, package("claimed", "9.0.0", "").path()).await.unwrap();
    eventually("both releases are known", || async { third.handle.status().await.unwrap().catalog.releases == 2 })
        .await;
    // The pinned key's version, not the newer one of another.
    assert_eq!(install(&third, "claimed").await.unwrap().installed[0].version.to_string(), "1.0.0");
    let refused = |error: NodeError| {
        assert_eq!(error.kind, ErrorKind::Verification, "{error}");
        for key in [first.publisher, other.publisher] {
            assert!(error.message.contains(&Fingerprint::of(&key).to_string()), "{error}");
        }
        let command = format!("install claimed@=9.0.0 --accept-key {}", other.publisher);
        assert!(error.hint.as_ref().is_some_and(|hint| hint.contains(&command)), "{error:?}");
    };
    refused(install_as(&third, "claimed", None, Some(other.publisher)).await.unwrap_err());
    // Neither a removal nor the key's name alone is the user's word for it.
    let remove = NodeCommand::Remove(Removal::of(PackageName::new("claimed").unwrap()));
    let NodeReply::Removed(answer) = third.handle.request(remove.clone()).await.unwrap() else { panic!() };
    assert_eq!(answer.removed.len(), 1);
    assert!(!packs(&third).join("claimed").exists());
    assert_eq!(third.handle.request(remove).await.unwrap_err().kind, ErrorKind::NotFound);
    refused(install_as(&third, "claimed", None, Some(other.publisher)).await.unwrap_err());
    assert!(!packs(&third).join("claimed").exists());

    let name = PackageName::new("claimed").unwrap();
    let asked = InstallRequest::of(name, Some("=9.0.0".parse().unwrap()), Some(other.publisher));
    let accept = |key| InstallRequest { accept_key: Some(key), ..asked.clone() };
    let error = send(&third, accept(first.publisher)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Usage, "{error}");
    let installed = send(&third, accept(other.publisher)).await.unwrap();
    assert_eq!(installed.installed[0].version.to_string(), "9.0.0");
    // From now on the new key is the pinned one.
    assert_eq!(install(&third, "claimed").await.unwrap().installed[0].version.to_string(), "9.0.0");
    let error = install_as(&third, "claimed", None, Some(first.publisher)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Verification, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_of_two_publishers_needs_a_choice() {
    let one = TestNode::alone().await;
    let two = TestNode::knowing(&one).await;
    connected(&one, &two).await;
    publish(&one, package("claimed", "1.0.0", "").path()).await.unwrap();
    assert_eq!(publish(&two, package("claimed", "9.0.0", "").path()).await.unwrap().seen_by, 1);
    // A node without a pin must be told whose.
    let third = TestNode::knowing(&one).await;
    eventually("both releases are known", || async { third.handle.status().await.unwrap().catalog.releases == 2 })
        .await;
    let error = install(&third, "claimed").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Usage, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_blob_of_ones_own_is_fetched_anew() {
    let publisher = TestNode::alone().await;
    let second = TestNode::knowing(&publisher).await;
    connected(&publisher, &second).await;
    let answer = publish(&publisher, package("mended", "1.0.0", "").path()).await.unwrap();
    install(&second, "mended").await.unwrap();
    let remove = NodeCommand::Remove(Removal::of(PackageName::new("mended").unwrap()));
    second.handle.request(remove).await.unwrap();
    let hex = answer.package_id.to_string();
    let blob = second.home.path().join("p2p-cache/blobs").join(&hex[..2]).join(&hex);
    let mut bytes = fs::read(&blob).unwrap();
    bytes[10] ^= 1;
    fs::write(&blob, bytes).unwrap();
    let installed = install(&second, "mended").await.unwrap();
    assert_eq!(installed.installed[0].providers, [publisher.id()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_installs_of_one_name_take_turns() {
    let publisher = TestNode::alone().await;
    let second = TestNode::knowing(&publisher).await;
    connected(&publisher, &second).await;
    publish(&publisher, package("popular", "1.0.0", "").path()).await.unwrap();
    let (one, two) = tokio::join!(install(&second, "popular"), install(&second, "popular"));
    let mut fetched = [one.unwrap().installed[0].bytes, two.unwrap().installed[0].bytes];
    fetched.sort_unstable();
    assert!(fetched[0] == 0 && fetched[1] > 0, "{fetched:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_given_up_leaves_files_and_notes_in_agreement() {
    let node = TestNode::alone().await;
    publish(&node, package("given-up", "1.0.0", "").path()).await.unwrap();
    let name = PackageName::new("given-up").unwrap();
    let agree = || async {
        // Whoever is still at it holds this.
        let _lock = node.context().services.installing(&name).await;
        let there = packs(&node).join("given-up").exists();
        assert_eq!(node.handle.installed().await.unwrap().len(), usize::from(there));
        there
    };
    let mut outcomes = std::collections::BTreeSet::new();
    for delay in (0..60).map(|n| Duration::from_micros(n * 500)) {
        let given_up = tokio::time::timeout(delay, install(&node, "given-up")).await.is_err();
        outcomes.insert((given_up, agree().await));
        let remove = NodeCommand::Remove(Removal::of(name.clone()));
        let _ = tokio::time::timeout(delay / 8, node.handle.request(remove.clone())).await;
        agree().await;
        let _ = node.handle.request(remove).await;
    }
    assert!(outcomes.iter().any(|(given_up, _)| *given_up), "{outcomes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn installed_bytes_are_kept_only_where_the_cache_has_room() {
    let publisher = TestNode::alone().await;
    let addr = publisher.address().await;
    let small = TestNode::with(|settings| {
        settings.network.bootstrap_nodes = vec![addr];
        settings.storage.max_cache_size = crate::config::ByteSize(1000);
    })
    .await;
    connected(&publisher, &small).await;
    publish(&publisher, package("too-big-to-keep", "1.0.0", "").path()).await.unwrap();
    assert_eq!(install(&small, "too-big-to-keep").await.unwrap().installed.len(), 1);
    assert_eq!(small.handle.status().await.unwrap().storage.blobs, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_can_wait_until_others_hold_the_bytes() {
    let publisher = TestNode::alone().await;
    let addr = publisher.address().await;
    let mirror = TestNode::with(|settings| {
        settings.network.bootstrap_nodes = vec![addr];
        settings.storage.mirror = Mirror::All;
    })
    .await;
    connected(&publisher, &mirror).await;
    let dir = package("wanted", "1.0.0", "");
    let path = dir.path().display().to_string();
    let request = PublishRequest { path, job: 7, wait_for: 1, wait_timeout_s: 20, allow: Vec::new() };
    let mut events = publisher.handle.subscribe().await.unwrap();
    let reply = publisher.handle.request(NodeCommand::Publish(request)).await.unwrap();
    let NodeReply::Publish(answer) = reply else { panic!("{reply:?}") };
    assert_eq!((answer.seen_by, answer.held_by), (1, 1));
    let mut stages = Vec::new();
    while stages.last() != Some(&(PublishStage::Confirming, 1)) {
        if let NodeEvent::Publish { job: 7, stage, seen_by } = events.next().await.unwrap() {
            stages.push((stage, seen_by));
        }
    }
    assert!(stages.is_sorted(), "{stages:?}");
    assert_eq!(stages.len(), 7, "{stages:?}");
    // Nobody else will: the answer comes when the time is over.
    let path = package("unwanted", "1.0.0", "");
    let path = path.path().display().to_string();
    publisher.handle.request(NodeCommand::Disconnect { peer: None }).await.unwrap();
    let request = PublishRequest { path, job: 8, wait_for: 1, wait_timeout_s: 1, allow: Vec::new() };
    let NodeReply::Publish(answer) = publisher.handle.request(NodeCommand::Publish(request)).await.unwrap() else {
        panic!()
    };
    assert_eq!(answer.held_by, 0);
}

/// Which version was chosen at one time must not hold back those that come later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_is_chosen_is_not_what_is_asked_for() {
    let node = TestNode::alone().await;
    publish(&node, package("chosen", "1.0.0", "").path()).await.unwrap();
    let requirement = || async {
        let list = node.handle.installed().await.unwrap();
        list[0].requirement.as_ref().map(ToString::to_string)
    };
    let name = PackageName::new("chosen").unwrap();
    let exact = InstallRequest::of(name.clone(), Some("=1.0.0".parse().unwrap()), None);
    send(&node, exact.clone()).await.unwrap();
    assert_eq!(requirement().await.as_deref(), Some("=1.0.0"), "asked for by a person");
    node.handle.remove(Removal::of(name)).await.unwrap();
    let chosen = InstallRequest { chosen: true, ..exact };
    send(&node, chosen.clone()).await.unwrap();
    assert_eq!(requirement().await, None, "chosen from a list");
    install_as(&node, "chosen", Some("^1"), None).await.unwrap();
    send(&node, InstallRequest { reinstall: true, ..chosen.clone() }).await.unwrap();
    assert_eq!(requirement().await.as_deref(), Some("^1"), "what was asked for before stays");
    publish(&node, package("chosen", "1.1.0", "").path()).await.unwrap();
    assert_eq!(node.handle.outdated().await.unwrap()[0].wanted.to_string(), "1.1.0");
    let newer = InstallRequest { packages: vec![], ..chosen };
    let newer = InstallRequest { update: true, ..newer };
    assert_eq!(send(&node, newer).await.unwrap().installed[0].version.to_string(), "1.1.0");
    assert_eq!(requirement().await.as_deref(), Some("^1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn installed_files_are_listed_and_compared() {
    let node = TestNode::alone().await;
    publish(&node, package("looked-at", "1.0.0", "").path()).await.unwrap();
    install(&node, "looked-at").await.unwrap();
    let name = PackageName::new("looked-at").unwrap();
    let ask = |command: NodeCommand| node.handle.request(command);
    let files = NodeCommand::InstalledFiles { name: name.clone() };
    let NodeReply::Files(files) = ask(files).await.unwrap() else { panic!() };
    let paths: Vec<_> = files.files.iter().map(|file| file.path.to_string()).collect();
    assert_eq!(paths, ["README.md", "data/large.bin", "package.toml"]);
    assert_eq!((files.files[1].size, files.unlisted, files.unknown), (600_000, 0, false));
    assert!(node.handle.verify(name.clone()).await.unwrap().is_sound());
    fs::write(packs(&node).join("looked-at/README.md"), "other").unwrap();
    let found = node.handle.verify(name).await.unwrap();
    assert!(!found.is_sound());
    assert_eq!(found.problems.iter().map(|problem| problem.path.to_string()).collect::<Vec<_>>(), ["README.md"]);
    let error = node.handle.verify(PackageName::new("not-there").unwrap()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    let NodeReply::Settings(settings) = ask(NodeCommand::Settings).await.unwrap() else { panic!() };
    assert_eq!(settings.network.name, super::super::super::testing::NETWORK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_package_can_be_looked_into_without_installing_it() {
    let publisher = TestNode::alone().await;
    publish(&publisher, package("looked-into", "1.0.0", "").path()).await.unwrap();
    let reader = TestNode::knowing(&publisher).await;
    let name = PackageName::new("looked-into").unwrap();
    eventually("it is known", || async { !reader.handle.detail(name.clone(), None).await.unwrap().is_empty() }).await;
    let release = reader.handle.detail(name.clone(), None).await.unwrap().remove(0);
    let inside = || reader.handle.contents(name.clone(), release.version.clone(), release.publisher);
    let list = inside().await.unwrap();
    let files: Vec<_> = list.files.iter().map(|file| (file.path.as_str(), file.size)).collect();
    let (readme, manifest) = (files[0].1, files[2].1);
    assert_eq!(files, [("README.md", readme), ("data/large.bin", 600_000), ("package.toml", manifest)]);
    assert_eq!((readme, list.unlisted, list.unknown), ("# looked-into 1.0.0\n".len() as u64, 0, false));
    assert!(reader.handle.installed().await.unwrap().is_empty() && !packs(&reader).join("looked-into").exists());
    // Its bytes are here now: the second look, and an install, need nobody.
    publisher.handle.shutdown().await.unwrap();
    eventually("the publisher is gone", || async { !reader.sees(&publisher) }).await;
    assert_eq!(inside().await.unwrap(), list);
    install(&reader, "looked-into").await.unwrap();
    let other = reader.handle.contents(name.clone(), semver::Version::new(9, 9, 9), release.publisher).await;
    assert_eq!(other.unwrap_err().kind, ErrorKind::NotFound);
}
