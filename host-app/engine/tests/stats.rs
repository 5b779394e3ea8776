//! Figures of the picture for viewers that ask for them.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed expectation is what a test reports")]

mod common;

use common::viewer::Viewer;
use common::{Host, press_line, software};
use rr_protocol::host::HostBody;
use rr_protocol::stats::HostStats;
use std::time::{Duration, Instant};

fn figures(viewer: &Viewer) -> Vec<&HostStats> {
    viewer.messages.iter().filter_map(|m| if let HostBody::Stats(s) = m { Some(s) } else { None }).collect()
}

/// Slow enough for the host's limit of messages.
fn is_time(asked: &mut Instant) -> bool {
    let is_time = asked.elapsed() > Duration::from_millis(50);
    if is_time {
        *asked = Instant::now();
    }
    is_time
}

#[test]
fn who_asks_gets_figures_once_a_second_also_at_rest_and_nobody_else() {
    let Some(gpu) = software() else { return };
    let host = Host::start(&gpu, None, press_line());
    let link = host.share();
    let (mut viewer, mut other) = (Viewer::join(&link), Viewer::join(&link));
    viewer.sees_new_pictures("the first picture");
    viewer.rests();
    assert!(figures(&viewer).is_empty(), "nobody asked");
    viewer.send(r#"{"type":"stats:watch","timestamp":2,"seq":41,"data":{"on":true}}"#);
    viewer.until("figures at rest", |v| figures(v).iter().any(|s| s.triangles > 0 && s.render_ms > 0.0));
    viewer.until("the acknowledgement", |v| {
        v.messages.iter().any(|m| matches!(m, HostBody::Ack(ack) if ack.seq == Some(41)))
    });
    let last = host.engine.status().picture.drawn;
    assert!(last.triangles > 0 && last.instances > 0, "{last:?}");

    let mut asked = Instant::now();
    let (begin, before) = (Instant::now(), figures(&viewer).len());
    while begin.elapsed() < Duration::from_secs(3) {
        if is_time(&mut asked) {
            viewer.send(r#"{"type":"camera:orbit","timestamp":3,"data":{"deltaX":3,"deltaY":0}}"#);
            viewer.send(r#"{"type":"stats:watch","timestamp":3,"data":{"on":true}}"#);
        }
        viewer.step();
        other.step();
    }
    let came = figures(&viewer).len() - before;
    #[expect(clippy::cast_possible_truncation, reason = "seconds")]
    let most = begin.elapsed().as_secs() as usize + 2;
    assert!((1..=most).contains(&came), "{came} in {:?}", begin.elapsed());
    assert!(figures(&other).is_empty());

    viewer.send(r#"{"type":"stats:watch","timestamp":4,"seq":42,"data":{"on":false}}"#);
    viewer.until("the acknowledgement", |v| {
        v.messages.iter().any(|m| matches!(m, HostBody::Ack(ack) if ack.seq == Some(42)))
    });
    let before = figures(&viewer).len();
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(1500) {
        if is_time(&mut asked) {
            viewer.send(r#"{"type":"camera:orbit","timestamp":5,"data":{"deltaX":3,"deltaY":0}}"#);
        }
        viewer.step();
    }
    assert_eq!(figures(&viewer).len(), before);
}
