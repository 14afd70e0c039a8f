//! `feed`.

use serde_json::json;

use crate::app::output::table::cut;
use crate::app::output::{Style, human};
use crate::config::cli::FeedArgs;
use crate::net::api::{FeedItem, NodeEvent, Via};
use crate::net::{ErrorKind, NodeError};

use super::{Context, Session};

pub async fn feed(context: &Context, session: &Session, arguments: &FeedArgs) -> Result<(), NodeError> {
    let node = session.running(context).await?;
    // Subscribed before the list is asked for, so that nothing falls in between.
    let events = if arguments.follow { Some(node.subscribe().await?) } else { None };
    let items = node.feed(arguments.limit.into()).await?;
    let Some(mut events) = events else {
        if items.is_empty() && arguments.limit > 0 {
            context.output.note("no announcements yet");
        }
        let table = |style| items.iter().map(|item| line(item, style)).collect();
        return context.output.answer(&json!({ "feed": items }), table);
    };
    let mut seen: Vec<_> = items.iter().map(|item| item.release_id).collect();
    for item in items.iter().rev() {
        if !context.output.item(item, |style| line(item, style))? {
            return Ok(());
        }
    }
    while let Some(event) = events.next().await {
        match event {
            NodeEvent::Feed(item) if take(&mut seen, &item) => {}
            NodeEvent::Feed(item) if !context.output.item(&item, |style| line(&item, style))? => return Ok(()),
            NodeEvent::Lagged { dropped } => context.output.note(&format!("{dropped} events were missed")),
            NodeEvent::Stopping => break,
            _ => {}
        }
    }
    Err(NodeError::new(ErrorKind::NoNode, "the node has stopped").hint("start it again with `ggen-p2p-tui start`"))
}

/// Whether the item was among the first ones; each is taken out once found, so the list only shrinks.
fn take(seen: &mut Vec<crate::market::ReleaseId>, item: &FeedItem) -> bool {
    let found = seen.iter().position(|id| *id == item.release_id);
    found.map(|at| seen.swap_remove(at)).is_some()
}

fn line(item: &FeedItem, style: Style) -> String {
    let via = match item.via {
        Via::Gossip => "gossip",
        Via::Sync => "sync",
        Via::Search => "search",
        Via::Own => "own",
    };
    let yanked = if item.yanked { " YANKED" } else { "" };
    let line = format!(
        "{}  {} {}{yanked}  {}  by {}  {via}  {}",
        human::time(item.received_at),
        item.name,
        item.version,
        human::bytes(item.size),
        human::short(&item.publisher.to_string()),
        item.description,
    );
    let line = style.width.map_or(line.clone(), |width| cut(&line, width));
    line.trim_end().to_owned() + "\n"
}
