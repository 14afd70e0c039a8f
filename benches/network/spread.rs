//! How fast a release is in all catalogues, how a name is found, and how many peers a look-up in the DHT asks.

use std::time::{Duration, Instant};

use libp2p::PeerId;

use super::nodes::{Node, network, resident, until};

const PUBLISHED: usize = 10;
/// Look-ups of which the requests are counted.
const LOOKED_UP: usize = 20;

pub async fn run(sizes: &[u64]) {
    for size in sizes {
        of(usize::try_from(*size).expect("a number of nodes")).await;
    }
}

async fn of(size: usize) {
    let begun = Instant::now();
    let nodes = network(size).await;
    println!(
        "\n{size} nodes joined within {:.1} s, {:.0} MiB resident for all",
        begun.elapsed().as_secs_f64(),
        resident()
    );
    let (mut nearly, mut all) = (Vec::new(), Vec::new());
    for index in 0..PUBLISHED {
        let publisher = &nodes[index * 7 % size];
        let name = format!("spread-{index}");
        publisher.publish(&name).await;
        let published = Instant::now();
        until("99 % have it", || async { have(&nodes, index + 1).await * 100 >= size * 99 }).await;
        nearly.push(published.elapsed());
        until("all have it", || async { have(&nodes, index + 1).await == size }).await;
        all.push(published.elapsed());
        assert!(nodes[(index * 13 + 1) % size].finds(&name, false).await, "an exact name is found");
    }
    tell("99 % of the catalogues have a release", nearly);
    tell("all have it", all);
    requests(&nodes).await;
}

/// Each asks for who is closest to an id of nobody: the whole way that any look-up can take.
async fn requests(nodes: &[Node]) {
    let mut asked = Vec::new();
    for index in 0..LOOKED_UP {
        let handle = &nodes[index * 11 % nodes.len()].handle;
        let wanted = PeerId::random().to_string();
        handle.lookup(wanted.clone()).await.expect("an answer");
        let queries = handle.dht().await.expect("the DHT").queries;
        let query = queries.iter().find(|query| query.kind == "find_peer" && query.key.as_str().contains(&wanted));
        asked.push(query.expect("the query").requests);
    }
    asked.sort_unstable();
    let mean = f64::from(asked.iter().sum::<u32>()) / LOOKED_UP as f64;
    println!(
        "DHT requests for a look-up: mean {mean:.1}, median {}, most {}",
        asked[LOOKED_UP / 2],
        asked[LOOKED_UP - 1]
    );
}

async fn have(nodes: &[Node], releases: usize) -> usize {
    let mut having = 0;
    for node in nodes {
        having += usize::from(node.releases().await >= releases as u64);
    }
    having
}

fn tell(what: &str, times: Vec<Duration>) {
    let ms: Vec<u128> = times.iter().map(Duration::as_millis).collect();
    let mut sorted = ms.clone();
    sorted.sort_unstable();
    println!(
        "{what}: median {} ms, slowest {} ms; one after another {ms:?}",
        sorted[PUBLISHED / 2],
        sorted[PUBLISHED - 1]
    );
}
