//! Where it lies: packs, replicas, repair. Knows ciphertext only.
