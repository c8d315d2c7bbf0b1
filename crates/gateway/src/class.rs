//! What kind of work a request is. Classes have rates, turns and zones of their own.

use yingdun_model::word_enum;

word_enum! {
    /// A kind of work, in the order in which it is given turns when there are too few.
    Class, "class of interface" {
        /// One picture or object that somebody waits for: frames, instances, metadata, rendered pictures.
        Reading => "reading",
        /// What keeps the archive itself going: other nodes, health, metrics.
        Operations => "operations",
        /// Objects that come in: STOW-RS, C-STORE, reports of modalities.
        Store => "store",
        /// Lists: QIDO-RS, C-FIND, worklists.
        Search => "search",
        /// People and programs that administer, and their own accounts.
        Administration => "administration",
        /// Whole series and studies, media, packs for a vault.
        Bulk => "bulk",
        /// What a stranger may ask for: sign-in, tokens, descriptions.
        Open => "open",
    }
}
