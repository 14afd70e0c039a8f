use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::config::Home;
use crate::market::search::{Facet, Filters, Nobody, words};
use crate::market::store::Accepted;
use crate::market::testing::{NOW, at_sequence, identity, installed, note_install, release, search, sign};
use crate::market::{PackageName, Release, VerifiedRelease};

fn open() -> (TempDir, Db) {
    let dir = tempfile::tempdir().expect("temp dir");
    let db = Db::open(&Home::new(dir.path().join("home"))).expect("open");
    (dir, db)
}

fn add(db: &mut Db, release: Release, seed: u8) -> VerifiedRelease {
    let signed = sign(release, &identity(seed));
    assert_eq!(db.accept(&signed, NOW).expect("accept"), Accepted::New);
    signed
}

fn ask(db: &mut Db, text: &str) -> Answer {
    let query = Query { facets: true, ..Query::parse(text).limit(50) };
    db.search(&query, &Nobody).expect("search")
}

fn names(db: &mut Db, text: &str) -> Vec<String> {
    search(db, text, 50).iter().map(|found| found.release.release().name.to_string()).collect()
}

/// Four packages by two publishers, of ages in the order of their names, and one that is withdrawn.
fn shop() -> (TempDir, Db) {
    let (dir, mut db) = open();
    let package = |seed: u8, name_of: &str, category: &str, tags: &[&str], licence: &str, age: u64| Release {
        description: "A thing of the shop".into(),
        category: category.into(),
        tags: tags.iter().map(|tag| (*tag).into()).collect(),
        licence: licence.into(),
        published_at: NOW - age,
        ..release(&identity(seed), name_of, "1.0.0")
    };
    add(&mut db, package(1, "alpha", "Web Dev", &["http", "Open API"], "MIT", 1), 1);
    add(&mut db, package(1, "beta", "web-dev", &["http"], "MIT OR Apache-2.0", 2), 1);
    add(&mut db, package(2, "gamma", "data", &["http", "graph"], "Apache-2.0", 3), 2);
    add(&mut db, package(2, "delta", "data", &[], "", 4), 2);
    let gone = package(2, "omega", "data", &["graph"], "MIT", 5);
    add(&mut db, gone.clone(), 2);
    add(&mut db, Release { yank_reason: Some("broken".into()), ..at_sequence(gone, 2) }, 2);
    (dir, db)
}

fn install(db: &mut Db, of: &str) {
    note_install(db, &installed(&release(&identity(1), of, "1.0.0")));
}

#[test]
fn every_filter_leaves_what_satisfies_it() {
    let (_dir, mut db) = shop();
    install(&mut db, "gamma");
    let key = identity(2).public().to_string();
    let short = format!("publisher:{}", &key[key.len() - 9..]);
    let begins = format!("publisher:{} thing", &key[..14]);
    for (text, expected) in [
        ("", vec!["alpha", "beta", "gamma", "delta"]),
        ("category:\"web dev\"", vec!["alpha", "beta"]),
        ("category:WEB-DEV thing", vec!["alpha", "beta"]),
        ("category:web", vec![]),
        ("tag:http", vec!["alpha", "beta", "gamma"]),
        ("tag:\"open api\"", vec!["alpha"]),
        ("tag:http tag:graph", vec!["gamma"]),
        ("licence:mit", vec!["alpha", "beta"]),
        ("licence:apache-2.0", vec!["beta", "gamma"]),
        ("licence:\"mit or apache-2.0\"", vec!["beta"]),
        (short.as_str(), vec!["gamma", "delta"]),
        (begins.as_str(), vec!["gamma", "delta"]),
        ("publisher:12D3KooW tag:http", vec!["alpha", "beta", "gamma"]),
        ("publisher:nobody", vec![]),
        ("installed:yes", vec!["gamma"]),
        ("installed:yes thi", vec!["gamma"]),
        ("installed:yes nothing", vec![]),
        ("installed:yes category:data", vec!["gamma"]),
        ("installed:no tag:http", vec!["alpha", "beta"]),
        ("yanked:yes tag:graph", vec!["gamma", "omega"]),
        ("yanked:yes", vec!["alpha", "beta", "gamma", "delta", "omega"]),
        ("yanked:no omega", vec![]),
        ("thing tag:http category:data", vec!["gamma"]),
    ] {
        assert_eq!(names(&mut db, text), expected, "{text}");
        let answer = ask(&mut db, text);
        assert_eq!((answer.total, answer.at_least), (expected.len() as u64, false), "{text}");
    }
}

#[test]
fn orders_are_as_asked() {
    let (_dir, mut db) = shop();
    assert_eq!(names(&mut db, "thing sort:name"), ["alpha", "beta", "delta", "gamma"]);
    assert_eq!(names(&mut db, "thing sort:newest"), ["alpha", "beta", "gamma", "delta"]);
    let held = |of: &str| release(&identity(2), of, "1.0.0").package_id;
    let known = Known { holders: vec![(held("delta"), 3), (held("gamma"), 1)], trusted: None };
    let query = Query::parse("thing sort:providers").limit(2);
    let answer = db.search(&query, &known).expect("search");
    let order: Vec<_> = answer.hits.iter().map(|hit| hit.release.release().name.as_str()).collect();
    assert_eq!((order, answer.total), (vec!["delta", "gamma"], 4));

    let here = held("delta");
    db.conn.execute("INSERT INTO blobs (package_id, size, leaves) VALUES (?1, 1, x'')", [here.0]).expect("a blob");
    let known = Known { holders: vec![(held("gamma"), 1), (here, 1)], trusted: None };
    let answer = db.search(&query, &known).expect("search");
    assert_eq!(answer.hits[0].release.release().name.as_str(), "delta", "this node has it too");
}

/// Peers that hold, and whose publisher is trusted how far.
struct Known {
    holders: Vec<(PackageId, usize)>,
    trusted: Option<(PublisherKey, f64)>,
}

impl Standing for Known {
    fn providers(&self, package: PackageId) -> usize {
        self.holders.iter().find(|(id, _)| *id == package).map_or(0, |(_, count)| *count)
    }

    fn reputation(&self, publisher: PublisherKey, _: PackageId) -> Option<f64> {
        self.trusted.filter(|(key, _)| *key == publisher).map(|(_, reputation)| reputation)
    }
}

#[test]
fn reputation_is_a_lower_bound_and_unknown_is_below_it() {
    let (_dir, mut db) = shop();
    let known = Known { holders: Vec::new(), trusted: Some((identity(2).public(), 0.8)) };
    for (text, count, publishers) in
        [("thing min-reputation:0.8", 2, 1), ("thing min-reputation:0.81", 0, 0), ("thing min-reputation:0", 4, 2)]
    {
        let query = Query { facets: true, ..Query::parse(text).limit(50) };
        let answer = db.search(&query, &known).expect("search");
        let facets = answer.facets.expect("facets");
        assert_eq!((answer.total, facets.publishers.len()), (count, publishers), "{text}");
    }
}

#[test]
fn facets_count_what_fits() {
    let (_dir, mut db) = shop();
    let facets = ask(&mut db, "thing").facets.expect("facets");
    let told =
        |facets: &[Facet]| facets.iter().map(|facet| format!("{} {}", facet.value, facet.count)).collect::<Vec<_>>();
    assert_eq!(told(&facets.categories), ["Web Dev 2", "data 2"]);
    assert_eq!(told(&facets.tags), ["http 3", "Open API 1", "graph 1"]);
    assert_eq!(told(&facets.licences), ["MIT 1", "MIT OR Apache-2.0 1", "Apache-2.0 1"]);
    assert_eq!(facets.publishers.iter().map(|facet| facet.count).collect::<Vec<_>>(), [2, 2]);
    let facets = ask(&mut db, "category:data yanked:yes").facets.expect("facets");
    assert_eq!(told(&facets.tags), ["graph 2", "http 1"]);
    assert_eq!(ask(&mut db, "category:none").facets, Some(Default::default()));
    assert_eq!(db.search(&Query::parse("thing"), &Nobody).expect("search").facets, None);
}

#[test]
fn a_new_release_takes_the_place_of_the_old_one() {
    let (_dir, mut db) = open();
    let first = Release { tags: vec!["old".into()], ..release(&identity(1), "hello", "1.0.0") };
    add(&mut db, first.clone(), 1);
    let second = Release { tags: vec!["new".into()], ..release(&identity(1), "hello", "1.1.0") };
    add(&mut db, at_sequence(second, 2), 1);
    assert_eq!((names(&mut db, "tag:old"), names(&mut db, "old")), (vec![], vec![]));
    assert_eq!(names(&mut db, "new"), ["hello"]);
    assert_eq!(ask(&mut db, "hel").total, 1);
}

#[test]
fn rebuilding_changes_no_answer() {
    let (_dir, mut db) = shop();
    let texts = ["", "thing", "tag:http", "yanked:yes", "al", "category:data yanked:yes"];
    let before: Vec<Answer> = texts.iter().map(|text| ask(&mut db, text)).collect();
    db.conn.execute("DELETE FROM search_docs", []).expect("damage");
    db.conn.execute("INSERT INTO search_words (rowid, words) VALUES (999, 'thing')", []).expect("damage");
    db.rebuild_index().expect("rebuild");
    db.rebuild_index().expect("again");
    let after: Vec<Answer> = texts.iter().map(|text| ask(&mut db, text)).collect();
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((before.total, &before.hits), (after.total, &after.hits));
    }
    let setting = "SELECT v FROM search_words_config WHERE k = 'deletemerge'";
    assert_eq!(db.conn.query_row(setting, [], |row| row.get::<_, i64>(0)), Ok(40), "how it merges is kept");
}

#[test]
fn tags_are_counted_once_and_without_words_not_at_all() {
    let (_dir, mut db) = open();
    let tagged = |tags: &[String]| Release {
        tags: tags.iter().map(|tag| tag.as_str().into()).collect(),
        ..release(&identity(1), "tagged", "1.0.0")
    };
    add(&mut db, tagged(&["Http", "http", "!!!"].map(String::from)), 1);
    let tags = |db: &mut Db, text: &str| ask(db, text).facets.expect("facets").tags;
    assert_eq!(tags(&mut db, ""), [Facet { value: "Http".into(), count: 1 }]);
    assert_eq!(names(&mut db, "!!!"), [""; 0], "no package has a word without letters");
    let many: Vec<String> = (0..12).map(|number| format!("tag{number}")).collect();
    add(&mut db, Release { name: PackageName::new("many").expect("name"), ..tagged(&many) }, 1);
    assert_eq!(tags(&mut db, "many").len(), 10);
}

#[test]
fn work_is_bounded_and_says_so() {
    let (_dir, mut db) = open();
    add(&mut db, Release { published_at: NOW - 9000, ..release(&identity(2), "common", "1.0.0") }, 2);
    let many: Vec<_> = (0..1200u64)
        .map(|n| {
            let common = Release {
                description: "common".into(),
                published_at: NOW - 2000 + n,
                ..release(&identity(1), &format!("p{n}"), "1.0.0")
            };
            sign(common, &identity(1))
        })
        .collect();
    db.accept_all(&many, NOW).expect("accept");
    let first = |db: &mut Db, text: &str| db.search(&Query::parse(text).limit(10), &Nobody).expect("search");
    let answer = first(&mut db, "common");
    assert!(answer.at_least && answer.total >= 1000 && answer.total < 1200, "{}", answer.total);
    let best: Vec<_> = answer.hits.iter().take(2).map(|hit| hit.release.release().name.as_str()).collect();
    assert_eq!(best, ["common", "p1199"], "the name, however old, then those that came last");
    assert_eq!(first(&mut db, "common sort:name").hits[0].release.release().name.as_str(), "p1000", "of the last 1000");
    assert_eq!(first(&mut db, "common min-reputation:0").total, answer.total);
    let all = ask(&mut db, "common");
    assert_eq!((all.total, all.at_least), (1201, false), "facets look further");
    install(&mut db, "p5");
    assert_eq!(ask(&mut db, "common installed:no").total, 1200);
    assert_eq!(names(&mut db, "p7")[0], "p7", "a name is found however many there are");
}

/// A small catalogue of few words, so that they meet.
fn catalogue() -> impl Strategy<Value = Vec<(String, String, String, Vec<String>)>> {
    let word = || prop::sample::select(vec!["web", "graph", "rest", "größe", "ab", "abc"]);
    let text = move || prop::collection::vec(word(), 0..4).prop_map(|words| words.join(" "));
    let name =
        prop::sample::subsequence(vec!["web", "graph", "rest", "ab", "abc"], 1..4).prop_map(|words| words.join("-"));
    prop::collection::vec((name, text(), text(), prop::collection::vec(word().prop_map(str::to_owned), 0..3)), 1..8)
}

fn fits(query: &Query, release: &Release) -> bool {
    let Filters { category, tags, .. } = &query.filters;
    let labels = || release.tags.iter().chain([&release.category]).map(|label| label.as_str());
    let all = labels().chain([release.name.as_str(), &*release.description]).collect::<Vec<_>>().join(" ");
    let known = words::of(&all);
    let (last, whole) = query.words.split_last().map_or((None, &[][..]), |(last, whole)| (Some(last), whole));
    whole.iter().all(|word| known.contains(word))
        && last.is_none_or(|last| known.iter().any(|word| word.starts_with(last.as_str())))
        && category.iter().all(|value| words::value(value) == words::value(&release.category))
        && tags.iter().all(|tag| release.tags.iter().any(|own| words::value(own) == words::value(tag)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn answers_are_those_of_a_naive_search(
        packages in catalogue(),
        texts in prop::collection::vec("((category:|tag:)?(web|graph|rest|grosse|größe|GRÖSSE|ab|abc|gr|a|w) ?){0,3}( yanked:yes| sort:name| sort:newest)?", 1..8),
    ) {
        let (_dir, mut db) = open();
        let mut known = Vec::new();
        for (seed, (name_of, category, description, tags)) in packages.into_iter().enumerate() {
            let seed = seed as u8 + 1;
            let new = Release {
                category: category.as_str().into(),
                description: description.as_str().into(),
                tags: tags.iter().map(|tag| tag.as_str().into()).collect(),
                ..release(&identity(seed), &name_of, "1.0.0")
            };
            known.push(add(&mut db, new, seed));
        }
        for text in texts {
            let query = Query::parse(&text).limit(50);
            let answer = db.search(&query, &Nobody).expect("search");
            let mut found: Vec<_> = answer.hits.iter().map(|hit| hit.release.id()).collect();
            let mut expected: Vec<_> = known.iter().filter(|one| fits(&query, one.release())).map(VerifiedRelease::id).collect();
            if query.sort == Sort::Relevance {
                prop_assert!(answer.hits.is_sorted_by(|a, b| a.score >= b.score));
                let exact = answer.hits.iter().rposition(|hit| hit.release.release().name.as_str() == query.text);
                let other = answer.hits.iter().position(|hit| hit.release.release().name.as_str() != query.text);
                prop_assert!(exact.is_none_or(|exact| other.is_none_or(|other| exact < other)), "exact names come first");
            }
            found.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(found, expected, "{}", text);
        }
    }
}

#[test]
fn no_text_is_an_error() {
    let (_dir, db) = shop();
    let db = std::cell::RefCell::new(db);
    let texts = "\\PC{0,30}|[\"*^:()+{}a =\u{e000}\u{e001}-]{0,20}|((AND|OR|NOT|NEAR|tag:|publisher:|category:| |a|\"){0,3}){0,6}";
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(10_000));
    let result = runner.run(&texts, |text| {
        let query = Query { facets: true, ..Query::parse(&text).limit(5) };
        let answer = db.borrow_mut().search(&query, &Nobody);
        prop_assert!(answer.is_ok(), "{text}: {answer:?}");
        Ok(())
    });
    result.expect("no error");
}
