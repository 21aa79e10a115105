//! The certificate that this client shows to a server, or a reverse proxy, that asks for one.

use super::ClientIdentity;
use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::{CertifiedKey, SingleCertAndKey},
};
use std::{fs, path::Path, sync::Arc};

/// The same configuration, with what the two files hold as the client's certificate.
///
/// # Errors
/// A finished sentence that names the file and never shows what is in it.
pub(super) fn with_identity(
    config: &Arc<ClientConfig>,
    identity: &ClientIdentity,
) -> Result<Arc<ClientConfig>, String> {
    let ClientIdentity { certificate, key } = identity;
    let of_no_use = |name: &str, path: &Path, problem: String| {
        format!("The file `{}` in `{name}` is of no use: {problem}. Correct `{name}`.", path.display())
    };
    let read = |name: &str, path: &Path| {
        fs::read(path).map_err(|error| of_no_use(name, path, format!("it cannot be read ({error})")))
    };
    let chain = CertificateDer::pem_slice_iter(&read("client_certificate", certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| {
            of_no_use("client_certificate", certificate, format!("it is not in PEM form ({error})"))
        })?;
    if chain.is_empty() {
        return Err(of_no_use(
            "client_certificate",
            certificate,
            "it holds no certificate in PEM form".into(),
        ));
    }
    let private = PrivateKeyDer::from_pem_slice(&read("client_key", key)?).map_err(|_| {
        of_no_use("client_key", key, "it holds no private key in PEM form without a passphrase".into())
    })?;
    let certified = CertifiedKey::from_der(chain, private, config.crypto_provider()).map_err(|error| {
        of_no_use("client_key", key, format!("it does not go with the certificate ({error})"))
    })?;
    let mut config = ClientConfig::clone(config);
    config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(certified));
    Ok(Arc::new(config))
}
