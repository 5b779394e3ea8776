//! The graphics device that renderer, desktop window and read-back share, and how its faults surface.
//!
//! wgpu reports many errors to callbacks and panics when nobody listens. Here the callbacks store the first
//! fault; [`Gpu::check`] hands it to whoever renders next, so that a lost device ends in an error, not a panic.

use rr_gpu_share::{Share, ShareError};
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::ThreadId;

/// Which kind of adapter may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AdapterChoice {
    /// Hardware when there is any, otherwise software with a warning.
    #[default]
    Auto,
    /// Hardware or an error.
    Hardware,
    /// The software rasterizer even where hardware exists.
    Software,
    /// The hardware adapter with this number, from 0, counted around where there are fewer. As [`Self::Auto`] where there is
    /// no hardware.
    Number(u8),
    /// As [`Self::Auto`]; of several adapters of the fastest kind the one with this number, from 0, counted around, so that
    /// each of several programs has one and none has to do with the slow one beside them.
    Spread(u8),
}

/// Numbers of adapters end here.
const MOST_ADAPTERS: u8 = 64;
const SPREAD: &str = "spread-";

impl AdapterChoice {
    fn allows(self, kind: wgpu::DeviceType) -> bool {
        match self {
            Self::Auto | Self::Number(_) | Self::Spread(_) => true,
            Self::Hardware => kind != wgpu::DeviceType::Cpu,
            Self::Software => kind == wgpu::DeviceType::Cpu,
        }
    }

    /// What the session with this number, from 0, of one program draws on: where nobody named a card, all cards have their
    /// share.
    pub fn of_session(self, number: u16) -> Self {
        match self {
            Self::Auto => Self::Spread(u8::try_from(number).unwrap_or(u8::MAX)),
            named => named,
        }
    }

    /// The adapters that may be used, fastest kind first: discrete, integrated, virtual, anything else, software; one that is
    /// meant by its number before all.
    pub fn in_order(self, mut adapters: Vec<wgpu::Adapter>) -> Vec<wgpu::Adapter> {
        adapters.retain(|a| self.allows(a.get_info().device_type));
        adapters.sort_by_cached_key(|a| slowness(a.get_info().device_type));
        let kinds: Vec<_> = adapters.iter().map(|a| slowness(a.get_info().device_type)).collect();
        self.put_first(&mut adapters, &kinds);
        adapters
    }

    /// The one that is meant; `kinds` says how slow each is.
    fn put_first<T>(self, adapters: &mut [T], kinds: &[u8]) {
        let (number, candidates) = match self {
            Self::Number(number) => (number, kinds.iter().filter(|kind| **kind < SOFTWARE).count()),
            Self::Spread(number) => (number, kinds.iter().take_while(|kind| Some(*kind) == kinds.first()).count()),
            Self::Auto | Self::Hardware | Self::Software => return,
        };
        if let Some(place) = usize::from(number).checked_rem(candidates)
            && let Some(front) = adapters.get_mut(..=place)
        {
            front.rotate_right(1);
        }
    }
}

/// Kinds of adapters by their speed, 0 the fastest.
fn slowness(kind: wgpu::DeviceType) -> u8 {
    match kind {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => SOFTWARE,
    }
}

const SOFTWARE: u8 = 4;

/// Flags of every wgpu instance: validation layers only when `RR_GPU_VALIDATION` is set, whatever the build profile.
/// They cost more than the rendering itself.
pub fn instance_flags() -> wgpu::InstanceFlags {
    if std::env::var_os("RR_GPU_VALIDATION").is_some() {
        wgpu::InstanceFlags::debugging()
    } else {
        wgpu::InstanceFlags::empty()
    }
}

/// What every device is opened with: all that the adapter has, because CAD meshes need larger buffers than the
/// portable defaults allow.
pub fn device_descriptor(adapter: &wgpu::Adapter) -> wgpu::DeviceDescriptor<'static> {
    wgpu::DeviceDescriptor {
        label: Some("rr-render"),
        required_features: adapter.features() & WANTED_FEATURES,
        required_limits: adapter.limits(),
        ..Default::default()
    }
}

/// What is used where the adapter has it: a stencil beside the depth fills the cuts of section planes, timestamps tell
/// what a pass takes, and with a first instance in draw commands the device writes them itself.
const WANTED_FEATURES: wgpu::Features = wgpu::Features::DEPTH32FLOAT_STENCIL8
    .union(wgpu::Features::TIMESTAMP_QUERY)
    .union(wgpu::Features::INDIRECT_FIRST_INSTANCE);

impl fmt::Display for AdapterChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Hardware => f.write_str("hardware"),
            Self::Software => f.write_str("software"),
            Self::Number(number) => number.fmt(f),
            Self::Spread(number) => write!(f, "{SPREAD}{number}"),
        }
    }
}

impl FromStr for AdapterChoice {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse().ok().filter(|number| *number < MOST_ADAPTERS);
        let text = s.trim().to_ascii_lowercase();
        let choice = match text.as_str() {
            "auto" => Some(Self::Auto),
            "hardware" => Some(Self::Hardware),
            "software" => Some(Self::Software),
            text => match text.strip_prefix(SPREAD) {
                Some(rest) => number(rest).map(Self::Spread),
                None => number(text).map(Self::Number),
            },
        };
        choice.ok_or_else(|| {
            format!(
                "unknown adapter \"{s}\"; use auto, hardware, software, the number of a graphics card from 0, or spread- and a \
                 number for one of several like cards"
            )
        })
    }
}

/// What went wrong on the way to a picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    /// There is no adapter of the wanted kind; `hint` says what to install or change.
    #[error("no {wanted} graphics adapter was found. {hint}")]
    NoAdapter {
        /// Kind that was asked for, in words.
        wanted: &'static str,
        /// What to do.
        hint: String,
    },
    /// Every adapter refused to open.
    #[error("the graphics adapter could not be opened: {0}")]
    Device(String),
    /// The device is gone (driver reset, card removed); open a new [`Gpu`] to go on.
    #[error("the graphics device was lost: {0}")]
    Lost(String),
    /// Not enough memory for what was asked; the device itself still works.
    #[error("the graphics device is out of memory ({0})")]
    OutOfMemory(String),
    /// A picture of that size is not possible on this device.
    #[error("a picture of {width}x{height} pixels is not possible; the largest edge is {max}")]
    Size {
        /// Wanted width in pixels.
        width: u32,
        /// Wanted height in pixels.
        height: u32,
        /// Largest edge in pixels.
        max: u32,
    },
    /// The device refused a command: a fault of the program or the driver.
    #[error("the graphics device refused a command: {0}")]
    Refused(String),
    /// The picture could not be read back.
    #[error("the picture could not be read back: {0}")]
    ReadBack(String),
    /// The picture could not be written.
    #[error("the picture could not be written to {path}: {reason}")]
    Picture {
        /// File or a word for what stands in its place.
        path: String,
        /// Reason given by the system or the encoder.
        reason: String,
    },
}

/// What is known about the adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuInfo {
    /// Name of the adapter.
    pub name: String,
    /// Interface such as `vulkan`.
    pub backend: String,
    /// True when the CPU does the work.
    pub is_software: bool,
    /// Driver and its version.
    pub driver: String,
}

/// Adapter, device and queue. Clones share them.
#[derive(Debug, Clone)]
pub struct Gpu {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    adapter: wgpu::Adapter,
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: GpuInfo,
    faults: Arc<Faults>,
    /// Held while commands go to the device, and by a window that must not be disturbed by that.
    submissions: Mutex<()>,
    /// Looked up when somebody asks.
    share: OnceLock<Result<Share, ShareError>>,
}

#[derive(Debug, Default)]
struct Faults {
    /// Stays for good.
    lost: Mutex<Option<String>>,
    /// The first fault since the last check.
    fault: Mutex<Option<GpuError>>,
}

impl Gpu {
    /// Opens an adapter without a window: the fastest kind that `choice` allows and that opens.
    ///
    /// # Errors
    /// [`GpuError::NoAdapter`] with what to install, [`GpuError::Device`] when all candidates refuse.
    pub fn headless(choice: AdapterChoice) -> Result<Self, GpuError> {
        let mut desc = wgpu::InstanceDescriptor::new_without_display_handle();
        desc.backends = wgpu::Backends::PRIMARY;
        desc.flags = instance_flags();
        let instance = wgpu::Instance::new(desc);
        let adapters = choice.in_order(pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY)));
        if adapters.is_empty() {
            return Err(no_adapter(choice));
        }
        let mut refusals = Vec::new();
        for adapter in adapters {
            match open(&adapter) {
                Ok((device, queue)) => return Ok(Self::from_parts(adapter, device, queue, None)),
                Err(e) => refusals.push(format!("{}: {e}", adapter.get_info().name)),
            }
        }
        Err(GpuError::Device(refusals.join("; ")))
    }

    /// Shares the device that a window was opened with; to be called on the window's thread. The device's error
    /// callbacks are replaced.
    ///
    /// What goes wrong on the window's thread costs the window a frame and is told to `on_lost_frame`; it is no fault
    /// of the pictures that other threads draw.
    pub fn of_window(
        adapter: wgpu::Adapter,
        device: wgpu::Device,
        queue: wgpu::Queue,
        on_lost_frame: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self::from_parts(adapter, device, queue, Some((std::thread::current().id(), Box::new(on_lost_frame))))
    }

    /// What adapters there are, in the order in which `choice` tries them.
    pub fn adapters(choice: AdapterChoice) -> Vec<GpuInfo> {
        let mut desc = wgpu::InstanceDescriptor::new_without_display_handle();
        desc.backends = wgpu::Backends::PRIMARY;
        desc.flags = instance_flags();
        let instance = wgpu::Instance::new(desc);
        let all = choice.in_order(pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY)));
        all.iter().map(|adapter| describe(&adapter.get_info())).collect()
    }

    fn from_parts(
        adapter: wgpu::Adapter,
        device: wgpu::Device,
        queue: wgpu::Queue,
        window: Option<(ThreadId, Box<dyn Fn() + Send + Sync>)>,
    ) -> Self {
        let info = describe(&adapter.get_info());
        if info.is_software {
            crate::memory::keep_for_software_rasterizer();
        }
        let faults = Arc::new(Faults::default());
        let lost = Arc::clone(&faults);
        device.set_device_lost_callback(move |reason, message| {
            let text = if message.is_empty() { format!("{reason:?}") } else { message };
            tracing::error!(target: "rr_render", reason = %text, "graphics device lost");
            lock(&lost.lost).get_or_insert(text);
        });
        let uncaptured = Arc::clone(&faults);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            // wgpu calls back on the thread that made the error.
            if let Some((thread, on_lost_frame)) = &window
                && *thread == std::thread::current().id()
            {
                tracing::debug!(target: "rr_render", %error, "the window loses a frame");
                on_lost_frame();
                return;
            }
            tracing::error!(target: "rr_render", %error, "graphics device reported an error");
            lock(&uncaptured.fault).get_or_insert(from_wgpu(&error));
        }));
        let (submissions, share) = Default::default();
        Self { inner: Arc::new(Inner { adapter, device, queue, info, faults, submissions, share }) }
    }

    /// What of the device's memory other interfaces of the same card can use, or why none.
    ///
    /// # Errors
    /// What is missing; the answer stays the same.
    pub fn share(&self) -> Result<&Share, ShareError> {
        let Inner { adapter, device, queue, share, .. } = &*self.inner;
        share.get_or_init(|| Share::new(adapter, device, queue)).as_ref().map_err(Clone::clone)
    }

    /// What adapter this is.
    pub fn info(&self) -> &GpuInfo {
        &self.inner.info
    }

    /// Text for the user when the picture comes from the CPU.
    pub fn warning(&self) -> Option<String> {
        self.info().is_software.then(|| {
            format!(
                "No graphics card is in use: pictures are drawn on the CPU by {}. Large models will be slow. \
                 Install the graphics driver to change that.",
                self.info().name
            )
        })
    }

    /// True when there can be a stencil beside the depth.
    pub(crate) fn has_stencil(&self) -> bool {
        self.device().features().contains(wgpu::Features::DEPTH32FLOAT_STENCIL8)
    }

    /// Samples per pixel that this adapter has the speed for.
    pub fn default_samples(&self) -> u32 {
        if self.info().is_software { 1 } else { 4 }
    }

    /// The adapter behind the device.
    pub fn adapter(&self) -> &wgpu::Adapter {
        &self.inner.adapter
    }

    /// The device.
    pub fn device(&self) -> &wgpu::Device {
        &self.inner.device
    }

    /// The queue.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.inner.queue
    }

    /// Hands the commands to the device.
    pub fn submit(&self, commands: wgpu::CommandBuffer) -> wgpu::SubmissionIndex {
        let _gate = self.hold_submissions();
        self.queue().submit([commands])
    }

    /// As long as this is held no [`Self::submit`] goes through: setting up a window's surface fails when work comes in
    /// meanwhile.
    pub fn hold_submissions(&self) -> MutexGuard<'_, ()> {
        lock(&self.inner.submissions)
    }

    /// Hands out the first fault since the last check. A lost device fails every check.
    ///
    /// # Errors
    /// Whatever the device reported.
    pub fn check(&self) -> Result<(), GpuError> {
        if let Some(reason) = lock(&self.inner.faults.lost).clone() {
            return Err(GpuError::Lost(reason));
        }
        lock(&self.inner.faults.fault).take().map_or(Ok(()), Err)
    }

    /// Runs `work` and reports a lack of memory or a refusal in it as this call's own error.
    pub(crate) fn guarded<T>(&self, work: impl FnOnce() -> T) -> Result<T, GpuError> {
        self.check()?;
        let value = self.scoped(work)?;
        self.check().map(|()| value)
    }

    /// As [`Self::guarded`], but leaves faults of others to those who wait for them: for threads beside the renderer's.
    pub(crate) fn scoped<T>(&self, work: impl FnOnce() -> T) -> Result<T, GpuError> {
        let memory = self.device().push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = self.device().push_error_scope(wgpu::ErrorFilter::Validation);
        let value = work();
        let refused = pollster::block_on(validation.pop());
        let starved = pollster::block_on(memory.pop());
        match starved.or(refused) {
            Some(error) => Err(from_wgpu(&error)),
            None => Ok(value),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn from_wgpu(error: &wgpu::Error) -> GpuError {
    match error {
        wgpu::Error::OutOfMemory { source } => GpuError::OutOfMemory(source.to_string()),
        wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. } => {
            GpuError::Refused(description.clone())
        }
    }
}

fn describe(adapter: &wgpu::AdapterInfo) -> GpuInfo {
    GpuInfo {
        name: adapter.name.clone(),
        backend: adapter.backend.to_str().to_owned(),
        is_software: adapter.device_type == wgpu::DeviceType::Cpu,
        driver: format!("{} {}", adapter.driver, adapter.driver_info).trim().to_owned(),
    }
}

fn open(adapter: &wgpu::Adapter) -> Result<(wgpu::Device, wgpu::Queue), wgpu::RequestDeviceError> {
    rr_gpu_share::open(adapter, &device_descriptor(adapter))
}

fn no_adapter(choice: AdapterChoice) -> GpuError {
    let (wanted, hint) = match choice {
        AdapterChoice::Hardware => {
            ("hardware", "Install the driver of the graphics card, or choose the adapter \"auto\".")
        }
        _ if cfg!(target_os = "linux") => (
            if choice == AdapterChoice::Software { "software" } else { "usable" },
            "Install the driver of the graphics card, or the software renderer: \
             apt install mesa-vulkan-drivers (Debian, Ubuntu), dnf install mesa-vulkan-drivers (Fedora, RHEL).",
        ),
        AdapterChoice::Software => ("software", "Choose the adapter \"auto\"."),
        _ => ("usable", "Install the driver of the graphics card."),
    };
    GpuError::NoAdapter { wanted, hint: hint.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_adapter_says_what_to_do() {
        let text = no_adapter(AdapterChoice::Auto).to_string();
        if cfg!(target_os = "linux") {
            assert!(text.contains("mesa-vulkan-drivers"), "{text}");
        }
        assert!(no_adapter(AdapterChoice::Hardware).to_string().contains("driver"));
    }

    #[test]
    fn sessions_share_the_cards_where_nobody_named_one() {
        assert_eq!(AdapterChoice::Auto.of_session(0), AdapterChoice::Spread(0));
        assert_eq!(AdapterChoice::Auto.of_session(3), AdapterChoice::Spread(3));
        for named in [AdapterChoice::Software, AdapterChoice::Number(1), AdapterChoice::Spread(1)] {
            assert_eq!(named.of_session(3), named);
        }
    }

    #[test]
    fn a_number_names_a_card_and_is_counted_around() {
        let order = |choice: AdapterChoice, kinds: [u8; 4]| {
            let mut all = vec!["a", "b", "c", "d"];
            choice.put_first(&mut all, &kinds);
            all.join(" ")
        };
        let (workstation, server, none) = ([0, 0, 1, SOFTWARE], [0, 0, 0, 0], [SOFTWARE; 4]);
        assert_eq!(order(AdapterChoice::Number(0), workstation), "a b c d");
        assert_eq!(order(AdapterChoice::Number(1), workstation), "b a c d");
        assert_eq!(order(AdapterChoice::Number(5), workstation), "c a b d");
        assert_eq!(order(AdapterChoice::Number(2), none), "a b c d", "nothing to choose from");
        assert_eq!(order(AdapterChoice::Spread(1), workstation), "b a c d");
        assert_eq!(order(AdapterChoice::Spread(2), workstation), "a b c d", "the slow card is nobody's");
        assert_eq!(order(AdapterChoice::Spread(2), server), "c a b d");
        assert_eq!(order(AdapterChoice::Spread(7), server), "d a b c");
        assert_eq!(order(AdapterChoice::Auto, server), "a b c d");
        AdapterChoice::Spread(1).put_first::<u8>(&mut [], &[]);
        for (text, choice) in [
            ("auto", AdapterChoice::Auto),
            ("Software", AdapterChoice::Software),
            ("3", AdapterChoice::Number(3)),
            ("spread-2", AdapterChoice::Spread(2)),
        ] {
            assert_eq!(text.parse::<AdapterChoice>().unwrap(), choice);
            assert_eq!(choice.to_string(), text.to_lowercase());
        }
        for wrong in ["", "64", "-1", "1.0", "cuda", "spread-", "spread-64", "spread"] {
            assert!(wrong.parse::<AdapterChoice>().unwrap_err().contains("number of a graphics card"), "{wrong}");
        }
    }
}
