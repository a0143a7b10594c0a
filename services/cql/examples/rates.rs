//! What a CQL store takes and gives in a second, asked as the views ask it: whole rows written at a timestamp, one per
//! partition, and reads by key; with ever more of them in flight.
//!
//! `make engines` in one terminal; in another `SCYLLA_NODES=… cargo run --release -p cql --example rates`.

use cql::{Consistency, Cql, CqlConfig, CqlError, Keyspace, Migration, PreparedStatement, Replication, migrate};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// How long each figure is measured.
const MEASURED: Duration = Duration::from_secs(4);
/// Rows that are written, and read again.
const ROWS: u64 = 20_000;
/// Bytes of a row's body: about an event's.
const BODY_BYTES: usize = 300;

/// The connection and the two statements.
struct Store {
    cql: Cql,
    write: PreparedStatement,
    read: PreparedStatement,
}

#[derive(Debug, Clone, Copy)]
enum Ask {
    Write,
    Read,
}

#[tokio::main]
async fn main() -> Result<(), CqlError> {
    let nodes = std::env::var("SCYLLA_NODES").unwrap_or_else(|_| "127.0.0.1:9042".to_owned());
    let mut config = CqlConfig::new(nodes.split(','), Keyspace::parse("stockfold_rates")?);
    // It keeps nothing that anybody misses.
    config.allow_unsafe = true;
    let statement =
        "CREATE TABLE IF NOT EXISTS {keyspace}.rates (p text, c text, v bigint, b blob, PRIMARY KEY (p, c))";
    let table = Migration { version: 1, name: "rates".to_owned(), statement: statement.to_owned() };
    migrate(&config, &Replication::Everywhere(1), "rates", &[table]).await?;
    let cql = Cql::connect(&config, Consistency::LocalQuorum).await?;
    let write = cql.prepare("INSERT INTO {keyspace}.rates (p, c, v, b) VALUES (?, '', ?, ?) USING TIMESTAMP ?").await?;
    let read = cql.prepare("SELECT v, b FROM {keyspace}.rates WHERE p = ? AND c = ''").await?;
    let store = Arc::new(Store { cql, write, read });
    // The node compiles what it runs often: the first figure would be of that.
    measure(&store, Ask::Write, 64).await?;
    for (ask, in_flight) in [(Ask::Write, 16), (Ask::Write, 64), (Ask::Write, 256), (Ask::Read, 1), (Ask::Read, 64)] {
        let (rate, p50, p99) = measure(&store, ask, in_flight).await?;
        println!("{ask:?} with {in_flight} in flight: {rate:.0}/s, p50 {p50:.1?}, p99 {p99:.1?}");
    }
    Ok(())
}

/// Statements a second, and how long they took.
async fn measure(store: &Arc<Store>, ask: Ask, in_flight: usize) -> Result<(f64, Duration, Duration), CqlError> {
    let (next, begun) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let mut clients = JoinSet::new();
    for _ in 0..in_flight {
        let (store, next) = (Arc::clone(store), Arc::clone(&next));
        clients.spawn(async move {
            let mut took = Vec::new();
            while begun.elapsed() < MEASURED {
                let asked = Instant::now();
                store.ask(ask, next.fetch_add(1, Ordering::Relaxed)).await?;
                took.push(asked.elapsed());
            }
            Ok::<_, CqlError>(took)
        });
    }
    let mut took = Vec::new();
    for of_one in clients.join_all().await {
        took.extend(of_one?);
    }
    let rate = took.len() as f64 / begun.elapsed().as_secs_f64();
    took.sort_unstable();
    Ok((rate, took[took.len() / 2], took[took.len() * 99 / 100]))
}

impl Store {
    async fn ask(&self, ask: Ask, number: u64) -> Result<(), CqlError> {
        // Spread over the rows, so that neighbours in time are none in the store.
        let key = format!("row-{}", number.wrapping_mul(7_919) % ROWS);
        match ask {
            Ask::Write => {
                let version = number.cast_signed();
                self.cql.write(&self.write, (key, version, vec![b'x'; BODY_BYTES], version)).await
            }
            Ask::Read => self.cql.read::<(i64, Vec<u8>)>(&self.read, (key,)).await.map(drop),
        }
    }
}
