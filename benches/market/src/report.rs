//! Times, sizes and memory, as lines of a table.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

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
    let heads = ["count", "p50", "p95", "p99", "max", "CPU p50", "CPU p99"];
    println!("{title:<44} {}", heads.map(|head| format!("{head:>8}")).join(" "));
    row("one to three words, all of these", best.iter().filter(|taken| !taken.kind.is_ours()));
    for kind in Kind::ALL {
        row(&format!("  {kind}"), best.iter().filter(|taken| taken.kind == kind));
    }
    let memory = ["VmHWM", "RssAnon"].map(|field| format!("{field} {:.1} MiB", status_mib(field))).join(", ");
    println!("  {memory}; opened in {:.1} ms", opening.as_secs_f64() * 1000.0);
}

/// What one question took, by the clock and of this thread on a CPU: the latter tells what it would take if nobody else
/// used the machine.
struct Taken {
    kind: Kind,
    clock: Duration,
    cpu: Duration,
}

fn pass(engine: &mut dyn Engine, questions: &[&Question]) -> Vec<Taken> {
    let time = |question: &&Question| {
        let (begun, cpu) = (Instant::now(), thread_time());
        std::hint::black_box(engine.search(question));
        Taken { kind: question.kind, clock: begun.elapsed(), cpu: thread_time() - cpu }
    };
    questions.iter().map(time).collect()
}

/// CPU time of this thread.
pub fn thread_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().expect("a time since the start")
}

/// CPU time of all threads.
pub fn process_time() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().expect("a time since the start")
}

fn p99(times: &[Taken]) -> Duration {
    let clocks = times.iter().filter(|taken| !taken.kind.is_ours()).map(|taken| taken.clock);
    quantile(&sorted(clocks), 0.99)
}

fn row<'a>(what: &str, times: impl Iterator<Item = &'a Taken> + Clone) {
    let (clocks, cpu) = (sorted(times.clone().map(|taken| taken.clock)), sorted(times.map(|taken| taken.cpu)));
    if clocks.is_empty() {
        return;
    }
    let figures = [0.5, 0.95, 0.99, 1.0].map(|part| quantile(&clocks, part)).into_iter();
    let figures = figures.chain([0.5, 0.99].map(|part| quantile(&cpu, part)));
    let figures: Vec<String> = figures.map(|time| format!("{:>8.2}", time.as_secs_f64() * 1000.0)).collect();
    println!("{what:<44} {:>8} {}", clocks.len(), figures.join(" "));
}

fn sorted(times: impl Iterator<Item = Duration>) -> Vec<Duration> {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times
}

fn quantile(sorted: &[Duration], part: f64) -> Duration {
    sorted[((sorted.len() - 1) as f64 * part).round() as usize]
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
