"""What a card is provisioned with: checked as the camera checks it, or made."""

import os
import re
import secrets
import subprocess

from . import BadInput

# The codes of wireless-regdb 2026.05.30; tests/flash compares them with the installed package.
COUNTRIES = frozenset(
    """
    AD AE AF AI AL AM AN AR AS AT AU AW AZ BA BB BD BE BF BG BH BL BM BN BO BR BS BT BW BY BZ CA CF CH CI
    CL CN CO CR CU CX CY CZ DE DK DM DO DZ EC EE EG ES ET FI FM FO FR GB GD GE GF GH GI GL GP GR GT GU GY
    HK HN HR HT HU ID IE IL IM IN IR IS IT JM JO JP KE KH KN KP KR KW KY KZ LB LC LI LK LS LT LU LV MA MC
    MD ME MF MH MK MN MO MP MQ MR MT MU MV MW MX MY NA NG NI NL NO NP NZ OM PA PE PF PG PH PK PL PM PR PT
    PW PY QA RE RO RS RU RW SA SE SG SI SK SM SN SR SV SX SY TC TD TG TH TN TR TT TW TZ UA UG US UY UZ VA
    VC VE VI VN VU WF WS YE YT ZA ZW
    """.split()
)
# Nothing that reads like another: no i, l, o, 0, 1. 31 characters, 4.95 bits each.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
ZONEINFO = "/usr/share/zoneinfo"


def make_secret(groups):
    """Groups of four random characters; four groups are 79 bits, three 59."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(groups))


def make_ssid(name):
    """The device's name, and four digits that tell two cameras apart."""
    return f"{name}-{secrets.token_hex(2)}"


def check_name(name):
    """A label of RFC 1123, short enough for an SSID made of it."""
    if re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,25}[a-z0-9])?", name):
        return name
    raise BadInput(f"--name {name!r}: use a-z, 0-9 and - (not first or last), 27 characters at most")


def check_ssid(ssid):
    """IEEE 802.11-2020, 9.4.2.2: at most 32 bytes."""
    try:
        length = len(ssid.encode())
    except UnicodeEncodeError:
        raise BadInput("--ssid is not UTF-8") from None
    if not 1 <= length <= 32:
        raise BadInput(
            f"--ssid has {length} bytes; 1 to 32 are possible (letters with accents count two or more)"
        )
    if any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in ssid):
        raise BadInput("--ssid has a control character")
    return ssid


def check_passphrase(passphrase):
    """IEEE 802.11-2020, J.4.1. The value itself is never repeated."""
    if not 8 <= len(passphrase) <= 63:
        raise BadInput(f"--passphrase has {len(passphrase)} characters; WPA2 wants 8 to 63")
    if not all(" " <= c <= "~" for c in passphrase):
        raise BadInput("--passphrase: only letters without accents, digits, signs and spaces are possible")
    return passphrase


def check_password(password):
    """The page's password, by the rules of `picam password`."""
    if len(password) < 8:
        raise BadInput("--password is too short: use at least 8 characters")
    try:
        length = len(password.encode())
    except UnicodeEncodeError:
        raise BadInput("--password is not UTF-8") from None
    if length > 1024:
        raise BadInput("--password is too long: use at most 1024 bytes")
    if any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in password):
        raise BadInput("--password has a control character")
    return password


def check_country(country):
    """A regulatory domain that the kernel's database knows."""
    code = country.upper()
    if code in COUNTRIES:
        return code
    raise BadInput(
        f"--country {country!r}: write the two letters of the country (ISO 3166-1), such as DE or US"
    )


def check_time_zone(zone):
    """A name that this computer's time zone database has, if it has one; else one that looks like it."""
    part = r"[A-Za-z][A-Za-z0-9_+-]*"
    sound = len(zone) <= 64 and re.fullmatch(f"{part}(/{part})*", zone)
    if sound and os.path.isdir(ZONEINFO):
        sound = os.path.isfile(os.path.join(ZONEINFO, zone))
    if sound:
        return zone
    raise BadInput(f"--time-zone {zone!r}: write a name of the IANA database, such as Europe/Berlin")


def computers_time_zone():
    """This computer's zone, or UTC."""
    for source in (zone_by_name, zone_by_systemd, zone_by_link):
        try:
            return check_time_zone(source())
        except (OSError, subprocess.SubprocessError, BadInput):
            continue
    return "Etc/UTC"


def zone_by_name():
    with open("/etc/timezone", encoding="ascii", errors="replace") as file:
        return file.readline().strip()


def zone_by_systemd():
    command = ["timedatectl", "show", "--property=Timezone", "--value"]
    return subprocess.run(command, capture_output=True, text=True, timeout=5).stdout.strip()


def zone_by_link():
    return os.readlink("/etc/localtime").partition("zoneinfo/")[2]


def guess_country(environment):
    """The country of the language settings: only ever a proposal, for en_US is set all over the world."""
    for variable in ("LC_ALL", "LC_TIME", "LC_MONETARY", "LANG"):
        match = re.match(r"[a-z]{2,3}_([A-Z]{2})\b", environment.get(variable, ""))
        if match and match[1] in COUNTRIES:
            return match[1]
    return None
