//! `show` of what nobody signed: what a central index lists, and what is installed from one.

use serde::Serialize;

use crate::app::output::Style;
use crate::app::output::table;
use crate::config::cli::ShowArgs;
use crate::config::schema::RegistryMode;
use crate::market::PackageName;
use crate::market::store::InstallSource;
use crate::market::trust::{Assessment, Code, Outcome, Step};
use crate::net::api::{CentralOffer, InstalledInfo, SearchHit, SearchRequest, WantedPackage};
use crate::net::{ErrorKind, NodeError, NodeHandle};

use super::installed::stored;
use super::{Context, Session, why};

/// Results that the entry is looked for in.
const RESULTS: usize = 50;

/// What `show` answers then.
#[derive(Debug, Serialize)]
pub struct Unsigned {
    /// What a central index lists under the name; none: it was installed from one that lists it no more.
    listed: Option<SearchHit>,
    installed: Option<InstalledInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Why>,
}

#[derive(Debug, Serialize)]
struct Why {
    verdict: Outcome,
    #[serde(flatten)]
    assessment: Assessment,
}

impl Unsigned {
    /// What the indexes and the home know of it. `node`: the one that runs; where none does and there are indexes, one is
    /// started to read them.
    pub async fn find(
        context: &Context,
        session: &mut Session,
        node: Option<NodeHandle>,
        wanted: &WantedPackage,
    ) -> Result<Option<Self>, NodeError> {
        let registry = &context.loaded.settings.registry;
        let node = match node {
            None if registry.mode != RegistryMode::P2p && !registry.central.is_empty() => {
                Some(session.open(context).await?)
            }
            node => node,
        };
        let fits = |name: &PackageName, version: &semver::Version| {
            *name == wanted.name && wanted.requirement.as_ref().is_none_or(|requirement| requirement.matches(version))
        };
        let (mut listed, mut installed) = (None, stored(context).await?);
        if let Some(node) = node {
            let query = wanted.name.to_string();
            let asked = SearchRequest { query, limit: RESULTS, remote: true, facets: false };
            let mut hits = node.search(asked).await?.results.into_iter();
            listed = hits.find(|hit| hit.publisher.is_none() && fits(&hit.name, &hit.version));
            installed = node.installed().await?;
        }
        let installed = installed.into_iter().find(|one| one.publisher.is_none() && fits(&one.name, &one.version));
        Ok((listed.is_some() || installed.is_some()).then_some(Self { listed, installed, why: None }))
    }

    pub fn show(mut self, context: &Context, arguments: &ShowArgs) -> Result<(), NodeError> {
        if arguments.files {
            let package = &arguments.package;
            let what =
                format!("what is in {package} is not known before it is installed: only a central index lists it");
            return Err(NodeError::new(ErrorKind::NotFound, what)
                .hint(format!("install it, and look into its directory: ggen-p2p-tui install {package}")));
        }
        if arguments.why {
            let assessment = self.assess();
            self.why = Some(Why { verdict: assessment.verdict(), assessment });
        }
        let ascii = why::is_ascii(context);
        context.output.answer(&self, |style| match &self.why {
            Some(why) => self.because(why, style, ascii),
            None => self.facts(style),
        })
    }

    fn offer(&self) -> Option<&CentralOffer> {
        self.listed.as_ref().and_then(|hit| hit.central.as_ref())
    }

    fn assess(&self) -> Assessment {
        let said = "nobody has signed it: that a central index lists it is all that speaks for it";
        let mut steps = vec![
            Step::new(Code::Signature, Outcome::Warn, said).hint("look at its source before you install it, and after"),
        ];
        if let Some(offer) = self.offer() {
            steps.push(match offer.checksum {
                Some(_) => Step::new(
                    Code::Content,
                    Outcome::Note,
                    "the index gives a checksum: what is fetched is compared with it, and says no more than the index does",
                ),
                None => Step::new(
                    Code::Content,
                    Outcome::Warn,
                    "the index gives no checksum: whatever is at its address is installed",
                ),
            });
            if let Some(reason) = &offer.unavailable {
                steps.push(Step::new(
                    Code::Providers,
                    Outcome::Block,
                    format!("it cannot be installed from there: {reason}"),
                ));
            }
        }
        Assessment { steps, key_change: None }
    }

    fn package(&self) -> String {
        match (&self.listed, &self.installed) {
            (Some(hit), _) => format!("{} {}", hit.name, hit.version),
            (None, Some(installed)) => format!("{} {}", installed.name, installed.version),
            (None, None) => String::new(),
        }
    }

    fn facts(&self, style: Style) -> String {
        let mut fields = vec![("package", self.package())];
        if let Some(hit) = &self.listed {
            fields.push(("description", hit.description.to_string()));
        }
        fields.push(("publisher", "unsigned: nobody vouches for it".to_owned()));
        match self.offer() {
            Some(offer) => {
                fields.push(("source", format!("central index {}", offer.index)));
                fields.push(("author", format!("{} (says the index)", or_dash(&offer.author))));
                let checksum = offer.checksum.as_ref();
                fields.push(("checksum", checksum.map_or("the index gives none".into(), Clone::clone)));
                fields.push(("fetched from", fetched_from(offer)));
            }
            None => fields.push(("source", "a central index that lists it no more, or is not read".to_owned())),
        }
        fields.push(("installed", self.installed.as_ref().map_or("no".into(), installed)));
        if let Some(hit) = &self.listed {
            let tags: Vec<_> = hit.tags.iter().map(|tag| tag.as_str()).collect();
            fields.push(("size", "not known before it is fetched".to_owned()));
            fields.push(("category", hit.category.to_string()));
            fields.push(("tags", tags.join(", ")));
            fields.push(("licence", hit.licence.to_string()));
        }
        table::fields(&fields, style)
    }

    /// The steps, below what they are about.
    fn because(&self, why: &Why, style: Style, ascii: bool) -> String {
        let head = [
            ("package", self.package()),
            ("publisher", "unsigned".to_owned()),
            ("verdict", why::verdict(why.verdict).to_owned()),
        ];
        table::fields(&head, style) + "\n" + &why::steps(&why.assessment, style, ascii)
    }
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

fn fetched_from(offer: &CentralOffer) -> String {
    match (&offer.download_url, &offer.unavailable) {
        (Some(url), _) if offer.path.is_empty() => url.to_string(),
        (Some(url), _) => format!("{url}, {} in it", offer.path),
        (None, Some(reason)) => format!("nowhere: {reason}"),
        (None, None) => "-".to_owned(),
    }
}

fn installed(here: &InstalledInfo) -> String {
    let from = match &here.source {
        InstallSource::Central { location } => format!(" from {location}"),
        InstallSource::Peers => String::new(),
    };
    format!("{}{from}, {}", here.version, here.path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::SafeText;
    use crate::net::api::Source;

    fn listed(checksum: Option<&str>, unavailable: Option<&str>) -> Unsigned {
        let offer = CentralOffer {
            index: SafeText::new("https://index.example/packages.json"),
            version: semver::Version::new(1, 0, 0),
            author: SafeText::new("Ada"),
            download_url: Some(SafeText::new("https://host.example/main.tar.gz")),
            path: SafeText::new("packages/base"),
            checksum: checksum.map(str::to_owned),
            unavailable: unavailable.map(SafeText::new),
        };
        let hit = SearchHit {
            name: "base".parse().unwrap(),
            version: offer.version.clone(),
            publisher: None,
            package_id: None,
            category: SafeText::new("web"),
            tags: Vec::new(),
            description: SafeText::new("a base"),
            size: None,
            source: Source::Central,
            sources: vec![Source::Central],
            central: Some(offer),
            score: 1.0,
            providers: 0,
            licence: SafeText::new("MIT"),
            published_at: None,
            installed: None,
            yanked: false,
            revoked: false,
        };
        Unsigned { listed: Some(hit), installed: None, why: None }
    }

    #[test]
    fn what_an_index_says_is_told_as_what_it_says() {
        let text = listed(Some("ab12"), None).facts(Style::default());
        for part in ["base 1.0.0", "unsigned", "central index https://index.example", "Ada (says the index)", "ab12"] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        assert!(listed(None, None).facts(Style::default()).contains("the index gives none"));
        let gone = Unsigned { listed: None, installed: Some(InstalledInfo::sample(1)), why: None };
        assert!(gone.facts(Style::default()).contains("lists it no more"));
    }

    #[test]
    fn why_says_that_nobody_signed_it() {
        let outcome = |unsigned: &Unsigned| unsigned.assess().verdict();
        assert_eq!(outcome(&listed(Some("ab12"), None)), Outcome::Warn);
        assert_eq!(outcome(&listed(None, Some("its address is no web address"))), Outcome::Block);
        let assessment = listed(None, None).assess();
        let why = Why { verdict: assessment.verdict(), assessment };
        let text = listed(None, None).because(&why, Style::default(), true);
        assert!(text.contains("nobody has signed it") && text.contains("gives no checksum"), "{text}");
    }
}
