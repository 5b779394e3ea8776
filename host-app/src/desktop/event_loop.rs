//! The window's event loop: eframe's, with the render thread kept from submitting while the window changes its size.
//!
//! Window and render thread share one device. wgpu waits until the device is idle before it sets up a surface anew, and
//! refuses when another thread submitted work meanwhile; the window would then go on with a surface of the old size and
//! lose frames until the next change. The window's size changes inside eframe, so that the events pass through here.

use eframe::{NativeOptions, UserEvent};
use rr_engine::Gpu;
use std::sync::{Arc, OnceLock};
use winit::application::ApplicationHandler;
use winit::event::{DeviceEvent, DeviceId, StartCause, WindowEvent};
use winit::event_loop::{ActiveEventLoop, EventLoop};
use winit::window::WindowId;

/// Runs the window until it is closed. `gpu` is filled in by `creator`, once the window has a device.
///
/// # Errors
/// When there is no desktop. That the window itself did not come up shows in `creator` not having been called.
pub fn run(
    native: NativeOptions,
    gpu: &Arc<OnceLock<Gpu>>,
    creator: eframe::AppCreator<'_>,
) -> Result<(), winit::error::EventLoopError> {
    let event_loop = EventLoop::<UserEvent>::with_user_event().build()?;
    let window = eframe::create_native("remote-render", native, creator, &event_loop);
    event_loop.run_app(&mut Gated { window, gpu: Arc::clone(gpu) })
}

struct Gated<A> {
    window: A,
    gpu: Arc<OnceLock<Gpu>>,
}

impl<A: ApplicationHandler<UserEvent>> ApplicationHandler<UserEvent> for Gated<A> {
    fn window_event(&mut self, event_loop: &ActiveEventLoop, id: WindowId, event: WindowEvent) {
        let resizes = matches!(event, WindowEvent::Resized(_) | WindowEvent::ScaleFactorChanged { .. });
        let _gate = self.gpu.get().filter(|_| resizes).map(Gpu::hold_submissions);
        self.window.window_event(event_loop, id, event);
    }

    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        self.window.resumed(event_loop);
    }

    fn new_events(&mut self, event_loop: &ActiveEventLoop, cause: StartCause) {
        self.window.new_events(event_loop, cause);
    }

    fn user_event(&mut self, event_loop: &ActiveEventLoop, event: UserEvent) {
        self.window.user_event(event_loop, event);
    }

    fn device_event(&mut self, event_loop: &ActiveEventLoop, id: DeviceId, event: DeviceEvent) {
        self.window.device_event(event_loop, id, event);
    }

    fn about_to_wait(&mut self, event_loop: &ActiveEventLoop) {
        self.window.about_to_wait(event_loop);
    }

    fn suspended(&mut self, event_loop: &ActiveEventLoop) {
        self.window.suspended(event_loop);
    }

    fn exiting(&mut self, event_loop: &ActiveEventLoop) {
        self.window.exiting(event_loop);
    }

    fn memory_warning(&mut self, event_loop: &ActiveEventLoop) {
        self.window.memory_warning(event_loop);
    }
}
