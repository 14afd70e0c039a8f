//! Fetching from servers that behave, and from ones that do not.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use super::fetch::{Fetched, Known, Limits, fetch};
use crate::market::central::Location;
use crate::net::error::{ErrorKind, NodeError};

const LIMITS: Limits = Limits { bytes: 1 << 20, time: Duration::from_secs(20), silence: Duration::from_secs(10) };

/// A server on loopback that lets `answer` write what it likes, given the head of the request.
fn server(answer: impl Fn(&str, &mut TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let address = listener.local_addr().expect("address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
                head.extend(byte);
            }
            answer(&String::from_utf8_lossy(&head).to_lowercase(), &mut stream);
        }
    });
    format!("http://{address}")
}

/// One that always gives this.
fn fixed(text: impl Into<String>) -> String {
    let text = text.into();
    server(move |_, stream| drop(stream.write_all(text.as_bytes())))
}

fn get(url: &str, known: &Known, limits: Limits) -> Result<Fetched, NodeError> {
    let file = NamedTempFile::new().expect("temp file");
    fetch(&Location::url(url).expect("URL"), known, limits, file, &mut |_, _| true)
}

fn new(url: &str) -> (String, Known) {
    match get(url, &Known::default(), LIMITS).expect("fetched") {
        Fetched::New { file, known } => (std::fs::read_to_string(file.path()).expect("read"), known),
        Fetched::Unchanged => panic!("nothing was known"),
    }
}

fn refused(url: &str) -> NodeError {
    get(url, &Known::default(), LIMITS).expect_err("refused")
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let url = server(|head, stream| {
        let fresh = head.contains("if-none-match: \"v1\"") && head.contains("if-modified-since: then");
        let answer = if fresh {
            "HTTP/1.1 304 Not Modified\r\n\r\n"
        } else {
            "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nLast-Modified: then\r\nContent-Length: 2\r\n\r\n[]"
        };
        let _ = stream.write_all(answer.as_bytes());
    });
    let (text, known) = new(&url);
    assert_eq!((text.as_str(), known.etag.as_str()), ("[]", "\"v1\""));
    assert!(matches!(get(&url, &known, LIMITS).expect("asked"), Fetched::Unchanged));
}

#[test]
fn lengths_are_held_to() {
    let short = refused(&fixed("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"));
    assert_eq!(short.kind, ErrorKind::Network, "{}", short.message);
    let (text, _) = new(&fixed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]and more"));
    assert_eq!(text, "[]");
    let large = refused(&fixed("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"));
    assert!(large.message.contains("larger than 1 MiB"), "{}", large.message);
    let (text, _) = new(&fixed("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end"));
    assert_eq!(text, "to the end");
}

#[test]
fn an_endless_answer_is_cut_off() {
    for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nX: y\r\n"] {
        let url = server(move |_, stream| {
            let _ = stream.write_all(head.as_bytes());
            let line = if head.ends_with("\r\n\r\n") {
                vec![b'x'; 4096]
            } else {
                b"X: yyyyyyyyyyyyyyyyyyyyyyy\r\n".repeat(99)
            };
            while stream.write_all(&line).is_ok() {}
        });
        let error = refused(&url);
        assert!(matches!(error.kind, ErrorKind::Failed | ErrorKind::Network), "{}", error.message);
    }
}

#[test]
fn a_silent_server_is_given_up() {
    let limits = Limits { time: Duration::from_secs(5), silence: Duration::from_millis(200), ..LIMITS };
    for head in ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin"] {
        let url = server(move |_, stream| {
            let _ = stream.write_all(head.as_bytes());
            // Held open until the client leaves.
            let _ = stream.read(&mut [0]);
        });
        let error = get(&url, &Known::default(), limits).expect_err("silence");
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Network, "it took too long"));
    }
}

#[test]
fn a_dripping_server_is_given_up_in_the_end() {
    let url = server(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        while stream.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let begun = Instant::now();
    let limits = Limits { time: Duration::from_millis(500), ..LIMITS };
    let error = get(&url, &Known::default(), limits).expect_err("dripping");
    assert_eq!(error.message, "it took too long", "after {:?}", begun.elapsed());
}

#[test]
fn redirects_are_followed_as_far_as_they_may_be() {
    let url = server(|head, stream| {
        let answer = if head.starts_with("get /new ") {
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
        } else {
            "HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n"
        };
        let _ = stream.write_all(answer.as_bytes());
    });
    assert_eq!(new(&format!("{url}/old")).0, "[]");
    let to = |target: &str| {
        refused(&fixed(format!("HTTP/1.1 301 Moved\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n")))
    };
    assert!(to("/").message.contains("more than 5 times"));
    assert!(to("ftp://example.org/").message.contains("not fetched"));
    assert_eq!(to("file:///etc/passwd").kind, ErrorKind::Failed);
    assert!(to("").message.contains("redirected"));
}

#[test]
fn other_answers_say_what_they_are() {
    let status = |line: &str| refused(&fixed(format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n")));
    assert_eq!(status("404 Not Found").kind, ErrorKind::NotFound);
    let broken = status("500 Internal Server Error");
    assert_eq!((broken.kind, broken.message.as_str()), (ErrorKind::Network, "the server answered HTTP 500"));
    assert!(status("304 Not Modified").message.contains("304"), "nothing was known");
    assert_eq!(refused(&fixed("no HTTP at all\r\n\r\n")).kind, ErrorKind::Network);
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        format!("http://{}", listener.local_addr().expect("address"))
    };
    assert_eq!(refused(&gone).kind, ErrorKind::Network);
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let plain = fixed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]");
    assert_eq!(refused(&plain.replace("http://", "https://")).kind, ErrorKind::Network);
}

#[test]
fn files_are_read_when_they_change() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("index.json");
    let url = format!("file://{}", path.display());
    assert_eq!(refused(&url).kind, ErrorKind::NotFound);
    std::fs::write(&path, "[]").expect("write");
    let (text, known) = new(&url);
    assert_eq!(text, "[]");
    assert!(matches!(get(&url, &known, LIMITS).expect("asked"), Fetched::Unchanged));
    std::fs::write(&path, "[ ]").expect("write");
    assert!(matches!(get(&url, &known, LIMITS).expect("asked"), Fetched::New { .. }));
    assert!(refused(&format!("file://{}", dir.path().display())).message.contains("no file"));
    std::fs::write(&path, vec![b' '; 2 << 20]).expect("write");
    assert!(refused(&url).message.contains("larger"));
}

#[test]
fn whoever_waits_can_break_it_off() {
    let url = server(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    let file = NamedTempFile::new().expect("temp file");
    let error =
        fetch(&Location::url(&url).expect("URL"), &Known::default(), LIMITS, file, &mut |done, _| done < 10_000);
    assert_eq!(error.expect_err("broken off").message, "it was broken off");
}
