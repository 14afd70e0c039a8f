//! What `update` wants done. Executed by the event loop; what comes of it returns as an event.

use super::event::Tag;
use crate::net::NodeCommand;

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask the node; answered by exactly one [`super::event::Event::Reply`] with this tag.
    Request {
        tag: Tag,
        command: NodeCommand,
    },
    /// List the sub-directories of an absolute path; answered by [`super::event::Event::Directory`].
    ReadDir {
        path: String,
    },
    /// Read the settings; answered by [`super::event::Event::Settings`].
    ReadSettings,
    /// Change a setting in the file, or take it out (none); answered by [`super::event::Event::Settings`].
    WriteSetting {
        name: String,
        value: Option<String>,
    },
    /// Put text on the clipboard through the terminal (OSC 52).
    Copy(String),
    /// Turn mouse reporting on or off (off: the terminal's own selection works).
    Mouse(bool),
    /// Ask the terminal what its background is; a terminal that answers does so by [`super::event::Event::Background`].
    AskBackground,
    /// Give the terminal back and stop, as Ctrl-Z does.
    Suspend,
    Quit,
}
