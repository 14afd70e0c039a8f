//! Times, sizes and memory, as lines of a table.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::engines::{self, Engine};
use crate::queries::{self, Kind, Question};

/// Times over all questions; of these the best one counts, since others may use the machine.
const PASSES: usize = 3;

/// What a process of its own does, so that its memory is that of searching alone: asks every `every`th question.
pub fn ask(engine: &str, dir: &Path, questions: &Path, every: usize) {
    let begun = Instant::now();
    let mut opened = engines::open(engine, dir);
    let opening = begun.elapsed();
    let questions = queries::read(questions).expect("the questions");
    let asked: Vec<&Question> =
        questions.iter().filter(|question| engine == "ours" || !question.kind.is_ours()).step_by(every).collect();
    let passes = if every == 1 { PASSES } else { 1 };
    let best = (0..passes).map(|_| pass(&mut *opened, &asked)).min_by_key(|times| p99(times)).expect("a pass");
    let title = format!("{engine} ({} questions, best of {passes})", asked.len());
    println!("{title:<44} {:>9} {:>9} {:>9} {:>9} {:>9}", "count", "p50", "p95", "p99", "max");
    let plain: Vec<Duration> = best.iter().filter(|(kind, _)| !kind.is_ours()).map(|(_, time)| *time).collect();
    row("one to three words, all of these", plain);
    for kind in Kind::ALL {
        let times = best.iter().filter(|(of, _)| *of == kind).map(|(_, time)| *time).collect();
        row(&format!("  {kind}"), times);
    }
    let memory = ["VmHWM", "RssAnon"].map(|field| format!("{field} {:.1} MiB", status_mib(field))).join(", ");
    println!("  {memory}; opened in {:.1} ms", opening.as_secs_f64() * 1000.0);
}

fn pass(engine: &mut dyn Engine, questions: &[&Question]) -> Vec<(Kind, Duration)> {
    let time = |question: &&Question| {
        let begun = Instant::now();
        std::hint::black_box(engine.search(question));
        (question.kind, begun.elapsed())
    };
    questions.iter().map(time).collect()
}

fn p99(times: &[(Kind, Duration)]) -> Duration {
    let mut plain: Vec<Duration> = times.iter().filter(|(kind, _)| !kind.is_ours()).map(|(_, time)| *time).collect();
    plain.sort_unstable();
    plain[plain.len() * 99 / 100]
}

fn row(what: &str, mut times: Vec<Duration>) {
    if times.is_empty() {
        return;
    }
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part).round() as usize].as_secs_f64() * 1000.0;
    let [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1.0].map(at);
    println!("{what:<44} {:>9} {p50:>9.2} {p95:>9.2} {p99:>9.2} {max:>9.2}", times.len());
}

/// A size that the kernel tells of this process.
fn status_mib(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a running process");
    let line = status.lines().find(|line| line.starts_with(field)).expect("the field");
    let kib: f64 = line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number");
    kib / 1024.0
}

/// Bytes of all files below `dir`.
pub fn size(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.map(|path| if path.is_dir() { size(&path) } else { path.metadata().map_or(0, |about| about.len()) }).sum()
}
