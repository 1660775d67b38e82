"""Whether a licence is approved by the Open Source Initiative, from its SPDX identifier.

Source: the OSI's list of approved licences (opensource.org/licenses) and the SPDX licence list. An identifier that
stands in neither table here is unknown, not refused: a person looks at it.
"""

from __future__ import annotations

APPROVED = frozenset(
    identifier.lower()
    for identifier in (
        "0BSD AAL AFL-1.1 AFL-1.2 AFL-2.0 AFL-2.1 AFL-3.0 AGPL-3.0 Apache-1.1 Apache-2.0 APL-1.0 APSL-1.0 APSL-1.1"
        " APSL-1.2 APSL-2.0 Artistic-1.0 Artistic-1.0-cl8 Artistic-1.0-Perl Artistic-2.0 BlueOak-1.0.0 BSD-1-Clause"
        " BSD-2-Clause BSD-2-Clause-Patent BSD-3-Clause BSD-3-Clause-LBNL BSL-1.0 CAL-1.0 CATOSL-1.1 CDDL-1.0"
        " CECILL-2.1 CERN-OHL-P-2.0 CERN-OHL-S-2.0 CERN-OHL-W-2.0 CNRI-Python CPAL-1.0 CPL-1.0 CUA-OPL-1.0 ECL-1.0"
        " ECL-2.0 EFL-1.0 EFL-2.0 Entessa EPL-1.0 EPL-2.0 EUDatagrid EUPL-1.1 EUPL-1.2 Fair Frameworx-1.0 GPL-2.0"
        " GPL-3.0 HPND Intel IPA IPL-1.0 ISC Jam LGPL-2.0 LGPL-2.1 LGPL-3.0 LiLiQ-P-1.1 LiLiQ-R-1.1 LiLiQ-Rplus-1.1"
        " LPL-1.0 LPL-1.02 LPPL-1.3c MirOS MIT MIT-0 MIT-Modern-Variant Motosoto MPL-1.0 MPL-1.1 MPL-2.0 MS-PL MS-RL"
        " MulanPSL-2.0 Multics NASA-1.3 Naumen NCSA NGPL Nokia NPOSL-3.0 NTP OCLC-2.0 OFL-1.1 OGTSL OLDAP-2.8"
        " OSET-PL-2.1 OSL-1.0 OSL-2.0 OSL-2.1 OSL-3.0 PHP-3.0 PHP-3.01 PostgreSQL PSF-2.0 Python-2.0 QPL-1.0 RPL-1.1"
        " RPL-1.5 RPSL-1.0 RSCPL SimPL-2.0 SISSL Sleepycat SPL-1.0 UCL-1.0 Unicode-3.0 Unicode-DFS-2016 Unlicense"
        " UPL-1.0 VSL-1.0 W3C Watcom-1.0 Xnet Zlib ZPL-2.0 ZPL-2.1"
    ).split()
)

NOT_APPROVED = frozenset(
    identifier.lower()
    for identifier in (
        "BSD-3-Clause-Clear BSD-4-Clause BUSL-1.1 CC0-1.0 CC-BY-3.0 CC-BY-4.0 CC-BY-NC-4.0 CC-BY-NC-SA-4.0 CC-BY-ND-4.0"
        " CC-BY-SA-3.0 CC-BY-SA-4.0 Elastic-2.0 GFDL-1.3 JSON MulanPSL-1.0 ODbL-1.0 SSPL-1.0 Vim WTFPL"
    ).split()
)


def osi_approved(spdx: str | None) -> bool | None:
    """True or False where it is known; None for an unknown licence (None), one that the forge could not name
    (``NOASSERTION``, ``Other``), or an identifier that no table here has.

    ``""`` (the forge says that there is none) is False: without a licence nothing may be shared. Expressions with
    ``OR`` are approved when one side is, with ``AND`` when both are.
    """
    if spdx is None:
        return None
    text = spdx.strip()
    if not text:
        return False
    return _any([_all([_one(part) for part in side.split(" AND ")]) for side in text.split(" OR ")])


def _one(identifier: str) -> bool | None:
    name = identifier.strip(" ()").partition(" WITH ")[0].lower()
    for ending in ("-only", "-or-later", "+"):
        name = name.removesuffix(ending)
    if name in APPROVED:
        return True
    return False if name in NOT_APPROVED else None


def _any(answers: list[bool | None]) -> bool | None:
    if True in answers:
        return True
    return None if None in answers else False


def _all(answers: list[bool | None]) -> bool | None:
    if False in answers:
        return False
    return None if None in answers else True
