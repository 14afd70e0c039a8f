//! Which release of a name is installed.

use std::collections::HashMap;

use semver::{Version, VersionReq};

use crate::market::{PackageName, PublisherKey, ReleaseId, SafeText, VerifiedRelease, when};

use super::super::error::{ErrorKind, NodeError};

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub name: PackageName,
    /// None: the newest version that is no pre-release.
    pub requirement: Option<VersionReq>,
    pub publisher: Option<PublisherKey>,
}

/// Under which circumstances.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The key that the first install of the name set. Its releases are preferred; whether another may be taken is
    /// [`trust::assess`](crate::market::trust::assess)'s to say.
    pub pinned: Option<PublisherKey>,
    /// Unix seconds.
    pub now: u64,
    /// Releases that are too new here, and for how many more seconds.
    pub cooling: HashMap<ReleaseId, u64>,
}

/// Why nothing was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No release of that name (and publisher).
    Unknown,
    /// Releases, but none that fits; the newest is named.
    NoMatch(Version),
    /// All that fits was withdrawn; the newest is named, with the reason.
    Yanked(Version, SafeText),
    /// All that fits is too young: the newest, and for how many more seconds.
    Cooling(Version, u64),
    /// Several publishers use the name.
    Publishers(Vec<PublisherKey>),
}

impl Refusal {
    /// Whether other peers may know of something better.
    pub fn may_be_elsewhere(&self) -> bool {
        matches!(self, Self::Unknown | Self::NoMatch(_))
    }

    /// What the user is told.
    pub fn into_error(self, wanted: &Wanted) -> NodeError {
        let name = wanted.name.as_str();
        let asked = wanted.requirement.as_ref().map_or("any release version".into(), VersionReq::to_string);
        match self {
            Self::Unknown => NodeError::new(ErrorKind::NotFound, format!("no package named {name}")),
            Self::NoMatch(newest) => NodeError::new(
                ErrorKind::NotFound,
                format!("no version of {name} fits {asked}; the newest is {newest}"),
            )
            .hint(format!("install it with {name}@={newest}")),
            Self::Yanked(version, reason) => NodeError::new(
                ErrorKind::NotFound,
                format!("{name} {version} was withdrawn by its publisher: {reason}"),
            )
            .hint("choose another version or package"),
            Self::Cooling(version, left) => NodeError::new(
                ErrorKind::Failed,
                format!("{name} {version} is too new here: it can be installed in {}", when::span(left)),
            )
            .hint("wait, name an older version, or lower security.install_cooldown"),
            Self::Publishers(keys) => {
                let list = keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let first = keys.first().map(ToString::to_string).unwrap_or_default();
                NodeError::new(ErrorKind::Usage, format!("{name} is published by several keys: {list}"))
                    .hint(format!("say whose you want: --publisher {first}"))
            }
        }
    }
}

/// The newest release that fits. `releases` are all known ones of the name, by whomever, in any order.
pub fn choose(releases: &[VerifiedRelease], wanted: &Wanted, rules: &Rules) -> Result<VerifiedRelease, Refusal> {
    let valid: Vec<_> = releases.iter().filter(|release| release.release().expires_at > rules.now).collect();
    let publisher = publisher(&valid, wanted, rules.pinned)?;
    let heads = heads(valid.into_iter().filter(|release| release.release().publisher == publisher));
    let newest = heads.iter().map(|head| &head.release().version).max().ok_or(Refusal::Unknown)?.clone();
    let mut fitting: Vec<_> =
        heads.into_iter().filter(|head| fits(&head.release().version, wanted.requirement.as_ref())).collect();
    fitting.sort_by(|a, b| b.release().version.cmp(&a.release().version));
    let mut refusal = None;
    for release in fitting {
        let signed = release.release();
        let why = match (&signed.yank_reason, rules.cooling.get(&release.id())) {
            (Some(reason), _) => Refusal::Yanked(signed.version.clone(), reason.clone()),
            (None, Some(left)) => Refusal::Cooling(signed.version.clone(), *left),
            (None, None) => return Ok(release.clone()),
        };
        refusal.get_or_insert(why);
    }
    Err(refusal.unwrap_or(Refusal::NoMatch(newest)))
}

/// Whose releases are looked at.
fn publisher(
    releases: &[&VerifiedRelease],
    wanted: &Wanted,
    pinned: Option<PublisherKey>,
) -> Result<PublisherKey, Refusal> {
    let mut keys: Vec<_> = releases.iter().map(|release| release.release().publisher).collect();
    keys.sort_unstable();
    keys.dedup();
    match (wanted.publisher, pinned) {
        (Some(key), _) | (None, Some(key)) if keys.contains(&key) => Ok(key),
        (Some(_), _) => Err(Refusal::Unknown),
        (None, _) => match keys.as_slice() {
            [] => Err(Refusal::Unknown),
            [one] => Ok(*one),
            _ => Err(Refusal::Publishers(keys)),
        },
    }
}

/// The last word on each version: a yank supersedes what it withdraws.
fn heads<'a>(releases: impl Iterator<Item = &'a VerifiedRelease>) -> Vec<&'a VerifiedRelease> {
    let mut heads: HashMap<&Version, &VerifiedRelease> = HashMap::new();
    for release in releases {
        let head = heads.entry(&release.release().version).or_insert(release);
        if release.release().sequence > head.release().sequence {
            *head = release;
        }
    }
    heads.into_values().collect()
}

fn fits(version: &Version, requirement: Option<&VersionReq>) -> bool {
    match requirement {
        Some(requirement) => requirement.matches(version),
        None => version.pre.is_empty(),
    }
}

/// Releases for tests of this and other modules.
#[cfg(test)]
pub mod samples {
    use crate::market::release::{DEFAULT_VALIDITY, Release};
    use crate::market::{Identity, PackageId, PackageName, ReleaseId, SafeText, VerifiedRelease};

    /// Of `tool` on the network `test`, published at 1000 times `sequence`.
    pub fn release(identity: &Identity, version: &str, sequence: u64, yank: Option<&str>) -> VerifiedRelease {
        let release = Release {
            network: "test".into(),
            publisher: identity.public(),
            name: PackageName::new("tool").unwrap(),
            version: version.parse().unwrap(),
            package_id: PackageId([sequence as u8; 32]),
            size: 10,
            merkle_root: [0; 32],
            description: SafeText::default(),
            category: SafeText::default(),
            tags: vec![],
            keywords: vec![],
            licence: SafeText::default(),
            repository: SafeText::default(),
            dependencies: vec![],
            file_count: 1,
            sequence,
            previous: (sequence > 1).then_some(ReleaseId([1; 32])),
            published_at: 1000 * sequence,
            expires_at: 1000 * sequence + DEFAULT_VALIDITY,
            yank_reason: yank.map(SafeText::new),
        };
        release.sign(identity).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::samples::release;
    use super::*;
    use crate::market::Identity;

    fn wanted(requirement: Option<&str>) -> Wanted {
        let requirement = requirement.map(|text| text.parse().unwrap());
        Wanted { name: PackageName::new("tool").unwrap(), requirement, publisher: None }
    }

    fn rules() -> Rules {
        Rules { now: 100_000, ..Rules::default() }
    }

    fn version(chosen: Result<VerifiedRelease, Refusal>) -> String {
        chosen.unwrap().release().version.to_string()
    }

    #[test]
    fn the_newest_fitting_release_is_chosen() {
        let key = Identity::generate();
        let all: Vec<_> = [("1.0.0", 1), ("1.2.0", 2), ("2.0.0", 3), ("3.0.0-beta.1", 4)]
            .map(|(version, sequence)| release(&key, version, sequence, None))
            .into();
        assert_eq!(version(choose(&all, &wanted(None), &rules())), "2.0.0");
        assert_eq!(version(choose(&all, &wanted(Some("^1")), &rules())), "1.2.0");
        assert_eq!(version(choose(&all, &wanted(Some("=3.0.0-beta.1")), &rules())), "3.0.0-beta.1");
        assert_eq!(choose(&all, &wanted(Some("^4")), &rules()), Err(Refusal::NoMatch("3.0.0-beta.1".parse().unwrap())));
        assert_eq!(choose(&[], &wanted(None), &rules()), Err(Refusal::Unknown));
        let much_later = Rules { now: 1 << 31, ..rules() };
        assert_eq!(choose(&all, &wanted(None), &much_later), Err(Refusal::Unknown));
    }

    #[test]
    fn withdrawn_and_too_young_releases_are_passed_over() {
        let key = Identity::generate();
        let yanked = [
            release(&key, "1.0.0", 1, None),
            release(&key, "1.1.0", 2, None),
            release(&key, "1.1.0", 3, Some("broken")),
        ];
        assert_eq!(version(choose(&yanked, &wanted(None), &rules())), "1.0.0");
        assert!(
            matches!(choose(&yanked, &wanted(Some("=1.1.0")), &rules()), Err(Refusal::Yanked(_, reason)) if &*reason == "broken")
        );
        let rules = Rules { cooling: HashMap::from([(yanked[1].id(), 500)]), ..rules() };
        assert_eq!(version(choose(&yanked[..2], &wanted(None), &rules)), "1.0.0");
        assert!(matches!(choose(&yanked[..2], &wanted(Some("=1.1.0")), &rules), Err(Refusal::Cooling(_, 500))));
    }

    #[test]
    fn a_name_of_several_publishers_needs_a_choice_or_a_pin() {
        let (one, two) = (Identity::generate(), Identity::generate());
        let all = [release(&one, "1.0.0", 1, None), release(&two, "2.0.0", 1, None)];
        assert!(matches!(choose(&all, &wanted(None), &rules()), Err(Refusal::Publishers(keys)) if keys.len() == 2));
        let asked = Wanted { publisher: Some(one.public()), ..wanted(None) };
        assert_eq!(version(choose(&all, &asked, &rules())), "1.0.0");
        let pinned = Rules { pinned: Some(two.public()), ..rules() };
        assert_eq!(version(choose(&all, &wanted(None), &pinned)), "2.0.0");
        assert_eq!(version(choose(&all, &asked, &pinned)), "1.0.0", "whether it may be installed is asked elsewhere");
        assert_eq!(version(choose(&all[..1], &wanted(None), &pinned)), "1.0.0");
    }
}
