//! `verify`: whether installed files are still what was put in place.

use serde::Serialize;

use crate::app::output::table::Table;
use crate::app::output::{Style, human};
use crate::market::install::{self, Basis, Verification};
use crate::market::{PackageName, Store};
use crate::net::{ErrorKind, NodeError};

use super::Context;
use super::install::as_usage;
use super::installed::open_store;

#[derive(Serialize)]
struct Answer {
    /// Nothing that was compared differs, and everything could be compared.
    sound: bool,
    packages: Vec<Package>,
}

#[derive(Serialize)]
struct Package {
    sound: bool,
    #[serde(flatten)]
    verification: Verification,
}

/// The files are read here, whether a node runs or not: it has no part in it.
pub async fn verify(context: &Context, names: &[String]) -> Result<(), NodeError> {
    let names = names.iter().map(|name| name.parse()).collect::<Result<Vec<PackageName>, _>>().map_err(as_usage)?;
    let (store, packs) = (open_store(context)?, context.home.packs_dir());
    let work = tokio::task::spawn_blocking(move || match store {
        Some(store) => verify_all(&store, &packs, names),
        None => names.first().map_or(Ok(Vec::new()), |name| {
            Err(NodeError::new(ErrorKind::NotFound, format!("{name} is not installed"))
                .hint("see what is with: ggen-p2p-tui list"))
        }),
    });
    let done = work.await.map_err(|e| NodeError::new(ErrorKind::Failed, format!("verifying broke off: {e}")))??;
    if done.is_empty() {
        context.output.note("nothing is installed");
    }
    let packages: Vec<_> = done.into_iter().map(|one| Package { sound: one.is_sound(), verification: one }).collect();
    let answer = Answer { sound: packages.iter().all(|package| package.sound), packages };
    context.output.answer(&answer, |style| show(&answer.packages, style))?;
    for package in answer.packages.iter().filter(|package| package.verification.basis == Basis::Unknown) {
        let (name, version) = (&package.verification.name, &package.verification.version);
        context.output.note(&format!(
            "note: {name} cannot be compared: what was put in place is not known here (any more); install it again: \
             ggen-p2p-tui install {name}@={version}"
        ));
    }
    refusal(&answer.packages).map_or(Ok(()), Err)
}

/// Those named, or all.
fn verify_all(store: &Store, packs: &std::path::Path, names: Vec<PackageName>) -> Result<Vec<Verification>, NodeError> {
    let names = match names.as_slice() {
        [] => store.run_blocking(|db| db.installed())?.into_iter().map(|entry| entry.name).collect(),
        _ => names,
    };
    names.iter().map(|name| Ok(install::verify(store, packs, name)?)).collect()
}

/// Verification failed where a file differs.
fn refusal(packages: &[Package]) -> Option<NodeError> {
    let is_damaged = |package: &&Package| !package.sound && package.verification.basis != Basis::Unknown;
    let damaged: Vec<_> = packages.iter().filter(is_damaged).map(|package| &package.verification).collect();
    let names = damaged.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ");
    let first = damaged.first()?;
    Some(
        NodeError::new(ErrorKind::Verification, format!("not as installed any more: {names}"))
            .hint(format!("put it in place anew: ggen-p2p-tui install {}@={}", first.name, first.version)),
    )
}

fn show(packages: &[Package], style: Style) -> String {
    if packages.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["NAME", "VERSION", ">COMPARED", "VERDICT"]);
    for Package { sound, verification } in packages {
        table.row([
            verification.name.to_string(),
            verification.version.to_string(),
            verification.files_checked.to_string(),
            verdict(*sound, verification),
        ]);
    }
    let mut text = table.render(style);
    let mut problems = Table::new(&["PACKAGE", "WHAT", "~FILE"]);
    let mut any = false;
    for verification in packages.iter().map(|package| &package.verification) {
        for problem in &verification.problems {
            any = true;
            problems.row([verification.name.to_string(), problem.kind.name().to_owned(), problem.path.to_string()]);
        }
    }
    if any {
        text += &format!("\n{}", problems.render(style));
    }
    text
}

fn verdict(sound: bool, verification: &Verification) -> String {
    let count = verification.problems.len() as u64 + verification.unlisted;
    match (verification.basis, sound, count) {
        (Basis::Unknown, ..) => "unknown".into(),
        (Basis::Archive, true, 0) => "as in its archive".into(),
        (_, true, 0) => "as installed".into(),
        (_, true, added) => format!("as installed, {} added", human::count(added as usize, "file")),
        (_, false, _) => format!("{} found", human::count(count as usize, "difference")),
    }
}
