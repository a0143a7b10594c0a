//! The connection, and statements over it.

use crate::{CqlConfig, CqlError, Keyspace, tls};
use scylla::{
    client::{execution_profile::ExecutionProfile, session::Session, session_builder::SessionBuilder},
    deserialize::row::DeserializeRow,
    policies::{load_balancing::DefaultPolicy, speculative_execution::SimpleSpeculativeExecutionPolicy},
    response::query_result::QueryResult,
    serialize::row::SerializeRow,
    statement::{
        Consistency, Statement,
        batch::{Batch, BatchStatement, BatchType},
        prepared::PreparedStatement,
    },
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// How often a silent connection is asked whether it lives, and how long it has to answer.
const KEEPALIVE: Duration = Duration::from_secs(5);
/// The longest that it may take until the cluster is known, or a statement prepared.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest that a statement about the schema may take.
const SCHEMA: Duration = Duration::from_secs(60);

/// A connection to every node, for statements on one keyspace.
///
/// It lives on the runtime that it was made on; statements may be awaited on any with a clock.
pub struct Cql {
    pub(crate) session: Session,
    keyspace: Keyspace,
}

impl Cql {
    /// Connects. Statements are acknowledged by `consistency`, unless they say otherwise.
    ///
    /// [`CqlError::Unusable`] where the cluster refuses us, or a file of the configuration cannot be used.
    pub async fn connect(config: &CqlConfig, consistency: Consistency) -> Result<Self, CqlError> {
        let keyspace = config.keyspace.clone();
        let mut builder = SessionBuilder::new()
            .known_nodes(&config.nodes)
            .connection_timeout(config.request_timeout.min(CONNECT))
            .keepalive_interval(KEEPALIVE)
            .keepalive_timeout(KEEPALIVE)
            .keyspaces_to_fetch([keyspace.as_str()])
            .fetch_full_schema_metadata(false)
            // Whoever changes the schema waits for himself.
            .auto_await_schema_agreement(false)
            .default_execution_profile_handle(profile(config, consistency).into_handle());
        if let Some(credentials) = &config.credentials {
            builder = builder.user(&credentials.user, credentials.password.expose());
        }
        if let Some(tls) = &config.tls {
            builder = builder.tls_context(Some(tls::client(tls)?));
        }
        let late = || CqlError::Unavailable(format!("{}: no answer in {CONNECT:?}", config.nodes.join(", ")));
        let built = tokio::time::timeout(CONNECT, builder.build()).await.map_err(|_| late())?;
        let session = built.map_err(|error| CqlError::no_session(&error, config))?;
        let cluster = session.get_cluster_state();
        let datacenters = cluster.get_nodes_info().iter().filter_map(|node| node.datacenter.clone()).collect();
        check_datacenter(config.datacenter.as_deref(), &datacenters)?;
        Ok(Self { session, keyspace })
    }

    /// The keyspace.
    #[must_use]
    pub const fn keyspace(&self) -> &Keyspace {
        &self.keyspace
    }

    /// Prepares a statement that may be sent twice: only such ones belong into this crate's hands.
    ///
    /// `{keyspace}` in it stands for the keyspace.
    pub async fn prepare(&self, statement: &str) -> Result<PreparedStatement, CqlError> {
        let text = statement.replace("{keyspace}", &format!("\"{}\"", self.keyspace));
        let mut prepared = in_time(async { Ok(self.session.prepare(text).await?) }).await?;
        prepared.set_is_idempotent(true);
        Ok(prepared)
    }

    /// Executes a statement that answers no rows.
    pub async fn write(&self, statement: &PreparedStatement, values: impl SerializeRow) -> Result<(), CqlError> {
        self.session.execute_unpaged(statement, values).await?;
        Ok(())
    }

    /// Executes a statement once per row of values, all in one request and all or none.
    ///
    /// The rows must be of one partition: then the batch is one mutation, without a log of batches.
    pub async fn write_partition<V: SerializeRow>(
        &self,
        statement: &PreparedStatement,
        rows: &[V],
    ) -> Result<(), CqlError> {
        if let [row] = rows {
            return self.write(statement, row).await;
        }
        let statements = vec![BatchStatement::PreparedStatement(statement.clone()); rows.len()];
        let mut batch = Batch::new_with_statements(BatchType::Unlogged, statements);
        batch.set_is_idempotent(true);
        if let Some(consistency) = statement.get_consistency() {
            batch.set_consistency(consistency);
        }
        self.session.batch(&batch, rows).await?;
        Ok(())
    }

    /// Reads all rows of a statement, in one page: it must bound how many there are.
    pub async fn read<R>(&self, statement: &PreparedStatement, values: impl SerializeRow) -> Result<Vec<R>, CqlError>
    where
        R: for<'f> DeserializeRow<'f, 'f>,
    {
        rows(self.session.execute_unpaged(statement, values).await?)
    }

    /// Executes a statement that is not worth preparing, and may take long; `{keyspace}` as in [`Self::prepare`].
    pub(crate) async fn once(
        &self,
        statement: &str,
        consistency: Consistency,
        values: impl SerializeRow,
    ) -> Result<QueryResult, CqlError> {
        let mut statement = Statement::new(statement.replace("{keyspace}", &format!("\"{}\"", self.keyspace)));
        statement.set_request_timeout(Some(SCHEMA));
        statement.set_consistency(consistency);
        Ok(self.session.query_unpaged(statement, values).await?)
    }

    /// Reads, by quorum of all data centres, with a statement that is not worth preparing.
    pub(crate) async fn once_read<R>(&self, statement: &str, values: impl SerializeRow) -> Result<Vec<R>, CqlError>
    where
        R: for<'f> DeserializeRow<'f, 'f>,
    {
        rows(self.once(statement, Consistency::Quorum, values).await?)
    }
}

/// Gives up where there is no answer.
async fn in_time<T>(work: impl Future<Output = Result<T, CqlError>>) -> Result<T, CqlError> {
    let late = |_| CqlError::Unavailable(format!("no answer in {CONNECT:?}"));
    tokio::time::timeout(CONNECT, work).await.map_err(late)?
}

/// A quorum is one of somewhere: where there are several data centres, ours must be named.
fn check_datacenter(named: Option<&str>, found: &BTreeSet<String>) -> Result<(), CqlError> {
    let all = || found.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    match named {
        Some(named) if found.contains(named) => Ok(()),
        Some(named) => Err(CqlError::Unusable(format!("there is no data centre `{named}`, only: {}", all()))),
        None if found.len() > 1 => Err(CqlError::Unusable(format!("name the data centre to ask, one of: {}", all()))),
        None => Ok(()),
    }
}

fn profile(config: &CqlConfig, consistency: Consistency) -> ExecutionProfile {
    let mut balancing = DefaultPolicy::builder();
    if let Some(datacenter) = &config.datacenter {
        balancing = balancing.prefer_datacenter(datacenter.clone());
    }
    // A node that hangs is not told from one that works slowly until the keepalive fails: ask another one meanwhile. Of
    // two answers to a statement that may be sent twice the first is as good as the second.
    let second = SimpleSpeculativeExecutionPolicy { max_retry_count: 1, retry_interval: config.request_timeout / 4 };
    ExecutionProfile::builder()
        .consistency(consistency)
        .request_timeout(Some(config.request_timeout))
        .load_balancing_policy(balancing.build())
        .speculative_execution_policy(Some(Arc::new(second)))
        .build()
}

/// The rows of an answer.
fn rows<R>(result: QueryResult) -> Result<Vec<R>, CqlError>
where
    R: for<'f> DeserializeRow<'f, 'f>,
{
    let result = result.into_rows_result().map_err(|error| CqlError::shape(&error))?;
    let rows = result.rows::<R>().map_err(|error| CqlError::shape(&error))?;
    rows.collect::<Result<_, _>>().map_err(|error| CqlError::shape(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_centre_is_named_where_there_are_several_and_exists() {
        let one = BTreeSet::from(["north".to_owned()]);
        let two = BTreeSet::from(["north".to_owned(), "south".to_owned()]);
        assert_eq!(check_datacenter(None, &one), Ok(()));
        assert_eq!(check_datacenter(Some("north"), &one), Ok(()));
        assert_eq!(check_datacenter(Some("south"), &two), Ok(()));
        for (named, found) in [(None, &two), (Some("nroth"), &one)] {
            let refused = check_datacenter(named, found).expect_err("it is refused").to_string();
            assert!(refused.contains("north"), "{refused}");
        }
    }
}
