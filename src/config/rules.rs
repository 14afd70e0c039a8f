//! What a single value may be: its kind, its range, and how text becomes one.

use toml::Value;

use super::units::{ByteSize, Span};

/// A check on one text; the error says what is allowed.
pub type TextRule = fn(&str) -> Result<(), String>;

/// What values a setting takes.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Bool,
    /// Both ends included.
    Integer(i64, i64),
    /// Both ends included.
    Number(f64, f64),
    Text(TextRule),
    List(TextRule),
    Choice(&'static [&'static str]),
    Size,
    Span,
    /// A table of texts.
    Map,
}

impl Kind {
    /// What is allowed, for people.
    pub fn allowed(&self) -> String {
        match self {
            Self::Bool => "true or false".into(),
            Self::Integer(low, high) => format!("a whole number from {low} to {high}"),
            Self::Number(low, high) => format!("a number from {low} to {high}"),
            Self::Text(_) => "a text".into(),
            Self::List(_) => "a list of texts".into(),
            Self::Choice(names) => format!("one of {}", names.join(", ")),
            Self::Size => "a size such as \"512 KiB\"".into(),
            Self::Span => "a duration such as \"5m\"".into(),
            Self::Map => "a table of texts".into(),
        }
    }

    /// All that is allowed, where that is a short list.
    pub fn choices(&self) -> Vec<&'static str> {
        match self {
            Self::Bool => vec!["true", "false"],
            Self::Choice(names) => names.to_vec(),
            _ => Vec::new(),
        }
    }

    /// # Errors
    /// What is allowed instead of `value`.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        match (self, value) {
            (Self::Bool, Value::Boolean(_)) => Ok(()),
            (Self::Integer(low, high), Value::Integer(n)) if (low..=high).contains(&n) => Ok(()),
            (Self::Number(low, high), Value::Float(n)) if (low..=high).contains(&n) => Ok(()),
            (Self::Number(low, high), Value::Integer(n)) if (*low..=*high).contains(&(*n as f64)) => Ok(()),
            (Self::Text(rule), Value::String(text)) => rule(text),
            (Self::List(rule), Value::Array(items)) => items.iter().try_for_each(|item| match item {
                Value::String(text) => rule(text),
                other => Err(self.refuse(other)),
            }),
            (Self::Choice(names), Value::String(text)) if names.contains(&text.as_str()) => Ok(()),
            (Self::Size, Value::String(text)) => text.parse::<ByteSize>().map(drop).map_err(|e| e.to_string()),
            (Self::Size, Value::Integer(0..)) => Ok(()),
            (Self::Span, Value::String(text)) => text.parse::<Span>().map(drop).map_err(|e| e.to_string()),
            (Self::Map, Value::Table(entries)) if entries.values().all(Value::is_str) => Ok(()),
            (_, other) => Err(self.refuse(other)),
        }
    }

    /// Reads a value as it is given on a command line or in an environment variable.
    ///
    /// # Errors
    /// What is allowed instead of `text`.
    pub fn parse(&self, text: &str) -> Result<Value, String> {
        let refuse = || format!("expected {}, found {:?}", self.allowed(), excerpt(text));
        let value = match self {
            Self::Bool => Value::Boolean(text.trim().parse().map_err(|_| refuse())?),
            Self::Integer(..) => Value::Integer(text.trim().parse().map_err(|_| refuse())?),
            Self::Number(..) => Value::Float(text.trim().parse().map_err(|_| refuse())?),
            Self::Text(_) | Self::Choice(_) | Self::Size | Self::Span => Value::String(text.to_owned()),
            Self::List(_) if text.trim_start().starts_with('[') => toml_value(text).ok_or_else(refuse)?,
            Self::List(_) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Value::Array(items.map(|item| Value::String(item.to_owned())).collect())
            }
            Self::Map => toml_value(text).ok_or_else(refuse)?,
        };
        self.check(&value)?;
        Ok(value)
    }

    fn refuse(&self, found: &Value) -> String {
        let found = match found {
            Value::String(text) => format!("the text {:?}", excerpt(text)),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Boolean(flag) => flag.to_string(),
            Value::Datetime(_) => "a date".into(),
            Value::Array(_) => "a list".into(),
            Value::Table(_) => "a table".into(),
        };
        format!("expected {}, found {found}", self.allowed())
    }
}

/// The value of a piece of TOML such as `["a", "b"]` or `{ a = "b" }`.
fn toml_value(text: &str) -> Option<Value> {
    toml::from_str::<toml::Table>(&format!("value = {}", text.trim())).ok()?.remove("value")
}

fn excerpt(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Part of every signature, so kept to what is the same everywhere.
pub fn network_name(text: &str) -> Result<(), String> {
    let fits = (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b));
    if fits { Ok(()) } else { Err(format!("{:?} is no network name: 1 to 64 of a-z 0-9 . _ -", excerpt(text))) }
}

/// An address to listen on: an IP address of this machine and a port.
pub fn listen_address(text: &str) -> Result<(), String> {
    match parts(text)?.as_slice() {
        [host, ip, transport @ ..] if is_ip(host, ip) && is_port(transport) => Ok(()),
        _ => Err(unusable(text, "/ip4/0.0.0.0/tcp/4001 or /ip4/0.0.0.0/udp/4001/quic-v1")),
    }
}

/// An address to reach a peer at, with or without its id, which the node checks.
pub fn peer_address(text: &str) -> Result<(), String> {
    let parts = parts(text)?;
    let place = match parts.as_slice() {
        [place @ .., "p2p", _] => place,
        place => place,
    };
    match place {
        [.., "0"] | [.., "0", "quic-v1"] => Err(format!("{:?} has no port", excerpt(text))),
        [host, ip, transport @ ..] if is_ip(host, ip) && is_port(transport) => Ok(()),
        ["dnsaddr", name] if !name.is_empty() => Ok(()),
        ["dns" | "dns4" | "dns6", name, transport @ ..] if !name.is_empty() && is_port(transport) => Ok(()),
        _ => Err(unusable(text, "/ip4/192.0.2.7/tcp/4001/p2p/PEER_ID")),
    }
}

/// What stands between the slashes.
fn parts(text: &str) -> Result<Vec<&str>, String> {
    let plain = text.len() <= 1024 && text.bytes().all(|b| b.is_ascii_graphic());
    match text.strip_prefix('/').filter(|rest| plain && !rest.is_empty()) {
        Some(rest) => Ok(rest.split('/').collect()),
        None => Err(format!("{:?} is no multiaddr: write e.g. /ip4/192.0.2.7/tcp/4001", excerpt(text))),
    }
}

fn is_ip(kind: &str, text: &str) -> bool {
    match kind {
        "ip4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ip6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        _ => false,
    }
}

fn is_port(transport: &[&str]) -> bool {
    match transport {
        ["tcp", port] | ["udp", port, "quic-v1"] => port.parse::<u16>().is_ok(),
        _ => false,
    }
}

fn unusable(text: &str, example: &str) -> String {
    format!("{:?} is no address that can be used here: write e.g. {example}", excerpt(text))
}

pub fn topic(text: &str) -> Result<(), String> {
    let fits = text.starts_with('/') && (2..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if fits { Ok(()) } else { Err(format!("{:?} is no topic: write e.g. /ggen/packages/v1", excerpt(text))) }
}

/// `ip:port` on this machine, or nothing.
pub fn loopback(text: &str) -> Result<(), String> {
    let local = text.parse::<std::net::SocketAddr>().is_ok_and(|address| address.ip().is_loopback());
    if text.is_empty() || local {
        return Ok(());
    }
    Err(format!("{:?} is no address on this machine: write e.g. 127.0.0.1:9464, or nothing", excerpt(text)))
}

/// The panes there are.
pub const PANES: [&str; 10] =
    ["overview", "peers", "dht", "feed", "search", "publish", "transfers", "installed", "logs", "settings"];

pub fn pane(text: &str) -> Result<(), String> {
    if PANES.contains(&text) {
        return Ok(());
    }
    Err(format!("there is no pane {:?}: the panes are {}", excerpt(text), PANES.join(", ")))
}

/// `auto`, or the name of a theme: of one that is built in, or of a file.
pub fn theme(text: &str) -> Result<(), String> {
    let fits = (1..=40).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-');
    if fits { Ok(()) } else { Err(format!("{:?} is no name of a theme: 1 to 40 of a-z 0-9 -", excerpt(text))) }
}

/// A file or URL of a central index.
pub fn location(text: &str) -> Result<(), String> {
    let fits = !text.is_empty() && text.len() <= 2048 && !text.chars().any(char::is_control);
    if fits { Ok(()) } else { Err("expected a file or a URL".to_owned()) }
}
