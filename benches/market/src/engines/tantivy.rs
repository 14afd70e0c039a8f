//! Tantivy, with its own ranking (BM25).

use std::path::Path;

use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, BoostQuery, FuzzyTermQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, STORED, Schema, TEXT, Value};
use tantivy::{Index, IndexWriter, Searcher, TantivyDocument, Term, doc};

use super::{Document, Engine, LIMIT, parts};
use crate::queries::Question;

const WRITER_BYTES: usize = 64 << 20;
/// Fields, and what a word counts in them.
const FIELDS: [(&str, f32); 3] = [("name", 8.0), ("labels", 4.0), ("description", 1.0)];

pub fn build(dir: &Path, each: impl FnOnce(&mut dyn FnMut(Document<'_>))) {
    let mut schema = Schema::builder();
    let [name, labels, description] = FIELDS.map(|(field, _)| schema.add_text_field(field, TEXT | STORED));
    let index = Index::create_in_dir(dir, schema.build()).expect("an index");
    // One thread, as the others have.
    let mut writer: IndexWriter = index.writer_with_num_threads(1, WRITER_BYTES).expect("a writer");
    each(&mut |document| {
        let added = writer.add_document(doc!(
            name => document.name, labels => document.labels, description => document.description
        ));
        added.expect("a document");
    });
    writer.commit().expect("a commit");
    writer.wait_merging_threads().expect("merged");
}

pub struct Tantivy {
    searcher: Searcher,
    fields: [(Field, f32); 3],
}

impl Tantivy {
    pub fn open(dir: &Path) -> Self {
        let index = Index::open_in_dir(dir).expect("an index");
        let schema = index.schema();
        let fields = FIELDS.map(|(field, weight)| (schema.get_field(field).expect("a field"), weight));
        Self { searcher: index.reader().expect("a reader").searcher(), fields }
    }

    fn query(&self, text: &str) -> BooleanQuery {
        let (whole, last) = parts(text);
        let whole = whole.into_iter().map(|word| {
            self.anywhere(word, |term| Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)) as Box<dyn Query>)
        });
        let last = self.anywhere(last, |term| Box::new(FuzzyTermQuery::new_prefix(term, 0, true)) as Box<dyn Query>);
        BooleanQuery::new(whole.chain([last]).map(|query| (Occur::Must, query)).collect())
    }

    /// `word` in any of the fields.
    fn anywhere(&self, word: &str, query: impl Fn(Term) -> Box<dyn Query>) -> Box<dyn Query> {
        let in_field = |(field, weight): &(Field, f32)| {
            let query = BoostQuery::new(query(Term::from_field_text(*field, word)), *weight);
            (Occur::Should, Box::new(query) as Box<dyn Query>)
        };
        Box::new(BooleanQuery::new(self.fields.iter().map(in_field).collect()))
    }
}

impl Engine for Tantivy {
    fn search(&mut self, question: &Question) -> usize {
        self.names(question).len()
    }

    fn names(&mut self, question: &Question) -> Vec<String> {
        let query = self.query(&question.text);
        let best = self.searcher.search(&query, &TopDocs::with_limit(LIMIT).order_by_score()).expect("an answer");
        let name = |(_, address)| {
            let document: TantivyDocument = self.searcher.doc(address).expect("a document");
            document.get_first(self.fields[0].0).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
        };
        best.into_iter().map(name).collect()
    }
}
