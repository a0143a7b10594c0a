//! The certificates of a connection.

use crate::{CqlError, Tls};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{path::Path, sync::Arc};

/// What rustls needs; [`CqlError::Unusable`], which names the file, where one cannot be used.
pub(crate) fn client(tls: &Tls) -> Result<Arc<ClientConfig>, CqlError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&tls.ca)? {
        roots.add(certificate).map_err(|error| unusable(&tls.ca, &error))?;
    }
    // Named here: which provider is the process's default depends on who else is linked in.
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| CqlError::Unusable(format!("TLS: {error}")))?
        .with_root_certificates(roots);
    let client = match (&tls.certificate, &tls.key) {
        (None, None) => builder.with_no_client_auth(),
        (Some(certificate), Some(key)) => {
            let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error))?;
            let chain = certificates(certificate)?;
            builder.with_client_auth_cert(chain, secret).map_err(|error| unusable(certificate, &error))?
        }
        _ => return Err(CqlError::Unusable("TLS: a client's certificate and its key are given together".to_owned())),
    };
    Ok(Arc::new(client))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, CqlError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|error| unusable(path, &error))?;
    if found.is_empty() {
        return Err(unusable(path, &"there is no certificate in it"));
    }
    Ok(found)
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> CqlError {
    CqlError::Unusable(format!("TLS: {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_ca(ca: &Path) -> Tls {
        Tls { ca: ca.to_owned(), certificate: None, key: None }
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let (missing, empty) = (directory.path().join("missing.pem"), directory.path().join("empty.pem"));
        std::fs::write(&empty, "no certificate\n").expect("written");
        for path in [missing, empty] {
            let Err(CqlError::Unusable(why)) = client(&with_ca(&path)) else { panic!("it is refused") };
            assert!(why.contains(&path.display().to_string()), "{why}");
        }
    }
}
