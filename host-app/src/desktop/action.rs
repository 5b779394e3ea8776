//! What the person at the window asks for.
//!
//! The functions that draw only append to a list of actions; the application hands each to the engine. So everything
//! that draws runs in tests without an engine, a window or a GPU.

use super::settings::ThemeChoice;
use rr_engine::{ImportId, ImportRequest, Input, ParticipantId};
use rr_scene::Role;
use std::path::PathBuf;
use std::time::Duration;

/// One wish.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Steers, selects or edits.
    Input(Input),
    /// An empty workspace; asks first when there are unsaved changes.
    New,
    /// Lets the person choose a workspace to open.
    ChooseWorkspace,
    /// Opens a workspace; asks first when there are unsaved changes.
    Open(PathBuf),
    /// Saves to the document's file, or lets the person choose one.
    Save,
    /// Lets the person choose a file to save to.
    ChooseSaveFile,
    /// Saves to this file.
    SaveTo(PathBuf),
    /// Lets the person choose models to import.
    ChooseModels,
    /// Asks for unit and axis of these files, then imports them.
    PrepareImport(Vec<PathBuf>),
    /// Imports at once.
    Import(Vec<ImportRequest>),
    /// Stops an import or forgets one that is over.
    DismissImport(ImportId),
    /// Serves the session.
    Share(ShareChoice),
    /// Stops serving it.
    StopSharing,
    /// Makes a link.
    IssueLink {
        /// What its bearer may do.
        role: Role,
        /// For how long it works.
        valid_for: Duration,
    },
    /// Sends a participant away.
    RemoveParticipant(ParticipantId),
    /// Puts text on the clipboard.
    Copy(String),
    /// Other colours.
    Theme(ThemeChoice),
    /// Lets the person choose the file of a device's model.
    ChooseDeviceModel(rr_scene::DeviceId),
    /// Ends the program; asks first when there are unsaved changes.
    Quit,
    /// What was asked for while changes were unsaved: go on, after saving or without.
    Resolve(Resolution),
}

/// Answer to "save the changes?".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// Save, then go on.
    Save,
    /// Go on and lose the changes.
    Discard,
    /// Do not go on.
    Cancel,
}

/// From where the session can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Programs on this machine.
    ThisMachine,
    /// Everybody in the local network.
    LocalNetwork,
}

/// How to share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ShareChoice {
    /// From where.
    pub reach: Reach,
    /// TCP port of the page and of signaling; zero lets the system choose.
    pub port: u16,
}

impl ShareChoice {
    /// The address to listen at.
    pub fn address(self) -> std::net::SocketAddr {
        let ip = match self.reach {
            Reach::ThisMachine => std::net::Ipv4Addr::LOCALHOST,
            Reach::LocalNetwork => std::net::Ipv4Addr::UNSPECIFIED,
        };
        (ip, self.port).into()
    }
}

impl Default for ShareChoice {
    fn default() -> Self {
        Self { reach: Reach::LocalNetwork, port: 8443 }
    }
}
