//! What lies over the panes: help, dialogs, prompts, the palette, toasts.

use tui_input::Input;

use super::ListView;
use crate::market::PackageName;
use crate::net::api::InstallRequest;

/// At most one is open.
#[derive(Clone, Debug)]
pub enum Overlay {
    Help(Picker),
    Palette(Picker),
    Confirm(Confirm),
    Prompt(Prompt),
    /// This node's addresses, one of them selected.
    Address(ListView),
    /// How a download is to be ended.
    Cancel(Cancel),
    /// Which version the package is to have; a line of [`super::Publish::proposals`].
    Bump(ListView),
    /// What the results of the search can be narrowed to.
    Narrow(ListView),
    Edit(Edit),
    /// What toasts have said.
    Messages,
}

/// A list narrowed by typing.
#[derive(Clone, Debug, Default)]
pub struct Picker {
    pub input: Input,
    pub view: ListView,
    /// Whether keys go into the text field (help starts without).
    pub typing: bool,
}

/// A question with what it is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Confirm {
    pub title: String,
    /// Label and value.
    pub facts: Vec<(String, String)>,
    /// What to think of before saying yes.
    pub warnings: Vec<String>,
    /// What yes does, one word or two.
    pub yes: &'static str,
    /// Which answer Enter gives.
    pub choice: bool,
    pub dangerous: bool,
    /// Yes takes more than a key.
    pub typed: Option<Typed>,
    /// What the node's answers about it are known by.
    pub asked: String,
    /// What the node has not answered yet: until then yes is no answer.
    pub checking: Checking,
    /// What yes would do cannot work: only no is offered.
    pub impossible: bool,
    pub action: Action,
}

/// What is asked of the node about a question that is open already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checking {
    /// What would be done.
    pub plan: bool,
    /// Whether it is to be trusted.
    pub trust: bool,
}

impl Checking {
    pub fn is_under_way(self) -> bool {
        self.plan || self.trust
    }
}

/// A word that must be typed before yes is an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    pub word: String,
    pub text: String,
}

impl Typed {
    pub fn of(word: impl Into<String>) -> Self {
        Self { word: word.into(), text: String::new() }
    }

    pub fn is_done(&self) -> bool {
        self.text.trim() == self.word
    }

    /// Adds what is typed or pasted, as far as it can be part of the word.
    pub fn add(&mut self, text: &str) {
        let room = (self.word.chars().count() + 8).saturating_sub(self.text.chars().count());
        self.text.extend(text.chars().filter(|c| !c.is_control()).take(room));
    }
}

impl Confirm {
    /// Whether yes is an answer now.
    pub fn can_say_yes(&self) -> bool {
        !self.impossible && !self.checking.is_under_way() && self.typed.as_ref().is_none_or(Typed::is_done)
    }
}

/// A download that may be ended, and what is to become of what has come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancel {
    pub id: u64,
    pub name: String,
    /// What has come so far.
    pub come: u64,
    /// The line that Enter takes, of [`Cancel::CHOICES`].
    pub choice: usize,
}

impl Cancel {
    /// What can be chosen: whether what has come is kept; none: the download goes on.
    pub const CHOICES: [(&'static str, Option<bool>); 3] = [
        ("end it, keep what has come to go on later", Some(true)),
        ("end it, delete what has come", Some(false)),
        ("let it go on", None),
    ];
}

/// What a confirmed dialog does.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Action {
    #[default]
    Quit,
    Install {
        /// Name and version.
        what: String,
        request: Box<InstallRequest>,
    },
    Remove {
        name: PackageName,
        /// Also where others need it.
        force: bool,
    },
    /// An upload.
    EndUpload {
        id: u64,
        name: String,
    },
    /// What nobody needs any more.
    RemoveUnused,
    /// To its default.
    ResetSetting {
        name: String,
    },
    Unban {
        peer: String,
    },
    Disconnect {
        peer: String,
    },
    Publish,
}

/// One line to type.
#[derive(Clone, Debug, Default)]
pub struct Prompt {
    pub purpose: Purpose,
    pub input: Input,
    pub error: Option<String>,
}

/// A setting that is being changed.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// `section.key`
    pub name: String,
    pub input: Input,
    /// What is wrong with what is typed.
    pub error: Option<String>,
    /// The whole list of what is allowed, where there is one.
    pub choices: Vec<String>,
}

/// What a typed line is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// An address to connect to.
    #[default]
    Connect,
    /// What to look up in the DHT.
    Lookup,
    /// Why a peer is banned.
    Ban {
        peer: String,
        agent: String,
        /// What speaks for it and against it.
        evidence: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToastKind {
    Info,
    Good,
    Warning,
    Error,
}

/// A short message that goes away by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    pub kind: ToastKind,
    pub text: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Unix ms.
    pub until: u64,
}

/// Toasts kept at once; the oldest makes room.
pub const MAX_TOASTS: usize = 4;

impl ToastKind {
    /// How long it stays, milliseconds.
    pub fn stay_ms(self) -> u64 {
        match self {
            Self::Info | Self::Good => 5_000,
            Self::Warning => 10_000,
            Self::Error => 15_000,
        }
    }
}

/// Peer ids in a sentence cut to their ends, which differ from peer to peer: a whole one takes a line of its own.
pub fn short_ids(text: &str) -> String {
    let short = |word: &str| {
        let id: usize = word.chars().take_while(char::is_ascii_alphanumeric).count();
        match word.get(..id) {
            Some(peer) if id == 52 && peer.starts_with("12D3KooW") => word.get(44..).unwrap_or(word).to_owned(),
            _ => word.to_owned(),
        }
    };
    text.split(' ').map(short).collect::<Vec<_>>().join(" ")
}
