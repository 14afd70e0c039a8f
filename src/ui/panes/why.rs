//! Why a release is trusted, or not: each step with the sign and colour of its outcome.

use ratatui::style::Style;
use ratatui::text::Span;

use crate::market::trust::{Assessment, Code, Outcome};
use crate::net::NodeError;
use crate::ui::text;
use crate::ui::theme::Theme;
use crate::ui::widgets::Facts;

/// The verdict and every step with its hint.
pub fn steps(theme: &Theme, facts: &mut Facts<'_>, asked: Option<&Result<Assessment, NodeError>>) {
    let assessment = match asked {
        None => return facts.text(theme.symbols.waiting, theme.dim),
        Some(Err(error)) => {
            facts.item(theme.symbols.warn, theme.warn, &error.message, theme.warn);
            return facts.text(error.hint.as_deref().unwrap_or_default(), theme.dim);
        }
        Some(Ok(assessment)) => assessment,
    };
    let (sign, style) = sign(theme, assessment.verdict());
    facts.item(sign, style, verdict(assessment.verdict()), theme.strong);
    facts.gap();
    for step in &assessment.steps {
        let (sign, style) = self::sign(theme, step.outcome);
        let text = if step.outcome >= Outcome::Warn { style } else { theme.text };
        facts.item(sign, style, &step.text, text);
        if !step.hint.is_empty() {
            facts.item(&format!("  {}", theme.symbols.arrow), theme.dim, &step.hint, theme.dim);
        }
    }
}

/// The verdict on one line, for where the steps have no room.
pub fn summary(theme: &Theme, facts: &mut Facts<'_>, label: &str, asked: Option<&Result<Assessment, NodeError>>) {
    let Some(Ok(assessment)) = asked else {
        return facts.put(label, theme.symbols.waiting, theme.dim);
    };
    let (sign, style) = sign(theme, assessment.verdict());
    facts.put(label, &format!("{sign} {}", verdict(assessment.verdict())), style);
}

/// How trust comes to it, each station with its sign: who signed, whose key that is, who told of it. The `whole` of it takes as
/// many lines as it needs.
pub fn path(theme: &Theme, facts: &mut Facts<'_>, asked: Option<&Result<Assessment, NodeError>>, whole: bool) {
    let Some(Ok(assessment)) = asked else { return };
    let mut stations = Vec::new();
    for (code, name) in [(Code::Signature, "signed"), (Code::Publisher, "key"), (Code::Revocation, "not revoked")] {
        let Some(step) = assessment.step(code) else { continue };
        let (sign, style) = sign(theme, step.outcome);
        let name = match (code, step.outcome) {
            (Code::Publisher, Outcome::Block) => "other key than pinned",
            (Code::Publisher, Outcome::Pass) => "pinned key",
            (Code::Publisher, _) => "new key",
            (Code::Revocation, Outcome::Block | Outcome::Warn) => "revoked",
            _ => name,
        };
        station(theme, &mut stations, sign, style, name);
    }
    if let Some(step) = assessment.step(Code::Told) {
        let told = text::clean(&step.text).into_owned();
        let told: Vec<_> = told.split(' ').map(|word| short_id(theme, word)).collect();
        let mut told = told.into_iter();
        station(theme, &mut stations, theme.symbols.info, theme.dim, &told.next().unwrap_or_default());
        // This one is a sentence: it may be broken between words.
        stations.extend(told.map(|word| vec![Span::styled(format!(" {word}"), theme.text)]));
    }
    match stations.is_empty() {
        true => {}
        false if whole => facts.flow("path", stations),
        false => facts.line("path", stations.concat()),
    }
}

fn station(theme: &Theme, stations: &mut Vec<Vec<Span<'static>>>, sign: &'static str, style: Style, name: &str) {
    let mut spans = Vec::new();
    if !stations.is_empty() {
        spans.push(Span::styled(format!(" {} ", theme.symbols.arrow), theme.border));
    }
    spans.push(Span::styled(format!("{sign} "), style));
    spans.push(Span::styled(name.to_owned(), theme.text));
    stations.push(spans);
}

/// A peer id by its end.
fn short_id(theme: &Theme, word: &str) -> String {
    if word.len() == 52 && word.starts_with("12D3KooW") {
        format!("{}{}", theme.symbols.ellipsis, text::tail(word, 8))
    } else {
        word.to_owned()
    }
}

fn verdict(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass | Outcome::Note => "nothing speaks against it",
        Outcome::Warn => "look at the warnings before you install it",
        Outcome::Block => "it is not installed like this",
    }
}

fn sign(theme: &Theme, outcome: Outcome) -> (&'static str, Style) {
    match outcome {
        Outcome::Pass => (theme.symbols.good, theme.good),
        Outcome::Note => (theme.symbols.info, theme.dim),
        Outcome::Warn => (theme.symbols.warn, theme.warn),
        Outcome::Block => (theme.symbols.bad, theme.bad),
    }
}
