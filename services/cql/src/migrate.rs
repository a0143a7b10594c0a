//! Versions of tables: which were made, and making the others.
//!
//! Each keyspace records in `migrations` what was applied to it, by part (the views, the keys). A migration is never
//! edited: its checksum would differ from the recorded one. Two processes may apply at once: a lock of the part lets
//! one of them go first, and every statement can be executed twice.

use crate::{Cql, CqlConfig, CqlError, Replication, lock::Lock};
use scylla::statement::Consistency;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;

/// One change of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// The version of the part's layout that it belongs to, from 1. Whoever knows only lower ones cannot work on it.
    pub version: u32,
    /// Its name, once per version.
    pub name: String,
    /// One statement that can be executed twice; `{keyspace}` stands for the keyspace.
    pub statement: String,
}

impl Migration {
    fn checksum(&self) -> String {
        Sha256::digest(&self.statement).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What [`migrate`] has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// The names of the migrations that it applied, in order.
    pub new: Vec<String>,
    /// How many had been applied before.
    pub present: usize,
}

/// A migration that was applied.
struct Recorded {
    version: u32,
    name: String,
    checksum: String,
}

/// Makes the keyspace where there is none, and applies what it lacks of a part's migrations, in order.
///
/// `replication` is for a keyspace that is made now. [`CqlError::Unusable`] for one with fewer than three copies, new or
/// old, unless the configuration allows it; for one that a newer version migrated; and where an applied migration
/// differs from ours.
pub async fn migrate(
    config: &CqlConfig,
    replication: &Replication,
    part: &str,
    migrations: &[Migration],
) -> Result<Applied, CqlError> {
    check_copies(config, replication.fewest())?;
    let cql = Cql::connect(config, Consistency::Quorum).await?;
    let keyspace = format!("CREATE KEYSPACE IF NOT EXISTS {{keyspace}} WITH replication = {}", replication.cql());
    change(&cql, &keyspace).await?;
    check_copies(config, copies(&cql).await?.unwrap_or(0))?;
    change(
        &cql,
        "CREATE TABLE IF NOT EXISTS {keyspace}.migrations (part text, version int, name text, checksum text, \
         applied_at timestamp, PRIMARY KEY (part, version, name))",
    )
    .await?;
    change(
        &cql,
        "CREATE TABLE IF NOT EXISTS {keyspace}.migration_lock (part text, holder text, PRIMARY KEY (part, holder))",
    )
    .await?;
    let mut lock = Lock::take(&cql, part).await?;
    let applied = apply(&cql, &mut lock, part, migrations).await;
    lock.release().await;
    applied
}

/// Checks that a part's migrations have been applied; [`CqlError::Unusable`] says what is to be done where not.
pub async fn verify(cql: &Cql, config: &CqlConfig, part: &str, migrations: &[Migration]) -> Result<(), CqlError> {
    let keyspace = cql.keyspace();
    let lacks = |what: &str| CqlError::Unusable(format!("{what}: run `stockfold schema apply`"));
    let Some(copies) = copies(cql).await? else {
        return Err(lacks(&format!("there is no keyspace `{keyspace}`")));
    };
    check_copies(config, copies)?;
    let tables = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = 'migrations'";
    let found: Vec<(String,)> = cql.once_read(tables, (keyspace.as_str(),)).await?;
    if found.is_empty() {
        return Err(lacks(&format!("the keyspace `{keyspace}` has no tables of ours")));
    }
    let recorded = recorded(cql, part).await?;
    match pending(part, migrations, &recorded)?.as_slice() {
        [] => Ok(()),
        [first, rest @ ..] => {
            let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
            Err(lacks(&format!("the keyspace `{keyspace}` lacks `{}`{more}", first.name)))
        }
    }
}

async fn apply(cql: &Cql, lock: &mut Lock<'_>, part: &str, migrations: &[Migration]) -> Result<Applied, CqlError> {
    // Read under the lock: what another process applied meanwhile is in it.
    let recorded = recorded(cql, part).await?;
    let pending = pending(part, migrations, &recorded)?;
    let mut applied = Applied { new: Vec::new(), present: migrations.len() - pending.len() };
    let record = "INSERT INTO {keyspace}.migrations (part, version, name, checksum, applied_at) \
                  VALUES (?, ?, ?, ?, toTimestamp(now()))";
    for migration in pending {
        lock.renew().await?;
        change(cql, &migration.statement).await?;
        let version = migration.version.cast_signed();
        let values = (part, version, migration.name.as_str(), migration.checksum());
        cql.once(record, Consistency::Quorum, values).await?;
        tracing::info!(keyspace = %cql.keyspace(), part, version, name = migration.name, "applied");
        applied.new.push(migration.name.clone());
    }
    Ok(applied)
}

/// The migrations that are not recorded, in order. Tables of views that only another version has are none of ours, and
/// no fault: while views are changed both versions run.
fn pending<'m>(part: &str, migrations: &'m [Migration], recorded: &[Recorded]) -> Result<Vec<&'m Migration>, CqlError> {
    let newest = migrations.iter().map(|migration| migration.version).max().unwrap_or(0);
    if let Some(newer) = recorded.iter().find(|recorded| recorded.version > newest) {
        return Err(CqlError::Unusable(format!(
            "a newer Stockfold has brought the {part} to version {} (this one knows {newest}): upgrade",
            newer.version
        )));
    }
    let known: HashMap<_, _> = recorded.iter().map(|found| ((found.version, found.name.as_str()), found)).collect();
    let mut pending = Vec::new();
    for migration in migrations {
        match known.get(&(migration.version, migration.name.as_str())) {
            None => pending.push(migration),
            Some(found) if found.checksum == migration.checksum() => {}
            Some(_) => {
                return Err(CqlError::Unusable(format!(
                    "`{}` was applied with another statement than this Stockfold has for it: they are different builds",
                    migration.name
                )));
            }
        }
    }
    Ok(pending)
}

async fn recorded(cql: &Cql, part: &str) -> Result<Vec<Recorded>, CqlError> {
    let select = "SELECT version, name, checksum FROM {keyspace}.migrations WHERE part = ?";
    let found: Vec<(i32, String, String)> = cql.once_read(select, (part,)).await?;
    let read = |(version, name, checksum): (i32, _, _)| Recorded { version: version.cast_unsigned(), name, checksum };
    Ok(found.into_iter().map(read).collect())
}

/// Executes a statement that changes the schema, and waits until the nodes agree.
async fn change(cql: &Cql, statement: &str) -> Result<(), CqlError> {
    cql.once(statement, Consistency::Quorum, ()).await?;
    cql.session.await_schema_agreement().await?;
    Ok(())
}

/// The fewest copies that the keyspace keeps in any data centre; `None` where there is no such keyspace.
async fn copies(cql: &Cql) -> Result<Option<u32>, CqlError> {
    let select = "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?";
    let found: Vec<(HashMap<String, String>,)> = cql.once_read(select, (cql.keyspace().as_str(),)).await?;
    Ok(found.into_iter().next().map(|(replication,)| fewest(&replication)))
}

/// The fewest copies by the options of a keyspace.
fn fewest(replication: &HashMap<String, String>) -> u32 {
    let copies = replication.iter().filter(|(name, _)| *name != "class");
    // ScyllaDB may name racks in place of their number.
    let count = |copies: &str| copies.parse().unwrap_or_else(|_| copies.split(',').count().try_into().unwrap_or(0));
    copies.map(|(_, copies)| count(copies)).min().unwrap_or(0)
}

fn check_copies(config: &CqlConfig, copies: u32) -> Result<(), CqlError> {
    if copies >= Replication::SAFE || config.allow_unsafe {
        return Ok(());
    }
    Err(CqlError::Unusable(format!(
        "the keyspace `{}` keeps {copies} copies of a row: with fewer than {} a lost node loses what was acknowledged; \
         --allow-unsafe takes it all the same",
        config.keyspace,
        Replication::SAFE
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migration(version: u32, name: &str, statement: &str) -> Migration {
        Migration { version, name: name.to_owned(), statement: statement.to_owned() }
    }

    fn recorded(migration: &Migration) -> Recorded {
        Recorded { version: migration.version, name: migration.name.clone(), checksum: migration.checksum() }
    }

    #[test]
    fn what_is_not_recorded_is_pending_in_order() {
        let ours = [migration(1, "b", "B"), migration(1, "a", "A"), migration(2, "a", "AA")];
        let names = |recorded: &[Recorded]| -> Vec<_> {
            let pending = pending("views", &ours, recorded).expect("they fit");
            pending.iter().map(|migration| migration.statement.clone()).collect()
        };
        assert_eq!(names(&[]), ["B", "A", "AA"]);
        assert_eq!(names(&[recorded(&ours[1])]), ["B", "AA"]);
        assert_eq!(names(&[recorded(&ours[0]), recorded(&ours[1]), recorded(&ours[2])]), Vec::<String>::new());
    }

    #[test]
    fn tables_of_another_build_are_none_of_ours() {
        let ours = [migration(1, "stock_v1", "S")];
        let theirs = recorded(&migration(1, "stock_v2", "S"));
        assert_eq!(pending("views", &ours, &[theirs, recorded(&ours[0])]).expect("they fit"), Vec::<&Migration>::new());
    }

    #[test]
    fn a_newer_version_is_refused() {
        let ours = [migration(1, "a", "A")];
        let newer = recorded(&migration(2, "b", "B"));
        let refused = pending("views", &ours, &[newer]).expect_err("it is refused").to_string();
        assert!(refused.contains("version 2") && refused.contains("upgrade"), "{refused}");
    }

    #[test]
    fn another_statement_under_the_same_name_is_refused() {
        let ours = [migration(1, "a", "A")];
        let edited = recorded(&migration(1, "a", "B"));
        let refused = pending("views", &ours, &[edited]).expect_err("it is refused").to_string();
        assert!(refused.contains("`a`"), "{refused}");
    }

    #[test]
    fn the_data_centre_with_the_fewest_copies_counts() {
        let of = |pairs: &[(&str, &str)]| {
            fewest(&pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        assert_eq!(of(&[("class", "N"), ("one", "3"), ("two", "2")]), 2);
        assert_eq!(of(&[("class", "N"), ("one", "['r1', 'r2', 'r3']")]), 3);
        assert_eq!(of(&[("class", "S"), ("replication_factor", "1")]), 1);
        assert_eq!(of(&[("class", "L")]), 0);
    }
}
