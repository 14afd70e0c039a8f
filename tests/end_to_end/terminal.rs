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

/// A terminal with the program running in it; killed when dropped.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    seen: Arc<Mutex<Seen>>,
}

/// What the program wrote: parsed, and as it came.
struct Seen {
    parser: vt100::Parser,
    raw: Vec<u8>,
}

impl Terminal {
    /// Runs the program on `home`, with the sample packages as its directory, in a terminal of `rows` x `columns`.
    pub fn open(home: &Path, args: &[&str], rows: u16, columns: u16) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo terminal");
        let mut command = CommandBuilder::new(PROGRAM);
        for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("GGEN_")) {
            command.env_remove(key);
        }
        command.env_remove("NO_COLOR");
        command.cwd(repository("assets/demo"));
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.arg("--home");
        command.arg(home);
        command.args(args);
        let child = pair.slave.spawn_command(command).expect("the program starts");
        let reader = pair.master.try_clone_reader().expect("a reader");
        let writer = pair.master.take_writer().expect("a writer");
        let parser = vt100::Parser::new(nonzero(rows), nonzero(columns), 0);
        let seen = Arc::new(Mutex::new(Seen { parser, raw: Vec::new() }));
        read_along(reader, seen.clone());
        Self { master: pair.master, writer, child, seen }
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
        self.child.process_id().expect("a pid")
    }

    /// Waits for the program to end; its exit code.
    pub fn wait_for_exit(&mut self) -> u32 {
        wait_for("the program to end", || self.child.try_wait().expect("its state")).exit_code()
    }

    /// Fails unless the terminal is as a shell wants it: main screen, cursor shown, no mouse or paste mode, echo on.
    pub fn assert_restored(&self) {
        wait_for("the main screen", || {
            (!self.seen.lock().expect("the screen").parser.screen().alternate_screen()).then_some(())
        });
        let seen = self.seen.lock().expect("the screen");
        let screen = seen.parser.screen();
        assert!(!screen.hide_cursor(), "the cursor is still hidden");
        assert!(!screen.bracketed_paste(), "bracketed paste is still on");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse is still captured");
        let fd = self.master.as_raw_fd().expect("a descriptor");
        // SAFETY: `self.master` owns the descriptor and outlives the borrow.
        let modes = rustix::termios::tcgetattr(unsafe { BorrowedFd::borrow_raw(fd) }).expect("the terminal's modes");
        use rustix::termios::LocalModes;
        assert!(modes.local_modes.contains(LocalModes::ECHO | LocalModes::ICANON), "the terminal is still raw");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn nonzero(cells: u16) -> std::num::NonZeroU16 {
    std::num::NonZeroU16::new(cells).expect("a terminal has cells")
}

fn read_along(mut reader: Box<dyn Read + Send>, seen: Arc<Mutex<Seen>>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            let mut seen = seen.lock().expect("the screen");
            seen.parser.process(&buffer[..count]);
            seen.raw.extend_from_slice(&buffer[..count]);
        }
    });
}
