//! Getting a file of the web, or of this machine, into a temporary file. Blocks.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tempfile::NamedTempFile;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, http};

use crate::market::SafeText;
use crate::market::central::Location;
use crate::net::error::{ErrorKind, NodeError};
use crate::net::swarm::AGENT;

/// Redirects followed.
const MAX_REDIRECTS: usize = 5;
/// Bytes of the headers of an answer, and of a header that is kept.
const MAX_HEADERS: usize = 32 * 1024;
const MAX_KEPT: usize = 256;
/// To find the server and for its connection to stand.
const CONNECTING: Duration = Duration::from_secs(10);

/// How much, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub bytes: u64,
    /// From the question to the last byte, redirects included.
    pub time: Duration,
    /// Without a single byte.
    pub silence: Duration,
}

/// What the server gave the last time, to ask whether it has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    pub etag: String,
    pub last_modified: String,
}

#[derive(Debug)]
pub enum Fetched {
    /// It is what is known.
    Unchanged,
    New {
        file: NamedTempFile,
        known: Known,
    },
}

/// Fetches `from` into `file`, unless it is what is `known`. `progress` hears of the bytes that are there and those to
/// come, if that is known, and says whether to go on.
///
/// # Errors
/// `NotFound`: there is nothing there. `Failed`: it is too large, or leads where it may not. `Network`: all else; the
/// message has the reason alone.
pub fn fetch(
    from: &Location,
    known: &Known,
    limits: Limits,
    file: NamedTempFile,
    progress: &mut dyn FnMut(u64, Option<u64>) -> bool,
) -> Result<Fetched, NodeError> {
    match from {
        Location::File(path) => copy(path, known, limits, file, progress),
        Location::Http(_) | Location::Https(_) => download(from, known, limits, file, progress),
    }
}

/// A file's time and size stand for what a server would give.
fn copy(
    path: &Path,
    known: &Known,
    limits: Limits,
    file: NamedTempFile,
    progress: &mut dyn FnMut(u64, Option<u64>) -> bool,
) -> Result<Fetched, NodeError> {
    let failed = |error: io::Error| {
        let kind = if error.kind() == io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::Failed };
        NodeError::new(kind, format!("cannot read {}: {error}", path.display()))
    };
    let about = std::fs::metadata(path).map_err(failed)?;
    if !about.is_file() {
        return Err(NodeError::new(ErrorKind::Failed, format!("{} is no file", path.display())));
    }
    let now = Known {
        etag: String::new(),
        last_modified: format!("{}.{} {}", about.mtime(), about.mtime_nsec(), about.len()),
    };
    if *known == now {
        return Ok(Fetched::Unchanged);
    }
    let source = File::open(path).map_err(failed)?;
    let file = receive(source, Some(about.len()), limits.bytes, file, progress)?;
    Ok(Fetched::New { file, known: now })
}

fn download(
    from: &Location,
    known: &Known,
    limits: Limits,
    file: NamedTempFile,
    progress: &mut dyn FnMut(u64, Option<u64>) -> bool,
) -> Result<Fetched, NodeError> {
    let agent = agent(limits)?;
    let deadline = std::time::Instant::now() + limits.time;
    let mut place = from.clone();
    for _ in 0..=MAX_REDIRECTS {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        if left.is_zero() {
            return Err(NodeError::new(ErrorKind::Network, "it took too long"));
        }
        let mut request = agent.get(place.to_string()).config().timeout_global(Some(left)).build();
        if !known.etag.is_empty() {
            request = request.header("if-none-match", &known.etag);
        }
        if !known.last_modified.is_empty() {
            request = request.header("if-modified-since", &known.last_modified);
        }
        let answer = request.call().map_err(|error| network(&error))?;
        match answer.status().as_u16() {
            200 => return body(answer, limits, file, progress),
            304 if *known != Known::default() => return Ok(Fetched::Unchanged),
            301 | 302 | 303 | 307 | 308 => place = redirect(&place, &answer)?,
            404 | 410 => return Err(NodeError::new(ErrorKind::NotFound, format!("{place} is not there (HTTP 404)"))),
            status => return Err(NodeError::new(ErrorKind::Network, format!("the server answered HTTP {status}"))),
        }
    }
    Err(NodeError::new(ErrorKind::Network, format!("it was redirected more than {MAX_REDIRECTS} times")))
}

fn agent(limits: Limits) -> Result<Agent, NodeError> {
    let roots = match &*ROOTS {
        Ok(roots) => roots.clone(),
        Err(error) => return Err(error.clone()),
    };
    // Proxies are taken from the environment (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY).
    let config = Agent::config_builder()
        .user_agent(AGENT)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_response_header_size(MAX_HEADERS)
        // A server may close a connection just as a redirect to it is followed: each question has one of its own.
        .max_idle_connections(0)
        .timeout_connect(Some(CONNECTING))
        .timeout_per_read(Some(limits.silence))
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .build();
    Ok(config.new_agent())
}

/// Those of Mozilla, or those in the file that SSL_CERT_FILE names, as with other programs.
static ROOTS: LazyLock<Result<RootCerts, NodeError>> = LazyLock::new(|| {
    let Some(path) = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()) else {
        return Ok(RootCerts::WebPki);
    };
    let shown = path.to_string_lossy().into_owned();
    let unusable = |why: String| {
        NodeError::new(ErrorKind::Failed, format!("SSL_CERT_FILE={shown}: {why}"))
            .hint("name a file with certificates in PEM")
    };
    let pem = std::fs::read(&path).map_err(|error| unusable(error.to_string()))?;
    let certificates: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        Err(unusable("there is no certificate in it".into()))
    } else {
        Ok(RootCerts::Specific(Arc::new(certificates)))
    }
});

fn redirect(from: &Location, answer: &http::Response<Body>) -> Result<Location, NodeError> {
    let target = header(answer, "location", 2048);
    let to = from.joined(&target).ok_or_else(|| {
        NodeError::new(
            ErrorKind::Network,
            format!("it was redirected to '{}', which is not fetched", SafeText::capped(&target, 80)),
        )
    })?;
    if !from.may_lead_to(&to) {
        return Err(NodeError::new(
            ErrorKind::Failed,
            if from.to_string().starts_with("https:") {
                format!("it was redirected from an encrypted connection to {to}")
            } else {
                format!("it was redirected to {to}, which is not fetched")
            },
        ));
    }
    Ok(to)
}

fn body(
    answer: http::Response<Body>,
    limits: Limits,
    file: NamedTempFile,
    progress: &mut dyn FnMut(u64, Option<u64>) -> bool,
) -> Result<Fetched, NodeError> {
    let known =
        Known { etag: header(&answer, "etag", MAX_KEPT), last_modified: header(&answer, "last-modified", MAX_KEPT) };
    let body = answer.into_body();
    let length = body.content_length();
    // One more byte than is allowed, so that what is too large can be told from what just fits.
    let reader = body.into_with_config().limit(limits.bytes.saturating_add(1)).reader();
    Ok(Fetched::New { file: receive(reader, length, limits.bytes, file, progress)?, known })
}

/// A header that is text and not too long, else nothing.
fn header(answer: &http::Response<Body>, name: &str, longest: usize) -> String {
    let value = answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if value.len() <= longest { value.to_owned() } else { String::new() }
}

fn receive(
    mut from: impl Read,
    length: Option<u64>,
    limit: u64,
    mut file: NamedTempFile,
    progress: &mut dyn FnMut(u64, Option<u64>) -> bool,
) -> Result<NamedTempFile, NodeError> {
    let too_large = || NodeError::new(ErrorKind::Failed, format!("it is larger than {} MiB", limit >> 20));
    if length.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut buffer = vec![0; 64 * 1024];
    let mut done = 0u64;
    loop {
        let read = from.read(&mut buffer).map_err(|error| reading(&error))?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        done += read as u64;
        if done > limit {
            return Err(too_large());
        }
        let path = file.path().to_owned();
        file.write_all(bytes).map_err(|error| {
            NodeError::from(crate::market::MarketError::io(crate::market::error::Action::Write, &path, error))
        })?;
        if !progress(done, length) {
            return Err(NodeError::new(ErrorKind::Network, "it was broken off"));
        }
    }
    match length {
        Some(length) if length != done => {
            Err(NodeError::new(ErrorKind::Network, format!("{done} of {length} bytes came, then the connection ended")))
        }
        _ => Ok(file),
    }
}

fn reading(error: &io::Error) -> NodeError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
        Some(error) => network(error),
        None if error.kind() == io::ErrorKind::TimedOut => NodeError::new(ErrorKind::Network, "it took too long"),
        None => NodeError::new(ErrorKind::Network, SafeText::new(&error.to_string()).to_string()),
    }
}

fn network(error: &ureq::Error) -> NodeError {
    let text = match error {
        ureq::Error::Timeout(_) => "it took too long".to_owned(),
        ureq::Error::HostNotFound => "its host is not known".to_owned(),
        other => SafeText::capped(&other.to_string(), 200).to_string(),
    };
    NodeError::new(ErrorKind::Network, text)
}
