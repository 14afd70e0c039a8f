//! Installing packages and what they depend on: [`gather`] what is known, [`plan`] what to do, [`carry_out`] the plan.

mod carry_out;
mod gather;
mod outdated;
mod plan;
mod refusal;

use super::super::api::{InstallAnswer, InstallRequest, NodeReply};
use super::super::context::Context;
use super::super::error::{ErrorKind, NodeError};

pub use carry_out::keep;
pub use outdated::outdated;

/// Answers [`NodeCommand::Plan`](super::super::api::NodeCommand::Plan).
pub async fn plan(context: &Context, request: InstallRequest) -> Result<NodeReply, NodeError> {
    Ok(NodeReply::Plan(plan::prepare(context, &request).await?.plan()))
}

/// Answers [`NodeCommand::Install`](super::super::api::NodeCommand::Install).
///
/// Dependencies come first, so that a package is in place only when what it needs is. Each package is put in place whole or
/// not at all; those before one that fails stay. A dependency that nobody knows is a warning.
pub async fn install(context: &Context, request: InstallRequest) -> Result<NodeReply, NodeError> {
    let prepared = plan::prepare(context, &request).await?;
    if let Some(name) = plan::changed(&request, &prepared.plan()) {
        return Err(NodeError::new(ErrorKind::Failed, format!("the plan has changed meanwhile, as to {name}"))
            .hint("look at the plan again; nothing was installed"));
    }
    let absent = prepared.absent.iter().map(|absent| {
        let (name, requirement, needed_by) = (&absent.name, &absent.requirement, &absent.needed_by);
        format!("dependency {name} {requirement} of {needed_by} was not installed: nobody knows it")
    });
    let stuck = prepared.stuck.iter().map(ToString::to_string);
    let mut answer = InstallAnswer { installed: Vec::new(), warnings: absent.chain(stuck).collect() };
    for prepare in prepared.steps {
        answer.warnings.extend(prepare.step.warnings.iter().map(|text| format!("{}: {text}", prepare.step.name)));
        answer.installed.push(carry_out::step(context, &request, prepare).await?);
    }
    Ok(NodeReply::Install(answer))
}
