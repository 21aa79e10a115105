//! The client certificate, presented to a server or reverse proxy that requests one.

use super::ClientIdentity;
use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::{CertifiedKey, SingleCertAndKey},
};
use std::{fs, path::Path, sync::Arc};

/// Returns a copy of `config` that presents the client certificate and key from the two files.
///
/// # Errors
/// A file cannot be read or used. The message names the file and never shows its contents.
pub(super) fn with_identity(
    config: &Arc<ClientConfig>,
    identity: &ClientIdentity,
) -> Result<Arc<ClientConfig>, String> {
    let ClientIdentity { certificate, key } = identity;
    let of_no_use = |name: &str, path: &Path, problem: String| {
        format!("The file `{}` in `{name}` cannot be used: {problem}. Correct `{name}`.", path.display())
    };
    let read = |name: &str, path: &Path| {
        fs::read(path).map_err(|error| of_no_use(name, path, format!("it cannot be read ({error})")))
    };
    let chain = CertificateDer::pem_slice_iter(&read("client_certificate", certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| {
            of_no_use("client_certificate", certificate, format!("it is not in PEM format ({error})"))
        })?;
    if chain.is_empty() {
        return Err(of_no_use("client_certificate", certificate, "it contains no PEM certificate".into()));
    }
    let private = PrivateKeyDer::from_pem_slice(&read("client_key", key)?).map_err(|_| {
        of_no_use("client_key", key, "it contains no PEM private key without a passphrase".into())
    })?;
    let certified = CertifiedKey::from_der(chain, private, config.crypto_provider()).map_err(|error| {
        of_no_use("client_key", key, format!("it does not match the certificate ({error})"))
    })?;
    let mut config = ClientConfig::clone(config);
    config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(certified));
    Ok(Arc::new(config))
}
