//! `yank`.

use crate::app::failure::usage;
use crate::app::output::human;
use crate::config::cli::YankArgs;
use crate::market::PackageName;
use crate::net::NodeError;
use crate::net::api::{YankAnswer, YankRequest};

use super::install::as_usage;
use super::{Context, Session};

pub async fn yank(context: &Context, session: &mut Session, arguments: &YankArgs) -> Result<(), NodeError> {
    let request = parse(arguments)?;
    let node = session.open(context).await?;
    session.settle(context).await?;
    let answer = node.yank(request).await?;
    context.output.answer(&answer, |_| told(&answer))?;
    if session.is_own() && answer.seen_by == 0 {
        context.output.note(
            "note: nobody was there to hear of it; others get it when a node of this home runs and meets them \
             (`ggen-p2p-tui start`)",
        );
    }
    Ok(())
}

fn parse(arguments: &YankArgs) -> Result<YankRequest, NodeError> {
    let Some((name, version)) = arguments.package.split_once('@') else {
        return Err(
            usage(format!("{:?} names no version", arguments.package)).hint("write NAME@VERSION, e.g. my-pack@1.2.0")
        );
    };
    let name: PackageName = name.parse().map_err(as_usage)?;
    let version = version.trim().trim_start_matches('=').parse().map_err(|error: semver::Error| {
        usage(format!("{version:?} is no version: {error}")).hint("name it in full, e.g. my-pack@1.2.0")
    })?;
    let reason = arguments.reason.clone().filter(|_| !arguments.undo);
    if reason.as_deref().is_some_and(|reason| reason.trim().is_empty()) {
        return Err(
            usage("the reason is empty").hint("say why, for those who use it: --reason 'deletes the wrong files'")
        );
    }
    Ok(YankRequest { name, version, reason })
}

fn told(answer: &YankAnswer) -> String {
    let seen = human::count(answer.seen_by, "peer");
    match &answer.reason {
        Some(reason) => format!("withdrawn: {} {} ({reason}), seen by {seen}\n", answer.name, answer.version),
        None => format!("offered again: {} {}, seen by {seen}\n", answer.name, answer.version),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::ErrorKind;

    fn arguments(package: &str, reason: Option<&str>) -> YankArgs {
        YankArgs { package: package.into(), reason: reason.map(str::to_owned), undo: reason.is_none() }
    }

    #[test]
    fn a_version_is_named_in_full() {
        let request = parse(&arguments("tool@1.2.0", Some("broken"))).unwrap();
        assert_eq!((request.name.as_str(), request.version.to_string().as_str()), ("tool", "1.2.0"));
        assert_eq!(parse(&arguments("tool@1.2.0", None)).unwrap().reason, None);
        for (package, reason) in
            [("tool", "x"), ("tool@", "x"), ("tool@1.2", "x"), ("Tool@1.2.0", "x"), ("tool@1.0.0", " ")]
        {
            let error = parse(&arguments(package, Some(reason))).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Usage, "{package}");
        }
    }
}
