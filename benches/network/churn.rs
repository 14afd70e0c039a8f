//! Nodes that come and go: what a search finds meanwhile.

use std::time::{Duration, Instant};

use super::nodes::{network, until};

const NODES: usize = 20;
const RESTART_EVERY: Duration = Duration::from_secs(2);
const SEARCH_EVERY: Duration = Duration::from_millis(200);
/// Published again and again while nodes come and go.
const PUBLISH_EVERY: u32 = 4;

pub async fn run(lasting: Duration) {
    let mut nodes = network(NODES).await;
    let mut names: Vec<(String, Instant)> = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let name = format!("steady-{index}");
        node.publish(&name).await;
        names.push((name, Instant::now()));
    }
    until("all have all", || async {
        for node in &nodes {
            if node.releases().await < NODES as u64 {
                return false;
            }
        }
        true
    })
    .await;
    let (begun, mut restarts, mut searches, mut found) = (Instant::now(), 0u32, 0u32, 0u32);
    while begun.elapsed() < lasting {
        let at = restarts as usize * 7 % nodes.len();
        let node = nodes.swap_remove(at);
        let known: Vec<String> = nodes.iter().take(2).map(|node| node.address.clone()).collect();
        nodes.push(node.restart(&known).await);
        restarts += 1;
        if restarts.is_multiple_of(PUBLISH_EVERY) {
            let name = format!("fresh-{restarts}");
            nodes[(at + 5) % nodes.len()].publish(&name).await;
            names.push((name, Instant::now()));
        }
        let next = begun + RESTART_EVERY * restarts;
        while Instant::now() < next {
            // What is published is asked for five seconds later, of whoever: of one that has just come back, too.
            let asked: Vec<_> = names.iter().filter(|(_, at)| at.elapsed() > Duration::from_secs(5)).collect();
            if !asked.is_empty() {
                let (name, _) = asked[searches as usize * 31 % asked.len()];
                let node = &nodes[searches as usize * 17 % nodes.len()];
                let hit = node.finds(name, true).await;
                searches += 1;
                found += u32::from(hit);
            }
            tokio::time::sleep(SEARCH_EVERY).await;
        }
    }
    println!(
        "\n{restarts} restarts among {NODES} nodes in {} s: {found} of {searches} searches found the package ({:.2} %)",
        begun.elapsed().as_secs(),
        f64::from(found) * 100.0 / f64::from(searches.max(1))
    );
}
