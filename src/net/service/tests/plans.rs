//! What an install plans, where what is installed has a say in it.

use super::packages::{install, install_as, package, publish, send};
use crate::market::PackageName;
use crate::market::store::Reason;
use crate::market::trust::Fingerprint;
use crate::net::api::*;
use crate::net::error::{ErrorKind, NodeError};
use crate::net::testing::{TestNode, eventually};

fn name(text: &str) -> PackageName {
    PackageName::new(text).unwrap()
}

async fn versions(node: &TestNode) -> Vec<String> {
    let list = node.handle.installed().await.unwrap();
    list.iter().map(|entry| format!("{} {}", entry.name, entry.version)).collect()
}

async fn publish_all(node: &TestNode, packages: &[(&str, &str, &str)]) {
    for (name, version, dependencies) in packages {
        let more = format!("dependencies = [{dependencies}]\n");
        publish(node, package(name, version, &more).path()).await.unwrap();
    }
}

async fn withdraw(node: &TestNode, package: &str, version: &str) {
    let request = YankRequest { name: name(package), version: version.parse().unwrap(), reason: Some("broken".into()) };
    node.handle.request(NodeCommand::Yank(request)).await.unwrap();
}

fn update() -> InstallRequest {
    InstallRequest { update: true, ..InstallRequest::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_asked_for_is_not_given_up_for_what_another_package_needs() {
    let node = TestNode::alone().await;
    publish_all(&node, &[("lower", "1.0.0", ""), ("lower", "2.0.0", ""), ("upper", "1.0.0", "\"lower@^1\"")]).await;
    install_as(&node, "lower", Some("^2"), None).await.unwrap();
    let error = install(&node, "upper").await.unwrap_err();
    assert!(error.message.contains("you asked for lower ^2"), "{error}");
    assert_eq!(versions(&node).await, ["lower 2.0.0"]);
    // Unless that is asked for, too.
    let mut both = InstallRequest::of(name("upper"), None, None);
    both.packages.push(WantedPackage {
        name: name("lower"),
        requirement: Some("^1".parse().unwrap()),
        publisher: None,
    });
    send(&node, both).await.unwrap();
    assert_eq!(versions(&node).await, ["lower 1.0.0", "upper 1.0.0"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_package_that_cannot_be_updated_does_not_keep_the_others_back() {
    let node = TestNode::alone().await;
    publish_all(&node, &[("stuck", "1.0.0", ""), ("moving", "1.0.0", "")]).await;
    install(&node, "stuck").await.unwrap();
    install(&node, "moving").await.unwrap();
    publish_all(&node, &[("moving", "1.1.0", "")]).await;
    withdraw(&node, "stuck", "1.0.0").await;
    let answer = send(&node, update()).await.unwrap();
    assert_eq!(versions(&node).await, ["moving 1.1.0", "stuck 1.0.0"]);
    let [warning] = answer.warnings.as_slice() else { panic!("{answer:?}") };
    assert!(warning.starts_with("stuck stays as it is: ") && warning.contains("withdrawn"), "{warning}");
    // By itself it is an error, and so is an update of nothing but such.
    let one = InstallRequest { update: true, ..InstallRequest::of(name("stuck"), None, None) };
    assert_eq!(send(&node, one).await.unwrap_err().kind, ErrorKind::NotFound);
    withdraw(&node, "moving", "1.1.0").await;
    withdraw(&node, "moving", "1.0.0").await;
    assert_eq!(send(&node, update()).await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_install_from_a_lock_file_asks_for_nothing_anew() {
    let node = TestNode::alone().await;
    publish_all(&node, &[("lower", "1.0.0", ""), ("upper", "1.0.0", "\"lower@^1\"")]).await;
    let exact =
        |text: &str| WantedPackage { name: name(text), requirement: Some("=1.0.0".parse().unwrap()), publisher: None };
    let locked = |text: &str| LockedPackage {
        name: name(text),
        version: "1.0.0".parse().unwrap(),
        publisher: None,
        package_id: None,
    };
    let from_lock = InstallRequest {
        packages: vec![exact("lower"), exact("upper")],
        locked: vec![locked("lower"), locked("upper")],
        from_lock: true,
        ..InstallRequest::default()
    };
    let wishes = || async {
        let list = node.handle.installed().await.unwrap();
        list.iter().map(|entry| (entry.reason, entry.requirement.clone())).collect::<Vec<_>>()
    };
    send(&node, from_lock.clone()).await.unwrap();
    assert_eq!(wishes().await, [(Reason::Needed, None), (Reason::Asked, None)]);
    // What is in place keeps the reason that it has.
    install_as(&node, "upper", Some("^1"), None).await.unwrap();
    send(&node, from_lock).await.unwrap();
    assert_eq!(wishes().await, [(Reason::Needed, None), (Reason::Asked, Some("^1".parse().unwrap()))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_bytes_than_the_lock_file_names_are_told_and_no_other_version_is_taken() {
    let node = TestNode::alone().await;
    publish_all(&node, &[("locked", "1.0.0", ""), ("locked", "1.1.0", "")]).await;
    let locked = LockedPackage {
        name: name("locked"),
        version: "1.1.0".parse().unwrap(),
        publisher: None,
        package_id: Some(crate::market::PackageId([7; 32])),
    };
    let request = InstallRequest { locked: vec![locked], ..InstallRequest::of(name("locked"), None, None) };
    let error = send(&node, request.clone()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Verification, "{error}");
    assert!(error.message.contains("lock file"), "{error}");
    // Who asks for another version than the locked one gets it.
    let mut other = request;
    other.packages[0].requirement = Some("=1.0.0".parse().unwrap());
    assert_eq!(send(&node, other).await.unwrap().installed[0].version.to_string(), "1.0.0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_only_another_key_has_signed_is_a_question_of_the_key() {
    let one = TestNode::alone().await;
    let two = TestNode::knowing(&one).await;
    eventually("connected", || async { one.sees(&two) && two.sees(&one) }).await;
    let first = publish(&one, package("claimed", "1.0.0", "").path()).await.unwrap();
    install(&one, "claimed").await.unwrap();
    let other = publish(&two, package("claimed", "9.0.0", "").path()).await.unwrap();
    eventually("both are known", || async { one.handle.status().await.unwrap().catalog.releases == 2 }).await;
    let error: NodeError = install_as(&one, "claimed", Some("^9"), None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Verification, "{error}");
    for key in [first.publisher, other.publisher] {
        assert!(error.message.contains(&Fingerprint::of(&key).to_string()), "{error}");
    }
    assert_eq!(install_as(&one, "claimed", Some("^5"), None).await.unwrap_err().kind, ErrorKind::NotFound);
}
