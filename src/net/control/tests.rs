use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::super::api::{NodeEvent, NoticeLevel, PublishPlan, SearchRequest, Status};
use super::super::bus::EventBus;
use super::super::handle::EventStream;
use super::super::{ErrorKind, NodeCommand, NodeError, NodeReply};
use super::client::{ControlClient, EventLines, Patience, TooLong};
use super::{Backend, MAX_EVENT, serve};

const DEADLINE: Duration = Duration::from_secs(10);

/// A node that writes down what it is asked, and hangs on `Transfers`.
#[derive(Clone)]
struct Recorder {
    asked: mpsc::UnboundedSender<NodeCommand>,
    bus: EventBus,
    fails: Arc<Mutex<Option<NodeError>>>,
}

impl Backend for Recorder {
    async fn request(&self, command: NodeCommand) -> Result<NodeReply, NodeError> {
        let _ = self.asked.send(command.clone());
        if let Some(error) = self.fails.lock().unwrap().clone() {
            return Err(error);
        }
        match command {
            NodeCommand::Status => Ok(NodeReply::Status(Status { peer_id: "12D3".into(), ..Default::default() })),
            NodeCommand::Peers => Ok(NodeReply::Peers(Vec::new())),
            NodeCommand::Transfers => std::future::pending().await,
            _ => Ok(NodeReply::Done),
        }
    }
    fn subscribe(&self) -> Result<EventStream, NodeError> {
        Ok(self.bus.subscribe())
    }
}

struct Served {
    directory: tempfile::TempDir,
    socket: PathBuf,
    backend: Recorder,
    asked: mpsc::UnboundedReceiver<NodeCommand>,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

fn served_below(below: &str) -> Served {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join(below);
    std::fs::create_dir_all(&folder).unwrap();
    let socket = folder.join("node.sock");
    let (sender, asked) = mpsc::unbounded_channel();
    let backend = Recorder { asked: sender, bus: EventBus::new(), fails: Arc::default() };
    let shutdown = CancellationToken::new();
    let task = serve(backend.clone(), &socket, shutdown.clone()).unwrap();
    Served { directory, socket, backend, asked, shutdown, task }
}

async fn client(socket: &Path) -> ControlClient {
    ControlClient::at(socket).await.unwrap().unwrap()
}

/// What `curl --unix-socket` would show: the status line and the body.
async fn raw(socket: &Path, request: &str) -> (String, String) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::UnixStream::connect(socket).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(DEADLINE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
}

fn post(body: &str) -> String {
    let length = body.len();
    format!("POST /v1/command HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
}

#[tokio::test]
async fn commands_and_answers_cross_the_socket_unchanged() {
    let mut served = served_below("");
    let client = client(&served.socket).await;
    let search =
        NodeCommand::Search(SearchRequest { query: "a \"b\" ü".into(), limit: 7, remote: true, facets: false });
    assert_eq!(client.request(search.clone()).await.unwrap(), NodeReply::Done);
    assert_eq!(served.asked.recv().await.unwrap(), search);
    let NodeReply::Status(status) = client.request(NodeCommand::Status).await.unwrap() else { panic!() };
    assert_eq!(status.peer_id, "12D3");
}

#[tokio::test]
async fn every_kind_of_error_arrives_as_it_was() {
    let served = served_below("");
    let client = client(&served.socket).await;
    for kind in [
        ErrorKind::Failed,
        ErrorKind::Usage,
        ErrorKind::NotFound,
        ErrorKind::Verification,
        ErrorKind::Network,
        ErrorKind::NoNode,
        ErrorKind::Permission,
        ErrorKind::Disk,
    ] {
        let error = NodeError::new(kind, "what failed").hint("what to do");
        *served.backend.fails.lock().unwrap() = Some(error.clone());
        assert_eq!(client.request(NodeCommand::Peers).await.unwrap_err(), error);
    }
}

#[tokio::test]
async fn events_arrive_in_order_and_end_with_the_node() {
    let served = served_below("");
    let mut events = client(&served.socket).await.subscribe().await.unwrap();
    let notice = |n: usize| NodeEvent::Notice { level: NoticeLevel::Info, text: format!("number {n}").as_str().into() };
    for n in 0..50 {
        served.backend.bus.emit(notice(n));
    }
    for n in 0..50 {
        assert_eq!(timeout(DEADLINE, events.next()).await.unwrap(), Some(notice(n)));
    }
    served.shutdown.cancel();
    assert_eq!(timeout(DEADLINE, events.next()).await.unwrap(), None);
    timeout(DEADLINE, served.task).await.unwrap().unwrap();
    assert!(!served.socket.exists());
    assert!(ControlClient::at(&served.socket).await.unwrap().is_none());
}

#[tokio::test]
async fn many_listeners_do_not_keep_commands_out() {
    let served = served_below("");
    let client = client(&served.socket).await;
    let mut listeners = Vec::new();
    for _ in 0..super::MAX_LISTENERS {
        listeners.push(client.subscribe().await.unwrap());
    }
    let refused = client.subscribe().await.err().unwrap();
    assert!(refused.message.contains("listen to this node already"), "{refused}");
    assert!(raw(&served.socket, &get("/v1/events")).await.0.contains("503"));
    assert!(client.request(NodeCommand::Status).await.is_ok());
    listeners.clear();
    let again = async {
        while client.subscribe().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, again).await.unwrap();
}

#[tokio::test]
async fn curl_can_ask_too() {
    let served = served_below("");
    let (head, body) = raw(&served.socket, &get("/v1/status")).await;
    assert!(head.contains("200") && body.contains("\"peer_id\":\"12D3\""), "{head} {body}");
    let (_, body) = raw(&served.socket, &get("/v1/peers")).await;
    assert_eq!(body, "{\"peers\":[]}");
    assert!(raw(&served.socket, &get("/health")).await.0.contains("200"));
    assert!(raw(&served.socket, &get("/ready")).await.0.contains("200"));
    *served.backend.fails.lock().unwrap() = Some(NodeError::new(ErrorKind::Failed, "ill"));
    assert!(raw(&served.socket, &get("/ready")).await.0.contains("503"));
    let (head, body) = raw(&served.socket, &get("/v1/status")).await;
    assert!(head.contains("500") && body.contains("\"message\":\"ill\""), "{head} {body}");
}

#[tokio::test]
async fn wrong_requests_are_answered_and_never_reach_the_node() {
    let mut served = served_below("");
    for (request, status) in [
        (post("{"), "400"),
        (post("{\"command\":\"explode\"}"), "400"),
        (post("{\"command\":\"search\",\"query\":1}"), "400"),
        (get("/v2"), "404"),
        (get("/v1/command"), "405"),
    ] {
        let (head, body) = raw(&served.socket, &request).await;
        assert!(head.contains(status), "{request}: {head}");
        let body: super::ErrorBody = serde_json::from_str(&body).unwrap();
        assert!(body.error.hint.is_some());
    }
    let (head, _) = raw(&served.socket, &post(&"x".repeat(super::MAX_REQUEST + 1))).await;
    assert!(head.contains("413"), "{head}");
    let large = NodeCommand::Connect { addr: "x".repeat(super::MAX_REQUEST) };
    let error = client(&served.socket).await.request(large).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Usage, "{error}");
    assert!(served.asked.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_stops_half_way_is_given_up() {
    let mut served = served_below("");
    let half = post("{\"command\":\"status\"}").replace("content-length: ", "content-length: 1");
    let (head, body) = raw(&served.socket, &half).await;
    assert!(head.contains("408") && body.contains("did not arrive"), "{head} {body}");
    assert!(served.asked.try_recv().is_err());
}

#[tokio::test]
async fn the_socket_is_private_replaces_a_stale_one_and_no_other_file() {
    let served = served_below("");
    assert_eq!(std::fs::metadata(&served.socket).unwrap().permissions().mode() & 0o777, 0o600);
    let stale = served.directory.path().join("stale.sock");
    drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());
    assert!(ControlClient::at(&stale).await.unwrap().is_none());
    let _task = serve(served.backend.clone(), &stale, served.shutdown.clone()).unwrap();
    client(&stale).await;
    let other = served.directory.path().join("other.sock");
    std::fs::write(&other, "precious").unwrap();
    let error = serve(served.backend.clone(), &other, served.shutdown.clone()).unwrap_err();
    assert!(error.message.contains("no socket"), "{error}");
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "precious");
}

#[tokio::test]
async fn a_long_path_is_no_hindrance() {
    let served = served_below(&"long-directory-name/".repeat(10));
    assert!(served.socket.as_os_str().len() > 200);
    assert!(client(&served.socket).await.request(NodeCommand::Status).await.is_ok());
}

#[tokio::test]
async fn without_a_node_there_is_no_client() {
    let directory = tempfile::tempdir().unwrap();
    for path in ["node.sock", "missing/node.sock"] {
        assert!(ControlClient::at(&directory.path().join(path)).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_node_that_hangs_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("node.sock");
    // Accepts, by its queue, and never answers.
    let _silent = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let short = Duration::from_millis(50);
    let client = ControlClient::patient(&socket, Patience { answer: short, watch: short }).await.unwrap().unwrap();
    let error = client.request(NodeCommand::Status).await.unwrap_err();
    assert!(error.message.contains("does not answer"), "{error}");
    let error = client.subscribe().await.err().unwrap();
    assert!(error.message.contains("does not answer"), "{error}");
}

#[tokio::test]
async fn a_request_that_is_given_up_ends_at_the_node_and_more_can_follow() {
    let mut served = served_below("");
    let client = client(&served.socket).await;
    for _ in 0..2 * super::MAX_CONNECTIONS {
        let hanging = client.request(NodeCommand::Transfers);
        let asked = served.asked.recv();
        tokio::select! {
            _ = hanging => panic!("it was to hang"),
            asked = asked => assert_eq!(asked, Some(NodeCommand::Transfers)),
        }
    }
    let answer = timeout(DEADLINE, client.request(NodeCommand::Status)).await.unwrap();
    assert!(answer.is_ok());
}

#[test]
fn events_are_found_however_the_stream_is_cut() {
    let text =
        "data: {\"event\":\"stopping\"}\n\n: keep-alive\n\ndata:{\"event\":\"installed_changed\"}\n\ndata: junk\n\n";
    for size in 1..text.len() {
        let mut lines = EventLines::default();
        let events: Vec<_> = text.as_bytes().chunks(size).flat_map(|chunk| lines.push(chunk).unwrap()).collect();
        assert_eq!(events, [NodeEvent::Stopping, NodeEvent::InstalledChanged]);
    }
    assert_eq!(EventLines::default().push(&vec![b'x'; MAX_EVENT + 1]), Err(TooLong));
}

#[test]
fn the_largest_plan_fits_an_answer() {
    let file = crate::market::archive::FileEntry { path: "x".repeat(255).as_str().into(), size: u64::MAX };
    let plan = PublishPlan {
        already: None,
        path: "/".into(),
        name: "name".parse().unwrap(),
        version: semver::Version::new(1, 0, 0),
        description: Default::default(),
        category: Default::default(),
        tags: Vec::new(),
        licence: Default::default(),
        publisher: Default::default(),
        package_id: Default::default(),
        size: 0,
        files: vec![file; 10_000],
        findings: Vec::new(),
        previous: None,
        changes: None,
        publishable: true,
    };
    assert!(serde_json::to_vec(&NodeReply::Inspect(plan.into())).unwrap().len() < super::MAX_REPLY);
}
