//! Who may say what: keys, signatures, principals, the trust root, and the one function that counts people. Pure.
