//! What the session does when pictures cannot be drawn: the owner reads why in the log, viewers in a message, and the
//! workspace stays as it is.

use crate::document;
use crate::engine::Saving;
use crate::host::Host;
use crate::log::LogLevel;
use crate::render_thread::PictureOf;
use rr_render::GpuInfo;

impl Host {
    pub(crate) fn render_failed(&mut self, of: PictureOf, reason: &str) {
        match of {
            PictureOf::Stream(_) => {
                self.log.add(LogLevel::Error, format!("viewers get no new pictures: {reason}"));
                self.picture_fault = Some(reason.to_owned());
                self.tell_picture_fault(None);
            }
            PictureOf::Window => {
                self.log.add(LogLevel::Error, format!("the picture of the window cannot be drawn: {reason}"));
                self.window_fault = Some(reason.to_owned());
            }
        }
    }

    pub(crate) fn render_recovered(&mut self, of: PictureOf) {
        match of {
            PictureOf::Stream(_) => {
                self.picture_fault = None;
                self.log.add(LogLevel::Info, "viewers get pictures again");
            }
            PictureOf::Window => {
                self.window_fault = None;
                self.log.add(LogLevel::Info, "the picture of the window is drawn again");
            }
        }
    }

    pub(crate) fn device_lost(&mut self, reason: &str, window: bool) {
        self.log.add(LogLevel::Error, format!("the graphics device was lost: {reason}. The workspace is kept."));
        if !window {
            return;
        }
        let advice = "The window shows no new pictures: save the workspace and start rrhost again.";
        self.log.add(LogLevel::Error, advice);
        // For good: the window cannot show what another device draws.
        self.window_fault =
            Some(format!("the graphics device was lost ({reason}); only a new start brings this window back"));
        // A window without its device may not even show that.
        if self.dirty && self.saving != Saving::Always {
            let copy = document::recovery_path();
            self.log.add(LogLevel::Warning, format!("unsaved changes are copied to {}", copy.display()));
            self.save(Some(copy), None);
        }
    }

    pub(crate) fn device_opened(&mut self, info: &GpuInfo) {
        self.picture_fault = None;
        let speed = if info.is_software { ", on the processor and slower" } else { "" };
        self.log.add(LogLevel::Info, format!("pictures are now drawn by {}{speed}", info.name));
    }
}
