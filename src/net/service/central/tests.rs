use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::config::Settings;
use crate::config::schema::RegistryMode;
use crate::market::central::Index;
use crate::market::search::Query;
use crate::market::{PackageId, PackageName, PublisherKey, SafeText};
use crate::net::api::{NodeReply, SearchAnswer, SearchHit, SearchRequest, Source};
use crate::net::service::search;
use crate::net::service::testing::{TestNode, settings};

fn index(entries: &[(&str, &str)]) -> Loaded {
    let entries: Vec<_> = entries
        .iter()
        .map(|(name, version)| json!({"name": name, "version": version, "description": "a graph"}))
        .collect();
    let index = Index::from_bytes(json!(entries).to_string().as_bytes()).unwrap();
    ("/index.json".into(), Arc::new(index))
}

fn signed(name: &str, version: &str, key: u8, score: f64) -> SearchHit {
    SearchHit {
        name: PackageName::new(name).unwrap(),
        version: version.parse().unwrap(),
        publisher: Some(PublisherKey([key; 32])),
        package_id: Some(PackageId([key; 32])),
        category: SafeText::default(),
        tags: vec![],
        description: SafeText::default(),
        size: Some(1),
        source: Source::Local,
        sources: vec![Source::Local],
        central: None,
        score,
        providers: 1,
        licence: SafeText::default(),
        published_at: Some(1),
        yanked: false,
        revoked: false,
        installed: None,
    }
}

fn query_of(text: &str) -> Query {
    Query { limit: 10, ..Query::parse(text) }
}

fn merged(hits: Vec<SearchHit>, indexes: &[Loaded], query: &str) -> Vec<String> {
    let hits = merge(hits, indexes, &query_of(query), &HashMap::new());
    let sources =
        |hit: &SearchHit| hit.sources.iter().map(|source| format!("{source:?}")).collect::<Vec<_>>().join("+");
    hits.iter().map(|hit| format!("{} {} {}", hit.name, hit.version, sources(hit))).collect()
}

#[test]
fn the_signed_one_is_preferred_at_the_same_version_and_both_sources_are_shown() {
    let indexes = [index(&[("graph", "1.0.0")])];
    assert_eq!(merged(vec![signed("graph", "1.0.0", 1, 5.0)], &indexes, "graph"), ["graph 1.0.0 Local+Central"]);
    let hits = merge(vec![signed("graph", "1.0.0", 1, 5.0)], &indexes, &query_of("graph"), &HashMap::new());
    assert_eq!(hits[0].publisher, Some(PublisherKey([1; 32])));
    assert_eq!(hits[0].central.as_ref().unwrap().index.as_str(), "/index.json");
}

#[test]
fn an_older_one_is_noted_and_a_newer_one_stands_by_itself_behind_the_signed_ones() {
    let hits =
        || vec![signed("graph", "1.5.0", 1, 5.0), signed("graph", "1.2.0", 2, 4.0), signed("other", "1.0.0", 1, 3.0)];
    let older = [index(&[("graph", "1.0.0")])];
    assert_eq!(merged(hits(), &older, "graph"), ["graph 1.5.0 Local", "graph 1.2.0 Local", "other 1.0.0 Local"]);
    assert!(merge(hits(), &older, &query_of("graph"), &HashMap::new())[0].central.is_some());
    let newer = [index(&[("graph", "9.0.0")])];
    let expected = ["graph 1.5.0 Local", "graph 1.2.0 Local", "graph 9.0.0 Central", "other 1.0.0 Local"];
    assert_eq!(merged(hits(), &newer, "graph"), expected);
}

#[test]
fn unsigned_ones_are_ranked_among_the_others() {
    let indexes = [index(&[("graph-tool", "1.0.0"), ("x-graph", "1.0.0"), ("graph-tool", "2.0.0")])];
    let hits = vec![signed("graph", "1.0.0", 1, 40.0), signed("b", "1.0.0", 1, 19.0), signed("c", "1.0.0", 1, 0.0)];
    let expected =
        ["graph 1.0.0 Local", "graph-tool 2.0.0 Central", "b 1.0.0 Local", "x-graph 1.0.0 Central", "c 1.0.0 Local"];
    assert_eq!(merged(hits, &indexes, "graph"), expected);
    assert_eq!(merge(vec![], &indexes, &Query { limit: 1, ..query_of("graph") }, &HashMap::new()).len(), 1);
}

#[test]
fn of_several_indexes_the_newest_version_counts_then_the_first_place() {
    let (mut second, first) =
        (index(&[("graph", "1.0.0"), ("b-graph", "2.0.0")]), index(&[("graph", "1.0.0"), ("b-graph", "1.0.0")]));
    second.0 = "/second.json".into();
    let hits = merge(vec![], &[first, second], &query_of("graph"), &HashMap::new());
    let from: Vec<_> =
        hits.iter().map(|hit| (hit.name.as_str(), hit.central.as_ref().unwrap().index.as_str())).collect();
    assert_eq!(from, [("graph", "/index.json"), ("b-graph", "/second.json")]);
}

/// A node with an index file of its own.
async fn node(mode: RegistryMode, text: &str) -> (TestNode, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let mut settings: Settings = settings();
    settings.registry.mode = mode;
    settings.registry.central = vec![file.path().display().to_string()];
    (TestNode::with(settings).await, file)
}

async fn find(node: &TestNode, query: &str, remote: bool) -> SearchAnswer {
    let request = SearchRequest { query: query.into(), limit: 10, remote, ..SearchRequest::default() };
    match search(&node.context, request).await.unwrap() {
        NodeReply::Search(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn names(answer: &SearchAnswer) -> Vec<&str> {
    answer.results.iter().map(|hit| hit.name.as_str()).collect()
}

const INDEX: &str = r#"[{"name": "tool-central", "version": "1.0.0"}, {"name": "No Name"}]"#;

#[tokio::test]
async fn the_mode_says_where_is_looked() {
    let (hybrid, _file) = node(RegistryMode::Hybrid, INDEX).await;
    hybrid.store("tool", "1.0.0", b"x").await;
    let answer = find(&hybrid, "tool", true).await;
    assert_eq!(names(&answer), ["tool", "tool-central"]);
    assert_eq!((answer.central[0].packages, answer.central[0].skipped), (1, 1));
    assert_eq!(names(&find(&hybrid, "tool", false).await), ["tool"], "only this node's own");

    let (p2p, _file) = node(RegistryMode::P2p, INDEX).await;
    p2p.store("tool", "1.0.0", b"x").await;
    let answer = find(&p2p, "tool", true).await;
    assert!(names(&answer) == ["tool"] && answer.central.is_empty());

    let (central, _file) = node(RegistryMode::Central, INDEX).await;
    central.store("tool", "1.0.0", b"x").await;
    assert_eq!(names(&find(&central, "tool", true).await), ["tool-central"], "it is not installed");
    assert_eq!(names(&find(&central, "tool", false).await), ["tool-central"]);
}

#[tokio::test]
async fn an_index_that_is_gone_leaves_its_copy() {
    let (node, file) = node(RegistryMode::Hybrid, INDEX).await;
    find(&node, "tool", true).await;
    drop(file);
    let Ok(NodeReply::Central(infos)) = answer(&node.context, true).await else { panic!("answer") };
    assert!(infos[0].error.as_ref().unwrap().contains("cannot read"), "{infos:?}");
    assert_eq!((infos[0].packages, infos[0].fetched_at.is_some()), (1, true));
    assert_eq!(names(&find(&node, "tool", true).await), ["tool-central"]);
    // As after a restart.
    let again = Central::new(&node.context.settings.registry);
    assert!(again.loaded().is_empty());
    let copies = node.context.store.run(|db| db.central_copies()).await.unwrap();
    assert_eq!((copies.len(), copies[0].fetched_at), (1, infos[0].fetched_at.unwrap()));
}

#[tokio::test]
async fn what_is_no_index_is_told_and_replaces_nothing() {
    let (node, file) = node(RegistryMode::Hybrid, INDEX).await;
    find(&node, "tool", true).await;
    std::fs::write(file.path(), "<html>").unwrap();
    let Ok(NodeReply::Central(infos)) = answer(&node.context, true).await else { panic!("answer") };
    assert!(infos[0].error.as_ref().unwrap().contains("no central index"), "{infos:?}");
    assert_eq!(infos[0].packages, 1);
    let files = std::fs::read_dir(node.context.home.central_dir()).unwrap().count();
    assert_eq!(files, 1, "nothing but the copy is left");
}
