//! What can go wrong with the cluster, and whether trying again helps.

use crate::{CqlConfig, Credentials};
use rustls::CertificateError;
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

    /// The error of a connection that could not be made, with what is to be done about it where that is known.
    pub(crate) fn no_session(error: &NewSessionError, config: &CqlConfig) -> Self {
        let nodes = config.nodes.join(", ");
        let last = match error {
            NewSessionError::MetadataError(MetadataError::ConnectionPoolError(ConnectionPoolError::Broken {
                last_connection_error,
            })) => last_connection_error,
            NewSessionError::IllegalConfig(_) | NewSessionError::EmptyKnownNodesList => {
                return Self::Unusable(format!("{nodes}: {error}"));
            }
            _ => return Self::Unavailable(format!("{nodes}: {error}")),
        };
        if is_about_credentials(last) {
            let with = "`scylla-user` and STOCKFOLD_SCYLLA_PASSWORD, or `scylla-password-file`";
            return Self::Unusable(match &config.credentials {
                Some(Credentials { user, .. }) => format!("{nodes} does not let in `{user}`: check {with} ({last})"),
                None => format!("{nodes} asks for a user and a password: give {with} ({last})"),
            });
        }
        if let Some(refused) = certificate_refused(last) {
            return Self::Unusable(format!("the certificate of {nodes} is refused: {refused} ({last})"));
        }
        let is_cut = matches!(last, ConnectionError::ConnectionSetupRequestError(_));
        let hint = if is_cut && config.tls.is_none() { "; if it takes TLS only, give `scylla-tls-ca`" } else { "" };
        Self::Unavailable(format!("{nodes}: {error}{hint}"))
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
fn is_about_credentials(error: &ConnectionError) -> bool {
    let ConnectionError::ConnectionSetupRequestError(setup) = error else { return false };
    matches!(
        setup.get_error(),
        ConnectionSetupRequestErrorKind::DbError(DbError::AuthenticationError | DbError::Unauthorized, _)
            | ConnectionSetupRequestErrorKind::MissingAuthentication
            | ConnectionSetupRequestErrorKind::StartAuthSessionError(_)
            | ConnectionSetupRequestErrorKind::AuthChallengeEvaluationError(_)
            | ConnectionSetupRequestErrorKind::AuthFinishError(_)
    )
}

/// What is wrong with a node's certificate, if that is why there is no connection to it.
fn certificate_refused(error: &ConnectionError) -> Option<&'static str> {
    let ConnectionError::IoError(error) = error else { return None };
    let Some(rustls::Error::InvalidCertificate(refused)) = error.get_ref()?.downcast_ref() else { return None };
    Some(match refused {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "the authorities in the file that `scylla-tls-ca` names have not signed it"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it does not name the node's IP address"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "it is an authority's own; give the node one that the authority of `scylla-tls-ca` has signed"
        }
        // The list is rustls's, and grows.
        _ => "it cannot be used",
    })
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
