//! Tokens of every algorithm that is accepted, signed by hand so that only the checking is the library's.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::*;

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Whether a token whose header says `alg` is accepted under this one key.
async fn is_accepted(mut jwk: Value, alg: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> bool {
    jwk["kid"] = json!("k");
    let clock = Clock::System;
    let keys = Keys::fixed(json!({"keys": [jwk]}).to_string().as_bytes(), clock.clone()).unwrap();
    let verifier = Verifier::new(keys, "issuer", "audience", clock.clone());
    let header = encoded(json!({"alg": alg, "kid": "k"}).to_string());
    let expires = clock.now().as_seconds() + 60;
    let claims = json!({"iss": "issuer", "aud": "audience", "sub": "s", "exp": expires, "tenants": ["acme"]});
    let message = format!("{header}.{}", encoded(claims.to_string()));
    let token = format!("{message}.{}", encoded(sign(message.as_bytes())));
    verifier.verify(&token).await.is_ok_and(|claims| claims.tenants == ["acme".parse().unwrap()])
}

#[tokio::test]
async fn each_key_takes_the_one_algorithm_of_its_type() {
    let random = SystemRandom::new();

    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let modulus = rsa.public_key().modulus().big_endian_without_leading_zero().to_vec();
    let exponent = rsa.public_key().exponent().big_endian_without_leading_zero().to_vec();
    let rsa_jwk = json!({"kty": "RSA", "n": encoded(modulus), "e": encoded(exponent)});
    let rsa_sign = |message: &[u8]| {
        let mut signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
        signature
    };

    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    // SEC 1 section 2.3.3: 0x04, then both coordinates.
    let (x, y) = ec.public_key().as_ref()[1..].split_at(32);
    let ec_jwk = json!({"kty": "EC", "crv": "P-256", "x": encoded(x), "y": encoded(y)});
    let ec_sign = |message: &[u8]| ec.sign(&random, message).unwrap().as_ref().to_vec();

    let ed = Ed25519KeyPair::generate().unwrap();
    let ed_jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": encoded(ed.public_key())});
    let ed_sign = |message: &[u8]| ed.sign(message).as_ref().to_vec();

    for said in ["RS256", "ES256", "EdDSA", "PS256", "RS512", "HS256", "none"] {
        assert_eq!(is_accepted(rsa_jwk.clone(), said, rsa_sign).await, said == "RS256", "RSA key, {said}");
        assert_eq!(is_accepted(ec_jwk.clone(), said, ec_sign).await, said == "ES256", "EC key, {said}");
        assert_eq!(is_accepted(ed_jwk.clone(), said, ed_sign).await, said == "EdDSA", "Ed25519 key, {said}");
    }
    assert!(!is_accepted(ec_jwk, "ES256", |_| vec![0; 64]).await, "a signature of zeros");
}
