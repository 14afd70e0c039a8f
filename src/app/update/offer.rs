//! Offering a package for installation, and installing it.

use semver::{Comparator, Op, Version, VersionReq};

use super::ask as request;
use crate::app::effect::Effect;
use crate::app::event::Tag;
use crate::app::state::{Action, Checking, Confirm, Overlay, State, Tab, ToastKind, Typed};
use crate::market::trust::{Assessment, Code, Fingerprint, KeyChange, Outcome};
use crate::market::{PackageName, PublisherKey, when};
use crate::net::api::{InstallPlan, InstallRequest, InstalledInfo, PlanStep, Source, Via};
use crate::net::{ErrorKind, NodeCommand, NodeError};

/// The install dialog: what, which version, by which key, how big, where from. Whether it is to be trusted, and what comes
/// with it, is asked of the node meanwhile; until it has answered, yes is no answer.
pub fn ask(state: &mut State) -> Vec<Effect> {
    let Some(offer) = Offer::selected(state) else { return Vec::new() };
    let install = Tag::Install { what: offer.what() };
    if state.pending.iter().any(|pending| pending.tag == install) {
        state.toast(ToastKind::Info, format!("{} is already being installed", offer.what()), None);
        return Vec::new();
    }
    let installed = state.installed.get(&offer.name);
    let other_key = installed.is_some_and(|one| one.publisher != offer.publisher);
    let again = installed.is_some_and(|one| one.version == offer.version) && !other_key;
    let facts = [
        ("package", offer.what()),
        ("publisher", offer.publisher.map_or("unsigned".to_owned(), |key| key.to_string())),
        ("size", offer.size.map_or("not known".to_owned(), crate::app::bytes::size)),
        ("source", offer.source.clone()),
    ];
    let confirm = Confirm {
        title: if again { "Install it again?" } else { "Install?" }.into(),
        facts: facts.map(|(label, value)| (label.to_owned(), value)).to_vec(),
        dangerous: other_key,
        choice: !other_key,
        warnings: installed.map(|one| offer.against(one)).into_iter().collect(),
        yes: "install",
        asked: offer.asked(state),
        checking: Checking { plan: true, trust: offer.publisher.is_some() },
        action: Action::Install { what: offer.what(), request: Box::new(offer.request()) },
        ..Confirm::default()
    };
    let what = confirm.asked.clone();
    state.overlay = Some(Overlay::Confirm(confirm));
    let plan = Effect::Request { tag: Tag::Plan { what: what.clone() }, command: NodeCommand::Plan(offer.request()) };
    let Some(publisher) = offer.publisher else { return vec![plan] };
    let command = NodeCommand::Why { name: offer.name, version: offer.version, publisher };
    vec![Effect::Request { tag: Tag::Offer { what }, command }, plan]
}

/// What is selected.
struct Offer {
    name: PackageName,
    version: Version,
    /// None: a central index lists it.
    publisher: Option<PublisherKey>,
    size: Option<u64>,
    source: String,
    /// It is there already, and is to be put in place anew.
    again: bool,
}

impl Offer {
    fn selected(state: &State) -> Option<Self> {
        if state.tab == Tab::Feed {
            let item = state.feed.selected()?;
            let from = match (&item.from, item.via) {
                (Some(peer), _) => super::node::short(peer),
                (None, Via::Own) => "this node".to_owned(),
                (None, _) => "a peer, in an earlier run".to_owned(),
            };
            return Some(Self {
                name: item.name.clone(),
                version: item.version.clone(),
                publisher: Some(item.publisher),
                size: Some(item.size),
                source: format!("announced by {from}"),
                again: false,
            });
        }
        if state.tab == Tab::Installed {
            return state.installed.selected().map(|one| Self::again(one, &state.source_of(one)));
        }
        let hit = state.search.selected()?;
        let source = match hit.source {
            Source::Local => "known here",
            Source::Peer => "a peer",
            Source::Central => "central index",
        };
        let source = match hit.providers {
            _ if hit.publisher.is_none() => source.to_owned(),
            0 => format!("{source}; no holder known yet"),
            1 => format!("{source}; 1 node has it"),
            n => format!("{source}; {n} nodes have it"),
        };
        let (name, version) = (hit.name.clone(), hit.version.clone());
        Some(Self { name, version, publisher: hit.publisher, size: hit.size, source, again: false })
    }

    /// What is installed, to be put in place anew.
    fn again(one: &InstalledInfo, source: &str) -> Self {
        Self {
            name: one.name.clone(),
            version: one.version.clone(),
            publisher: one.publisher,
            size: Some(one.bytes),
            source: format!("as before: {source}"),
            again: true,
        }
    }

    fn what(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    /// What answers about it are known by. Two publishers can have the same version of a name out: an answer about the one,
    /// asked for and closed, says nothing of the other.
    fn asked(&self, state: &State) -> String {
        let hits = state.search.results.iter().map(|hit| (&hit.name, &hit.version, hit.publisher));
        let items = state.feed.items().iter().map(|item| (&item.name, &item.version, Some(item.publisher)));
        let here = state.installed.all().map(|one| (&one.name, &one.version, one.publisher));
        let mut known = hits.chain(items).chain(here);
        let several = known.any(|(name, version, publisher)| {
            (name, version) == (&self.name, &self.version) && publisher != self.publisher
        });
        match (several, self.publisher) {
            (false, _) => self.what(),
            (true, Some(key)) => format!("{} by {key}", self.what()),
            (true, None) => format!("{} by nobody", self.what()),
        }
    }

    /// What is installed under the name, against it.
    fn against(&self, one: &InstalledInfo) -> String {
        let (name, version) = (&self.name, &self.version);
        if one.publisher != self.publisher {
            let whose = one.publisher.map_or("nobody: it is unsigned".to_owned(), |key| key.to_string());
            return format!("{name} {} is installed from another key: {whose}", one.version);
        }
        match one.version.cmp(version) {
            std::cmp::Ordering::Equal if self.again => "what was changed in its folder is lost".to_owned(),
            std::cmp::Ordering::Equal => format!("{version} is installed already"),
            std::cmp::Ordering::Less => format!("replaces {}", one.version),
            std::cmp::Ordering::Greater => format!("goes back from {}, which is newer", one.version),
        }
    }

    /// Exactly this version by this key.
    fn request(&self) -> InstallRequest {
        let version = &self.version;
        let exact = Comparator {
            op: Op::Exact,
            major: version.major,
            minor: Some(version.minor),
            patch: Some(version.patch),
            pre: version.pre.clone(),
        };
        let requirement = Some(VersionReq { comparators: vec![exact] });
        let request = InstallRequest::of(self.name.clone(), requirement, self.publisher);
        InstallRequest { from_central: self.publisher.is_none(), chosen: true, reinstall: self.again, ..request }
    }
}

/// What comes with it. Another plan than the one shown is not carried out.
pub fn planned(state: &mut State, asked: &str, plan: Result<InstallPlan, NodeError>) {
    let Some(Overlay::Confirm(confirm)) = &mut state.overlay else { return };
    let Action::Install { request, .. } = &mut confirm.action else { return };
    // An answer to the same question, asked before and closed, is as good; a second one adds nothing.
    if confirm.asked != asked || !std::mem::take(&mut confirm.checking.plan) || request.accept_key.is_some() {
        return;
    }
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => return refused(confirm, error),
    };
    request.expected = plan.expected();
    let with_it: Vec<_> = plan.changes().filter(|step| !step.asked).map(with_it).collect();
    if !with_it.is_empty() {
        confirm.facts.push(("with it".to_owned(), with_it.join(", ")));
    }
    let is_signed = |step: &PlanStep| step.publisher.is_some() && step.asked;
    let told = plan.steps.iter().filter(|step| !is_signed(step));
    confirm.warnings.extend(told.flat_map(|step| step.warnings.iter().map(|text| format!("{}: {text}", step.name))));
    let absent = plan.absent.iter();
    confirm.warnings.extend(
        absent.map(|one| format!("nobody knows {} {}, which {} needs", one.name, one.requirement, one.needed_by)),
    );
}

/// There is no plan, so there is nothing to say yes to. Each line of the reason is one on screen.
fn refused(confirm: &mut Confirm, error: NodeError) {
    (confirm.dangerous, confirm.choice, confirm.impossible) = (true, false, true);
    // A changed key and the like: where the node's word on the release is there, it says it better.
    if error.kind != ErrorKind::Verification || confirm.warnings.is_empty() {
        confirm.warnings.push(error.message);
        confirm.facts.extend(error.hint.map(|hint| ("what to do".to_owned(), hint)));
    }
}

/// `base 1.1.0 (12 KiB)`
pub fn with_it(step: &PlanStep) -> String {
    match &step.from {
        Some(from) => format!("{} {} (was {from})", step.name, step.version),
        None if step.here => format!("{} {}", step.name, step.version),
        None => {
            let size = step.known_size().map_or("size not known".into(), crate::app::bytes::size);
            format!("{} {} ({size})", step.name, step.version)
        }
    }
}

/// The node's word on the release: what speaks against it is shown, and Enter then means no. A changed key makes it another
/// question.
pub fn judged(state: &mut State, asked: &str, assessment: &Assessment) {
    let Some(Overlay::Confirm(confirm)) = &mut state.overlay else { return };
    let Action::Install { what, request } = &mut confirm.action else { return };
    if confirm.asked != asked || !std::mem::take(&mut confirm.checking.trust) {
        return;
    }
    let publisher = request.packages.first().and_then(|package| package.publisher);
    if let Some(change) = assessment.key_change.as_ref().filter(|change| Some(change.key) == publisher) {
        request.accept_key = publisher;
        request.expected.clear();
        // The plan was refused for the key, or will be: accepting it is another request.
        confirm.impossible = false;
        confirm.title = "Key changed. Accept the new one?".into();
        confirm.yes = "accept and install";
        confirm.typed = Some(Typed::of("accept"));
        confirm.facts = both_keys(what.clone(), change);
        confirm.warnings =
            vec!["Say yes only if the publisher confirms the new fingerprint by another way than this network.".into()];
    }
    let worse = assessment.steps.iter().filter(|step| step.outcome >= Outcome::Warn);
    let told = worse.filter(|step| assessment.key_change.is_none() || step.code != Code::Publisher);
    confirm.warnings.extend(told.map(|step| step.text.to_string()));
    if assessment.verdict() >= Outcome::Warn {
        (confirm.dangerous, confirm.choice) = (true, false);
    }
}

/// The two keys under each other, as they are compared.
fn both_keys(what: String, change: &KeyChange) -> Vec<(String, String)> {
    let since = |at: Option<u64>, before: &str| match at.filter(|at| *at > 0) {
        Some(at) => format!("{before} {}", when::day(at)),
        None => String::new(),
    };
    let seen = match change.first_seen {
        None => "never seen before".to_owned(),
        at => since(at, "first seen"),
    };
    let facts = [
        ("package", what),
        ("pinned key", Fingerprint::of(&change.pinned.publisher).to_string()),
        ("", since(Some(change.pinned.since), "since")),
        ("new key", Fingerprint::of(&change.key).to_string()),
        ("", seen),
    ];
    facts.into_iter().filter(|(_, value)| !value.is_empty()).map(|(label, value)| (label.to_owned(), value)).collect()
}

/// Confirmed.
pub fn install(state: &mut State, what: String, request: InstallRequest) -> Vec<Effect> {
    let doing = format!("installing {what}");
    request::visibly(state, Tag::Install { what }, doing, NodeCommand::Install(request))
}
