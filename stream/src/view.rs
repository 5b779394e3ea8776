//! A view as it is streamed: does what its [`Ladder`] decides, with real encoders and real peers.

use crate::Setting;
use crate::ladder::{Action, Ladder, LadderConfig};
use crate::rung::{EncodedFrame, Rung, RungStats};
use crate::slot::{FrameFan, FrameSlot};
use rr_encode::{Bitrate, Codec, EncodeError, Encoder};
use rr_rtc::{PeerId, RtcEvent, RungId, Steerings};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

/// Makes an encoder for a codec, a bitrate and a frame rate, on the encoder's own thread.
pub type MakeEncoder = Arc<dyn Fn(Codec, Bitrate, f32) -> Result<Box<dyn Encoder>, EncodeError> + Send + Sync>;
/// Gets each access unit, on the thread of its encoder.
pub type OnUnit = Arc<dyn Fn(RungId, EncodedFrame) + Send + Sync>;

/// One rung, for people.
#[derive(Debug, Clone, PartialEq)]
pub struct RungReport {
    /// Which.
    pub id: RungId,
    /// What it is set to.
    pub setting: Setting,
    /// What it does.
    pub stats: RungStats,
    /// Viewers that get its pictures, or will with its next keyframe.
    pub viewers: usize,
}

/// A view's encoders and their viewers. Belongs to the network thread: nothing here waits.
pub struct View {
    ladder: Ladder,
    fan: FrameFan,
    rungs: BTreeMap<RungId, (Rung, FrameSlot)>,
    make: MakeEncoder,
    on_unit: OnUnit,
    /// Rungs that were closed and still encode their last frame.
    ending: Vec<JoinHandle<()>>,
}

impl View {
    /// No encoder runs until somebody watches.
    pub fn new(config: LadderConfig, fan: FrameFan, make: MakeEncoder, on_unit: OnUnit) -> Self {
        Self { ladder: Ladder::new(config), fan, rungs: BTreeMap::new(), make, on_unit, ending: Vec::new() }
    }

    /// What the network says. What was decided for peers is added to `steerings`.
    pub fn on_event(&mut self, now: Instant, event: &RtcEvent, steerings: &mut Steerings) {
        self.ladder.on_event(now, event);
        self.act(steerings);
    }

    /// Gives a viewer another view. It sees this one until a keyframe of the other is there, and what is known of its
    /// path goes with it.
    pub fn hand_over(&mut self, now: Instant, peer: PeerId, other: &mut Self, steerings: &mut Steerings) {
        let Some(member) = self.ladder.dismiss(now, peer) else { return };
        self.act(steerings);
        other.ladder.admit(now, peer, member);
        other.act(steerings);
    }

    /// Nobody watches it and no encoder works for it any more: it can be dropped without a wait.
    pub fn is_over(&mut self) -> bool {
        self.ending.retain(|thread| !thread.is_finished());
        self.ending.is_empty() && self.rungs.is_empty()
    }

    /// Whether a rung is one of its own.
    pub fn has_rung(&self, rung: RungId) -> bool {
        self.rungs.contains_key(&rung)
    }

    /// Where its frames go.
    pub fn fan(&self) -> &FrameFan {
        &self.fan
    }

    fn act(&mut self, steerings: &mut Steerings) {
        for action in self.ladder.take_actions() {
            match action {
                Action::Set(id, setting) => match self.rungs.get(&id) {
                    Some((rung, _)) => rung.set(setting),
                    None => {
                        let slot = self.fan.open();
                        let (make, on_unit) = (self.make.clone(), self.on_unit.clone());
                        let made = Rung::start(
                            &id.to_string(),
                            move |codec, bitrate, rate| make(codec, bitrate, rate),
                            slot.clone(),
                            setting,
                            move |encoded| on_unit(id, encoded),
                        );
                        match made {
                            Ok(rung) => _ = self.rungs.insert(id, (rung, slot)),
                            Err(error) => tracing::error!(%error, rung = %id, "cannot start the encoder thread"),
                        }
                    }
                },
                Action::Close(id) => {
                    if let Some((rung, slot)) = self.rungs.remove(&id) {
                        self.fan.close(&slot);
                        self.ending.retain(|thread| !thread.is_finished());
                        self.ending.extend(rung.retire());
                    }
                }
                Action::Keyframe(id) => {
                    if let Some((rung, _)) = self.rungs.get(&id) {
                        rung.request_keyframe();
                    }
                }
                Action::Steer(peer, steering) => steerings.push((peer, steering)),
            }
        }
    }

    /// All rungs, best first.
    pub fn report(&self) -> Vec<RungReport> {
        let all = self.ladder.rungs().into_iter();
        all.filter_map(|(id, setting)| {
            let (rung, _) = self.rungs.get(&id)?;
            Some(RungReport { id, setting, stats: rung.stats(), viewers: self.ladder.viewers_of(id) })
        })
        .collect()
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.rungs.clear();
        for thread in self.ending.drain(..) {
            // A panic there was already reported by its hook.
            let _ = thread.join();
        }
    }
}
