//! `search`.

use crate::app::output::table::{self, Table, cut};
use crate::app::output::{Style, human};
use crate::config::cli::SearchArgs;
use crate::config::schema::RegistryMode;
use crate::market::search::{Facet, Facets, Query};
use crate::net::NodeError;
use crate::net::api::{SearchAnswer, SearchHit, SearchRequest, Source};

use crate::app::output::MAX_ECHO;

use super::{Context, Session, central};

/// What is not known of a package that nobody signed.
const UNKNOWN: &str = "—";
/// Columns of a description: they may be long, and `show` tells them whole.
const MAX_DESCRIPTION: usize = 100;

pub async fn search(context: &Context, session: &mut Session, arguments: &SearchArgs) -> Result<(), NodeError> {
    let typed = arguments.query.join(" ");
    // Before what was typed, where an open quote cannot swallow it.
    let query = match &arguments.sort {
        Some(order) => format!("sort:{order} {typed}"),
        None => typed.clone(),
    };
    let node = session.open(context).await?;
    if !arguments.local {
        session.settle(context).await?;
    }
    let (remote, facets) = (!arguments.local, arguments.facets);
    let request = SearchRequest { query: query.clone(), limit: arguments.limit.into(), remote, facets };
    let answer = node.search(request).await?;
    central::notes(context, &answer.central);
    for fault in &answer.faults {
        context.output.note(&format!("warning: {fault}; this filter was left out"));
    }
    if answer.results.is_empty() {
        let only_central = context.loaded.settings.registry.mode == RegistryMode::Central;
        let asked = who_was_asked(&answer, &Query::parse(&query), arguments.local, only_central);
        context.output.note(&format!("nothing found for {:?}; {asked}", cut(&typed, MAX_ECHO)));
    }
    context.output.answer(&answer, |style| results(&answer, style) + &facets_of(&answer, style))
}

/// How far "nothing" goes.
fn who_was_asked(answer: &SearchAnswer, query: &Query, local: bool, only_central: bool) -> String {
    match answer.peers_asked {
        _ if local => "peers were not asked".to_owned(),
        0 if !query.concerns_others() => {
            "peers were not asked: there is no word and no filter in it that they could answer".to_owned()
        }
        0 if only_central => "peers were not asked: registry.mode is central".to_owned(),
        0 => "there was no peer to ask".to_owned(),
        asked => format!("{} of {asked} peers answered", answer.peers_answered),
    }
}

/// How the results spread, one line for each thing that can be filtered by.
fn facets_of(answer: &SearchAnswer, style: Style) -> String {
    let Some(facets) = &answer.facets else { return String::new() };
    let Facets { categories, licences, tags, publishers } = facets;
    let list = |facets: &[Facet], shown: fn(&str) -> String| {
        facets.iter().map(|one| format!("{} {}", shown(&one.value), one.count)).collect::<Vec<_>>().join(", ")
    };
    let fields = [
        ("category", list(categories, str::to_owned)),
        ("tag", list(tags, str::to_owned)),
        ("licence", list(licences, str::to_owned)),
        ("publisher", list(publishers, human::short)),
    ];
    let before = if answer.results.is_empty() { "" } else { "\n" };
    let bound = if answer.at_least { "there are more: each count is the least that there is\n" } else { "" };
    format!("{before}{}{bound}", table::fields(&fields, style))
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
            cut(&hit.description, MAX_DESCRIPTION),
        ]);
    }
    table.render(style)
}

fn publisher(hit: &SearchHit) -> String {
    let Some(key) = hit.publisher else { return "unsigned".into() };
    let key = human::short(&key.to_string());
    if hit.revoked { format!("{key} (revoked)") } else { key }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_asked_is_told_as_it_was() {
        let told = |query: &str, asked, local, only_central| {
            let answer = SearchAnswer { peers_asked: asked, peers_answered: 1, ..SearchAnswer::default() };
            who_was_asked(&answer, &Query::parse(query), local, only_central)
        };
        assert_eq!(told("web", 0, false, false), "there was no peer to ask");
        assert_eq!(told("web", 2, false, false), "1 of 2 peers answered");
        assert_eq!(told("web", 0, true, false), "peers were not asked");
        assert!(told("web", 0, false, true).contains("registry.mode is central"));
        for nothing in ["*", "installed:yes", "installed:yes web", "sort:name"] {
            assert!(told(nothing, 0, false, false).contains("no word and no filter"), "{nothing}");
        }
    }

    #[test]
    fn facets_are_lines_of_counts() {
        let one = |value: &str, count| Facet { value: crate::market::SafeText::new(value), count };
        let facets = Facets {
            categories: vec![one("web", 3), one("cli", 1)],
            publishers: vec![one("12D3KooWabcdefgh", 4)],
            ..Facets::default()
        };
        let answer = SearchAnswer { facets: Some(facets), at_least: true, ..SearchAnswer::default() };
        let text = facets_of(&answer, Style::default());
        assert!(text.starts_with("category   web 3, cli 1\ntag        -\n"), "{text}");
        assert!(text.contains("publisher  …abcdefgh 4\n") && text.ends_with("the least that there is\n"), "{text}");
        assert_eq!(facets_of(&SearchAnswer::default(), Style::default()), "");
    }
}
