//! Which encoders a view has, what each aims at, and which viewer gets which. Pure logic: time is an argument, and what
//! follows comes out as [`Action`]s.
//!
//! One encoder serves all viewers whose paths carry about the same. When they differ too much for long, the slower ones
//! get a rung of their own, so that a fast viewer is not held back; when they agree again, the rung goes. All of a rung
//! get the same pictures, so that the slowest of it decides, and the codec is one that all of them decode: the best such one
//! (`codec.rs`). A second encoder for the same rate is never begun for the sake of a codec.
//!
//! Of a newcomer's path nothing is known yet, and finding out takes seconds. Others do not wait for that: it begins on a
//! rung that carries no more than what may be assumed, on one of its own if there is none, and comes to the others as
//! soon as its path carries what they get.

use crate::codec::Upgrades;
use crate::path::Path;
use crate::setting::{Setting, Sizes};
use rr_encode::{Bitrate, Codecs};
use rr_rtc::{PathSample, PeerId, RtcEvent, RungId, Steering};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// What a view streams at best, and how many encoders it may have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LadderConfig {
    /// Size of the picture, pixels.
    pub size: (u32, u32),
    /// Frames a second.
    pub frames_per_second: f32,
    /// Never more than this.
    pub max: Bitrate,
    /// For a viewer of whose path nothing is known yet.
    pub start: Bitrate,
    /// What can be encoded; H.264 among it.
    pub codecs: Codecs,
    /// Most encoders at once.
    pub rungs: usize,
    /// Number of the first one; as many as there may be from there on belong to this view.
    pub first_rung: RungId,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Action {
    /// Begin an encoder, or set a running one to something else.
    Set(RungId, Setting),
    /// End an encoder.
    Close(RungId),
    /// Make a keyframe.
    Keyframe(RungId),
    /// Do something with one peer's pictures.
    Steer(PeerId, Steering),
}

/// Numbers that a view's rungs have.
pub const RUNGS_OF_A_VIEW: u16 = 4;
/// How often viewers and rungs are compared while nothing falls.
const FIT_INTERVAL: Duration = Duration::from_millis(50);
/// A keyframe that is asked for so soon again is the one that was asked for.
const ON_ITS_WAY: Duration = Duration::from_millis(50);
/// Nobody's pictures get less than this: below, they would not be readable.
const MIN: Bitrate = Bitrate::kbps(200);
/// Rises are taken in steps no shorter than this; falls at once.
const RISE_INTERVAL: Duration = Duration::from_millis(200);
/// Largest rise in one step.
const RISE: f64 = 1.4;
/// Smaller changes are not worth a call.
const DEAD_BAND: f64 = 0.03;
/// A rung whose slowest viewer has less than this share of its fastest is split.
const SPLIT: f64 = 0.5;
/// Two rungs whose viewers all lie within this share are joined.
const JOIN: f64 = 0.68;
/// Viewers of one rung lie within this share when rungs are made.
const SPREAD: f64 = 0.6;
/// Before a rung is split, or two are joined, the reason has to last this long: each move costs a keyframe, but until a
/// split the slow ones leave pictures out.
const SPLIT_AFTER: Duration = Duration::from_millis(300);
const JOIN_AFTER: Duration = Duration::from_secs(3);
/// The same where a newcomer's path turned out to carry what others get.
const ARRIVE_AFTER: Duration = Duration::from_millis(500);
/// For so long a viewer's wish may be one that still grows.
const GROWS: Duration = Duration::from_secs(5);
/// A wish that fell by so much does not grow any more.
const FELL: f64 = 0.8;
/// Where no more rungs may be, viewers below this share of the fastest do not count: they leave pictures out.
const HOPELESS: f64 = 0.2;

/// The rungs of one view.
#[derive(Debug)]
pub struct Ladder {
    config: LadderConfig,
    members: BTreeMap<PeerId, Member>,
    rungs: BTreeMap<RungId, Setting>,
    /// Why viewers and rungs do not fit, and since when.
    misfit: Option<(Misfit, Instant)>,
    /// For how long they have not, as far as waiting for it to pass goes: what each viewer may be given wavers, and a
    /// moment in which two differ does not unsay the seconds in which they did not.
    lasted: Duration,
    /// When they were compared last.
    fitted: Option<Instant>,
    upgrades: Upgrades,
    sizes: Sizes,
    /// The rung that goes on with a keyframe, and since when.
    anew: Option<(RungId, Instant)>,
    actions: Vec<Action>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Misfit {
    /// Viewers of one rung differ too much.
    Differ,
    /// Viewers of two rungs could share one.
    Alike,
    /// Newcomers can take what others get.
    Arrived,
    /// There are as many rungs as there may be, but others would serve better.
    Unbalanced,
}

/// A viewer, and all that is known of its path.
#[derive(Debug)]
pub(crate) struct Member {
    path: Path,
    /// What its path may be given.
    wish: Bitrate,
    risen: Instant,
    paused: bool,
    /// What it lost is not repeated: it goes on with a keyframe.
    abandoned: bool,
    /// Nothing is heard of it.
    silent: bool,
    rung: RungId,
    decodes: Codecs,
    /// Until then nobody waits for its wish to grow.
    new_until: Option<Instant>,
}

impl Member {
    fn is_new(&self, now: Instant) -> bool {
        self.new_until.is_some_and(|until| now < until)
    }
}

/// What is known of a rung's viewers.
#[derive(Debug, Clone, Copy)]
struct Span {
    low: f64,
    high: f64,
    /// All of them are new.
    new: bool,
}

impl Ladder {
    /// No viewers, no encoder.
    pub fn new(config: LadderConfig) -> Self {
        Self {
            config,
            members: BTreeMap::new(),
            rungs: BTreeMap::new(),
            misfit: None,
            lasted: Duration::ZERO,
            fitted: None,
            upgrades: Upgrades::default(),
            sizes: Sizes::default(),
            anew: None,
            actions: Vec::new(),
        }
    }

    /// What is to be done, in order.
    pub fn take_actions(&mut self) -> impl Iterator<Item = Action> + '_ {
        self.actions.drain(..)
    }

    /// What a rung is set to.
    pub fn setting(&self, rung: RungId) -> Option<Setting> {
        self.rungs.get(&rung).copied()
    }

    /// Viewers that a rung serves.
    pub fn viewers_of(&self, rung: RungId) -> usize {
        self.members.values().filter(|member| member.rung == rung).count()
    }

    /// The rungs, best first.
    pub fn rungs(&self) -> Vec<(RungId, Setting)> {
        let mut all: Vec<_> = self.rungs.iter().map(|(id, setting)| (*id, *setting)).collect();
        all.sort_by_key(|(_, setting)| std::cmp::Reverse(setting.bitrate));
        all
    }

    /// What the network says of a viewer.
    pub fn on_event(&mut self, now: Instant, event: &RtcEvent) {
        match event {
            RtcEvent::Connected { peer, decodes } => self.join(now, *peer, *decodes),
            RtcEvent::Undecodable { peer, codec } => {
                if let Some(member) = self.members.get_mut(peer) {
                    tracing::warn!(%peer, %codec, "offered a codec that it does not show: it gets another one");
                    member.decodes = member.decodes.without(*codec);
                    self.fit(now);
                }
            }
            RtcEvent::Path { peer, sample } => self.on_sample(now, *peer, sample),
            RtcEvent::KeyframeNeeded { rung } if self.rungs.contains_key(rung) && !self.comes(now, *rung) => {
                self.actions.push(Action::Keyframe(*rung));
            }
            RtcEvent::Disconnected { peer, .. } => {
                self.dismiss(now, *peer);
            }
            _ => {}
        }
    }

    /// A keyframe was asked for already.
    fn comes(&self, now: Instant, rung: RungId) -> bool {
        self.anew.is_some_and(|(of, at)| of == rung && now < at + ON_ITS_WAY)
    }

    fn join(&mut self, now: Instant, peer: PeerId, decodes: Codecs) {
        let wish = self.config.start.min(self.config.max);
        let (rung, new_until) = (self.config.first_rung, Some(now + GROWS));
        let path = Path::default();
        let member =
            Member { path, wish, risen: now, paused: false, abandoned: false, silent: false, rung, decodes, new_until };
        self.admit(now, peer, member);
    }

    /// A viewer goes to another view.
    pub(crate) fn dismiss(&mut self, now: Instant, peer: PeerId) -> Option<Member> {
        let member = self.members.remove(&peer);
        self.fit(now);
        member
    }

    /// A viewer comes, perhaps from another view.
    pub(crate) fn admit(&mut self, now: Instant, peer: PeerId, mut member: Member) {
        let all = self.rungs();
        let found = if member.is_new(now) {
            let spans = self.spans(now);
            let others_wait = |id: &RungId| spans.get(id).is_some_and(|span| !span.new);
            all.iter().find(|(id, setting)| setting.bitrate <= member.wish || !others_wait(id))
        } else {
            // The best rung that is not far beyond what its path carries.
            let most = member.wish.as_f64() / SPLIT;
            all.iter().find(|(_, setting)| setting.bitrate.as_f64() <= most).or(all.last())
        };
        let full = all.len() >= self.config.rungs.max(1);
        let rung = found.or(all.last().filter(|_| full)).map_or_else(|| self.free(), |(id, _)| *id);
        member.rung = rung;
        self.members.insert(peer, member);
        self.actions.push(Action::Steer(peer, Steering::Assign(rung)));
        self.fit(now);
        self.actions.push(Action::Keyframe(rung));
    }

    fn on_sample(&mut self, now: Instant, peer: PeerId, sample: &PathSample) {
        let Some(member) = self.members.get_mut(&peer) else { return };
        let taken = self.rungs.get(&member.rung).map_or(member.wish, |setting| setting.bitrate);
        let Some(verdict) = member.path.on_sample(now, sample, taken) else { return };
        let wish = verdict.rate.clamp(MIN, self.config.max.max(MIN));
        if wish < member.wish || verdict.regained {
            if wish.as_f64() < member.wish.as_f64() * FELL {
                member.new_until = None;
            }
            (member.wish, member.risen) = (wish, now);
        } else if now.saturating_duration_since(member.risen) >= RISE_INTERVAL {
            (member.wish, member.risen) = (wish.min(member.wish.scale(RISE)), now);
        }
        if let Some(reset) = verdict.reset {
            let steering = Steering::Reset { bitrate: reset.bitrate, probe: reset.probe };
            self.actions.push(Action::Steer(peer, steering));
        }
        if verdict.abandon {
            member.abandoned = true;
            self.actions.push(Action::Steer(peer, Steering::Abandon));
        }
        member.silent = verdict.silent;
        let turned = verdict.pause != member.paused;
        if turned {
            if !verdict.pause && std::mem::take(&mut member.abandoned) {
                // Before the encoder goes on, or its first picture would be one that this viewer cannot use.
                self.anew = Some((member.rung, now));
                self.actions.push(Action::Keyframe(member.rung));
            }
            member.paused = verdict.pause;
            self.actions.push(Action::Steer(peer, Steering::Hold(verdict.pause)));
        }
        // A hundred viewers are looked at twenty times a second; all of them together need not be for each.
        let falls = member.wish.as_f64() < taken.as_f64() * (1.0 - DEAD_BAND);
        if turned || falls || self.fitted.is_none_or(|at| now >= at + FIT_INTERVAL) {
            self.fit(now);
        }
    }

    /// Shares viewers out when that has been due for a while, and sets each rung to what its viewers can take.
    fn fit(&mut self, now: Instant) {
        let elapsed = self.fitted.replace(now).map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let misfit = self.misfits(now);
        let since = self.misfit.filter(|(of, _)| Some(*of) == misfit).map_or(now, |(_, at)| at);
        self.misfit = misfit.map(|of| (of, since));
        self.lasted = match misfit {
            Some(Misfit::Alike | Misfit::Unbalanced) => self.lasted + elapsed,
            _ => self.lasted.saturating_sub(elapsed),
        };
        let lasts = now.saturating_duration_since(since);
        let due = match misfit {
            Some(Misfit::Differ) => lasts >= SPLIT_AFTER,
            Some(Misfit::Arrived) => lasts >= ARRIVE_AFTER,
            Some(Misfit::Alike | Misfit::Unbalanced) => self.lasted >= JOIN_AFTER,
            None => false,
        };
        if due {
            (self.misfit, self.lasted) = (None, Duration::ZERO);
            self.share_out(now);
        }
        let wanted = by_rung(&self.members);
        self.rungs.retain(|id, _| {
            let kept = wanted.contains_key(id);
            if !kept {
                self.upgrades.forget(*id);
                self.sizes.forget(*id);
                self.actions.push(Action::Close(*id));
            }
            kept
        });
        let full = wanted.len() >= self.config.rungs.max(1);
        for (id, members) in wanted {
            let say = || have_say(&members);
            let fastest = say().map(|m| m.wish).max().unwrap_or(MIN);
            // Those who differ too much do not count: they will soon be served apart, or cannot be.
            let least = fastest.scale(if full { HOPELESS } else { SPLIT });
            let count = || say().filter(|m| m.wish >= least);
            // Nor do newcomers, where there are others.
            let known = count().filter(|m| !m.is_new(now)).map(|m| m.wish).min();
            let bitrate = known.or_else(|| count().map(|m| m.wish).min()).unwrap_or(MIN);
            let paused = members.iter().all(|m| m.paused);
            let before = self.rungs.get(&id).copied();
            let decoded = members.iter().fold(self.config.codecs, |all, m| all.both(m.decodes));
            let codec = self.upgrades.choose(now, id, decoded, before.map(|b| b.codec));
            let setting = match before.filter(|_| paused) {
                // Nothing is encoded, and how little is sent until the queue is gone says nothing about what comes after.
                Some(before) => Setting { codec, bitrate, paused, ..before },
                None => Setting { paused, ..Setting::choose(&self.config, codec, bitrate, before) },
            };
            let setting = self.sizes.settle(now, id, setting, before);
            let close = before.is_some_and(|b| {
                let change = (setting.bitrate.as_f64() - b.bitrate.as_f64()).abs() / b.bitrate.as_f64().max(1.0);
                change < DEAD_BAND && Setting { bitrate: b.bitrate, ..setting } == b
            });
            if !close {
                self.rungs.insert(id, setting);
                self.actions.push(Action::Set(id, setting));
            }
        }
    }

    /// Why viewers should be shared out anew.
    fn misfits(&self, now: Instant) -> Option<Misfit> {
        let spans = self.spans(now);
        if spans.values().any(|span| span.low / span.high < SPLIT) {
            if spans.len() < self.config.rungs {
                return Some(Misfit::Differ);
            }
            if !self.is_shared_out(&self.groups()) {
                return Some(Misfit::Unbalanced);
            }
        }
        let all: Vec<(RungId, Span)> = spans.into_iter().collect();
        let pairs = || all.iter().enumerate().flat_map(|(i, a)| all[i + 1..].iter().map(move |b| (a, b)));
        let rate = |id| self.setting(id).map_or(f64::INFINITY, |setting| setting.bitrate.as_f64());
        // Newcomers that came too early would have all others wait for them.
        let arrives = |a: &(RungId, Span), b: &(RungId, Span)| a.1.new && !b.1.new && a.1.low >= rate(b.0);
        if pairs().any(|(a, b)| arrives(a, b) || arrives(b, a)) {
            return Some(Misfit::Arrived);
        }
        let alike = |a: &Span, b: &Span| a.new == b.new && a.low.min(b.low) / a.high.max(b.high) > JOIN;
        pairs().any(|(a, b)| alike(&a.1, &b.1)).then_some(Misfit::Alike)
    }

    /// What the viewers of each rung can take.
    fn spans(&self, now: Instant) -> BTreeMap<RungId, Span> {
        let span = |members: Vec<&Member>| {
            let wishes = || have_say(&members).map(|m| m.wish.as_f64());
            let (low, high) = (wishes().fold(f64::INFINITY, f64::min), wishes().fold(0.0, f64::max));
            Span { low, high, new: have_say(&members).all(|m| m.is_new(now)) }
        };
        by_rung(&self.members).into_iter().map(|(id, members)| (id, span(members))).collect()
    }

    /// Groups of viewers whose paths carry about the same, fastest first.
    fn groups(&self) -> Vec<Vec<PeerId>> {
        let mut order: Vec<(PeerId, Bitrate)> = self.members.iter().map(|(id, m)| (*id, m.wish)).collect();
        order.sort_by_key(|(id, wish)| (std::cmp::Reverse(*wish), *id));
        let mut groups: Vec<(f64, Vec<PeerId>)> = Vec::new();
        let limit = self.config.rungs.max(1);
        for (id, wish) in order {
            let full = groups.len() == limit;
            match groups.last_mut() {
                Some((top, group)) if full || wish.as_f64() >= *top * SPREAD => group.push(id),
                _ => groups.push((wish.as_f64(), vec![id])),
            }
        }
        groups.into_iter().map(|(_, group)| group).collect()
    }

    /// Each group has a rung to itself.
    fn is_shared_out(&self, groups: &[Vec<PeerId>]) -> bool {
        let rungs = |group: &[PeerId]| -> BTreeSet<RungId> {
            group.iter().filter_map(|id| self.members.get(id)).map(|m| m.rung).collect()
        };
        let all: Vec<BTreeSet<RungId>> = groups.iter().map(|group| rungs(group)).collect();
        let union: BTreeSet<&RungId> = all.iter().flatten().collect();
        all.iter().all(|of| of.len() == 1) && union.len() == groups.len()
    }

    /// Gives each group a rung.
    fn share_out(&mut self, now: Instant) {
        let groups = self.groups();
        // Each group keeps the rung that most of it has, so that few have to move, and those who just came rather than others.
        let mut taken: Vec<RungId> = Vec::new();
        let mut moves = Vec::new();
        for group in &groups {
            let mut counts: BTreeMap<RungId, (usize, usize)> = BTreeMap::new();
            for member in group.iter().filter_map(|id| self.members.get(id)) {
                let (known, all) = counts.entry(member.rung).or_default();
                (*known, *all) = (*known + usize::from(!member.is_new(now)), *all + 1);
            }
            let present = counts.into_iter().filter(|(id, _)| !taken.contains(id)).max_by_key(|(_, count)| *count);
            let unused = || self.numbers().find(|id| !taken.contains(id) && !self.rungs.contains_key(id));
            let rung = present.map(|(id, _)| id).or_else(unused).unwrap_or(self.config.first_rung);
            taken.push(rung);
            moves.extend(group.iter().map(|id| (*id, rung)));
        }
        for (id, rung) in moves {
            if let Some(member) = self.members.get_mut(&id).filter(|member| member.rung != rung) {
                member.rung = rung;
                self.actions.push(Action::Steer(id, Steering::Assign(rung)));
            }
        }
    }

    fn free(&self) -> RungId {
        self.numbers().find(|id| !self.rungs.contains_key(id)).unwrap_or(self.config.first_rung)
    }

    fn numbers(&self) -> impl Iterator<Item = RungId> + use<> {
        let first = self.config.first_rung.0;
        (first..first.saturating_add(RUNGS_OF_A_VIEW)).map(RungId)
    }
}

fn by_rung(members: &BTreeMap<PeerId, Member>) -> BTreeMap<RungId, Vec<&Member>> {
    let mut all: BTreeMap<RungId, Vec<&Member>> = BTreeMap::new();
    for member in members.values() {
        all.entry(member.rung).or_default().push(member);
    }
    all
}

/// Who decides what a rung is set to. Of those who are silent nothing is known, and they get no pictures anyway; they count
/// where there is nobody else.
fn have_say<'a>(members: &'a [&'a Member]) -> impl Iterator<Item = &'a Member> {
    let nobody = members.iter().all(|m| m.silent);
    members.iter().copied().filter(move |m| nobody || !m.silent)
}

#[cfg(test)]
mod tests;
