//! A proxy that stands for a long, bad line: what goes through it is late, and some of it is lost.
//!
//! A UDP datagram that is lost never arrives. A TCP segment that is lost arrives a round trip later, since the sender has to hear
//! that it is missing, and all behind it waits: that is what is left of loss above the kernel's TCP. What a lossy line does to the
//! kernel's congestion window is not shown by this.

use std::collections::{HashMap, VecDeque};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// One way.
const DELAY: Duration = Duration::from_millis(100);
/// Of a hundred.
const LOST: u64 = 2;
/// Of a TCP segment's data.
const SEGMENT: usize = 1448;
/// Pieces under way in one direction; more is not read, or lost if it cannot wait.
const MOST_UNDER_WAY: usize = 8192;

/// What has gone through, both ways.
#[derive(Default)]
pub struct Seen {
    pub bytes: AtomicU64,
    pub pieces: AtomicU64,
    pub lost: AtomicU64,
    /// The shortest time that a piece was under way, milliseconds.
    quickest_ms: AtomicU64,
}

impl Seen {
    fn new() -> Arc<Self> {
        Arc::new(Self { quickest_ms: AtomicU64::new(u64::MAX), ..Self::default() })
    }

    pub fn quickest(&self) -> Duration {
        Duration::from_millis(self.quickest_ms.load(Ordering::Relaxed))
    }

    /// Counts a piece and throws the dice for it.
    fn is_lost(&self, bytes: usize) -> bool {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        let number = self.pieces.fetch_add(1, Ordering::Relaxed);
        let mut dice = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        dice = (dice ^ (dice >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        dice = (dice ^ (dice >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let lost = (dice ^ (dice >> 31)) % 100 < LOST;
        self.lost.fetch_add(u64::from(lost), Ordering::Relaxed);
        lost
    }
}

/// One direction: pieces leave in the order they came, each at its time.
#[derive(Default)]
struct Line {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    pieces: VecDeque<(Instant, Instant, Vec<u8>)>,
    ended: bool,
}

impl Line {
    fn put(&self, piece: Vec<u8>, late: Duration) {
        let mut waiting = self.waiting.lock().expect("sound");
        let now = Instant::now();
        let before = waiting.pieces.back().map_or(now, |(_, due, _)| *due);
        waiting.pieces.push_back((now, before.max(now + DELAY + late), piece));
        self.changed.notify_all();
    }

    fn is_full(&self) -> bool {
        self.waiting.lock().expect("sound").pieces.len() >= MOST_UNDER_WAY
    }

    fn wait_for_room(&self) {
        let waiting = self.waiting.lock().expect("sound");
        drop(self.changed.wait_while(waiting, |waiting| waiting.pieces.len() >= MOST_UNDER_WAY && !waiting.ended));
    }

    fn end(&self) {
        self.waiting.lock().expect("sound").ended = true;
        self.changed.notify_all();
    }

    /// The next piece, when it is due.
    fn take(&self, seen: &Seen) -> Option<Vec<u8>> {
        let waiting = self.waiting.lock().expect("sound");
        let mut waiting =
            self.changed.wait_while(waiting, |waiting| waiting.pieces.is_empty() && !waiting.ended).expect("sound");
        let (since, due, piece) = waiting.pieces.pop_front()?;
        drop(waiting);
        self.changed.notify_all();
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let took = u64::try_from(since.elapsed().as_millis()).expect("a short time");
        seen.quickest_ms.fetch_min(took, Ordering::Relaxed);
        Some(piece)
    }
}

/// Passes TCP connections on to `target`; gives its own port. Ends with the process.
pub fn tcp(target: SocketAddr) -> (u16, Arc<Seen>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let seen = Seen::new();
    let told = seen.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Ok(onward) = TcpStream::connect(target) else { continue };
            for (from, to) in [(&stream, &onward), (&onward, &stream)] {
                let (from, to) = (from.try_clone().expect("a socket"), to.try_clone().expect("a socket"));
                let _ = (from.set_nodelay(true), to.set_nodelay(true));
                pass_on(from, to, &seen);
            }
        }
    });
    (port, told)
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, seen: &Arc<Seen>) {
    let line = Arc::new(Line::default());
    let (entry, counted) = (line.clone(), seen.clone());
    thread::spawn(move || {
        let mut segment = [0; SEGMENT];
        while let Ok(count @ 1..) = from.read(&mut segment) {
            let late = if counted.is_lost(count) { 2 * DELAY } else { Duration::ZERO };
            entry.wait_for_room();
            entry.put(segment[..count].to_vec(), late);
        }
        entry.end();
    });
    let seen = seen.clone();
    thread::spawn(move || {
        while let Some(piece) = line.take(&seen) {
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        line.end();
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
}

/// Passes UDP datagrams on to `target`, for each sender from a port of its own; gives its own port. Ends with the process.
pub fn udp(target: SocketAddr) -> (u16, Arc<Seen>) {
    let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port"));
    let port = socket.local_addr().expect("an address").port();
    let seen = Seen::new();
    let told = seen.clone();
    thread::spawn(move || {
        let mut lines: HashMap<SocketAddr, Arc<Line>> = HashMap::new();
        let mut datagram = [0; 65_536];
        while let Ok((count, from)) = socket.recv_from(&mut datagram) {
            let line = lines.entry(from).or_insert_with(|| {
                let onward = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port"));
                onward.connect(target).expect("an address");
                let back = datagrams(&seen, {
                    let socket = socket.clone();
                    move |piece| socket.send_to(piece, from)
                });
                let (source, counted) = (onward.clone(), seen.clone());
                thread::spawn(move || {
                    let mut datagram = [0; 65_536];
                    loop {
                        // An answer that nobody listened for is told of once, and others follow.
                        let Ok(count) = source.recv(&mut datagram) else { continue };
                        lose_or_put(&back, &counted, &datagram[..count]);
                    }
                });
                datagrams(&seen, move |piece| onward.send(piece))
            });
            lose_or_put(line, &seen, &datagram[..count]);
        }
    });
    (port, told)
}

fn lose_or_put(line: &Line, seen: &Seen, datagram: &[u8]) {
    if !seen.is_lost(datagram.len()) && !line.is_full() {
        line.put(datagram.to_vec(), Duration::ZERO);
    }
}

fn datagrams(seen: &Arc<Seen>, send: impl Fn(&[u8]) -> std::io::Result<usize> + Send + 'static) -> Arc<Line> {
    let (line, seen) = (Arc::new(Line::default()), seen.clone());
    let source = line.clone();
    thread::spawn(move || {
        while let Some(piece) = source.take(&seen) {
            let _ = send(&piece);
        }
    });
    line
}
