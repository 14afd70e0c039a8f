//! The figures of the search engine in docs/BENCHMARKS.md, beside plain FTS5 and tantivy over the same packages.
//!
//! ```text
//! cargo run --release                     catalogues of 100,000 and 1,000,000 releases
//! cargo run --release -- RELEASES…        of these sizes
//! cargo run --release -- fill HOME N      makes a home with a catalogue of N releases, for trying the real program
//! cargo run --release -- take HOME N      the same from bytes: how fast releases are checked and taken in, on all cores
//! cargo run --release -- ask ours HOME HOME/questions 1      asks such a home again
//! ```
//! `TMPDIR` says where the catalogues are made: about 5 GB for the large one; they are removed afterwards. Linux only (reads
//! /proc).

mod corpus;
mod engines;
mod queries;
mod random;
mod report;
mod words;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use corpus::Corpus;
use engines::ours::Built;
use engines::{Document, Engine, fts5, ours, tantivy};
use queries::{Kind, Question};

/// FTS5 is asked one question of so many: it takes long.
const FTS5_EVERY: usize = 8;
/// Questions by which the answers of the engines are compared.
const COMPARED: usize = 100;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["ask", engine, dir, questions, every] => {
            report::ask(engine, Path::new(dir), Path::new(questions), every.parse().expect("a number"));
        }
        ["fill", home, releases] => {
            let mut corpus = Corpus::new(number(releases), now());
            let built = ours::build(&mut corpus, Path::new(home), now());
            tell_built("catalogue", number(releases), &built);
            queries::write(&queries::draw(&corpus), &Path::new(home).join("questions")).expect("the questions");
        }
        ["take", home, releases] => {
            let (clock, cpu) = ours::take(&mut Corpus::new(number(releases), now()), Path::new(home), now());
            let speed = |time: Duration| number(releases) as f64 / time.as_secs_f64();
            println!(
                "checked and taken in: {:.0} releases/s, {:.0} for each second of CPU time",
                speed(clock),
                speed(cpu)
            );
        }
        [] => [100_000, 1_000_000].into_iter().for_each(measure),
        sizes => sizes.iter().map(|size| number(size)).for_each(measure),
    }
}

fn number(text: &str) -> usize {
    text.replace('_', "").parse().expect("a number of releases")
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs()
}

fn measure(releases: usize) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let [home, fts5_dir, tantivy_dir] = ["home", "fts5", "tantivy"].map(|name| dir.path().join(name));
    let questions_file = dir.path().join("questions");
    for dir in [&home, &fts5_dir, &tantivy_dir] {
        std::fs::create_dir(dir).expect("a directory");
    }
    let mut corpus = Corpus::new(releases, now());
    let built = ours::build(&mut corpus, &home, now());
    println!("\n== {releases} releases of {} packages ==", corpus.package_count());
    tell_built("ours", releases, &built);
    tell_size("ours", &home, releases);
    let taken = timed(|| fts5::build(&fts5_dir, |each| documents(&corpus, each)));
    println!("fts5: built in {:.1} s", taken.as_secs_f64());
    tell_size("fts5", &fts5_dir, releases);
    let taken = timed(|| tantivy::build(&tantivy_dir, |each| documents(&corpus, each)));
    println!("tantivy: built in {:.1} s", taken.as_secs_f64());
    tell_size("tantivy", &tantivy_dir, releases);
    let questions = queries::draw(&corpus);
    drop(corpus);
    queries::write(&questions, &questions_file).expect("the questions");
    for (engine, dir, every) in [("ours", &home, 1), ("tantivy", &tantivy_dir, 1), ("fts5", &fts5_dir, FTS5_EVERY)] {
        let program = std::env::current_exe().expect("this program");
        let status =
            Command::new(program).args(["ask", engine]).args([dir, &questions_file]).arg(every.to_string()).status();
        assert!(status.expect("a process").success(), "{engine} failed");
    }
    compare(&questions, &home, &fts5_dir, &tantivy_dir);
}

fn documents(corpus: &Corpus, each: &mut dyn FnMut(Document<'_>)) {
    for about in corpus.packages() {
        let labels = about.labels();
        each(Document { name: &about.name, labels: &labels, description: &about.description });
    }
}

fn timed(run: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    run();
    begun.elapsed()
}

fn tell_built(what: &str, releases: usize, built: &Built) {
    let seconds = built.taking_in.as_secs_f64();
    println!(
        "{what}: taken in within {seconds:.1} s, {:.0} releases/s, {:.0} by CPU time (slowest batch {:.0} ms); signature and content of {} checked at {:.0} releases/s",
        releases as f64 / seconds,
        releases as f64 / built.cpu.as_secs_f64(),
        built.slowest.as_secs_f64() * 1000.0,
        built.checked,
        built.checked as f64 / built.checking.as_secs_f64(),
    );
    println!(
        "{what}: merged in {} steps, {:.0} ms in all, the longest {:.1} ms",
        built.merging.len(),
        built.merging.iter().sum::<Duration>().as_secs_f64() * 1000.0,
        built.merging.iter().max().map_or(0.0, |step| step.as_secs_f64() * 1000.0),
    );
}

fn tell_size(what: &str, dir: &Path, releases: usize) {
    let bytes = report::size(dir);
    println!("{what}: {} MiB on disk, {} bytes a release", bytes >> 20, bytes / releases as u64);
}

/// How often the best answer of this program is among the best of the others.
fn compare(questions: &[Question], home: &Path, fts5: &Path, tantivy: &Path) {
    let mut ours = engines::open("ours", home);
    let mut others: [(&str, Box<dyn Engine>, usize); 2] =
        [("fts5", engines::open("fts5", fts5), 0), ("tantivy", engines::open("tantivy", tantivy), 0)];
    let mut answered = 0;
    for question in questions.iter().filter(|question| question.kind == Kind::Package).take(COMPARED) {
        let Some(best) = ours.names(question).into_iter().next() else { continue };
        answered += 1;
        for (_, engine, shared) in &mut others {
            *shared += usize::from(engine.names(question).contains(&best));
        }
    }
    for (name, _, shared) in others {
        println!(
            "of {answered} answers, the best one of ours is among the best {} of {name}: {shared}",
            engines::LIMIT
        );
    }
}
