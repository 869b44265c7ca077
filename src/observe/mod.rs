//! A proposal and a live target become what was observed. Reads and rehearses, never writes.
