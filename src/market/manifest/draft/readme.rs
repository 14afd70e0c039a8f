//! Title and description, from a package's README.

use std::path::Path;

use super::beginning;
use crate::market::SafeText;

const NAMES: [&str; 5] = ["README.md", "README", "README.txt", "readme.md", "Readme.md"];

/// Terminal cells of a description and of a title.
const MAX_DESCRIPTION: usize = 200;
const MAX_TITLE: usize = 80;

/// The first heading and the first paragraph.
pub(super) fn read(dir: &Path) -> (Option<SafeText>, Option<SafeText>) {
    let text = NAMES.iter().find_map(|name| beginning(&dir.join(name)));
    text.map_or((None, None), |text| (heading(&text), paragraph(&text)))
}

fn heading(text: &str) -> Option<SafeText> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let title = line.strip_prefix("# ")?;
    Some(SafeText::capped(plain(title).trim(), MAX_TITLE)).filter(|title| !title.is_empty())
}

fn paragraph(text: &str) -> Option<SafeText> {
    let mut lines: Vec<&str> = Vec::new();
    let (mut in_code, mut in_comment) = (false, false);
    for line in text.lines().map(str::trim) {
        in_comment |= line.starts_with("<!--");
        if line.starts_with("```") {
            in_code = !in_code;
        }
        let is_prose = !in_code && !in_comment && is_prose(line);
        in_comment &= !line.contains("-->");
        if is_prose {
            lines.push(line);
        } else if line.starts_with("===") || line.starts_with("---") {
            // What stood above was a heading.
            lines.clear();
        } else if !lines.is_empty() {
            break;
        }
    }
    let text = plain(&lines.join(" "));
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(SafeText::capped(shortened(&text), MAX_DESCRIPTION)).filter(|text| !text.is_empty())
}

/// No heading, badge, quote, list, table or markup.
fn is_prose(line: &str) -> bool {
    let begins = |starts: &[&str]| starts.iter().any(|start| line.starts_with(start));
    !line.is_empty() && !begins(&["#", "![", "[![", "<", ">", "- ", "* ", "+ ", "|", "```", "===", "---"])
}

/// The first sentence, where the whole is too long.
fn shortened(text: &str) -> &str {
    if text.chars().count() <= MAX_DESCRIPTION {
        return text;
    }
    text.find(". ").map_or(text, |end| &text[..=end])
}

/// Without emphasis, and links as their text.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        out += before;
        match link.split_once("](").and_then(|(shown, after)| Some((shown, after.split_once(')')?.1))) {
            Some((shown, after)) => {
                out += shown;
                rest = after;
            }
            None => {
                out.push('[');
                rest = link;
            }
        }
    }
    (out + rest).replace('*', "").replace("__", "").replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(text: &str) -> (Option<String>, Option<String>) {
        (heading(text).map(|text| text.to_string()), paragraph(text).map(|text| text.to_string()))
    }

    #[test]
    fn the_first_prose_is_the_description() {
        let text = "# My **Pack**\n\n[![build](x)](y)\n<!-- a\ncomment -->\n\nMakes `CLIs` from an\n[ontology](https://x).\n\nMore.\n";
        assert_eq!(both(text), (Some("My Pack".into()), Some("Makes CLIs from an ontology.".into())));
        let underlined = "Title\n=====\n\n```sh\ncode\n```\n\n- list\n\nProse [sic] here.";
        assert_eq!(both(underlined), (None, Some("Prose [sic] here.".into())));
        assert_eq!(both("\n\n# Only a title\n"), (Some("Only a title".into()), None));
        assert_eq!(both(""), (None, None));
    }

    #[test]
    fn long_paragraphs_are_cut_at_a_sentence() {
        let text = format!("First sentence. {}", "word ".repeat(100));
        assert_eq!(paragraph(&text).map(|text| text.to_string()), Some("First sentence.".into()));
    }
}
