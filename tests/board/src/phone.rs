//! A phone: the second radio of the air that the board has all to itself, in a network namespace of the board.

use std::time::Duration;

use crate::shell::{Output, Shell};
use crate::{BoardError, Result};

/// Commands of a phone. All of them run on the board, and see nothing of it but what comes through the air.
pub struct Phone<'a> {
    shell: &'a mut Shell,
}

const NEW: &str = "mkdir -p /run/phone && ip netns add phone && \
    iw phy $(cat /sys/class/net/wlan1/phy80211/name) set netns name phone && \
    ip netns exec phone ip link set lo up && ip netns exec phone ip link set wlan1 up";

/// What udhcpc calls with a lease.
const LEASED: &str = "cat > /run/phone/leased <<'END' && chmod 755 /run/phone/leased\n\
    #!/usr/bin/bash\n\
    [ \"$1\" = bound ] || exit 0\n\
    ip addr flush dev $interface\n\
    ip addr add $ip/24 dev $interface\n\
    for r in $router; do ip route add default via $r; done\n\
    echo \"$ip $router $dns\" > /run/phone/lease\nEND";

impl<'a> Phone<'a> {
    /// Switches it on.
    pub fn new(shell: &'a mut Shell) -> Result<Self> {
        shell.ok(NEW)?;
        shell.ok(LEASED)?;
        Ok(Self { shell })
    }

    /// Runs a command on the phone.
    pub fn run(&mut self, command: &str) -> Result<Output> {
        self.run_for(command, Duration::from_secs(120))
    }

    /// Runs a command on the phone.
    pub fn run_for(&mut self, command: &str, patience: Duration) -> Result<Output> {
        let quoted = command.replace('\'', "'\\''");
        self.shell
            .run_for(&format!("ip netns exec phone bash -c '{quoted}'"), patience)
    }

    /// Runs a command on the phone that must succeed.
    pub fn ok(&mut self, command: &str) -> Result<String> {
        let output = self.run(command)?;
        match output.code {
            0 => Ok(output.text),
            code => Err(BoardError::Command {
                command: command.to_owned(),
                code,
                said: output.text,
            }),
        }
    }

    /// The networks in reach.
    pub fn networks(&mut self) -> Result<Vec<String>> {
        let text = self.ok("iw dev wlan1 scan")?;
        let lines = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("SSID: "));
        Ok(lines.map(str::to_owned).collect())
    }

    /// Tries to join a network. Whether it is let in; what wpa_supplicant said.
    pub fn join(&mut self, ssid: &str, passphrase: &str) -> Result<(bool, String)> {
        self.shell.ok(&format!(
            "printf 'network={{\\nssid=\"%s\"\\npsk=\"%s\"\\n}}\\n' '{ssid}' '{passphrase}' > /run/phone/wpa.conf"
        ))?;
        self.ok("rm -f /run/phone/wpa.log; wpa_supplicant -B -P /run/phone/wpa.pid -i wlan1 -c /run/phone/wpa.conf -D nl80211 -f /run/phone/wpa.log")?;
        let judged = "for i in $(seq 60); do grep -q -E 'CTRL-EVENT-CONNECTED|WRONG_KEY|pre-shared key may be incorrect' /run/phone/wpa.log && break; sleep 1; done; cat /run/phone/wpa.log";
        let said = self.ok(judged)?;
        Ok((said.contains("CTRL-EVENT-CONNECTED"), said))
    }

    /// Leaves the network.
    pub fn leave(&mut self) -> Result<()> {
        self.run("kill $(cat /run/phone/wpa.pid); sleep 1; iw dev wlan1 disconnect; ip addr flush dev wlan1; rm -f /run/phone/lease; true")
            .map(drop)
    }

    /// Asks for an address. Address, router and name server.
    pub fn lease(&mut self) -> Result<String> {
        self.ok("busybox udhcpc -i wlan1 -n -q -t 10 -s /run/phone/leased")?;
        Ok(self.ok("cat /run/phone/lease")?.trim().to_owned())
    }

    /// The board's own shell.
    pub fn board(&mut self) -> &mut Shell {
        self.shell
    }
}
