//! The dashboard in a real (pseudo) terminal: keys in, a parsed screen out.

use std::io::{Read, Write};
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::{Arc, Mutex};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::harness::{PROGRAM, repository, wait_for};

pub const ENTER: &str = "\r";
/// Ctrl-U
pub const CLEAR_FIELD: &str = "\x15";
pub const TAB: &str = "\t";

/// Has the node inside listen on loopback only, and leave the local network alone.
pub const LOOPBACK: &[&str] = &["--listen", "/ip4/127.0.0.1/tcp/0", "--no-mdns"];

/// A terminal with the program running in it, which is killed when this is dropped.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Program,
    reader: std::thread::JoinHandle<()>,
    seen: Arc<Mutex<Seen>>,
}

/// The program; killed when dropped.
struct Program(Box<dyn Child + Send + Sync>);

/// What the program wrote: parsed, and as it came.
struct Seen {
    parser: vt100::Parser,
    raw: Vec<u8>,
    /// Nothing more is wanted.
    closing: bool,
}

impl Terminal {
    /// Runs the program on `home`, with the sample packages as its directory, in a terminal of `rows` x `columns`.
    pub fn open(home: &Path, args: &[&str], rows: u16, columns: u16) -> Self {
        Self::open_with(home, args, rows, columns, &[])
    }

    /// The same with environment variables.
    pub fn open_with(home: &Path, args: &[&str], rows: u16, columns: u16, variables: &[(&str, &str)]) -> Self {
        let mut command = CommandBuilder::new(PROGRAM);
        command.arg("--home");
        command.arg(home);
        command.args(args);
        Self::run(command, variables, rows, columns)
    }

    /// Another program, for comparison.
    pub fn open_program(program: &str, home: &Path, args: &[&str], rows: u16, columns: u16) -> Self {
        if program == PROGRAM {
            return Self::open(home, args, rows, columns);
        }
        let mut command = CommandBuilder::new(program);
        command.args(args);
        Self::run(command, &[], rows, columns)
    }

    fn run(mut command: CommandBuilder, variables: &[(&str, &str)], rows: u16, columns: u16) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo terminal");
        for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("GGEN_")) {
            command.env_remove(key);
        }
        command.env_remove("NO_COLOR");
        command.cwd(repository("assets/demo"));
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        for (name, value) in variables {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("the program starts");
        let reader = pair.master.try_clone_reader().expect("a reader");
        let writer = pair.master.take_writer().expect("a writer");
        let parser = vt100::Parser::new(nonzero(rows), nonzero(columns), 0);
        let seen = Arc::new(Mutex::new(Seen { parser, raw: Vec::new(), closing: false }));
        let reader = read_along(reader, seen.clone());
        Self { master: pair.master, writer, child: Program(child), reader, seen }
    }

    pub fn type_keys(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).and_then(|()| self.writer.flush()).expect("the keys are typed");
    }

    pub fn screen(&self) -> String {
        self.seen.lock().expect("the screen").parser.screen().contents()
    }

    /// All bytes the program has written.
    pub fn raw(&self) -> Vec<u8> {
        self.seen.lock().expect("the screen").raw.clone()
    }

    /// Keeps no more of what was written so far than the screen.
    pub fn forget_raw(&self) {
        self.seen.lock().expect("the screen").raw = Vec::new();
    }

    /// The background of the first cell of `text` on the second line, where the tabs are.
    pub fn background_of(&self, text: &str) -> Option<vt100::Color> {
        let seen = self.seen.lock().expect("the screen");
        let screen = seen.parser.screen();
        let line = screen.rows(0, screen.size().1.get()).nth(1)?;
        let column = u16::try_from(line.get(..line.find(text)?)?.chars().count()).ok()?;
        screen.cell(1, column).map(|cell| cell.bgcolor())
    }

    /// Waits until the screen shows `text`.
    pub fn wait_for_text(&self, text: &str) {
        self.wait_until(&format!("«{text}»"), |screen| screen.contains(text));
    }

    /// Waits until the screen is as `wanted`; panics with the screen as it is when it never comes.
    pub fn wait_until(&self, what: &str, wanted: impl Fn(&str) -> bool) {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_for(what, || wanted(&self.screen()).then_some(()));
        }));
        assert!(result.is_ok(), "{what} never showed; the screen is:\n{}", self.screen());
    }

    pub fn resize(&self, rows: u16, columns: u16) {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.seen.lock().expect("the screen").parser.screen_mut().set_size(nonzero(rows), nonzero(columns));
        self.master.resize(size).expect("the new size");
    }

    pub fn pid(&self) -> u32 {
        self.child.0.process_id().expect("a pid")
    }

    /// Waits for the program to end; its exit code.
    pub fn wait_for_exit(&mut self) -> u32 {
        wait_for("the program to end", || self.child.0.try_wait().expect("its state")).exit_code()
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.0.try_wait().expect("its state").is_some()
    }

    /// Takes the terminal away, as a closed window does; whether the program ends by itself.
    pub fn vanish(mut self) -> bool {
        self.seen.lock().expect("the screen").closing = true;
        // The reader has a descriptor of its own, and looks up when something is written.
        self.type_keys("2");
        let Self { master, writer, mut child, reader, .. } = self;
        reader.join().expect("the reader ends");
        drop((master, writer));
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_for("the program to end", || child.0.try_wait().expect("its state"));
        }));
        ended.is_ok()
    }

    /// Fails where the program has written an escape sequence that is none of its own, or a control character alone.
    pub fn assert_only_own_sequences(&self) {
        let raw = String::from_utf8(self.raw()).expect("UTF-8");
        let mut rest = raw.as_str();
        while let Some(at) = rest.find(|c: char| c.is_control() && !matches!(c, '\r' | '\n')) {
            let from = &rest[at..];
            // What is behind the text?
            if let Some(after) = from.strip_prefix("\x1b]11;?\x1b\\") {
                rest = after;
                continue;
            }
            let own = OWN_SEQUENCES.iter().find_map(|(start, end)| sequence(from, start, end));
            let Some(length) = own else {
                panic!("not a sequence of this program's: {:?}", from.chars().take(40).collect::<String>())
            };
            rest = &from[length..];
        }
    }

    /// Fails unless the screen is free for others: the main one, cursor shown, no mouse.
    pub fn assert_given_back(&self) {
        wait_for("the main screen", || {
            (!self.seen.lock().expect("the screen").parser.screen().alternate_screen()).then_some(())
        });
        let seen = self.seen.lock().expect("the screen");
        let screen = seen.parser.screen();
        assert!(!screen.hide_cursor(), "the cursor is still hidden");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse is still captured");
    }

    /// Fails unless the terminal is as a shell wants it: given back, no paste mode, echo on.
    pub fn assert_restored(&self) {
        self.assert_given_back();
        assert!(
            !self.seen.lock().expect("the screen").parser.screen().bracketed_paste(),
            "bracketed paste is still on"
        );
        let fd = self.master.as_raw_fd().expect("a descriptor");
        // SAFETY: `self.master` owns the descriptor and outlives the borrow.
        let modes = rustix::termios::tcgetattr(unsafe { BorrowedFd::borrow_raw(fd) }).expect("the terminal's modes");
        use rustix::termios::LocalModes;
        assert!(modes.local_modes.contains(LocalModes::ECHO | LocalModes::ICANON), "the terminal is still raw");
    }
}

/// How the sequences that the program uses begin and end: modes on and off, the place of the cursor, colours and styles.
/// Colours come as numbers of the palette (38;5;N), never as 31 or 41; nothing blinks (5, 6).
const OWN_SEQUENCES: &[(&str, &[char])] = &[
    ("\x1b[?1049", &['h', 'l']),
    ("\x1b[?1000", &['h', 'l']),
    ("\x1b[?1002", &['h', 'l']),
    ("\x1b[?1003", &['h', 'l']),
    ("\x1b[?1015", &['h', 'l']),
    ("\x1b[?1006", &['h', 'l']),
    ("\x1b[?2004", &['h', 'l']),
    ("\x1b[?2026", &['h', 'l']),
    ("\x1b[?25", &['h', 'l']),
    ("\x1b[38;5;", &['m']),
    ("\x1b[48;5;", &['m']),
    ("\x1b[38;2;", &['m']),
    ("\x1b[48;2;", &['m']),
    ("\x1b[59", &['m']),
    ("\x1b[39", &['m', ';']),
    ("\x1b[49", &['m', ';']),
    ("\x1b[0", &['m']),
    ("\x1b[1", &['m']),
    ("\x1b[2", &['m']),
    ("\x1b[4", &['m']),
    ("\x1b[7", &['m']),
    ("\x1b[22", &['m']),
    ("\x1b[24", &['m']),
    ("\x1b[27", &['m']),
    ("\x1b[", &['H']),
];

/// The length of the sequence at the beginning of `text`, if it begins and ends so with only numbers between.
fn sequence(text: &str, start: &str, ends: &[char]) -> Option<usize> {
    let rest = text.strip_prefix(start)?;
    let between = rest.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    let end = rest[between..].chars().next()?;
    // A reset of both colours goes on with the other one.
    (ends.contains(&end) || (ends.contains(&';') && end == 'm')).then(|| start.len() + between + end.len_utf8())
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn nonzero(cells: u16) -> std::num::NonZeroU16 {
    std::num::NonZeroU16::new(cells).expect("a terminal has cells")
}

fn read_along(mut reader: Box<dyn Read + Send>, seen: Arc<Mutex<Seen>>) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            let mut seen = seen.lock().expect("the screen");
            if seen.closing {
                break;
            }
            seen.parser.process(&buffer[..count]);
            seen.raw.extend_from_slice(&buffer[..count]);
        }
    })
}
