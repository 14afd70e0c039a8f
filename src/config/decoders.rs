//! What the readers of settings promise, whatever text they are given.

use std::ffi::OsString;
use std::path::Path;

use super::ConfigError;
use super::keys::KEYS;
use super::load::{Loaded, load_from};
use crate::decoders::{Decoder, shown};

/// The decoders of this layer.
pub const DECODERS: &[Decoder] = &[
    Decoder { name: "settings", check: settings, samples: files },
    Decoder { name: "setting_variable", check: setting_variable, samples: variables },
];

/// A settings file: all settings have a value afterwards, or the error names a place in the text.
fn settings(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match load_from(Path::new("p2p-config.toml"), Some(&text), [], &[]) {
        Ok(loaded) => assert_complete(&loaded),
        Err(error) => {
            if let ConfigError::InFile { line, column, .. } = &error {
                let widest = text.split('\n').nth(*line - 1).map_or(0, |line| line.chars().count());
                assert!((1..=widest + 1).contains(column), "{error}");
            }
            shown(error);
        }
    }
}

/// An environment variable, `NAME=VALUE`.
fn setting_variable(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (name, value) = text.split_once('=').unwrap_or((&text, ""));
    let variable = (OsString::from(name), OsString::from(value));
    match load_from(Path::new("p2p-config.toml"), None, [variable], &[]) {
        Ok(loaded) => assert_complete(&loaded),
        Err(error) => shown(error),
    }
}

fn assert_complete(loaded: &Loaded) {
    assert_eq!(loaded.entries().count(), KEYS.len());
    assert!(loaded.settings.performance.min_peers <= loaded.settings.performance.max_peers);
    assert!(loaded.settings.security.require_signatures);
}

fn files() -> Vec<Vec<u8>> {
    [
        "network.name = \"a\"\nlog = { level = \"warn\" }\n[ui.keymap]\nquit = \"x\"\n",
        "[performance]\nmax_peers = 7 # few\nupload_limit = \"512 KiB\"\n[security]\nban_duration = \"1h30m\"\nmin_peer_reputation = 0.5\n",
        "[network]\nlisten_addresses = [\"/ip4/127.0.0.1/tcp/4001\", \"/ip6/::1/udp/1/quic-v1\"]\nmdns = false\n[registry]\ncentral = [\"https://example.org/index.json\"]\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

fn variables() -> Vec<Vec<u8>> {
    [
        "GGEN_P2P_NETWORK_NAME=demo",
        "GGEN_P2P_STORAGE_MAX_CACHE_SIZE=1 GiB",
        "GGEN_P2P_UI_PANES=[\"peers\", \"feed\"]",
        "GGEN_P2P_NETWORK_MDNS=false",
        "GGEN_P2P_SECURITY_INSTALL_COOLDOWN=7d12h",
        "GGEN_P2P_SECURITY_\u{1b}[2J\u{202e}=1",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
