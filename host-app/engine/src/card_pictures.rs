//! Pictures that stay on the graphics card on their way to the encoder, where the encoder is on the same card; or why they
//! go through memory.

use rr_encode::{BorrowedHandle, CardFence, CardId, CardMemory, CardPicture, Frame, FrameError};
use rr_render::{AdapterChoice, FrameOptions, Gpu, RenderTarget, Renderer, ShareError, Theme};
use rr_render::{VideoConverter, VideoPicture};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// After a failure, such as a lack of memory, pictures go through memory for this long.
const PAUSE: Duration = Duration::from_secs(30);

/// Puts pictures of one device into frames without copying them into memory.
#[derive(Debug, Default)]
pub struct CardPictures {
    converter: Option<Converter>,
    refused_until: Option<Instant>,
    /// What was said last of why pictures go through memory: each reason is news once.
    told: Option<String>,
}

#[derive(Debug)]
struct Converter {
    video: VideoConverter,
    /// Names the fence of the device.
    fence: Arc<()>,
}

impl CardPictures {
    /// The device is another one.
    pub fn forget(&mut self) {
        let told = self.told.take();
        *self = Self { told, ..Self::default() };
    }

    /// Fills the frame with what was drawn into the target last, when somebody takes pictures of this card where they lie
    /// (`wanted`). None: it is for the caller to read it back. The picture is on its way when this returns.
    pub fn fill(
        &mut self,
        gpu: &Gpu,
        wanted: Option<CardId>,
        target: &RenderTarget,
        frame: &mut Frame,
        now: Instant,
    ) -> Option<Arc<dyn CardPicture>> {
        let wanted = wanted?;
        if self.refused_until.is_some_and(|until| now < until) {
            return None;
        }
        match self.picture(gpu, wanted, target) {
            Ok(picture) => {
                let (width, height) = target.size();
                let picture: Arc<dyn CardPicture> = Arc::new(picture);
                frame.fill_on_card(Arc::clone(&picture), width, height).ok()?;
                self.refused_until = None;
                if self.told.take().is_some() {
                    tracing::info!("pictures go to the encoder on the card");
                }
                Some(picture)
            }
            Err(reason) => {
                self.refused_until = Some(now + PAUSE);
                if self.told.as_ref() != Some(&reason) {
                    tracing::warn!(%reason, "pictures go to the encoder through memory");
                    self.told = Some(reason);
                }
                None
            }
        }
    }

    fn picture(&mut self, gpu: &Gpu, wanted: CardId, target: &RenderTarget) -> Result<OnCard, String> {
        let converter = match &mut self.converter {
            Some(converter) => converter,
            none => none.insert(Converter::new(gpu).map_err(|e| e.to_string())?),
        };
        let card = CardId(converter.video.share().card());
        if card != wanted {
            return Err(format!("they are drawn on {}, and the encoder is on another card", gpu.info().name));
        }
        converter.convert(target).map_err(|e| e.to_string())
    }
}

impl Converter {
    fn new(gpu: &Gpu) -> Result<Self, ShareError> {
        Ok(Self { video: VideoConverter::new(gpu)?, fence: Arc::default() })
    }

    fn convert(&mut self, target: &RenderTarget) -> Result<OnCard, ShareError> {
        let picture = self.video.convert(target)?;
        Ok(OnCard { picture, fence: Arc::clone(&self.fence), ready_at: OnceLock::new() })
    }
}

/// A picture of the renderer as encoders know it.
#[derive(Debug)]
struct OnCard {
    picture: VideoPicture,
    fence: Arc<()>,
    ready_at: OnceLock<Instant>,
}

fn lost(error: &ShareError) -> FrameError {
    FrameError::Card(error.to_string())
}

impl CardPicture for OnCard {
    fn card(&self) -> CardId {
        CardId(self.picture.share().card())
    }

    fn pitch(&self) -> u32 {
        self.picture.pitch()
    }

    fn memory(&self) -> CardMemory<'_> {
        let memory = self.picture.memory();
        let handle: BorrowedHandle<'_> = memory.handle();
        CardMemory { key: self.picture.key(), handle, bytes: memory.memory_bytes(), dedicated: memory.is_dedicated() }
    }

    fn fence(&self) -> Option<CardFence<'_>> {
        let handle = self.picture.share().fence_handle()?;
        Some(CardFence { key: &self.fence, handle, value: self.picture.number() })
    }

    fn wait(&self) -> Result<(), FrameError> {
        self.picture.wait().map_err(|e| lost(&e))?;
        self.ready_at.get_or_init(Instant::now);
        Ok(())
    }

    fn ready_at(&self) -> Option<Instant> {
        self.ready_at.get().copied()
    }

    fn read(&self, planes: [&mut [u8]; 3]) -> Result<(), FrameError> {
        self.picture.read(planes).map_err(|e| lost(&e))?;
        self.ready_at.get_or_init(Instant::now);
        Ok(())
    }
}

/// Draws a picture of this size and looks at it through CUDA: whether an encoder on NVIDIA's card could take pictures of this adapter
/// where they lie. What the fence is told by, or why it cannot.
///
/// # Errors
/// What stands in the way.
pub fn try_pictures_on_card(choice: AdapterChoice, (width, height): (u32, u32)) -> Result<&'static str, String> {
    let gpu = Gpu::headless(choice).map_err(|e| e.to_string())?;
    let share = gpu.share().map_err(|e| e.to_string())?;
    rr_stream::is_nvidia_card(CardId(share.card()))?;
    let mut target = RenderTarget::new(&gpu, width, height, 1).map_err(|e| e.to_string())?;
    let mut renderer = Renderer::new(&gpu, Theme::DARK).map_err(|e| e.to_string())?;
    let scene = rr_scene::SceneSnapshot::default();
    renderer.render(&mut target, &scene, &FrameOptions::default()).map_err(|e| e.to_string())?;
    let picture = Converter::new(&gpu).and_then(|mut c| c.convert(&target)).map_err(|e| e.to_string())?;
    rr_stream::try_card_picture(&picture, width & !1, height & !1)?;
    Ok(match share.fence_mode() {
        rr_render::FenceMode::Exported => "fenced by a semaphore that both share",
        rr_render::FenceMode::Host => {
            "the processor waits for each picture, since the driver does not share semaphores"
        }
    })
}

#[cfg(test)]
#[path = "card_pictures_tests.rs"]
mod tests;
