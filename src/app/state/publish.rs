//! The publish wizard: path → findings → review → confirm → progress → done.

use tui_input::Input;

use super::ListView;
use crate::app::event::{DirEntry, Listing};
use crate::market::archive::{Bump, SECRET, SECRET_ALLOWED};
use crate::market::{Finding, Severity};
use crate::net::NodeError;
use crate::net::api::{PublishAnswer, PublishPlan, PublishStage};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Step {
    #[default]
    Path,
    /// The node reads the directory.
    Checking,
    Findings,
    Review,
    Working,
    Done,
    Failed,
}

/// How far a running publish is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub job: u64,
    pub stage: PublishStage,
    pub seen_by: usize,
}

#[derive(Clone, Debug, Default)]
pub struct Publish {
    pub step: Step,
    pub input: Input,
    pub focused: bool,
    /// Something was done in the field since it has the keyboard: until then keys of other places still lead there.
    pub touched: bool,
    /// The directory that `listing` is of, as it was asked.
    pub listed: Option<String>,
    pub listing: Option<Result<Listing, String>>,
    /// The completion that the arrow keys point at.
    pub candidate: Option<usize>,
    /// The arrow keys go through directories: the first line of the next one is pointed at.
    pub browsing: bool,
    /// The review shows what is another than in the version before, instead of all files.
    pub only_changes: bool,
    /// Tab was pressed before the directory's content was here: complete once it is.
    pub complete_when_listed: bool,
    /// Counts checks up; answers to older ones are thrown away.
    pub seq: u64,
    /// What would be published, where the directory could be read and packed.
    pub plan: Option<PublishPlan>,
    /// What reading the directory brought up, the gravest first.
    pub findings: Vec<Finding>,
    /// Files that look like secrets and are published all the same, as patterns.
    pub allow: Vec<String>,
    /// Why the path cannot be published, or what failed.
    pub error: Option<NodeError>,
    pub progress: Option<Progress>,
    pub answer: Option<PublishAnswer>,
    pub view: ListView,
}

impl Publish {
    /// Versions that could follow the one before.
    pub fn proposals(&self) -> Vec<(Bump, semver::Version, bool)> {
        self.plan.as_ref().map(PublishPlan::proposals).unwrap_or_default()
    }

    pub fn publishable(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.publishable)
    }

    /// The file of the selected finding, where that is all that is wrong with it: it looks like a secret.
    pub fn refused_secret(&self) -> Option<&str> {
        let finding = self.findings.get(self.view.selected).filter(|_| self.step == Step::Findings)?;
        (finding.severity == Severity::Error && finding.code == SECRET).then_some(finding.file.as_str())
    }

    /// Files that look like secrets and are to be published all the same.
    pub fn allowed_secrets(&self) -> Vec<&str> {
        let allowed = self.findings.iter().filter(|finding| finding.code == SECRET_ALLOWED);
        allowed.map(|finding| finding.file.as_str()).collect()
    }

    /// The directory part of what is typed (with its `/`), and the beginning of a name in it.
    pub fn split(&self) -> (&str, &str) {
        let text = self.input.value();
        text.split_at(text.rfind('/').map_or(0, |slash| slash + 1))
    }

    /// Directories that what is typed could become.
    pub fn candidates(&self) -> Vec<&DirEntry> {
        let (dir, start) = self.split();
        let Some(Ok(listing)) = &self.listing else { return Vec::new() };
        if self.listed.as_deref() != Some(dir) {
            return Vec::new();
        }
        let hidden = start.starts_with('.');
        let fits = |entry: &&DirEntry| entry.name.starts_with(start) && (hidden || !entry.name.starts_with('.'));
        listing.entries.iter().filter(fits).collect()
    }

    /// Lines the list of this step has.
    pub fn lines(&self) -> usize {
        match (self.step, &self.plan) {
            (Step::Findings, _) => self.findings.len(),
            (Step::Review, Some(plan)) if self.only_changes => plan.changes.as_ref().map_or(0, Vec::len),
            (Step::Review, Some(plan)) => plan.files.len(),
            _ => 0,
        }
    }
}
