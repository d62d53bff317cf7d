//! A camera of a hundred lines, that does what a test wants of it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};

use picam_media::AccessUnit;
use picam_media::length_prefixed::{LengthSize, length_prefixed_nals};

pub(crate) const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=t\r\nt=0 0\r\na=control:*\r\n\
    m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:track1\r\n";

/// Runs `session` on the first connection, on a thread; returns the source that describes it.
pub(crate) fn serve(session: impl FnOnce(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || session(listener.accept().unwrap().0));
    format!("rtsp://127.0.0.1:{port}/stream")
}

/// Reads a request; its lines.
pub(crate) fn request(reader: &mut impl BufRead) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => return Some(lines),
            line => lines.push(line.to_owned()),
        }
    }
}

pub(crate) fn answer(stream: &mut TcpStream, request: &[String], headers: &str, body: &str) {
    let cseq = request
        .iter()
        .find(|line| line.starts_with("CSeq:"))
        .unwrap();
    let length = body.len();
    let text =
        format!("RTSP/1.0 200 OK\r\n{cseq}\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
    let _ = stream.write_all(text.as_bytes());
}

/// Goes along with the client until it wants to see something.
pub(crate) fn until_play(mut stream: TcpStream, sdp: &str) -> Player {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut udp = None;
    loop {
        let request = request(&mut reader).unwrap();
        match request[0].split(' ').next().unwrap() {
            "DESCRIBE" => answer(
                &mut stream,
                &request,
                "Content-Type: application/sdp\r\n",
                sdp,
            ),
            "SETUP" => {
                let ports = request
                    .iter()
                    .find_map(|line| line.split_once("client_port="));
                let transport = match ports {
                    None => "RTP/AVP/TCP;unicast;interleaved=0-1".to_owned(),
                    Some((_, ports)) => {
                        let first = ports.split('-').next().unwrap().parse().unwrap();
                        let (rtp, rtcp) = pair();
                        let (own, next) = (port(&rtp), port(&rtcp));
                        rtp.connect(("127.0.0.1", first)).unwrap();
                        udp = Some((rtp, rtcp));
                        format!("RTP/AVP/UDP;unicast;client_port={ports};server_port={own}-{next}")
                    }
                };
                let headers = format!("Session: 1;timeout=60\r\nTransport: {transport}\r\n");
                answer(&mut stream, &request, &headers, "");
            }
            "PLAY" => {
                answer(&mut stream, &request, "Session: 1\r\n", "");
                return Player {
                    stream,
                    udp,
                    sequence: 65_530,
                };
            }
            _ => answer(&mut stream, &request, "", ""),
        }
    }
}

fn port(socket: &UdpSocket) -> u16 {
    socket.local_addr().unwrap().port()
}

fn pair() -> (UdpSocket, UdpSocket) {
    loop {
        let rtp = UdpSocket::bind("127.0.0.1:0").unwrap();
        if let Some(next) = port(&rtp).checked_add(1)
            && let Ok(rtcp) = UdpSocket::bind(("127.0.0.1", next))
        {
            return (rtp, rtcp);
        }
    }
}

/// A session that plays.
pub(crate) struct Player {
    stream: TcpStream,
    udp: Option<(UdpSocket, UdpSocket)>,
    sequence: u16,
}

impl Player {
    /// Sends a packet of RTP; `false` once nobody wants it.
    pub(crate) fn packet(&mut self, time: u32, mark: bool, payload: &[u8]) -> bool {
        let mut packet = vec![0x80, 96 | u8::from(mark) << 7];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(time.to_be_bytes());
        packet.extend(7u32.to_be_bytes());
        packet.extend(payload);
        self.sequence = self.sequence.wrapping_add(1);
        match &self.udp {
            Some((rtp, _)) => rtp.send(&packet).is_ok(),
            None => {
                let mut framed = vec![b'$', 0];
                framed.extend((packet.len() as u16).to_be_bytes());
                framed.extend(packet);
                self.stream.write_all(&framed).is_ok()
            }
        }
    }

    /// A packet that is lost on its way.
    pub(crate) fn lose(&mut self) {
        self.sequence = self.sequence.wrapping_add(1);
    }

    /// Sends a picture, each NAL unit in a packet, parameter sets before those at which decoding can start.
    pub(crate) fn picture(&mut self, unit: &AccessUnit, time: u32) {
        let sets = unit.parameter_sets.as_ref().unwrap();
        if unit.start.is_start() {
            for set in sets.sps.iter().chain(&sets.pps) {
                self.packet(time, false, set);
            }
        }
        let nals: Vec<&[u8]> = length_prefixed_nals(&unit.data, LengthSize::Four)
            .map(Result::unwrap)
            .collect();
        for (n, nal) in nals.iter().enumerate() {
            self.packet(time, n + 1 == nals.len(), nal);
        }
    }

    /// Says nothing more until the client goes.
    pub(crate) fn freeze(self) {
        let mut reader = BufReader::new(self.stream);
        while request(&mut reader).is_some() {}
    }
}
