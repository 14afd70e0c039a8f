//! Who needs whom among what is installed.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::market::store::{Installed, Reason};
use crate::market::{MarketError, PackageName};

/// What is to be taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// None: only what nobody needs any more.
    pub name: Option<PackageName>,
    /// Also where another package needs it.
    #[serde(default)]
    pub force: bool,
    /// Also what came only as a dependency and is then needed by nobody.
    #[serde(default)]
    pub unused: bool,
}

impl Removal {
    /// Just this package.
    pub fn of(name: PackageName) -> Self {
        Self { name: Some(name), ..Self::default() }
    }
}

/// What a [`Removal`] comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemovalPlan {
    /// Packages that need others before those.
    pub remove: Vec<PackageName>,
    /// What came only as a dependency, is needed by nobody then, and stays.
    pub unused: Vec<PackageName>,
}

impl Removal {
    /// What is to be removed of `installed`. A name that is not installed is planned too: its files may be there.
    ///
    /// # Errors
    /// Invalid: another package needs it.
    pub fn plan(&self, installed: &[Installed]) -> Result<RemovalPlan, MarketError> {
        let mut remove: Vec<PackageName> = self.name.iter().cloned().collect();
        if let Some(name) = &self.name
            && !self.force
        {
            refuse_needed(installed, name)?;
        }
        let left: Vec<&Installed> = installed.iter().filter(|entry| !remove.contains(&entry.name)).collect();
        let mut unused = unused(&left);
        if self.unused {
            remove.append(&mut unused);
        }
        Ok(RemovalPlan { remove, unused })
    }
}

/// The packages of `installed` that need the one called `name`, by name.
pub fn needed_by<'a>(installed: &'a [Installed], name: &PackageName) -> Vec<&'a PackageName> {
    let Some(wanted) = installed.iter().find(|entry| entry.name == *name) else { return Vec::new() };
    let needing = installed.iter().filter(|entry| entry.name != *name && needs(entry, wanted));
    needing.map(|entry| &entry.name).collect()
}

fn needs(entry: &Installed, other: &Installed) -> bool {
    entry.dependencies.iter().any(|dependency| {
        dependency.name == other.name && dependency.publisher.is_none_or(|key| other.publisher == Some(key))
    })
}

fn refuse_needed(installed: &[Installed], name: &PackageName) -> Result<(), MarketError> {
    let needing: Vec<&str> = needed_by(installed, name).into_iter().map(PackageName::as_str).collect();
    if needing.is_empty() {
        return Ok(());
    }
    let verb = if needing.len() == 1 { "needs" } else { "need" };
    Err(MarketError::Refused {
        message: format!("{name} was not removed: {} {verb} it", needing.join(", ")),
        hint: format!("remove what needs it first, or remove it all the same: ggen-p2p-tui remove {name} --force"),
    })
}

/// What no package that the user has asked for needs, not even through others. Packages that need others come first, so
/// that what is left after a crash has what it needs.
fn unused(installed: &[&Installed]) -> Vec<PackageName> {
    let mut used: HashSet<&PackageName> = HashSet::new();
    let mut waiting: Vec<&Installed> =
        installed.iter().filter(|entry| entry.reason == Reason::Asked).copied().collect();
    while let Some(entry) = waiting.pop() {
        if used.insert(&entry.name) {
            waiting.extend(installed.iter().filter(|other| needs(entry, other)));
        }
    }
    let mut unused: Vec<&Installed> = installed.iter().filter(|entry| !used.contains(&entry.name)).copied().collect();
    let mut ordered = Vec::new();
    while !unused.is_empty() {
        let is_needed = |one: &&Installed| unused.iter().any(|other| other.name != one.name && needs(other, one));
        let (later, mut now): (Vec<_>, Vec<_>) = unused.iter().copied().partition(|one| is_needed(one));
        if now.is_empty() {
            // They need each other in a circle.
            now.clone_from(&later);
        }
        unused.retain(|one| !now.iter().any(|gone| gone.name == one.name));
        ordered.extend(now.into_iter().map(|one| one.name.clone()));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::testing::{identity, installed, name, release};
    use crate::market::{Dependency, PublisherKey};

    /// `asked` or not, and the names that it needs.
    fn entry(of: &str, asked: bool, needs: &[&str]) -> Installed {
        let dependency =
            |of: &&str| Dependency { name: name(of), requirement: "^1".parse().expect("requirement"), publisher: None };
        Installed {
            reason: if asked { Reason::Asked } else { Reason::Needed },
            dependencies: needs.iter().map(dependency).collect(),
            ..installed(&release(&identity(1), of, "1.0.0"))
        }
    }

    fn names(names: &[PackageName]) -> Vec<&str> {
        names.iter().map(PackageName::as_str).collect()
    }

    fn remove(of: &str) -> Removal {
        Removal::of(name(of))
    }

    #[test]
    fn what_another_needs_is_removed_by_force_only() {
        let all = [entry("app", true, &["lib"]), entry("lib", false, &[]), entry("tool", true, &["lib"])];
        let error = remove("lib").plan(&all).expect_err("needed");
        assert!(error.to_string().contains("app, tool need it"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("remove lib --force")));
        let plan = Removal { force: true, ..remove("lib") }.plan(&all).expect("forced");
        assert_eq!((names(&plan.remove), names(&plan.unused)), (vec!["lib"], vec![]));
        let plan = remove("app").plan(&all).expect("nobody needs it");
        assert_eq!((names(&plan.remove), names(&plan.unused)), (vec!["app"], vec![]));
    }

    #[test]
    fn a_dependency_on_another_publishers_package_is_none_on_this_one() {
        let mut app = entry("app", true, &["lib"]);
        app.dependencies[0].publisher = Some(PublisherKey([9; 32]));
        assert_eq!(remove("lib").plan(&[app, entry("lib", true, &[])]).expect("plan").remove.len(), 1);
    }

    #[test]
    fn what_is_needed_by_nobody_any_more_is_told_or_goes_too() {
        let all = [
            entry("app", true, &["lib"]),
            entry("lib", false, &["base"]),
            entry("base", false, &[]),
            entry("shared", false, &[]),
            entry("tool", true, &["shared"]),
        ];
        let plan = remove("app").plan(&all).expect("plan");
        assert_eq!((names(&plan.remove), names(&plan.unused)), (vec!["app"], vec!["lib", "base"]));
        let plan = Removal { unused: true, ..remove("app") }.plan(&all).expect("plan");
        assert_eq!((names(&plan.remove), names(&plan.unused)), (vec!["app", "lib", "base"], vec![]));
        let plan = Removal { unused: true, ..Removal::default() }.plan(&all).expect("plan");
        assert_eq!(names(&plan.remove), Vec::<&str>::new());
    }

    #[test]
    fn a_circle_that_nobody_asked_for_is_unused() {
        let all = [entry("one", false, &["two"]), entry("two", false, &["one"]), entry("asked", true, &[])];
        let plan = Removal { unused: true, ..Removal::default() }.plan(&all).expect("plan");
        assert_eq!(names(&plan.remove), ["one", "two"]);
    }

    #[test]
    fn what_the_user_asked_for_is_never_unused() {
        let all = [entry("one", true, &["two"]), entry("two", true, &[])];
        let plan = Removal { unused: true, ..remove("one") }.plan(&all).expect("plan");
        assert_eq!((names(&plan.remove), plan.unused), (vec!["one"], vec![]));
    }
}
