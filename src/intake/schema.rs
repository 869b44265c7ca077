//! JSON Schema of the documents.
