//! Plays a plan over HTTP: first the catalog and its stock, then the file in its order.
//!
//! Operations run side by side, up to the concurrency, but for what depends on one another. Those of one customer follow each
//! other: each is a task that awaits the one before it and takes over the customer's [`Book`], so that a cancellation
//! finds the orders that were granted, and only them. With tight stock a correction waits until nothing is under way: then
//! it is known exactly what is free, and no unit that was sold is declared damaged.

mod steps;
mod tally;

pub use tally::{Failure, Placed, Played};

use super::{
    book::Book,
    client::Client,
    plan::{Operation, Plan, Stock},
};
use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc, time::Instant};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
};

/// Failures after which there is no point in going on.
const TOO_MANY_FAILURES: usize = 100;

/// Plays a plan.
pub struct Player {
    plan: Arc<Plan>,
    client: Arc<Client>,
    stock: Stock,
    played: Mutex<Played>,
    /// Units by product that nobody has, as far as answers tell.
    free: Mutex<Vec<i64>>,
    concurrency: u32,
    slots: Arc<Semaphore>,
}

impl Player {
    /// A player that keeps at most `concurrency` operations under way.
    pub fn new(plan: Arc<Plan>, client: Arc<Client>, stock: Stock, concurrency: u32) -> Arc<Self> {
        let free = plan.products.iter().map(|product| product.opening(stock)).collect();
        Arc::new(Self {
            plan,
            client,
            stock,
            played: Mutex::default(),
            free: Mutex::new(free),
            concurrency,
            slots: Arc::new(Semaphore::new(concurrency as usize)),
        })
    }

    /// Plays everything. An error is a replay that could not go on; single failures are in what it returns.
    pub async fn play(self: &Arc<Self>) -> Result<Played> {
        let begun = Instant::now();
        self.stock_up().await?;
        let stocked = begun.elapsed();
        self.trade().await?;
        let traded = begun.elapsed();
        let mut played = self.played.lock().clone();
        (played.stocking, played.trading) = (stocked, traded - stocked);
        Ok(played)
    }

    /// Lists every product and receives its opening stock.
    async fn stock_up(self: &Arc<Self>) -> Result<()> {
        let progress = bar("listing and stocking", self.plan.products.len());
        for product in 0..self.plan.products.len() {
            self.go_on()?;
            let (permit, player, progress) = (self.slot().await?, Arc::clone(self), progress.clone());
            tokio::spawn(async move {
                player.stock_product(product).await;
                progress.inc(1);
                drop(permit);
            });
        }
        self.drain().await?;
        progress.finish();
        self.go_on()
    }

    async fn trade(self: &Arc<Self>) -> Result<()> {
        let progress = bar("orders, cancellations and corrections", self.plan.operations.len());
        let mut last: HashMap<&str, JoinHandle<Book>> = HashMap::new();
        for (place, operation) in self.plan.operations.iter().enumerate() {
            self.go_on()?;
            if matches!((operation, self.stock), (Operation::Damaged(_), Stock::Tight)) {
                self.drain().await?;
                self.perform(place, Book::default()).await;
                progress.inc(1);
                continue;
            }
            // An earlier operation of the customer has its slot already, so that waiting for it in a slot cannot lock up.
            let permit = self.slot().await?;
            let before = operation.customer().and_then(|customer| last.remove(customer));
            let (player, progress) = (Arc::clone(self), progress.clone());
            let task = tokio::spawn(async move {
                let book = match before {
                    // A task that panicked is missing among the performed; `verify` says so.
                    Some(before) => before.await.unwrap_or_default(),
                    None => Book::default(),
                };
                let book = player.perform(place, book).await;
                progress.inc(1);
                drop(permit);
                book
            });
            if let Some(customer) = operation.customer() {
                last.insert(customer, task);
            }
        }
        self.drain().await?;
        progress.finish();
        Ok(())
    }

    async fn slot(&self) -> Result<OwnedSemaphorePermit> {
        Ok(Arc::clone(&self.slots).acquire_owned().await?)
    }

    /// Waits until nothing is under way.
    async fn drain(&self) -> Result<()> {
        drop(self.slots.acquire_many(self.concurrency).await?);
        Ok(())
    }

    fn go_on(&self) -> Result<()> {
        let played = self.played.lock();
        if played.failures.len() >= TOO_MANY_FAILURES {
            let first = played.failures.first().map(ToString::to_string).unwrap_or_default();
            bail!("{} requests failed, the first: {first}", played.failures.len());
        }
        Ok(())
    }
}

/// A progress bar on stderr; silent where that is no terminal.
pub fn bar(what: &'static str, length: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:38} [{bar:30}] {human_pos}/{human_len}  {per_sec}  {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length as u64).with_style(style.progress_chars("=> ")).with_message(what)
}
