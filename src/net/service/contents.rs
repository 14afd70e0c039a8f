//! What is in a package, before anybody installs it.

use semver::Version;
use tokio::task::spawn_blocking;

use crate::market::archive::{self, FileEntry};
use crate::market::{MarketError, PackageName, PublisherKey, VerifiedRelease};

use super::super::api::{FileList, NodeReply};
use super::super::context::Context;
use super::super::error::NodeError;
use super::fetch::{self, Bytes};
use super::{install, trust};

/// Answers [`NodeCommand::Contents`](super::super::api::NodeCommand::Contents). What was fetched is kept as what an install
/// fetches is, so that one after this has its bytes.
pub async fn contents(
    context: &Context,
    name: PackageName,
    version: Version,
    publisher: PublisherKey,
) -> Result<NodeReply, NodeError> {
    let asked = format!("{name} {version}");
    let release = context.store.run(move |db| db.last_word(publisher, &name, &version)).await?;
    let release = release.ok_or_else(|| trust::unknown(&asked, publisher))?;
    let files = fetch::with_bytes(context, &release, |bytes| list(context, bytes, &release)).await?;
    Ok(NodeReply::Files(FileList::of(files)))
}

async fn list(context: &Context, bytes: Bytes, release: &VerifiedRelease) -> Result<Vec<FileEntry>, MarketError> {
    let (path, release) = (bytes.path().to_owned(), release.clone());
    let reading = spawn_blocking(move || archive::contents(&path, &release));
    let files = reading.await.map_err(|_| MarketError::Failed("a worker stopped".into()))??;
    install::keep(context, bytes).await;
    Ok(files)
}
