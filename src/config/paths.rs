//! Where things live below the home directory.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::error::ConfigError;

/// The home directory of a node: `--home`, else `$GGEN_HOME`, else `~/.ggen`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home(PathBuf);

impl Home {
    /// Takes `root` as the home directory. Nothing is created or checked here.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self(root.into())
    }

    /// `flag`, else `$GGEN_HOME`, else `~/.ggen`; a relative one is taken from the current directory.
    ///
    /// # Errors
    /// None of them is set, there is no current directory to take a relative one from, or something else than a
    /// directory is in its place.
    pub fn resolve(flag: Option<&Path>) -> Result<Self, ConfigError> {
        let home = Self::choose(flag, std::env::var_os("GGEN_HOME"), std::env::var_os("HOME"))?;
        home.check_place()?;
        Ok(home)
    }

    /// A file in place of the home, or of a directory above it, would be told in a different way by everything that
    /// comes upon it.
    fn check_place(&self) -> Result<(), ConfigError> {
        let obstructed = match std::fs::metadata(&self.0) {
            Ok(found) => !found.is_dir(),
            Err(error) => error.kind() == io::ErrorKind::NotADirectory,
        };
        if obstructed {
            return Err(ConfigError::io("use the home", &self.0, io::ErrorKind::NotADirectory.into()));
        }
        Ok(())
    }

    fn choose(flag: Option<&Path>, ggen: Option<OsString>, user: Option<OsString>) -> Result<Self, ConfigError> {
        let set = |value: Option<OsString>| value.filter(|v| !v.is_empty()).map(PathBuf::from);
        let chosen = match (flag, set(ggen)) {
            (Some(flag), _) if !flag.as_os_str().is_empty() => flag.to_owned(),
            (_, Some(ggen)) => ggen,
            _ => set(user).ok_or(ConfigError::NoHome)?.join(".ggen"),
        };
        let absolute = std::path::absolute(&chosen).map_err(|e| ConfigError::io("find", &chosen, e))?;
        Ok(Self(absolute))
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.0
    }

    /// `p2p-config.toml`
    pub fn config_file(&self) -> PathBuf {
        self.0.join("p2p-config.toml")
    }

    /// `keymap.toml`: keys for commands.
    pub fn keymap_file(&self) -> PathBuf {
        self.0.join("keymap.toml")
    }

    /// `themes/`: themes of the user's own.
    pub fn themes_dir(&self) -> PathBuf {
        self.0.join("themes")
    }

    /// `p2p/session.json`: what the dashboard showed when it was closed.
    pub fn session_file(&self) -> PathBuf {
        self.p2p_dir().join("session.json")
    }

    /// `p2p/`: identity, database, socket, lock and logs.
    pub fn p2p_dir(&self) -> PathBuf {
        self.0.join("p2p")
    }

    /// `p2p/identity.key`
    pub fn identity_file(&self) -> PathBuf {
        self.p2p_dir().join("identity.key")
    }

    /// `p2p/market.db`
    pub fn database_file(&self) -> PathBuf {
        self.p2p_dir().join("market.db")
    }

    /// `p2p/dht.db`
    pub fn dht_file(&self) -> PathBuf {
        self.p2p_dir().join("dht.db")
    }

    /// `p2p/node.sock`
    pub fn socket_file(&self) -> PathBuf {
        self.p2p_dir().join("node.sock")
    }

    /// `p2p/node.lock`
    pub fn lock_file(&self) -> PathBuf {
        self.p2p_dir().join("node.lock")
    }

    /// `p2p/logs/`
    pub fn logs_dir(&self) -> PathBuf {
        self.p2p_dir().join("logs")
    }

    /// `p2p-cache/blobs/`
    pub fn blobs_dir(&self) -> PathBuf {
        self.0.join("p2p-cache").join("blobs")
    }

    /// `p2p-cache/central/`: copies of central indexes.
    pub fn central_dir(&self) -> PathBuf {
        self.0.join("p2p-cache").join("central")
    }

    /// `packs/`: what is installed.
    pub fn packs_dir(&self) -> PathBuf {
        self.0.join("packs")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_comes_before_the_environment_before_the_user() {
        let choose = |flag: Option<&str>, ggen: Option<&str>, user: Option<&str>| {
            Home::choose(flag.map(Path::new), ggen.map(OsString::from), user.map(OsString::from))
                .map(|home| home.root().to_owned())
        };
        assert_eq!(choose(Some("/a"), Some("/b"), Some("/c")).unwrap(), Path::new("/a"));
        assert_eq!(choose(None, Some("/b"), Some("/c")).unwrap(), Path::new("/b"));
        assert_eq!(choose(None, Some(""), Some("/c")).unwrap(), Path::new("/c/.ggen"));
        assert!(matches!(choose(None, None, None), Err(ConfigError::NoHome)));
        assert!(choose(Some("here"), None, None).unwrap().is_absolute());
    }
    #[test]
    fn a_file_in_the_place_of_the_home_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "x").unwrap();
        for wrong in [file.clone(), file.join("below")] {
            let error = Home::resolve(Some(&wrong)).unwrap_err();
            assert!(error.to_string().contains(&wrong.display().to_string()), "{error}");
        }
        assert!(Home::resolve(Some(dir.path())).is_ok());
        assert!(Home::resolve(Some(&dir.path().join("new"))).is_ok());
    }
}
