//! Everything that must hold before the first write, in order; the only maker of `Authorized`.
