//! `search`.

use crate::app::output::table::Table;
use crate::app::output::{Style, human};
use crate::config::cli::SearchArgs;
use crate::net::NodeError;
use crate::net::api::{SearchAnswer, SearchHit, SearchRequest, Source};

use super::{Context, Session, central};

/// What is not known of a package that nobody signed.
const UNKNOWN: &str = "—";

pub async fn search(context: &Context, session: &mut Session, arguments: &SearchArgs) -> Result<(), NodeError> {
    let query = arguments.query.join(" ");
    let node = session.open(context).await?;
    if !arguments.local {
        session.settle(context).await?;
    }
    let request =
        SearchRequest { query: query.clone(), limit: arguments.limit.into(), remote: !arguments.local, facets: false };
    let answer = node.search(request).await?;
    central::notes(context, &answer.central);
    if answer.results.is_empty() {
        let asked = match (arguments.local, answer.peers_asked) {
            (true, _) => "; peers were not asked".to_owned(),
            (false, 0) => "; there was no peer to ask".to_owned(),
            (false, asked) => format!("; {} of {asked} peers answered", answer.peers_answered),
        };
        context.output.note(&format!("nothing found for {query:?}{asked}"));
    }
    context.output.answer(&answer, |style| results(&answer, style))
}

fn results(answer: &SearchAnswer, style: Style) -> String {
    if answer.results.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["NAME", "VERSION", ">SIZE", "PUBLISHER", "SOURCE", ">PROVIDERS", "~DESCRIPTION"]);
    for hit in &answer.results {
        let sources = hit.sources.iter().map(|source| match source {
            Source::Local => "local",
            Source::Peer => "peer",
            Source::Central => "central",
        });
        let version = match &hit.installed {
            Some(installed) if *installed == hit.version => format!("{} (installed)", hit.version),
            Some(installed) => format!("{} (has {installed})", hit.version),
            None => hit.version.to_string(),
        };
        table.row([
            hit.name.to_string(),
            version,
            hit.size.map_or(UNKNOWN.into(), human::bytes),
            publisher(hit),
            sources.collect::<Vec<_>>().join("+"),
            if hit.publisher.is_some() { hit.providers.to_string() } else { UNKNOWN.into() },
            hit.description.to_string(),
        ]);
    }
    table.render(style)
}

fn publisher(hit: &SearchHit) -> String {
    let Some(key) = hit.publisher else { return "unsigned".into() };
    let key = human::short(&key.to_string());
    if hit.revoked { format!("{key} (revoked)") } else { key }
}
