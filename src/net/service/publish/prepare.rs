//! Reading and packing the directory, on a blocking thread.

use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;

use crate::market::archive::{Allowed, Packed, pack_with};
use crate::market::check::{self, Checked};
use crate::market::{Finding, Manifest, MarketError, Severity};

use super::super::super::context::Context;
use super::super::super::error::{ErrorKind, NodeError};

/// Findings named in an error.
const MAX_NAMED: usize = 5;

/// A package ready to be signed.
#[derive(Debug)]
pub struct Prepared {
    pub manifest: Manifest,
    pub packed: Packed,
    /// Of the manifest, then of the files.
    pub findings: Vec<Finding>,
}

/// Reads the manifest in `path`, tells `packing`, packs; `allow` names what is no secret.
///
/// # Errors
/// `NotFound` when there is no such directory; otherwise what reading and packing say.
pub async fn prepare(
    context: &Context,
    path: &str,
    allow: &[String],
    packing: impl FnOnce(),
) -> Result<Prepared, NodeError> {
    let allowed = Allowed::new(allow)?;
    let path = PathBuf::from(path);
    let (path, manifest, mut findings) = worker(move || read(path)).await?;
    packing();
    let incoming = context.store.run(|db| Ok(db.incoming_dir())).await?;
    let packed = worker(move || Ok(pack_with(&path, &incoming, &allowed)?)).await?;
    let more = packed.findings.iter().filter(|finding| !findings.contains(finding)).cloned().collect::<Vec<_>>();
    findings.extend(more);
    Ok(Prepared { manifest, packed, findings })
}

/// Everything that stands between the directory and its publication; `allow` names what is no secret.
///
/// # Errors
/// As of [`prepare`], but not for what is wrong with the package itself.
pub async fn check(context: &Context, path: &str, allow: &[String]) -> Result<(PathBuf, Checked), NodeError> {
    let allowed = Allowed::new(allow)?;
    let path = PathBuf::from(path);
    let incoming = context.store.run(|db| Ok(db.incoming_dir())).await?;
    worker(move || {
        is_directory(&path)?;
        let checked = check::check(&path, &incoming, &allowed)?;
        Ok((path, checked))
    })
    .await
}

fn read(path: PathBuf) -> Result<(PathBuf, Manifest, Vec<Finding>), NodeError> {
    is_directory(&path)?;
    let (manifest, findings) = Manifest::read(&path)?;
    Ok((path, manifest, findings))
}

fn is_directory(path: &Path) -> Result<(), NodeError> {
    if !path.is_absolute() {
        return Err(NodeError::new(ErrorKind::Usage, format!("{} is not an absolute path", path.display()))
            .hint("name the package's directory from / on"));
    }
    if !path.is_dir() {
        return Err(no_directory(path));
    }
    Ok(())
}

fn no_directory(path: &Path) -> NodeError {
    let what = if path.exists() { "is not a directory" } else { "does not exist" };
    NodeError::new(ErrorKind::NotFound, format!("{} {what}", path.display()))
        .hint("name the directory that holds the package's gpack.toml or package.toml")
}

async fn worker<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, NodeError> + Send + 'static,
) -> Result<T, NodeError> {
    spawn_blocking(job).await.map_err(|_| MarketError::Failed("a worker stopped".into()))?
}

/// What makes the package unpublishable.
pub fn errors(findings: &[Finding]) -> Vec<&Finding> {
    findings.iter().filter(|finding| finding.severity == Severity::Error).collect()
}

/// Fails when there are findings of severity `error`, naming the first ones.
pub fn refuse_errors(prepared: &Prepared) -> Result<(), NodeError> {
    let errors = errors(&prepared.findings);
    if errors.is_empty() {
        return Ok(());
    }
    let mut named: Vec<_> = errors.iter().take(MAX_NAMED).map(|finding| describe(finding)).collect();
    if errors.len() > MAX_NAMED {
        named.push(format!("and {} more", errors.len() - MAX_NAMED));
    }
    let hint = errors.iter().map(|finding| finding.hint.to_string()).find(|hint| !hint.is_empty());
    let name = prepared.manifest.name.as_str();
    Err(NodeError::new(ErrorKind::Failed, format!("{name} cannot be published: {}", named.join("; ")))
        .hint(hint.unwrap_or_else(|| "correct the package and publish again".into())))
}

fn describe(finding: &Finding) -> String {
    match finding.line {
        Some(line) => format!("{}:{line}: {}", finding.file, finding.message),
        None => format!("{}: {}", finding.file, finding.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_package_directory_is_refused_with_a_hint() {
        let relative = read(PathBuf::from("here")).unwrap_err();
        assert_eq!(relative.kind, ErrorKind::Usage);
        let missing = read(PathBuf::from("/nonexistent/package")).unwrap_err();
        assert_eq!(missing.kind, ErrorKind::NotFound);
        assert!(missing.message.contains("/nonexistent/package") && missing.hint.is_some());
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(read(file.path().to_path_buf()).unwrap_err().message.ends_with("is not a directory"));
    }
}
