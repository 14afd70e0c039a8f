//! Looks once a second whether the settings, themes or the key map have changed on disk. A few `stat` calls cost nothing to
//! speak of, and see changes on every file system.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;

use crate::app::event::Event;
use crate::app::looks::{Files, Looks};
use crate::app::settings::Source;
use crate::app::state::DashboardOptions;
use crate::config::schema::Ui;
use crate::config::theme;

const EVERY: Duration = Duration::from_secs(1);

/// Ends when dropped.
pub struct Watch(Option<JoinHandle<()>>);

impl Watch {
    /// Tells `events` what the files say where that is not what the options say, and whenever one of them changes.
    pub fn start(options: &DashboardOptions, events: UnboundedSender<Event>) -> Self {
        let source = options.source.clone().filter(|source| source.stored);
        let files = options.files.clone();
        if source.is_none() && files.is_none() {
            return Self(None);
        }
        let shown = Shown { looks: options.looks.clone(), ui: options.ui.clone() };
        Self(Some(tokio::spawn(watch(Watched { source, files }, shown, events))))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

#[derive(Clone)]
struct Watched {
    source: Option<Source>,
    files: Option<Files>,
}

/// What the dashboard began with.
struct Shown {
    looks: Looks,
    ui: Ui,
}

/// A file as it was when it was looked at last; none: there is none.
type Stamp = Option<(SystemTime, u64)>;

/// Of the settings, and of each other file.
type Stamps = (Stamp, Vec<(PathBuf, Stamp)>);

impl Watched {
    fn stamps(&self) -> Stamps {
        let settings = self.source.as_ref().and_then(|source| stamp(&source.file));
        let mut others = Vec::new();
        if let Some(files) = &self.files {
            let all = theme::files(&files.themes).into_iter().chain([files.keymap.clone()]);
            others.extend(all.map(|file| (file.clone(), stamp(&file))));
        }
        (settings, others)
    }

    /// What has changed between the reading of what is shown and the first look.
    fn news(&self, shown: &Shown) -> Vec<Event> {
        let settings = self.source.as_ref().map(Source::read);
        let settings = settings.filter(|read| read.as_ref().is_ok_and(|sheet| sheet.ui != shown.ui));
        let looks = self.files.as_ref().map(Files::read).filter(|looks| *looks != shown.looks);
        let settings = settings.map(|result| Event::Settings { wrote: None, result });
        settings.into_iter().chain(looks.map(Event::Looks)).collect()
    }

    /// What has changed between `before` and `after`.
    fn changes(&self, before: &Stamps, after: &Stamps) -> Vec<Event> {
        let mut events = Vec::new();
        if let Some(source) = self.source.as_ref().filter(|_| before.0 != after.0) {
            events.push(Event::Settings { wrote: None, result: source.read() });
        }
        if let Some(files) = self.files.as_ref().filter(|_| before.1 != after.1) {
            events.push(Event::Looks(files.read()));
        }
        events
    }
}

fn stamp(file: &Path) -> Stamp {
    let about = std::fs::metadata(file).ok()?;
    Some((about.modified().ok()?, about.len()))
}

async fn watch(watched: Watched, shown: Shown, events: UnboundedSender<Event>) {
    let mut before: Option<Stamps> = None;
    let shown = Arc::new(shown);
    loop {
        let (looking, known, shown) = (watched.clone(), before.take(), shown.clone());
        let look = move || {
            let after = looking.stamps();
            let changes = known.map_or_else(|| looking.news(&shown), |known| looking.changes(&known, &after));
            (after, changes)
        };
        let Ok((after, changes)) = tokio::task::spawn_blocking(look).await else { return };
        before = Some(after);
        for event in changes {
            if events.send(event).is_err() {
                return;
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(home: &Path) -> Watched {
        let home = crate::config::Home::new(home);
        let source = Source { file: home.config_file(), flags: Vec::new(), stored: true };
        Watched { source: Some(source), files: Some(Files::of(&home)) }
    }

    #[test]
    fn what_changed_before_the_first_look_is_told_by_it() {
        let home = tempfile::tempdir().unwrap();
        let watched = watched(home.path());
        let shown = Shown { looks: watched.files.as_ref().unwrap().read(), ui: Ui::default() };
        assert!(watched.news(&shown).is_empty());
        std::fs::write(home.path().join("keymap.toml"), "quit = \"f10\"\n").unwrap();
        std::fs::write(home.path().join("p2p-config.toml"), "[ui]\nascii = true\n").unwrap();
        let news = watched.news(&shown);
        assert!(
            matches!(&news[..], [Event::Settings { .. }, Event::Looks(looks)] if looks.keys["quit"] == "f10"),
            "{news:?}"
        );
    }

    #[test]
    fn each_file_that_changes_is_read_again_and_no_other() {
        let home = tempfile::tempdir().unwrap();
        let watched = watched(home.path());
        let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
        let empty = watched.stamps();
        assert!(watched.changes(&empty, &watched.stamps()).is_empty());
        write("p2p-config.toml", "[ui]\nascii = true\n");
        let settings = watched.stamps();
        let changes = watched.changes(&empty, &settings);
        assert!(matches!(&changes[..], [Event::Settings { result: Ok(sheet), .. }] if sheet.ui.ascii), "{changes:?}");
        std::fs::create_dir(home.path().join("themes")).unwrap();
        write("themes/mine.toml", "[colours]\naccent = 7\n");
        let themes = watched.stamps();
        let changes = watched.changes(&settings, &themes);
        assert!(matches!(&changes[..], [Event::Looks(looks)] if looks.problems.len() == 1), "{changes:?}");
        write("keymap.toml", "quit = \"f10\"\n");
        std::fs::remove_file(home.path().join("themes/mine.toml")).unwrap();
        let changes = watched.changes(&themes, &watched.stamps());
        assert!(
            matches!(&changes[..], [Event::Looks(looks)] if looks.problems.is_empty() && looks.keys["quit"] == "f10"),
            "{changes:?}"
        );
    }
}
