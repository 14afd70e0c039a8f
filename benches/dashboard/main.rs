//! The figures of the dashboard in docs/BENCHMARKS.md. `cargo bench --bench dashboard`; takes a quarter of an hour, or less with
//! `DASHBOARD_SECONDS` (60: how long a quiet screen is watched) and `DASHBOARD_MINUTES` (10: how long a flood lasts; 0: none). Linux only
//! (reads /proc). btop and bottom are measured beside it where they are on the path.

mod frames;
#[path = "../../tests/end_to_end/harness.rs"]
#[allow(dead_code)]
mod harness;
#[path = "../support/process.rs"]
#[allow(dead_code)]
mod process;
#[path = "../../tests/end_to_end/terminal.rs"]
#[allow(dead_code)]
mod terminal;

use std::time::{Duration, Instant};

use harness::{Home, PROGRAM, command};
use process::{cpu_seconds, resident_mib};
use terminal::{LOOPBACK, Terminal};

/// Rows and columns of every terminal here.
const SIZE: (u16, u16) = (60, 200);
/// What the first frame shows, whatever the node is doing.
const FIRST_FRAME: &str = "Overview";
/// Begins each frame.
const FRAME_MARK: &[u8] = b"\x1b[?2026h";

fn main() {
    frames::report();
    first_frames();
    memory();
    let seconds = number("DASHBOARD_SECONDS", 60);
    println!("\n{:<44} {:>9} {:>12} {:>9}", format!("{seconds} s at 200x60, nothing done"), "CPU %", "bytes", "MiB");
    quiet(PROGRAM, &["--sim", "quiet"], FIRST_FRAME, seconds);
    for (program, shown) in [("btop", "cpu"), ("btm", "CPU")] {
        if on_path(program) {
            quiet(program, &[], shown, seconds);
        } else {
            println!("{program:<44} {:>9}", "not here");
        }
    }
    flood(number("DASHBOARD_MINUTES", 10));
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// p50, p99 and the longest, in milliseconds.
fn row(what: &str, mut taken: Vec<f64>) {
    taken.sort_by(f64::total_cmp);
    let at = |part: f64| taken[((taken.len() - 1) as f64 * part).round() as usize];
    println!("{what:<44} {:>9.2} {:>9.2} {:>9.2}", at(0.5), at(0.99), at(1.0));
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn until(terminal: &Terminal, what: &str, seen: impl Fn(&Terminal) -> bool) -> Duration {
    let begun = Instant::now();
    while !seen(terminal) {
        assert!(begun.elapsed() < harness::PATIENCE, "{what} never came:\n{}", terminal.screen());
        std::thread::sleep(Duration::from_micros(200));
    }
    begun.elapsed()
}

fn first_frames() {
    let once = |args: &[&str]| {
        let home = Home::new();
        let begun = Instant::now();
        let terminal = Terminal::open(&home.path(), args, SIZE.0, SIZE.1);
        until(&terminal, "the first frame", |terminal| terminal.screen().contains(FIRST_FRAME));
        ms(begun.elapsed())
    };
    println!();
    row("exec to first frame, with a node, ms", (0..20).map(|_| once(LOOPBACK)).collect());
    row("exec to first frame, simulation, ms", (0..20).map(|_| once(&["--sim", "quiet"])).collect());
}

/// A node with its dashboard, against the same node without.
fn memory() {
    let settle = Duration::from_secs(5);
    let home = Home::new();
    let shown = Terminal::open(&home.path(), LOOPBACK, SIZE.0, SIZE.1);
    until(&shown, "the node", |terminal| terminal.screen().contains("no peers"));
    std::thread::sleep(settle);
    let with = resident_mib(shown.pid());
    drop(shown);
    let home = Home::new();
    let mut child = command(&home.path()).arg("--no-ui").args(LOOPBACK).spawn().expect("the node starts");
    harness::wait_for("the node", || home.run(&["status"]).status.success().then_some(()));
    std::thread::sleep(settle);
    let without = resident_mib(child.id());
    let _ = child.kill();
    let _ = child.wait();
    println!("\n{:<44} {with:>9.1}", "resident with the dashboard, MiB");
    println!("{:<44} {without:>9.1}", "resident headless, MiB");
    println!("{:<44} {:>9.1}", "the interface, MiB", with - without);
}

/// What a program costs while nobody touches it.
fn quiet(program: &str, args: &[&str], shown: &str, seconds: u64) {
    let home = Home::new();
    let terminal = Terminal::open_program(program, &home.path(), args, SIZE.0, SIZE.1);
    until(&terminal, program, |terminal| terminal.screen().contains(shown));
    // Start-up has its own figures.
    std::thread::sleep(Duration::from_secs(5));
    let (cpu, bytes) = (cpu_seconds(terminal.pid()), terminal.raw().len());
    std::thread::sleep(Duration::from_secs(seconds));
    let share = (cpu_seconds(terminal.pid()) - cpu) / seconds as f64 * 100.0;
    let written = terminal.raw().len() - bytes;
    let name = std::path::Path::new(program).file_name().unwrap_or_default().to_string_lossy();
    println!("{name:<44} {share:>9.2} {written:>12} {:>9.1}", resident_mib(terminal.pid()));
}

/// Ten thousand events a second, with somebody at the keys.
fn flood(minutes: u64) {
    if minutes == 0 {
        return;
    }
    let home = Home::new();
    let mut terminal = Terminal::open(&home.path(), &["--sim", "flood"], SIZE.0, SIZE.1);
    until(&terminal, "the flood", |terminal| terminal.screen().contains("SIMULATION"));
    std::thread::sleep(Duration::from_secs(5));
    let (cpu, begun) = (cpu_seconds(terminal.pid()), Instant::now());
    let mut memory = vec![resident_mib(terminal.pid())];
    let (mut keys, mut frames) = (Vec::new(), 0);
    for _ in 0..minutes {
        let minute = Instant::now();
        terminal.forget_raw();
        while minute.elapsed() < Duration::from_secs(60) {
            for key in ["2", "8", "3"] {
                terminal.type_keys(key);
                keys.push(ms(until(&terminal, "the tab", |terminal| shows_tab(terminal, key))));
                std::thread::sleep(Duration::from_millis(700));
            }
        }
        let raw = terminal.raw();
        frames += raw.windows(FRAME_MARK.len()).filter(|part| *part == FRAME_MARK).count();
        memory.push(resident_mib(terminal.pid()));
    }
    let passed = begun.elapsed().as_secs_f64();
    println!("\n{:<44} {:>9} {:>9} {:>9}", format!("--sim flood for {minutes} min"), "p50", "p99", "max");
    row("key to screen, ms", keys);
    println!("{:<44} {:>9.1}", "frames a second", frames as f64 / passed);
    println!("{:<44} {:>9.1}", "CPU, % of one core", (cpu_seconds(terminal.pid()) - cpu) / passed * 100.0);
    let told: Vec<_> = memory.iter().map(|mib| format!("{mib:.1}")).collect();
    println!("{:<44} {}", "resident by the minute, MiB", told.join(" "));
}

/// Whether the tab of a number is the open one: it is drawn in another style than the rest.
fn shows_tab(terminal: &Terminal, number: &str) -> bool {
    terminal.background_of(&format!(" {number} ")).is_some_and(|colour| colour != vt100::Color::Default)
}
