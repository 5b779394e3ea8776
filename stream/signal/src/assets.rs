//! Files of the viewer page, embedded at build time.

/// One embedded file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// Where it is served, without the leading slash, such as `assets/index-4d3kPq0z.js`; `index.html` also at `/`.
    pub path: &'static str,
    /// MIME type, sent as it is.
    pub content_type: &'static str,
    /// The file.
    pub bytes: &'static [u8],
    /// The name changes with the content, so that browsers may keep it for ever.
    pub hashed: bool,
}

include!(concat!(env!("OUT_DIR"), "/viewer_assets.rs"));
