//! A certificate for a server on this machine, made by Java's own keytool.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{EngineError, java::java_bin};

/// The store lies in a scratch folder: its password guards nothing.
pub(crate) const STORE_PASSWORD: &str = "scratch";

/// A server's keys, and the certificate by which its clients recognise it.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) store: PathBuf,
    pub(crate) ca_pem: PathBuf,
}

/// Makes an authority, and a key pair for 127.0.0.1 and localhost that it has signed. They are two, as some clients take no
/// authority for a server.
pub(crate) fn generate(folder: &Path) -> Result<Keys, EngineError> {
    let keys = Keys { store: folder.join("keys.p12"), ca_pem: folder.join("ca.pem") };
    let make = ["-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", "-validity", "30", "-storetype", "PKCS12"];
    let authority = ["-alias", "ca", "-dname", "CN=stockfold-tests", "-ext", "bc:c"];
    keytool(&keys.store, &[&make[..], &authority].concat())?;
    let server = ["-alias", "server", "-dname", "CN=localhost", "-ext", "san=ip:127.0.0.1,dns:localhost"];
    keytool(&keys.store, &[&make[..], &server, &["-signer", "ca"]].concat())?;
    let ca_pem = keys.ca_pem.display().to_string();
    keytool(&keys.store, &["-exportcert", "-rfc", "-alias", "ca", "-file", &ca_pem])?;
    // A server takes any key of its store.
    keytool(&keys.store, &["-delete", "-alias", "ca"])?;
    Ok(keys)
}

fn keytool(store: &Path, args: &[&str]) -> Result<(), EngineError> {
    let mut keytool = Command::new(java_bin()?.join("keytool"));
    keytool.args(args).args(["-storepass", STORE_PASSWORD, "-keystore"]).arg(store);
    let output = keytool.output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    Err(EngineError::Command { command: "keytool".to_owned(), said })
}
