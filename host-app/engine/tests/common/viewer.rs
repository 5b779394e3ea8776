//! A viewer as a browser is one, on str0m: joins with a link, decodes the video, hears messages.

use openh264::decoder::Decoder;
use openh264::formats::YUVSource;
use rr_protocol::host::{HostBody, HostMessage};
use rr_protocol::signaling::{Hello, Sdp, SignalFromHost, SignalFromViewer};
use std::net::{TcpStream, UdpSocket};
use std::time::{Duration, Instant};
use str0m::change::SdpAnswer;
use str0m::channel::ChannelId;
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::stream::MaybeTlsStream;
use tokio_tungstenite::tungstenite::{Message, WebSocket, connect};

/// One picture as it came.
pub struct Picture {
    pub at: Instant,
    pub is_keyframe: bool,
    /// Brightness, row by row; none when it could not be decoded.
    pub luma: Option<Vec<u8>>,
    /// Codec and access unit when it is HEVC or AV1, which openh264 does not decode.
    pub other: Option<(rr_encode::Codec, Vec<u8>)>,
}

pub struct Viewer {
    rtc: Rtc,
    udp: UdpSocket,
    // Breaking it would change nothing.
    signal: WebSocket<MaybeTlsStream<TcpStream>>,
    decoder: Decoder,
    state: Option<ChannelId>,
    pub pictures: Vec<Picture>,
    /// The whole messages of the state channel, long ones apart.
    pub messages: Vec<HostBody>,
}

impl Viewer {
    /// `link` is what people share: `http://host:port/#token`.
    pub fn join(link: &str) -> Self {
        Self::join_with(link, RtcConfig::new().clear_codecs().enable_h264(true))
    }

    /// The same with codecs of its own.
    pub fn join_with(link: &str, codecs: RtcConfig) -> Self {
        Self::join_as(link, codecs, None)
    }

    /// The same for somebody who comes again, by the key of before.
    pub fn comes(link: &str, key: &str) -> Self {
        Self::join_as(link, RtcConfig::new().clear_codecs().enable_h264(true), Some(key.to_owned()))
    }

    fn join_as(link: &str, codecs: RtcConfig, return_key: Option<String>) -> Self {
        let (base, token) = link.split_once("/#").unwrap();
        let (mut signal, _) = connect(format!("{}/signal", base.replace("http://", "ws://"))).unwrap();
        let token = token.to_owned();
        let hello = Hello { token, protocol_version: rr_protocol::PROTOCOL_VERSION, name: None, return_key };
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut rtc = codecs.build(Instant::now());
        rtc.add_local_candidate(Candidate::host(udp.local_addr().unwrap(), "udp").unwrap());
        let mut change = rtc.sdp_api();
        change.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        change.add_channel("state".to_owned());
        let (offer, pending) = change.apply().unwrap();
        for message in [SignalFromViewer::Hello(hello), SignalFromViewer::Offer(Sdp { sdp: offer.to_sdp_string() })] {
            signal.send(Message::text(serde_json::to_string(&message).unwrap())).unwrap();
        }
        let answer = loop {
            let Message::Text(text) = signal.read().unwrap() else { continue };
            match serde_json::from_str(text.as_str()).unwrap() {
                SignalFromHost::Answer(answer) => break answer.sdp,
                SignalFromHost::Error(error) => panic!("{error:?}"),
                _ => {}
            }
        };
        rtc.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(&answer).unwrap()).unwrap();
        let (pictures, messages) = (Vec::new(), Vec::new());
        Self { rtc, udp, signal, decoder: Decoder::new().unwrap(), state: None, pictures, messages }
    }

    /// As a page that is closed does it, without a word by the way of its pictures.
    pub fn closes_the_page(mut self) {
        self.signal.close(Some(CloseFrame { code: CloseCode::Away, reason: "".into() })).unwrap();
        // Until the other side has closed it, too.
        while self.signal.read().is_ok() {}
    }

    /// Sends what is due and takes what comes, for a moment.
    pub fn step(&mut self) {
        while let Ok(output) = self.rtc.poll_output() {
            match output {
                Output::Timeout(_) => break,
                Output::Transmit(transmit) => _ = self.udp.send_to(&transmit.contents, transmit.destination),
                Output::Event(Event::MediaData(media)) => match media.params.spec().codec {
                    Codec::H265 => {
                        let is_keyframe = rr_encode::h264::nal_units(&media.data).any(rr_encode::hevc::is_idr);
                        self.other_picture(rr_encode::Codec::Hevc, is_keyframe, media.data.to_vec());
                    }
                    Codec::Av1 => {
                        let is_keyframe = rr_encode::av1::pictures(&media.data).any(|picture| picture.key);
                        self.other_picture(rr_encode::Codec::Av1, is_keyframe, media.data.to_vec());
                    }
                    _ => self.picture(&media.data),
                },
                Output::Event(Event::ChannelOpen(id, _)) => self.state = Some(id),
                Output::Event(Event::ChannelData(data)) => {
                    let message: HostMessage = serde_json::from_slice(&data.data).unwrap();
                    self.messages.push(message.body);
                }
                Output::Event(_) => {}
            }
        }
        self.udp.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
        let mut buffer = [0; 2_000];
        let local = self.udp.local_addr().unwrap();
        let input = match self.udp.recv_from(&mut buffer) {
            Ok((len, source)) => match Receive::new(Protocol::Udp, source, local, &buffer[..len]) {
                Ok(receive) => Input::Receive(Instant::now(), receive),
                Err(_) => return,
            },
            Err(_) => Input::Timeout(Instant::now()),
        };
        let _ = self.rtc.handle_input(input);
    }

    fn picture(&mut self, unit: &[u8]) {
        let is_keyframe = rr_encode::h264::nal_units(unit).any(|n| rr_encode::h264::nal_type(n) == 5);
        let luma = self.decoder.decode(unit).ok().flatten().map(|picture| {
            let (width, height) = picture.dimensions();
            picture.y().chunks(picture.strides().0).take(height).flat_map(|row| &row[..width]).copied().collect()
        });
        self.pictures.push(Picture { at: Instant::now(), is_keyframe, luma, other: None });
    }

    fn other_picture(&mut self, codec: rr_encode::Codec, is_keyframe: bool, unit: Vec<u8>) {
        self.pictures.push(Picture { at: Instant::now(), is_keyframe, luma: None, other: Some((codec, unit)) });
    }

    /// Sends on the reliable channel; false while it is not open.
    pub fn send(&mut self, text: &str) -> bool {
        let Some(mut channel) = self.state.and_then(|id| self.rtc.channel(id)) else { return false };
        channel.write(false, text.as_bytes()).unwrap_or(false)
    }

    /// The messages that say what is wrong.
    pub fn errors(&self) -> Vec<String> {
        let error = |m: &HostBody| if let HostBody::Error(e) = m { Some(e.message.clone()) } else { None };
        self.messages.iter().filter_map(error).collect()
    }

    /// Steps until it is so; fails after half a minute.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let begin = Instant::now();
        while !done(self) {
            assert!(begin.elapsed() < super::HANG, "never came: {what}; {} pictures", self.pictures.len());
            self.step();
        }
    }

    /// Steps until the picture is finished: none has come for a while.
    #[track_caller]
    pub fn rests(&mut self) {
        const QUIET: Duration = Duration::from_millis(700);
        self.until("rest", |viewer| viewer.pictures.last().is_some_and(|p| p.at.elapsed() > QUIET));
    }

    /// Turns the shared camera and waits for a picture that came after that.
    #[track_caller]
    pub fn sees_new_pictures(&mut self, what: &str) {
        let before = self.pictures.len();
        let mut asked: Option<Instant> = None;
        self.until(what, |viewer| {
            // Again and again: the first may come while there is nothing to draw with.
            if asked.is_none_or(|at| at.elapsed() > Duration::from_millis(200)) {
                asked = Some(Instant::now());
                viewer.send(r#"{"type":"camera:orbit","timestamp":1,"data":{"deltaX":7,"deltaY":0}}"#);
            }
            viewer.pictures.len() > before
        });
    }
}
