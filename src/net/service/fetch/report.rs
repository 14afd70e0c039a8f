//! What is said of a download that failed.

use libp2p::PeerId;

use crate::market::VerifiedRelease;

use super::super::super::error::{ErrorKind, NodeError};
use super::super::super::peers::Outcome;
use super::super::super::protocol::ProtocolError;

/// A provider that did not serve, and why.
pub struct Failure {
    pub peer: PeerId,
    pub error: ProtocolError,
}

/// A lie with what it was about, for whoever asks later why the peer is banned.
pub fn about(release: &VerifiedRelease, outcome: Outcome) -> Outcome {
    let signed = release.release();
    match outcome {
        Outcome::Lie(detail) => {
            Outcome::Lie(format!("{} {}: bytes that are not what was signed: {detail}", signed.name, signed.version))
        }
        other => other,
    }
}

/// Nobody could deliver.
/// `banned`: who is known to have it, and is not asked.
pub fn all_failed(release: &VerifiedRelease, failures: &[Failure], banned: &[PeerId]) -> NodeError {
    let signed = release.release();
    let what = format!("{} {}", signed.name.as_str(), signed.version);
    let lie = failures.iter().find(|failure| matches!(failure.error, ProtocolError::Lie(_)));
    if let Some(Failure { peer, error }) = lie {
        return NodeError::new(
            ErrorKind::Verification,
            format!("{what}: peer {peer} sent bytes that are not what the publisher signed: {error}"),
        )
        .hint("the peer is banned and nothing was installed; try again when another peer has the package");
    }
    match failures.last() {
        None if !banned.is_empty() => {
            let who = match banned {
                [peer] => format!("the only peer known to have it is banned, {peer}"),
                peers => format!("all {} peers known to have it are banned", peers.len()),
            };
            return NodeError::new(ErrorKind::Network, format!("{what}: {who}"))
                .hint("`peers` says why and for how long; try again when another node that has it is online");
        }
        None => NodeError::new(ErrorKind::Network, format!("{what}: no peer that has it can be reached")),
        Some(Failure { peer, error }) => NodeError::new(
            ErrorKind::Network,
            format!("{what}: none of {} peers could deliver it; the last was {peer}: {error}", failures.len()),
        ),
    }
    .hint("try again when a node that has it is online")
}

/// The publisher signed what does not fit together.
pub fn signed_wrong(release: &VerifiedRelease, detail: &str) -> NodeError {
    let signed = release.release();
    let message = format!("{} {}: {detail}", signed.name.as_str(), signed.version);
    NodeError::new(ErrorKind::Verification, message)
        .hint("ask the publisher to publish it again; nothing was installed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::Identity;
    use crate::net::service::testing::tool_release;

    #[test]
    fn where_all_who_have_it_are_banned_that_is_said() {
        let release = tool_release(&Identity::generate(), "1.0.0", 1, None);
        let peer = PeerId::random();
        let error = all_failed(&release, &[], &[peer]);
        assert_eq!(error.message, format!("tool 1.0.0: the only peer known to have it is banned, {peer}"));
        assert!(all_failed(&release, &[], &[]).message.contains("no peer that has it can be reached"));
    }
}
