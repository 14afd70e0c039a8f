//! What a publisher says may be published although it looks like a secret.

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::market::MarketError;

/// Patterns taken, and bytes of each.
const MAX_PATTERNS: usize = 100;
const MAX_PATTERN: usize = 255;

/// Paths and globs, read as a line of `.gitignore` is: a name without `/` holds in any directory, a directory for all in it.
#[derive(Debug, Default)]
pub struct Allowed {
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
pub(super) struct Pattern {
    /// As it was written.
    pub text: String,
    glob: Gitignore,
}

impl Allowed {
    /// # Errors
    /// `Refused` for a pattern that cannot be read, is negated, or is one too many.
    pub fn new(patterns: &[String]) -> Result<Self, MarketError> {
        if patterns.len() > MAX_PATTERNS {
            return Err(refused(&format!("there are more than {MAX_PATTERNS} of them")));
        }
        let pattern = |text: &String| Ok(Pattern { text: text.clone(), glob: glob(text)? });
        Ok(Self { patterns: patterns.iter().map(pattern).collect::<Result<_, MarketError>>()? })
    }

    /// The pattern that covers the file at `path` (relative to the package) and no other.
    pub fn pattern_of(path: &str) -> String {
        let mut pattern = String::from("/");
        for character in path.chars() {
            if matches!(character, '*' | '?' | '[' | ']' | '{' | '}' | '\\' | ' ') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern
    }

    /// The patterns, for telling which of them held.
    pub(super) fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }
}

impl Pattern {
    /// Whether the file at `path` (relative, `/`-separated) may be published.
    pub fn covers(&self, path: &str) -> bool {
        self.glob.matched_path_or_any_parents(path, false).is_ignore()
    }
}

fn glob(pattern: &str) -> Result<Gitignore, MarketError> {
    let bare = pattern.strip_prefix("./").unwrap_or(pattern);
    if bare.trim().is_empty() || bare.len() > MAX_PATTERN || bare.contains('\n') {
        return Err(refused(&format!("a pattern has 1 to {MAX_PATTERN} characters on one line")));
    }
    if bare.starts_with('!') {
        return Err(refused(&format!("'{pattern}' is negated; name what is allowed")));
    }
    // A comment to .gitignore is a name here.
    let line = if bare.starts_with('#') { format!("\\{bare}") } else { bare.to_owned() };
    let mut builder = GitignoreBuilder::new("");
    let built = builder.add_line(None, &line).and_then(|builder| builder.build());
    built.map_err(|error| refused(&format!("'{pattern}' is no path or glob ({error})")))
}

fn refused(reason: &str) -> MarketError {
    MarketError::Refused {
        message: format!("cannot take what is allowed: {reason}"),
        hint: "name files relative to the package, such as config/test.pem or 'fixtures/**'".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(patterns: &[&str]) -> Result<Allowed, MarketError> {
        Allowed::new(&patterns.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn paths_names_globs_and_directories_are_covered() {
        let covers = |pattern, path| allowed(&[pattern]).expect("pattern").patterns()[0].covers(path);
        assert!(covers("keys/test.pem", "keys/test.pem") && covers("./.env", ".env"));
        assert!(!covers("keys/test.pem", "other/keys/test.pem"));
        assert!(covers("*.pem", "a/b.pem") && covers("fixtures/**", "fixtures/a/id_rsa"));
        assert!(covers("fixtures", "fixtures/id_rsa") && covers("#odd.key", "#odd.key"));
        assert!(!covers(".env", ".env.local") && !covers("a", "b"));
    }

    #[test]
    fn the_pattern_of_a_file_covers_it_alone() {
        for path in [".env", "a/b.pem", "[a]*.key", "{a,b}?.key", "a\\b.key", "!a", "#a", " a ", "a b"] {
            let allowed = allowed(&[&Allowed::pattern_of(path)]).expect("pattern");
            assert!(allowed.patterns()[0].covers(path), "{path}");
            for other in [format!("x/{path}"), format!("{path}x"), "a.key".into(), "ab.key".into()] {
                assert!(!allowed.patterns()[0].covers(&other), "{path}: {other}");
            }
        }
    }

    #[test]
    fn patterns_that_mean_nothing_are_refused() {
        for pattern in ["", " ", "./", "!a", "a\nb", &"x".repeat(300)] {
            assert!(allowed(&[pattern]).is_err(), "{pattern:?}");
        }
        assert!(Allowed::new(&vec!["a".to_owned(); 101]).is_err());
    }
}
