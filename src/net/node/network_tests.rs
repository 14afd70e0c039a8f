//! Who is let in, remembered and waited for.

use super::super::error::ErrorKind;
use super::super::testing::{TestNode, eventually, options, settings};
use super::start;
use crate::config::ByteSize;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_of_networks_of_different_names_do_not_stay_connected() {
    let one = TestNode::alone().await;
    let address = one.address().await;
    let other = TestNode::with(|settings| settings.network.name = "other".into()).await;
    // Whoever of the two reads first what the other is lets go of it, and knows why.
    let error = other.handle.connect(address).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Network);
    eventually("both are alone", || async { !one.sees(&other) && !other.sees(&one) }).await;
    let why = |node: &TestNode, of: &TestNode| node.opinion_of(of).away.map(|event| event.text.to_string());
    let told = [why(&one, &other), why(&other, &one)];
    let expected = |text: &Option<String>| {
        text.as_ref()
            .is_some_and(|text| text.contains("it is a node of the network \"other\"") || text.contains("\"test\""))
    };
    assert!(told.iter().any(expected), "{told:?}");
    assert_eq!(one.handle.status().await.unwrap().dht.routing_table, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_may_not_have_more_memory_says_that_this_is_why_it_is_alone() {
    let one = TestNode::alone().await;
    let address = one.address().await;
    let two = TestNode::knowing(&one).await;
    eventually("they are connected", || async { two.sees(&one) && one.sees(&two) }).await;
    let two = two.restarted(|settings| settings.performance.max_memory = ByteSize(1)).await;
    let is_memory = |name: &str| name == "memory";
    eventually("the limit shows", || async {
        two.handle.status().await.unwrap().limits.iter().any(|limit| is_memory(&limit.name))
    })
    .await;
    let away = two.opinion_of(&one).away.unwrap();
    assert!(away.text.contains("performance.max_memory"), "{away:?}");
    let error = two.handle.connect(address).await.unwrap_err();
    assert!(error.hint.unwrap().contains("performance.max_memory"), "{}", error.message);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_starts_while_the_node_of_the_home_ends_waits_for_it() {
    let one = TestNode::alone().await;
    let socket = one.context().home.socket_file();
    let ending = one.handle.clone();
    let ended = tokio::spawn(async move { ending.shutdown().await });
    eventually("it answers no more", || async { !socket.exists() }).await;
    let again = start(options(one.home.path(), settings())).await.unwrap();
    ended.await.unwrap().unwrap();
    again.shutdown().await.unwrap();
}
