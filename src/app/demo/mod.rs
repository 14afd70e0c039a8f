//! `--demo`: real nodes in this process, on loopback and with temporary homes, so that a newcomer sees a living market:
//! peers joining, packages published, fetched and installed, and one peer that serves corrupt bytes and is caught at it.
//!
//! Nothing is acted: the nodes are the ones that every user runs, and the corrupt peer is one whose stored archive had
//! a byte flipped on disk before it joined.

use std::path::{Path, PathBuf};
use std::time::Duration;

use include_dir::{Dir, include_dir};
use tempfile::TempDir;
use tokio::sync::broadcast;
use tokio::time::Instant;

use crate::config::schema::{Mirror, Settings};
use crate::config::{Home, Span};
use crate::market::{PackageId, PackageName};
use crate::net::api::{InstallRequest, LogLine, NodeCommand, NodeReply, PublishRequest};
use crate::net::{ErrorKind, NodeError, NodeHandle, NodeOptions};

static PACKAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets/demo");

/// The demo's nodes talk to nobody else: the network name is part of every signature.
pub const NETWORK: &str = "demo";

/// Nodes beside the user's own; the last one is the liar.
const CAST: usize = 6;
const LIAR: usize = CAST - 1;

/// One thing that one of the cast does.
enum Act {
    Publish(&'static str),
    /// Publishes while nobody is connected, flips a byte of the stored archive, joins again.
    PublishCorrupt(&'static str),
    Install(&'static str),
}

/// Seconds after the cast has joined, who, and what.
const SCRIPT: &[(u64, usize, Act)] = &[
    (1, 0, Act::Publish("rest-endpoint")),
    (4, 1, Act::Publish("ontology-shapes")),
    (8, 2, Act::Publish("cli-scaffold")),
    (11, 0, Act::Publish("graphql-schema")),
    (14, LIAR, Act::Publish("free-icons")),
    (17, 3, Act::Install("rest-endpoint")),
    (20, 3, Act::Publish("rust-newtype")),
    (25, 4, Act::Publish("event-sourcing")),
    (30, LIAR, Act::PublishCorrupt("fast-serializer")),
    (36, 1, Act::Publish("sql-migrations")),
    (42, 2, Act::Publish("kafka-consumer")),
    (47, 4, Act::Install("cli-scaffold")),
    (52, 3, Act::Publish("react-form")),
    (58, 4, Act::Publish("terraform-module")),
];

/// The temporary homes and sample packages of a demo, deleted when it is dropped. To outlive the runtime its nodes run on.
pub struct Stage {
    root: TempDir,
}

impl Stage {
    /// Makes the temporary folder and lays the sample packages out in it.
    ///
    /// # Errors
    /// `Disk` when there is no place for them.
    pub fn prepare() -> Result<Self, NodeError> {
        let root = TempDir::with_prefix("ggen-demo-").map_err(|error| {
            NodeError::new(ErrorKind::Disk, format!("no temporary folder for the demo: {error}"))
                .hint("set TMPDIR to a folder with some free space")
        })?;
        let stage = Self { root };
        let packages = stage.packages();
        std::fs::create_dir(&packages).and_then(|()| PACKAGES.extract(&packages)).map_err(|error| {
            NodeError::new(
                ErrorKind::Disk,
                format!("cannot write the demo packages to {}: {error}", packages.display()),
            )
            .hint("set TMPDIR to a folder with some free space")
        })?;
        Ok(stage)
    }

    /// Where the sample packages lie, ready to be published through the wizard.
    pub fn packages(&self) -> PathBuf {
        self.root.path().join("packages")
    }

    /// Starts the user's node and, in the background, the cast and the script. `settings` gives what concerns the screen;
    /// network and storage are the demo's own.
    ///
    /// # Errors
    /// What [`crate::net::start`] says.
    pub fn start(
        &self,
        settings: &Settings,
        logs: broadcast::Sender<LogLine>,
    ) -> impl Future<Output = Result<NodeHandle, NodeError>> + Send + use<> {
        let own = own_node(settings, &self.root.path().join("you"), logs);
        let (root, packages) = (self.root.path().to_owned(), self.packages());
        async move {
            let handle = crate::net::start(own).await?;
            let address = own_address(&handle).await?;
            tokio::spawn(Director { root, packages, address }.run());
            Ok(handle)
        }
    }
}

fn own_node(settings: &Settings, home: &Path, logs: broadcast::Sender<LogLine>) -> NodeOptions {
    let mut settings = demo_settings(settings.clone());
    // Fetching what is announced is what lets the newcomer see transfers, and the corrupt peer get caught.
    settings.storage.mirror = Mirror::All;
    NodeOptions { home: Home::new(home), settings, logs: Some(logs), ephemeral: false }
}

fn demo_settings(mut settings: Settings) -> Settings {
    settings.network.name = NETWORK.into();
    settings.network.listen_addresses = vec!["/ip4/127.0.0.1/tcp/0".into()];
    settings.network.bootstrap_nodes = Vec::new();
    settings.network.mdns = false;
    settings.performance.max_connections_per_ip = 64;
    settings.security.install_cooldown = Span(0);
    settings
}

async fn own_address(handle: &NodeHandle) -> Result<String, NodeError> {
    let status = handle.status().await?;
    status.dialable_addrs().next().ok_or_else(|| {
        NodeError::new(ErrorKind::Network, "the demo node listens nowhere").hint("is the loopback interface up?")
    })
}

/// Brings the cast up and has it play the script.
struct Director {
    root: PathBuf,
    packages: PathBuf,
    address: String,
}

impl Director {
    async fn run(self) {
        if let Err(error) = self.play().await {
            tracing::error!("the demo stopped: {error}");
        }
    }

    async fn play(&self) -> Result<(), NodeError> {
        let mut cast = Vec::with_capacity(CAST);
        for member in 0..CAST {
            cast.push(crate::net::start(self.member(member)).await?);
        }
        let begun = Instant::now();
        for (second, member, act) in SCRIPT {
            tokio::time::sleep_until(begun + Duration::from_secs(*second)).await;
            let Some(node) = cast.get(*member) else { continue };
            // One failing act must not end the show; what failed is in the log.
            if let Err(error) = self.perform(node, *member, act).await {
                tracing::warn!("demo: {error}");
            }
        }
        // The cast stays until the runtime ends.
        std::future::pending().await
    }

    fn home(&self, member: usize) -> Home {
        Home::new(self.root.join(format!("node-{}", member + 1)))
    }

    fn member(&self, member: usize) -> NodeOptions {
        let mut settings = demo_settings(Settings::default());
        settings.network.bootstrap_nodes = vec![self.address.clone()];
        NodeOptions { home: self.home(member), settings, logs: None, ephemeral: false }
    }

    async fn perform(&self, node: &NodeHandle, member: usize, act: &Act) -> Result<(), NodeError> {
        match act {
            Act::Publish(name) => self.publish(node, name).await.map(drop),
            Act::Install(name) => install(node, name).await,
            Act::PublishCorrupt(name) => {
                node.request(NodeCommand::Disconnect { peer: None }).await?;
                let id = self.publish(node, name).await?;
                flip_a_byte(&blob_file(&self.home(member), id))?;
                node.request(NodeCommand::Connect { addr: self.address.clone() }).await.map(drop)
            }
        }
    }

    async fn publish(&self, node: &NodeHandle, name: &str) -> Result<PackageId, NodeError> {
        let path = self.packages.join(name).to_string_lossy().into_owned();
        match node.request(NodeCommand::Publish(PublishRequest { path, ..Default::default() })).await? {
            NodeReply::Publish(answer) => Ok(answer.package_id),
            other => Err(NodeError::new(ErrorKind::Failed, format!("publish was answered with {other:?}"))),
        }
    }
}

async fn install(node: &NodeHandle, name: &str) -> Result<(), NodeError> {
    let request = InstallRequest::of(PackageName::new(name)?, None, None);
    node.request(NodeCommand::Install(request)).await.map(drop)
}

fn blob_file(home: &Home, id: PackageId) -> PathBuf {
    let id = id.to_string();
    home.blobs_dir().join(id.chars().take(2).collect::<String>()).join(id)
}

fn flip_a_byte(file: &Path) -> Result<(), NodeError> {
    let flip = || -> std::io::Result<()> {
        let mut bytes = std::fs::read(file)?;
        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 1;
        }
        std::fs::write(file, bytes)
    };
    flip().map_err(|error| NodeError::new(ErrorKind::Disk, format!("{}: {error}", file.display())))
}
