//! Two halves that do not reach each other for a while publish on; how long until all have all.

use std::time::Duration;

use super::nodes::{Node, network, until};

const HALF: usize = 5;
const PUBLISHED: usize = 20;

pub async fn run(apart: Duration) {
    let nodes = network(2 * HALF).await;
    let (left, right) = nodes.split_at(HALF);
    for (one, other) in pairs(left, right) {
        one.handle.ban(other.id.clone(), "partition".into(), None).await.expect("a ban");
    }
    until("the halves are apart", || async {
        for (half, others) in [(left, right), (right, left)] {
            for node in half {
                let peers = node.handle.peers().await.expect("peers");
                if peers.iter().any(|peer| peer.connected && others.iter().any(|other| other.id == peer.peer_id)) {
                    return false;
                }
            }
        }
        true
    })
    .await;
    let pause = apart / PUBLISHED as u32;
    for number in 0..PUBLISHED {
        left[number % HALF].publish(&format!("left-{number}")).await;
        right[number % HALF].publish(&format!("right-{number}")).await;
        tokio::time::sleep(pause).await;
    }
    let (on_left, on_right) = (left[0].releases().await, right[0].releases().await);
    println!("\nafter {} s apart: {on_left} releases on the one side, {on_right} on the other", apart.as_secs());
    assert!(on_left <= PUBLISHED as u64 && on_right <= PUBLISHED as u64, "they were not apart");
    for (one, other) in pairs(left, right) {
        one.handle.unban(other.id.clone()).await.expect("no ban");
    }
    let healed = until("all have all", || async {
        for node in &nodes {
            if node.releases().await < 2 * PUBLISHED as u64 {
                return false;
            }
        }
        true
    })
    .await;
    println!(
        "all {} releases on all {} nodes {:.1} s after it ended",
        2 * PUBLISHED,
        nodes.len(),
        healed.as_secs_f64()
    );
}

fn pairs<'a>(left: &'a [Node], right: &'a [Node]) -> Vec<(&'a Node, &'a Node)> {
    let one_way = left.iter().flat_map(|one| right.iter().map(move |other| (one, other)));
    one_way.flat_map(|(one, other)| [(one, other), (other, one)]).collect()
}
