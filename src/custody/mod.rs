//! What must not leak: key files, the agent, secret sources, masking, the user's state folder.
