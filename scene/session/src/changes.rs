//! What changed since somebody last asked: the material of incremental updates.

use rr_scene::{ConnectionId, DeviceId, Event, ViewId};
use std::collections::BTreeSet;

/// Names what changed; the values are in the session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// New or changed devices.
    pub devices: BTreeSet<DeviceId>,
    /// Devices whose geometry arrived, failed or is on its way: they look different, the document does not.
    pub models: BTreeSet<DeviceId>,
    /// Devices that are gone.
    pub removed_devices: BTreeSet<DeviceId>,
    /// New connections.
    pub connections: BTreeSet<ConnectionId>,
    /// Connections that are gone.
    pub removed_connections: BTreeSet<ConnectionId>,
    /// New or changed measurements.
    pub measurements: BTreeSet<u32>,
    /// Measurements that are gone.
    pub removed_measurements: BTreeSet<u32>,
    /// The selection changed.
    pub selection: bool,
    /// The shared camera moved.
    pub camera: bool,
    /// Cameras of participants who look for themselves that moved, are new or are gone.
    pub own_cameras: BTreeSet<ViewId>,
    /// Section planes were set, moved or taken away.
    pub section: bool,
    /// The list of named views changed.
    pub views: bool,
    /// The workspace has another name.
    pub name: bool,
    /// Somebody came, left, took or gave control, or moved a pointer.
    pub presence: bool,
    /// Something only the picture shows: hover, probe.
    pub picture: bool,
    /// All of it is different: another workspace was opened.
    pub everything: bool,
}

impl Changes {
    /// True when nothing changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// True when the picture may look different.
    pub fn touches_picture(&self) -> bool {
        *self != self.unseen()
    }

    /// What of it no picture shows.
    fn unseen(&self) -> Self {
        Self { presence: self.presence, views: self.views, name: self.name, ..Self::default() }
    }

    /// True when the picture through one camera may look different.
    pub fn touches_view(&self, view: ViewId) -> bool {
        let moved = if view == ViewId::SHARED { self.camera } else { self.own_cameras.contains(&view) };
        // Asked for each viewer: what may be long is not copied.
        let cameras = Self { camera: self.camera, own_cameras: self.own_cameras.clone(), ..self.unseen() };
        moved || *self != cameras
    }

    /// True when the document differs, so that it wants saving.
    pub fn touches_document(&self) -> bool {
        !(self.devices.is_empty()
            && self.removed_devices.is_empty()
            && self.connections.is_empty()
            && self.removed_connections.is_empty()
            && !self.views
            && !self.name)
    }

    /// Adds what changed later.
    pub fn merge(&mut self, later: Self) {
        for id in later.removed_devices {
            self.record(Event::DeviceRemoved(id));
        }
        for id in later.devices {
            self.record(Event::DeviceChanged(id));
        }
        for id in later.removed_connections {
            self.record(Event::ConnectionRemoved(id));
        }
        for id in later.connections {
            self.record(Event::ConnectionAdded(id));
        }
        later.removed_measurements.into_iter().for_each(|id| self.measurement_removed(id));
        later.measurements.into_iter().for_each(|id| self.measured(id));
        self.models.extend(later.models);
        self.selection |= later.selection;
        self.camera |= later.camera;
        self.own_cameras.extend(later.own_cameras);
        self.section |= later.section;
        self.views |= later.views;
        self.name |= later.name;
        self.presence |= later.presence;
        self.picture |= later.picture;
        self.everything |= later.everything;
    }

    /// Adds a measurement that is new or says something else now.
    pub(crate) fn measured(&mut self, id: u32) {
        self.removed_measurements.remove(&id);
        self.measurements.insert(id);
    }

    /// Adds a measurement that is gone.
    pub(crate) fn measurement_removed(&mut self, id: u32) {
        self.measurements.remove(&id);
        self.removed_measurements.insert(id);
    }

    /// Adds what an event says. A thing that comes back after it went is changed, not gone.
    pub(crate) fn record(&mut self, event: Event) {
        match event {
            Event::DeviceChanged(id) => {
                self.removed_devices.remove(&id);
                self.devices.insert(id);
            }
            Event::DeviceRemoved(id) => {
                self.devices.remove(&id);
                self.removed_devices.insert(id);
            }
            Event::ConnectionAdded(id) => {
                self.removed_connections.remove(&id);
                self.connections.insert(id);
            }
            Event::ConnectionRemoved(id) => {
                self.connections.remove(&id);
                self.removed_connections.insert(id);
            }
            Event::ViewsChanged => self.views = true,
            Event::WorkspaceRenamed => self.name = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_touches_its_own_view_only() {
        let own = Changes { own_cameras: [ViewId(3)].into(), ..Changes::default() };
        assert!(own.touches_picture() && own.touches_view(ViewId(3)));
        assert!(!own.touches_view(ViewId(4)) && !own.touches_view(ViewId::SHARED));
        let shared = Changes { camera: true, ..Changes::default() };
        assert!(shared.touches_view(ViewId::SHARED) && !shared.touches_view(ViewId(3)));
        let hover = Changes { picture: true, ..Changes::default() };
        assert!(hover.touches_view(ViewId::SHARED) && hover.touches_view(ViewId(3)));
    }

    #[test]
    fn merging_keeps_the_last_word_on_every_device() {
        let changed = |id: &str| Changes { devices: [id.into()].into(), ..Changes::default() };
        let removed = |id: &str| Changes { removed_devices: [id.into()].into(), ..Changes::default() };
        let mut all = changed("a");
        all.merge(removed("a"));
        all.merge(removed("b"));
        all.merge(Changes { camera: true, ..changed("b") });
        assert_eq!(all, Changes { camera: true, ..Changes { removed_devices: ["a".into()].into(), ..changed("b") } });
    }
}
