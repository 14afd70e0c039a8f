//! The transfer figures of docs/BENCHMARKS.md: how fast a package of noise travels between two nodes on loopback, beside a plain
//! TCP copy and plain libp2p streams of the same bytes, each with SHA-256 and written to a file, and beside BitTorrent programs where
//! they are installed (aria2c, transmission-cli, with transmission-create); every side is a process of its own.
//! `cargo bench --bench transfer`; takes some minutes and 16 GiB of temporary files. `-- own` leaves those other programs out; `-- shared` measures four providers
//! that are limited to 10 MiB a second each. Linux only (reads /proc).
//!
//! Each copy begins after a rest: a virtual machine's host takes freed memory back meanwhile, so that all write to pages that have
//! to be given first. Writing to pages just freed is ten times as fast, and who gets them says nothing of a way of copying.

#[path = "../../tests/end_to_end/harness.rs"]
#[allow(dead_code)]
mod harness;
mod others;
#[path = "../support/process.rs"]
#[allow(dead_code)]
mod process;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use harness::Home;
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, Transport, noise, tcp, yamux};
use libp2p_quic as quic;
use process::{cpu_seconds, most_resident_mib};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Of the package; its archive stays below the limit of 512 MiB.
const MIB: usize = 500;
const ROUNDS: usize = 3;
/// Before each copy.
const REST: Duration = Duration::from_secs(5);
const PROTOCOL: StreamProtocol = StreamProtocol::new("/bench/1.0.0");

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["serve-tcp", file] => serve_tcp(file),
        ["fetch-tcp", address, file] => fetch_tcp(address, file),
        ["serve-stream", listen, file] => runtime().block_on(serve_stream(listen, file)),
        ["fetch-stream", address, file] => runtime().block_on(fetch_stream(address, file)),
        ["shared"] => shared(),
        ["own"] => compare(false),
        _ => compare(true),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().expect("a runtime")
}

/// What one way of moving the bytes took.
struct Figures {
    seconds: f64,
    /// CPU time and highest resident memory of the side that gives, and of the one that takes.
    cpu: [f64; 2],
    resident_mib: [f64; 2],
}

/// What it is called, and how it is done once.
type Way<'a> = (&'static str, Box<dyn Fn() -> Figures + 'a>);

fn compare(with_others: bool) {
    let dir = tempfile::tempdir().expect("temp dir");
    let file = dir.path().join("noise");
    std::fs::write(&file, noise(MIB << 20, 1)).expect("a file");
    let others = with_others.then(|| others::Others::new(dir.path(), &file));
    let mut ways: Vec<Way<'_>> = vec![
        ("TCP copy, SHA-256", Box::new(|| baseline("serve-tcp", "fetch-tcp", None, &file))),
        (
            "plain libp2p stream, TCP, SHA-256",
            Box::new(|| baseline("serve-stream", "fetch-stream", Some("/ip4/127.0.0.1/tcp/0"), &file)),
        ),
        ("this program, TCP", Box::new(|| nodes("/ip4/127.0.0.1/tcp/0", "/tcp/", &file))),
        (
            "plain libp2p stream, QUIC, SHA-256",
            Box::new(|| baseline("serve-stream", "fetch-stream", Some("/ip4/127.0.0.1/udp/0/quic-v1"), &file)),
        ),
        ("this program, QUIC", Box::new(|| nodes("/ip4/127.0.0.1/udp/0/quic-v1", "/quic-v1", &file))),
    ];
    ways.extend(others.iter().flat_map(others::Others::there));
    println!("{:<36} {:>8} {:>8} {:>10} {:>12} {:>12}", "", "best", "median", "CPU s/GiB", "MiB giving", "MiB taking");
    let mut taken: Vec<Vec<Figures>> = ways.iter().map(|_| Vec::new()).collect();
    // In turns, so that all meet the same machine.
    for _ in 0..ROUNDS {
        ways.iter().zip(&mut taken).for_each(|((_, way), taken)| taken.push(way()));
    }
    for ((what, _), mut taken) in ways.iter().zip(taken) {
        taken.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let speed = |figures: &Figures| MIB as f64 / figures.seconds;
        let most = |side: usize| taken.iter().map(|figures| figures.resident_mib[side]).fold(0.0, f64::max);
        let cpu = taken.iter().map(|figures| figures.cpu.iter().sum::<f64>()).fold(f64::MAX, f64::min);
        println!(
            "{what:<36} {:>8.0} {:>8.0} {:>10.2} {:>12.1} {:>12.1}",
            speed(&taken[0]),
            speed(&taken[ROUNDS / 2]),
            cpu * 1024.0 / MIB as f64,
            most(0),
            most(1)
        );
    }
}

/// Bytes that do not compress.
fn noise(bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut noise = Vec::with_capacity(bytes + 8);
    while noise.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        noise.extend(state.to_le_bytes());
    }
    noise.truncate(bytes);
    noise
}

/// Two processes of this bench: the one that gives prints its address, the one that takes the seconds.
fn baseline(give: &str, take: &str, listen: Option<&str>, file: &Path) -> Figures {
    let program = std::env::current_exe().expect("this program");
    let file = file.to_str().expect("UTF-8");
    let mut giving = Command::new(&program);
    giving.arg(give).args(listen).arg(file).stdout(Stdio::piped());
    let mut giving = giving.spawn().expect("it starts");
    let address = line(&mut giving);
    let copy = fresh(file);
    std::thread::sleep(REST);
    let mut taking = Command::new(&program);
    let taking = taking.args([take, &address, &copy]).stdout(Stdio::piped()).stdin(Stdio::piped());
    let mut taking = taking.spawn().expect("it starts");
    let seconds = line(&mut taking).parse().expect("a number");
    let figures = Figures {
        seconds,
        cpu: [cpu_seconds(giving.id()), cpu_seconds(taking.id())],
        resident_mib: [most_resident_mib(giving.id()), most_resident_mib(taking.id())],
    };
    for mut child in [giving, taking] {
        let _ = child.kill();
        let _ = child.wait();
    }
    figures
}

/// A name beside `file` that no other copy has.
fn fresh(file: &str) -> String {
    static COPIES: AtomicUsize = AtomicUsize::new(0);
    format!("{file}.{}", COPIES.fetch_add(1, Ordering::Relaxed))
}

fn line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("stdout")).read_line(&mut line).expect("a line");
    line.trim().to_owned()
}

/// The seconds are told, and the process waits to be looked at.
fn took(begun: Instant) {
    println!("{}", begun.elapsed().as_secs_f64());
    let _ = std::io::stdin().read(&mut [0]);
}

fn serve_tcp(file: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    let (mut stream, _) = listener.accept().expect("a connection");
    let (mut file, mut buffer) = (File::open(file).expect("open"), vec![0; 64 * 1024]);
    while let Ok(count @ 1..) = file.read(&mut buffer) {
        stream.write_all(&buffer[..count]).expect("sent");
    }
    drop(stream);
    std::thread::park();
}

fn fetch_tcp(address: &str, file: &str) {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(address).expect("connected");
    let (mut file, mut buffer) = (File::create(file).expect("create"), vec![0; 64 * 1024]);
    let mut hasher = Sha256::new();
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        hasher.update(&buffer[..count]);
        file.write_all(&buffer[..count]).expect("written");
    }
    std::hint::black_box(hasher.finalize());
    took(begun);
}

/// With libp2p's own transports, and windows as the node has them.
fn swarm() -> Swarm<libp2p_stream::Behaviour> {
    SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::new().nodelay(true), noise::Config::new, yamux::Config::default)
        .expect("TCP")
        .with_other_transport(|key| {
            let mut config = quic::Config::new(key);
            config.max_stream_data = 2 << 20;
            config.max_connection_data = 4 << 20;
            quic::tokio::Transport::new(config).map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
        })
        .expect("QUIC")
        .with_behaviour(|_| libp2p_stream::Behaviour::new())
        .expect("a behaviour")
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(60)))
        .build()
}

async fn serve_stream(listen: &str, file: &str) {
    let mut swarm = swarm();
    let mut incoming = swarm.behaviour().new_control().accept(PROTOCOL).expect("accepting");
    swarm.listen_on(listen.parse().expect("an address")).expect("listening");
    let file = file.to_owned();
    tokio::spawn(async move {
        while let Some((_, mut stream)) = incoming.next().await {
            let (mut file, mut buffer) = (File::open(&file).expect("open"), vec![0; 64 * 1024]);
            while let Ok(count @ 1..) = file.read(&mut buffer) {
                stream.write_all(&buffer[..count]).await.expect("sent");
            }
            let _ = stream.close().await;
        }
    });
    loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            println!("{address}/p2p/{}", swarm.local_peer_id());
        }
    }
}

async fn fetch_stream(address: &str, file: &str) {
    let address: Multiaddr = address.parse().expect("an address");
    let peer: PeerId = address
        .iter()
        .find_map(|part| match part {
            libp2p::multiaddr::Protocol::P2p(peer) => Some(peer),
            _ => None,
        })
        .expect("a peer id");
    let mut swarm = swarm();
    let mut control = swarm.behaviour().new_control();
    swarm.dial(address).expect("dialled");
    while !matches!(swarm.select_next_some().await, SwarmEvent::ConnectionEstablished { .. }) {}
    tokio::spawn(async move {
        loop {
            swarm.select_next_some().await;
        }
    });
    let begun = Instant::now();
    let mut stream = control.open_stream(peer, PROTOCOL).await.expect("a stream");
    let (mut file, mut buffer) = (File::create(file).expect("create"), vec![0; 64 * 1024]);
    let mut hasher = Sha256::new();
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        hasher.update(&buffer[..count]);
        file.write_all(&buffer[..count]).expect("written");
    }
    std::hint::black_box(hasher.finalize());
    took(begun);
}

/// A package with `noise` in it.
fn package(folder: &Path, noise: &Path) -> PathBuf {
    let dir = folder.join("noise-pack");
    std::fs::create_dir_all(&dir).expect("a directory");
    let manifest = "[package]\nname = \"noise-pack\"\nversion = \"1.0.0\"\ndescription = \"Noise\"\n";
    std::fs::write(dir.join("package.toml"), manifest).expect("a manifest");
    std::fs::copy(noise, dir.join("noise.bin")).expect("a copy");
    dir
}

/// A publisher and one who installs. The time is the download's, from the search for providers until every byte is verified.
fn nodes(listen: &str, kind: &str, noise: &Path) -> Figures {
    let giving = Running::start(Home::new(), listen, &[]);
    let dir = package(giving.home.folder(), noise);
    giving.json(&["publish", dir.to_str().expect("UTF-8")]);
    // Started anew, so that its memory is that of giving, not of packing.
    let giving = giving.restart(listen);
    let taking = Running::start(Home::new(), listen, &[giving.address(kind)]);
    giving.settle();
    let cpu = [cpu_seconds(giving.pid()), cpu_seconds(taking.pid())];
    let download = taking.install(&giving.peer_id());
    Figures {
        seconds: download["elapsed_ms"].as_f64().expect("a number") / 1000.0,
        cpu: [cpu_seconds(giving.pid()) - cpu[0], download["cpu"].as_f64().expect("a number") - cpu[1]],
        resident_mib: [most_resident_mib(giving.pid()), download["resident_mib"].as_f64().expect("a number")],
    }
}

/// Four providers of 10 MiB a second each.
fn shared() {
    let dir = tempfile::tempdir().expect("temp dir");
    let file = dir.path().join("noise");
    std::fs::write(&file, noise(MIB << 20, 1)).expect("a file");
    let listen = "/ip4/127.0.0.1/tcp/0";
    let limited = || {
        let home = Home::new();
        std::fs::create_dir_all(home.path()).expect("a home");
        let settings = "[performance]\nupload_limit = \"10 MiB\"\n[storage]\nmax_cache_size = \"4 GiB\"\n";
        std::fs::write(home.path().join("p2p-config.toml"), settings).expect("settings");
        home
    };
    let first = Running::start(limited(), listen, &[]);
    let package = package(first.home.folder(), &file);
    first.json(&["publish", package.to_str().expect("UTF-8")]);
    let mut providers = vec![first];
    for _ in 1..4 {
        let provider = Running::start(limited(), listen, &addresses(&providers));
        provider.json(&["publish", package.to_str().expect("UTF-8")]);
        providers.push(provider);
    }
    let taking = Running::start(Home::new(), listen, &addresses(&providers));
    let publisher = providers[0].peer_id();
    let download = taking.install(&publisher);
    let seconds = download["elapsed_ms"].as_f64().expect("a number") / 1000.0;
    let pieces: Vec<_> =
        download["lanes"].as_array().expect("lanes").iter().map(|lane| lane["leaves"].clone()).collect();
    println!("four providers of 10 MiB/s: {:.1} MiB/s; pieces of each: {pieces:?}", MIB as f64 / seconds);
}

fn addresses(nodes: &[Running]) -> Vec<String> {
    nodes.iter().map(|node| node.address("/tcp/")).collect()
}

/// A node of the real program.
struct Running {
    home: Home,
    child: Child,
}

impl Running {
    fn start(home: Home, listen: &str, bootstrap: &[String]) -> Self {
        let mut command = harness::command(&home.path());
        command.args(["--no-ui", "--no-mdns", "--listen", listen]);
        command.args(bootstrap.iter().flat_map(|address| ["--bootstrap", address]));
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        harness::wait_for("a node to answer", || home.run(&["status"]).status.success().then_some(()));
        let node = Self { home, child };
        harness::wait_for("its bootstrap peers", || {
            (node.json(&["status"])["connected_peers"].as_u64() >= Some(bootstrap.len() as u64)).then_some(())
        });
        node
    }

    fn restart(mut self, listen: &str) -> Self {
        harness::signal(self.child.id(), rustix::process::Signal::TERM);
        let _ = self.child.wait();
        let home = std::mem::replace(&mut self.home, Home::new());
        Self::start(home, listen, &[])
    }

    /// Waits until it has looked its store through, which it does two seconds after its start.
    fn settle(&self) {
        std::thread::sleep(REST);
        loop {
            let before = cpu_seconds(self.pid());
            std::thread::sleep(Duration::from_millis(500));
            if cpu_seconds(self.pid()) - before < 0.05 {
                return;
            }
        }
    }

    fn json(&self, args: &[&str]) -> Value {
        self.home.json(args)
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    fn peer_id(&self) -> String {
        self.json(&["status"])["peer_id"].as_str().expect("a peer id").to_owned()
    }

    /// Its address of this kind.
    fn address(&self, kind: &str) -> String {
        let status = self.json(&["status"]);
        let mut addresses = status["listen_addrs"].as_array().expect("addresses").iter().filter_map(Value::as_str);
        let address = addresses.find(|address| address.contains(kind)).expect("an address");
        format!("{}/p2p/{}", address.split("/p2p/").next().unwrap_or(address), self.peer_id())
    }

    /// Installs what `publisher` has published; the download, with CPU time and memory of this node when it was done.
    fn install(&self, publisher: &str) -> Value {
        harness::wait_for("the package", || {
            let found = self.json(&["search", "noise-pack", "--local"]);
            found["results"].as_array().is_some_and(|results| !results.is_empty()).then_some(())
        });
        let mut install = harness::command(&self.home.path());
        let mut install = install.args(["install", "noise-pack", "--publisher", publisher]);
        install = install.stdout(Stdio::null()).stderr(Stdio::null());
        let mut install = install.spawn().expect("it starts");
        let deadline = Instant::now() + Duration::from_secs(300);
        let mut download = loop {
            assert!(Instant::now() < deadline, "the download does not end");
            match self.download() {
                Some(download) if download["state"] == "done" => break download,
                Some(download) if download["state"] == "failed" => panic!("{download}"),
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        download["cpu"] = cpu_seconds(self.pid()).into();
        download["resident_mib"] = most_resident_mib(self.pid()).into();
        assert!(install.wait().expect("its end").success());
        download
    }

    /// The download, as its node tells of it over the socket.
    fn download(&self) -> Option<Value> {
        let mut socket = UnixStream::connect(self.home.path().join("p2p/node.sock")).ok()?;
        let body = r#"{"command":"transfers"}"#;
        let length = body.len();
        write!(
            socket,
            "POST /v1/command HTTP/1.1\r\nhost: node\r\ncontent-type: application/json\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
        .ok()?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).ok()?;
        let answer: Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
        answer["data"].as_array()?.iter().find(|transfer| transfer["direction"] == "inbound").cloned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
