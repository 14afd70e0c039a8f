//! The command line.

mod packages;
mod screen;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::load::Override;
use super::units::Span;

pub use packages::*;
pub use screen::{Cells, ScreenArgs};

/// Publish, find, verify and install ggen packages peer to peer.
///
/// Without a command the dashboard opens, with a node inside it, or attached to the node that runs on the home directory.
/// Commands talk to that node too; where none runs, those that need one start it for as long as they take.
#[derive(Clone, Debug, Parser)]
#[command(name = "ggen-p2p-tui", version, propagate_version = true, after_help = EXIT_CODES, after_long_help = EXAMPLES)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(flatten)]
    pub screen: ScreenArgs,
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

const EXAMPLES: &str = "\
Examples:
  ggen-p2p-tui --demo                         look around in a network of its own
  ggen-p2p-tui --snapshot peers --format svg  a picture of what the running node knows
  ggen-p2p-tui start --bootstrap ADDR         run a node as a service
  ggen-p2p-tui publish ./my-pack --dry-run    see what would be published
  ggen-p2p-tui publish ./my-pack --wait 1     publish, and wait until another node holds it
  ggen-p2p-tui search graph --format json     find packages, for a script
  ggen-p2p-tui install my-pack@1.2            fetch, verify and install

Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 not found, 4 verification failed,
5 network, 6 no node runs, 7 permission, 8 disk; 128 + N when signal N ended it

Settings and their environment variables: docs/CONFIG.md, or `ggen-p2p-tui config show --origin`";

const FILTERS: &str = "\
Filters, among the words of the query:
  category:web          the category
  tag:rdf               a tag; several tags: all of them
  licence:MIT           the licence, or one of several
  publisher:KEY         the publisher's key, its beginning or its last eight characters or more
  installed:yes|no      only what is, or is not, installed here
  yanked:yes            also packages of which every version was withdrawn
  min-reputation:0.5    only where the publisher's node or a holder has this reputation (0 to 1)
  sort:ORDER            relevance (the default), newest, name, providers (who has most holders first)

A value with blanks stands in quotes: category:\"knowledge graphs\"";

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 not found, 4 verification failed, \
5 network, 6 no node runs, 7 permission, 8 disk";

/// Options of every command.
#[derive(Clone, Debug, Default, Args)]
pub struct Global {
    /// Home directory [default: $GGEN_HOME, else ~/.ggen]
    #[arg(long, global = true, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Read (and edit) this settings file instead of the home's p2p-config.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Run the node without the dashboard, as a service: logs go to standard error, SIGTERM stops it
    #[arg(long)]
    pub no_ui: bool,
    /// Show a network of several real nodes in this process, in temporary homes on loopback; with --no-ui, or without a
    /// terminal, it is told line by line
    #[arg(long)]
    pub demo: bool,
    /// Listen on this address, e.g. /ip4/127.0.0.1/tcp/0 (can be given several times)
    #[arg(long, global = true, value_name = "MULTIADDR", help_heading = "Node")]
    pub listen: Vec<String>,
    /// Begin with this peer, e.g. /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW… (can be given several times)
    #[arg(long, global = true, value_name = "MULTIADDR", help_heading = "Node")]
    pub bootstrap: Vec<String>,
    /// Do not look for peers on the local network
    #[arg(long, global = true, help_heading = "Node")]
    pub no_mdns: bool,
    /// Name of the network; networks of different names never mix
    #[arg(long, global = true, value_name = "NAME", help_heading = "Node")]
    pub network: Option<String>,
    /// Which packages of others to keep and offer
    #[arg(long, global = true, value_name = "WHICH", value_parser = ["none", "installed", "all"], help_heading = "Node")]
    pub mirror: Option<String>,
    /// Form of the answer: table, json or yaml [default: table]; of a --snapshot: text, json or svg [default: text]
    #[arg(long, global = true, value_name = "FORM", hide_possible_values = true, help_heading = "Output")]
    pub format: Option<Form>,
    /// The same as --format json
    #[arg(long, global = true, conflicts_with = "format", help_heading = "Output")]
    pub json: bool,
    /// Log more: -v info, -vv debug, -vvv trace (a service logs info as it is)
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Output")]
    pub verbose: u8,
    /// Log at this level
    #[arg(long, global = true, value_name = "LEVEL", value_parser = ["error", "warn", "info", "debug", "trace"],
          conflicts_with = "verbose", help_heading = "Output")]
    pub log_level: Option<String>,
    /// Draw with ASCII characters only
    #[arg(long, global = true, help_heading = "Output")]
    pub ascii: bool,
    /// Colours of the dashboard
    #[arg(long, global = true, value_name = "NAME", help_heading = "Output")]
    pub theme: Option<String>,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// One JSON object
    Json,
    /// The same as YAML
    Yaml,
}

/// What `--format` can be given: forms of answers and of snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people
    Table,
    /// One JSON object
    Json,
    /// The same as YAML
    Yaml,
    /// A snapshot's characters
    Text,
    /// A snapshot as a picture
    Svg,
}

impl Form {
    /// The name it is given by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Text => "text",
            Self::Svg => "svg",
        }
    }
}

#[derive(Clone, Debug, Subcommand)]
pub enum Verb {
    /// Run the node as a service, like --no-ui
    Start,
    /// What the running node is and does
    Status,
    /// Find packages by name, words, tags or category
    #[command(after_long_help = FILTERS)]
    Search(SearchArgs),
    /// Write a first manifest for the package in a directory
    ///
    /// gpack.toml is filled in from what is there: the README, licence files, the git repository, templates and
    /// ontologies. What cannot be told stands in it as a comment.
    #[command(disable_version_flag = true)]
    Init(Box<InitArgs>),
    /// Publish the package in a directory
    ///
    /// The package is packed, signed with this home's key, stored and announced. It can be fetched from this node, and
    /// from every node that has it by then.
    Publish(PublishArgs),
    /// Fetch, verify and install packages and what they depend on
    ///
    /// The versions are chosen so that all that is installed fits together; the plan is shown before anything is fetched.
    /// In a project (a directory with ggen.toml or .ggen) they are noted in .ggen/packs.lock.
    Install(InstallArgs),
    /// Installed packages that there are newer versions of, or that were withdrawn
    Outdated,
    /// Bring installed packages to the newest versions that fit what was asked for
    Update(UpdateArgs),
    /// Withdraw a version that you published
    ///
    /// It is no longer found nor installed, and those who have it see why. Its bytes stay with those who hold them.
    Yank(YankArgs),
    /// Show, replace and revoke the key that packages are signed with
    #[command(subcommand)]
    Key(KeyVerb),
    /// All that is known of a package, and why it is trusted or not
    Show(ShowArgs),
    /// The keys that names are pinned to
    ///
    /// The first install of a name pins its publisher's key. A release by another key is refused until you accept it.
    #[command(subcommand)]
    Trust(TrustVerb),
    /// Installed packages, why each is there and what became of it since
    List,
    /// Compare installed files with what was put in place
    ///
    /// Ends with exit code 4 where a file is missing or differs. Files that were added are told of and do no harm.
    Verify {
        /// Names of packages; none: all
        names: Vec<String>,
    },
    /// Take an installed package away
    Remove(RemoveArgs),
    /// Connected and banned peers
    #[command(visible_alias = "peer-list")]
    Peers(PeersArgs),
    /// All that is known of one peer
    PeerInfo {
        /// Its peer id, or the end of it that no other peer shares
        peer: String,
    },
    /// Connect to a peer
    Connect {
        /// Its address, e.g. /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW…
        addr: String,
    },
    /// Close the connection to one peer, or to all
    Disconnect {
        /// Peer id; none: all peers
        peer: Option<String>,
    },
    /// Look for peers through the DHT
    Bootstrap {
        /// Answer when the search has ended
        #[arg(long)]
        wait: bool,
    },
    /// Refuse a peer from now on
    Ban(BanArgs),
    /// Let a banned peer in again
    Unban {
        /// Peer id
        peer: String,
    },
    /// Stay connected with a peer: it is dialled again whenever the connection is lost, also after a restart
    Keep {
        /// Peer id, or the end of it that no other peer shares
        peer: String,
    },
    /// Leave it to the node again whether it stays connected with a peer
    Unkeep {
        /// Peer id, or the end of it that no other peer shares
        peer: String,
    },
    /// Announcements that reached this node, newest first
    Feed(FeedArgs),
    /// The central indexes: how they are doing, or fetch them anew
    #[command(subcommand)]
    Central(CentralVerb),
    /// Stop the running node
    Stop,
    /// Show, change and check the settings
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Print the completion script of a shell
    Completions { shell: clap_complete::Shell },
}

#[derive(Clone, Debug, Args)]
pub struct PeersArgs {
    /// Order
    #[arg(long, default_value = "reputation")]
    pub sort: PeerSort,
    /// Leave out peers below this reputation (0 to 1)
    #[arg(long, value_name = "X", value_parser = reputation)]
    pub min_reputation: Option<f64>,
    /// Those that are not connected too, with the reason
    #[arg(long)]
    pub all: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PeerSort {
    /// Best first
    Reputation,
    /// Fastest first
    Latency,
    /// By peer id
    Name,
    /// Longest connected first
    Age,
}

#[derive(Clone, Debug, Args)]
pub struct BanArgs {
    /// Peer id
    pub peer: String,
    /// Why, for the list of peers
    #[arg(long, default_value = "banned by hand", value_parser = reason)]
    pub reason: String,
    /// How long, e.g. 1h [default: until lifted]
    #[arg(long = "for", value_name = "TIME", value_parser = ban_time)]
    pub duration: Option<Span>,
}

#[derive(Clone, Debug, Args)]
pub struct FeedArgs {
    /// Go on and print announcements as they come, until interrupted
    #[arg(long)]
    pub follow: bool,
    /// Announcements at most to begin with
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub limit: u16,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum CentralVerb {
    /// How many packages each has, when it was fetched, what could not be read of it
    Status,
    /// Ask their servers now
    Refresh,
}

#[derive(Clone, Debug, Subcommand)]
pub enum ConfigVerb {
    /// Every setting and its value
    Show {
        /// And where each comes from
        #[arg(long)]
        origin: bool,
    },
    /// Change a setting in the file; comments stay
    #[command(visible_alias = "set")]
    Edit {
        /// SECTION.KEY, e.g. network.mdns
        key: String,
        /// Its value; lists with commas, or as ["a", "b"]
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Take the default back, for one setting or for all (the file is replaced by the commented default file then)
    Reset {
        /// SECTION.KEY; none: all
        key: Option<String>,
    },
    /// Check the file, the environment and the flags
    Validate,
    /// Where the settings file is
    Path,
}

fn span(text: &str) -> Result<Span, String> {
    text.parse().map_err(|error: super::units::UnitError| error.to_string())
}

/// A ban that is over at once, or that outlives everybody, was hardly meant.
fn ban_time(text: &str) -> Result<Span, String> {
    const LONGEST: u64 = 100 * 365 * 24 * 60 * 60;
    match span(text)? {
        Span(0) => Err("a ban of no time is none".to_owned()),
        Span(seconds) if seconds > LONGEST => Err("at most 36500d; leave --for away to ban until lifted".to_owned()),
        fits => Ok(fits),
    }
}

fn reason(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("say why, or leave --reason away".to_owned()) } else { Ok(text.to_owned()) }
}

fn reputation(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if (0.0..=1.0).contains(&number) => Ok(number),
        _ => Err("expected a number from 0 to 1".to_owned()),
    }
}

impl Global {
    /// The form that is asked for.
    pub fn form(&self) -> Option<Form> {
        if self.json { Some(Form::Json) } else { self.format }
    }

    /// The form of answers and errors; one of snapshots alone counts as none.
    pub fn answer_format(&self) -> Option<Format> {
        match self.form()? {
            Form::Table => Some(Format::Table),
            Form::Json => Some(Format::Json),
            Form::Yaml => Some(Format::Yaml),
            Form::Text | Form::Svg => None,
        }
    }

    /// What the flags set.
    pub fn overrides(&self) -> Vec<Override> {
        let list = |items: &[String]| toml::Value::Array(items.iter().cloned().map(toml::Value::String).collect());
        let text = |value: &Option<String>| value.clone().map(toml::Value::String);
        let level = match self.verbose {
            0 => text(&self.log_level).map(|level| (level, "--log-level")),
            1 => Some(("info".into(), "-v")),
            2 => Some(("debug".into(), "-vv")),
            _ => Some(("trace".into(), "-vvv")),
        };
        let (level, level_flag) = level.unzip();
        let given = [
            ("network.listen_addresses", "--listen", (!self.listen.is_empty()).then(|| list(&self.listen))),
            ("network.bootstrap_nodes", "--bootstrap", (!self.bootstrap.is_empty()).then(|| list(&self.bootstrap))),
            ("network.mdns", "--no-mdns", self.no_mdns.then_some(false.into())),
            ("network.name", "--network", text(&self.network)),
            ("storage.mirror", "--mirror", text(&self.mirror)),
            ("log.level", level_flag.unwrap_or("--log-level"), level),
            ("ui.ascii", "--ascii", self.ascii.then_some(true.into())),
            ("ui.theme", "--theme", text(&self.theme)),
        ];
        given.into_iter().filter_map(|(key, flag, value)| Some(Override { key, value: value?, flag })).collect()
    }
}
