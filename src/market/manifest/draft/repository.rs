//! Where a package's source lies, by the git repository it is in.

use std::path::Path;

use super::beginning;
use crate::market::SafeText;

/// Directories above the package that are looked at.
const UPWARDS: usize = 16;

/// The web address of `origin`, without what could let somebody in.
pub(super) fn origin(dir: &Path) -> Option<SafeText> {
    let config = dir.ancestors().take(UPWARDS).find_map(|dir| beginning(&dir.join(".git/config")))?;
    web_address(&origin_url(&config)?).map(|address| SafeText::new(&address))
}

/// The `url` in `[remote "origin"]`.
fn origin_url(config: &str) -> Option<String> {
    let mut lines = config.lines().map(str::trim).skip_while(|line| !is_origin(line)).skip(1);
    let url = lines.find_map(|line| match line.split_once('=') {
        _ if line.starts_with('[') => Some(None),
        Some((key, url)) if key.trim().eq_ignore_ascii_case("url") => {
            Some(Some(url.trim().trim_matches('"').to_owned()))
        }
        _ => None,
    });
    url.flatten()
}

fn is_origin(line: &str) -> bool {
    line.split_whitespace().collect::<Vec<_>>() == ["[remote", "\"origin\"]"]
}

/// `git@host:owner/name.git`, `ssh://git@host:22/owner/name` and `https://user:token@host/owner/name.git?x` all become
/// `https://host/owner/name`. Nothing for paths and other protocols.
fn web_address(url: &str) -> Option<String> {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme @ ("https" | "http" | "ssh" | "git"), rest)) => (scheme, rest.to_owned()),
        Some(_) => return None,
        None => {
            let (host, path) = url.split_once(':').filter(|(host, _)| host.contains('@') && !host.contains('/'))?;
            ("ssh", format!("{host}/{}", path.trim_start_matches('/')))
        }
    };
    let (authority, path) = rest.split_once('/')?;
    let host = authority.rsplit('@').next()?;
    // A port of ssh or git is none of the web's.
    let host = if scheme.starts_with("http") { host } else { host.split(':').next()? };
    let path = path.split(['?', '#']).next()?.trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let scheme = if scheme == "http" { "http" } else { "https" };
    let usable = !host.is_empty() && !path.is_empty() && !path.contains('@');
    usable.then(|| format!("{scheme}://{host}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_those_of_the_web_without_credentials() {
        for (url, expected) in [
            ("git@github.com:me/pack.git", Some("https://github.com/me/pack")),
            ("ssh://git@host.org:2222/me/pack.git", Some("https://host.org/me/pack")),
            ("https://me:ghp_token@host.org/me/pack.git", Some("https://host.org/me/pack")),
            ("https://host.org:8443/me/pack/?private_token=x#y", Some("https://host.org:8443/me/pack")),
            ("git://host.org/pack.git", Some("https://host.org/pack")),
            ("/srv/git/pack.git", None),
            ("file:///srv/git/pack.git", None),
            ("../pack", None),
            ("https://host.org", None),
        ] {
            assert_eq!(web_address(url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn only_origin_counts() {
        let config = "[core]\n\turl = a\n[remote \"other\"]\n\turl = b\n[remote \"origin\"]\n\tfetch = x\n\turl = c\n[x]\n\turl = d\n";
        assert_eq!(origin_url(config).as_deref(), Some("c"));
        assert_eq!(origin_url("[remote \"origin\"]\n[x]\nurl = d\n"), None);
        assert_eq!(origin_url(""), None);
    }
}
