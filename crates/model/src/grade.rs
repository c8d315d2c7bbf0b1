//! Data grades (分级), after the five levels of GB/T 39725-2020 §6.2 with L4 split in two.

use crate::word_enum;

word_enum! {
    /// How sensitive a study is. The order is the order of protection: the highest applicable grade wins.
    Grade, "grade" {
        /// Public (公开): phantoms, fully anonymous teaching images.
        L1 => "L1",
        /// De-identified, internal (去标识内部).
        L2 => "L2",
        /// Controlled (受控): partly de-identified, may be re-identified.
        L3 => "L3",
        /// Ordinary clinical (普通临床): identified images. What arrives unmarked is this.
        L4 => "L4",
        /// Sensitive clinical (敏感临床): oncology, children, obstetrics, forensic.
        L4S => "L4S",
        /// Special care (特管): infectious disease, psychiatry, public figures, sealed.
        L5 => "L5",
    }
}
