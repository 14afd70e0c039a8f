//! `show`: all that is known of a package, and why it is trusted.

use semver::{Version, VersionReq};
use serde::Serialize;

use crate::app::output::table::{self, Table};
use crate::app::output::{Style, human};
use crate::config::cli::ShowArgs;
use crate::market::trust::{Assessment, Fingerprint, Outcome, assess};
use crate::market::{PackageName, PublisherKey, Store};
use crate::net::api::{FileList, InstalledInfo, ReleaseInfo, SearchRequest};
use crate::net::{ErrorKind, NodeError, NodeHandle};

use super::install::parse;
use super::installed::{open_store, stored};
use super::unsigned::Unsigned;
use super::{Context, Session, progress, trust, why};

/// Results asked of peers where this node does not know the name.
const REMOTE_RESULTS: usize = 50;

/// What `show` answers.
#[derive(Serialize)]
struct Shown {
    /// The release that is shown: the newest that fits, of the pinned key where there is one.
    release: ReleaseInfo,
    fingerprint: String,
    /// What is installed under the name.
    installed: Option<InstalledInfo>,
    /// Every publisher of the name.
    publishers: Vec<Publisher>,
    /// Every version by every publisher, the highest first.
    versions: Vec<Line>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Why>,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<FileList>,
}

#[derive(Serialize)]
struct Publisher {
    key: PublisherKey,
    fingerprint: String,
    /// Unix seconds.
    first_seen: u64,
    versions: usize,
    pinned: bool,
}

#[derive(Serialize)]
struct Line {
    version: Version,
    publisher: PublisherKey,
    published_at: u64,
    first_seen: u64,
    size: u64,
    yank_reason: Option<crate::market::SafeText>,
    installed: bool,
}

#[derive(Serialize)]
struct Why {
    verdict: Outcome,
    #[serde(flatten)]
    assessment: Assessment,
}

pub async fn show(context: &Context, session: &mut Session, arguments: &ShowArgs) -> Result<(), NodeError> {
    let wanted = parse(&arguments.package, arguments.publisher.as_deref())?;
    let source = Source::open(context, session, arguments.files).await?;
    let releases = source.releases(&wanted.name).await?;
    if releases.is_empty()
        && wanted.publisher.is_none()
        && let Some(found) = Unsigned::find(context, session, source.node(), &wanted).await?
    {
        return found.show(context, arguments);
    }
    let release = choose(&releases, wanted.publisher, wanted.requirement.as_ref())
        .ok_or_else(|| unknown(&releases, &wanted.name, wanted.publisher, wanted.requirement.as_ref()))?
        .clone();
    let why = if arguments.why { Some(source.why(context, &release).await?) } else { None };
    let files = if arguments.files { Some(source.files(context, &release).await?) } else { None };
    let installed = source.installed(context).await?.into_iter().find(|one| one.name == wanted.name);
    let shown = Shown {
        fingerprint: Fingerprint::of(&release.publisher).to_string(),
        publishers: publishers(&releases),
        versions: releases.iter().map(line).collect(),
        why: why.map(|assessment| Why { verdict: assessment.verdict(), assessment }),
        release,
        installed,
        files,
    };
    let ascii = why::is_ascii(context);
    context.output.answer(&shown, |style| match (&shown.why, &shown.files) {
        (Some(why), _) => because(&shown, why, style, ascii),
        (None, Some(files)) => inside(files, style),
        (None, None) => facts(&shown, style),
    })
}

/// Where it is looked up: the node that runs, else the store.
enum Source {
    Node(NodeHandle),
    Store(Option<Store>),
}

impl Source {
    /// `node`: one is needed, since something may have to be fetched.
    async fn open(context: &Context, session: &mut Session, node: bool) -> Result<Self, NodeError> {
        if node {
            let node = session.open(context).await?;
            session.settle(context).await?;
            return Ok(Self::Node(node));
        }
        Ok(match session.find(context).await? {
            Some(node) => Self::Node(node),
            None => Self::Store(open_store(context)?),
        })
    }

    fn node(&self) -> Option<NodeHandle> {
        match self {
            Self::Node(node) => Some(node.clone()),
            Self::Store(_) => None,
        }
    }

    async fn releases(&self, name: &PackageName) -> Result<Vec<ReleaseInfo>, NodeError> {
        match self {
            Self::Store(None) => Ok(Vec::new()),
            Self::Store(Some(store)) => {
                let name = name.clone();
                Ok(store.run(move |db| ReleaseInfo::all_of(db, &name, None)).await?)
            }
            Self::Node(node) => {
                let known = node.detail(name.clone(), None).await?;
                if !known.is_empty() {
                    return Ok(known);
                }
                // What peers answer comes into the catalogue, where it is looked up again.
                let query = name.to_string();
                node.search(SearchRequest { query, limit: REMOTE_RESULTS, remote: true, facets: false }).await?;
                node.detail(name.clone(), None).await
            }
        }
    }

    async fn why(&self, context: &Context, release: &ReleaseInfo) -> Result<Assessment, NodeError> {
        let (name, version, publisher) = (release.name.clone(), release.version.clone(), release.publisher);
        match self {
            Self::Node(node) => node.why(name, version, publisher).await,
            Self::Store(None) => Ok(Assessment::default()),
            Self::Store(Some(store)) => {
                let ground = trust::ground(context)?;
                let judged = store.run(move |db| {
                    let release = db.last_word(publisher, &name, &version)?;
                    release.map(|release| assess(db, &release, &ground)).transpose()
                });
                Ok(judged.await?.unwrap_or_default())
            }
        }
    }

    /// What is in it; without a node nothing is known of that.
    async fn files(&self, context: &Context, release: &ReleaseInfo) -> Result<FileList, NodeError> {
        let Self::Node(node) = self else { return Ok(FileList { unknown: true, ..FileList::default() }) };
        let asked = node.contents(release.name.clone(), release.version.clone(), release.publisher);
        progress::during(context, node, None, asked).await
    }

    async fn installed(&self, context: &Context) -> Result<Vec<InstalledInfo>, NodeError> {
        match self {
            Self::Node(node) => node.installed().await,
            Self::Store(_) => stored(context).await,
        }
    }
}

/// The newest release that fits; of the pinned key where it has one, withdrawn and pre-releases only where there is
/// nothing else.
fn choose<'a>(
    releases: &'a [ReleaseInfo],
    publisher: Option<PublisherKey>,
    requirement: Option<&VersionReq>,
) -> Option<&'a ReleaseInfo> {
    releases
        .iter()
        .filter(|one| publisher.is_none_or(|key| key == one.publisher))
        .filter(|one| requirement.is_none_or(|requirement| requirement.matches(&one.version)))
        .max_by_key(|one| {
            let pinned = one.pinned == Some(one.publisher);
            (pinned, one.yank_reason.is_none(), one.version.pre.is_empty(), &one.version)
        })
}

fn unknown(
    releases: &[ReleaseInfo],
    name: &PackageName,
    publisher: Option<PublisherKey>,
    requirement: Option<&VersionReq>,
) -> NodeError {
    let not_found = |message: String| NodeError::new(ErrorKind::NotFound, message);
    let of_publisher = |one: &&ReleaseInfo| publisher.is_none_or(|key| key == one.publisher);
    let by = publisher.map(|key| format!(" by {key}")).unwrap_or_default();
    match (releases.iter().find(of_publisher), requirement) {
        (Some(newest), Some(requirement)) => {
            not_found(format!("no version of {name}{by} fits {requirement}; the highest is {}", newest.version))
                .hint(format!("see all of them with: ggen-p2p-tui show {name}"))
        }
        _ if releases.is_empty() => not_found(format!("no package named {name} is known here"))
            .hint(format!("check the spelling, or look for it with: ggen-p2p-tui search {name}")),
        _ => not_found(format!("{name} has no release{by}"))
            .hint(format!("see who publishes it with: ggen-p2p-tui show {name}")),
    }
}

/// Those seen first before the others.
fn publishers(releases: &[ReleaseInfo]) -> Vec<Publisher> {
    let mut found: Vec<Publisher> = Vec::new();
    for release in releases {
        match found.iter_mut().find(|one| one.key == release.publisher) {
            Some(one) => {
                one.versions += 1;
                one.first_seen = one.first_seen.min(release.first_seen);
            }
            None => found.push(Publisher {
                key: release.publisher,
                fingerprint: Fingerprint::of(&release.publisher).to_string(),
                first_seen: release.first_seen,
                versions: 1,
                pinned: release.pinned == Some(release.publisher),
            }),
        }
    }
    found.sort_by_key(|one| one.first_seen);
    found
}

fn line(release: &ReleaseInfo) -> Line {
    Line {
        version: release.version.clone(),
        publisher: release.publisher,
        published_at: release.published_at,
        first_seen: release.first_seen,
        size: release.size,
        yank_reason: release.yank_reason.clone(),
        installed: release.installed,
    }
}

/// One file a line.
fn inside(list: &FileList, style: Style) -> String {
    let mut table = Table::new(&[">SIZE", "~PATH"]);
    for file in &list.files {
        table.row([human::bytes(file.size), file.path.to_string()]);
    }
    let more = if list.unlisted > 0 { format!("and {} more\n", list.unlisted) } else { String::new() };
    table.render(style) + &more
}

fn facts(shown: &Shown, style: Style) -> String {
    let release = &shown.release;
    let needs = release.dependencies.iter().map(|one| format!("{} {}", one.name, one.requirement));
    let pinned = if release.pinned == Some(release.publisher) { "pinned, " } else { "" };
    let fields = [
        ("package", format!("{} {}", release.name, release.version)),
        ("description", release.description.to_string()),
        ("publisher", format!("{}\n{pinned}fingerprint {}", release.publisher, shown.fingerprint)),
        ("withdrawn", release.yank_reason.as_ref().map_or("no".into(), ToString::to_string)),
        ("installed", shown.installed.as_ref().map_or("no".into(), |one| installed(one, release))),
        ("published", human::time(release.published_at)),
        ("first seen", human::time(release.first_seen)),
        ("valid until", human::time(release.expires_at)),
        ("size", format!("{}, {}", human::bytes(release.size), human::count(release.file_count as usize, "file"))),
        ("providers", release.providers.to_string()),
        ("needs", needs.collect::<Vec<_>>().join("\n")),
        ("category", release.category.to_string()),
        ("tags", release.tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>().join(", ")),
        ("licence", release.licence.to_string()),
        ("repository", release.repository.to_string()),
        ("package id", release.package_id.to_string()),
        ("release id", release.release_id.to_string()),
    ];
    let mut text = table::fields(&fields, style);
    let mut versions = Table::new(&["VERSION", "PUBLISHER", ">SIZE", "FIRST SEEN", "~STATE"]);
    for one in &shown.versions {
        versions.row([
            one.version.to_string(),
            human::short(&one.publisher.to_string()),
            human::bytes(one.size),
            human::time(one.first_seen),
            state(one),
        ]);
    }
    text += &format!("\n{}", versions.render(style));
    if shown.publishers.len() > 1 {
        let mut others = Table::new(&["PUBLISHER", "FINGERPRINT", ">VERSIONS", "FIRST SEEN"]);
        for one in &shown.publishers {
            let key = human::short(&one.key.to_string());
            let key = if one.pinned { format!("{key} (pinned)") } else { key };
            others.row([key, one.fingerprint.clone(), one.versions.to_string(), human::time(one.first_seen)]);
        }
        text += &format!("\n{}", others.render(style));
    }
    text
}

fn installed(here: &InstalledInfo, shown: &ReleaseInfo) -> String {
    let whose = match here.publisher {
        Some(key) if key == shown.publisher => String::new(),
        Some(key) => format!(" by another key, fingerprint {}", Fingerprint::of(&key)),
        None => " from a central index, unsigned".to_owned(),
    };
    format!("{}{whose}, {}", here.version, here.path)
}

fn state(line: &Line) -> String {
    match (&line.yank_reason, line.installed) {
        (Some(reason), true) => format!("installed; withdrawn: {reason}"),
        (Some(reason), false) => format!("withdrawn: {reason}"),
        (None, true) => "installed".into(),
        (None, false) => "-".into(),
    }
}

/// The steps, below what they are about.
fn because(shown: &Shown, why: &Why, style: Style, ascii: bool) -> String {
    let head = [
        ("package", format!("{} {}", shown.release.name, shown.release.version)),
        ("publisher", format!("{}\nfingerprint {}", shown.release.publisher, shown.fingerprint)),
        ("verdict", why::verdict(why.verdict).to_owned()),
    ];
    table::fields(&head, style) + "\n" + &why::steps(&why.assessment, style, ascii)
}
