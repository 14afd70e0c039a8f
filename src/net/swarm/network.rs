//! Telling nodes of other networks apart: identify lists a protocol that says by its name which network a node is of, and that
//! nobody ever speaks. A node that lists none, of an earlier version or another make, may be of any.

use libp2p::StreamProtocol;
use libp2p_stream::{Control, IncomingStreams};

use crate::market::SafeText;

const PREFIX: &str = "/ggen/network/";

/// Cells of another network's name that are shown.
const MAX_NAME: usize = 64;

/// Has identify tell the network, for as long as what it returns is kept.
pub fn tell(streams: &mut Control, network: &str) -> Option<IncomingStreams> {
    let told = StreamProtocol::try_from_owned(format!("{PREFIX}{network}")).map(|protocol| streams.accept(protocol));
    told.ok()?.ok()
}

/// The network that `protocols` tell, where it is another one than `own`.
pub fn other(protocols: &[StreamProtocol], own: &str) -> Option<SafeText> {
    let mut told = protocols.iter().filter_map(|protocol| protocol.as_ref().strip_prefix(PREFIX));
    let first = told.next()?;
    (first != own && told.all(|name| name != own)).then(|| SafeText::capped(first, MAX_NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_of_another_network_only_where_it_says_so() {
        let kad = StreamProtocol::new("/ggen/kad/1.0.0");
        assert_eq!(other(std::slice::from_ref(&kad), "ggen"), None);
        assert_eq!(other(&[kad.clone(), StreamProtocol::new("/ggen/network/ggen")], "ggen"), None);
        let elsewhere = other(&[StreamProtocol::new("/ggen/network/other"), kad], "ggen");
        assert_eq!(elsewhere.as_deref(), Some("other"));
        let both = [StreamProtocol::new("/ggen/network/other"), StreamProtocol::new("/ggen/network/ggen")];
        assert_eq!(other(&both, "ggen"), None);
    }
}
