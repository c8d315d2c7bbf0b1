//! Algorithm suites: which cipher and which hash a key is used with.

use yingdun_model::word_enum;

word_enum! {
    /// What bytes are sealed with. Every key belongs to one suite and is never used with another. The word is kept
    /// with keys and bound into their contexts.
    #[derive(Default)]
    Suite, "algorithm suite" {
        /// C2SP chunked-encryption with SHA-512 and AES-256-GCM; keys wrapped with AES-256-KWP.
        #[default]
        Cobblestone256 => "cobblestone-256",
        /// The same construction with SM3 (GB/T 32905) and SM4-GCM (GB/T 32907, RFC 8998); keys wrapped by sealing
        /// them.
        Sm4GcmSm3 => "sm4-gcm-sm3",
    }
}
