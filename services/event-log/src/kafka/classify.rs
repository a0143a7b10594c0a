//! What an error of a transaction means: whether it is certain that the transaction is not in the log.

use rdkafka::{error::KafkaError, types::RDKafkaErrorCode as Code};

/// What to do after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Abort the transaction: the producer can go on after that.
    Abort,
    /// The same call may be made again.
    Retry,
    /// A newer producer has the shard.
    Fenced,
    /// Nobody knows what happened or will: throw the producer away.
    Unknown,
}

impl Verdict {
    /// In librdkafka's order: what must be aborted, what may be retried, what is fatal or says nothing.
    pub(super) fn of(error: &KafkaError) -> Self {
        let KafkaError::Transaction(told) = error else {
            return error.rdkafka_error_code().map_or(Self::Unknown, Self::of_code);
        };
        if told.txn_requires_abort() {
            return Self::Abort;
        }
        // It may be retried by librdkafka's word. But an EndTxn that is still under way could then end the next transaction
        // (librdkafka#5423): after a timeout only a new producer is safe.
        if told.is_retriable() && !is_timeout(told.code()) {
            return Self::Retry;
        }
        Self::of_code(told.code())
    }

    /// Of an error without flags.
    pub(super) const fn of_code(code: Code) -> Self {
        match code {
            Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch => Self::Fenced,
            _ => Self::Unknown,
        }
    }
}

const fn is_timeout(code: Code) -> bool {
    matches!(
        code,
        Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::TimedOutQueue
            | Code::BrokerTransportFailure
            | Code::AllBrokersDown
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_producer_is_told_from_everything_else() {
        for code in [Code::Fenced, Code::ProducerFenced, Code::InvalidProducerEpoch] {
            assert_eq!(Verdict::of(&KafkaError::MessageProduction(code)), Verdict::Fenced);
        }
        for code in
            [Code::OperationTimedOut, Code::BrokerTransportFailure, Code::Fatal, Code::InvalidTransactionalState]
        {
            assert_eq!(Verdict::of(&KafkaError::MessageProduction(code)), Verdict::Unknown);
        }
    }
}
