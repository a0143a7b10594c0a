//! The secrets of a deployment: made once, kept in the data directory.

use crate::Secret;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};
use thiserror::Error;
use zeroize::Zeroize as _;

/// Why the secrets of a deployment cannot be had.
#[derive(Debug, Error)]
pub enum SecretsError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others than its owner may read or write the file.
    #[error(
        "{path} can be read or written by others (mode {mode:o}): chmod 600 it, and change the secrets if they leaked"
    )]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file is not what this version writes.
    #[error("{path} is damaged, or a newer version wrote it")]
    Corrupt {
        /// Which file.
        path: PathBuf,
    },
}

/// The secrets of a deployment. Losing them loses who is who.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// Makes pseudonyms from token issuer and `sub`; the keys of digests and cursors are derived from it.
    ///
    /// Changing it makes a stranger of every customer, and another body of every retry.
    pub pseudonym: Secret,
    /// Signs and checks local tokens.
    pub jwt: Secret,
}

/// The stored form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    pseudonym: String,
    jwt: String,
}

const VERSION: u32 = 1;

impl Drop for Stored {
    fn drop(&mut self) {
        for text in [&mut self.pseudonym, &mut self.jwt] {
            text.zeroize();
        }
    }
}

impl Stored {
    fn of(secrets: &Secrets) -> Self {
        let text = |secret: &Secret| URL_SAFE_NO_PAD.encode(secret.expose());
        Self { version: VERSION, pseudonym: text(&secrets.pseudonym), jwt: text(&secrets.jwt) }
    }

    fn secrets(&self) -> Option<Secrets> {
        let secret = |text: &String| {
            let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            let secret = Secret::from_slice(&bytes);
            bytes.zeroize();
            secret
        };
        if self.version != VERSION {
            return None;
        }
        Some(Secrets { pseudonym: secret(&self.pseudonym)?, jwt: secret(&self.jwt)? })
    }
}

impl Secrets {
    /// The name of the file in the data directory.
    pub const FILE: &'static str = "secrets.json";

    /// New secrets from the operating system's generator.
    pub fn random() -> Result<Self, io::Error> {
        Ok(Self { pseudonym: Secret::random()?, jwt: Secret::random()? })
    }

    /// The secrets of the data directory `dir`; made at the first call, durable before it returns, mode 0600.
    ///
    /// An existing file that is damaged is an error and never replaced. Of processes that begin at the same time one
    /// makes the file and all take it.
    pub fn load_or_create(dir: &Path) -> Result<Self, SecretsError> {
        let path = dir.join(Self::FILE);
        if let Some(secrets) = Self::load(&path)? {
            return Ok(secrets);
        }
        Self::create(dir, &path).map_err(|source| SecretsError::Io { path: path.clone(), source })?;
        Self::load(&path)?.ok_or_else(|| SecretsError::Io { path, source: io::ErrorKind::NotFound.into() })
    }

    /// The secrets of the data directory `dir`; `None` where there are none. Makes nothing.
    pub fn existing(dir: &Path) -> Result<Option<Self>, SecretsError> {
        Self::load(&dir.join(Self::FILE))
    }

    fn load(path: &Path) -> Result<Option<Self>, SecretsError> {
        let io_error = |source| SecretsError::Io { path: path.to_owned(), source };
        let mut text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(error)),
        };
        check_mode(path, fs::metadata(path).map_err(io_error)?)?;
        let secrets = serde_json::from_slice::<Stored>(&text).ok().and_then(|stored| stored.secrets());
        text.zeroize();
        secrets.map(Some).ok_or_else(|| SecretsError::Corrupt { path: path.to_owned() })
    }

    fn create(dir: &Path, path: &Path) -> Result<(), io::Error> {
        fs::create_dir_all(dir)?;
        let draft = dir.join(format!("{}.{}", Self::FILE, uuid::Uuid::new_v4()));
        let mut text = serde_json::to_vec_pretty(&Stored::of(&Self::random()?))?;
        let mut file = create_private(&draft)?;
        file.write_all(&text)?;
        file.sync_all()?;
        text.zeroize();
        // A link fails where the name exists: who comes second takes what the first one made.
        let linked = fs::hard_link(&draft, path);
        fs::remove_file(&draft)?;
        match linked {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        fs::File::open(dir)?.sync_all()
    }
}

/// Makes a file that only its owner may read and write; an error where it exists.
pub(crate) fn create_private(path: &Path) -> Result<fs::File, io::Error> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn check_mode(path: &Path, metadata: fs::Metadata) -> Result<(), SecretsError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(SecretsError::Open { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn check_mode(_: &Path, _: fs::Metadata) -> Result<(), SecretsError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_start_finds_the_secrets_of_the_first() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = Secrets::load_or_create(dir.path()).expect("made");
        let second = Secrets::load_or_create(dir.path()).expect("found");
        assert_eq!(first.pseudonym.expose(), second.pseudonym.expose());
        assert_eq!(first.jwt.expose(), second.jwt.expose());
        assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1, "the draft is gone");
    }

    #[test]
    fn every_secret_is_another() {
        let (one, two) = (Secrets::random().expect("random"), Secrets::random().expect("random"));
        assert_ne!(one.pseudonym.expose(), one.jwt.expose());
        assert_ne!(one.pseudonym.expose(), two.pseudonym.expose());
        assert_ne!(one.jwt.expose(), two.jwt.expose());
    }

    #[test]
    fn secrets_are_not_printed() {
        let secrets = Secrets::random().expect("random");
        let byte = format!("{}, {}", secrets.jwt.expose()[0], secrets.jwt.expose()[1]);
        assert!(!format!("{secrets:?}").contains(&byte));
        assert_eq!(format!("{:?}", secrets.jwt), "Secret(masked)");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a directory");
        Secrets::load_or_create(dir.path()).expect("made");
        let path = dir.path().join(Secrets::FILE);
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("changed");
        assert!(matches!(Secrets::load_or_create(dir.path()), Err(SecretsError::Open { mode: 0o644, .. })));
    }

    #[test]
    fn a_damaged_file_is_refused_and_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        Secrets::load_or_create(dir.path()).expect("made");
        let path = dir.path().join(Secrets::FILE);
        fs::write(&path, b"{\"version\":1").expect("written");
        assert!(matches!(Secrets::load_or_create(dir.path()), Err(SecretsError::Corrupt { .. })));
        assert_eq!(fs::read(&path).expect("there"), b"{\"version\":1");
    }
}
