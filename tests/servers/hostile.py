"""Addresses and URLs that must never be reached, and public ones that may; nothing here is ever connected to."""

ADDRESSES = [
    # this network, private, shared, loopback, link-local, documentation, benchmarking, multicast, reserved, broadcast
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.1.2.3",
    "127.255.255.255", "168.63.129.16", "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1",
    "172.31.255.255", "192.0.0.1", "192.0.0.170", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1",
    "192.168.0.1", "192.168.255.255", "192.175.48.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    # IPv6: unspecified, loopback, mapped, compatible, translated, NAT64, ULA, link-local, site-local, multicast
    "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8", "::127.0.0.1", "::8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::8.8.8.8",
    "64:ff9b:1::1", "100::1", "fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1",
    "ff0e::1", "::5efe:10.0.0.1", "4000::1", "5f00::1", "1fff::1", "e000::1",
    # IPv6 inside 2000::/3: Teredo, ORCHID, benchmarking, documentation, 6to4, AS112, ISATAP
    "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1", "2001:10::1", "2001:20::1", "2001:1ff:ffff::1",
    "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "2620:4f:8000::1", "3fff::1", "3fff:fff::1",
    "2a00:1450::5efe:a00:1", "2a00:1450::200:5efe:7f00:1", "2a00:1450:0:0:0:5efe:808:808",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "192.0.1.1",
    "198.17.255.255", "198.20.0.1", "223.255.255.255", "168.63.129.15", "2a00:1450:4001::1", "2001:200::1",
    "2606:4700::1111", "2003::1", "3ffe::1",
]  # fmt: skip
URLS = [
    "https://0x7f.1/", "https://0x7f000001/", "https://2130706433/", "https://0177.0.0.1/", "https://127.1/",
    "https://127.0.1/", "https://127.0.0.1./", "https://017700000001/", "https://0x7f.0x0.0x0.0x1/",
    "https://127.0.0.0x1/", "https://0/", "https://0x/", "https://1.2.3.4.5/", "https://256.1.1.1/", "https://10.1/",
    "https://example.0x1/", "https://\uff11\uff12\uff17.0.0.1/", "https://127\u30020\u30020\u30021/",
    "https://\u2460\u2461\u2466.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/",
    "https://[fe80::1%25eth0]/", "https://[::1%251]/", "https://[1]/", "https://[v1.x]/", "https://localhost/",
    "https://LOCALHOST/", "https://localhost./", "https://\uff4cocalhost/", "http://8.8.8.8/", "http://example.com/",
    "https://example.com:80/", "https://example.com:22/", "https://example.com:444/", "https://example.com:0/",
    "https://example.com:99999/", "https://example.com:-1/", "https://example.com:\uff14\uff14\uff13/",
    "https://user@example.com/", "https://user:password@example.com/", "https://example.com@127.0.0.1/",
    "https://@example.com/", "https://example.com\\@127.0.0.1/", "https://example.com\t/", "https://exam\nple.com/",
    " https://example.com/", "https://example.com /", "https://example.com/\x00", "https://example.com/#part",
    "https://example.com/#", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/",
    "unix:///run/x.sock", "javascript:alert(1)", "data:text/html,x", "//example.com/", "example.com", "", "https://",
    "https:///path", "https://?x", "https://.example.com/", "https://exa_mple..com/", "https://-example.com/",
    "https://%31%32%37.0.0.1/", "https://" + "a" * 64 + ".com/", "https://" + "a." * 130 + "com/",
    "https://example.com/" + "a" * 2000, "https://exam\u2028ple.com/", "https://example.com/\xe9", "https://[::1",
    "https://169.254.169.254/latest/meta-data/",
]  # fmt: skip
