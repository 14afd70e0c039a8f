//! What the dashboard shows: a node, or a simulation of one.

use std::future::Future;

use super::Inbox;
use crate::app::event::{Event, Tag};
use crate::net::NodeCommand;

/// Brings events and answers requests.
pub trait Backend {
    /// What happens next. Can be dropped between two events without losing one.
    fn next(&mut self) -> impl Future<Output = Event>;

    /// Asks; answered by exactly one [`Event::Reply`] with this tag, in `inbox` or as a next event.
    fn request(&mut self, inbox: &Inbox, tag: Tag, command: NodeCommand);

    /// Lists the sub-directories of an absolute path; answered by [`Event::Directory`].
    fn read_dir(&mut self, inbox: &Inbox, path: String);

    /// Ends what this process began.
    fn finish(self) -> impl Future<Output = ()>;
}
