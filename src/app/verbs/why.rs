//! The steps of an assessment, for people.

use crate::app::launch::dashboard_options;
use crate::app::output::Style;
use crate::app::output::wrap::wrap;
use crate::market::trust::{Assessment, Outcome};

use super::Context;

/// Columns of a line where the answer does not go to a terminal.
const WIDTH: usize = 100;
/// Columns that a sign and the blank behind it take.
const INDENT: usize = 2;

/// Whether signs beyond ASCII would not show.
pub fn is_ascii(context: &Context) -> bool {
    dashboard_options(&context.loaded.settings).ascii
}

/// What the worst step comes to.
pub fn verdict(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "nothing speaks against it",
        Outcome::Note => "nothing speaks against it; see the notes",
        Outcome::Warn => "look at the warnings before you install it",
        Outcome::Block => "it is not installed like this",
    }
}

/// One step below the other, each with its sign and its hint.
pub fn steps(assessment: &Assessment, style: Style, ascii: bool) -> String {
    let width = style.width.unwrap_or(WIDTH).max(20) - INDENT;
    let mut out = String::new();
    for step in &assessment.steps {
        let (sign, colour) = sign(step.outcome, ascii);
        let sign = if style.colour { format!("{colour}{sign}\x1b[0m") } else { sign.to_owned() };
        let hint = if step.hint.is_empty() { Vec::new() } else { wrap(&step.hint, width - INDENT) };
        let texts = wrap(&step.text, width).into_iter().enumerate();
        out.extend(texts.map(|(at, line)| if at == 0 { format!("{sign} {line}\n") } else { format!("  {line}\n") }));
        let arrow = if ascii { "->" } else { "→" };
        out.extend(hint.into_iter().enumerate().map(|(at, line)| {
            let (cells, arrow) = (arrow.chars().count(), if at == 0 { arrow } else { "" });
            format!("  {arrow:cells$} {line}\n")
        }));
    }
    out
}

/// The sign of an outcome, and its colour as a terminal takes it.
fn sign(outcome: Outcome, ascii: bool) -> (&'static str, &'static str) {
    match (outcome, ascii) {
        (Outcome::Pass, false) => ("✓", "\x1b[32m"),
        (Outcome::Pass, true) => ("+", "\x1b[32m"),
        (Outcome::Note, false) => ("•", "\x1b[2m"),
        (Outcome::Note, true) => ("-", "\x1b[2m"),
        (Outcome::Warn, false) => ("▲", "\x1b[1;33m"),
        (Outcome::Warn, true) => ("!", "\x1b[1;33m"),
        (Outcome::Block, false) => ("✕", "\x1b[1;31m"),
        (Outcome::Block, true) => ("x", "\x1b[1;31m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::trust::{Code, Step};

    #[test]
    fn steps_have_signs_hints_and_fit_the_terminal() {
        let step = |outcome, text: &str| Step::new(Code::Publisher, outcome, text);
        let long = "word ".repeat(20);
        let assessment = Assessment {
            steps: vec![step(Outcome::Pass, "good"), step(Outcome::Block, &long).hint("do this")],
            ..Assessment::default()
        };
        let narrow = Style { colour: false, width: Some(40) };
        let text = steps(&assessment, narrow, true);
        assert!(text.starts_with("+ good\nx word") && text.ends_with("\n  -> do this\n"), "{text}");
        assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 40), "{text}");
        let text = steps(&assessment, Style { colour: true, width: None }, false);
        assert!(text.contains("\x1b[1;31m✕\x1b[0m word"), "{text:?}");
    }
}
