"""Which web addresses may be asked: http and https, no secrets in them, and hosts at public addresses alone.

A host's name says nothing of where it leads, so it is the address that is judged, when a connection is made.
"""

from __future__ import annotations

import ipaddress
import re

import httpx2

from schemas.errors import RowError

MAX_URL = 8192
"""Longest web address, characters."""

_INNER = tuple(map(ipaddress.ip_network, ("168.63.129.16/32", "192.0.0.0/24", "64:ff9b:1::/48", "fec0::/10")))
"""Public by their numbers, here or in some versions of Python. In clouds the first two are the way to a machine's own
secrets; behind the third stands any IPv4 address, where in it the network's owner decides; the last were for sites."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

_HOST = re.compile(rb"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


def checked(url: str, base: httpx2.URL | None = None) -> httpx2.URL:
    """The address, without its fragment; relative to `base` when there is one. Raises RowError (bad_url)."""
    if len(url) > MAX_URL:
        raise RowError("bad_url", f"{len(url)} characters")
    try:
        found = base.join(url) if base is not None else httpx2.URL(url)
        host, _ = found.raw_host, found.raw_path
    except (httpx2.InvalidURL, ValueError) as error:
        raise RowError("bad_url", str(error)[:200]) from None
    if found.scheme not in ("http", "https"):
        raise RowError("bad_url", f"{found.scheme[:20] or 'no'} scheme")
    if not (_HOST.fullmatch(host) or b":" in host) or not 0 < (found.port or 80) < 65536:
        raise RowError("bad_url", "no host" if not host else "no such host can be")
    if found.userinfo:
        raise RowError("bad_url", "a password in it")
    return found.copy_with(fragment=None) if found.fragment else found


def is_public(address: str) -> bool:
    """Whether an IP address, with or without a zone, belongs to the public internet, whatever it is wrapped in."""
    ip: Ip = ipaddress.ip_address(address.partition("%")[0])
    return all(_is_public(one) for one in _inside(ip) or [ip])


def _is_public(ip: Ip) -> bool:
    return (ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)
            and not any(ip in network for network in _INNER))


def _inside(ip: Ip) -> list[Ip]:
    """IPv4 addresses to which an IPv6 one is translated on its way."""
    if isinstance(ip, ipaddress.IPv4Address):
        return []
    inside = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if ip in _NAT64:
        inside.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return [one for one in inside if one is not None]
