//! The connections of a workspace, found by id and by what they connect: a file with fifty thousand of them is checked in the
//! time that it takes to read it.

use crate::workspace::{Connection, ConnectionId, DeviceId};
use std::collections::{BTreeMap, BTreeSet};

/// All connections in the order of their ids; no two of one kind lead from one device to the same other one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connections {
    by_id: BTreeMap<ConnectionId, Connection>,
    /// Source, target and kind of each.
    ends: BTreeSet<(DeviceId, DeviceId, String)>,
}

impl PartialEq for Connections {
    fn eq(&self, other: &Self) -> bool {
        self.by_id == other.by_id
    }
}

impl Connections {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Connection> {
        self.by_id.values()
    }

    pub(crate) fn get(&self, id: &ConnectionId) -> Option<&Connection> {
        self.by_id.get(id)
    }

    /// There is one of this kind between its devices, whatever its id.
    pub(crate) fn has_like(&self, connection: &Connection) -> bool {
        self.ends.contains(&ends(connection))
    }

    /// One that is new by id and by what it connects.
    pub(crate) fn insert(&mut self, connection: Connection) {
        self.ends.insert(ends(&connection));
        self.by_id.insert(connection.id.clone(), connection);
    }

    pub(crate) fn remove(&mut self, id: &ConnectionId) -> Option<Connection> {
        let connection = self.by_id.remove(id)?;
        self.ends.remove(&ends(&connection));
        Some(connection)
    }
}

fn ends(connection: &Connection) -> (DeviceId, DeviceId, String) {
    (connection.source.clone(), connection.target.clone(), connection.kind.clone())
}
