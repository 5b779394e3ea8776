//! Writes models as binary glTF 2.0 (ISO/IEC 12113:2022), compact: KHR_mesh_quantization for the numbers and
//! EXT_meshopt_compression for the bytes, which browsers and three.js read fast.
//!
//! Parts become meshes, instances nodes below nodes for the words of their names, colours materials. Metres, Y up.
//! Feature edges are left out: whoever shows the model finds them again.

mod buffer;
mod document;
mod mesh;

use rr_scene::Assembly;

/// How a model is written.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Farthest that a vertex may move, in metres. Parts that 16 bits cannot hold this well keep their floats.
    pub max_error_m: f32,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_error_m: 5e-5 }
    }
}

/// Why a model cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// There is no triangle and no line that is placed.
    #[error("the model holds nothing that can be shown")]
    Empty,
    /// The format has 32 bits for lengths.
    #[error("the model is too large for one glTF file")]
    TooLarge,
    /// The model breaks the contract of its types.
    #[error("the model is damaged: {0}")]
    Damaged(String),
    /// The codec refused.
    #[error("compression failed: {0}")]
    Codec(String),
}

/// The bytes of a `.glb` file.
pub fn to_glb(model: &Assembly, options: &Options) -> Result<Vec<u8>, ExportError> {
    model.check().map_err(ExportError::Damaged)?;
    document::Document::of(model, options)?.into_glb()
}
