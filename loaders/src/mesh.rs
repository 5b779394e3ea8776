//! Mesh processing shared by the formats.
