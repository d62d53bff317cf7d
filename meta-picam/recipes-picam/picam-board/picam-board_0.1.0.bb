SUMMARY = "What is on the card besides the program: units, users, configuration"
DESCRIPTION = "Every file of board/rootfs: systemd units, users, configuration of chrony, nftables, ..."

require picam-board.inc

SRC_URI += "\
    file://board/rootfs/etc/e2fsck.conf \
    file://board/rootfs/usr \
    file://board/boot/picam.toml \
"

inherit systemd useradd

# Every unit of board/rootfs: the build fails if one is not installed. picam.target pulls in what
# shall run, so there is nothing to enable, and packages have no say in it.
SYSTEMD_SERVICE:${PN} = "\
    boot.mount \
    disk.mount \
    footage.mount \
    picam-anchor.service \
    picam-card.service \
    picam-disk-fsck.service \
    picam-disk-retry.timer \
    picam-disk@.service \
    picam-dnsmasq.service \
    picam-firewall.service \
    picam-firstboot.service \
    picam-footage-retry.timer \
    picam-fsck-state.service \
    picam-fsck.service \
    picam-gps-device@.service \
    picam-gps.service \
    picam-guard.service \
    picam-hostapd.service \
    picam-hotspot-switch.path \
    picam-hotspot-switch.service \
    picam-hotspot.service \
    picam-journal.service \
    picam-journal.timer \
    picam-machine-id.service \
    picam-names.service \
    picam-partitions.service \
    picam-poweroff.path \
    picam-record.service \
    picam-settings.service \
    picam-settings.socket \
    picam-station.service \
    picam-time.service \
    picam-web.service \
    picam-web.socket \
    picam.slice \
    picam.target \
    state.mount \
    var.mount \
"
SYSTEMD_AUTO_ENABLE:${PN} = "disable"

# The links of etc/systemd/system to /dev/null. They are listed because bitbake cannot tell by a link
# that leads out of the tree whether it has changed. (default.target is made by the image.)
MASKED_UNITS = "\
    dbus.service \
    dbus.socket \
    dev-hugepages.mount \
    dev-mqueue.mount \
    getty.target \
    ldconfig.service \
    proc-sys-fs-binfmt_misc.automount \
    run-lock.mount \
    sys-fs-fuse-connections.mount \
    sys-kernel-config.mount \
    sys-kernel-debug.mount \
    sys-kernel-tracing.mount \
    systemd-ask-password-console.path \
    systemd-ask-password-wall.path \
    systemd-binfmt.service \
    systemd-creds.socket \
    systemd-firstboot.service \
    systemd-hibernate-clear.service \
    systemd-hostnamed.socket \
    systemd-hwdb-update.service \
    systemd-initctl.socket \
    systemd-journal-catalog-update.service \
    systemd-journal-flush.service \
    systemd-logind.service \
    systemd-machine-id-commit.service \
    systemd-networkd-persistent-storage.service \
    systemd-networkd-wait-online.service \
    systemd-pcrextend.socket \
    systemd-pcrlock.socket \
    systemd-pcrmachine.service \
    systemd-pcrphase-sysinit.service \
    systemd-pcrphase.service \
    systemd-random-seed.service \
    systemd-remount-fs.service \
    systemd-rfkill.service \
    systemd-rfkill.socket \
    systemd-sysext.socket \
    systemd-sysusers.service \
    systemd-tpm2-setup-early.service \
    systemd-tpm2-setup.service \
    systemd-udev-load-credentials.service \
    systemd-update-done.service \
"

# Users have fixed numbers: footage belongs to 800 on every card that was ever written. This is
# usr/lib/sysusers.d/picam.conf once more, for a root that nobody can add users to at boot.
USERADD_PACKAGES = "${PN}"
GROUPADD_PARAM:${PN} = "\
    --system --gid 800 picam; \
    --system --gid 801 picam-web; \
    --system --gid 802 picam-wifi; \
    --system --gid 803 picam-dns; \
    --system --gid 804 picam-time; \
    --system --gid 805 picam-gps; \
    --system --gid 806 picam-guard; \
    --system i2c; \
    --system gpio \
"
USERADD_PARAM:${PN} = "\
    --system --uid 800 --gid picam --home-dir / --no-create-home --shell ${sbindir}/nologin picam; \
    --system --uid 801 --gid picam-web --groups picam --home-dir / --no-create-home --shell ${sbindir}/nologin picam-web; \
    --system --uid 802 --gid picam-wifi --home-dir / --no-create-home --shell ${sbindir}/nologin picam-wifi; \
    --system --uid 803 --gid picam-dns --home-dir / --no-create-home --shell ${sbindir}/nologin picam-dns; \
    --system --uid 804 --gid picam-time --home-dir / --no-create-home --shell ${sbindir}/nologin picam-time; \
    --system --uid 805 --gid picam-gps --home-dir / --no-create-home --shell ${sbindir}/nologin picam-gps; \
    --system --uid 806 --gid picam-guard --home-dir / --no-create-home --shell ${sbindir}/nologin picam-guard \
"

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    cp -R --no-dereference --preserve=mode,links ${S}/board/rootfs/. ${D}/
    chmod -R u+rwX,go+rX,go-w ${D}
    install -d ${D}${sysconfdir}/systemd/system
    for unit in ${MASKED_UNITS}; do
        ln -s /dev/null ${D}${sysconfdir}/systemd/system/$unit
    done
    # For a card whose own is lost; picam firstboot settings takes it.
    install -m 0644 ${S}/board/boot/picam.toml ${D}${datadir}/picam/picam.toml
    # Where the partitions are mounted: a read-only root cannot grow a directory later.
    install -d ${D}/disk ${D}/footage ${D}/state
}

PACKAGES = "${PN}"
# nooelint: oelint.var.filesoverride - all that is installed, wherever board/rootfs has it
FILES:${PN} = "/"
