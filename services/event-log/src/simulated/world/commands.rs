//! The ways of commands to their shards.

use super::{Profile, World};
use crate::{CommandSource, LogError, Polled, Received, Record, SubmitError, shard_of_command, shortcut::Shortcut};
use schemas::{CommandEnvelope, ShardId, Topic};
use std::sync::Arc;

impl World {
    pub(in super::super) fn submit(&mut self, command: CommandEnvelope) -> Result<(), SubmitError> {
        self.writable()?;
        let shard = shard_of_command(self.count, &command.command);
        match self.profile {
            Profile::Embedded => self.inboxes[shard.0 as usize].submit(command),
            Profile::Cluster => {
                let by_log = match self.shortcuts.get_mut(shard.0 as usize) {
                    Some(shortcut) => shortcut.submit(Arc::new(command))?,
                    None => Some(Arc::new(command)),
                };
                if let Some(command) = by_log {
                    self.log.append(record_of(Topic::Commands, shard, &command));
                }
                Ok(())
            }
        }
    }

    /// Starts or restarts the delivery of commands in memory.
    pub(in super::super) fn open_inbox(&mut self, shard: ShardId, from: u64) -> Result<(), LogError> {
        self.inboxes[shard.0 as usize].begin_loading();
        let older = self.read_commands(Topic::InternalCommands, shard, from, usize::MAX)?;
        // What is under way has offsets already, after those in the log.
        let ours = |command: &&CommandEnvelope| shard_of_command(self.count, &command.command) == shard;
        let under_way = self.handed.iter().flat_map(|handed| &handed.batch.internal).filter(ours).cloned();
        let durable = self.log.end(Topic::InternalCommands, shard.0);
        let under_way: Vec<_> = (durable..)
            .zip(under_way)
            .filter(|(at, _)| *at >= from)
            .map(|(at, envelope)| Received { source: CommandSource::Internal(at), envelope: Arc::new(envelope) })
            .collect();
        self.inboxes[shard.0 as usize].open(from, older.into_iter().chain(under_way));
        Ok(())
    }

    /// From now on commands of clients wait for this lease (cluster).
    pub(in super::super) fn begin_shortcut(&mut self, shard: ShardId, epoch: u64) {
        if let Some(shortcut) = self.shortcuts.get_mut(shard.0 as usize) {
            shortcut.begin(epoch);
        }
    }

    /// What a lease left `unwritten`, and what it has not taken, goes by the log. It need not be the shard's owner any more.
    pub(in super::super) fn end_shortcut(&mut self, shard: ShardId, epoch: u64, unwritten: Vec<Arc<CommandEnvelope>>) {
        let waits = self.shortcuts.get_mut(shard.0 as usize).map(|shortcut| {
            let waits = shortcut.leave(epoch, usize::MAX);
            assert!(shortcut.leave(epoch, 1).is_empty(), "nothing comes in meanwhile");
            waits
        });
        for command in unwritten.into_iter().chain(waits.into_iter().flatten()) {
            if !planted::bug!("shortcut-forgets") {
                self.log.append(record_of(Topic::Commands, shard, &command));
            }
        }
    }

    /// Takes commands by the shortcut, which is open once the log has been taken; whether none is left.
    pub(in super::super) fn take_shortcut(
        &mut self,
        shard: ShardId,
        epoch: u64,
        is_log_taken: bool,
        max: usize,
        commands: &mut Vec<Received>,
    ) -> bool {
        let Some(shortcut) = self.shortcuts.get_mut(shard.0 as usize) else { return true };
        if is_log_taken {
            shortcut.open(epoch);
        }
        commands.extend(shortcut.take(epoch, max.saturating_sub(commands.len())));
        shortcut.has_taken(shortcut.come())
    }

    /// Takes commands from memory (embedded).
    pub(in super::super) fn take_commands(&mut self, shard: ShardId, epoch: u64, max: usize) -> Polled {
        self.inboxes[shard.0 as usize].take(epoch, max)
    }

    /// Commands that stand in the log.
    pub(in super::super) fn read_commands(
        &self,
        topic: Topic,
        shard: ShardId,
        from: u64,
        max: usize,
    ) -> Result<Vec<Received>, LogError> {
        let read = |record: &Record| {
            let value = record.value.as_deref().unwrap_or_default();
            let envelope = serde_json::from_slice(value).map_err(|error| LogError::Corrupt(error.to_string()))?;
            let at = record.offset;
            let source =
                if topic == Topic::Commands { CommandSource::Commands(at) } else { CommandSource::Internal(at) };
            Ok(Received { source, envelope: Arc::new(envelope) })
        };
        self.log.read(topic, shard.0, from).take(max).map(read).collect()
    }
}

/// One for each shard.
pub(super) fn shortcuts(count: usize, capacity: usize) -> Vec<Shortcut> {
    (0..count).map(|_| Shortcut::new(capacity)).collect()
}

/// A command as it stands in the log.
pub(super) fn record_of(topic: Topic, shard: ShardId, command: &CommandEnvelope) -> Record {
    let value = serde_json::to_vec(command).expect("a command is plain data with text keys");
    let key = command.command.key().to_owned();
    Record { topic, partition: shard.0, offset: 0, key, envelope: None, headers: Vec::new(), value: Some(value) }
}
