//! `publish`.

use std::path::{Path, PathBuf};

use crate::app::output::table;
use crate::app::output::{Style, human};
use crate::config::cli::PublishArgs;
use crate::net::api::{Inspection, PublishAnswer, PublishRequest};
use crate::net::{ErrorKind, NodeError};

use super::plan;
use super::{Context, Session, progress};

/// What to name where a package is wanted.
pub(super) const PACKAGE: &str = "name the directory of a package: it holds a gpack.toml or package.toml";

pub async fn publish(context: &Context, session: &mut Session, arguments: &PublishArgs) -> Result<(), NodeError> {
    let path = directory(&arguments.path, PACKAGE)?;
    if arguments.dry_run {
        return dry_run(context, session, &path, &arguments.allow).await;
    }
    if session.find(context).await?.is_none() {
        // Before a node is started for it, so that what is no package leaves nothing behind.
        plan::refuse(&plan::make(context, &path, &arguments.allow).await?)?;
    }
    let node = session.open(context).await?;
    let kept = session.is_own().then(|| reachable_note(context));
    if kept.is_some() {
        session.settle(context).await?;
    }
    let job = u64::from(std::process::id());
    let request = PublishRequest {
        path: text_of(&path)?,
        job,
        wait_for: arguments.wait.into(),
        wait_timeout_s: arguments.wait_timeout.map_or(0, |span| span.0),
        allow: arguments.allow.clone(),
    };
    let answer = progress::during(context, &node, Some(job), node.publish(request)).await?;
    for finding in &answer.findings {
        context.output.note(&plan::finding(finding));
    }
    context.output.answer(&answer, |style| table::fields(&published(&answer), style))?;
    if let Some(note) = kept {
        context.output.warn(&note);
    }
    waited_in_vain(&answer, arguments).map_or(Ok(()), Err)
}

/// The package is out, and the answer was given; only what `--wait` asked for did not come about.
fn waited_in_vain(answer: &PublishAnswer, arguments: &PublishArgs) -> Option<NodeError> {
    let wanted = usize::from(arguments.wait);
    (answer.held_by < wanted).then(|| {
        let waited = arguments.wait_timeout.map_or(String::new(), |span| format!(" after {span}"));
        let what = format!(
            "{} {} is published, but {} of {wanted} other peers hold it{waited}",
            answer.name, answer.version, answer.held_by
        );
        NodeError::new(ErrorKind::Network, what)
            .hint("keep a node of this home running until others have fetched it: `ggen-p2p-tui start`")
    })
}

fn reachable_note(context: &Context) -> String {
    format!(
        "note: no node runs on {}: the package stays reachable only while a node of this home runs \
         (`ggen-p2p-tui start`), or once other nodes hold it (--wait N)",
        context.home.root().display()
    )
}

fn published(answer: &PublishAnswer) -> Vec<(&'static str, String)> {
    vec![
        (if answer.again { "published already" } else { "published" }, format!("{} {}", answer.name, answer.version)),
        ("publisher", answer.publisher.to_string()),
        ("package id", answer.package_id.to_string()),
        ("release id", answer.release_id.to_string()),
        ("archive", format!("{}, {}", human::bytes(answer.size), human::count(answer.files, "file"))),
        ("seen by", format!("{}, held by {}", human::count(answer.seen_by, "peer"), answer.held_by)),
        ("share", answer.share.clone()),
    ]
}

/// The directory as an absolute path: the node has another working directory.
pub(super) fn directory(path: &Path, hint: &str) -> Result<PathBuf, NodeError> {
    let failed = |error: std::io::Error| {
        let kind = match error.kind() {
            std::io::ErrorKind::PermissionDenied => ErrorKind::Permission,
            _ => ErrorKind::NotFound,
        };
        NodeError::new(kind, format!("cannot read {}: {error}", path.display())).hint(hint)
    };
    let absolute = std::fs::canonicalize(path).map_err(failed)?;
    if absolute.is_dir() {
        return Ok(absolute);
    }
    Err(crate::app::failure::usage(format!("{} is no directory", path.display())).hint(hint))
}

fn text_of(path: &Path) -> Result<String, NodeError> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        NodeError::new(ErrorKind::Failed, format!("{} is no UTF-8 path", path.display()))
            .hint("rename the directory, or publish through a link to it")
    })
}

async fn dry_run(context: &Context, session: &Session, path: &Path, allow: &[String]) -> Result<(), NodeError> {
    let plan = match session.find(context).await? {
        Some(node) => match node.inspect(text_of(path)?, allow.to_vec()).await? {
            Inspection::Package(plan) => *plan,
            Inspection::Unreadable(findings) => return plan::refuse_for("the package", &findings),
        },
        None => plan::make(context, path, allow).await?,
    };
    context.output.answer(&plan, |style: Style| plan::show(&plan, style))?;
    if plan.publishable {
        return plan::refuse_taken(&plan);
    }
    Err(NodeError::new(ErrorKind::Failed, format!("{} cannot be published as it is", plan.name))
        .hint("mend what the findings call errors"))
}
