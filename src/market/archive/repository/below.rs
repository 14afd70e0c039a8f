//! Which entries of a repository's archive belong to the package.

/// Finds what lies below a path, in the repository itself or in the one folder around it.
pub(super) struct Below<'p> {
    path: &'p str,
    /// What stands before `path`, once an entry has shown it: a folder with its slash, or nothing. From then on nothing
    /// else does, so that files of two places never mix.
    before: Option<String>,
}

impl<'p> Below<'p> {
    pub fn new(path: &'p str) -> Self {
        Self { path, before: None }
    }

    /// The path of `entry` within the package; none for an entry elsewhere, and for the package's own directory.
    pub fn within<'e>(&mut self, entry: &'e str) -> Option<&'e str> {
        if let Some(before) = &self.before {
            return rest(entry.strip_prefix(before.as_str())?, self.path);
        }
        let (top, inner) = entry.split_once('/').map_or(("", ""), |(top, inner)| (top, inner));
        let found = if let Some(found) = rest(inner, self.path).filter(|_| !top.is_empty()) {
            self.before = Some(format!("{top}/"));
            found
        } else if !self.path.is_empty() {
            let found = rest(entry, self.path)?;
            self.before = Some(String::new());
            found
        } else {
            return None;
        };
        Some(found)
    }
}

fn rest<'e>(entry: &'e str, path: &str) -> Option<&'e str> {
    let rest = if path.is_empty() { entry } else { entry.strip_prefix(path)?.strip_prefix('/')? };
    Some(rest).filter(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_the_path_in_the_folder_around_it() {
        let mut below = Below::new("packages/a");
        assert_eq!(below.within("repo-main/"), None);
        assert_eq!(below.within("repo-main/packages/ab/x"), None);
        assert_eq!(below.within("repo-main/packages/a/"), None);
        assert_eq!(below.within("repo-main/packages/a/x/y"), Some("x/y"));
        assert_eq!(below.within("other/packages/a/z"), None);
        assert_eq!(below.within("packages/a/z"), None);
        assert_eq!(below.within("repo-main/packages/a/../../x"), Some("../../x"));
    }

    #[test]
    fn an_archive_without_a_folder_around_it() {
        let mut below = Below::new("packages/a");
        assert_eq!(below.within("packages/a/x"), Some("x"));
        assert_eq!(below.within("repo/packages/a/x"), None);
    }

    #[test]
    fn the_whole_repository() {
        let mut below = Below::new("");
        assert_eq!(below.within("README"), None);
        assert_eq!(below.within("repo-main/README"), Some("README"));
        assert_eq!(below.within("other/README"), None);
    }
}
