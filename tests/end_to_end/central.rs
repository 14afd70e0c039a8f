//! Installing from a central index on a web server of our own.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use ggen_p2p_tui::market::central::directory_checksum;
use serde_json::json;

use crate::harness::{Home, tree};

/// A web server on loopback, until the test ends. What it returns adds files and tells the address.
fn serve() -> impl Fn(HashMap<String, Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let shared = std::sync::Arc::new(std::sync::Mutex::new(HashMap::<String, Vec<u8>>::new()));
    let served = shared.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
                head.extend(byte);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let body = served.lock().expect("files").get(&path).cloned();
            let status = if body.is_some() { "200 OK" } else { "404 Not Found" };
            let body = body.unwrap_or_default();
            let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(&body);
        }
    });
    move |files| {
        shared.lock().expect("files").extend(files);
        address.clone()
    }
}

/// A repository as a web host gives it, with one package below `packages/`.
fn repository(package: &Path) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    tar.append_dir_all("repository-main/packages/graph", package).expect("an archive");
    tar.into_inner().and_then(GzEncoder::finish).expect("an archive")
}

fn package(content: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("package.toml"), "[package]\nname = \"graph\"\nversion = \"1.0.0\"\n")
        .expect("a file");
    std::fs::create_dir(dir.path().join("templates")).expect("a directory");
    std::fs::write(dir.path().join("templates/graph.tera"), content).expect("a file");
    dir
}

#[test]
fn an_unsigned_package_is_installed_as_what_it_is() {
    let good = package("a graph");
    let checksum: String =
        directory_checksum(good.path()).expect("a checksum").iter().map(|byte| format!("{byte:02x}")).collect();
    let put = serve();
    let address = put(HashMap::from([("/main.tar.gz".to_owned(), repository(good.path()))]));
    let entry = json!({
        "name": "graph", "version": "1.0.0", "description": "a graph", "path": "packages/graph",
        "download_url": format!("{address}/main.tar.gz"), "checksum": checksum,
    });
    put(HashMap::from([("/index.json".to_owned(), json!([entry]).to_string().into_bytes())]));
    let settings = format!("[network]\nmdns = false\n[registry]\ncentral = [\"{address}/index.json\"]\n");

    let home = Home::with_settings(&settings);
    let found = home.json(&["search", "graph", "--listen", "/ip4/127.0.0.1/tcp/0"]);
    assert_eq!((&found["results"][0]["source"], &found["results"][0]["publisher"]), (&"central".into(), &json!(null)));
    let plan = home.json(&["install", "graph", "--dry-run", "--listen", "/ip4/127.0.0.1/tcp/0"]);
    assert_eq!((&plan["steps"][0]["source"], &plan["steps"][0]["publisher"]), (&"central".into(), &json!(null)));
    assert!(!home.packs().exists());
    let output = home.run(&["install", "graph", "--listen", "/ip4/127.0.0.1/tcp/0"]);
    let (said, warned) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{warned}");
    assert!(said.contains("unsigned") && said.contains("its checksum matches"), "{said}");
    assert!(warned.contains("nobody has signed it"), "{warned}");
    assert_eq!(tree(&home.packs().join("graph")), tree(good.path()));

    // What is known of it can be seen, and that nobody signed it.
    let shown = home.json(&["show", "graph", "--why", "--listen", "/ip4/127.0.0.1/tcp/0"]);
    assert_eq!((&shown["listed"]["central"]["checksum"], &shown["why"]["verdict"]), (&json!(checksum), &json!("warn")));
    assert_eq!(shown["installed"]["version"], "1.0.0");
    let output = home.run(&["install", "grap", "--from", "central", "--listen", "/ip4/127.0.0.1/tcp/0"]);
    assert_eq!(output.status.code(), Some(3));
    // A refresh that reads nothing has failed; one that reads something has not.
    assert!(home.run(&["central", "refresh", "--listen", "/ip4/127.0.0.1/tcp/0"]).status.success());
    put(HashMap::from([("/index.json".to_owned(), b"no index".to_vec())]));
    let output = home.run(&["central", "refresh", "--listen", "/ip4/127.0.0.1/tcp/0"]);
    assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));
    put(HashMap::from([("/index.json".to_owned(), json!([entry]).to_string().into_bytes())]));

    // The host gives other files than those that the index speaks of.
    put(HashMap::from([("/main.tar.gz".to_owned(), repository(package("another graph").path()))]));
    let other = Home::with_settings(&settings);
    let (code, error) = other.failure(&["install", "graph", "--listen", "/ip4/127.0.0.1/tcp/0"]);
    assert_eq!(code, 4, "{error}");
    assert!(error.to_string().contains(&checksum), "{error}");
    assert!(!other.packs().join("graph").exists());
}
