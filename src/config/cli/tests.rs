use clap::CommandFactory;
use clap::error::ErrorKind;

use super::super::load::load_from;
use super::*;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("ggen-p2p-tui").chain(line.split_whitespace()))
}

#[test]
fn the_definition_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn no_verb_is_the_dashboard_and_flags_are_global() {
    assert!(parse("").unwrap().verb.is_none());
    let before = parse("--home /a --format json status").unwrap();
    let after = parse("status --home /a --format json").unwrap();
    let short = parse("--home /a status --json").unwrap();
    for cli in [before, after, short] {
        assert!(matches!(cli.verb, Some(Verb::Status)));
        assert_eq!(cli.global.answer_format(), Some(Format::Json));
        assert_eq!(cli.global.home.unwrap().to_str(), Some("/a"));
    }
}

#[test]
fn verbs_take_what_they_need() {
    let Some(Verb::Search(search)) = parse("search two words --limit 3 --local").unwrap().verb else { panic!() };
    assert_eq!((search.query.join(" ").as_str(), search.limit, search.local), ("two words", 3, true));
    let Some(Verb::Publish(publish)) = parse("publish . --wait 2 --wait-timeout 30s").unwrap().verb else { panic!() };
    assert_eq!((publish.wait, publish.wait_timeout), (2, Some(Span(30))));
    let Some(Verb::Peers(peers)) = parse("peer-list --sort age --min-reputation 0.5").unwrap().verb else { panic!() };
    assert_eq!((peers.sort, peers.min_reputation), (PeerSort::Age, Some(0.5)));
    let Some(Verb::Ban(ban)) = parse("ban 12D3 --for 1h --reason spam").unwrap().verb else { panic!() };
    assert_eq!((ban.duration, ban.reason.as_str()), (Some(Span(3600)), "spam"));
}

#[test]
fn wrong_usage_ends_with_code_2() {
    for line in [
        "serach x",
        "search",
        "search x --limit 0",
        "publish",
        "publish . --wait x",
        "publish . --wait-timeout 5m",
        "install",
        "peers --sort size",
        "peers --min-reputation 2",
        "ban x --for soon",
        "ban x --for 0s",
        "ban x --for 99999999999d",
        "ban x --reason \u{3000}",
        "search x --sort size",
        "--mirror some",
        "--log-level loud",
        "-v --log-level debug",
        "config",
        "config edit network.mdns",
        "status --format xml",
    ] {
        let error = parse(line).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}");
    }
    assert_eq!(parse("--help").unwrap_err().kind(), ErrorKind::DisplayHelp);
    assert_eq!(parse("--version").unwrap_err().exit_code(), 0);
}

#[test]
fn flags_become_settings() {
    let cli = parse(
        "--listen /ip4/127.0.0.1/tcp/0 --listen /ip4/127.0.0.1/udp/0/quic-v1 --bootstrap /ip4/192.0.2.1/tcp/1/p2p/x \
         --no-mdns --network test --mirror all -vv --ascii --theme dark",
    )
    .unwrap();
    let loaded = load_from("file".as_ref(), None, [], &cli.global.overrides()).unwrap();
    let settings = loaded.settings;
    assert_eq!(settings.network.listen_addresses, ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"]);
    assert_eq!(settings.network.bootstrap_nodes, ["/ip4/192.0.2.1/tcp/1/p2p/x"]);
    assert_eq!((settings.network.mdns, settings.network.name.as_str()), (false, "test"));
    assert_eq!(settings.storage.mirror, super::super::schema::Mirror::All);
    assert_eq!((settings.log.level.as_str(), settings.ui.ascii, settings.ui.theme.as_str()), ("debug", true, "dark"));
    assert!(parse("").unwrap().global.overrides().is_empty());
}

#[test]
fn a_wrong_address_names_its_flag() {
    let cli = parse("--listen localhost:4001").unwrap();
    let error = load_from("file".as_ref(), None, [], &cli.global.overrides()).unwrap_err().to_string();
    assert_eq!(error, "--listen: \"localhost:4001\" is no multiaddr: write e.g. /ip4/192.0.2.7/tcp/4001");
}
