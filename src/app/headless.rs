//! The node as a service: `--no-ui` and `start`.

use crate::config::{Home, Settings};
use crate::net::api::{NodeEvent, Status};
use crate::net::control::client::ControlClient;
use crate::net::{self, ErrorKind, NodeError, NodeHandle, NodeOptions};

use super::failure::busy;
use super::logging::{self, Mode};
use super::output::complain;
use super::signal::Signals;

/// Runs a node until a signal or the `stop` command ends it. Says on standard error, in one line that begins with `ready:`,
/// when it listens, and where.
///
/// # Errors
/// A node runs on the home already (exit code 1, names its process), or this one cannot be started.
pub async fn run(home: Home, settings: Settings) -> Result<(), NodeError> {
    if let Some(running) = ControlClient::connect(&home).await? {
        return Err(already_running(&home, running).await);
    }
    let mut signals = Signals::new()?;
    let logging = logging::init(Mode::Headless, &home, &settings.log);
    let options = NodeOptions { home: home.clone(), settings, logs: Some(logging.lines.clone()), ephemeral: false };
    let started = tokio::select! {
        started = net::start(options) => started,
        _ = signals.next() => return Ok(()),
    };
    let node = match started {
        Ok(node) => node,
        // Either one that was started at the same moment, or that of a verb.
        Err(error) => match ControlClient::connect(&home).await? {
            Some(running) => return Err(already_running(&home, running).await),
            None => return Err(busy(error)),
        },
    };
    let mut events = node.subscribe().await?;
    complain(&ready_line(&node.status().await?));
    loop {
        tokio::select! {
            event = events.next() => match event {
                None | Some(NodeEvent::Stopping) => break,
                Some(_) => {}
            },
            signal = signals.next() => {
                tracing::info!(?signal, "stopping");
                break;
            }
        }
    }
    tokio::select! {
        stopped = node.shutdown() => stopped,
        _ = signals.next() => Err(NodeError::new(ErrorKind::Failed, "ended at once, at the second signal")),
    }
}

/// `ready: 12D3KooW… listening on ADDR ADDR`, each address whole enough to be given to `--bootstrap`.
fn ready_line(status: &Status) -> String {
    let addrs: Vec<_> = status.dialable_addrs().collect();
    format!("ready: {} listening on {}\n", status.peer_id, addrs.join(" "))
}

async fn already_running(home: &Home, running: ControlClient) -> NodeError {
    let status = NodeHandle::Remote(running).status().await;
    let process = status.map_or(String::new(), |status| format!(" (process {})", status.pid));
    NodeError::new(ErrorKind::Failed, format!("a node runs on {} already{process}", home.root().display()))
        .hint("stop it with `ggen-p2p-tui stop`, or choose another home with --home")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_gives_addresses_to_bootstrap_from() {
        let listen_addrs = vec!["/ip4/127.0.0.1/tcp/1".to_owned(), "/ip4/127.0.0.1/udp/2/quic-v1".to_owned()];
        let status = Status { peer_id: "12D3".into(), listen_addrs, ..Default::default() };
        assert_eq!(
            ready_line(&status),
            "ready: 12D3 listening on /ip4/127.0.0.1/tcp/1/p2p/12D3 /ip4/127.0.0.1/udp/2/quic-v1/p2p/12D3\n"
        );
    }
}
