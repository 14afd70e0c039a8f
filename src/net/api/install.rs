//! Installing: what is asked for, the plan, and what became of it.

use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use crate::market::install::Assurance;
use crate::market::{Dependency, PackageId, PackageName, PublisherKey, ReleaseId, SafeText};

use super::package::Source;

/// A package that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedPackage {
    pub name: PackageName,
    /// None: the newest version that is no pre-release.
    #[serde(default)]
    pub requirement: Option<VersionReq>,
    /// Needed where several publishers use the name and none is pinned.
    #[serde(default)]
    pub publisher: Option<PublisherKey>,
}

/// What to install, and how. [`NodeCommand::Plan`](super::NodeCommand::Plan) says what it comes to,
/// [`NodeCommand::Install`](super::NodeCommand::Install) does it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallRequest {
    /// With `update`, none means all that is installed because it was asked for.
    pub packages: Vec<WantedPackage>,
    /// The publisher's key, to be taken and pinned in place of the one that is pinned for the name.
    #[serde(default)]
    pub accept_key: Option<PublisherKey>,
    /// Dependencies, too, go to the newest versions that fit; otherwise what is installed stays where it fits.
    #[serde(default)]
    pub update: bool,
    /// Versions to be taken where they fit: those of a lock file.
    #[serde(default)]
    pub locked: Vec<LockedPackage>,
    /// Leave dependencies out.
    #[serde(default)]
    pub no_dependencies: bool,
    /// Put also what is in place already there anew.
    #[serde(default)]
    pub reinstall: bool,
    /// The versions that are named are what was chosen now, not what is asked for from now on: updates may go beyond them, and
    /// what was asked for before stays as it was.
    #[serde(default)]
    pub chosen: bool,
    /// Withdrawn versions may be taken where exactly they are asked for.
    #[serde(default)]
    pub allow_yanked: bool,
    /// Take the packages that are named from the central indexes, unsigned, not from peers.
    #[serde(default)]
    pub from_central: bool,
    /// The packages are those of a lock file: why each of them is there stays as it was, or follows from what needs it.
    #[serde(default)]
    pub from_lock: bool,
    /// What the plan that the user has seen would put in place: with another one nothing is done. Empty: any plan will do.
    #[serde(default)]
    pub expected: Vec<Expected>,
}

impl InstallRequest {
    /// One package, and what it needs.
    pub fn of(name: PackageName, requirement: Option<VersionReq>, publisher: Option<PublisherKey>) -> Self {
        Self { packages: vec![WantedPackage { name, requirement, publisher }], ..Self::default() }
    }
}

/// An entry of a lock file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedPackage {
    pub name: PackageName,
    pub version: Version,
    pub publisher: Option<PublisherKey>,
    /// Only these bytes will do.
    pub package_id: Option<PackageId>,
}

/// A step of a plan, to know it by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    pub name: PackageName,
    pub version: Version,
    pub package_id: Option<PackageId>,
}

/// What is to be done about a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlanAction {
    /// It is not there yet.
    Install,
    /// A newer version takes the place of the one that is there.
    Update,
    /// An older one does.
    Downgrade,
    /// It is noted as installed, but its files are gone or changed.
    Repair,
    /// The same version again: by wish, or because its bytes or its publisher are others.
    Reinstall,
    /// It is in place.
    Keep,
}

impl PlanAction {
    /// Whether anything is put in place.
    pub fn changes(self) -> bool {
        self != Self::Keep
    }

    /// As people are told of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Update => "update",
            Self::Downgrade => "downgrade",
            Self::Repair => "repair",
            Self::Reinstall => "reinstall",
            Self::Keep => "keep",
        }
    }
}

/// One package of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanStep {
    pub action: PlanAction,
    pub name: PackageName,
    pub version: Version,
    /// The version that is installed now.
    pub from: Option<Version>,
    /// None: nobody signed it, it is from a central index.
    pub publisher: Option<PublisherKey>,
    /// None: unsigned, and the index gives no checksum.
    pub package_id: Option<PackageId>,
    /// None: unsigned, or installed and not known any more.
    pub release_id: Option<ReleaseId>,
    /// Archive bytes; 0 where that is not known.
    pub size: u64,
    /// Whether the bytes are on this node already.
    pub here: bool,
    pub source: Source,
    /// The central index that it is from.
    pub index: Option<String>,
    /// Whether it was asked for by name.
    pub asked: bool,
    /// Which packages of the plan need it.
    pub needed_by: Vec<PackageName>,
    pub dependencies: Vec<Dependency>,
    /// What is to be looked at before it is installed.
    pub warnings: Vec<SafeText>,
}

impl PlanStep {
    /// Archive bytes, where they are known.
    pub fn known_size(&self) -> Option<u64> {
        (self.size > 0).then_some(self.size)
    }

    /// That a version stays as it is, and nothing more is known of it.
    pub fn blank(name: PackageName, version: Version) -> Self {
        Self {
            action: PlanAction::Keep,
            name,
            version,
            from: None,
            publisher: None,
            package_id: None,
            release_id: None,
            size: 0,
            here: false,
            source: Source::Local,
            index: None,
            asked: false,
            needed_by: Vec::new(),
            dependencies: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// A dependency that nobody knows: it is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AbsentPackage {
    pub name: PackageName,
    pub requirement: VersionReq,
    pub needed_by: PackageName,
}

/// What an install will do, in this order; nothing was fetched yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InstallPlan {
    pub steps: Vec<PlanStep>,
    pub absent: Vec<AbsentPackage>,
    /// Of an update of all: what stays as it is, and why.
    #[serde(default)]
    pub stuck: Vec<SafeText>,
    /// Archive bytes that have to be fetched from others.
    pub download: u64,
}

impl InstallPlan {
    /// Whether something has to be fetched of which nobody says how large it is: `download` is a lower bound then.
    pub fn is_open_ended(&self) -> bool {
        self.changes().any(|step| !step.here && step.known_size().is_none())
    }

    /// The steps that put something in place.
    pub fn changes(&self) -> impl Iterator<Item = &PlanStep> {
        self.steps.iter().filter(|step| step.action.changes())
    }

    /// What to know the plan by.
    pub fn expected(&self) -> Vec<Expected> {
        let of = |step: &PlanStep| Expected {
            name: step.name.clone(),
            version: step.version.clone(),
            package_id: step.package_id,
        };
        self.changes().map(of).collect()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InstallAnswer {
    /// In the order of the plan; also what was in place already.
    pub installed: Vec<InstalledPackage>,
    /// E.g. dependencies that nobody knows.
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstalledPackage {
    pub action: PlanAction,
    pub name: PackageName,
    pub version: Version,
    /// The version that was installed before.
    pub from: Option<Version>,
    /// None: nobody signed it.
    pub publisher: Option<PublisherKey>,
    pub package_id: Option<PackageId>,
    /// The central index that it is from.
    pub index: Option<String>,
    /// What vouches for the files; none where nothing was put in place.
    pub assurance: Option<Assurance>,
    pub path: String,
    /// Archive bytes fetched from others; 0 when the blob was here.
    pub bytes: u64,
    /// Peer ids that gave leaves.
    pub providers: Vec<String>,
    /// Whether it was asked for by name.
    pub asked: bool,
    pub needed_by: Vec<PackageName>,
    pub dependencies: Vec<Dependency>,
}

/// An installed package and what there is newer than it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutdatedPackage {
    pub name: PackageName,
    pub installed: Version,
    pub publisher: Option<PublisherKey>,
    /// What it was asked for with; none: any version.
    pub requirement: Option<VersionReq>,
    /// Newest version that `update` would take: it fits the requirement, and those of what needs it.
    pub wanted: Version,
    /// Newest version there is.
    pub latest: Version,
    /// Why the installed version was withdrawn.
    pub yanked: Option<SafeText>,
}
