//! The archive figures of docs/BENCHMARKS.md: packing and verifying beside plain SHA-256, plain zstd and plain copying of
//! the same bytes, in one run. `cargo bench --bench archive`; takes about a minute, and 1 GiB of temporary files. Linux
//! only (reads /proc).

#[path = "support/process.rs"]
#[allow(dead_code)]
mod process;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Instant;

use ggen_p2p_tui::market::archive::{self, Packed};
use ggen_p2p_tui::market::{Identity, PackageName, Release, VerifiedRelease};
use process::cpu_seconds;
use sha2::{Digest, Sha256};

/// Bytes of the packages, each in 256 files.
const INCOMPRESSIBLE: usize = 256 << 20;
const COMPRESSIBLE: usize = 64 << 20;
const FILES: usize = 256;
const RUNS: usize = 5;

fn main() {
    println!("{:<44} {:>9} {:>9} {:>9} {:>9}", "MB/s of input", "best", "median", "by CPU", "out/in");
    measure("incompressible", noise(INCOMPRESSIBLE));
    measure("compressible (words of source code)", prose(COMPRESSIBLE));
}

fn measure(kind: &str, bytes: Vec<u8>) {
    let dir = tempfile::tempdir().expect("temp dir");
    write_package(dir.path(), &bytes);
    println!("-- {kind}, {} MiB in {FILES} files", bytes.len() >> 20);
    row("memory copy", bytes.len(), || std::hint::black_box(bytes.clone()).len());
    row("plain SHA-256, in memory", bytes.len(), || {
        std::hint::black_box(Sha256::digest(&bytes));
        bytes.len()
    });
    for level in [1, 3, 6, 9] {
        row(&format!("plain zstd, level {level}, in memory"), bytes.len(), || zstd_size(&bytes, level));
    }
    let temp = tempfile::tempdir().expect("temp dir");
    let pack = || archive::pack(dir.path(), temp.path()).expect("pack");
    row("pack: list, tar, zstd, SHA-256, Merkle", bytes.len(), || pack().size as usize);
    let packed = pack();
    verifying(&packed);
}

/// Verifying the archive and plain SHA-256 of it in turns, so that both meet the same machine.
fn verifying(packed: &Packed) {
    let (path, release) = (packed.archive.path(), signed(packed));
    let size = packed.size as usize;
    println!("   the archive has {} MiB", size >> 20);
    let plain = || {
        let mut file = File::open(path).expect("open");
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = file.read(&mut buffer) {
            hasher.update(&buffer[..read]);
        }
        std::hint::black_box(hasher.finalize());
    };
    let whole = || archive::verify(&mut File::open(path).expect("open"), path, &release).expect("verify");
    let (mut plain_times, mut whole_times) = (Vec::new(), Vec::new());
    for _ in 0..RUNS * 2 {
        plain_times.push(timed(plain));
        whole_times.push(timed(whole));
    }
    report("plain SHA-256 of the archive file", size, &plain_times, None);
    report("verify the archive file (two threads)", size, &whole_times, None);
    let share = median(&plain_times) / median(&whole_times) * 100.0;
    println!("   verify runs at {share:.0} % of plain SHA-256");
}

/// Time on the clock, and of all this process's threads on a CPU.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
struct Taken {
    clock: f64,
    cpu: f64,
}

fn timed<T>(run: impl FnOnce() -> T) -> Taken {
    let (begun, cpu) = (Instant::now(), cpu_seconds(std::process::id()));
    std::hint::black_box(run());
    Taken { clock: begun.elapsed().as_secs_f64(), cpu: cpu_seconds(std::process::id()) - cpu }
}

fn row(what: &str, size: usize, mut run: impl FnMut() -> usize) {
    let mut out = 0;
    let times: Vec<Taken> = (0..RUNS).map(|_| timed(|| out = run())).collect();
    report(what, size, &times, Some(out as f64 / size as f64));
}

/// "By CPU" is what one core does that nobody shares.
fn report(what: &str, size: usize, times: &[Taken], ratio: Option<f64>) {
    let speed = |seconds: f64| size as f64 / 1e6 / seconds;
    let best = times.iter().map(|taken| taken.clock).fold(f64::INFINITY, f64::min);
    let cpu = times.iter().map(|taken| taken.cpu).sum::<f64>() / times.len() as f64;
    let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.3}"));
    println!("{what:<44} {:>9.0} {:>9.0} {:>9.0} {ratio:>9}", speed(best), speed(median(times)), speed(cpu));
}

fn median(times: &[Taken]) -> f64 {
    let mut clocks: Vec<f64> = times.iter().map(|taken| taken.clock).collect();
    clocks.sort_by(f64::total_cmp);
    clocks[clocks.len() / 2]
}

fn zstd_size(bytes: &[u8], level: i32) -> usize {
    let mut encoder = zstd::Encoder::new(Count(0), level).expect("encoder");
    encoder.include_checksum(true).expect("checksum");
    encoder.set_pledged_src_size(Some(bytes.len() as u64)).expect("size");
    encoder.write_all(bytes).expect("compress");
    encoder.finish().expect("finish").0
}

struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes a package of `bytes` below `dir`.
fn write_package(dir: &Path, bytes: &[u8]) {
    for (at, part) in bytes.chunks(bytes.len() / FILES).enumerate() {
        fs::write(dir.join(format!("part-{at:03}.dat")), part).expect("write");
    }
    let manifest = "[gpack]\nid = \"bench\"\nversion = \"1.0.0\"\n";
    fs::write(dir.join("gpack.toml"), manifest).expect("write");
}

/// Bytes of a xorshift generator, the same in each run.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut out = Vec::with_capacity(size + 8);
    while out.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend(state.to_le_bytes());
    }
    out.truncate(size);
    out
}

/// Source code and prose of this project, with numbers mixed in so that it does not repeat itself.
fn prose(size: usize) -> Vec<u8> {
    let words: Vec<&str> = include_str!("archive.rs").split_inclusive(' ').collect();
    let numbers = noise(size / 4);
    let mut out = Vec::with_capacity(size + 64);
    for pair in numbers.chunks(2).cycle() {
        let word = usize::from(pair[0]) * 31 + usize::from(pair[pair.len() - 1]);
        out.extend_from_slice(words[word % words.len()].as_bytes());
        if out.len() >= size {
            break;
        }
    }
    out.truncate(size);
    out
}

fn signed(packed: &Packed) -> VerifiedRelease {
    let identity = Identity::generate();
    let now = 1_800_000_000;
    let release = Release {
        network: "bench".into(),
        publisher: identity.public(),
        name: PackageName::new("bench").expect("name"),
        version: semver::Version::new(1, 0, 0),
        package_id: packed.package_id,
        size: packed.size,
        merkle_root: packed.merkle_root,
        description: Default::default(),
        category: Default::default(),
        tags: Vec::new(),
        keywords: Vec::new(),
        licence: Default::default(),
        repository: Default::default(),
        dependencies: Vec::new(),
        file_count: packed.files.len() as u32,
        sequence: 1,
        previous: None,
        published_at: now,
        expires_at: now + 1000,
        yank_reason: None,
    };
    release.sign(&identity).expect("sign")
}
