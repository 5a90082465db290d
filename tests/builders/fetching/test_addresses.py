"""Which addresses may be asked, by what their owners (IANA and a cloud) say of them."""

import pytest

from builders.fetching.addresses import checked, is_public


@pytest.mark.parametrize("ip", [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
    "255.255.255.255", "168.63.129.16", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1",
    "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::", "2002:a00:1::1", "64:ff9b:1::808:808",
    "64:ff9b:1:7f00:0:100:808:808", "fec0::1",
])
def test_addresses_within_networks_are_private(ip: str) -> None:
    assert not is_public(ip)


@pytest.mark.parametrize("ip", ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111",
                                "::ffff:1.1.1.1", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(ip: str) -> None:
    assert is_public(ip)


def test_addresses_are_written_alike() -> None:
    assert str(checked("HTTP://EXAMPLE.org/a b?c=ü#part")) == "http://example.org/a%20b?c=%C3%BC"
    assert checked("https://bücher.example/").raw_host == b"xn--bcher-kva.example"
    assert str(checked("../b.jpg", checked("https://example.org/x/y/a.jpg"))) == "https://example.org/x/b.jpg"
    assert str(checked("//other.example/b", checked("https://example.org/"))) == "https://other.example/b"
