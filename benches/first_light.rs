//! The figures of docs/BENCHMARKS.md: start-up, answers, memory and idleness of the real program.
//! `cargo bench --bench first_light`; takes about two minutes. Linux only (reads /proc).

#[path = "../tests/end_to_end/harness.rs"]
#[allow(dead_code)]
mod harness;
#[path = "support/process.rs"]
#[allow(dead_code)]
mod process;
#[path = "../tests/end_to_end/terminal.rs"]
#[allow(dead_code)]
mod terminal;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use harness::{Home, Node, command};
use process::{cpu_seconds, resident_mib};
use terminal::Terminal;

/// What the first frame shows, whatever the node is doing.
const FIRST_FRAME: &str = "Overview";
const IDLE_WATCH: Duration = Duration::from_secs(60);

fn main() {
    println!("{:<44} {:>9} {:>9} {:>9}", "times in ms", "p50", "p95", "max");
    row("baseline: exec of `true`", 50, exec_true);
    row("exec to first frame, fresh home", 20, || first_frame(&Home::new()));
    let known = Home::new();
    first_frame(&known);
    row("exec to first frame, known home", 20, || first_frame(&known));
    row("exec to listening, fresh home", 20, || listening(&Home::new()));
    let node = Node::start(&[]);
    row("`status` verb, node running", 50, || timed(|| drop(node.home.run(&["status"]))));
    memory(&node);
    idle_dashboard();
}

/// Runs `measure` `times` times and prints its quantiles.
fn row(what: &str, times: usize, mut measure: impl FnMut() -> Duration) {
    let mut taken: Vec<f64> = (0..times).map(|_| measure().as_secs_f64() * 1000.0).collect();
    taken.sort_by(f64::total_cmp);
    let at = |part: f64| taken[((taken.len() - 1) as f64 * part).round() as usize];
    println!("{what:<44} {:>9.1} {:>9.1} {:>9.1}", at(0.5), at(0.95), at(1.0));
}

fn timed(run: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    run();
    begun.elapsed()
}

fn exec_true() -> Duration {
    timed(|| drop(Command::new("true").status()))
}

fn first_frame(home: &Home) -> Duration {
    let begun = Instant::now();
    let terminal = Terminal::open(&home.path(), &["--listen", "/ip4/127.0.0.1/tcp/0", "--no-mdns"], 40, 120);
    while !terminal.screen().contains(FIRST_FRAME) {
        assert!(begun.elapsed() < harness::PATIENCE, "no first frame");
        std::thread::sleep(Duration::from_micros(200));
    }
    begun.elapsed()
}

fn listening(home: &Home) -> Duration {
    let begun = Instant::now();
    let mut child = command(&home.path())
        .args(["--no-ui", "--listen", "/ip4/127.0.0.1/tcp/0", "--no-mdns"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the node starts");
    let lines = BufReader::new(child.stderr.take().expect("stderr")).lines();
    let ready = lines.map_while(Result::ok).find(|line| line.contains("/ip4/127.0.0.1/tcp/"));
    let elapsed = begun.elapsed();
    assert!(ready.is_some(), "the node never listened");
    let _ = child.kill();
    let _ = child.wait();
    elapsed
}

fn memory(node: &Node) {
    println!("\n{:<44} {:>9}", "resident memory in MiB, headless", "");
    println!("{:<44} {:>9.1}", "idle, no peers", resident_mib(node.pid()));
    let others: Vec<Node> = (0..10).map(|_| Node::start(&[node])).collect();
    node.wait_for_peers(others.len() as u64);
    std::thread::sleep(Duration::from_secs(10));
    println!("{:<44} {:>9.1}", "10 peers, 10 s after the last joined", resident_mib(node.pid()));
}

fn idle_dashboard() {
    let home = Home::new();
    let terminal = Terminal::open(&home.path(), &["--listen", "/ip4/127.0.0.1/tcp/0", "--no-mdns"], 40, 120);
    terminal.wait_for_text(FIRST_FRAME);
    // Start-up has its own figures; what is measured here comes after it.
    std::thread::sleep(Duration::from_secs(5));
    let (pid, cpu, bytes) = (terminal.pid(), cpu_seconds(terminal.pid()), terminal.raw().len());
    std::thread::sleep(IDLE_WATCH);
    let share = (cpu_seconds(terminal.pid()) - cpu) / IDLE_WATCH.as_secs_f64() * 100.0;
    println!("\n{:<44} {:>9}", format!("idle dashboard over {} s, 120x40", IDLE_WATCH.as_secs()), "");
    println!("{:<44} {share:>9.2}", "CPU, % of one core");
    println!("{:<44} {:>9}", "bytes written to the terminal", terminal.raw().len() - bytes);
    println!("{:<44} {:>9.1}", "resident memory, MiB", resident_mib(pid));
}
