//! Whose certificates a server may have.

use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use crate::outcome::Trouble;

/// Trusts the certificate authorities in `pem` or, without it, those that Mozilla trusts, which the program has with it:
/// it then needs nothing of the machine that it runs on.
pub(super) fn tls(pem: Option<&[u8]>) -> Result<TlsConfig, Trouble> {
    let Some(pem) = pem else { return Ok(TlsConfig::default()) };
    let mut certificates = Vec::new();
    for item in parse_pem(pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|_| Trouble::NoAuthority)? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(Trouble::NoAuthority);
    }
    Ok(TlsConfig::builder().root_certs(RootCerts::from(certificates)).build())
}
