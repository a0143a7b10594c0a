//! What the settings say of messages to people.

use crate::{credentials, settings::Settings};
use anyhow::{Context as _, Result, bail};
use notifier::{MailOptions, Post};
use schemas::Password;

/// How people are told.
pub struct MailPlan {
    /// Followers of stores that are told a second.
    pub per_second: u32,
    /// Sends mails, where there is a server for them.
    pub post: Option<Post>,
}

impl MailPlan {
    /// Checks its settings. Connects to nothing.
    pub fn of(settings: &Settings) -> Result<Self> {
        let per_second = u32::try_from(settings.number("notify-per-second", 1, 1_000_000)?)?;
        let most_at_once = usize::try_from(settings.number("mail-at-once", 1, 256)?)?;
        let from = settings.some("mail-from");
        let unsubscribe_url = settings.some("mail-unsubscribe-url").map(str::to_owned);
        let Some(url) = credentials::secret(settings, "smtp-url")? else {
            if from.is_some() || unsubscribe_url.is_some() {
                bail!("`mail-from` and `mail-unsubscribe-url` need STOCKFOLD_SMTP_URL or `smtp-url-file`");
            }
            return Ok(Self { per_second, post: None });
        };
        let from = from.context("mails need `mail-from`: whom they are from")?.to_owned();
        let options = MailOptions { url: Password::new(url), from, unsubscribe_url, most_at_once };
        Ok(Self { per_second, post: Some(Post::new(&options)?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(pairs: &[(&'static str, &str)]) -> Result<MailPlan> {
        let mut settings = Settings::load(&crate::settings::SettingFlags::default()).expect("no file, no variables");
        pairs.iter().for_each(|(key, value)| settings.set(key, *value));
        MailPlan::of(&settings)
    }

    fn fault(pairs: &[(&'static str, &str)]) -> String {
        plan(pairs).err().map(|error| format!("{error:#}")).expect("it is refused")
    }

    const URL: (&str, &str) = ("smtp-url", "smtp://user:hunter2@127.0.0.1:2525");

    #[test]
    fn there_are_mails_where_there_is_a_server_and_a_sender() {
        assert!(plan(&[]).is_ok_and(|plan| plan.post.is_none() && plan.per_second == 2_000));
        assert!(plan(&[URL, ("mail-from", "Shop <shop@example.com>")]).is_ok_and(|plan| plan.post.is_some()));
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), format!("{}\n", URL.1)).expect("written");
        let path = file.path().to_str().expect("UTF-8");
        assert!(
            plan(&[("smtp-url-file", path), ("mail-from", "shop@example.com")]).is_ok_and(|plan| plan.post.is_some())
        );
    }

    #[test]
    fn what_cannot_be_sent_so_is_refused_without_telling_the_password() {
        assert!(fault(&[URL]).contains("`mail-from`"));
        assert!(fault(&[("mail-from", "shop@example.com")]).contains("STOCKFOLD_SMTP_URL"));
        assert!(fault(&[URL, ("mail-from", "nobody")]).contains("`nobody`"));
        let told = fault(&[("smtp-url", "hunter2@127.0.0.1"), ("mail-from", "shop@example.com")]);
        assert!(told.contains("smtps://") && !told.contains("hunter2"), "{told}");
        assert!(fault(&[("notify-per-second", "0")]).contains("`notify-per-second`"));
    }
}
