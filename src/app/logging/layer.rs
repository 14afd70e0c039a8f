//! One event of `tracing` as one safe line.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Mutex;

use tokio::sync::broadcast;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_appender::non_blocking::NonBlocking;
use tracing_subscriber::layer::{Context, Layer};

use crate::app::output::human;
use crate::market::SafeText;
use crate::net::api::LogLine;

/// Bytes of a message at most, before it is cleaned.
const MAX_MESSAGE: usize = 8 * 1024;
/// Columns of a message at most.
const MAX_CELLS: usize = 2000;

/// Where lines go.
pub struct Sinks {
    pub stderr: bool,
    pub file: Option<NonBlocking>,
    pub lines: broadcast::Sender<LogLine>,
}

/// Makes lines of events and hands them to the sinks.
pub struct LineLayer {
    stderr: bool,
    file: Option<Mutex<NonBlocking>>,
    lines: broadcast::Sender<LogLine>,
}

impl LineLayer {
    pub fn new(sinks: Sinks) -> Self {
        Self { stderr: sinks.stderr, file: sinks.file.map(Mutex::new), lines: sinks.lines }
    }
}

impl<S: Subscriber> Layer<S> for LineLayer {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let line = line_of(event);
        let text = text_of(&line);
        if self.stderr {
            let _ = std::io::stderr().lock().write_all(text.as_bytes());
        }
        if let Some(file) = &self.file
            && let Ok(mut file) = file.lock()
        {
            let _ = file.write_all(text.as_bytes());
        }
        // Nobody may be listening.
        let _ = self.lines.send(line);
    }
}

fn line_of(event: &Event<'_>) -> LogLine {
    let mut fields = Fields::default();
    event.record(&mut fields);
    LogLine {
        at_ms: super::now_ms(),
        level: event.metadata().level().to_string(),
        target: SafeText::capped(event.metadata().target(), 80),
        message: SafeText::capped(&format!("{}{}", fields.message, fields.rest), MAX_CELLS),
    }
}

fn text_of(line: &LogLine) -> String {
    let time = human::time(line.at_ms / 1000);
    let time = time.trim_end_matches('Z');
    format!("{time}.{:03}Z {:5} {}: {}\n", line.at_ms % 1000, line.level, line.target, line.message)
}

/// The message, then ` name=value` for each field.
#[derive(Default)]
struct Fields {
    message: String,
    rest: String,
}

impl Fields {
    fn put(&mut self, field: &Field, value: std::fmt::Arguments<'_>) {
        let is_message = field.name() == "message";
        let target = if is_message { &mut self.message } else { &mut self.rest };
        let mut bounded = Bounded(target);
        // An error here is the bound.
        let _ = if is_message { bounded.write_fmt(value) } else { write!(bounded, " {}={value}", field.name()) };
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.put(field, format_args!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, format_args!("{value}"));
    }
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, format_args!("{value}"));
    }
}

/// Takes no more than [`MAX_MESSAGE`] bytes.
struct Bounded<'a>(&'a mut String);

impl std::fmt::Write for Bounded<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        if self.0.len() + text.len() > MAX_MESSAGE {
            return Err(std::fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn logged(log: impl FnOnce()) -> LogLine {
        let (lines, mut receiver) = broadcast::channel(4);
        let layer = LineLayer::new(Sinks { stderr: false, file: None, lines });
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        receiver.try_recv().unwrap()
    }

    #[test]
    fn a_line_has_message_then_fields() {
        let line = logged(|| tracing::warn!(peer = %"12D3", count = 3, "refused"));
        assert_eq!((line.level.as_str(), line.message.as_str()), ("WARN", "refused peer=12D3 count=3"));
        let text = text_of(&LogLine { at_ms: 1_735_689_600_042, ..line });
        assert!(text.starts_with("2025-01-01 00:00:00.042Z WARN "), "{text}");
        assert!(text.ends_with(": refused peer=12D3 count=3\n"), "{text}");
    }

    #[test]
    fn hostile_text_stays_one_harmless_bounded_line() {
        let line = logged(|| tracing::info!("evil \u{1b}[2J\nERROR forged \u{202e}{}", "x".repeat(5000)));
        let text = text_of(&line);
        assert_eq!(text.matches('\n').count(), 1);
        assert!(!text.contains(['\u{1b}', '\u{202e}']));
        assert!(text.len() < 3 * MAX_CELLS);
    }
}
