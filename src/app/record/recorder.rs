//! A recording being written, on a thread of its own: the dashboard never waits for the disk.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::{Header, MAX_BYTES, MAX_LINE, write};
use crate::app::age::Now;
use crate::app::event::Event;
use crate::app::failure::usage;
use crate::net::api::NoticeLevel;
use crate::net::{ErrorKind, NodeError};

/// Bytes that wait for the disk at most; events beyond them are lost and counted.
const MAX_WAITING: usize = 16 << 20;
/// What is written reaches the disk so soon.
const FLUSH_AFTER: Duration = Duration::from_millis(200);
/// What stands in a recording for the user's own directory.
const SOMEBODY: &str = "/home/user";

/// The file of a recording, made but still empty.
pub struct NewFile {
    file: File,
    name: String,
}

/// Hands events to the thread that writes them; when it is dropped, all that was handed over is written.
pub struct Recorder {
    lines: Option<Sender<Vec<u8>>>,
    waiting: Arc<AtomicUsize>,
    lost: u64,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Makes the file, readable by its owner alone.
    ///
    /// # Errors
    /// It is there already, or cannot be made.
    pub fn create(path: &Path) -> Result<NewFile, NodeError> {
        let name = path.display().to_string();
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = made.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => usage(format!("{name} is there already"))
                .hint("name a new file for --record, or remove that one: a recording replaces nothing"),
            io::ErrorKind::PermissionDenied => refused(ErrorKind::Permission, &name, &error),
            io::ErrorKind::NotFound => refused(ErrorKind::NotFound, &name, &error),
            _ => refused(ErrorKind::Disk, &name, &error),
        })?;
        Ok(NewFile { file, name })
    }

    /// Begins to write. Why the recording ends early, if it does, is sent to `notices`, once.
    pub fn begin(file: NewFile, header: &Header, notices: UnboundedSender<Event>) -> Self {
        let (sender, receiver) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let home = header.options.user_home.clone().filter(|home| home.len() > 1);
        let sink = Sink { file: BufWriter::new(file.file), name: file.name, home, written: 0, notices };
        let counted = waiting.clone();
        let thread = std::thread::Builder::new().name("record".into()).spawn(move || sink.run(&receiver, &counted));
        let mut recorder = Self { lines: Some(sender), waiting, lost: 0, thread: thread.ok() };
        recorder.hand_over(Now { unix_ms: header.began }, write::line(header));
        recorder
    }

    /// Before the event is taken.
    pub fn event(&mut self, at: Now, event: &Event) {
        self.hand_over(at, write::event_line(at, event));
    }

    /// The state was drawn.
    pub fn frame(&mut self, at: Now) {
        self.hand_over(at, write::frame_line(at));
    }

    fn hand_over(&mut self, at: Now, line: io::Result<Vec<u8>>) {
        let Some(lines) = &self.lines else { return };
        let room = MAX_WAITING.saturating_sub(self.waiting.load(Ordering::Relaxed));
        let Some(line) = line.ok().filter(|line| line.len() <= room.min(MAX_LINE)) else {
            self.lost += 1;
            return;
        };
        let gap = if self.lost > 0 { write::lost_line(at, self.lost).unwrap_or_default() } else { Vec::new() };
        for line in [gap, line].into_iter().filter(|line| !line.is_empty()) {
            self.waiting.fetch_add(line.len(), Ordering::Relaxed);
            if lines.send(line).is_err() {
                // The thread has given up, and said so.
                self.lines = None;
                return;
            }
        }
        self.lost = 0;
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.lines = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn refused(kind: ErrorKind, name: &str, error: &io::Error) -> NodeError {
    NodeError::new(kind, format!("cannot record to {name}: {error}"))
        .hint("name a file in a folder that you may write to")
}

/// The writing side.
struct Sink<W: Write> {
    file: BufWriter<W>,
    name: String,
    /// The user's own directory, which is nobody else's business.
    home: Option<String>,
    written: u64,
    notices: UnboundedSender<Event>,
}

impl<W: Write> Sink<W> {
    fn run(mut self, lines: &Receiver<Vec<u8>>, waiting: &AtomicUsize) {
        if let Err(why) = self.write_all(lines, waiting) {
            let text = format!("the recording ended: {why}");
            let hint = Some(format!("what came before is in {}", self.name));
            // Nobody may be there to be told any more.
            let _ = self.notices.send(Event::Notice { level: NoticeLevel::Warning, text, hint });
        }
    }

    fn write_all(&mut self, lines: &Receiver<Vec<u8>>, waiting: &AtomicUsize) -> Result<(), String> {
        loop {
            match lines.recv_timeout(FLUSH_AFTER) {
                Ok(line) => {
                    waiting.fetch_sub(line.len(), Ordering::Relaxed);
                    self.write(&line)?;
                }
                Err(RecvTimeoutError::Timeout) => self.flush()?,
                Err(RecvTimeoutError::Disconnected) => return self.flush(),
            }
        }
    }

    fn write(&mut self, line: &[u8]) -> Result<(), String> {
        let line = harmless(line, self.home.as_deref());
        self.written += line.len() as u64;
        if self.written > MAX_BYTES {
            self.flush()?;
            return Err(format!("{} is full ({} MiB)", self.name, MAX_BYTES >> 20));
        }
        self.file.write_all(&line).map_err(|error| self.failed(&error))
    }

    fn flush(&mut self) -> Result<(), String> {
        self.file.flush().map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> String {
        format!("cannot write {}: {error}", self.name)
    }
}

/// The line with another directory in the place of the user's own.
fn harmless<'a>(line: &'a [u8], home: Option<&str>) -> std::borrow::Cow<'a, [u8]> {
    let (Some(home), Ok(text)) = (home, std::str::from_utf8(line)) else { return line.into() };
    if !text.contains(home) {
        return line.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(home) {
        let (before, found) = rest.split_at(at);
        let after = found.get(home.len()..).unwrap_or_default();
        let begins = !before.ends_with(|c: char| c.is_alphanumeric() || c == '/');
        let ends = !after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
        out.push_str(before);
        out.push_str(if begins && ends { SOMEBODY } else { home });
        rest = after;
    }
    out.push_str(rest);
    out.into_bytes().into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::app::state::DashboardOptions;

    #[test]
    fn the_users_directory_is_not_written() {
        let clean = |text: &str| String::from_utf8(harmless(text.as_bytes(), Some("/home/ada")).into_owned()).unwrap();
        assert_eq!(
            clean(r#"{"path":"/home/ada/packs","x":"/home/ada"}"#),
            r#"{"path":"/home/user/packs","x":"/home/user"}"#
        );
        for same in [r#""/home/adam/x""#, r#""/srv/home/ada""#, r#""nothing""#] {
            assert_eq!(clean(same), same);
        }
    }

    #[test]
    fn the_file_is_new_and_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jsonl");
        let file = Recorder::create(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Recorder::create(&path).err().unwrap().kind, ErrorKind::Usage);
        assert_eq!(Recorder::create(&dir.path().join("no/b")).err().unwrap().kind, ErrorKind::NotFound);
        let (notices, _) = tokio::sync::mpsc::unbounded_channel();
        let header = Header::new(Now::default(), (80, 24), DashboardOptions::default());
        let mut recorder = Recorder::begin(file, &header, notices);
        recorder.event(Now { unix_ms: 5 }, &Event::Tick);
        recorder.frame(Now { unix_ms: 6 });
        drop(recorder);
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with(r#"{"format":"ggen-p2p-recording","version":1,"#), "{text}");
        assert_eq!(lines[1..], [r#"{"at":5,"event":{"kind":"tick"}}"#, r#"{"at":6}"#]);
    }

    /// A disk that is full after some bytes.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_disk_that_is_full_is_told_of_once() {
        let (notices, mut told) = tokio::sync::mpsc::unbounded_channel();
        let (lines, receiver) = channel();
        let file = BufWriter::with_capacity(8, Full(20));
        let sink = Sink { file, name: "x".into(), home: None, written: 0, notices };
        for _ in 0..10 {
            lines.send(b"0123456789\n".to_vec()).unwrap();
        }
        drop(lines);
        sink.run(&receiver, &AtomicUsize::new(110));
        let Ok(Event::Notice { text, .. }) = told.try_recv() else { panic!() };
        assert!(text.starts_with("the recording ended: cannot write x: "), "{text}");
        assert!(told.try_recv().is_err());
    }
}
