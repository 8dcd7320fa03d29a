"""Labelled cases: what must go, what must stay. A case is (text, values that must go); traps have no values."""

import pytest

from kslm.redact import redact

PERSONAL = [
    ("Author: Jane Roe <jane.roe@example.org>", ["jane.roe@example.org"]),
    ("mail jane+kernel@sub.example.co.uk today", ["jane+kernel@sub.example.co.uk"]),
    ("Copyright (c) J. Seward (jseward@acme.org).", ["jseward@acme.org"]),
    ("Author: joe (at) example.org", ["joe (at) example.org"]),
    ("pavel at ucw dot cz wrote this", ["pavel at ucw dot cz"]),
    ("Linux version 6.1.0-18-amd64 (dev-team@lists.example.org) (gcc-12)", ["dev-team@lists.example.org"]),
    ("Linux version 5.15.0 (karl@lcy02-amd64-032) (gcc 11.4)", ["karl", "lcy02-amd64-032"]),
    ("karl@thinkpad:~$ dmesg", ["karl", "thinkpad"]),
    ("rsync from karl@backuphost done", ["karl", "backuphost"]),
    ("root@thinkpad # reboot", ["thinkpad"]),
    ("Accepted password for karl from 192.168.7.20 port 52144 ssh2", ["karl", "192.168.7.20"]),
    ("Accepted publickey for k.roe from 203.0.113.77 port 1 ssh2", ["k.roe", "203.0.113.77"]),
    ("Failed password for invalid user oracle9 from 187.141.143.180 port 40480 ssh2", ["oracle9", "187.141.143.180"]),
    ("Failed none for illegal user test9 from 10.1.1.9 port 2", ["test9", "10.1.1.9"]),
    ("Invalid user webmaster2 from 173.234.31.186", ["webmaster2", "173.234.31.186"]),
    ("input_userauth_request: invalid user webmaster2 [preauth]", ["webmaster2"]),
    ("pam_unix(sshd:session): session opened for user karl by (uid=0)", ["karl"]),
    ("session closed for user karl", ["karl"]),
    ("New session 12 of user karl.", ["karl"]),
    ("Started Session 3 of user karl", ["karl"]),
    ("Connection closed by authenticating user karl 198.51.100.4 port 9 [preauth]", ["karl", "198.51.100.4"]),
    ("Disconnected from user karl 198.51.100.4 port 9", ["karl", "198.51.100.4"]),
    ("authentication failure; logname=karl uid=0 tty=ssh ruser=kroe rhost=gw7.example.net  user=karl2",
     ["logname=karl ", "kroe", "gw7.example.net", "karl2"]),
    ("    karl : TTY=pts/0 ; PWD=/home/karl ; USER=root ; COMMAND=/bin/ls", [" karl :", "/home/karl"]),
    ("(to root) karl on pts/3", ["karl"]),
    ("(karl) CMD (run-parts /etc/cron.hourly)", ["karl"]),
    ("FAILED LOGIN 1 FROM tty1 FOR karl, Authentication failure", ["karl"]),
    ("LOGIN ON tty1 BY karl", ["karl"]),
    ("new user: name=karl, UID=1000, GID=1000, home=/home/karl, shell=/bin/bash", ["name=karl", "/home/karl"]),
    ("add 'karl' to group 'sudo'", ["karl"]),
    ("password changed for karl", ["karl"]),
    ('type=USER_AUTH acct="karl" exe="/usr/sbin/sshd"', ["karl"]),
    ("opened /home/karl/.ssh/config", ["karl"]),
    ("opened /Users/karl/Library", ["karl"]),
    (r"C:\Users\karl\AppData", ["karl"]),
    ("eth0: IPv4 address 172.16.31.8/24", ["172.16.31.8"]),
    ("nameserver 9.9.9.9", ["9.9.9.9"]),
    ("SRC=185.220.101.4 DST=10.0.0.5 LEN=40", ["185.220.101.4", "10.0.0.5"]),
    ("range 192.168.1.10-192.168.1.99", ["192.168.1.10", "192.168.1.99"]),
    ("connect to 5.6.7.8:443 failed", ["5.6.7.8"]),
    ("inet6 fe80::5054:ff:fe12:3456 scope link", ["fe80::5054:ff:fe12:3456"]),
    ("from 2a00:1450:4001:81b::200e: reply", ["2a00:1450:4001:81b::200e"]),
    ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", ["2001:0db8:85a3:0000:0000:8a2e:0370:7334"]),
    ("[fd00::17]:8080 listening", ["fd00::17"]),
    ("r8169 eth0: RTL8168h, 52:54:00:12:34:56, XID 541", ["52:54:00:12:34:56"]),
    ("link/ether 00-1B-63-84-45-E6", ["00-1B-63-84-45-E6"]),
    ("IN=eth0 MAC=52:54:00:12:34:56:00:1b:63:84:45:e6:08:00 LEN=60", ["52:54:00:12:34:56:00:1b:63:84:45:e6:08:00"]),
    ("enx001b638445e6: renamed from eth0", ["001b638445e6"]),
    ("ib0: guid 50:06:0b:00:00:c2:62:02", ["50:06:0b:00:00:c2:62:02"]),
    ("usb 1-1: SerialNumber: 4C530001220528117105", ["4C530001220528117105"]),
    ("Serial Number:    WD-WCC4E2JK1234", ["WD-WCC4E2JK1234"]),
    ("S/N: PF1X2Y3Z", ["PF1X2Y3Z"]),
    ("ID_SERIAL_SHORT=S3Z9NB0K123456", ["S3Z9NB0K123456"]),
    ("iSerial                 3 0123456789AB", ["0123456789AB"]),
    ("/dev/disk/by-id/ata-WDC_WD10_WD-WCC3F1234567", ["WCC3F1234567"]),
    ("root=UUID=8f6c2c1e-7e0e-4d0a-9e0b-3a1d5b6c7d8e ro quiet", ["8f6c2c1e-7e0e-4d0a-9e0b-3a1d5b6c7d8e"]),
    ("UUID=1A2B-3C4D /boot/efi vfat", ["1A2B-3C4D"]),
    ("-- Boot 3f0c9b7e5d1a4c2e8b6f0a9d7c5e3b1a --", ["3f0c9b7e5d1a4c2e8b6f0a9d7c5e3b1a"]),
    ("key id AKIAIOSFODNN7EXAMPLE used", ["AKIAIOSFODNN7EXAMPLE"]),
    ("token ghp_" + "a1B2" * 9, ["ghp_" + "a1B2" * 9]),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nzz==\n-----END RSA PRIVATE KEY-----", ["MIIEpAIBAAKCAQEA"]),
    ("mount -o username=karl,password=hunter2 //srv/x", ["karl", "hunter2"]),
    ("mysqld --password s3cr3t!", ["s3cr3t!"]),
    ("api_key: 9f8e7d6c5b4a39281706", ["9f8e7d6c5b4a39281706"]),
    ("token=Zx81qP02mmAa77", ["Zx81qP02mmAa77"]),
    ("Authorization: Bearer abcDEF123456ghiJKL789", ["abcDEF123456ghiJKL789"]),
    ("git clone https://karl:pa55w0rd@git.example.com/x.git", ["karl", "pa55w0rd"]),
    ("RSA SHA256:" + "aB3d" * 10 + "xyz", ["aB3d" * 10]),
    ("connection from 82.252.162.81 (lns-vlq-45-tou-82-252-162-81.adsl.example.net)",
     ["82.252.162.81", "lns-vlq-45-tou-82-252-162-81.adsl.example.net"]),
    ("calvisitor-10-105-160-95 kernel: en0", ["calvisitor-10-105-160-95"]),
    ("Hostname set to <thinkpad>.", ["thinkpad"]),
]  # fmt: skip

TRAPS = [
    "pci 0000:00:1f.2: [8086:1c02] type 00 class 0x010601",
    "Windows version 6.1.7601.23505 (win7sp1)",
    "driver version 3.2.1.5 loaded",
    "firmware 10.1.22.4 requested",
    "see IEEE 802.11-2012, 8.4.2.97.",
    "state definitions (43.4.2.2 in the spec)" .replace("43", "23"),
    "as in section 7.3.1.2 of the standard",
    "status installed libfoo1:amd64 1.22.33.44-2",
    "upgraded foo-1.2.3.4 to 1.2.3.40+dfsg",
    "snmp OID 1.3.6.1.4.1.311.2",
    r"ACPI: \_SB_.PCI0.LPCB.EC0_ loaded; _HID PNP0C0A",
    "std::vector<int>::iterator a::b core::fmt::Debug",
    "at 12:34:56 on 2026-11-21T05:46:58+00:00",
    "scsi 0:0:0:0: Direct-Access",
    "listening on 127.0.0.1:631 and [::1]:631, 0.0.0.0:*",
    "netmask 255.255.255.0, broadcast 255.255.255.255, group 224.0.0.251",
    "dst ff:ff:ff:ff:ff:ff and 01:80:c2:00:00:00 and 00:00:00:00:00:00",
    "dump de:ad:be:ef:00:11:22:33:44:55:66:77:88:99:aa:bb",
    "uart0: serial@10000 { reg = <0x10000>; };",
    "i2c@7e804000 cpu@0 memory@80000000 node-name@unit-address",
    "Started getty@tty1.service and user@1000.service.",
    "@token: the token to be passed on",
    "@password: the password of the share",
    "usb 1-1: New USB device strings: Mfr=1, Product=2, SerialNumber=3",
    "Serial: 8250/16550 driver, 4 ports, IRQ sharing enabled",
    "serial8250: ttyS0 at I/O 0x3f8 is a 16550A",
    "copied for user space by the kernel, for user processes only",
    "the token = next_token2; the secret key is derived",
    "password = kmalloc(len, GFP_KERNEL); password=%s token=0x1234abcd",
    "session opened for user root by (uid=0)",
    "user=root PWD=/root",
    "symbol memcpy@@GLIBC_2.14 and foo@plt and HEAD@{1}",
    "Serial Number: To Be Filled By O.E.M.",
    "uuid 00000000-0000-0000-0000-000000000000",
    "clone git@github.com:torvalds/linux.git",
    "Linux version 6.1.0-18-amd64, gcc-12 (Debian 12.2.0-14) 12.2.0",
    "dates 2026-11-21-05 and ids 1-2-3-4, mfd-1-2-3-4",
    "mm/slab.c:123: warning: x::y; cafe: babe",
    "usb 3-1.4.2.1: new high-speed device",
    "spectre_v2_user=off; see http://www.example.org/users/paul/paper.pdf",
    "translate the hostname to IP addresses, the hostname to resolve",
    "proglen=70 pass=3 image=f",
    "copied to build/x/home/lake/table and /srv/app/home/data",
    "0000:00:02.0 on minor 0, i915 1.6.0 20201103",
]  # fmt: skip


@pytest.mark.parametrize(("text", "values"), PERSONAL, ids=[text[:40] for text, _ in PERSONAL])
def test_personal_data_goes(text, values):
    result = redact(text, machine=True)
    assert [value for value in values if value in result.text] == []
    assert result.count >= 1
    assert redact(result.text, machine=True).text == result.text


@pytest.mark.parametrize("text", TRAPS, ids=[text[:40] for text in TRAPS])
def test_lookalikes_stay(text):
    assert redact(text).text == text


def test_nothing_else_is_taken():
    before = "Failed password for invalid user karl from 192.0.2.7 port 40480 ssh2"
    assert (
        redact(before, machine=True).text == "Failed password for invalid user <user-1> from <ipv4-1> port 40480 ssh2"
    )
    assert redact("Jane Roe <jane@example.org>, kernel").text == "Jane Roe <email-1>, kernel"


def test_what_published_text_keeps():
    kept = (
        "server 192.168.1.7, 203.0.113.9, 1.2.3.4, 8.8.8.8, 10.0.0.0/8, 2001:db8::7, fd00::1, 00:11:22:33:44:55",
        "root=UUID=8f6c2c1e-7e0e-4d0a-9e0b-3a1d5b6c7d8e for joe@backuphost or /home/username --hostname=box[:PORT]",
        "Invalid user %s; the authenticating user the account; password=secret cache_bypass=Y hmac-md5@openssh.com",
    )
    for text in kept:
        assert redact(text).text == text


def test_what_published_text_hides():
    before = "ask kroe@acme.org or 81.187.94.30, 2a01:4f8::7, c4:6e:1f:9a:05:d7, /home/kroe, password=s3cr3tP4ss"
    after = "ask <email-1> or <ipv4-1>, <ipv6-1>, <mac-1>, /home/<user-1>, password=<secret-1>"
    assert redact(before).text == after


def test_a_quoted_log_line_hides_its_names():
    line = "Mar  4 07:12:55 kestrel sshd[1]: Accepted password for karl from 192.0.2.7 port 1"
    assert redact(f"karl says:\n  {line}\n{line}").text.count("karl") == 2
    assert "kestrel" not in redact(line).text
