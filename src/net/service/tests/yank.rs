//! Withdrawing a version, and taking that back.

use crate::net::service::yank;

use super::*;

fn request(version: &str, reason: Option<&str>) -> YankRequest {
    YankRequest {
        name: PackageName::new("tool").unwrap(),
        version: version.parse().unwrap(),
        reason: reason.map(str::to_owned),
    }
}

async fn answer(node: &TestNode, request: YankRequest) -> YankAnswer {
    match yank(&node.context, request).await.unwrap() {
        NodeReply::Yank(answer) => answer,
        other => panic!("{other:?}"),
    }
}

async fn found(node: &TestNode) -> Vec<String> {
    let request = SearchRequest { query: "tool".into(), ..Default::default() };
    let NodeReply::Search(found) = search(&node.context, request).await.unwrap() else { panic!() };
    found.results.iter().map(|hit| hit.version.to_string()).collect()
}

#[tokio::test]
async fn a_yank_reaches_others_and_can_be_taken_back() {
    let (one, two) = (TestNode::start().await, TestNode::start().await);
    one.store("tool", "1.0.0", b"one").await;
    one.store("tool", "1.1.0", b"two").await;
    let withdrawn = answer(&one, request("1.1.0", Some("deletes the wrong files"))).await;
    assert_eq!(withdrawn.reason.as_deref(), Some("deletes the wrong files"));
    assert_eq!(found(&one).await, ["1.0.0"]);
    let (key, name) = (withdrawn.publisher, withdrawn.name.clone());
    let head = one.context.store.run(move |db| db.head_standing(key, &name, 0));
    assert_eq!(head.await.unwrap().unwrap().newest, Some("1.0.0".parse().unwrap()), "its head says so too");
    two.join(&one).await;
    sync::with_peer(&two.context, one.id()).await.unwrap();
    assert_eq!(found(&two).await, ["1.0.0"]);
    let install = r#"{"packages":[{"name":"tool","requirement":"=1.1.0"}]}"#;
    let install = crate::net::service::install::install(&two.context, serde_json::from_str(install).unwrap());
    let error = install.await.unwrap_err();
    assert!(error.message.contains("deletes the wrong files"), "{error}");
    assert_eq!(answer(&one, request("1.1.0", None)).await.reason, None);
    assert_eq!(found(&one).await, ["1.1.0"]);
    sync::with_peer(&two.context, one.id()).await.unwrap();
    assert_eq!(found(&two).await, ["1.1.0"]);
}

#[tokio::test]
async fn what_cannot_be_withdrawn_says_why() {
    let (one, two) = (TestNode::start().await, TestNode::start().await);
    one.store("tool", "1.0.0", b"one").await;
    two.join(&one).await;
    sync::with_peer(&two.context, one.id()).await.unwrap();
    answer(&one, request("1.0.0", Some("broken"))).await;
    for (node, request, kind, why) in [
        (&one, request("1.0.0", Some("broken")), ErrorKind::Failed, "is withdrawn already: broken"),
        (&one, request("3.0.0", Some("broken")), ErrorKind::NotFound, "this home has published no tool 3.0.0"),
        (&one, request("1.0.0", Some(" ")), ErrorKind::Usage, "without a reason"),
        (&two, request("1.0.0", Some("mine")), ErrorKind::Permission, "not with a key of this home"),
    ] {
        let error = yank(&node.context, request).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(why) && error.hint.is_some(), "{error}");
    }
    answer(&one, request("1.0.0", Some("for another reason"))).await;
    answer(&one, request("1.0.0", None)).await;
    let error = yank(&one.context, request("1.0.0", None)).await.unwrap_err();
    assert!(error.message.contains("is not withdrawn"), "{error}");
}
