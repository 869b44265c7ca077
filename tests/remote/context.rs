//! Whom a connection trusts, and by which way it reaches the server.
