SUMMARY = "The card of a picam dashcam, with a way in for developers"
DESCRIPTION = "picam-image with SSH and tools. Root has no password: whoever joins the hotspot owns it."

require picam-image.inc

# SSH (dropbear; picam-ssh lets it through the firewall), for root without a password
# nooelint: oelint.var.badimagefeature - a way in is what this image is for, and its name says so
IMAGE_FEATURES += "allow-empty-password allow-root-login empty-root-password"

# What is going on: partitions, I2C, pins, USB, system calls, receiver, radio, packets, card
IMAGE_INSTALL += "\
    dropbear \
    ethtool \
    gps-utils \
    i2c-tools \
    libgpiod-tools \
    mmc-utils \
    picam-ssh \
    strace \
    systemd-analyze \
    tcpdump \
    usbutils \
    util-linux-blkid \
    util-linux-lsblk \
    util-linux-sfdisk \
    wpa-supplicant-cli \
"
BAD_RECOMMENDATIONS:remove = "wpa-supplicant-cli"
