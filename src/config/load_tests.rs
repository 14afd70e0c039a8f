use super::*;
use crate::config::schema::{DhtServerMode, Mirror};

const FILE: &str = "/home/someone/.ggen/p2p-config.toml";

fn load(text: &str, environment: &[(&str, &str)], flags: &[Override]) -> Result<Loaded, ConfigError> {
    let environment = environment.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    load_from(Path::new(FILE), Some(text), environment, flags)
}

fn complaint(text: &str) -> String {
    load(text, &[], &[]).unwrap_err().to_string()
}

fn origin(loaded: &Loaded, name: &str) -> Origin {
    loaded.entries().find(|(key, ..)| key.name == name).unwrap().2.clone()
}

#[test]
fn nothing_given_is_the_defaults() {
    let loaded = load_from(Path::new(FILE), None, [], &[]).unwrap();
    assert_eq!(loaded.settings, Settings::default());
    assert!(loaded.entries().all(|(_, _, origin)| *origin == Origin::Default));
    assert_eq!(loaded.entries().count(), KEYS.len());
}

#[test]
fn flag_over_environment_over_file_over_default() {
    let file = "[network]\nname = \"filed\"\nmdns = false\n[log]\nlevel = \"warn\"\n";
    let environment = [("GGEN_P2P_NETWORK_NAME", "enved"), ("GGEN_P2P_LOG_LEVEL", "debug"), ("PATH", "/bin")];
    let flag = Override { key: "network.name", value: "flagged".into(), flag: "--network" };
    let loaded = load(file, &environment, &[flag]).unwrap();
    assert_eq!(loaded.settings.network.name, "flagged");
    assert_eq!(loaded.settings.log.level, "debug");
    assert!(!loaded.settings.network.mdns);
    assert_eq!(origin(&loaded, "network.name"), Origin::Flag { flag: "--network" });
    assert_eq!(origin(&loaded, "log.level"), Origin::Environment { variable: "GGEN_P2P_LOG_LEVEL".into() });
    assert_eq!(origin(&loaded, "network.mdns"), Origin::File { line: 3 });
    assert_eq!(origin(&loaded, "ui.theme"), Origin::Default);
}

#[test]
fn every_kind_is_read_from_the_environment() {
    let environment = [
        ("GGEN_P2P_NETWORK_LISTEN_ADDRESSES", "/ip4/127.0.0.1/tcp/0, /ip6/::1/tcp/0"),
        ("GGEN_P2P_REGISTRY_CENTRAL", "[\"/a,b.json\"]"),
        ("GGEN_P2P_NETWORK_DHT_SERVER_MODE", "client"),
        ("GGEN_P2P_STORAGE_MAX_CACHE_SIZE", "5 MiB"),
        ("GGEN_P2P_STORAGE_MIRROR", "all"),
        ("GGEN_P2P_SECURITY_BAN_DURATION", "2h"),
        ("GGEN_P2P_SECURITY_MIN_PEER_REPUTATION", "0.25"),
        ("GGEN_P2P_PERFORMANCE_MAX_PEERS", "7"),
        ("GGEN_P2P_UI_KEYMAP", "{ quit = \"x\" }"),
    ];
    let settings = load("", &environment, &[]).unwrap().settings;
    assert_eq!(settings.network.listen_addresses, ["/ip4/127.0.0.1/tcp/0", "/ip6/::1/tcp/0"]);
    assert_eq!(settings.registry.central, ["/a,b.json"]);
    assert_eq!(settings.network.dht_server_mode, DhtServerMode::Client);
    assert_eq!(settings.storage.max_cache_size.0, 5 << 20);
    assert_eq!(settings.storage.mirror, Mirror::All);
    assert_eq!(settings.security.ban_duration.0, 7200);
    assert_eq!(settings.security.min_peer_reputation, 0.25);
    assert_eq!(settings.performance.max_peers, 7);
    assert_eq!(settings.ui.keymap["quit"], "x");
}

#[test]
fn a_misspelt_variable_is_refused_and_a_foreign_one_is_not() {
    let error = load("", &[("GGEN_P2P_NETWORK_NMAE", "x")], &[]).unwrap_err();
    assert!(error.to_string().contains("\"GGEN_P2P_NETWORK_NAME\""), "{error}");
    assert!(load("", &[("GGEN_P2P_OTHER_THING", "x")], &[]).is_ok());
}

#[test]
fn a_wrong_variable_is_named() {
    let error = load("", &[("GGEN_P2P_NETWORK_MDNS", "perhaps")], &[]).unwrap_err();
    assert_eq!(error.to_string(), "GGEN_P2P_NETWORK_MDNS: network.mdns: expected true or false, found \"perhaps\"");
}

#[test]
fn each_fault_of_a_file_names_place_key_and_what_is_allowed() {
    let cases = [
        ("[network]\nnmae = \"x\"", "2:1: unknown key \"network.nmae\" (did you mean \"network.name\"?)"),
        ("[netwrk]\n", "1:2: unknown section \"netwrk\" (did you mean \"network\"?)"),
        (
            "[network]\nmax_peers = 3",
            "2:1: unknown key \"network.max_peers\" (did you mean \"performance.max_peers\"?)",
        ),
        ("[network]\nmdns = \"yes\"", "2:8: network.mdns: expected true or false, found the text \"yes\""),
        (
            "[performance]\nmax_peers = 0",
            "2:13: performance.max_peers: expected a whole number from 1 to 1000, found 0",
        ),
        (
            "[storage]\nmirror = \"some\"",
            "2:10: storage.mirror: expected one of none, installed, all, found the text \"some\"",
        ),
        ("[storage]\nmax_cache_size = \"big\"", "2:18: storage.max_cache_size: \"big\" is no size"),
        ("[security]\nban_duration = 5", "2:16: security.ban_duration: expected a duration such as \"5m\", found 5"),
        ("network = 3", "1:1: network is a section"),
        (
            "[network]\nlisten_addresses = [\"localhost:1\"]",
            "2:20: network.listen_addresses: \"localhost:1\" is no multiaddr",
        ),
        (
            "[network]\nbootstrap_nodes = [\"1.2.3.4:1\"]",
            "2:19: network.bootstrap_nodes: \"1.2.3.4:1\" is no multiaddr",
        ),
        (
            "[network]\nlisten_addresses = [\"/ip4/127.0.0.1/sctp/1\"]",
            "2:20: network.listen_addresses: \"/ip4/127.0.0.1/sctp/1\" is no address that can be used here",
        ),
        (
            "[network]\nlisten_addresses = [\"/dns4/example.com/tcp/1\"]",
            "2:20: network.listen_addresses: \"/dns4/example.com/tcp/1\" is no address that can be used here",
        ),
        (
            "[network]\nbootstrap_nodes = [\"/ip4/1.2.3.4\"]",
            "2:19: network.bootstrap_nodes: \"/ip4/1.2.3.4\" is no address that can be used here",
        ),
        (
            "[network]\nbootstrap_nodes = [\"/ip4/1.2.3.4/tcp/0\"]",
            "2:19: network.bootstrap_nodes: \"/ip4/1.2.3.4/tcp/0\" has no port",
        ),
        ("[metrics]\nlisten = \"0.0.0.0:80\"", "2:10: metrics.listen: \"0.0.0.0:80\" is no address on this machine"),
        (
            "[performance]\nmin_peers = 60",
            "2:1: performance.min_peers: min_peers (60) must not be above max_peers (50)",
        ),
        ("[security]\nrequire_signatures = false", "2:1: security.require_signatures: only true is allowed"),
        ("[ui]\npanes = [\"feed\", \"feed\"]", "2:1: ui.panes: the pane \"feed\" is named twice"),
    ];
    for (text, expected) in cases {
        let said = complaint(text);
        assert!(said.starts_with(&format!("{FILE}:{expected}")), "{text:?}: {said}");
        assert!(!said.contains('\n'), "{said}");
    }
}

#[test]
fn every_kind_of_usable_address_is_taken() {
    for address in ["/ip4/0.0.0.0/tcp/0", "/ip6/::1/tcp/4001", "/ip4/127.0.0.1/udp/0/quic-v1"] {
        let loaded = load(&format!("network.listen_addresses = [\"{address}\"]"), &[], &[]).unwrap();
        assert_eq!(loaded.settings.network.listen_addresses, [address]);
    }
    for address in [
        "/ip4/1.2.3.4/tcp/4001",
        "/dns/example.com/udp/4001/quic-v1",
        "/ip6/::1/tcp/4001/p2p/12D3KooWGrCDJoLoTYyQXcADZueQFXshCKwmwjXRsmEJdMfgxHh4",
    ] {
        let loaded = load(&format!("network.bootstrap_nodes = [\"{address}\"]"), &[], &[]).unwrap();
        assert_eq!(loaded.settings.network.bootstrap_nodes, [address]);
    }
}

#[test]
fn half_written_files_are_refused_with_their_place() {
    for (text, place) in
        [("[network", "1:"), ("[network]\nname = ", "2:"), ("[network]\nname = \"a\"\nname = \"b\"", "3:")]
    {
        let said = complaint(text);
        assert!(said.starts_with(&format!("{FILE}:{place}")), "{text:?}: {said}");
        assert!(!said.contains('\n'), "{said}");
    }
}

#[test]
fn dotted_keys_and_inline_tables_are_settings_too() {
    let loaded =
        load("network.name = \"a\"\nlog = { level = \"warn\" }\n[ui.keymap]\nquit = \"x\"\n", &[], &[]).unwrap();
    assert_eq!(loaded.settings.network.name, "a");
    assert_eq!(loaded.settings.log.level, "warn");
    assert_eq!(loaded.settings.ui.keymap["quit"], "x");
}

#[test]
fn a_file_that_is_no_text_is_refused_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("p2p-config.toml");
    std::fs::write(&file, b"[network]\nname = \"\xff\"\n").unwrap();
    let error = super::load(&file, &[]).unwrap_err();
    assert!(error.to_string().ends_with(":2:9: this is no UTF-8 text"), "{error}");
}

proptest::proptest! {
    #[test]
    fn no_file_panics(text in "(?s).{0,200}") {
        let _ = load(&text, &[], &[]);
    }
}
