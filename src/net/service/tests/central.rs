//! Installing what only a central index lists.

use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::*;
use crate::market::central::directory_checksum;
use crate::market::install::Assurance;
use crate::market::testing::write_tree;

/// A repository with the package `graph` in `packages/graph`, as an archive, and what an index says of it.
struct Shop {
    dir: tempfile::TempDir,
    checksum: String,
}

impl Shop {
    fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let package = dir.path().join("repository/packages/graph");
        let manifest = "[package]\nname = \"graph\"\nversion = \"1.0.0\"\n";
        std::fs::create_dir_all(&package).unwrap();
        write_tree(&package, &[("package.toml", manifest), ("templates/a.tera", "a graph")]);
        write_tree(dir.path(), &[("repository/README.md", "of the whole")]);
        let checksum = crate::market::ids::to_hex(&directory_checksum(&package).unwrap());
        let shop = Self { dir, checksum };
        shop.pack();
        shop
    }

    fn pack(&self) {
        let file = std::fs::File::create(self.dir.path().join("main.tar.gz")).unwrap();
        let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::default()));
        tar.append_dir_all("repository-main", self.dir.path().join("repository")).unwrap();
        tar.into_inner().unwrap().finish().unwrap();
    }

    /// Writes the index; `more` are fields of its one entry.
    fn list(&self, more: serde_json::Value) -> String {
        let archive = self.dir.path().join("main.tar.gz");
        let mut entry = json!({
            "name": "graph", "version": "1.0.0", "description": "a graph", "path": "packages/graph",
            "download_url": format!("file://{}", archive.display()),
        });
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let index = self.dir.path().join("index.json");
        std::fs::write(&index, json!([entry]).to_string()).unwrap();
        index.display().to_string()
    }

    async fn node(&self, more: serde_json::Value) -> TestNode {
        let mut with_index = settings();
        with_index.registry.central = vec![self.list(more)];
        TestNode::with(with_index).await
    }
}

async fn install(node: &TestNode, request: InstallRequest) -> Result<InstallAnswer, NodeError> {
    match crate::net::service::install::install(&node.context, request).await? {
        NodeReply::Install(answer) => Ok(answer),
        other => panic!("{other:?}"),
    }
}

fn graph() -> InstallRequest {
    InstallRequest::of(PackageName::new("graph").unwrap(), None, None)
}

fn content(node: &TestNode) -> Option<String> {
    std::fs::read_to_string(node.context.home.packs_dir().join("graph/templates/a.tera")).ok()
}

#[tokio::test]
async fn what_only_an_index_lists_is_installed_unsigned_with_what_its_checksum_is_worth() {
    let shop = Shop::open();
    let node = shop.node(json!({ "checksum": shop.checksum })).await;
    let answer = install(&node, graph()).await.unwrap();
    let [one] = answer.installed.as_slice() else { panic!("{answer:?}") };
    assert_eq!((one.publisher, one.assurance), (None, Some(Assurance::Checksum)));
    assert!(answer.warnings[0].contains("nobody has signed it"), "{answer:?}");
    assert_eq!(content(&node).as_deref(), Some("a graph"));
    assert!(!node.context.home.packs_dir().join("graph/README.md").exists(), "only the package is taken");
    let again = install(&node, graph()).await.unwrap();
    assert_eq!((again.installed[0].action, again.warnings.len()), (PlanAction::Keep, 0));
    let name = PackageName::new("graph").unwrap();
    assert_eq!(node.context.store.run(move |db| db.pinned(&name)).await.unwrap(), None, "there is no key to pin");
    // Damaged, it is put in place anew; and again, when somebody wants that.
    std::fs::write(node.context.home.packs_dir().join("graph/templates/a.tera"), "changed").unwrap();
    let version = Some("=1.0.0".parse().unwrap());
    let exactly = InstallRequest::of(PackageName::new("graph").unwrap(), version, None);
    assert_eq!(install(&node, exactly.clone()).await.unwrap().installed[0].action, PlanAction::Repair);
    assert_eq!(content(&node).as_deref(), Some("a graph"));
    let anew = InstallRequest { reinstall: true, ..exactly };
    assert_eq!(install(&node, anew).await.unwrap().installed[0].action, PlanAction::Reinstall);
}

#[tokio::test]
async fn without_a_checksum_that_is_said_and_with_another_one_nothing_is_installed() {
    let shop = Shop::open();
    let node = shop.node(json!({})).await;
    let answer = install(&node, graph()).await.unwrap();
    assert_eq!(answer.installed[0].assurance, Some(Assurance::None));
    assert!(answer.warnings[0].contains("gives no checksum"), "{answer:?}");

    std::fs::write(shop.dir.path().join("repository/packages/graph/templates/a.tera"), "another graph").unwrap();
    shop.pack();
    let node = shop.node(json!({ "checksum": shop.checksum })).await;
    let error = install(&node, graph()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Verification, "{error}");
    assert!(error.message.contains(&shop.checksum), "{error}");
    assert_eq!(content(&node), None);
    assert!(Path::new(&node.context.home.packs_dir()).read_dir().is_ok_and(|mut left| left.next().is_none()));
}

#[tokio::test]
async fn what_a_publisher_has_signed_is_preferred_and_a_pinned_name_is_not_taken_from_an_index() {
    let shop = Shop::open();
    let node = shop.node(json!({ "checksum": shop.checksum, "version": "9.0.0" })).await;
    let release = node.store("graph", "1.0.0", b"x").await;
    let planned = |request| {
        let context = node.context.clone();
        async move { crate::net::service::install::plan(&context, request).await }
    };
    let NodeReply::Plan(plan) = planned(graph()).await.unwrap() else { panic!() };
    assert_eq!(plan.steps[0].publisher, Some(release.release().publisher));
    let unsigned = InstallRequest { from_central: true, ..graph() };
    let NodeReply::Plan(plan) = planned(unsigned.clone()).await.unwrap() else { panic!() };
    assert_eq!((plan.steps[0].publisher, plan.steps[0].source), (None, Source::Central));

    let pin = crate::market::store::Pin {
        name: PackageName::new("graph").unwrap(),
        publisher: release.release().publisher,
        since: 1,
        origin: crate::market::store::PinOrigin::Accepted,
    };
    node.context.store.run(move |db| db.pin(&pin)).await.unwrap();
    let error = planned(unsigned).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Verification, "{error}");
    assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("trust forget graph")), "{error:?}");
}
