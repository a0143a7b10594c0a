//! Passwords and PEM files that settings name, for whichever cluster they belong to.

use crate::settings::Settings;
use anyhow::{Context as _, Result, bail, ensure};
use schemas::Password;
use std::path::PathBuf;

/// User and password of a cluster, from `<cluster>-user`, `<cluster>-password` and `<cluster>-password-file`; `None` where
/// none is set.
pub fn user(settings: &Settings, cluster: &str) -> Result<Option<(String, Password)>> {
    let key = |rest: &str| format!("{cluster}-{rest}");
    let user = settings.some(&key("user"));
    let password = secret(settings, &key("password"))?;
    match (user, password) {
        (None, None) => Ok(None),
        (Some(user), Some(password)) => {
            ensure!(!password.is_empty(), "the password of `{cluster}-user` is empty");
            Ok(Some((user.to_owned(), Password::new(password))))
        }
        (Some(_), None) => {
            let variable = cluster.to_uppercase();
            bail!("`{cluster}-user` needs STOCKFOLD_{variable}_PASSWORD or `{cluster}-password-file`")
        }
        (None, Some(_)) => bail!("a password of `{cluster}` needs `{cluster}-user`"),
    }
}

/// A secret, from the setting of that name or from the file that `<key>-file` names; `None` where neither is set.
pub fn secret(settings: &Settings, key: &str) -> Result<Option<String>> {
    match (settings.some(key), settings.some(&format!("{key}-file"))) {
        (Some(_), Some(_)) => bail!("`{key}` and `{key}-file` are both set: give one of them"),
        (Some(secret), None) => Ok(Some(secret.to_owned())),
        (None, Some(file)) => {
            let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{key}-file` {file}"))?;
            // Editors and `echo` end a file with a line break, which is no part of a secret.
            Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
        }
        (None, None) => Ok(None),
    }
}

/// The PEM file that a setting names, which must be there.
pub fn pem(settings: &Settings, key: &str) -> Result<Option<PathBuf>> {
    match settings.some(key).map(PathBuf::from) {
        Some(path) if !path.is_file() => bail!("`{key}` is a PEM file, and there is none at {}", path.display()),
        path => Ok(path),
    }
}
