//! `stockfold schema`: the keyspaces and tables of views and keys.

use crate::{
    keyspaces, print,
    settings::{SettingFlags, Settings},
};
use anyhow::{Context as _, Result};
use clap::Subcommand;
use read_model::scylla::{Applied, CqlConfig, Replication};
use read_model::views;
use serde_json::json;
use std::collections::BTreeMap;

#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// Make the keyspaces and tables that are missing; what is there is left alone
    Apply(Apply),
}

/// What `schema apply` takes.
#[derive(Debug, clap::Args)]
pub struct Apply {
    /// Copies of each row in a keyspace that is made now: a number, or DATACENTER=N,…
    #[arg(long, value_name = "COPIES", default_value = "3", value_parser = replication)]
    replication: Replication,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

fn replication(text: &str) -> Result<Replication> {
    if let Ok(copies) = text.parse() {
        return Ok(Replication::Everywhere(copies));
    }
    let of = |part: &str| {
        let (name, copies) = part.split_once('=')?;
        Some((name.trim().to_owned(), copies.trim().parse().ok()?))
    };
    let copies: Option<BTreeMap<_, _>> = text.split(',').map(of).collect();
    copies.map(Replication::Datacenters).context("a number of copies, or DATACENTER=N separated by commas")
}

/// Runs a command on the schema.
pub fn run(command: SchemaCommand) -> Result<()> {
    let SchemaCommand::Apply(args) = command;
    let keyspaces = keyspaces::config(&Settings::load(&args.settings)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let applied = runtime.block_on(async {
        let views = read_model::scylla::migrate(&keyspaces.views, &args.replication, &views::tables()).await?;
        let keys = keys::scylla::migrate(&keyspaces.keys, &args.replication).await?;
        anyhow::Ok([(&keyspaces.views, views), (&keyspaces.keys, keys)])
    })?;
    if args.json {
        let told = applied.iter().map(|(config, applied)| {
            json!({"keyspace": config.keyspace.as_str(), "applied": applied.new, "present": applied.present})
        });
        print::line(serde_json::to_string_pretty(&told.collect::<Vec<_>>())?)?;
        return Ok(());
    }
    for (config, applied) in &applied {
        print::line(told(config, applied))?;
    }
    Ok(())
}

fn told(config: &CqlConfig, applied: &Applied) -> String {
    let keyspace = &config.keyspace;
    match applied.new.as_slice() {
        [] => format!("{keyspace}: all {} tables are there.", applied.present),
        new => format!("{keyspace}: made {}; {} were there.", new.join(", "), applied.present),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_a_number_or_told_by_data_centre() {
        assert_eq!(replication("5").expect("good"), Replication::Everywhere(5));
        let by_name = BTreeMap::from([("ber".to_owned(), 3), ("lon".to_owned(), 2)]);
        assert_eq!(replication("ber=3, lon=2").expect("good"), Replication::Datacenters(by_name));
        for bad in ["", "three", "ber", "ber=", "ber=3,"] {
            assert!(replication(bad).is_err(), "{bad}");
        }
    }
}
