//! The secrets of the data directory, and tokens made with them.

use crate::settings::Settings;
use anyhow::{Context as _, Result, ensure};
use edge::{AuthConfig, Grant};
use schemas::{LocationId, Role, StoreId};
use std::{path::Path, time::Duration};

/// How tokens of this deployment are checked and made.
pub struct Auth(AuthConfig);

impl Auth {
    /// Of the data directory; makes directory and secrets where there are none.
    pub fn existing_or_new(settings: &Settings) -> Result<Self> {
        let data = Path::new(settings.text("data"));
        std::fs::create_dir_all(data).with_context(|| format!("cannot make the data directory {}", data.display()))?;
        let secrets = keys::Secrets::load_or_create(data)?;
        let local_key = match settings.some("jwt-key") {
            Some(key) => key.as_bytes().to_vec(),
            None => secrets.jwt.expose().to_vec(),
        };
        Ok(Self(AuthConfig {
            issuer: settings.text("jwt-issuer").to_owned(),
            audience: settings.text("jwt-audience").to_owned(),
            local_key: Some(local_key),
            pseudonym_secret: secrets.pseudonym.expose().to_vec(),
            jwks_url: settings.some("jwks-url").map(str::to_owned),
        }))
    }

    /// Of a data directory that an engine has made.
    pub fn existing(settings: &Settings) -> Result<Self> {
        let data = Path::new(settings.text("data"));
        let file = data.join(keys::Secrets::FILE);
        ensure!(file.exists(), "{} is no data directory of an engine; name the engine's with --data", data.display());
        Self::existing_or_new(settings)
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
