//! `remove`.

use crate::app::output::human;
use crate::config::cli::RemoveArgs;
use crate::market::PackageName;
use crate::market::install::{self, Removal};
use crate::net::api::RemoveAnswer;
use crate::net::{ErrorKind, NodeError};

use super::install::as_usage;
use super::installed::open_store;
use super::{Context, Session};

pub async fn remove(context: &Context, session: &Session, arguments: &RemoveArgs) -> Result<(), NodeError> {
    let name: Option<PackageName> = arguments.name.as_deref().map(str::parse).transpose().map_err(as_usage)?;
    let removal = Removal { name, force: arguments.force, unused: arguments.unused };
    let answer = match session.find(context).await? {
        Some(node) => node.remove(removal).await?,
        None => remove_stored(context, removal).await?,
    };
    context.output.answer(&answer, |_| told(&answer))?;
    if !answer.unused.is_empty() {
        let count = human::count(answer.unused.len(), "package");
        context.output.note(&format!(
            "note: {count} came only as a dependency and is needed by nobody any more: {}; \
             take away what is: ggen-p2p-tui remove --unused",
            listed(&answer.unused)
        ));
    }
    Ok(())
}

/// With no node running.
async fn remove_stored(context: &Context, removal: Removal) -> Result<RemoveAnswer, NodeError> {
    let store = open_store(context)?;
    let packs = context.home.packs_dir();
    let work = move || {
        let Some(store) = store else {
            return removal.name.as_ref().map_or(Ok(RemoveAnswer::default()), |name| Err(not_installed(name)));
        };
        let wanted = removal.clone();
        let plan = store.run_blocking(move |db| wanted.plan(&db.installed()?))?;
        let mut answer = RemoveAnswer { removed: Vec::new(), unused: plan.unused };
        for name in plan.remove {
            if install::remove(&store, &name, &packs)? {
                answer.removed.push(name);
            } else if removal.name.as_ref() == Some(&name) {
                return Err(not_installed(&name));
            }
        }
        Ok(answer)
    };
    let removed = tokio::task::spawn_blocking(work).await;
    removed.map_err(|e| NodeError::new(ErrorKind::Failed, format!("removing broke off: {e}")))?
}

fn not_installed(name: &PackageName) -> NodeError {
    NodeError::new(ErrorKind::NotFound, format!("{name} is not installed")).hint("see what is with: ggen-p2p-tui list")
}

fn told(answer: &RemoveAnswer) -> String {
    match answer.removed.as_slice() {
        [] => "nothing to remove: every package was asked for or is needed\n".into(),
        removed => format!("removed {}\n", listed(removed)),
    }
}

fn listed(names: &[PackageName]) -> String {
    names.iter().map(PackageName::as_str).collect::<Vec<_>>().join(", ")
}
