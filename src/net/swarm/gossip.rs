//! Gossipsub: how the packages topic is carried.
//!
//! Messages are anonymous (StrictNoSign: no author, sequence number or signature), since a release carries its publisher's
//! signature in itself; then the message id can be the SHA-256 of the data, as js-libp2p has it by default for StrictNoSign,
//! and one release is one message however many announce it.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use libp2p::gossipsub::{
    self, ConfigBuilder, IdentTopic, IdentityTransform, Message, MessageAuthenticity, MessageId, PeerScoreParams,
    PeerScoreThresholds, TopicScoreParams, ValidationMode, WhitelistSubscriptionFilter,
};
use sha2::{Digest, Sha256};

/// Only the packages topic can be subscribed to, here and by others: their subscriptions take no memory.
pub type Gossipsub = gossipsub::Behaviour<IdentityTransform, WhitelistSubscriptionFilter>;

/// Largest gossipsub frame in bytes: what others send by default.
const MAX_TRANSMIT: usize = 64 * 1024;

/// Largest message on our topic: an envelope of 4 KiB, and what is around it.
const MAX_MESSAGE: usize = 8 * 1024;

/// Message ids in one list of what a node has, or wants; 34 bytes each. libp2p lists up to 5000, and takes 16 KiB of control
/// messages at most: the frame would be refused, the stream closed, and after five such frames nothing is ever sent again.
const MAX_LISTED: usize = 256;

/// How long a message is remembered as seen.
const SEEN: Duration = Duration::from_secs(300);

/// Messages waiting for one slow peer.
const QUEUE: usize = 512;

/// The behaviour, subscribed to `topic`.
///
/// # Errors
/// What gossipsub does not accept of this configuration.
pub fn behaviour(topic: &str) -> Result<Gossipsub, String> {
    let topic = IdentTopic::new(topic);
    let config = ConfigBuilder::default()
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(content_id)
        .max_transmit_size(MAX_TRANSMIT)
        .max_transmit_size_for_topic(MAX_MESSAGE, topic.hash())
        .max_control_messages_sent(MAX_LISTED)
        .flood_publish(true)
        .duplicate_cache_time(SEEN)
        .connection_handler_queue_len(QUEUE)
        // The first mesh is made as peers subscribe; no need to wait long for the first repair.
        .heartbeat_initial_delay(Duration::from_secs(1))
        .build()
        .map_err(|error| error.to_string())?;
    let filter = WhitelistSubscriptionFilter(HashSet::from([topic.hash()]));
    let mut gossip = Gossipsub::new_with_subscription_filter(MessageAuthenticity::Anonymous, config, filter)?;
    gossip.with_peer_score(score(&topic), PeerScoreThresholds::default())?;
    gossip.subscribe(&topic).map_err(|error| error.to_string())?;
    Ok(gossip)
}

fn content_id(message: &Message) -> MessageId {
    MessageId::new(Sha256::digest(&message.data).as_slice())
}

/// Invalid messages and broken promises cost score. How much a peer delivers does not: the topic is quiet, and weights for
/// mesh delivery would punish everyone. Nodes of one machine share an address, so loopback is free of the penalty for that.
fn score(topic: &IdentTopic) -> PeerScoreParams {
    let topic_score = TopicScoreParams {
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        time_in_mesh_quantum: Duration::from_secs(1),
        time_in_mesh_weight: 0.01,
        invalid_message_deliveries_weight: -20.0,
        invalid_message_deliveries_decay: gossipsub::score_parameter_decay(Duration::from_secs(600)),
        ..TopicScoreParams::default()
    };
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    PeerScoreParams {
        topics: [(topic.hash(), topic_score)].into(),
        // The peer book's opinion, in points already.
        app_specific_weight: 1.0,
        ip_colocation_factor_whitelist: loopback.into(),
        ..PeerScoreParams::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_accepted_and_the_topic_is_joined() {
        let gossip = behaviour("/ggen/packages/v1").unwrap();
        let topics: Vec<&str> = gossip.topics().map(|topic| topic.as_str()).collect();
        assert_eq!(topics, ["/ggen/packages/v1"]);
    }

    #[test]
    fn lists_of_ids_are_within_what_is_taken() {
        let gossip = ConfigBuilder::default().max_control_messages_sent(MAX_LISTED).build().unwrap();
        // An id is 32 bytes, with its tag and length 34; the topic's name and what is around them are less than 100.
        assert!(gossip.max_control_messages_sent() * 34 + 100 < gossip.max_control_message_size());
    }

    #[test]
    fn the_message_id_is_the_hash_of_the_data() {
        let topic = IdentTopic::new("t").hash();
        let message = Message { source: None, data: b"abc".to_vec(), sequence_number: None, topic };
        let hex: String = content_id(&message).0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
