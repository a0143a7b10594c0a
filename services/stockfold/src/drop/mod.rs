//! `stockfold drop`: plays a drop with a crowd, and proves from the log that a drop was fair.
//!
//! [`proof`] knows nothing of the engine but its events, read by [`log`]; [`crowd`] and [`watch`] are the shoppers.

mod client;
mod crowd;
mod log;
mod proof;
pub mod simulate;
#[cfg(test)]
mod tests;
mod watch;

use crate::{cli::Verify, print, settings::Settings};
use anyhow::{Result, bail};

/// Recomputes a drop from its events and says whether it was fair.
pub fn verify(args: &Verify, settings: &Settings) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let facts = runtime.block_on(async {
        let api = client::Api::new(settings, args.url.as_deref())?;
        api.check().await?;
        log::of_drop(&api, &args.drop).await
    })?;
    let proof = proof::prove(&args.drop, &facts);
    if args.json {
        print::line(serde_json::to_string_pretty(&proof)?)?;
    } else {
        print::line(proof.table())?;
        print::line(format_args!(
            "drop {} is {}: {} of {} units sold to {} shoppers, {} events.",
            proof.drop,
            proof.status,
            proof.totals.sold,
            proof.totals.allotted,
            proof.totals.buyers,
            facts.len()
        ))?;
    }
    if proof.ok() { Ok(()) } else { bail!("drop {} was not as it must be", proof.drop) }
}
