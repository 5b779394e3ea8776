//! What one peer's path may be given. Pure logic: time is an argument.
//!
//! The estimator of the WebRTC stack finds capacity by probing, but gives way late: seconds of pictures can stand in a
//! queue before it has believed a fall. So round trips are watched beside it, twenty times a second. A standing queue
//! takes a little of the rate. A steep one cuts at once to what the path carries, which is known then: where packets
//! wait, they are confirmed as fast as the path carries them.

mod ascent;
mod confirmations;
mod route;
mod trouble;

use ascent::Ascent;
use confirmations::{Confirmations, Look, PROVING, STANDING, STANDS, WINDOW, offered};
use route::{Belief, Route};
use rr_encode::Bitrate;
use rr_rtc::PathSample;
use std::time::{Duration, Instant};
use trouble::Trouble;

/// Share of the estimate that the picture may take; the rest is for what is sent twice and for headers.
const SHARE: f64 = 0.93;
/// Loss that comes on top when a queue overflows.
const OVERFLOW: f32 = 0.02;
/// So much waits when nothing more is sent until less does.
const PAUSE: Duration = Duration::from_millis(100);
/// A silent path gets a picture so often.
const ASK: Duration = Duration::from_millis(400);
/// After so much silence what was lost is too old to be repeated.
const GONE: Duration = Duration::from_secs(1);
/// Trouble that is over so soon was a little too much for a moment: where a path really fell, what stands in the queue
/// takes longer to leave it. What was carried before it began still holds then.
const BRIEF: Duration = Duration::from_millis(300);
/// For so long after trouble its losses are still reported.
const RECOVERY: Duration = Duration::from_millis(1_200);
/// An estimate so much above what was too much once is news: the path carries more than it did.
const FOUND: f64 = 1.35;
/// What a path carries is taken from what arrived over this time.
const ARRIVING: Duration = Duration::from_millis(600);
/// A fall that shows nowhere else after this time is none.
const DOUBT: Duration = Duration::from_millis(100);
/// What is left of an estimate that collapsed, at most.
const COLLAPSE: f64 = 0.85;
/// A path that loses so much may carry as little as is believed.
const LOSSY: f32 = 0.15;
/// What is left of the rate after a standing queue.
const LESS: f64 = 0.92;
/// While nothing waits, an estimate that goes down a little takes no more than this away from what is proven.
const KEPT: f64 = 0.88;
/// Below this share of what is proven the way back is a fast one.
const NEAR: f64 = 0.9;
/// A limit rises only where the picture takes this share of it: what is not taken tells nothing about the path.
const TRIED: f64 = 0.85;
/// What is left of a path that fell, at least, as long as nothing more is known.
const AT_ONCE: f64 = 0.2;
/// A queue that stands but does not grow fast comes from a little too much: no more than this is taken away at once.
/// What arrived lately tells much less where the pictures took less than they might.
const LITTLE: f64 = 0.8;
/// The last confirmed packet waited no longer than this: nothing waits.
const GONE_QUEUE: Duration = Duration::from_millis(10);
/// No path is taken to carry less.
const FLOOR: Bitrate = Bitrate::kbps(100);

/// What follows from a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Verdict {
    /// What the picture may take.
    pub rate: Bitrate,
    /// So much waits on the way that another picture would only make it longer.
    pub pause: bool,
    /// What was lost in a full queue would only fill it again: begin anew with a keyframe when the pause is over.
    pub abandon: bool,
    /// The estimator should forget what it believes.
    pub reset: Option<Reset>,
    /// Nothing is heard of it; the rate is a guess.
    pub silent: bool,
    /// The rate is one that the path carried a moment ago: it need not be found again step by step.
    pub regained: bool,
}

/// What an estimator that was wrong begins with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reset {
    /// What the path carries.
    pub bitrate: Bitrate,
    /// Most that it may probe for at first. `None`: nothing is looked for yet; a probe for less would be believed.
    pub probe: Option<Bitrate>,
}

/// One peer's path.
#[derive(Debug, Default)]
pub(crate) struct Path {
    estimate: Option<Bitrate>,
    confirmations: Confirmations,
    trouble: Option<Trouble>,
    limit: Option<Limit>,
    sampled: Option<Instant>,
    /// The most that was delivered since something spoke against it.
    proven: Option<Bitrate>,
    /// Since when the estimate is far below that.
    doubt: Option<Instant>,
    /// What was believed before the last standing queue.
    before: Option<Before>,
    ascent: Ascent,
    route: Route,
}

/// After a standing queue.
#[derive(Debug, Clone, Copy)]
struct Limit {
    rate: Bitrate,
    /// What was too much.
    ceiling: Bitrate,
    changed: Instant,
    /// Something waits still.
    stands: bool,
}

/// What was believed before a standing queue.
#[derive(Debug, Clone, Copy)]
struct Before {
    at: Instant,
    standing: Duration,
    limit: Option<Limit>,
    proven: Option<Bitrate>,
}

impl Before {
    /// A little less was sent since, and a queue takes its time to drain then: what is gone at once was none. A viewer
    /// confirmed late, or nothing was sent for a moment.
    fn was_none(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < self.standing * 3
    }
}

impl Path {
    /// The path was measured while the picture took `taken`. `None`: nothing is known yet.
    pub fn on_sample(&mut self, now: Instant, sample: &PathSample, taken: Bitrate) -> Option<Verdict> {
        // Here a rate is what the path is given; parity has its part of it.
        let with_parity = 1.0 + f64::from(sample.parity);
        let mut verdict = self.judge(now, sample, taken.scale(with_parity))?;
        verdict.rate = verdict.rate.scale(1.0 / with_parity);
        Some(verdict)
    }

    fn judge(&mut self, now: Instant, sample: &PathSample, taken: Bitrate) -> Option<Verdict> {
        self.estimate = sample.estimate.or(self.estimate);
        let estimate = self.estimate?;
        let elapsed = self.sampled.replace(now).map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.confirmations.take_in(now, elapsed, sample);
        let mut look = self.confirmations.look(now, sample, taken, self.proven);
        let (limit, proven) = (self.limit, self.proven);
        let belief = Belief { estimate, taken, limit, proven };
        let arrived = self.confirmations.delivered(ARRIVING);
        let longer = self.route.on_look(now, sample, &look, arrived, belief);
        if let Some(before) = longer {
            self.confirmations.begin_anew(now);
            (self.limit, self.proven) = (before.limit, before.proven);
            (self.trouble, self.before) = (None, None);
            look = self.confirmations.look(now, sample, taken, self.proven);
        }
        let fell = look.steep || look.silent;
        let rate = estimate.scale(SHARE);
        let silent = look.silent;
        let mut verdict = Verdict { rate, pause: false, abandon: false, reset: None, silent, regained: false };
        match self.trouble {
            Some(trouble) if trouble.drained.is_none() || !fell => {
                self.doubt = None;
                self.trouble = self.get_over(now, trouble, sample, &look, estimate, &mut verdict);
            }
            _ if fell => {
                let carries = if look.silent {
                    // Nothing is known of it but what it was.
                    taken.max(self.proven.unwrap_or_default()).scale(0.7)
                } else {
                    self.confirmations.carried().map_or(taken.scale(0.5), |carried| carried.min(taken))
                };
                // Confirmations come in bunches: none for a moment is not a path that carries nothing.
                let least = taken.max(self.proven.unwrap_or_default()).scale(AT_ONCE);
                let carries = carries.max(least).min(estimate).max(FLOOR);
                verdict.reset = (!look.silent).then_some(Reset { bitrate: carries, probe: None });
                self.trouble = Some(Trouble::new(now, carries, sample, look.last, belief));
                self.ascent.too_much(now);
            }
            _ => {
                let carries = self.follow(now, elapsed.as_secs_f64(), sample, &look, taken.min(estimate));
                if let Some(bitrate) = carries {
                    verdict.rate = bitrate;
                    verdict.reset = Some(Reset { bitrate, probe: None });
                }
                self.prove(sample, &look);
                // What was delivered a moment ago is not believed to be too much until something shows it.
                if let Some(proven) = self.proven {
                    let collapsed = proven.scale(COLLAPSE) > estimate;
                    let kept = if collapsed { Some(0.6) } else { look.calm.then_some(KEPT) };
                    verdict.rate = kept.map_or(verdict.rate, |kept| verdict.rate.max(proven.scale(kept)));
                }
                if let Some(bitrate) = self.contradicts(now, &look, estimate) {
                    verdict.rate = bitrate;
                    verdict.reset = Some(Reset { bitrate, probe: None });
                }
                let binds = self.limit.is_none_or(|limit| limit.rate > rate) && verdict.reset.is_none();
                let figures = (estimate, taken, binds);
                if let Some(bitrate) = self.ascent.on_look(now, sample, &look, figures, &self.confirmations) {
                    verdict.rate = bitrate.scale(SHARE);
                    verdict.reset = Some(Reset { bitrate, probe: None });
                }
            }
        }
        if let Some(before) = longer {
            verdict.rate = before.estimate.scale(SHARE);
            verdict.reset = Some(Reset { bitrate: before.estimate, probe: None });
            verdict.regained = true;
        }
        match self.trouble {
            // Less than the path carries, so that the queue drains in about half a second.
            Some(trouble) if trouble.drained.is_none() => {
                verdict.rate = trouble.carries.scale((1.0 - look.last.as_secs_f64() * 2.0).clamp(0.25, 0.8));
                // What the last confirmed packet waited is a round trip old; what is on the way is known now.
                verdict.pause = look.silent || (look.waits && trouble.left(now, sample) > PAUSE);
            }
            // The estimate is not believed yet.
            Some(_) => verdict.rate = self.limit.map_or(verdict.rate, |limit| limit.rate),
            None => verdict.rate = self.limit.map_or(verdict.rate, |limit| limit.rate.min(verdict.rate)),
        }
        if let Some(trouble) = self.trouble.as_mut().filter(|_| look.silent) {
            if !trouble.abandoned && now.saturating_duration_since(trouble.began) > GONE {
                (trouble.abandoned, verdict.abandon) = (true, true);
            }
            // A path on which nothing is sent never answers.
            if trouble.asked + ASK < now {
                (trouble.asked, verdict.pause) = (now, false);
            }
        }
        if let Some(trouble) = &mut self.trouble {
            trouble.held = verdict.pause.then(|| trouble.held.unwrap_or(now));
        }
        Some(verdict)
    }

    /// What the path proves to carry. It holds until something waits or is lost, however little is sent meanwhile.
    fn prove(&mut self, sample: &PathSample, look: &Look) {
        let loss = sample.loss.unwrap_or(0.0);
        if look.stands || look.waits {
            // A queue: what it tells is taken in where it is looked at. Or a late confirmation.
        } else if loss > LOSSY {
            self.proven = None;
        } else if let Some(delivered) = self.confirmations.delivered(PROVING) {
            self.proven = self.proven.max(Some(delivered));
        }
    }

    /// What is to be believed instead of an estimate that stays far below what is proven. The estimator takes a fall
    /// from what it believes to have arrived: right after a pause or a rise, or where little is sent, that is much too
    /// little, and from there it needs ten seconds to come back.
    fn contradicts(&mut self, now: Instant, look: &Look, estimate: Bitrate) -> Option<Bitrate> {
        let proven = self.proven.filter(|proven| look.calm && proven.scale(COLLAPSE) > estimate);
        let Some(proven) = proven else {
            self.doubt = None;
            return None;
        };
        // Where a path really fell, the queue grows for all to see.
        let since = *self.doubt.get_or_insert(now);
        if now < since + DOUBT {
            return None;
        }
        self.doubt = None;
        Some(proven.scale(LESS))
    }

    /// One step out of trouble; what is left of it.
    fn get_over(
        &mut self,
        now: Instant,
        mut trouble: Trouble,
        sample: &PathSample,
        look: &Look,
        estimate: Bitrate,
        verdict: &mut Verdict,
    ) -> Option<Trouble> {
        trouble.take_in(now, sample, look);
        let loss = sample.loss.unwrap_or(0.0);
        // What arrived is known when something did; where less is sent than arrives, that says nothing about the path.
        if self.confirmations.is_news(now)
            && look.standing > STANDING
            && let Some(carried) = self.confirmations.carried()
            && offered(sample) > carried.as_f64() * 0.8
        {
            trouble.believe(carried);
        }
        let carries = trouble.carries;
        let drained = !look.stands && !look.waits && !look.silent;
        let drains = trouble.drained.is_none();
        // What was lost in a full queue or an outage is no sign of a path that loses, and without belief nothing is sent.
        // Reports of such losses come in for a while after the path is well again.
        let faith = estimate.as_f64() / carries.as_f64();
        let starves = faith < 0.8 && (!drains || sample.backlog > WINDOW / 3);
        let believes_too_much = faith > 1.2 && drained && drains;
        if (starves || believes_too_much) && trouble.reset + WINDOW < now && !look.silent {
            let probe = drained.then_some(carries.scale(1.2));
            verdict.reset = Some(Reset { bitrate: carries, probe });
            trouble.reset = now;
        }
        if !trouble.abandoned && drains && look.last > PAUSE && trouble.overflows(now, sample) {
            (trouble.abandoned, verdict.abandon) = (true, true);
        }
        match trouble.drained {
            None if drained && trouble.was_none(now, look) => {
                (self.limit, self.proven) = (trouble.before.limit, trouble.before.proven);
                let bitrate = trouble.before.estimate;
                verdict.rate = bitrate.scale(SHARE);
                verdict.reset = Some(Reset { bitrate, probe: None });
                verdict.regained = true;
                return None;
            }
            None if drained => {
                trouble.drained = Some(now);
                trouble.look_back(now, sample);
                let brief = now.saturating_duration_since(trouble.began) < BRIEF && loss <= trouble.loss + OVERFLOW;
                if brief && let Some(delivered) = self.confirmations.delivered(self.confirmations.busy(now, ARRIVING)) {
                    trouble.believe_again(delivered);
                }
                let carries = trouble.carries;
                let rate = carries.scale(LESS);
                self.proven = Some(rate);
                self.limit = Some(Limit { rate, ceiling: carries, changed: now, stands: false });
                verdict.regained = true;
                if brief {
                    // Nothing was lost that could be reported late.
                    verdict.reset = Some(Reset { bitrate: carries, probe: None });
                    verdict.rate = rate;
                    return None;
                }
            }
            Some(at) if now.saturating_duration_since(at) > RECOVERY => return None,
            _ => {}
        }
        Some(trouble)
    }

    /// Keeps the rate at what the path carries, which is known while something waits all the time. What the estimator
    /// should believe when it believes in less afterwards.
    fn follow(
        &mut self,
        now: Instant,
        elapsed: f64,
        sample: &PathSample,
        look: &Look,
        taken: Bitrate,
    ) -> Option<Bitrate> {
        let settled = self.limit.is_none_or(|limit| now.saturating_duration_since(limit.changed) > WINDOW * 2);
        if look.stands {
            let busy = self.confirmations.busy(now, ARRIVING);
            if settled && busy >= STANDS && self.confirmations.is_news(now) {
                let (limit, proven) = (self.limit, self.proven);
                self.before = Some(Before { at: now, standing: look.standing, limit, proven });
                let known = self.proven.max(self.limit.map(|limit| limit.ceiling));
                let most = taken.max(known.unwrap_or_default());
                // Where less is sent than could arrive, what arrives says nothing about the path.
                let full = |arrived: &Bitrate| offered(sample) > arrived.as_f64() * 0.8;
                let arrived = self.confirmations.delivered(busy).filter(full);
                if let Some(arrived) = arrived {
                    self.proven = self.proven.map(|proven| proven.min(arrived));
                }
                let ceiling = arrived.unwrap_or(taken).max(taken.scale(LITTLE));
                let ceiling = ceiling.min(most).max(FLOOR);
                let rate = ceiling.scale((1.0 - look.standing.as_secs_f64() * 2.0).clamp(0.7, LESS));
                self.limit = Some(Limit { rate, ceiling, changed: now, stands: true });
            }
            return None;
        }
        if look.last < GONE_QUEUE
            && let Some(before) = self.before.take()
            && before.was_none(now)
        {
            (self.limit, self.proven) = (before.limit, before.proven);
        }
        let limit = self.limit.as_mut()?;
        let estimate = self.estimate?;
        if std::mem::take(&mut limit.stands) {
            limit.rate = limit.rate.max(limit.ceiling.scale(LESS));
            return Some(limit.ceiling).filter(|ceiling| ceiling.scale(0.95) > estimate);
        }
        if look.calm {
            // Slowly where it was too much, unless more was found or delivered since; faster beyond: the path has changed
            // then.
            let near = (0.85..1.1).contains(&(limit.rate.as_f64() / limit.ceiling.as_f64().max(1.0)))
                && self.proven.is_none_or(|proven| limit.rate >= proven.scale(NEAR));
            let found = estimate.as_f64() > limit.ceiling.as_f64() * FOUND;
            if taken >= limit.rate.scale(TRIED) {
                limit.rate = limit.rate.scale(1.0 + elapsed * if near && !found { 0.03 } else { 0.7 });
            }
            // Not far beyond an estimate, which may be wrong for a moment: not below what is known to get through.
            limit.rate = limit.rate.min(estimate.scale(1.2).max(limit.ceiling.scale(LESS)));
            if limit.rate > limit.ceiling.scale(1.5) {
                self.limit = None;
            }
        }
        None
    }
}

#[cfg(test)]
pub(crate) mod tests;
