//! The figures of docs/BENCHMARKS.md for many nodes in one process, on loopback: how fast what is published is everywhere, what a
//! partition, churn and a flood of announcements do.
//!
//! ```text
//! cargo bench --bench network -- spread 10 30 100
//! cargo bench --bench network -- partition [seconds]
//! cargo bench --bench network -- churn [seconds]
//! cargo bench --bench network -- flood [announcements a second] [seconds]
//! cargo bench --bench network -- hostile [announcements a second] [seconds]
//! cargo bench --bench network -- memory [peers] [seconds]
//! ```
//! The nodes that `hostile` and `memory` look at are processes of their own.
//! Linux only (reads /proc).

mod churn;
mod flood;
#[path = "../../tests/end_to_end/harness.rs"]
#[allow(dead_code)]
mod harness;
mod hostile;
mod memory;
mod nodes;
mod package;
mod partition;
#[path = "../support/process.rs"]
#[allow(dead_code)]
mod process;
mod spread;

use std::time::Duration;

/// Threads for all nodes together, besides one of each for its database.
const THREADS: usize = 4;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let mut arguments = arguments.iter().map(String::as_str);
    let which = arguments.next().unwrap_or("all");
    let numbers: Vec<u64> = arguments.map(|number| number.parse().expect("a number")).collect();
    let number = |index: usize, usual: u64| numbers.get(index).copied().unwrap_or(usual);
    let seconds = |index: usize, usual: u64| Duration::from_secs(number(index, usual));
    runtime.block_on(async {
        match which {
            "spread" => spread::run(&numbers).await,
            "partition" => partition::run(seconds(0, 60)).await,
            "churn" => churn::run(seconds(0, 180)).await,
            "flood" => flood::run(number(0, 1000), seconds(1, 30)).await,
            "hostile" => hostile::run(number(0, 5000), seconds(1, 20)).await,
            "memory" => memory::run(number(0, 50) as usize, seconds(1, 300)),
            "all" => {
                spread::run(&[10, 30, 100]).await;
                partition::run(seconds(0, 60)).await;
                churn::run(seconds(0, 180)).await;
                flood::run(1000, seconds(0, 30)).await;
                hostile::run(5000, seconds(0, 20)).await;
                memory::run(50, seconds(0, 300));
            }
            other => panic!("{other:?} is none of spread, partition, churn, flood, hostile, memory"),
        }
    });
}
