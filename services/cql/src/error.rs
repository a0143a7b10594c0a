//! What can go wrong with the cluster, and whether trying again helps.

use scylla::errors::{
    ConnectionError, ConnectionPoolError, ConnectionSetupRequestErrorKind, DbError, ExecutionError, MetadataError,
    NewSessionError, PrepareError, RequestAttemptError, SchemaAgreementError,
};
use thiserror::Error;

/// Why a statement was not executed, or nobody knows whether it was.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CqlError {
    /// The cluster cannot be reached, or did not answer in time: try again.
    #[error("{0}")]
    Unavailable(String),
    /// It refuses us, or its tables are not ours: trying again does not help.
    #[error("{0}")]
    Unusable(String),
}

impl CqlError {
    /// The error of a result that does not have the shape of its statement.
    pub(crate) fn shape(error: &dyn std::error::Error) -> Self {
        Self::Unusable(format!("an answer of another shape: {error}"))
    }

    fn new(passing: bool, error: &dyn std::error::Error) -> Self {
        if passing { Self::Unavailable(error.to_string()) } else { Self::Unusable(error.to_string()) }
    }
}

impl From<ExecutionError> for CqlError {
    fn from(error: ExecutionError) -> Self {
        Self::new(execution_passes(&error), &error)
    }
}

impl From<PrepareError> for CqlError {
    fn from(error: PrepareError) -> Self {
        Self::new(prepare_passes(&error), &error)
    }
}

impl From<NewSessionError> for CqlError {
    fn from(error: NewSessionError) -> Self {
        let passing = match &error {
            NewSessionError::MetadataError(MetadataError::ConnectionPoolError(error)) => credentials_pass(error),
            NewSessionError::IllegalConfig(_) | NewSessionError::EmptyKnownNodesList => false,
            _ => true,
        };
        Self::new(passing, &error)
    }
}

impl From<SchemaAgreementError> for CqlError {
    fn from(error: SchemaAgreementError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

fn execution_passes(error: &ExecutionError) -> bool {
    match error {
        ExecutionError::BadQuery(_) | ExecutionError::UseKeyspaceError(_) => false,
        ExecutionError::PrepareError(error) => prepare_passes(error),
        ExecutionError::LastAttemptError(error) => attempt_passes(error),
        // Among them RequestTimeout and ConnectionPoolError; the driver may add others.
        _ => true,
    }
}

fn prepare_passes(error: &PrepareError) -> bool {
    match error {
        PrepareError::AllAttemptsFailed { first_attempt } => attempt_passes(first_attempt),
        _ => true,
    }
}

fn attempt_passes(error: &RequestAttemptError) -> bool {
    match error {
        RequestAttemptError::DbError(error, _) => db_passes(error),
        RequestAttemptError::SerializationError(_)
        | RequestAttemptError::CqlRequestSerialization(_)
        | RequestAttemptError::CqlResultParseError(_)
        | RequestAttemptError::UnexpectedResponse(_)
        | RequestAttemptError::RepreparedIdChanged { .. } => false,
        // Broken connections, and too much at once on one of them.
        _ => true,
    }
}

/// A wrong password is told at the start. Later on Cassandra also says it when too few of the nodes that know the
/// passwords can be reached, and that passes.
fn credentials_pass(error: &ConnectionPoolError) -> bool {
    let ConnectionPoolError::Broken { last_connection_error } = error else { return true };
    let ConnectionError::ConnectionSetupRequestError(setup) = last_connection_error else { return true };
    !matches!(
        setup.get_error(),
        ConnectionSetupRequestErrorKind::DbError(DbError::AuthenticationError | DbError::Unauthorized, _)
            | ConnectionSetupRequestErrorKind::MissingAuthentication
            | ConnectionSetupRequestErrorKind::StartAuthSessionError(_)
            | ConnectionSetupRequestErrorKind::AuthChallengeEvaluationError(_)
            | ConnectionSetupRequestErrorKind::AuthFinishError(_)
    )
}

fn db_passes(error: &DbError) -> bool {
    match error {
        DbError::SyntaxError
        | DbError::Invalid
        | DbError::AlreadyExists { .. }
        | DbError::FunctionFailure { .. }
        | DbError::ConfigError
        | DbError::ProtocolError => false,
        // Too few replicas, timeouts, overload, a node that starts or stops, rights that somebody will grant; and others
        // of which we know nothing.
        _ => true,
    }
}
