use proptest::prelude::*;

use super::*;

fn filters(text: &str) -> Filters {
    Query::parse(text).filters
}

#[test]
fn words_and_filters_are_told_apart() {
    let query = Query::parse(r#"Rest  category:web tag:http API tag:"open api" licence:MIT sort:newest knowl"#);
    assert_eq!(query.text, "rest api knowl");
    assert_eq!(query.words, ["rest", "api", "knowl"]);
    assert_eq!(query.sort, Sort::Newest);
    let expected = Filters {
        category: Some("web".into()),
        tags: vec!["http".into(), "open api".into()],
        licence: Some("MIT".into()),
        ..Filters::default()
    };
    assert_eq!(query.filters, expected);
    assert!(query.faults.is_empty());
}

#[test]
fn every_filter_is_read() {
    let all = "CATEGORY:a License:b publisher:12D3KooWx min-reputation:0.25 installed:no yanked:yes sort:Providers";
    let query = Query::parse(all);
    let expected = Filters {
        category: Some("a".into()),
        licence: Some("b".into()),
        publisher: Some("12D3KooWx".into()),
        min_reputation: Some(0.25),
        installed: Some(false),
        yanked: true,
        ..Filters::default()
    };
    assert_eq!((query.filters, query.sort, query.text.as_str()), (expected, Sort::Providers, ""));
}

#[test]
fn what_is_no_filter_is_text() {
    for (text, words) in [
        ("ftp:web", vec!["ftp", "web"]),
        ("http://a.b", vec!["http", "a", "b"]),
        (":web", vec!["web"]),
        ("a:b:c", vec!["a", "b", "c"]),
        ("\"rest api\"", vec!["rest", "api"]),
        ("\"rest", vec!["rest"]),
        ("category", vec!["category"]),
    ] {
        let query = Query::parse(text);
        assert_eq!((query.words, query.filters), (words.iter().map(|w| (*w).to_owned()).collect(), Filters::default()));
    }
}

#[test]
fn what_is_given_to_share_finds_the_name_by_its_key() {
    let query = Query::parse("ggen:some-pack@1.2.0?publisher=12D3KooWx");
    assert_eq!((query.text.as_str(), query.filters.publisher.as_deref()), ("some-pack", Some("12D3KooWx")));
    for text in ["ggen:some-pack", "ggen:some-pack@1", "ggen:some-pack?publisher="] {
        let query = Query::parse(text);
        assert_eq!((query.text.as_str(), query.filters.publisher), ("some-pack", None), "{text}");
    }
    assert_eq!(Query::parse("ggen:").text, "");
}

#[test]
fn an_incomplete_filter_waits_and_a_wrong_one_is_told_of() {
    assert!(filters("category: tag: licence: installed: sort: min-reputation:").is_empty());
    assert!(!filters("tag:a").is_empty());
    let query = Query::parse("sort:best installed:perhaps min-reputation:7 yanked:x web");
    assert_eq!((query.words, query.filters, query.sort), (vec!["web".into()], Filters::default(), Sort::Relevance));
    assert_eq!(query.faults.len(), 4, "{:?}", query.faults);
    assert!(query.faults[0].contains("providers"), "{:?}", query.faults);
}

#[test]
fn of_repeated_filters_the_last_holds_and_all_tags() {
    assert_eq!(filters("category:a category:b").category.as_deref(), Some("b"));
    assert_eq!(filters("tag:a tag:b").tags, ["a", "b"]);
    assert_eq!(filters(&"tag:a ".repeat(100)).tags.len(), MAX_TAGS);
    assert_eq!(Query::parse(&"word ".repeat(100)).words.len(), MAX_WORDS);
}

#[test]
fn orders_are_read_as_they_are_written() {
    for sort in Sort::ALL {
        assert_eq!(sort.to_string().parse(), Ok(sort));
        assert_eq!(Query::parse(&format!("sort:{sort}")).sort, sort);
    }
}

#[test]
fn others_are_not_told_what_is_installed_here() {
    let query = Query::parse(r#"Rest api installed:yes min-reputation:0.5 category:"web dev" yanked:yes tag:x"#);
    assert_eq!(query.for_others(256), r#"category:"web dev" tag:"x" yanked:yes rest api"#);
    assert_eq!(Query::parse(&"word ".repeat(100)).for_others(20), "word word word word".get(..19).unwrap());
    assert_eq!([8, 9].map(|max| Query::parse("word word").for_others(max)), ["word", "word word"], "what just fits");
    let asked =
        Query { facets: true, ..Query::parse("installed:yes min-reputation:1 sort:providers tag:x") }.from_other();
    let expected = Filters { tags: vec!["x".into()], ..Filters::default() };
    assert_eq!((asked.filters, asked.sort, asked.facets), (expected, Sort::Relevance, false));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]
    #[test]
    fn any_text_is_read(text in "\\PC{0,60}|((category|tag|sort|yanked|installed|min-reputation|x)?:?\"?[a-z0-9. ]{0,4}\"? ?){0,8}") {
        let query = Query::parse(&text);
        prop_assert!(query.words.len() <= MAX_WORDS && query.filters.tags.len() <= MAX_TAGS);
        let told = query.for_others(256);
        prop_assert!(told.len() <= 256);
        // What others are asked reads as the same words and filters, as far as it fits.
        if told.len() < 200 {
            let again = Query::parse(&told);
            prop_assert_eq!(again.words, query.words);
            prop_assert_eq!(again.filters.yanked, query.filters.yanked);
        }
    }
}
