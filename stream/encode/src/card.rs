//! Pictures that lie in a graphics card's memory: an encoder on the same card takes them from there, everybody else gets a
//! copy in memory when it asks for one.

use crate::frame::FrameError;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

#[cfg(unix)]
pub use std::os::fd::BorrowedFd as BorrowedHandle;
#[cfg(windows)]
pub use std::os::windows::io::BorrowedHandle;

/// Which card: the number that all its interfaces have for it (`deviceUUID` of Vulkan, `CUuuid` of CUDA).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CardId(pub [u8; 16]);

impl fmt::Debug for CardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for CardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Memory of a card that others may import.
#[derive(Debug, Clone, Copy)]
pub struct CardMemory<'a> {
    /// Names the memory: pictures with the same key lie in the same. Gone when the memory is, so that whoever imported it
    /// can hold a weak one and let go.
    pub key: &'a Arc<()>,
    /// The memory; importing takes a copy of the handle.
    pub handle: BorrowedHandle<'a>,
    /// Its whole length.
    pub bytes: u64,
    /// It was allocated for one buffer alone, which importers have to know.
    pub dedicated: bool,
}

/// What tells the card that a picture is there: a timeline semaphore.
#[derive(Debug, Clone, Copy)]
pub struct CardFence<'a> {
    /// Names the semaphore, as [`CardMemory::key`].
    pub key: &'a Arc<()>,
    /// The semaphore; importing takes a copy of the handle.
    pub handle: BorrowedHandle<'a>,
    /// What it reaches when the picture is there.
    pub value: u64,
}

/// A picture in a card's memory: I420, BT.709, limited range. The planes (luma, blue, red) follow each other from the
/// beginning of the memory, rows of luma [`CardPicture::pitch`] bytes apart and rows of chroma half of that.
///
/// It stays as it is for as long as somebody holds it.
pub trait CardPicture: fmt::Debug + Send + Sync {
    /// The card.
    fn card(&self) -> CardId;

    /// Bytes from one row of luma to the next; even.
    fn pitch(&self) -> u32;

    /// Where it lies.
    fn memory(&self) -> CardMemory<'_>;

    /// What an importer has to wait for on the card; none where only [`CardPicture::wait`] knows.
    fn fence(&self) -> Option<CardFence<'_>>;

    /// Waits until the picture is there, for a bounded time.
    ///
    /// # Errors
    /// The device that draws it was lost or is stuck.
    fn wait(&self) -> Result<(), FrameError>;

    /// When somebody saw that it was there; none as long as nobody waited for it.
    fn ready_at(&self) -> Option<Instant>;

    /// Copies it into memory, each plane without gaps between its rows. Waits for it.
    ///
    /// # Errors
    /// As [`CardPicture::wait`], or there is no memory for the copy.
    fn read(&self, planes: [&mut [u8]; 3]) -> Result<(), FrameError>;
}
