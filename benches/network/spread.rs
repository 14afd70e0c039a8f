//! How fast a release is in all catalogues, and how a name is found.

use std::time::{Duration, Instant};

use super::nodes::{Node, network, resident, until};

const PUBLISHED: usize = 10;

pub async fn run(sizes: &[u64]) {
    for size in sizes {
        of(usize::try_from(*size).expect("a number of nodes")).await;
    }
}

async fn of(size: usize) {
    let begun = Instant::now();
    let nodes = network(size).await;
    println!(
        "\n{size} nodes joined within {:.1} s, {} MiB resident for all",
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
}

async fn have(nodes: &[Node], releases: usize) -> usize {
    let mut having = 0;
    for node in nodes {
        having += usize::from(node.releases().await >= releases as u64);
    }
    having
}

fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |part: f64| times[((times.len() - 1) as f64 * part).round() as usize].as_millis();
    println!("{what}: median {} ms, slowest of {PUBLISHED} {} ms", at(0.5), at(1.0));
}
