//! BitTorrent programs, each as giver and taker, which find each other through a tracker in this process.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::process::{cpu_seconds, most_resident_mib};
use super::{Figures, REST, Way, fresh};

const PATIENCE: Duration = Duration::from_secs(120);

/// A torrent of the file, and where its peers meet.
pub struct Others {
    file: PathBuf,
    torrent: Option<PathBuf>,
    peers: Arc<Mutex<Vec<u16>>>,
}

impl Others {
    pub fn new(dir: &Path, file: &Path) -> Self {
        let peers = Arc::default();
        let tracker = track(Arc::clone(&peers));
        let torrent = dir.join("noise.torrent");
        let mut create = Command::new("transmission-create");
        create.args(["-s", "256", "-t", &format!("http://127.0.0.1:{tracker}/announce"), "-o"]).arg(&torrent).arg(file);
        let made = create.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        Self { file: file.to_owned(), torrent: made.then_some(torrent), peers }
    }

    /// Those that are installed; says which are not.
    pub fn there(&self) -> Vec<Way<'_>> {
        let mut there: Vec<Way<'_>> = Vec::new();
        let Some(torrent) = &self.torrent else {
            println!("no transmission-create: nothing is compared with BitTorrent");
            return there;
        };
        let is_there = |program| {
            let found =
                Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
            if !found {
                println!("no {program}: not compared with");
            }
            found
        };
        if is_there("aria2c") {
            there.push(("aria2, BitTorrent", Box::new(move || self.take(aria2, torrent))));
        }
        if is_there("transmission-cli") {
            there.push(("transmission, BitTorrent", Box::new(move || self.take(transmission, torrent))));
        }
        there
    }

    /// Gives the file with one process and takes it with another. The time is from the start of the one that takes to the end
    /// of its copy, verified.
    fn take(&self, program: fn(&Path, &Path, u16, &Path) -> Command, torrent: &Path) -> Figures {
        self.peers.lock().expect("sound").clear();
        let (own, copy) =
            (self.file.parent().expect("a directory"), PathBuf::from(fresh(self.file.to_str().expect("UTF-8"))));
        std::fs::create_dir(&copy).expect("a directory");
        let done = copy.join("done");
        let start = |dir: &Path, done: &Path| {
            let mut command = program(dir, torrent, free_port(), done);
            command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().expect("it starts")
        };
        let giving = start(own, Path::new("/bin/true"));
        let begun = Instant::now();
        // Until the giver has looked its file through.
        while self.peers.lock().expect("sound").is_empty() || begun.elapsed() < REST {
            assert!(begun.elapsed() < PATIENCE, "the giver does not begin");
            std::thread::sleep(Duration::from_millis(50));
        }
        let cpu = cpu_seconds(giving.id());
        let script = copy.join("finished");
        std::fs::write(&script, format!("#!/bin/sh\ntouch {}\n", done.display())).expect("a script");
        std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
        let begun = Instant::now();
        let taking = start(&copy, &script);
        while !done.exists() {
            assert!(begun.elapsed() < PATIENCE, "the download does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
        let figures = Figures {
            seconds: begun.elapsed().as_secs_f64(),
            cpu: [cpu_seconds(giving.id()) - cpu, cpu_seconds(taking.id())],
            resident_mib: [most_resident_mib(giving.id()), most_resident_mib(taking.id())],
        };
        end(giving);
        end(taking);
        figures
    }
}

fn end(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn aria2(dir: &Path, torrent: &Path, port: u16, done: &Path) -> Command {
    let mut command = Command::new("aria2c");
    command.args(["--quiet", "--no-conf", "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false"]);
    command.args([
        "--enable-peer-exchange=false",
        "--check-integrity=true",
        "--seed-ratio=0",
        "--file-allocation=none",
    ]);
    command.arg(format!("--listen-port={port}")).arg(format!("--on-bt-download-complete={}", done.display()));
    command.arg("--dir").arg(dir).arg(torrent);
    command
}

fn transmission(dir: &Path, torrent: &Path, port: u16, done: &Path) -> Command {
    let mut command = Command::new("transmission-cli");
    command.env("TRANSMISSION_HOME", dir.join(format!("transmission-{port}")));
    command.args([
        "--no-uplimit",
        "--no-downlimit",
        "--no-portmap",
        "--encryption-tolerated",
        "--port",
        &port.to_string(),
    ]);
    command.arg("--finish").arg(done).arg("--download-dir").arg(dir).arg(torrent);
    command
}

/// This machine's address: transmission takes no peers on loopback. Packets to it do not leave the machine either.
fn own_address() -> Ipv4Addr {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port");
    // Nothing is sent: the kernel only says where it would send from. The address is one for documentation.
    let asked = socket.connect((Ipv4Addr::new(198, 51, 100, 1), 9)).and_then(|()| socket.local_addr());
    match asked.map(|address| address.ip()) {
        Ok(std::net::IpAddr::V4(address)) => address,
        _ => Ipv4Addr::LOCALHOST,
    }
}

/// One that nothing listens on, for TCP and for UDP.
fn free_port() -> u16 {
    loop {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.local_addr()).expect("a port").port();
        if UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return port;
        }
    }
}

/// A tracker: tells each peer of all others (BEP 3, compact as in BEP 23). Gives its port.
fn track(peers: Arc<Mutex<Vec<u16>>>) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let here = own_address();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 4096];
            let count = stream.read(&mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..count]).into_owned();
            let told = head.split(['?', '&', ' ']).find_map(|part| part.strip_prefix("port="));
            let Some(port) = told.and_then(|port| port.parse::<u16>().ok()) else { continue };
            let mut peers = peers.lock().expect("sound");
            let others: Vec<u8> = peers
                .iter()
                .filter(|other| **other != port)
                .flat_map(|other| [&here.octets()[..], &other.to_be_bytes()].concat())
                .collect();
            if !peers.contains(&port) && !head.contains("event=stopped") {
                peers.push(port);
            }
            let mut body = format!("d8:intervali5e5:peers{}:", others.len()).into_bytes();
            body.extend(&others);
            body.push(b'e');
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(&body);
        }
    });
    port
}
