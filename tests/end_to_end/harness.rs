//! Real processes of the built binary, on loopback, each with a home of its own.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_ggen-p2p-tui");

/// Generous: what is waited for usually takes milliseconds, the demo's story half a minute, and a loaded machine must not fail a test.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Asks `condition` until it gives something, or panics with `what` when `PATIENCE` is over.
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain for: {what}");
        // The pace of asking, not a guess at how long it takes.
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A directory of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The real packages beside the repository, or `None` with the reason printed.
pub fn ggen_data() -> Option<PathBuf> {
    let path = repository("../shared/ggen-data");
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}

/// A home directory that is gone after the test.
pub struct Home {
    dir: TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self { dir: TempDir::with_prefix("ggen-test-").expect("a temporary home") }
    }

    /// A home in a folder of its own below `folder`.
    pub fn below(folder: &Path) -> Self {
        Self { dir: TempDir::with_prefix_in("ggen-test-", folder).expect("a temporary home") }
    }

    /// A home with this text as its settings file.
    pub fn with_settings(text: &str) -> Self {
        let home = Self::new();
        std::fs::create_dir_all(home.path()).expect("a home");
        std::fs::write(home.path().join("p2p-config.toml"), text).expect("a settings file");
        home
    }

    /// Where the home is to be. Not made by anything but the program.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// The folder that the home is in, for things beside it.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    pub fn packs(&self) -> PathBuf {
        self.path().join("packs")
    }

    /// Runs a verb to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        bounded(command(&self.path()), args)
    }

    /// Runs a verb that must succeed; its JSON answer.
    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["--format", "json"]].concat());
        assert!(output.status.success(), "{args:?} failed: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON on stdout")
    }

    /// Runs a verb that must fail: its exit code and what it said in JSON mode. Nothing may be on stdout.
    pub fn failure(&self, args: &[&str]) -> (i32, Value) {
        let output = self.run(&[args, &["--format", "json"]].concat());
        assert!(!output.status.success(), "{args:?} succeeded: {}", String::from_utf8_lossy(&output.stdout));
        assert!(output.stdout.is_empty(), "{args:?} wrote to stdout: {}", String::from_utf8_lossy(&output.stdout));
        let text = String::from_utf8_lossy(&output.stderr);
        let line =
            text.lines().rfind(|line| line.starts_with('{')).unwrap_or_else(|| panic!("no JSON error in {text}"));
        (output.status.code().unwrap_or(-1), serde_json::from_str(line).expect("a JSON error"))
    }
}

/// The program on `home`, with nothing of the surroundings that could change what it does.
pub fn command(home: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("GGEN_")) {
        command.env_remove(key);
    }
    command.env_remove("RUST_LOG").arg("--home").arg(home).stdin(Stdio::null());
    command
}

/// Runs to the end, or fails the test when that does not come.
pub fn bounded(command: Command, args: &[&str]) -> Output {
    let mut command = assert_cmd::Command::from_std(command);
    let output = command.args(args).timeout(PATIENCE).output().expect("the program runs");
    let ended = output.status.code().is_some();
    assert!(ended, "{args:?} did not end: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// A headless node in a process of its own; killed when dropped.
pub struct Node {
    pub home: Home,
    child: Option<Child>,
}

impl Node {
    /// A node on loopback that knows `bootstrap`; returns when it answers.
    pub fn start(bootstrap: &[&Node]) -> Self {
        Self::start_on(Home::new(), bootstrap)
    }

    pub fn start_on(home: Home, bootstrap: &[&Node]) -> Self {
        let addresses: Vec<_> = bootstrap.iter().map(|node| node.address()).collect();
        Self::listening(home, &["/ip4/127.0.0.1/tcp/0"], &addresses)
    }

    pub fn listening(home: Home, listen: &[&str], bootstrap: &[String]) -> Self {
        let mut args = vec!["--no-mdns"];
        args.extend(listen.iter().flat_map(|address| ["--listen", address]));
        args.extend(bootstrap.iter().flat_map(|address| ["--bootstrap", address]));
        Self::with(home, &args)
    }

    /// A node with these arguments besides what makes it headless.
    pub fn with(home: Home, args: &[&str]) -> Self {
        let mut command = command(&home.path());
        command.arg("--no-ui").args(args);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the node starts");
        let mut node = Self { home, child: Some(child) };
        node.wait_until_up();
        node
    }

    fn wait_until_up(&mut self) {
        wait_for("a node to answer", || {
            let child = self.child.as_mut()?;
            if let Some(status) = child.try_wait().expect("its state") {
                let mut text = String::new();
                let _ = child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut text));
                panic!("the node ended with {status}: {text}");
            }
            self.home.run(&["status"]).status.success().then_some(())
        });
        // Its log must not fill the pipe.
        if let Some(mut stderr) = self.child.as_mut().and_then(|child| child.stderr.take()) {
            std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        }
    }

    pub fn json(&self, args: &[&str]) -> Value {
        self.home.json(args)
    }

    pub fn peer_id(&self) -> String {
        self.json(&["status"])["peer_id"].as_str().expect("a peer id").to_owned()
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("a running node").id()
    }

    /// The first address that it listens on, with `/p2p/`.
    pub fn address(&self) -> String {
        self.addresses().swap_remove(0)
    }

    /// All addresses that it listens on, with `/p2p/`.
    pub fn addresses(&self) -> Vec<String> {
        let status = self.json(&["status"]);
        let peer = status["peer_id"].as_str().expect("a peer id");
        let addresses = status["listen_addrs"].as_array().expect("addresses").iter();
        let addresses = addresses.map(|addr| addr.as_str().expect("an address"));
        addresses
            .map(|addr| if addr.contains("/p2p/") { addr.to_owned() } else { format!("{addr}/p2p/{peer}") })
            .collect()
    }

    pub fn connected_peers(&self) -> u64 {
        self.json(&["status"])["connected_peers"].as_u64().expect("a number")
    }

    pub fn wait_for_peers(&self, count: u64) {
        wait_for(&format!("{count} peers"), || (self.connected_peers() >= count).then_some(()));
    }

    /// Search results of the node's own catalogue, as (name, version).
    pub fn local_search(&self, query: &str) -> Vec<(String, String)> {
        let answer = self.json(&["search", query, "--local", "--limit", "200"]);
        let results = answer["results"].as_array().expect("results");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        results.iter().map(|hit| (text(&hit["name"]), text(&hit["version"]))).collect()
    }

    pub fn wait_for_package(&self, name: &str) {
        wait_for(&format!("{name} in the catalogue"), || {
            self.local_search(name).iter().any(|(found, _)| found == name).then_some(())
        });
    }

    /// SIGKILL, as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// SIGTERM; its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        let mut child = self.child.take()?;
        signal(child.id(), rustix::process::Signal::TERM);
        wait_for("the node to end", || child.try_wait().expect("its state")).code()
    }

    /// Ends it and starts it anew on the same home.
    pub fn restart(mut self, bootstrap: &[&Node]) -> Self {
        self.terminate();
        let home = std::mem::replace(&mut self.home, Home::new());
        Self::start_on(home, bootstrap)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a signal to a process of ours.
pub fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw).expect("a pid");
    rustix::process::kill_process(pid, signal).expect("the signal is sent");
}

/// Every file below `root`: relative path and bytes, sorted.
pub fn tree(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let relative = path.strip_prefix(root).expect("below root").to_owned();
                files.push((relative, std::fs::read(&path).expect("readable")));
            }
        }
    }
    files.sort();
    files
}
