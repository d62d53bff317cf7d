//! A client of live views, as `curl` is one.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_recv_buffer_size;
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};

/// An open live view.
pub struct LiveView {
    /// Status of the answer.
    pub status: u16,
    /// Its head.
    pub head: String,
    stream: BufReader<TcpStream>,
    /// Of a picture that has not come as a whole.
    begun: Vec<u8>,
}

impl LiveView {
    /// Asks for a camera's pictures from this address of loopback.
    pub fn open(from: Ipv4Addr, page: SocketAddr, camera: char) -> io::Result<Self> {
        let own = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        // What lies in the kernel is not to count as taken.
        set_socket_recv_buffer_size(&own, 64 << 10)?;
        bind(&own, &SocketAddrV4::new(from, 0))?;
        connect(&own, &page)?;
        let mut stream = TcpStream::from(own);
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        write!(
            stream,
            "GET /api/cameras/{camera}/live HTTP/1.1\r\nHost: {page}\r\n\r\n"
        )?;
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let status = head.get(9..12).and_then(|code| code.parse().ok());
        Ok(Self {
            status: status.ok_or(io::ErrorKind::InvalidData)?,
            head,
            stream,
            begun: Vec::new(),
        })
    }

    /// The next piece; `None` at the end of the answer.
    pub fn piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let len = usize::from_str_radix(line.trim(), 16);
        let len = len.map_err(|_| io::ErrorKind::InvalidData)?;
        let mut piece = vec![0; len + 2];
        self.stream.read_exact(&mut piece)?;
        piece.truncate(len);
        Ok((len > 0).then_some(piece))
    }

    /// All that comes for so long, up to a whole picture; the rest comes with the next. Pieces are two a picture: what
    /// stands before it, and that.
    pub fn take(&mut self, time: Duration) -> io::Result<Vec<u8>> {
        let end = Instant::now() + time;
        let mut taken = std::mem::take(&mut self.begun);
        let mut whole = 0;
        while Instant::now() < end {
            let Some(piece) = self.piece()? else { break };
            // What begins a fragment says that the one before it is there.
            if piece.get(4..8) == Some(b"moof") {
                whole = taken.len();
            }
            taken.extend(piece);
        }
        self.begun = taken.split_off(whole);
        Ok(taken)
    }
}
