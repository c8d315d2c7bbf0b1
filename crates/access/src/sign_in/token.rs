//! Secrets that this room makes: 256 random bits as 43 characters of base64url (RFC 4648 §5), kept as SHA-256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use yingdun_crypto::digest::sha256;
use yingdun_crypto::random;
use yingdun_model::Secret;

/// The characters of a token: 32 bytes in base64url without padding.
const TOKEN_CHARACTERS: usize = 43;

/// A fresh secret and the hash under which it is kept.
pub(crate) struct Token {
    pub(crate) secret: Secret<String>,
    pub(crate) hash: [u8; 32],
}

impl Token {
    pub(crate) fn generate() -> Self {
        let bits = Secret::new(random::array::<32>());
        let secret = Secret::new(URL_SAFE_NO_PAD.encode(bits.expose()));
        let hash = sha256(secret.expose().as_bytes());
        Self { secret, hash }
    }
}

/// The hash of a token that came in; none when it cannot be one, which spares a look-up.
pub(crate) fn hash_of(token: &str) -> Option<[u8; 32]> {
    let legal = token.len() == TOKEN_CHARACTERS
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    legal.then(|| sha256(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_the_hash_under_which_it_is_kept() {
        let token = Token::generate();
        assert_eq!(hash_of(token.secret.expose()), Some(token.hash));
        assert_ne!(Token::generate().hash, token.hash);
    }

    #[test]
    fn what_cannot_be_a_token_has_no_hash() {
        for wrong in ["", "x", &"x".repeat(44), &" ".repeat(43), &"é".repeat(21)] {
            assert_eq!(hash_of(wrong), None, "{wrong:?}");
        }
    }
}
