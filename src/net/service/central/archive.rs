//! Fetching the archive of a repository that a central index names for a package.

use std::sync::Arc;
use std::time::Duration;

use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;

use crate::market::archive::repository::MAX_REPOSITORY;
use crate::market::central::CentralPackage;
use crate::market::error::{Action, IoContext};
use crate::market::{MarketError, PackageId, SafeText};

use super::super::super::api::Direction;
use super::super::super::context::Context;
use super::super::super::error::{ErrorKind, NodeError};
use super::fetch::{Fetched, Known, Limits, fetch};

const LIMITS: Limits =
    Limits { bytes: MAX_REPOSITORY, time: Duration::from_secs(600), silence: Duration::from_secs(20) };

/// The archive, in a file that goes when it is dropped. Nothing of it was checked but its size.
///
/// # Errors
/// The index names none; it cannot be fetched, or is too large.
pub async fn download(context: &Context, package: &CentralPackage) -> Result<NamedTempFile, NodeError> {
    let what = format!("{} {}", package.name, package.version);
    let from = match &package.download {
        Ok(download) => download.url.clone(),
        Err(why) => {
            return Err(NodeError::new(ErrorKind::NotFound, format!("{what} cannot be installed: {why}"))
                .hint("tell whoever keeps the index"));
        }
    };
    let id = PackageId(package.checksum.unwrap_or_default());
    let transfer = Arc::new(context.transfers.begin(Direction::Inbound, SafeText::new(&what), id, 0));
    let (directory, stopping) =
        (context.store.run(|db| Ok(db.incoming_dir())).await?, context.services.tasks().clone());
    let (telling, shown) = (transfer.clone(), from.to_string());
    let fetching = spawn_blocking(move || {
        std::fs::create_dir_all(&directory).at(Action::Create, &directory)?;
        let file = NamedTempFile::new_in(&directory).at(Action::Create, &directory)?;
        let progress = &mut |done, total: Option<u64>| {
            telling.received(done, total);
            !stopping.is_closed()
        };
        match fetch(&from, &Known::default(), LIMITS, file, progress)? {
            Fetched::New { file, .. } => Ok(file),
            Fetched::Unchanged => Err(NodeError::new(ErrorKind::Network, "the server sent nothing")),
        }
    });
    let fetched = fetching.await.map_err(|_| MarketError::Failed("a worker stopped".into()))?;
    let fetched = fetched.map_err(|error| {
        let message = format!("{what}: its archive {shown} cannot be fetched: {}", error.message);
        NodeError { message, hint: error.hint.or(Some("try again later; nothing was installed".into())), ..error }
    });
    if let Some(transfer) = Arc::into_inner(transfer) {
        match &fetched {
            Ok(_) => transfer.done(),
            Err(error) => transfer.failed(&error.message),
        }
    }
    fetched
}
