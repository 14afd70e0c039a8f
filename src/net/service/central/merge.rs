//! One list of what is signed and what a central index lists.

use std::collections::HashMap;

use semver::Version;

use crate::market::central::CentralPackage;
use crate::market::ids::to_hex;
use crate::market::search::{Query, Sort};
use crate::market::{PackageName, SafeText};

use super::super::super::api::{CentralOffer, SearchHit, Source};
use super::Loaded;

/// Puts what `indexes` have for `query` among `signed`, which is ranked already. By name: where a version is signed, the
/// signed one is shown, with both sources; a newer one of the index stands behind the signed ones of its name, by itself,
/// since it is not theirs; an older one is only noted. Names that nobody has signed are ranked with the others.
pub(in crate::net) fn merge(
    signed: Vec<SearchHit>,
    indexes: &[Loaded],
    query: &Query,
    installed: &HashMap<PackageName, Version>,
) -> Vec<SearchHit> {
    let mut hits = signed;
    let mut found = newest(indexes, query);
    found.retain(|(_, package, _)| {
        query.filters.installed.is_none_or(|wanted| installed.contains_key(&package.name) == wanted)
    });
    found.sort_by(|(_, a, a_score), (_, b, b_score)| b_score.total_cmp(a_score).then_with(|| a.name.cmp(&b.name)));
    for (index, package, score) in found {
        let offer = offer(index, package);
        let Some(last) = hits.iter().rposition(|hit| hit.name == package.name && hit.publisher.is_some()) else {
            // An index knows neither when something was published nor who holds it: that comes last.
            let at = hits.iter().position(|hit| match query.sort {
                Sort::Relevance => hit.score < score,
                Sort::Name => hit.name > package.name,
                Sort::Newest | Sort::Providers => false,
            });
            hits.insert(at.unwrap_or(hits.len()), unsigned(package, offer, score, installed));
            continue;
        };
        let mut covered = false;
        for hit in hits.iter_mut().filter(|hit| hit.name == package.name) {
            covered |= hit.version >= package.version;
            if hit.version == package.version {
                hit.sources.push(Source::Central);
            }
            hit.central = Some(offer.clone());
        }
        if !covered {
            let score = hits.get(last).map_or(score, |hit| hit.score);
            hits.insert(last + 1, unsigned(package, offer, score, installed));
        }
    }
    hits.truncate(query.limit);
    hits
}

/// The newest version of each name; of two indexes with the same one, the first.
fn newest<'i>(indexes: &'i [Loaded], query: &Query) -> Vec<(&'i str, &'i CentralPackage, f64)> {
    let mut found: Vec<(&str, &CentralPackage, f64)> = Vec::new();
    let mut places: HashMap<&PackageName, usize> = HashMap::new();
    for (location, index) in indexes {
        for (package, score) in index.search(query) {
            match places.get(&package.name).and_then(|at| found.get_mut(*at)) {
                Some(known) if known.1.version < package.version => *known = (location, package, score),
                Some(_) => {}
                None => {
                    places.insert(&package.name, found.len());
                    found.push((location, package, score));
                }
            }
        }
    }
    found
}

fn unsigned(
    package: &CentralPackage,
    offer: CentralOffer,
    score: f64,
    installed: &HashMap<PackageName, Version>,
) -> SearchHit {
    SearchHit {
        name: package.name.clone(),
        version: package.version.clone(),
        publisher: None,
        package_id: None,
        category: package.category.clone(),
        tags: package.tags.clone(),
        description: package.description.clone(),
        size: None,
        source: Source::Central,
        sources: vec![Source::Central],
        central: Some(offer),
        score,
        providers: 0,
        licence: package.licence.clone(),
        published_at: None,
        yanked: false,
        revoked: false,
        installed: installed.get(&package.name).cloned(),
    }
}

fn offer(index: &str, package: &CentralPackage) -> CentralOffer {
    let download = package.download.as_ref();
    CentralOffer {
        index: SafeText::new(index),
        version: package.version.clone(),
        author: package.author.clone(),
        download_url: download.ok().map(|download| SafeText::new(&download.url.to_string())),
        path: download.map_or(SafeText::default(), |download| SafeText::new(&download.path)),
        checksum: package.checksum.map(|checksum| to_hex(&checksum)),
        unavailable: download.err().cloned(),
    }
}
