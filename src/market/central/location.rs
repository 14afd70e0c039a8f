//! Where an index or an archive is: a file, or a URL.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::market::{MarketError, SafeText};

/// Bytes of the longest URL.
const MAX_URL: usize = 2048;

/// A file, or an address on the web. Nothing else is ever fetched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Location {
    /// Absolute.
    File(PathBuf),
    /// `http://…`
    Http(String),
    /// `https://…`
    Https(String),
}

impl Location {
    /// What the user names: a URL, or a path, which may be relative to the current directory.
    pub fn named(text: &str) -> Result<Self, MarketError> {
        if let Some(location) = Self::url(text) {
            return Ok(location);
        }
        if text.is_empty() || text.contains("://") || text.chars().any(char::is_control) {
            return Err(MarketError::Refused {
                message: format!("'{}' is no place of a central index", SafeText::capped(text, 80)),
                hint: "write a path, or a URL that begins with https://, http:// or file:///".into(),
            });
        }
        let path = std::path::absolute(text).map_err(|error| {
            MarketError::Failed(format!("cannot find the current directory, which {text} is relative to: {error}"))
        })?;
        Ok(Self::File(path))
    }

    /// A URL of a kind that is fetched: `http`, `https` or `file`, without a user name in it.
    pub fn url(text: &str) -> Option<Self> {
        if text.len() > MAX_URL || !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
            return None;
        }
        let (scheme, rest) = text.split_once("://")?;
        // What stands behind a # never leaves for the server.
        let rest = rest.split('#').next().unwrap_or(rest);
        match scheme.to_ascii_lowercase().as_str() {
            "https" if has_host(rest) => Some(Self::Https(format!("https://{rest}"))),
            "http" if has_host(rest) => Some(Self::Http(format!("http://{rest}"))),
            "file" => {
                let path = rest.strip_prefix("localhost").unwrap_or(rest);
                path.starts_with('/').then(|| unescaped(path)).flatten().map(Self::File)
            }
            _ => None,
        }
    }

    /// Whether what was read here may send us on to `to`. It may not lead from the web into this machine's files, nor
    /// from an encrypted connection to one that anybody on the way can change.
    pub fn may_lead_to(&self, to: &Self) -> bool {
        match self {
            Self::File(_) => true,
            Self::Http(_) => !matches!(to, Self::File(_)),
            Self::Https(_) => matches!(to, Self::Https(_)),
        }
    }

    /// The host of a web address, with its port.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::File(_) => None,
            Self::Http(url) | Self::Https(url) => url.split("://").nth(1)?.split(['/', '?']).next(),
        }
    }

    /// Where a redirect to `target` leads from here, if it is of a kind that is fetched.
    pub fn joined(&self, target: &str) -> Option<Self> {
        if target.contains("://") {
            return Self::url(target);
        }
        let (Self::Http(url) | Self::Https(url)) = self else { return None };
        let scheme = url.split("://").next()?;
        if let Some(rest) = target.strip_prefix("//") {
            return Self::url(&format!("{scheme}://{rest}"));
        }
        let host = self.host()?;
        if target.starts_with('/') {
            return Self::url(&format!("{scheme}://{host}{target}"));
        }
        let path = url.split("://").nth(1)?.split('?').next()?;
        let folder = path.rfind('/').map_or(host, |at| path.get(..at).unwrap_or(host));
        Self::url(&format!("{scheme}://{folder}/{target}"))
    }

    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            _ => None,
        }
    }
}

fn has_host(rest: &str) -> bool {
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    !authority.is_empty() && !authority.starts_with(':') && !authority.contains('@')
}

/// `path` with its `%20` and the like put back.
fn unescaped(path: &str) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let mut out = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let high = char::from(bytes.next()?).to_digit(16)?;
        let low = char::from(bytes.next()?).to_digit(16)?;
        out.push(u8::try_from(high * 16 + low).ok().filter(|byte| *byte != 0)?);
    }
    Some(PathBuf::from(std::ffi::OsString::from_vec(out)))
}

/// As the user would write it; of a path, what can be shown.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", SafeText::new(&path.to_string_lossy())),
            Self::Http(url) | Self::Https(url) => f.write_str(url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Location {
        Location::url(text).expect(text)
    }

    #[test]
    fn paths_and_three_kinds_of_urls_are_taken() {
        assert_eq!(url("HTTPS://example.org/i.json#x").to_string(), "https://example.org/i.json");
        assert_eq!(url("http://127.0.0.1:8080").host(), Some("127.0.0.1:8080"));
        assert_eq!(url("file:///a%20b/i.json"), Location::File("/a b/i.json".into()));
        assert_eq!(url("file://localhost/a"), Location::File("/a".into()));
        assert_eq!(Location::named("/a/i.json").expect("path"), Location::File("/a/i.json".into()));
        assert!(Location::named("i.json").expect("relative").file().expect("file").is_absolute());
    }

    #[test]
    fn other_urls_are_not() {
        let long = format!("https://example.org/{}", "x".repeat(MAX_URL));
        for text in [
            "",
            "ftp://example.org/x",
            "https://",
            "https:///x",
            "https://user:pw@example.org/",
            "https://exa mple.org",
            "https://example.org/\u{202e}",
            "https://example.org\\@evil/",
            "javascript://x",
            "file://host/x",
            "file:///a%0",
            "file:///a%00",
            &long,
        ] {
            assert_eq!(Location::url(text), None, "{text}");
        }
        assert!(Location::named("ftp://example.org/x").is_err());
        assert!(Location::named("").is_err());
    }

    #[test]
    fn nothing_leads_to_less_safety() {
        let [file, http, https] = ["file:///x", "http://a/x", "https://a/x"].map(url);
        assert!(file.may_lead_to(&file) && file.may_lead_to(&http) && file.may_lead_to(&https));
        assert!(!http.may_lead_to(&file) && http.may_lead_to(&http) && http.may_lead_to(&https));
        assert!(!https.may_lead_to(&file) && !https.may_lead_to(&http) && https.may_lead_to(&https));
    }

    #[test]
    fn redirects_are_joined_as_a_browser_would() {
        let from = url("https://a.org:1/x/y?q=/z");
        let to = |target| from.joined(target).map(|to| to.to_string());
        assert_eq!(to("http://b.org/").as_deref(), Some("http://b.org/"));
        assert_eq!(to("//b.org/v").as_deref(), Some("https://b.org/v"));
        assert_eq!(to("/v").as_deref(), Some("https://a.org:1/v"));
        assert_eq!(to("v").as_deref(), Some("https://a.org:1/x/v"));
        assert_eq!(url("http://a.org").joined("v").map(|to| to.to_string()).as_deref(), Some("http://a.org/v"));
        assert_eq!(to("ftp://b.org/"), None);
    }
}
