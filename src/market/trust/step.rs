//! One step of the answer, and the answer.

use serde::{Deserialize, Serialize};

use crate::market::store::Pin;
use crate::market::{MarketError, PublisherKey, SafeText};

/// How a step turned out, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Checked and good.
    Pass,
    /// Worth knowing; or not known, and said so.
    Note,
    /// To be looked at before installing.
    Warn,
    /// Not installed like this.
    Block,
}

/// What a step is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    Signature,
    Network,
    Validity,
    Content,
    /// Whose key it is: pinned, new, changed.
    Publisher,
    /// Others who publish under the same name.
    SameName,
    Revocation,
    Yank,
    /// The signed list of the package's versions.
    Head,
    /// Its place among the publisher's releases.
    Chain,
    /// How long this node has known it.
    FirstSeen,
    /// Names that can be taken for this one.
    LookAlike,
    /// What the publisher says and nobody checked.
    Claims,
    /// Who told of it; a node's knowledge.
    Told,
    /// Who holds it; a node's knowledge.
    Providers,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub code: Code,
    pub outcome: Outcome,
    /// What was found, a plain sentence.
    pub text: SafeText,
    /// What to do about it; empty where there is nothing to do.
    pub hint: SafeText,
}

impl Step {
    pub fn new(code: Code, outcome: Outcome, text: impl AsRef<str>) -> Self {
        Self { code, outcome, text: SafeText::new(text.as_ref()), hint: SafeText::default() }
    }

    /// The same with what to do about it.
    pub fn hint(mut self, hint: impl AsRef<str>) -> Self {
        self.hint = SafeText::new(hint.as_ref());
        self
    }
}

/// A release under another key than the one pinned for its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyChange {
    pub pinned: Pin,
    /// The key of the release.
    pub key: PublisherKey,
    /// Unix seconds at which this node first saw the name by that key; none before now.
    pub first_seen: Option<u64>,
}

/// Why a release is trusted, or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    pub steps: Vec<Step>,
    /// Where the key is another than the pinned one: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_change: Option<KeyChange>,
}

impl Assessment {
    /// The worst outcome of all steps.
    pub fn verdict(&self) -> Outcome {
        self.steps.iter().map(|step| step.outcome).max().unwrap_or(Outcome::Pass)
    }

    /// The steps of one outcome.
    pub fn of(&self, outcome: Outcome) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |step| step.outcome == outcome)
    }

    /// The step about one thing, where there is one.
    pub fn step(&self, code: Code) -> Option<&Step> {
        self.steps.iter().find(|step| step.code == code)
    }

    /// Why `package` (its name and version) may not be installed, by the first step that blocks it.
    pub fn refusal(&self, package: &str) -> Option<MarketError> {
        let step = self.of(Outcome::Block).next()?;
        let (message, hint) = (format!("{package}: {}", step.text), step.hint.to_string());
        Some(match step.code {
            Code::Yank => MarketError::NotFound { message, hint },
            Code::FirstSeen => MarketError::Refused { message, hint },
            _ => MarketError::Untrusted { message, hint },
        })
    }
}
