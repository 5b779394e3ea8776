//! What forward error correction would save: the losses of real streams, once as they were repaired by repeats, and once as
//! parity packets would have repaired them. Parity as FlexFEC has it: of so many parity packets of a picture, each is the
//! exclusive or of every so-manieth packet, and makes up for one of them. What parity takes of the link is told, not played.

use super::common::{OnLink, Rng, Viewer};
use super::{Link, Seen, Spread, link, play, seeds};
use std::collections::BTreeMap;
use std::time::Instant;

/// A picture as it was sent; seconds since the beginning.
pub struct Sent {
    began: f64,
    /// Of each packet when it came, `None` when it was lost at first.
    packets: Vec<Option<f64>>,
    /// When it was shown.
    shown: f64,
}

/// The pictures that were shown, from the packets on the link.
pub fn sent(viewer: &Viewer, start: Instant) -> Vec<Sent> {
    let at = |t: Instant| t.saturating_duration_since(start).as_secs_f64();
    // Numbers come again after a minute or more; tests are shorter.
    let shown: BTreeMap<u16, f64> = viewer.shown.iter().map(|(t, whole)| (whole.last as u16, at(*t))).collect();
    let mut sources: BTreeMap<u32, Vec<&OnLink>> = BTreeMap::new();
    for packet in &viewer.media {
        sources.entry(packet.source).or_default().push(packet);
    }
    let of = |packets: Vec<&OnLink>| -> Vec<Sent> {
        let pictures = packets.split_inclusive(|packet| packet.marker);
        let picture = |packets: &[&OnLink]| {
            let shown = *packets.last().filter(|last| last.marker).and_then(|last| shown.get(&last.number))?;
            let arrivals = packets.iter().map(|packet| packet.arrives.map(at)).collect();
            Some(Sent { began: at(packets[0].sent), packets: arrivals, shown })
        };
        pictures.filter_map(picture).collect()
    };
    // Repeats have a source of their own, with numbers that say nothing.
    sources.into_values().map(of).max_by_key(Vec::len).unwrap_or_default()
}

/// How late pictures are with so many parity packets for each hundred, milliseconds, and what parity adds to the packets.
fn with_parity(seen: &Seen, percent: usize, loss: f64, rng: &mut Rng) -> (Vec<f64>, f64) {
    let (mut last, mut late, mut parities, mut packets) = (0.0f64, Vec::new(), 0, 0);
    for picture in seen.sent.iter().filter(|sent| sent.began > 4.0) {
        let count = picture.packets.len();
        let parity = (count * percent).div_ceil(100);
        (parities, packets) = (parities + parity, packets + count);
        let missing: Vec<usize> = (0..count).filter(|&at| picture.packets[at].is_none()).collect();
        let came = picture.packets.iter().flatten().copied().fold(picture.began, f64::max);
        let makes_up = |group: usize, rng: &mut Rng| match missing.iter().filter(|&&at| at % parity == group).count() {
            0 => true,
            1 => rng.fraction() >= loss,
            _ => false,
        };
        let repaired = missing.is_empty() || (parity > 0 && (0..parity).all(|group| makes_up(group, rng)));
        // Nothing is shown before what it builds on.
        last = last.max(if repaired { came } else { picture.shown }).min(picture.shown);
        late.push((last - picture.began) * 1e3);
    }
    late.sort_by(f64::total_cmp);
    (late, parities as f64 * 100.0 / packets.max(1) as f64)
}

#[test]
fn repeats_come_in_time_and_what_parity_would_save_is_known() {
    // Six links for all their seeds take long.
    let seeds = seeds().div_ceil(4);
    for (mbps, round_trip_ms) in [(3.0, 30), (3.0, 100)] {
        for percent in [1, 3, 5] {
            let loss = f64::from(percent) / 100.0;
            let steps = vec![(0.0, Link { loss, ..link(mbps, round_trip_ms / 2) })];
            let all: Vec<Seen> =
                (1..=seeds).map(|seed| play(std::slice::from_ref(&steps), 20.0, seed).viewers.remove(0)).collect();
            for parity in [0, 10, 20, 34] {
                let of = |seed: u64| with_parity(&all[seed as usize - 1], parity, loss, &mut Rng(seed));
                let at = |share: usize| {
                    Spread::of(seeds, |seed| {
                        let (late, _) = of(seed);
                        late.get(late.len() * share / 100).copied().unwrap_or(f64::INFINITY)
                    })
                };
                let (half, most, added) = (at(50), at(95), Spread::of(seeds, |seed| of(seed).1));
                println!(
                    "{mbps} Mbit/s, {round_trip_ms} ms, {percent} % lost, {:.0} % parity: shown after {:.0} / {:.0} ms (P50 / P95)",
                    added.median(),
                    half.median(),
                    most.median()
                );
                let (half_limit, most_limit) = if parity > 0 { (120.0, 400.0) } else { (300.0, 600.0) };
                assert!(half.median() < half_limit && most.median() < most_limit, "{half} / {most} ms");
            }
        }
    }
}
