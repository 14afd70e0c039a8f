//! What the verbs about packages take.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::config::units::Span;

use super::span;

#[derive(Clone, Debug, Args)]
pub struct SearchArgs {
    /// What to look for; the last word may be a beginning
    #[arg(required = true)]
    pub query: Vec<String>,
    /// Results at most
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub limit: u16,
    /// Order: relevance, newest, name or providers; the same as sort:ORDER in the query
    #[arg(long, value_name = "ORDER", value_parser = ["relevance", "newest", "name", "providers"],
          hide_possible_values = true)]
    pub sort: Option<String>,
    /// Also tell how what fits in this node's catalogue spreads over categories, tags, licences and publishers
    #[arg(long)]
    pub facets: bool,
    /// Only this node's own catalogue, no peers
    #[arg(long)]
    pub local: bool,
}

#[derive(Clone, Debug, Args)]
pub struct InitArgs {
    /// Directory of the package
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Name (id) of the package [default: made from the directory's name]
    #[arg(long)]
    pub name: Option<String>,
    /// Title, for people [default: the README's heading]
    #[arg(long)]
    pub title: Option<String>,
    /// Version to begin with [default: 0.1.0]
    #[arg(long)]
    pub version: Option<semver::Version>,
    /// One sentence [default: the README's first paragraph]
    #[arg(long)]
    pub description: Option<String>,
    /// SPDX expression [default: by the licence files]
    #[arg(long, visible_alias = "licence")]
    pub license: Option<String>,
    /// Web address of the source [default: git's origin]
    #[arg(long, value_name = "URL")]
    pub repository: Option<String>,
    /// Kind of package [default: by its files]
    #[arg(long)]
    pub category: Option<String>,
    /// Word that people may look for (can be given several times) [default: by its files]
    #[arg(long = "tag")]
    pub tags: Vec<String>,
    /// Also write pack.toml, by which ggen's engine knows a package; where there is a manifest already, only that
    #[arg(long)]
    pub pack_toml: bool,
    /// Replace what is there
    #[arg(long)]
    pub force: bool,
    /// Print what would be written, and write nothing
    #[arg(long, conflicts_with = "force")]
    pub print: bool,
}

#[derive(Clone, Debug, Args)]
pub struct PublishArgs {
    /// Directory of the package
    pub path: PathBuf,
    /// Show what would be published, file by file, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// List what is wrong with the package, and change nothing; no node is needed. Exit code 1 when it cannot be published
    #[arg(long, conflicts_with_all = ["dry_run", "wait"])]
    pub check: bool,
    /// With --check: warnings count as errors
    #[arg(long, requires = "check")]
    pub strict: bool,
    /// Publish this file although it looks like a secret: a path in the package, or a glob as in .gitignore (can be given
    /// several times)
    #[arg(long, value_name = "PATH-OR-GLOB")]
    pub allow: Vec<String>,
    /// Wait until this many other peers hold the package; exit code 5 if they do not in time
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub wait: u16,
    /// How long to wait for them, e.g. 30s or 5m [default: without end]
    #[arg(long, value_name = "TIME", requires = "wait", value_parser = span)]
    pub wait_timeout: Option<Span>,
}

#[derive(Clone, Debug, Args)]
pub struct InstallArgs {
    /// Name, with a version requirement if need be: fancy-pack, fancy-pack@1.2, fancy-pack@'>=1, <3'
    #[arg(value_name = "NAME[@REQ]", required_unless_present = "locked")]
    pub packages: Vec<String>,
    /// Publisher's key, where several publishers use the name
    #[arg(long, value_name = "KEY")]
    pub publisher: Option<String>,
    /// Take this key in place of the one that is pinned for the name, from now on
    #[arg(long, value_name = "KEY")]
    pub accept_key: Option<String>,
    /// Show the plan, and fetch and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Leave out what the packages depend on
    #[arg(long)]
    pub no_deps: bool,
    /// Put the packages in place anew, also where they are installed already
    #[arg(long)]
    pub reinstall: bool,
    /// Take a version that its publisher withdrew; only where it is named exactly: NAME@=1.2.3
    #[arg(long)]
    pub allow_yanked: bool,
    /// Take the packages from the central indexes, unsigned, instead of from peers
    #[arg(long, value_name = "SOURCE", value_parser = ["central"])]
    pub from: Option<String>,
    /// Install what the project's lock file names, exactly that
    #[arg(long, conflicts_with_all = ["packages", "publisher", "accept_key", "no_deps", "allow_yanked"])]
    pub locked: bool,
    #[command(flatten)]
    pub project: ProjectArgs,
}

/// Which lock file.
#[derive(Clone, Debug, Default, Args)]
pub struct ProjectArgs {
    /// Project whose .ggen/packs.lock is read and written [default: the closest directory above with ggen.toml or .ggen]
    #[arg(long, value_name = "DIR")]
    pub project: Option<PathBuf>,
    /// Read and write no lock file
    #[arg(long, conflicts_with = "project")]
    pub no_project: bool,
}

#[derive(Clone, Debug, Args)]
pub struct UpdateArgs {
    /// Name, with another version requirement if need be [default: all that was asked for]
    #[arg(value_name = "NAME[@REQ]")]
    pub packages: Vec<String>,
    /// Show the plan, and fetch and change nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub project: ProjectArgs,
}

#[derive(Clone, Debug, Args)]
pub struct YankArgs {
    /// Name and version
    #[arg(value_name = "NAME@VERSION")]
    pub package: String,
    /// Why, for those who use it
    #[arg(long, value_name = "TEXT", required_unless_present = "undo")]
    pub reason: Option<String>,
    /// Take the yank back: the version is offered again
    #[arg(long, conflicts_with = "reason")]
    pub undo: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub enum KeyVerb {
    /// The keys of this home: public key, fingerprint, file, and what became of each
    Show,
    /// Replace the key by a new one, which the old one names as its successor
    ///
    /// Who has your packages installed goes on with the new key. The old key's file is kept; it can still withdraw versions.
    Rotate,
    /// Revoke a key for ever: nothing new that is signed with it is believed by anybody
    ///
    /// Rotate first if you still trust the key enough to name its successor; then revoke the old one with --key.
    Revoke {
        /// Why, for those who trusted it
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// An earlier key of this home [default: the one in use]
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
        /// Do it: it cannot be taken back
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Clone, Debug, Args)]
pub struct ShowArgs {
    /// Name, with a version requirement if need be: fancy-pack, fancy-pack@1.2
    #[arg(value_name = "NAME[@REQ]")]
    pub package: String,
    /// Publisher's key, where several publishers use the name
    #[arg(long, value_name = "KEY")]
    pub publisher: Option<String>,
    /// Say step by step why it is trusted, or not
    #[arg(long)]
    pub why: bool,
    /// List its files; it is fetched and verified for that where it is not here, and not installed
    #[arg(long, conflicts_with = "why")]
    pub files: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub enum TrustVerb {
    /// Every pinned name, its key and since when
    List,
    /// Pin a name to a key, in place of the one pinned before
    Pin {
        /// Name of the package
        name: String,
        /// Publisher's key, e.g. 12D3KooW…
        key: String,
    },
    /// Take a pin away: the next install of the name pins again
    Forget {
        /// Name of the package
        name: String,
    },
}

#[derive(Clone, Debug, Args)]
pub struct RemoveArgs {
    /// Name of the package
    #[arg(required_unless_present = "unused")]
    pub name: Option<String>,
    /// Also where another installed package needs it
    #[arg(long)]
    pub force: bool,
    /// Also the packages that came only as dependencies and are needed by nobody any more
    #[arg(long)]
    pub unused: bool,
}
