//! The secrets of the data directory, and tokens made with them.

use crate::settings::Settings;
use anyhow::{Context as _, Result, bail};
use edge::{AuthConfig, Grant};
use keys::Secrets;
use schemas::{LocationId, Role, StoreId};
use std::{path::Path, time::Duration};

/// How tokens of this deployment are checked and made.
pub struct Auth(AuthConfig);

impl Auth {
    /// With these secrets.
    pub fn of(settings: &Settings, secrets: &Secrets) -> Self {
        let local_key = match settings.some("jwt-key") {
            Some(key) => key.as_bytes().to_vec(),
            None => secrets.jwt.expose().to_vec(),
        };
        Self(AuthConfig {
            issuer: settings.text("jwt-issuer").to_owned(),
            audience: settings.text("jwt-audience").to_owned(),
            local_key: Some(local_key),
            pseudonym_secret: secrets.pseudonym.expose().to_vec(),
            jwks_url: settings.some("jwks-url").map(str::to_owned),
        })
    }

    /// Of the data directory; makes directory and secrets where there are none.
    pub fn existing_or_new(settings: &Settings) -> Result<Self> {
        let data = Path::new(settings.text("data"));
        std::fs::create_dir_all(data).with_context(|| format!("cannot make the data directory {}", data.display()))?;
        Ok(Self::of(settings, &Secrets::load_or_create(data)?))
    }

    /// Of a data directory that an engine has made; makes nothing, or tokens of a wrong directory would look well.
    pub fn existing(settings: &Settings) -> Result<Self> {
        // A relative path with a dot before it reads as one in a sentence.
        let data = Path::new(".").join(settings.text("data"));
        let advice = "start `stockfold up` first or give --data DIR";
        match Secrets::existing(&data)? {
            Some(secrets) => Ok(Self::of(settings, &secrets)),
            None if data.is_dir() => bail!("no engine's {} in {}: {advice}", Secrets::FILE, data.display()),
            None => bail!("no data directory at {}: {advice}", data.display()),
        }
    }

    /// What the edge checks tokens with.
    pub fn config(&self) -> AuthConfig {
        self.0.clone()
    }

    /// A token that is valid for `ttl_seconds`.
    pub fn mint(
        &self,
        role: Role,
        sub: &str,
        store: Option<&str>,
        location: Option<&str>,
        ttl_seconds: u32,
    ) -> Result<String> {
        let grant = Grant {
            role,
            sub: sub.to_owned(),
            store: store.map(StoreId::parse).transpose().context("--store")?,
            location: location.map(LocationId::parse).transpose().context("--location")?,
        };
        let ttl = Duration::from_secs(ttl_seconds.into());
        Ok(edge::auth::mint(&self.0, &grant, ttl, chrono::Utc::now().into())?)
    }
}
